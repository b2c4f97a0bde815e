/* Tests of deliver/outcome: whatever comes from outside is one line of UTF-8, of bounded length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "deliver/outcome.h"

static void expect(long status, const char *bytes, size_t length, const char *wanted)
{
	struct outcome outcome;
	memset(&outcome, 'x', sizeof outcome);
	outcome_set_answer(&outcome, status, bytes, length);
	assert_string_equal(outcome.answer, wanted);
}

static void test_one_line(void **state)
{
	(void)state;
	expect(0, "", 0, "");
	expect(250, "", 0, "250");
	expect(250, "2.0.0 Ok\r\n", 10, "250 2.0.0 Ok");
	expect(500, "a\r\nb\tc\x7F\x1B[31m", 13, "500 a  b c  [31m");
	expect(0, "a\0b", 3, "a b");
	expect(0,
	       "a\xC2\x85"
	       "b\xC2\xA0"
	       "c",
	       7,
	       "a b\xC2\xA0"
	       "c");
	expect(0,
	       "a\xE2\x80\xA8"
	       "b\xE2\x80\xA9"
	       "c\xE2\x80\xAA",
	       12, "a b c\xE2\x80\xAA");
	expect(0, "받지 않음\n", 14, "받지 않음");
	expect(0, "\xFF\xC0\x80\xED\xA0\x80\xE2\x82", 8, "????????");
	expect(0, " \r\n \r\n", 6, "");
}

static void test_limits(void **state)
{
	(void)state;
	char bytes[600], wanted[600];
	memset(bytes, 'b', sizeof bytes);
	for (size_t length = 511; length <= 513; length++) {
		size_t kept = length < 512 ? length : 512;
		memset(wanted, 'b', kept);
		wanted[kept] = '\0';
		expect(0, bytes, length, wanted);
		memset(wanted, 'b', 512);
		wanted[512] = '\0';
		memcpy(wanted, "404 ", 4);
		expect(404, bytes, length, wanted);
	}
	/* A character that does not fit whole is left out. */
	static const char *const characters[] = {"é", "한", "𠮷"};
	for (size_t k = 0; k < 3; k++) {
		size_t size = strlen(characters[k]);
		for (size_t at = 512 - size - 1; at <= 512; at++) {
			memset(bytes, 'b', sizeof bytes);
			memcpy(bytes + at, characters[k], size);
			memcpy(wanted, bytes, sizeof wanted);
			wanted[at + size <= 512 ? 512 : at] = '\0';
			expect(0, bytes, sizeof bytes, wanted);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_line), cmocka_unit_test(test_limits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
