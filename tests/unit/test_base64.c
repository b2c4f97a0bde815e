/* Tests of text/base64: the vectors of RFC 4648 section 10, and what looks like base64 and is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "text/base64.h"

static struct arena arena;
static struct err err;

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void test_vectors(void **state)
{
	(void)state;
	static const char *const vectors[][2] = {{"", ""},
	                                         {"f", "Zg=="},
	                                         {"fo", "Zm8="},
	                                         {"foo", "Zm9v"},
	                                         {"foob", "Zm9vYg=="},
	                                         {"fooba", "Zm9vYmE="},
	                                         {"foobar", "Zm9vYmFy"},
	                                         {"\xFB\xFF", "+/8="}};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		unsigned char *bytes;
		size_t length;
		assert_string_equal(base64_encode(&arena, vectors[i][0], strlen(vectors[i][0])), vectors[i][1]);
		assert_true(base64_decode(&arena, vectors[i][1], &bytes, &length, &err));
		assert_int_equal(length, strlen(vectors[i][0]));
		assert_memory_equal(bytes, vectors[i][0], length);
	}
	const char *zeros = base64_encode(&arena, "\0\0\0\0", 4);
	assert_string_equal(zeros, "AAAAAA==");
}

static void test_what_is_none(void **state)
{
	(void)state;
	static const char *const wrong[] = {
	    "Z",    "Zg",    "Zg=",  "Zg==\n", " Zg==",  "Zg== ",        "Zh==", "Zm9=",         "====", "=", "Zg==Zg==",
	    "Zm=v", "Zm9v=", "Z===", "-_8=",   "Zm9v\n", "Zm9v\n\n\n\n", "Zm 9", "Zm9v\t\t\t\t", "한",   NULL};
	for (size_t i = 0; wrong[i]; i++) {
		unsigned char *bytes;
		size_t length;
		if (base64_decode(&arena, wrong[i], &bytes, &length, &err))
			fail_msg("accepted: \"%s\"", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_what_is_none)};
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
