/* The desk: log, plan and hold as an officer types them: in a pipe, and in an editor that is a script. */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_log(void **state)
{
	(void)state;
	desk_expect(
	    DONE, "They will come back on it.\n",
	    "log 중국,JP 1.3,1.2.1 'Lunch' --with 왕이:의장:personal,me --with 'Plain Name@US' --at 2026-11-20T12:30+09:00 "
	    "--for 90m --kind 면담 --track 2 --place Beijing --topic sanctions-relief,family-reunions "
	    "--sensitivity restricted --attribution chatham-house --private mine --due '2099-01-05:send the paper' "
	    "--due '2099-01-06 15:00:call' --every month --promise '북한: the list by 2099-02-01' "
	    "--promise '우리: 문서 전달 2099-03-01까지' --new \"New One (KP, Workers' Party):observer\" --json");
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "countries.0"), "CN");
	assert_string_equal(at_string(logged, "countries.1"), "JP");
	assert_string_equal(at_string(logged, "workstreams.1.objective"), "1.2.1");
	assert_string_equal(at_string(logged, "participants.0.name"), "王毅");
	assert_string_equal(at_string(logged, "participants.0.role"), "chair");
	assert_string_equal(at_string(logged, "participants.0.capacity"), "personal");
	assert_string_equal(at_string(logged, "participants.1.name"), "Administrator");
	assert_string_equal(at_string(logged, "participants.2.side"), "US");
	assert_string_equal(at_string(logged, "participants.3.name"), "New One");
	assert_string_equal(at_string(logged, "participants.3.role"), "observer");
	assert_string_equal(at_string(logged, "starts_at"), "2026-11-20T03:30:00Z");
	assert_string_equal(at_string(logged, "ends_at"), "2026-11-20T05:00:00Z");
	assert_string_equal(at_string(logged, "readout"), "They will come back on it.");
	assert_string_equal(at_string(logged, "location"), "Beijing");
	assert_string_equal(at_string(logged, "attribution"), "chatham-house");
	assert_string_equal(at_string(logged, "commitments.0.by.country"), "KP");
	assert_string_equal(at_string(logged, "commitments.0.due_on"), "2099-02-01");
	assert_string_equal(at_string(logged, "commitments.1.by.country"), "KR");
	assert_string_equal(at_string(logged, "commitments.1.text"), "문서 전달");
	assert_string_equal(at_string(logged, "commitments.1.due_on"), "2099-03-01");
	json_t *first = call("reminder.get", json_of("{'id':'%s'}", at_string(logged, "created.reminder_id")));
	assert_string_equal(at_string(first, "due_at"), "2099-01-05T00:00:00Z");
	assert_string_equal(at_string(first, "rrule"), "FREQ=MONTHLY");
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM store.reminder WHERE engagement_id = '%s' AND note = 'call' AND due_at = "
	         "'2099-01-06T06:00:00Z'",
	         at_string(logged, "id"));
	assert_int_equal(harness_count(harness, sql), 1);
	desk_expect_said("왕이: 王毅 (CN)");
	desk_expect_said("북한: KP");
	json_decref(first);
	json_decref(logged);
}

/* Precision, ends, and what is taken when nothing is said. */
static void test_log_times(void **state)
{
	static const struct {
		const char *options, *starts_on, *precision, *ends_on;
	} rows[] = {
	    {"--at 'November 1998'", "1998-11-01", "month", NULL},
	    {"--at 1998", "1998-01-01", "year", NULL},
	    {"--at 1998-11-20 --for 3d", "1998-11-20", "day", "1998-11-22"},
	    {"--at 1998-11-20 --until 1998-11-21", "1998-11-20", "day", "1998-11-21"},
	};
	char line[400];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(line, sizeof line, "log KP 1.2 T %s --json", rows[i].options);
		desk_expect(DONE, "", line);
		json_t *logged = desk_printed();
		assert_string_equal(at_string(logged, "starts_on"), rows[i].starts_on);
		assert_string_equal(at_string(logged, "precision"), rows[i].precision);
		if (rows[i].ends_on)
			assert_string_equal(at_string(logged, "ends_on"), rows[i].ends_on);
		assert_true(json_is_null(at(logged, "readout")));
		json_decref(logged);
	}
	desk_expect(DONE, NULL, "log KP 1.2 T --json");
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "precision"), "day");
	assert_string_equal(at_string(logged, "status"), "held");
	json_decref(logged);
	desk_expect(DONE, "", "log KP 1.2 T --at '2020-01-01 10:00' --until 11:30 --json");
	logged = desk_printed();
	assert_string_equal(at_string(logged, "ends_at"), "2020-01-01T02:30:00Z");
	json_decref(logged);
	/* What a dialogue gives is not repeated. */
	free(made("dialogue.create", json_of("{'title':'Seoul Forum','countries':['CN'],'workstreams':['1.3']}")));
	desk_expect(DONE, "", "log T --dialogue 'Seoul Forum' --json");
	logged = desk_printed();
	assert_string_equal(at_string(logged, "countries.0"), "CN");
	json_decref(logged);
	desk_expect(USAGE, "", "log KP 1.2 T --at '2020-01-01 10:00' --until 2020-01-02");
	desk_expect(USAGE, "", "log KP 1.2 T --until 2020-01-02");
}

