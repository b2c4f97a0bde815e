/* Tests of text/icalendar: folding by octets, escaping, days and instants, states, and that equal content gives equal
 * text. What other people's readers make of it is tested in tests/clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/icalendar.h"
#include "text/json.h"
#include "text/time.h"

static const struct icalendar_item event = {
    .kind = ICALENDAR_EVENT, .uid = "019b1c00-0000-7000-8000-000000000001", .status = "CONFIRMED", .summary = "Lunch"};
static const struct icalendar_item todo = {.kind = ICALENDAR_TODO,
                                           .uid = "019b1c00-0000-7000-8000-000000000002",
                                           .status = "NEEDS-ACTION",
                                           .summary = "Send the paper"};

static int64_t instant(const char *text)
{
	int64_t micros = 0;
	assert_true(time_parse_instant(text, &micros, NULL));
	return micros;
}

static int32_t day(const char *text)
{
	int32_t days = 0;
	assert_true(time_parse_day(text, &days, NULL));
	return days;
}

static const char *written(struct arena *arena, const struct icalendar_item *item)
{
	return icalendar_write(arena, &(struct icalendar_head){.name = NULL}, item, 1);
}

static void expect_line(const char *text, const char *line, bool wanted)
{
	char *whole;
	assert_true(asprintf(&whole, "\r\n%s\r\n", line) > 0);
	if ((strstr(text, whole) != NULL) != wanted)
		fail_msg("%s in\n%s", wanted ? line : "a line that must not stand there", text);
	free(whole);
}

/* Every line ends with CRLF, none is longer than the limit, none begins or ends within a character. */
static size_t check_lines(const char *text)
{
	size_t lines = 0;
	for (const char *end; *text; text = end + 2, lines++) {
		end = strstr(text, "\r\n");
		assert_non_null(end);
		assert_true(end - text <= ICALENDAR_LINE_OCTETS);
		assert_null(memchr(text, '\n', (size_t)(end - text)));
		assert_true((text[0] & 0xC0) != 0x80);
		assert_true(text[0] != ' ' || (text[1] & 0xC0) != 0x80);
	}
	return lines;
}

/* RFC 5545 section 3.1, read the other way. */
static char *unfolded(struct arena *arena, const char *text)
{
	char *plain = arena_alloc(arena, strlen(text) + 1), *to = plain;
	while (*text) {
		if (strncmp(text, "\r\n ", 3) == 0)
			text += 3;
		else
			*to++ = *text++;
	}
	*to = '\0';
	return plain;
}

static void test_fold_at_the_limit(void **state)
{
	struct arena arena = {0};
	char title[200] = "";
	(void)state;
	/* "SUMMARY:" takes 8. */
	for (size_t length = 64; length <= 71; length++) {
		memset(title, 'a', length);
		title[length] = '\0';
		struct icalendar_item item = event;
		item.summary = title;
		const char *text = written(&arena, &item), *summary = strstr(text, "\r\nSUMMARY:") + 2;
		size_t octets = 8 + length;
		check_lines(text);
		assert_int_equal(strcspn(summary, "\r"), octets <= 75 ? octets : 75);
		assert_int_equal(strncmp(summary + strcspn(summary, "\r"), "\r\n ", 3) == 0, octets > 75);
	}
	arena_release(&arena);
}

/* 74, 75 and 76 octets, and all around them, with a character of 2, 3 or 4 octets on the edge. */
static void test_fold_between_characters(void **state)
{
	static const char *const characters[] = {"é", "한", "😀"};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t before = 55; before <= 80; before++) {
			struct arena arena = {0};
			char title[600] = "", *expected;
			size_t octets = 8 + before, width = strlen(characters[i]);
			memset(title, 'a', before);
			for (size_t n = 0; n < 60; n++)
				strcat(title, characters[i]);
			struct icalendar_item item = event;
			item.summary = title;
			const char *text = written(&arena, &item), *summary = strstr(text, "\r\nSUMMARY:") + 2;
			check_lines(text);
			/* As many characters as fit. */
			size_t wanted = octets > 75 ? 75 : octets + (75 - octets) / width * width;
			assert_int_equal(strcspn(summary, "\r"), wanted);
			assert_true(asprintf(&expected, "\r\nSUMMARY:%s\r\n", title) > 0);
			assert_non_null(strstr(unfolded(&arena, text), expected));
			free(expected);
			arena_release(&arena);
		}
	}
}

