/* The desk: log, plan, hold, edit and undo as an officer types them, by the real command line against a real daemon: in
 * a pipe, with an editor that is a script, beside somebody who is faster, and with a daemon that is away. */
#include "single.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
	NOT_FOUND = 3,
	CONFLICT = 4,
	OUT_OF_REACH = 69,
	PATH_SIZE = 256,
	TEXT_SIZE = 65536
};

static char runtime[PATH_SIZE], program[PATH_SIZE];

/* What the last run printed. */
static char out[TEXT_SIZE], err[TEXT_SIZE];

static void path_of(char path[PATH_SIZE], const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", harness->folder, name);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_SIZE];
	path_of(path, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

static void read_file(const char *path, char text[TEXT_SIZE])
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t length = fread(text, 1, TEXT_SIZE - 1, file);
	text[length] = '\0';
	fclose(file);
}

/* An editor: `script` with the file as $1. */
static void set_editor(const char *script)
{
	char text[4096], path[PATH_SIZE];
	snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
	write_file("editor", text, 0755);
	path_of(path, "editor");
	setenv("EDITOR", path, 1);
}

/* Runs `line` as a shell would after "tracktwo ", with `input` as standard input from a pipe (NULL: closed), and
 * returns the exit code; 124 when it does not end. */
static int run_with(const char *input, const char *line)
{
	char command[8192], in[PATH_SIZE], out_path[PATH_SIZE], err_path[PATH_SIZE];
	path_of(out_path, "out");
	path_of(err_path, "err");
	path_of(in, "in");
	if (input)
		write_file("in", input, 0600);
	snprintf(command, sizeof command, "%s%s%s timeout 60 %s --socket %s %s %s >%s 2>%s", input ? "cat " : "",
	         input ? in : "", input ? " |" : "", program, harness->socket, line, input ? "" : "<&-", out_path,
	         err_path);
	int status = system(command);
	read_file(out_path, out);
	read_file(err_path, err);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(int code, const char *input, const char *line)
{
	int found = run_with(input, line);
	if (found != code)
		fail_msg("%s: %d, not %d\n%s%s", line, found, code, out, err);
}

static void expect_said(const char *text)
{
	if (!strstr(err, text))
		fail_msg("no \"%s\" in: %s", text, err);
}

/* The result of the last run, which had --json. */
static json_t *printed(void)
{
	json_t *value = json_loads(out, 0, NULL);
	if (!value)
		fail_msg("no JSON: %s%s", out, err);
	return value;
}

/* The id of what the last run printed as JSON. */
static void keep_id(char id[40])
{
	json_t *record = printed();
	snprintf(id, 40, "%s", at_string(record, "id"));
	json_decref(record);
}

static json_t *read_engagement(const char *id)
{
	return call("engagement.get", json_of("{'id':'%s'}", id));
}

static long engagements(void)
{
	return harness_count(harness, "SELECT count(*) FROM store.engagement");
}

/* Nothing of an editor is left, but for `kept` files. */
static void expect_left(size_t kept)
{
	DIR *folder = opendir(runtime);
	const struct dirent *entry;
	size_t found = 0;
	while ((entry = readdir(folder)))
		found += strncmp(entry->d_name, "tracktwo-", 9) == 0;
	closedir(folder);
	assert_int_equal(found, kept);
}

/* The path that was told; the file lies as private as it should. */
static void kept_path(char path[PATH_SIZE])
{
	const char *at_path = strstr(err, runtime);
	struct stat status;
	assert_non_null(at_path);
	snprintf(path, PATH_SIZE, "%.*s", (int)strcspn(at_path, "; \n"), at_path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	char folder[PATH_SIZE];
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void forget_kept(const char *path)
{
	char folder[PATH_SIZE];
	assert_int_equal(unlink(path), 0);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(rmdir(folder), 0);
}

static void test_log(void **state)
{
	(void)state;
	expect(
	    DONE, "They will come back on it.\n",
	    "log 중국,JP 1.3,1.2.1 'Lunch' --with 왕이:의장:personal,me --with 'Plain Name@US' --at 2026-11-20T12:30+09:00 "
	    "--for 90m --kind 면담 --track 2 --place Beijing --topic sanctions-relief,family-reunions "
	    "--sensitivity restricted --attribution chatham-house --private mine --due '2099-01-05:send the paper' "
	    "--due '2099-01-06 15:00:call' --every month --promise '북한: the list by 2099-02-01' "
	    "--promise '우리: 문서 전달 2099-03-01까지' --new \"New One (KP, Workers' Party):observer\" --json");
	json_t *logged = printed();
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
	expect_said("왕이: 王毅 (CN)");
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
		expect(DONE, "", line);
		json_t *logged = printed();
		assert_string_equal(at_string(logged, "starts_on"), rows[i].starts_on);
		assert_string_equal(at_string(logged, "precision"), rows[i].precision);
		if (rows[i].ends_on)
			assert_string_equal(at_string(logged, "ends_on"), rows[i].ends_on);
		assert_true(json_is_null(at(logged, "readout")));
		json_decref(logged);
	}
	expect(DONE, NULL, "log KP 1.2 T --json");
	json_t *logged = printed();
	assert_string_equal(at_string(logged, "precision"), "day");
	assert_string_equal(at_string(logged, "status"), "held");
	json_decref(logged);
	expect(DONE, "", "log KP 1.2 T --at '2020-01-01 10:00' --until 11:30 --json");
	logged = printed();
	assert_string_equal(at_string(logged, "ends_at"), "2020-01-01T02:30:00Z");
	json_decref(logged);
	/* What a dialogue gives is not repeated. */
	free(made("dialogue.create", json_of("{'title':'Seoul Forum','countries':['CN'],'workstreams':['1.3']}")));
	expect(DONE, "", "log T --dialogue 'Seoul Forum' --json");
	logged = printed();
	assert_string_equal(at_string(logged, "countries.0"), "CN");
	json_decref(logged);
	expect(USAGE, "", "log KP 1.2 T --at '2020-01-01 10:00' --until 2020-01-02");
	expect(USAGE, "", "log KP 1.2 T --until 2020-01-02");
}

/* All faults at once, the right exit code, and nothing written. */
static void test_log_refused(void **state)
{
	long before = engagements();
	(void)state;
	expect(NOT_FOUND, "", "log KP 1.2 T --with Nobody --at gestern --due nonsense --promise x --new y");
	expect_said("with: ");
	expect_said("at: ");
	expect_said("due: ");
	expect_said("promise: ");
	expect_said("new: ");
	expect(CONFLICT, "", "log KP 1.2 T --with 김철수");
	expect(USAGE, "", "log KP 1.2");
	expect(USAGE, "", "log KP 1.2 T and more");
	expect(USAGE, "", "log KP 1.2 T --colour red");
	expect(USAGE, "", "log KP 1.2 T --kind party");
	expect_said("kind: ");
	expect(USAGE, "", "log KP 1.2 T --track 2 --track 3");
	expect(USAGE, "", "log KP 1.2 T --every month");
	expect_said("due: ");
	expect(USAGE, "", "log KP,CN 1.2 T --promise 'them: x'");
	expect_said("promise: ");
	expect(USAGE, "", "log");
	expect(CONFLICT, "", "log KP 1.2 T --new '김철수 (KP)'");
	expect(USAGE, "", "log KP 1.2 T --with 왕이:emperor");
	expect(USAGE, "a\xff", "log KP 1.2 T");
	assert_int_equal(engagements(), before);
	/* The note came by a pipe and stands nowhere else: it is kept, and can be sent. */
	char path[PATH_SIZE], line[PATH_SIZE + 40];
	expect(USAGE, "A long note", "log KP 1.2 T --kind party");
	kept_path(path);
	snprintf(line, sizeof line, "log --file %s --kind call --json", path);
	expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "sed -i s/party/call/ %s", path);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof line, "log --file %s --json", path);
	expect(DONE, NULL, line);
	json_t *logged = printed();
	assert_string_equal(at_string(logged, "readout"), "A long note");
	json_decref(logged);
	forget_kept(path);
	expect_left(0);
}

static void test_plan_and_hold(void **state)
{
	char trip[40], side[40], line[300];
	(void)state;
	expect(
	    DONE, "",
	    "plan CN 1.3 Trip --kind visit --at '2020-03-02' --for 3d --side 'Lunch@12:30' --side 'Talk@2020-03-03 10:00' "
	    "--with 왕이,me --json");
	keep_id(trip);
	json_t *page = call("engagement.history", json_of("{'status':'planned','order':'oldest'}"));
	assert_int_equal(json_array_size(at(page, "items")), 3);
	assert_string_equal(at_string(page, "items.1.title"), "Lunch");
	assert_string_equal(at_string(page, "items.1.starts_at"), "2020-03-02T03:30:00Z");
	assert_string_equal(at_string(page, "items.2.starts_at"), "2020-03-03T01:00:00Z");
	snprintf(side, sizeof side, "%s", at_string(page, "items.1.id"));
	json_t *lunch = read_engagement(side);
	assert_string_equal(at_string(lunch, "parent_id"), trip);
	json_decref(lunch);
	json_decref(page);
	/* By the first digits, with who was missing and what was promised. */
	snprintf(line, sizeof line,
	         "hold %s --absent 왕이 --promise 'them: a paper by 2099-01-01' --due '2099-02-01:ask' "
	         "--due '2099-02-02:ask again' --json",
	         trip);
	expect(DONE, "It went well.", line);
	json_t *held = printed();
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
	expect(FAILED, "", line);
	expect(NOT_FOUND, "", "hold 0000aaaa");
	expect(USAGE, "", "hold");
	expect(USAGE, "", "plan CN 1.3 T");
	expect_said("at: ");
}

static void test_form(void **state)
{
	char path[PATH_SIZE], text[TEXT_SIZE];
	long before = engagements();
	(void)state;
	/* Left as it is, emptied, or by an editor that fails: nothing is written. */
	set_editor("true");
	expect(FAILED, "", "log --form");
	set_editor(": > \"$1\"");
	expect(FAILED, "", "log KP 1.2 T --form");
	set_editor("echo 'title: T' > \"$1\"; exit 3");
	expect(FAILED, "", "log --form");
	setenv("EDITOR", "/nowhere/editor", 1);
	expect(FAILED, "", "log --form");
	assert_int_equal(engagements(), before);
	expect_left(0);
	/* $EDITOR may hold variables, options and quotes. */
	set_editor(
	    "[ \"$WORD\" = 'a b' ] && [ \"$1\" = -n ] && printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\n' > \"$2\"");
	char editor[PATH_SIZE * 2];
	path_of(path, "editor");
	snprintf(editor, sizeof editor, "WORD='a b' '%s' -n", path);
	setenv("EDITOR", editor, 1);
	expect(DONE, "", "log --form");
	assert_int_equal(engagements(), before + 1);
	/* Names of fields in Korean, in an English form; the file is private, and what the editor leaves is wiped. */
	path_of(path, "seen");
	char script[1024];
	snprintf(script, sizeof script,
	         "stat -c '%%a' \"$1\" \"$(dirname \"$1\")\" > %s\ncp \"$1\" \"$1~\"\n"
	         "printf '제목: 회의\\ncountries: 북한\\n과제: 1.2\\nWITH: 왕이\\nprivate:\\n\\tone\\n\\ttwo\\n"
	         "# a comment\\n---- readout ----\\n# kept\\n\\nof several: lines\\n' > \"$1\"",
	         path);
	set_editor(script);
	expect(DONE, "", "log --form --json");
	json_t *logged = printed();
	assert_string_equal(at_string(logged, "title"), "회의");
	assert_string_equal(at_string(logged, "countries.0"), "KP");
	assert_string_equal(at_string(logged, "readout"), "# kept\n\nof several: lines");
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT body FROM store.note WHERE engagement_id = '%s'", at_string(logged, "id"));
	char *note = harness_query(harness, sql);
	assert_string_equal(note, "one\ntwo");
	free(note);
	json_decref(logged);
	read_file(path, text);
	assert_string_equal(text, "600\n700\n");
	expect_left(0);
}

/* Faults come back at their fields, and the corrected form is written once. */
static void test_form_faults(void **state)
{
	char path[PATH_SIZE], text[TEXT_SIZE], script[2048];
	long before = engagements();
	(void)state;
	path_of(path, "second");
	unlink(path);
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/gestern/yesterday/; s/nothing: x//; s/party/call/' "
	         "\"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nat: gestern\\nkind: party\\nnothing: x\\n' > "
	         "\"$1\"; fi",
	         path);
	set_editor(script);
	expect(DONE, "", "log --form --json");
	read_file(path, text);
	/* What the form alone shows comes first. */
	assert_non_null(strstr(text, "#! there is no such field\nnothing: x"));
	assert_int_equal(engagements(), before + 1);
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/gestern/yesterday/; s/Nobody/왕이/' \"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nwith: Nobody\\nat: gestern\\n' > \"$1\"; fi",
	         path);
	set_editor(script);
	expect(DONE, "", "log --form --json");
	read_file(path, text);
	assert_true(strstr(text, "#! \"gestern\"") && strstr(text, "\nat: gestern"));
	assert_true(strstr(text, "\"Nobody\"") && strstr(text, "\nwith: Nobody"));
	/* What the daemon refuses, too. */
	snprintf(script, sizeof script,
	         "if grep -q '^#!' \"$1\"; then cp \"$1\" %s; sed -i 's/party/call/' \"$1\"\n"
	         "else printf 'title: T\\ncountries: KP\\nworkstreams: 1.2\\nkind: party\\n' > \"$1\"; fi",
	         path);
	set_editor(script);
	expect(DONE, "", "log --form --json");
	read_file(path, text);
	const char *fault = strstr(text, "#! must be one of");
	assert_true(fault && strncmp(strchr(fault, '\n') + 1, "kind: party", 11) == 0);
	assert_int_equal(engagements(), before + 3);
	/* Left as they are, they end it, and the text is kept. */
	set_editor(
	    "grep -q '^#!' \"$1\" || printf 'title: T\\ncountries: KP\\nworkstreams: 9.9\\nat: gestern\\n' > \"$1\"");
	assert_int_not_equal(run_with("", "log --form"), DONE);
	kept_path(path);
	read_file(path, text);
	assert_non_null(strstr(text, "at: gestern"));
	forget_kept(path);
	assert_int_equal(engagements(), before + 3);
	expect_left(0);
}