/* All faults at once, the right exit code, and nothing written. */
static void test_log_refused(void **state)
{
	long before = desk_engagements();
	(void)state;
	desk_expect(NOT_FOUND, "", "log KP 1.2 T --with Nobody --at gestern --due nonsense --promise x --new y");
	desk_expect_said("with: ");
	desk_expect_said("at: ");
	desk_expect_said("due: ");
	desk_expect_said("promise: ");
	desk_expect_said("new: ");
	desk_expect(CONFLICT, "", "log KP 1.2 T --with 김철수");
	desk_expect(USAGE, "", "log KP 1.2");
	desk_expect(USAGE, "", "log KP 1.2 T and more");
	desk_expect(USAGE, "", "log KP 1.2 T --colour red");
	desk_expect(USAGE, "", "log KP 1.2 T --kind party");
	desk_expect_said("kind: ");
	desk_expect(USAGE, "", "log KP 1.2 T --track 2 --track 3");
	desk_expect(USAGE, "", "log KP 1.2 T --every month");
	desk_expect_said("due: ");
	desk_expect(USAGE, "", "log KP,CN 1.2 T --promise 'them: x'");
	desk_expect_said("promise: ");
	desk_expect(USAGE, "", "log");
	desk_expect(CONFLICT, "", "log KP 1.2 T --new '김철수 (KP)'");
	desk_expect(USAGE, "", "log KP 1.2 T --with 왕이:emperor");
	desk_expect(USAGE, "a\xff", "log KP 1.2 T");
	/* A folder can be opened, and not read. */
	desk_expect(USAGE, "", "log KP 1.2 T </");
	desk_expect_said("standard input cannot be read");
	desk_expect(USAGE, "", "log KP 1.2 T --file /");
	desk_expect_said("/: Is a directory");
	assert_int_equal(desk_engagements(), before);
	/* The note came by a pipe and stands nowhere else: it is kept, and can be sent. */
	char path[DESK_PATH_SIZE], line[DESK_PATH_SIZE + 40];
	desk_expect(USAGE, "A long note", "log KP 1.2 T --kind party");
	desk_kept_path(path);
	snprintf(line, sizeof line, "log --file %s --kind call --json", path);
	desk_expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "sed -i s/party/call/ %s", path);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof line, "log --file %s --json", path);
	desk_expect(DONE, NULL, line);
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "readout"), "A long note");
	json_decref(logged);
	assert_int_not_equal(access(path, F_OK), 0);
	desk_expect_left(0);
}

