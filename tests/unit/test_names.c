/* Tests of text/names: composed and decomposed Korean are one name, and what is NFC already is not copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "text/names.h"

static void unchanged(const char *text)
{
	struct arena arena = {0};
	assert_ptr_equal(names_nfc(&arena, text), text);
	assert_int_equal(arena_used(&arena), 0);
	arena_release(&arena);
}

static void becomes(const char *text, const char *wanted)
{
	struct arena arena = {0};
	const char *result = names_nfc(&arena, text);
	assert_ptr_not_equal(result, text);
	assert_string_equal(result, wanted);
	unchanged(wanted);
	arena_release(&arena);
}

static void test_nfc_comes_back_itself(void **state)
{
	(void)state;
	unchanged("");
	unchanged("Kim Dae-jung\x7f");
	unchanged("김대중");
	unchanged("金大中, 安倍晋三, Путин, José");
	unchanged("\xf0\x9f\x87\xb0\xf0\x9f\x87\xb7"); /* two regional indicators, four bytes each */
}

static void test_marks_that_cannot_compose_stay(void **state)
{
	(void)state;
	unchanged("x\xcc\x81");         /* x + acute: "maybe", and NFC already */
	unchanged("x\xcc\xa3\xcc\x81"); /* dot below (220) before acute (230) */
}

static void test_decomposed_text_is_composed(void **state)
{
	(void)state;
	becomes("\xe1\x84\x80\xe1\x85\xb5\xe1\x86\xb7", "김");
	becomes("a\xe1\x84\x80\xe1\x85\xb5\xe1\x86\xb7z", "a김z");
	becomes("e\xcc\xb0", "\xe1\xb8\x9b");
	becomes("Jose\xcc\x81", "José");
	becomes("\xef\xa4\x89", "\xe5\xa5\x91");           /* U+F909, a compatibility ideograph with a canonical form */
	becomes("x\xcc\x95\xcc\x96", "x\xcc\x96\xcc\x95"); /* the same of marks that the quick check passes singly */
	becomes("x\xcc\x81\xcc\xa3", "x\xcc\xa3\xcc\x81"); /* marks out of order */
	becomes("\xf0\x9d\x85\x9e", "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"); /* U+1D15E, excluded from composition */
	becomes("\xf0\x9d\x85\xa0", "\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae"); /* 3 times as long in UTF-16 */
}

static void test_long_text(void **state)
{
	(void)state;
	enum { COUNT = 200000 };
	char *before = malloc(COUNT * 9 + 1), *after = malloc(COUNT * 3 + 1);
	assert_non_null(before);
	assert_non_null(after);
	for (size_t i = 0; i < COUNT; i++) {
		memcpy(before + i * 9, "\xe1\x84\x80\xe1\x85\xb5\xe1\x86\xb7", 9);
		memcpy(after + i * 3, "김", 3);
	}
	before[COUNT * 9] = after[COUNT * 3] = '\0';
	becomes(before, after);
	free(before);
	free(after);
}

static void test_invalid_text_is_survived(void **state)
{
	(void)state;
	static const char *const bad[] = {"\xff",          "e\xcc", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	                                  "e\xcc\x81\xff", "\x80",  "\xf0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		unchanged(bad[i]);
}

static void test_characters(void **state)
{
	(void)state;
	assert_int_equal(names_characters(""), 0);
	assert_int_equal(names_characters("abc"), 3);
	assert_int_equal(names_characters("é"), 1);
	assert_int_equal(names_characters("김대중"), 3);
	assert_int_equal(names_characters("a\xf0\x9f\x87\xb0z"), 3);
	assert_int_equal(names_characters("e\xcc\x81"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nfc_comes_back_itself),       cmocka_unit_test(test_marks_that_cannot_compose_stay),
	    cmocka_unit_test(test_decomposed_text_is_composed), cmocka_unit_test(test_long_text),
	    cmocka_unit_test(test_invalid_text_is_survived),    cmocka_unit_test(test_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