/* A Korean form: its names are Korean, and read back. */
static void test_form_korean(void **state)
{
	char path[PATH_SIZE], text[TEXT_SIZE], script[600];
	(void)state;
	path_of(path, "korean");
	snprintf(script, sizeof script, "cp \"$1\" %s; sed -i 's/^제목:.*/제목: 오찬/' \"$1\"", path);
	set_editor(script);
	expect(DONE, "메모", "log KP 1.2 T --form --lang ko --json");
	read_file(path, text);
	assert_non_null(strstr(text, "\n제목: T\n"));
	assert_non_null(strstr(text, "\n후속 조치:\n"));
	json_t *logged = printed();
	assert_string_equal(at_string(logged, "title"), "오찬");
	assert_string_equal(at_string(logged, "readout"), "메모");
	json_decref(logged);
	expect(USAGE, "", "log KP 1.2 T --until 3d --lang ko");
	expect_said("--at과 함께만");
}

static void make_engagement(char id[40])
{
	json_t *logged = call("engagement.log",
	                      json_of("{'title':'A talk','kind':'meeting','starts_at':'2020-05-01T01:00:00Z','countries':"
	                              "['KP'],'workstreams':['1.2'],'readout':'as it was','topics':['one-topic']}"));
	snprintf(id, 40, "%s", at_string(logged, "id"));
	json_decref(logged);
}