static void test_plan_and_hold(void **state)
{
	char trip[40], side[40], line[300];
	(void)state;
	desk_expect(
	    DONE, "",
	    "plan CN 1.3 Trip --kind visit --at '2020-03-02' --for 3d --side 'Lunch@12:30' --side 'Talk@2020-03-03 10:00' "
	    "--with 왕이,me --json");
	desk_keep_id(trip);
	json_t *page = call("engagement.history", json_of("{'status':'planned','order':'oldest'}"));
	assert_int_equal(json_array_size(at(page, "items")), 3);
	assert_string_equal(at_string(page, "items.1.title"), "Lunch");
	assert_string_equal(at_string(page, "items.1.starts_at"), "2020-03-02T03:30:00Z");
	assert_string_equal(at_string(page, "items.2.starts_at"), "2020-03-03T01:00:00Z");
	snprintf(side, sizeof side, "%s", at_string(page, "items.1.id"));
	json_t *lunch = desk_engagement(side);
	assert_string_equal(at_string(lunch, "parent_id"), trip);
	json_decref(lunch);
	json_decref(page);
	/* By the first digits, with who was missing and what was promised. */
	snprintf(line, sizeof line,
	         "hold %s --absent 왕이 --promise 'them: a paper by 2099-01-01' --due '2099-02-01:ask' "
	         "--due '2099-02-02:ask again' --json",
	         trip);
	desk_expect(DONE, "It went well.", line);
	json_t *held = desk_printed();
	assert_string_equal(at_string(held, "status"), "held");
	assert_string_equal(at_string(held, "readout"), "It went well.");
	assert_string_equal(at_string(held, "participants.0.attendance"), "absent");
	assert_string_equal(at_string(held, "participants.1.attendance"), "attended");
	assert_string_equal(at_string(held, "commitments.0.by.country"), "CN");
	json_decref(held);
	snprintf(line, sizeof line, "SELECT count(*) FROM store.reminder WHERE engagement_id = '%s' AND kind = 'set'",
	         trip);
	assert_int_equal(harness_count(harness, line), 2);
	snprintf(line, sizeof line, "hold %s", trip);
	desk_expect(FAILED, "", line);
	desk_expect(NOT_FOUND, "", "hold 0000aaaa");
	desk_expect(USAGE, "", "hold");
	desk_expect(USAGE, "", "plan CN 1.3 T");
	desk_expect_said("at: ");
}

static void test_form(void **state)
{
	char path[DESK_PATH_SIZE], text[DESK_TEXT_SIZE];
	long before = desk_engagements();
	(void)state;
	/* Left as it is, emptied, or by an editor that fails: nothing is written. */
	desk_set_editor("true");
	desk_expect(FAILED, "", "log --form");
	desk_set_editor(": > \"$1\"");
	desk_expect(FAILED, "", "log KP 1.2 T --form");
	desk_set_editor("exit 3");
	desk_expect(FAILED, "", "log --form");
	desk_set_editor(": > \"$1\"; exit 3");
	desk_expect(FAILED, "", "log --form");
	desk_set_editor("rm \"$1\"");
	desk_expect(FAILED, "", "log --form");
	setenv("EDITOR", "/nowhere/editor", 1);
	desk_expect(FAILED, "", "log --form");
	assert_int_equal(desk_engagements(), before);
	desk_expect_left(0);
	/* $EDITOR may hold variables, options and quotes. */
	desk_set_editor(
	    "[ \"$WORD\" = 'a b' ] && [ \"$1\" = -n ] && printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\n' > \"$2\"");
	char editor[DESK_PATH_SIZE * 2];
	desk_path(path, "editor");
	snprintf(editor, sizeof editor, "WORD='a b' '%s' -n", path);
	setenv("EDITOR", editor, 1);
	desk_expect(DONE, "", "log --form");
	assert_int_equal(desk_engagements(), before + 1);
	/* Names of fields in Korean, in an English form; the file is private, and what the editor leaves is wiped. */
	desk_path(path, "seen");
	char script[1024];
	snprintf(script, sizeof script,
	         "stat -c '%%a' \"$1\" \"$(dirname \"$1\")\" > %s\ncp \"$1\" \"$1~\"\n"
	         "printf '제목: 회의\\ncountries: 북한\\n과제: 1.2\\nWITH: 왕이\\nprivate:\\n\\tone\\n\\ttwo\\n"
	         "# a comment\\n---- readout ----\\n# kept\\n\\nof several: lines\\n' > \"$1\"",
	         path);
	desk_set_editor(script);
	desk_expect(DONE, "", "log --form --json");
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "title"), "회의");
	assert_string_equal(at_string(logged, "countries.0"), "KP");
	assert_string_equal(at_string(logged, "readout"), "# kept\n\nof several: lines");
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT body FROM store.note WHERE engagement_id = '%s'", at_string(logged, "id"));
	char *note = harness_query(harness, sql);
	assert_string_equal(note, "one\ntwo");
	free(note);
	json_decref(logged);
	desk_read(path, text);
	assert_string_equal(text, "600\n700\n");
	desk_expect_left(0);
}

