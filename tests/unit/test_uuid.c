/* Tests of base/uuid: the bits that RFC 9562 fixes, and the form of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/uuid.h"

static void test_version_variant_and_time(void **state)
{
	(void)state;
	char text[UUID_TEXT_SIZE];
	bool variants[4] = {false};
	for (int i = 0; i < 200; i++) {
		struct timespec before, after;
		clock_gettime(CLOCK_REALTIME, &before);
		uuid_make(text);
		clock_gettime(CLOCK_REALTIME, &after);
		assert_int_equal(strlen(text), 36);
		assert_true(uuid_valid(text));
		assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
		assert_int_equal(text[14], '7');
		size_t variant = strcspn("89ab", (const char[]){text[19], '\0'});
		assert_true(variant < 4);
		variants[variant] = true;
		unsigned long long high, low;
		assert_int_equal(sscanf(text, "%8llx-%4llx", &high, &low), 2);
		long long millis = (long long)(high << 16 | low);
		assert_true(millis >= before.tv_sec * 1000LL + before.tv_nsec / 1000000);
		assert_true(millis <= after.tv_sec * 1000LL + after.tv_nsec / 1000000);
	}
	assert_true(variants[0] && variants[1] && variants[2] && variants[3]);
}

static void test_random_bits_differ(void **state)
{
	(void)state;
	enum { COUNT = 500 };
	static char texts[COUNT][UUID_TEXT_SIZE];
	for (int i = 0; i < COUNT; i++)
		uuid_make(texts[i]);
	for (int i = 0; i < COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(texts[i] + 15, texts[j] + 15);
	for (int at = 15; at < 36; at++) {
		bool differs = at == 18 || at == 23;
		for (int i = 1; i < COUNT; i++)
			differs = differs || texts[i][at] != texts[0][at];
		assert_true(differs);
	}
}

static void test_valid(void **state)
{
	(void)state;
	assert_true(uuid_valid("00000000-0000-0000-0000-000000000000"));
	assert_true(uuid_valid("0190163D-8694-739B-AEA5-966C26F8AD91"));
	assert_true(uuid_valid("abcdefAB-cdef-4bcd-9efa-0123456789ff"));
	static const char *const bad[] = {
	    "",
	    "0190163d-8694-739b-aea5-966c26f8ad9",
	    "0190163d-8694-739b-aea5-966c26f8ad911",
	    "0190163d-8694-739b-aea5-966c26f8ad91 ",
	    " 190163d-8694-739b-aea5-966c26f8ad91",
	    "0190163d8694-739b-aea5-966c26f8ad91",
	    "0190163d86944739b4aea54966c26f8ad911",
	    "0190163d-8694-739b-aea5-966c26f8ad9g",
	    "0190163d-8694-739b-aea5-966c26f8ad9G",
	    "0190163d-8694-739b-aea5-966c26f8ad9/",
	    "0190163d-8694-739b-aea5-966c26f8ad9:",
	    "0190163d-8694-739b-aea5-966c26f8ad9@",
	    "0190163d-8694-739b-aea5-966c26f8ad9`",
	    "{190163d-8694-739b-aea5-966c26f8ad9}",
	    "0190163-d8694-739b-aea5-966c26f8ad91",
	    "0190163d-8694-739b-aea5--66c26f8ad91",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(uuid_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_version_variant_and_time),
	    cmocka_unit_test(test_random_bits_differ),
	    cmocka_unit_test(test_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