static void test_edit(void **state)
{
	char id[40], line[400], script[1024], path[PATH_SIZE], text[TEXT_SIZE];
	(void)state;
	make_engagement(id);
	path_of(path, "edited");
	snprintf(script, sizeof script,
	         "cp \"$1\" %s; sed -i 's/^location:.*/location: 서울/; s/^countries:.*/countries: KP, 중국/; "
	         "s/^topics:.*/topics: two-topic/; s/^as it was/as it is/; s/T10:00:00+09:00/T11:00:00+09:00/; "
	         "s/^participants:.*/participants: 왕이:의장/; s/^workstreams:.*/workstreams: 1.3/' \"$1\"",
	         path);
	set_editor(script);
	snprintf(line, sizeof line, "edit %s --json", id);
	expect(DONE, "", line);
	read_file(path, text);
	assert_non_null(strstr(text, "starts_at: 2020-05-01T10:00:00+09:00"));
	json_t *edited = printed();
	assert_string_equal(at_string(edited, "location"), "서울");
	assert_string_equal(at_string(edited, "countries.1"), "CN");
	assert_string_equal(at_string(edited, "workstreams.0.code"), "1.3");
	assert_int_equal(json_array_size(at(edited, "workstreams")), 1);
	assert_string_equal(at_string(edited, "topics.0"), "two-topic");
	assert_string_equal(at_string(edited, "readout"), "as it is");
	assert_string_equal(at_string(edited, "starts_at"), "2020-05-01T02:00:00Z");
	assert_string_equal(at_string(edited, "participants.0.role"), "chair");
	assert_int_equal(at_integer(edited, "version"), 2);
	json_decref(edited);
	/* An entry is changed, and taken out. */
	set_editor("sed -i 's/\"role\":\"chair\"/\"role\":\"host\",\"capacity\":\"expert\"/; s/^readout.*//; s/^as it "
	           "is//' \"$1\"");
	expect(DONE, "", line);
	edited = printed();
	assert_string_equal(at_string(edited, "participants.0.role"), "host");
	assert_string_equal(at_string(edited, "participants.0.capacity"), "expert");
	assert_true(json_is_null(at(edited, "readout")));
	json_decref(edited);
	set_editor("sed -i 's/,\"capacity\":\"expert\"//' \"$1\"");
	expect(DONE, "", line);
	edited = printed();
	assert_true(json_is_null(at(edited, "participants.0.capacity")));
	json_decref(edited);
	set_editor("sed -i '/^participants:/d' \"$1\"");
	expect(DONE, "", line);
	edited = printed();
	assert_int_equal(json_array_size(at(edited, "participants")), 0);
	json_decref(edited);
	/* Nothing changed, nothing written. */
	set_editor("true");
	expect(DONE, "", line);
	set_editor(": > \"$1\"");
	expect(FAILED, "", line);
	set_editor("exit 1");
	expect(FAILED, "", line);
	edited = read_engagement(id);
	assert_int_equal(at_integer(edited, "version"), 5);
	json_decref(edited);
	expect_left(0);
}

