/* Tests of base/err: what a message holds at, below and above its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum { ROOM = sizeof((struct err *)0)->message - 1 };

static void test_set_and_null(void **state)
{
	(void)state;
	struct err err;
	assert_false(err_set(&err, "%s is %d", "x", 3));
	assert_string_equal(err.message, "x is 3");
	assert_false(err_set(NULL, "x"));
	assert_false(err_set_errno(NULL, EIO, "x"));
	assert_false(err_prefix(NULL, "x"));
}

static void test_errno_and_prefix(void **state)
{
	(void)state;
	struct err err;
	char wanted[256];
	assert_false(err_set_errno(&err, ENOENT, "open %s", "f"));
	snprintf(wanted, sizeof wanted, "open f: %s", strerror(ENOENT));
	assert_string_equal(err.message, wanted);
	assert_false(err_prefix(&err, "line %d", 4));
	snprintf(wanted, sizeof wanted, "line 4: open f: %s", strerror(ENOENT));
	assert_string_equal(err.message, wanted);
}

static void test_own_message_as_argument(void **state)
{
	(void)state;
	struct err err;
	err_set(&err, "inner");
	err_set(&err, "outer (%s)", err.message);
	assert_string_equal(err.message, "outer (inner)");
}

static void test_length_limit(void **state)
{
	(void)state;
	struct err err;
	char text[ROOM + 10];
	for (size_t length = ROOM - 2; length <= ROOM + 3; length++) {
		memset(text, 'a', length);
		text[length] = '\0';
		memset(&err, 'Z', sizeof err);
		err_set(&err, "%s", text);
		if (length <= ROOM) {
			assert_string_equal(err.message, text);
		} else {
			assert_int_equal(strlen(err.message), ROOM);
			assert_string_equal(err.message + ROOM - 4, "a…");
		}
	}
}

static void test_cut_keeps_characters_whole(void **state)
{
	(void)state;
	struct err err;
	for (size_t lead = 0; lead < 4; lead++) {
		char text[2000] = "";
		memset(text, 'a', lead);
		for (size_t at = lead; at + 3 < sizeof text; at += 3)
			memcpy(text + at, "한", 3);
		err_set(&err, "%s", text);
		size_t length = strlen(err.message);
		assert_true(length <= ROOM && length > ROOM - 3);
		assert_string_equal(err.message + length - 3, "…");
		assert_int_equal((length - 3 - lead) % 3, 0);
		err_prefix(&err, "p");
		assert_memory_equal(err.message, "p: ", 3);
		assert_true(strlen(err.message) <= ROOM);
		assert_string_equal(err.message + strlen(err.message) - 3, "…");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set_and_null),
	    cmocka_unit_test(test_errno_and_prefix),
	    cmocka_unit_test(test_own_message_as_argument),
	    cmocka_unit_test(test_length_limit),
	    cmocka_unit_test(test_cut_keeps_characters_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
