/* A day of a desk officer in a pseudo-terminal, in Korean: a trip with two side meetings is planned and held, somebody
 * is added later, the readout corrected and the correction undone; and it is seen wherever one looks for it. */
#include "single.h"
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void step(const char *golden, const char *const *words)
{
	struct terminal terminal = {.harness = harness, .columns = 120, .rows = 60, .locale = "ko_KR.UTF-8"};
	struct terminal_screen screen = terminal_run(&terminal, words);
	if (screen.status != 0)
		fail_msg("%s ends with %d:\n%s", golden, screen.status, screen.text);
	terminal_expect(&screen, golden);
	terminal_release(&screen);
}

static json_t *find(const char *title)
{
	json_t *page = call("engagement.history", json_of("{'text':'%s','limit':5}", title)), *card;
	size_t i;
	char *id = NULL;
	json_array_foreach(at(page, "items"), i, card) {
		if (strcmp(at_string(card, "title"), title) == 0)
			id = strdup(at_string(card, "id"));
	}
	json_decref(page);
	if (!id)
		fail_msg("there is no engagement %s", title);
	json_t *record = call("engagement.get", json_of("{'id':'%s'}", id));
	free(id);
	return record;
}

static void expect_stored(const char *title, const char *path, const char *value)
{
	json_t *record = find(title);
	if (strcmp(at_string(record, path), value) != 0)
		fail_msg("%s of %s is %s, not %s", path, title, at_string(record, path), value);
	json_decref(record);
}

/* Its id, static. */
static const char *id_of(const char *title)
{
	static char id[37];
	json_t *record = find(title);
	snprintf(id, sizeof id, "%s", at_string(record, "id"));
	json_decref(record);
	return id;
}

static long version_of(const char *title)
{
	json_t *record = find(title);
	long version = at_integer(record, "version");
	json_decref(record);
	return version;
}

static size_t participants(const char *title)
{
	json_t *record = find(title);
	size_t count = json_array_size(at(record, "participants"));
	json_decref(record);
	return count;
}

static void test_day(void **state)
{
	(void)state;
	static const char *const headings[] = {"일시", "종류", "상태", "국가", "과제", "제목", NULL};
	static const char *const grid[] = {"국가", "1.1", "1.2", "1.3", "2.1", "2.2",
	                                   "2.3",  "3.1", "3.2", "3.3", "3.4", NULL};
	json_decref(call("contact.create", json_of("{'name':'리용호','country':'KP','sector':'government'}")));
	json_decref(call("contact.create", json_of("{'name':'최선희','country':'KP','sector':'government'}")));

	step("day_1_plan",
	     WORDS("plan", "북한", "1.2", "개성 출장", "--kind", "visit", "--at", terminal_day(1), "--for", "1d", "--with",
	           "리용호,me", "--place", "개성", "--side", "실무 오찬@12:30", "--side", "이산가족 명단 협의@16:00"));
	expect_stored("개성 출장", "status", "planned");
	const char *trip = id_of("개성 출장");
	step("day_2_today", WORDS("today"));

	/* The trip comes a day earlier than planned. */
	step("day_3_earlier", WORDS("edit", trip, "--set", "starts_on=오늘", "--set", "ends_on=오늘"));
	step("day_4_hold", WORDS("hold", trip, "--due", "+7d:감사 서한"));
	expect_stored("개성 출장", "status", "held");

	step("day_5_readout", WORDS("edit", trip, "--set", "readout=양측은 명단 교환에 합의하였다."));
	char version[12];
	snprintf(version, sizeof version, "%ld", version_of("개성 출장"));
	step("day_6_participant", WORDS("engagement", "update", "--id", trip, "--version", version, "--participants-add",
	                                "{\"contact_id\": \"최선희\"}"));
	assert_int_equal(participants("개성 출장"), 3);
	step("day_7_correct", WORDS("edit", trip, "--set", "readout=합의에 이르지 못하였다."));
	expect_stored("개성 출장", "readout", "합의에 이르지 못하였다.");
	step("day_8_undo", WORDS("undo", "--yes"));
	expect_stored("개성 출장", "readout", "양측은 명단 교환에 합의하였다.");

	struct terminal terminal = {.harness = harness, .columns = 120, .rows = 60, .locale = "ko_KR.UTF-8"};
	struct terminal_screen screen = terminal_run(&terminal, WORDS("history", "북한"));
	assert_int_equal(screen.status, 0);
	terminal_expect_columns(&screen, headings, 120, false);
	terminal_expect(&screen, "day_9_history");
	terminal_release(&screen);
	step("day_10_history_since", WORDS("history", "북한", "--since", "90d"));
	step("day_11_today", WORDS("today"));
	/* The month of the last one moves, so no file holds this screen. The side meetings are planned still. */
	screen = terminal_run(&terminal, WORDS("coverage", "--since", "90d"));
	assert_int_equal(screen.status, 0);
	terminal_expect_columns(&screen, grid, 120, true);
	assert_non_null(strstr(screen.text, "\nKP     ·     1   ·   ·"));
	assert_non_null(strstr(screen.text, "\nCN     ·     ·   ·   ·"));
	terminal_release(&screen);
}

static int setup(void **state)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	terminal_avoid_midnight();
	return single_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_day)};
	return cmocka_run_group_tests(tests, setup, single_teardown);
}