static void test_edit_others(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Edited','country':'KP'}")), line[400];
	char *dialogue = made("dialogue.create", json_of("{'title':'D','countries':['CN'],'workstreams':['1.3']}"));
	char *organization = made("organization.create", json_of("{'name':'O'}"));
	char *reminder = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}"));
	char *commitment = made("commitment.create", json_of("{'by':'KP','text':'t'}"));
	(void)state;
	snprintf(line, sizeof line,
	         "edit %s --set sector=academia --set tags=a,b --set 'affiliations=Somewhere' --set influence=4 "
	         "--set 'names={\"text\":\"E\",\"kind\":\"romanized\"}' --json",
	         contact);
	expect(DONE, NULL, line);
	json_t *edited = printed();
	assert_string_equal(at_string(edited, "sector"), "academia");
	assert_string_equal(at_string(edited, "tags.1"), "b");
	assert_string_equal(at_string(edited, "name"), "E");
	assert_string_equal(at_string(edited, "affiliations.0.organization"), "Somewhere");
	assert_int_equal(at_integer(edited, "influence"), 4);
	json_decref(edited);
	snprintf(line, sizeof line, "edit %s --set title=E --set countries=CN,US --json", dialogue);
	expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set website=https://o.invalid --json", organization);
	expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set due_at='2099-01-02 10:00' --json", reminder);
	expect(DONE, NULL, line);
	edited = printed();
	assert_string_equal(at_string(edited, "due_at"), "2099-01-02T01:00:00Z");
	json_decref(edited);
	snprintf(line, sizeof line, "edit %s --set status=fulfilled --json", commitment);
	expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set title=", dialogue);
	expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set nothing=x", dialogue);
	expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set track=9", dialogue);
	expect(USAGE, NULL, line);
	expect_said("track: ");
	expect(NOT_FOUND, NULL, "edit 0000aaaa --set title=x");
	expect(USAGE, NULL, "edit");
	free(contact);
	free(dialogue);
	free(organization);
	free(reminder);
	free(commitment);
}