static void test_fold_exactly(void **state)
{
	struct arena arena = {0};
	struct icalendar_item item = event;
	(void)state;
	/* 8 + 63 + 3 = 74: the next syllable does not fit; it begins the second line. */
	item.summary = "한한한한한한한한한한한한한한한한한한한한한한한한";
	const char *text = written(&arena, &item);
	assert_non_null(strstr(text, "\r\nSUMMARY:한한한한한한한한한한한한한한한한한한한한한한\r\n 한한\r\n"));
	/* 75 precisely: whole. */
	item.summary = "a한한한한한한한한한한한한한한한한한한한한한한";
	assert_non_null(strstr(written(&arena, &item), "\r\nSUMMARY:a한한한한한한한한한한한한한한한한한한한한한한\r\n"));
	/* 76: the last one goes down. */
	item.summary = "aa한한한한한한한한한한한한한한한한한한한한한한";
	assert_non_null(
	    strstr(written(&arena, &item), "\r\nSUMMARY:aa한한한한한한한한한한한한한한한한한한한한한\r\n 한\r\n"));
	arena_release(&arena);
}

static void test_escape(void **state)
{
	struct arena arena = {0};
	struct icalendar_item item = event;
	(void)state;
	item.summary = "a,b;c\\d:\"e\"";
	item.location = "two\nlines\r\nand\rmore";
	item.description = "bell\a tab\t del\x7F 왕이;";
	item.categories = (const char *const[]){"CN", "a,b", NULL};
	const char *text = written(&arena, &item);
	expect_line(text, "SUMMARY:a\\,b\\;c\\\\d:\"e\"", true);
	expect_line(text, "LOCATION:two\\nlines\\nand\\nmore", true);
	expect_line(text, "DESCRIPTION:bell  tab\t del  왕이\\;", true);
	expect_line(text, "CATEGORIES:CN,a\\,b", true);
	/* No value begins a property of its own. */
	item.summary = "x\r\nATTACH:file:///etc/passwd\nEND:VEVENT";
	text = written(&arena, &item);
	assert_null(strstr(text, "\r\nATTACH"));
	assert_string_equal(strstr(text, "\r\nEND:VEVENT"), "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	arena_release(&arena);
}

static void test_head(void **state)
{
	struct arena arena = {0};
	(void)state;
	assert_string_equal(icalendar_write(&arena, &(struct icalendar_head){.name = NULL}, NULL, 0),
	                    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tracktwo//tracktwo//EN\r\n"
	                    "CALSCALE:GREGORIAN\r\nEND:VCALENDAR\r\n");
	assert_string_equal(
	    icalendar_write(&arena,
	                    &(struct icalendar_head){
	                        .method = "PUBLISH", .name = "북한; 일정", .description = "d", .refresh_minutes = 15},
	                    NULL, 0),
	    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tracktwo//tracktwo//EN\r\nCALSCALE:GREGORIAN\r\n"
	    "METHOD:PUBLISH\r\nNAME:북한\\; 일정\r\nX-WR-CALNAME:북한\\; 일정\r\nDESCRIPTION:d\r\nX-WR-CALDESC:d\r\n"
	    "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\nX-PUBLISHED-TTL:PT15M\r\nEND:VCALENDAR\r\n");
	arena_release(&arena);
}

static void test_one_todo(void **state)
{
	struct arena arena = {0};
	struct icalendar_item item = todo;
	(void)state;
	item.sequence = 3;
	item.created_us = instant("2026-11-20T00:00:00Z");
	item.updated_us = instant("2026-11-21T01:02:03.999999Z");
	item.due_us = instant("2026-11-27T09:00:00+09:00");
	item.alarm = true;
	assert_string_equal(written(&arena, &item),
	                    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tracktwo//tracktwo//EN\r\n"
	                    "CALSCALE:GREGORIAN\r\nBEGIN:VTODO\r\nUID:019b1c00-0000-7000-8000-000000000002\r\n"
	                    "DTSTAMP:20261121T010203Z\r\nCREATED:20261120T000000Z\r\nLAST-MODIFIED:20261121T010203Z\r\n"
	                    "SEQUENCE:3\r\nDUE:20261127T000000Z\r\nSTATUS:NEEDS-ACTION\r\nSUMMARY:Send the paper\r\n"
	                    "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER;VALUE=DATE-TIME:20261127T000000Z\r\n"
	                    "DESCRIPTION:Send the paper\r\nEND:VALARM\r\nEND:VTODO\r\nEND:VCALENDAR\r\n");
	item.alarm = false;
	item.status = "COMPLETED";
	const char *text = written(&arena, &item);
	expect_line(text, "COMPLETED:20261121T010203Z", true);
	assert_null(strstr(text, "VALARM"));
	arena_release(&arena);
}

static void test_instants(void **state)
{
	struct arena arena = {0};
	struct icalendar_item item = event;
	(void)state;
	item.starts_us = item.ends_us = instant("2026-11-20T12:30:00+09:00");
	const char *text = written(&arena, &item);
	expect_line(text, "DTSTART:20261120T033000Z", true);
	assert_null(strstr(text, "DTEND"));
	assert_null(strstr(text, "TRANSP"));
	/* Less than the second that can be shown is no end either. */
	item.ends_us += 999999;
	assert_null(strstr(written(&arena, &item), "DTEND"));
	item.ends_us++;
	expect_line(written(&arena, &item), "DTEND:20261120T033001Z", true);
	item.starts_us = instant("0001-01-01T00:00:00Z");
	item.ends_us = instant("9999-12-31T23:59:59.999999Z");
	text = written(&arena, &item);
	expect_line(text, "DTSTART:00010101T000000Z", true);
	expect_line(text, "DTEND:99991231T235959Z", true);
	arena_release(&arena);
}

static void test_days(void **state)
{
	static const struct {
		const char *first, *last, *start, *end;
	} cases[] = {
	    {"2026-11-20", "2026-11-20", "20261120", "20261121"}, {"2026-02-28", "2026-02-28", "20260228", "20260301"},
	    {"2028-02-28", "2028-02-28", "20280228", "20280229"}, {"2026-12-30", "2026-12-31", "20261230", "20270101"},
	    {"2026-11-01", "2026-11-30", "20261101", "20261201"}, {"0001-01-01", "0001-01-01", "00010101", "00010102"},
	    {"9999-12-29", "9999-12-30", "99991229", "99991231"}, {"9999-12-30", "9999-12-31", "99991230", "99991231"},
	    {"9999-12-31", "9999-12-31", "99991231", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {0};
		struct icalendar_item item = event;
		item.all_day = true;
		item.first_day = day(cases[i].first);
		item.last_day = day(cases[i].last);
		const char *text = written(&arena, &item);
		expect_line(text, arena_printf(&arena, "DTSTART;VALUE=DATE:%s", cases[i].start), true);
		if (cases[i].end)
			expect_line(text, arena_printf(&arena, "DTEND;VALUE=DATE:%s", cases[i].end), true);
		else
			assert_null(strstr(text, "DTEND"));
		expect_line(text, "TRANSP:TRANSPARENT", true);
		arena_release(&arena);
	}
}

static json_t *parsed(const char *text)
{
	json_t *value = NULL;
	struct err err;
	if (!json_parse(text, strlen(text), &value, &err))
		fail_msg("%s", err.message);
	return value;
}

#define STAMPS "\"created_at\":\"2026-01-01T00:00:00Z\",\"updated_at\":\"2026-01-02T00:00:00.5Z\""
#define EVENT(more) "{\"kind\":\"event\",\"id\":\"e\",\"version\":1,\"title\":\"t\"," STAMPS "," more "}"
#define TODO(more) "{\"kind\":\"todo\",\"id\":\"r\",\"version\":7,\"title\":\"t\"," STAMPS "," more "}"

static const char *exported(struct arena *arena, const char *items, const char *more)
{
	json_t *export = parsed(arena_printf(arena, "{\"name\":\"n\",\"items\":[%s]%s}", items, more));
	const char *text = NULL;
	struct err err;
	if (!icalendar_write_export(arena, export, &text, &err))
		fail_msg("%s", err.message);
	json_decref(export);
	return text;
}

static void test_export(void **state)
{
	struct arena arena = {0};
	(void)state;
	const char *text = exported(&arena,
	                            EVENT("\"status\":\"planned\",\"starts_on\":\"2026-11-01\",\"ends_on\":\"2026-11-30\","
	                                  "\"countries\":[\"CN\",\"KR\"],\"workstreams\":[\"1.3\"],\"location\":\"서울\""),
	                            ",\"left_out\":2");
	expect_line(text, "X-WR-CALNAME:n", true);
	expect_line(text, "X-PUBLISHED-TTL:PT15M", true);
	expect_line(text, "X-WR-CALDESC:2 more entries are left out.", true);
	expect_line(text, "SEQUENCE:0", true);
	expect_line(text, "DTSTAMP:20260102T000000Z", true);
	expect_line(text, "DTEND;VALUE=DATE:20261201", true);
	expect_line(text, "LOCATION:서울", true);
	expect_line(text, "CATEGORIES:CN,KR,1.3", true);
	expect_line(text, "DESCRIPTION:Status: planned\\nCountries: CN\\, KR\\nWorkstreams: 1.3", true);
	assert_null(strstr(text, "METHOD"));
	assert_string_equal(text, exported(&arena,
	                                   EVENT("\"status\":\"planned\",\"starts_on\":\"2026-11-01\",\"ends_on\":"
	                                         "\"2026-11-30\",\"countries\":[\"CN\",\"KR\"],\"workstreams\":[\"1.3\"],"
	                                         "\"location\":\"서울\""),
	                                   ",\"left_out\":2"));
	text = exported(&arena,
	                TODO("\"status\":\"due\",\"due_at\":\"2026-11-27T00:00:00Z\",\"location\":null") "," EVENT(
	                    "\"status\":\"held\",\"starts_at\":\"2026-11-01T00:00:00Z\",\"ends_at\":null"),
	                "");
	expect_line(text, "SEQUENCE:6", true);
	expect_line(text, "DUE:20261127T000000Z", true);
	expect_line(text, "DTSTART:20261101T000000Z", true);
	assert_null(strstr(text, "CALDESC"));
	assert_null(strstr(text, "CATEGORIES"));
	assert_null(strstr(text, "LOCATION"));
	arena_release(&arena);
}

static void test_statuses(void **state)
{
	static const struct {
		bool todo;
		const char *ours, *theirs;
		bool alarm;
	} cases[] = {
	    {false, "tentative", "TENTATIVE", false}, {false, "planned", "CONFIRMED", false},
	    {false, "postponed", "TENTATIVE", false}, {false, "held", "CONFIRMED", false},
	    {false, "cancelled", "CANCELLED", false}, {true, "pending", "NEEDS-ACTION", true},
	    {true, "due", "NEEDS-ACTION", true},      {true, "acknowledged", "IN-PROCESS", false},
	    {true, "done", "COMPLETED", false},       {true, "cancelled", "CANCELLED", false},
	    {true, "failed", "NEEDS-ACTION", true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {0};
		const char *item =
		    arena_printf(&arena,
		                 "{\"kind\":\"%s\",\"id\":\"x\",\"version\":1,\"title\":\"t\"," STAMPS ",\"status\":\"%s\","
		                 "\"%s\":\"2026-01-01T00:00:00Z\"}",
		                 cases[i].todo ? "todo" : "event", cases[i].ours, cases[i].todo ? "due_at" : "starts_at");
		const char *text = exported(&arena, item, "");
		expect_line(text, arena_printf(&arena, "STATUS:%s", cases[i].theirs), true);
		assert_int_equal(strstr(text, "BEGIN:VALARM") != NULL, cases[i].alarm);
		assert_int_equal(strstr(text, "BEGIN:VTODO") != NULL, cases[i].todo);
		assert_int_equal(strstr(text, "\r\nCOMPLETED:") != NULL, strcmp(cases[i].theirs, "COMPLETED") == 0);
		arena_release(&arena);
	}
}

static void test_export_fails(void **state)
{
	static const char *const wrong[] = {
	    "{}",
	    "{\"items\":{}}",
	    "{\"items\":[{}]}",
	    "{\"items\":[" EVENT("\"status\":\"planned\"") "]}",
	    "{\"items\":[" EVENT("\"status\":\"pending\",\"starts_at\":\"2026-11-01T00:00:00Z\"") "]}",
	    "{\"items\":[" EVENT("\"status\":\"planned\",\"starts_at\":\"now\"") "]}",
	    "{\"items\":[" EVENT("\"status\":\"planned\",\"starts_on\":\"2026-11-01\"") "]}",
	    "{\"items\":[" EVENT("\"status\":\"planned\",\"starts_on\":\"2026-11-01\",\"ends_on\":\"2026-11-31\"") "]}",
	    "{\"items\":[" TODO("\"status\":\"due\",\"due_at\":null") "]}",
	    "{\"items\":[" TODO("\"due_at\":\"2026-11-01T00:00:00Z\"") "]}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct arena arena = {0};
		json_t *export = parsed(wrong[i]);
		const char *text = NULL;
		struct err err = {""};
		assert_false(icalendar_write_export(&arena, export, &text, &err));
		assert_null(text);
		assert_true(strlen(err.message) > 0);
		json_decref(export);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fold_at_the_limit),
	    cmocka_unit_test(test_fold_between_characters),
	    cmocka_unit_test(test_fold_exactly),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_one_todo),
	    cmocka_unit_test(test_instants),
	    cmocka_unit_test(test_days),
	    cmocka_unit_test(test_export),
	    cmocka_unit_test(test_statuses),
	    cmocka_unit_test(test_export_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