/* Faults come back at their fields, and the corrected form is written once. */
static void test_form_faults(void **state)
{
	char path[DESK_PATH_SIZE], text[DESK_TEXT_SIZE], script[2048];
	long before = desk_engagements();
	(void)state;
	desk_path(path, "second");
	unlink(path);
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/gestern/yesterday/; s/nothing: x//; s/party/call/' "
	         "\"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nat: gestern\\nkind: party\\nnothing: x\\n' > "
	         "\"$1\"; fi",
	         path);
	desk_set_editor(script);
	desk_expect(DONE, "", "log --form --json");
	desk_read(path, text);
	/* What the form alone shows comes first. */
	assert_non_null(strstr(text, "#! there is no such field\nnothing: x"));
	assert_int_equal(desk_engagements(), before + 1);
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/gestern/yesterday/; s/Nobody/왕이/' \"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nwith: Nobody\\nat: gestern\\n' > \"$1\"; fi",
	         path);
	desk_set_editor(script);
	desk_expect(DONE, "", "log --form --json");
	desk_read(path, text);
	assert_true(strstr(text, "#! \"gestern\"") && strstr(text, "\nat: gestern"));
	assert_true(strstr(text, "\"Nobody\"") && strstr(text, "\nwith: Nobody"));
	/* What the daemon refuses, too. */
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/party/call/' \"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nkind: party\\n' > \"$1\"; fi",
	         path);
	desk_set_editor(script);
	desk_expect(DONE, "", "log --form --json");
	desk_read(path, text);
	const char *fault = strstr(text, "#! must be one of");
	assert_true(fault && strncmp(strchr(fault, '\n') + 1, "kind: party", 11) == 0);
	assert_int_equal(desk_engagements(), before + 3);
	/* Left as they are, they end it, and the text is kept. */
	desk_set_editor(
	    "grep -q '^#!' \"$1\" || printf 'title: T\\ncountries: KP\\nworkstreams: 9.9\\nat: gestern\\n' > \"$1\"");
	assert_int_not_equal(desk_run("", "log --form"), DONE);
	desk_kept_path(path);
	desk_read(path, text);
	assert_non_null(strstr(text, "at: gestern"));
	desk_forget_kept(path);
	assert_int_equal(desk_engagements(), before + 3);
	desk_expect_left(0);
}

/* A Korean form: its names are Korean, and read back. */
static void test_form_korean(void **state)
{
	char path[DESK_PATH_SIZE], text[DESK_TEXT_SIZE], script[600];
	(void)state;
	desk_path(path, "korean");
	snprintf(script, sizeof script, "cp \"$1\" %s; sed -i 's/^제목:.*/제목: 오찬/' \"$1\"", path);
	desk_set_editor(script);
	desk_expect(DONE, "메모", "log KP 1.2 T --form --lang ko --json");
	desk_read(path, text);
	assert_non_null(strstr(text, "\n제목: T\n"));
	assert_non_null(strstr(text, "\n후속 조치:\n"));
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "title"), "오찬");
	assert_string_equal(at_string(logged, "readout"), "메모");
	json_decref(logged);
	desk_expect(USAGE, "", "log KP 1.2 T --until 3d --lang ko");
	desk_expect_said("--at과 함께만");
}

/* Closed streams are nothing: no socket takes their place, to be read from or printed to. */
static void test_closed_streams(void **state)
{
	static const char *const closed[] = {"<&-", "2>&-", ">&-", "<&- >&- 2>&-"};
	char line[300], id[40];
	(void)state;
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
		desk_expect(DONE, "", "plan KP 1.2 'Without streams' --at yesterday --json");
		desk_keep_id(id);
		snprintf(line, sizeof line, "--socket %s hold %s --zone Asia/Seoul --due 7d:thanks %s", harness->socket, id,
		         closed[i]);
		char command[8192];
		snprintf(command, sizeof command, "exec timeout 20 %s %s", desk_program, line);
		assert_int_equal(system(command), 0);
		json_t *held = desk_engagement(id);
		assert_string_equal(at_string(held, "status"), "held");
		json_decref(held);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log),           cmocka_unit_test(test_log_times),      cmocka_unit_test(test_log_refused),
	    cmocka_unit_test(test_plan_and_hold), cmocka_unit_test(test_form),           cmocka_unit_test(test_form_faults),
	    cmocka_unit_test(test_form_korean),   cmocka_unit_test(test_closed_streams),
	};
	return cmocka_run_group_tests(tests, desk_setup, single_teardown);
}