/* While the editor is open somebody else changes the record: another field merges, the same one is to be chosen. */
static void test_edit_merge(void **state)
{
	char id[40], line[400], script[2048], path[PATH_SIZE], text[TEXT_SIZE];
	(void)state;
	make_engagement(id);
	snprintf(line, sizeof line, "edit %s --json", id);
	snprintf(script, sizeof script,
	         "%s --socket %s engagement update --id %s --version 1 --location Geneva --countries-add US >/dev/null\n"
	         "sed -i 's/^as it was/mine/; s/^countries:.*/countries: KP, CN/' \"$1\"",
	         program, harness->socket, id);
	set_editor(script);
	expect(DONE, "", line);
	expect_said("location: Geneva");
	json_t *merged = printed();
	assert_string_equal(at_string(merged, "location"), "Geneva");
	assert_string_equal(at_string(merged, "readout"), "mine");
	assert_int_equal(json_array_size(at(merged, "countries")), 3);
	assert_int_equal(at_integer(merged, "version"), 3);
	json_decref(merged);
	/* Both changed the title and the readout. */
	path_of(path, "conflict");
	snprintf(script, sizeof script,
	         "if grep -q '^<<<<<<<' \"$1\"; then cp \"$1\" %s\n"
	         "sed -i '/^<<<<<<<\\|^=======\\|^>>>>>>>/d; /^title: My/d; /^theirs$/d' \"$1\"; else\n"
	         "%s --socket %s engagement update --id %s --version 3 --title Their --readout theirs >/dev/null\n"
	         "sed -i 's/^mine/mine again/; s/^title:.*/title: My/' \"$1\"; fi",
	         path, program, harness->socket, id);
	set_editor(script);
	expect(DONE, "", line);
	read_file(path, text);
	assert_non_null(strstr(text, "<<<<<<< yours\ntitle: My\n=======\ntitle: Their\n>>>>>>> theirs\n"));
	assert_non_null(strstr(text, "<<<<<<< yours\nmine again\n=======\ntheirs\n>>>>>>> theirs\n"));
	merged = printed();
	assert_string_equal(at_string(merged, "title"), "Their");
	assert_string_equal(at_string(merged, "readout"), "mine again");
	json_decref(merged);
	/* Marks that are left stand in the way, and the text is kept. */
	snprintf(script, sizeof script,
	         "grep -q '^<<<<<<<\\|^#!' \"$1\" || { %s --socket %s engagement update --id %s --version 5 --title Theirs "
	         ">/dev/null; sed -i 's/^title:.*/title: Mine/' \"$1\"; }",
	         program, harness->socket, id);
	set_editor(script);
	assert_int_equal(run_with("", line), CONFLICT);
	kept_path(path);
	forget_kept(path);
	merged = read_engagement(id);
	assert_string_equal(at_string(merged, "title"), "Theirs");
	json_decref(merged);
	expect_left(0);
}

