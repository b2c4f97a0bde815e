/* Tests of country: names and aliases in many scripts, and what is refused. */
#include "text/country.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *word, *code;
	} examples[] = {
	    {"KP", "KP"},
	    {"kp", "KP"},
	    {"PRK", "KP"},
	    {"DPRK", "KP"},
	    {"D.P.R.K.", "KP"},
	    {"North Korea", "KP"},
	    {"north korea", "KP"},
	    {"북한", "KP"},
	    {"북조선", "KP"},
	    {"조선", "KP"},
	    {"朝鮮", "KP"},
	    {"朝鲜", "KP"},
	    {"北朝鮮", "KP"},
	    {"КНДР", "KP"},
	    {"\u1107\u116E\u11A8\u1112\u1161\u11AB", "KP"},
	    {"조선민주주의인민공화국", "KP"},
	    {"ROK", "KR"},
	    {"한국", "KR"},
	    {"남한", "KR"},
	    {"대한민국", "KR"},
	    {"南朝鮮", "KR"},
	    {"韓国", "KR"},
	    {"South  Korea", "KR"},
	    {"Южная Корея", "KR"},
	    {"China", "CN"},
	    {"中国", "CN"},
	    {"中國", "CN"},
	    {"PRC", "CN"},
	    {"중국", "CN"},
	    {"Китай", "CN"},
	    {"Россия", "RU"},
	    {"россия", "RU"},
	    {"러시아", "RU"},
	    {"러시아 연방", "RU"},
	    {"俄罗斯", "RU"},
	    {"日本", "JP"},
	    {"일본", "JP"},
	    {"Nippon", "JP"},
	    {"America", "US"},
	    {"USA", "US"},
	    {"U.S.", "US"},
	    {"ＵＳＡ", "US"},
	    {"미국", "US"},
	    {"미합중국", "US"},
	    {"米国", "US"},
	    {"США", "US"},
	    {"UK", "GB"},
	    {"Deutschland", "DE"},
	    {"독일", "DE"},
	    {"Cote d'Ivoire", "CI"},
	    {"베트남", "VN"},
	    {"Österreich", "AT"},
	    {"osterreich", "AT"},
	    {"Trinidad and Tobago", "TT"},
	    {"Hong Kong", "HK"},
	    {"السعودية", "SA"},
	    {"भारत", "IN"},
	    {"Türkiye", "TR"},
	    {"turkey", "TR"},
	    {" mongolia ", "MN"},
	    {"монгол", "MN"},
	    {"스위스", "CH"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		const char *code;
		struct err err = {""};
		if (!country_find(examples[i].word, NULL, &code, &err))
			fail_msg("%s: %s", examples[i].word, err.message);
		if (strcmp(code, examples[i].code) != 0)
			fail_msg("%s: %s instead of %s", examples[i].word, code, examples[i].code);
	}
}

static const char *shouted(const char *english)
{
	return strstr(english, "could be") ? "어느 쪽입니까: %s? %s, %s" : english;
}

static void test_refused(void **state)
{
	static const struct {
		const char *word, *message;
	} examples[] = {
	    {"Korea", "KR or KP"},      {"Chian", "did you mean China (CN)"},
	    {"Rusia", "Russia (RU)"},   {"북항", "북한 (KP)"},
	    {"", "no country known"},   {"XK", "no country"},
	    {"ZZ", "no country"},       {"Atlantis", "no country"},
	    {"\xff\xfe", "no country"}, {"\x1b[31m", "\"?[31m\""},
	    {"---", "no country"},      {"EU", "no country"},
	};
	(void)state;
	const char *code;
	struct err err;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		if (country_find(examples[i].word, NULL, &code, &err))
			fail_msg("%s: %s", examples[i].word, code);
		if (!strstr(err.message, examples[i].message))
			fail_msg("%s: %s", examples[i].word, err.message);
	}
	char text[300];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_false(country_find(text, NULL, &code, &err));
	assert_false(country_find("korea", shouted, &code, &err));
	assert_string_equal(err.message, "어느 쪽입니까: Korea? KR, KP");
}

static void test_shown(void **state)
{
	(void)state;
	struct arena arena = {0};
	assert_string_equal(country_name(&arena, "KP", "en"), "North Korea");
	assert_string_equal(country_name(&arena, "KP", "ko"), "북한");
	assert_string_equal(country_name(&arena, "HK", "en"), "Hong Kong");
	assert_string_equal(country_name(&arena, "QQ", "en"), "QQ");
	arena_release(&arena);
}

static void test_random(void **state)
{
	(void)state;
	unsigned seed = 7;
	for (int round = 0; round < 300; round++) {
		char text[256] = "";
		size_t length = (size_t)rand_r(&seed) % 255;
		for (size_t i = 0; i < length; i++)
			text[i] = (char)(rand_r(&seed) % 255 + 1);
		const char *code;
		struct err err = {""};
		if (!country_find(text, NULL, &code, &err))
			assert_true(*err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_refused),
	                                   cmocka_unit_test(test_shown), cmocka_unit_test(test_random)};
	return cmocka_run_group_tests_name("country", tests, NULL, NULL);
}
