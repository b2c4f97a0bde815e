/* Tests of base/arena: alignment, zeroing, growth over many blocks, and an end that frees everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

static void test_empty_arena_may_be_released(void **state)
{
	(void)state;
	struct arena arena = {0};
	assert_int_equal(arena_used(&arena), 0);
	arena_release(&arena);
	arena_release(&arena);
}

static void test_memory_is_aligned_zeroed_and_apart(void **state)
{
	(void)state;
	struct arena arena = {0};
	unsigned char *parts[600];
	for (size_t i = 0; i < 600; i++) {
		parts[i] = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
		for (size_t at = 0; at < i; at++)
			assert_int_equal(parts[i][at], 0);
		memset(parts[i], (int)(i % 251) + 1, i);
	}
	for (size_t i = 0; i < 600; i++)
		for (size_t at = 0; at < i; at++)
			assert_int_equal(parts[i][at], i % 251 + 1);
	assert_int_equal(arena_used(&arena), 600 * 599 / 2);
	arena_release(&arena);
	assert_int_equal(arena_used(&arena), 0);
	memset(arena_alloc(&arena, 10), 1, 10);
	assert_int_equal(arena_used(&arena), 10);
	arena_release(&arena);
}

static void test_size_zero_is_unique(void **state)
{
	(void)state;
	struct arena arena = {0};
	void *one = arena_alloc(&arena, 0), *other = arena_alloc(&arena, 0);
	assert_non_null(one);
	assert_non_null(other);
	assert_ptr_not_equal(one, other);
	arena_release(&arena);
}

static void test_sizes_around_a_block(void **state)
{
	(void)state;
	static const size_t sizes[] = {3983, 3984, 3985, 3999, 4000, 4001, 65535, 65536, 65537, 1000000};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct arena arena = {0};
		for (int round = 0; round < 3; round++) {
			memset(arena_alloc(&arena, 1), 'a', 1);
			memset(arena_alloc(&arena, sizes[i]), 'b', sizes[i]);
		}
		assert_int_equal(arena_used(&arena), 3 * (sizes[i] + 1));
		arena_release(&arena);
	}
}

static void test_a_large_piece_leaves_room_for_small_ones(void **state)
{
	(void)state;
	struct arena arena = {0};
	char *before = arena_alloc(&arena, 16);
	arena_alloc(&arena, 1000000);
	char *after = arena_alloc(&arena, 16);
	assert_ptr_equal(after, before + 16);
	arena_release(&arena);
}

static void test_copies(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *copy = arena_copy(&arena, "abcdef", 3);
	assert_string_equal(copy, "abc");
	assert_string_equal(arena_copy(&arena, NULL, 0), "");
	assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_strdup(&arena, "이름"), "이름");
	arena_release(&arena);
}

static void test_printf_at_every_length(void **state)
{
	(void)state;
	struct arena arena = {0};
	char wanted[600];
	for (size_t length = 0; length < sizeof wanted - 1; length++) {
		memset(wanted, 'x', length);
		wanted[length] = '\0';
		size_t before = arena_used(&arena);
		assert_string_equal(arena_printf(&arena, "%s", wanted), wanted);
		assert_int_equal(arena_used(&arena) - before, length + 1);
	}
	assert_string_equal(arena_printf(&arena, "%d %s", 7, "b"), "7 b");
	arena_release(&arena);
}

static void test_impossible_sizes_abort(void **state)
{
	(void)state;
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, (size_t)PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			struct arena arena = {0};
			fclose(stderr);
			arena_alloc(&arena, sizes[i]);
			_exit(0);
		}
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty_arena_may_be_released),
	    cmocka_unit_test(test_memory_is_aligned_zeroed_and_apart),
	    cmocka_unit_test(test_size_zero_is_unique),
	    cmocka_unit_test(test_sizes_around_a_block),
	    cmocka_unit_test(test_a_large_piece_leaves_room_for_small_ones),
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_printf_at_every_length),
	    cmocka_unit_test(test_impossible_sizes_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