static void test_undo(void **state)
{
	char id[40], line[300];
	(void)state;
	expect(DONE, "", "log KP 1.2 'To be undone' --json");
	keep_id(id);
	expect(USAGE, "", "undo");
	expect_said("engagement.log \"To be undone\"");
	expect(DONE, "", "undo --yes --reason twice");
	json_t *record = read_engagement(id);
	assert_string_equal(at_string(record, "void_reason"), "twice");
	json_decref(record);
	expect(DONE, "", "undo --yes --json");
	record = read_engagement(id);
	assert_true(json_is_null(at(record, "voided_at")));
	json_decref(record);
	snprintf(line, sizeof line, "edit %s --set readout=first", id);
	expect(DONE, "", line);
	expect(DONE, "", "log KP 1.2 'Another' --json");
	/* By the record: not the last write of all. */
	snprintf(line, sizeof line, "undo %s --yes", id);
	expect(DONE, "", line);
	record = read_engagement(id);
	assert_true(json_is_null(at(record, "readout")));
	json_decref(record);
	/* What stands in the way is shown. */
	char request[40];
	snprintf(request, sizeof request, "%s", checked_id());
	record = read_engagement(id);
	json_decref(call("engagement.update", json_of("{'id':'%s','version':%ld,'title':'B','request_id':'%s'}", id,
	                                              at_integer(record, "version"), request)));
	json_decref(call("engagement.update",
	                 json_of("{'id':'%s','version':%ld,'title':'C'}", id, at_integer(record, "version") + 1)));
	json_decref(record);
	snprintf(line, sizeof line, "undo --change %s --yes", request);
	expect(CONFLICT, "", line);
	expect_said("engagement.update");
	json_decref(call("contact.create", json_of("{'name':'Not undone','country':'KP'}")));
	expect(FAILED, "", "undo --yes");
	expect(NOT_FOUND, "", "undo --change 019b1c00-ffff-7000-8000-000000000001 --yes");
}

