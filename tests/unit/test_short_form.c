/* Tests of short forms: where words are parted, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "cli/short_form.h"

static struct arena arena;

/* 2026-11-24T12:00 in Seoul, a Tuesday. */
static const struct when_clock now = {.now_us = 1795489200000000, .zone = "Asia/Seoul", .direction = WHEN_FORWARD};

static void test_due(void **state)
{
	static const char *const rows[][3] = {
	    {"+7d:send the paper", "+7d", "send the paper"},
	    {"tomorrow 15:00:call Kim", "tomorrow 15:00", "call Kim"},
	    {"+7d: ask about 12:30: lunch", "+7d", "ask about 12:30: lunch"},
	    {" friday : x ", "friday", "x"},
	    {"내일 오후 3시:전화", "내일 오후 3시", "전화"},
	    {"2026-12-01T09:00:00+09:00:x", "2026-12-01T09:00:00+09:00", "x"},
	};
	static const char *const wrong[] = {"", ":", "+7d", "+7d:", "+7d: ", "gestern:x", ":x", "send the paper"};
	const char *when, *note;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!short_form_due(&arena, rows[i][0], &now, &when, &note, &err))
			fail_msg("%s: %s", rows[i][0], err.message);
		assert_string_equal(when, rows[i][1]);
		assert_string_equal(note, rows[i][2]);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(short_form_due(&arena, wrong[i], &now, &when, &note, &err));
}

static void test_promise(void **state)
{
	static const char *const rows[][4] = {
	    {"them: the list by 1 Dec", "them", "the list", "1 Dec"},
	    {"us: a paper written by Kim by friday", "us", "a paper written by Kim", "friday"},
	    {"북한: 명단 전달 12월 1일까지", "북한", "명단 전달", "12월 1일"},
	    {"우리: 문서 전달 다음 주 금요일까지", "우리", "문서 전달", "다음 주 금요일"},
	    {"왕이: stand by", "왕이", "stand by", NULL},
	    {"KP: 끝까지", "KP", "끝까지", NULL},
	    {"us: meet at 10:00: sharp", "us", "meet at 10:00: sharp", NULL},
	};
	static const char *const wrong[] = {"", "x", ":x", "us:", "us: "};
	const char *who, *promise, *day;
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!short_form_promise(&arena, rows[i][0], &now, &who, &promise, &day, &err))
			fail_msg("%s: %s", rows[i][0], err.message);
		assert_string_equal(who, rows[i][1]);
		assert_string_equal(promise, rows[i][2]);
		if (rows[i][3])
			assert_string_equal(day, rows[i][3]);
		else
			assert_null(day);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(short_form_promise(&arena, wrong[i], &now, &who, &promise, &day, &err));
}

static void test_person(void **state)
{
	static const char *const wrong[] = {"", ":chair", "@KP", "왕이:emperor", "왕이:", "왕이:chair:"};
	struct short_form_person person;
	struct err err;
	(void)state;
	assert_true(short_form_person(&arena, "왕이", &person, &err));
	assert_string_equal(person.who, "왕이");
	assert_true(!person.role && !person.capacity && !person.attendance && !person.side);
	assert_true(short_form_person(&arena, "Wang Yi : 의장:personal:absent @ 중국", &person, &err));
	assert_string_equal(person.who, "Wang Yi");
	assert_string_equal(person.role, "chair");
	assert_string_equal(person.capacity, "personal");
	assert_string_equal(person.attendance, "absent");
	assert_string_equal(person.side, "중국");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(short_form_person(&arena, wrong[i], &person, &err));
}

static void test_contact(void **state)
{
	static const char *const wrong[] = {"",          "Kim",        "Kim KP",  "(KP)",       "Kim ()",
	                                    "Kim (KP,)", "Kim (KP) x", "Kim (KP", "Kim (KP):x", "Kim (, Party)"};
	struct short_form_contact contact;
	struct err err;
	(void)state;
	assert_true(short_form_contact(&arena, "김영철 (KP, Workers' Party):chair@KP", &contact, &err));
	assert_string_equal(contact.name, "김영철");
	assert_string_equal(contact.country, "KP");
	assert_string_equal(contact.organization, "Workers' Party");
	assert_string_equal(contact.part.role, "chair");
	assert_string_equal(contact.part.side, "KP");
	assert_true(short_form_contact(&arena, "A B(북한)", &contact, &err));
	assert_string_equal(contact.name, "A B");
	assert_null(contact.organization);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(short_form_contact(&arena, wrong[i], &contact, &err));
}

static void test_side(void **state)
{
	const char *title, *when;
	struct err err;
	(void)state;
	assert_true(short_form_side(&arena, "Lunch @ home @12:30", &title, &when, &err));
	assert_string_equal(title, "Lunch @ home");
	assert_string_equal(when, "12:30");
	assert_false(short_form_side(&arena, "Lunch", &title, &when, &err));
	assert_false(short_form_side(&arena, "Lunch@", &title, &when, &err));
	assert_false(short_form_side(&arena, "@12:30", &title, &when, &err));
}

static void test_on_day(void **state)
{
	(void)state;
	enum { DAY = 20786 }; /* 2026-11-29 */
	assert_string_equal(short_form_on_day(&arena, "12:30", DAY, &now), "2026-11-29 12:30");
	assert_non_null(short_form_on_day(&arena, "오후 3시", DAY, &now));
	assert_null(short_form_on_day(&arena, "2026-12-01 12:30", DAY, &now));
	assert_null(short_form_on_day(&arena, "tomorrow", DAY, &now));
	assert_null(short_form_on_day(&arena, "gestern", DAY, &now));
	assert_string_equal(short_form_choice("통역"), "interpreter");
	assert_string_equal(short_form_choice("unheard-of"), "unheard-of");
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_due),     cmocka_unit_test(test_promise), cmocka_unit_test(test_person),
	    cmocka_unit_test(test_contact), cmocka_unit_test(test_side),    cmocka_unit_test(test_on_day),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
