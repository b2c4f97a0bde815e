/* Tests of text/utf8: the edges of every row of table 3-7 of the Unicode Standard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "text/utf8.h"

static void test_edges(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
	    {"a", 1},
	    {"\x7F", 1},
	    {"\x80", 0},
	    {"\xBF", 0},
	    {"\xC1\xBF", 0},
	    {"\xC2\x80", 2},
	    {"\xC2\x7F", 0},
	    {"\xC2\xC0", 0},
	    {"\xDF\xBF", 2},
	    {"\xE0\x9F\xBF", 0},
	    {"\xE0\xA0\x80", 3},
	    {"\xE1\x80\x80", 3},
	    {"\xEC\xBF\xBF", 3},
	    {"\xED\x9F\xBF", 3},
	    {"\xED\xA0\x80", 0},
	    {"\xEE\x80\x80", 3},
	    {"\xEF\xBF\xBF", 3},
	    {"\xE1\x80\x7F", 0},
	    {"\xF0\x8F\xBF\xBF", 0},
	    {"\xF0\x90\x80\x80", 4},
	    {"\xF3\xBF\xBF\xBF", 4},
	    {"\xF4\x8F\xBF\xBF", 4},
	    {"\xF4\x90\x80\x80", 0},
	    {"\xF5\x80\x80\x80", 0},
	    {"\xF0\x90\x80\xC0", 0},
	    {"\xFF", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t length = strlen(cases[i].bytes);
		assert_int_equal(utf8_length(cases[i].bytes, length), cases[i].length);
		/* Cut off, it is none. */
		for (size_t left = 1; left < cases[i].length; left++)
			assert_int_equal(utf8_length(cases[i].bytes, left), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_edges)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