/* The daemon is away: what was written is kept, and sent later, once. */
static void test_away(void **state)
{
	char path[PATH_SIZE], line[PATH_SIZE + 40], text[TEXT_SIZE];
	long before = engagements();
	(void)state;
	set_editor("printf 'title: While away\\ncountries: KP\\nworkstreams: 1.2\\nat: 2020-01-01\\n---- readout ----\\nA "
	           "note\\n' "
	           "> \"$1\"");
	client_close(&client);
	harness_stop(harness);
	expect(OUT_OF_REACH, "", "log --form");
	kept_path(path);
	read_file(path, text);
	assert_non_null(strstr(text, "title: While away"));
	assert_non_null(strstr(text, "A note"));
	assert_non_null(strstr(text, "request: "));
	expect(OUT_OF_REACH, "", "log KP 1.2 T");
	expect(OUT_OF_REACH, "", "undo --yes");
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	snprintf(line, sizeof line, "log --file %s --json", path);
	for (int i = 0; i < 3; i++)
		expect(DONE, NULL, line);
	assert_int_equal(engagements(), before + 1);
	forget_kept(path);
	expect_left(0);
}

/* Stands between the command line and the daemon, and swallows the first answer to an engagement.log. */
static pid_t start_swallower(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	assert_true(strlen(path) < sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path));
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 8), 0);
	pid_t pid = fork();
	if (pid != 0) {
		close(listener);
		return pid;
	}
	for (bool swallowed = false;;) {
		int peer = accept(listener, NULL, NULL);
		struct client daemon;
		client_open(&daemon, harness);
		struct client near = {.fd = peer};
		char *request, *answer;
		while ((request = client_read_line(&near, 20000))) {
			client_send_line(&daemon, request);
			if (!(answer = client_read_line(&daemon, 20000)))
				break;
			if (strstr(request, "engagement.log") && !swallowed) {
				swallowed = true;
				break;
			}
			client_send_line(&near, answer);
		}
		client_close(&daemon);
		close(peer);
	}
}

static void test_lost_answer(void **state)
{
	char path[PATH_SIZE], line[PATH_SIZE + 100];
	long before = engagements(), reminders = harness_count(harness, "SELECT count(*) FROM store.reminder");
	(void)state;
	path_of(path, "between");
	pid_t between = start_swallower(path);
	snprintf(line, sizeof line, "log KP 1.2 'Lost' --due 2099-01-01:one --due 2099-01-02:two --json --socket %s", path);
	int status = run_with("", line);
	kill(between, SIGKILL);
	waitpid(between, NULL, 0);
	if (status != DONE)
		fail_msg("%s%s", out, err);
	assert_int_equal(engagements(), before + 1);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder"), reminders + 2);
	/* And by hand, under one id. */
	char again[300];
	snprintf(again, sizeof again,
	         "log KP 1.2 'Again' --at 2020-01-01 --due 2099-01-01:one --due 2099-01-02:two --request %s", checked_id());
	for (int i = 0; i < 3; i++)
		expect(DONE, "", again);
	assert_int_equal(engagements(), before + 2);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder"), reminders + 4);
}

/* Told to end while the editor is open: nothing is left. */
static void test_signal(void **state)
{
	char script[300];
	(void)state;
	snprintf(script, sizeof script, "echo 'title: T' > \"$1\"; echo x > \"$1.swp\"; kill -TERM $PPID; sleep 1");
	set_editor(script);
	/* It ends by that signal. */
	assert_int_equal(run_with("", "log --form"), 128 + SIGTERM);
	expect_left(0);
}

static int setup(void **state)
{
	single_setup(state);
	assert_non_null(realpath("/proc/self/exe", program));
	char *end = strstr(program, "/tests/integration/");
	assert_non_null(end);
	snprintf(end, sizeof program - (size_t)(end - program), "/tracktwo");
	path_of(runtime, "runtime");
	assert_int_equal(mkdir(runtime, 0700), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	unsetenv("VISUAL");
	setenv("LC_ALL", "C.UTF-8", 1);
	json_decref(
	    call("contact.create", json_of("{'country':'CN','names':[{'text':'王毅','kind':'native'},{'text':'왕이','kind':"
	                                   "'alias'}]}")));
	json_decref(call("contact.create", json_of("{'country':'US','name':'Plain Name'}")));
	json_decref(call("contact.create", json_of("{'country':'KR','name':'김철수'}")));
	json_decref(call("contact.create", json_of("{'country':'KP','name':'김철수'}")));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log),           cmocka_unit_test(test_log_times), cmocka_unit_test(test_log_refused),
	    cmocka_unit_test(test_plan_and_hold), cmocka_unit_test(test_form),      cmocka_unit_test(test_form_faults),
	    cmocka_unit_test(test_form_korean),   cmocka_unit_test(test_edit),      cmocka_unit_test(test_edit_others),
	    cmocka_unit_test(test_edit_merge),    cmocka_unit_test(test_undo),      cmocka_unit_test(test_away),
	    cmocka_unit_test(test_lost_answer),   cmocka_unit_test(test_signal),
	};
	return cmocka_run_group_tests(tests, setup, single_teardown);
}
