/* Kept: what was written and could not be stored is kept, and is stored later, once: a daemon that is away or whose
 * answer is lost, an editor that dies, a terminal that is cut off. */
#include "desk.h"

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

/* What is kept, in a file of one's own, which stays when it has been sent. */
static void copy_kept(const char *path, char copy[DESK_PATH_SIZE])
{
	char text[DESK_TEXT_SIZE];
	desk_read(path, text);
	desk_write("copy", text, 0600);
	desk_path(copy, "copy");
}

/* The daemon is away: what was written is kept, and sent later, once. */
static void test_away(void **state)
{
	char path[DESK_PATH_SIZE], copy[DESK_PATH_SIZE], line[DESK_PATH_SIZE + 40], text[DESK_TEXT_SIZE];
	long before = desk_engagements();
	(void)state;
	desk_set_editor(
	    "printf 'title: While away\\ncountries: KP\\nworkstreams: 1.2\\nat: 2020-01-01\\n---- readout ----\\nA "
	    "note\\n' "
	    "> \"$1\"");
	client_close(&client);
	harness_stop(harness);
	desk_expect(OUT_OF_REACH, "", "log --form");
	desk_kept_path(path);
	desk_read(path, text);
	assert_non_null(strstr(text, "title: While away"));
	assert_non_null(strstr(text, "A note"));
	assert_non_null(strstr(text, "request: "));
	desk_expect(OUT_OF_REACH, "", "log KP 1.2 T");
	desk_expect(OUT_OF_REACH, "", "undo --yes");
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	copy_kept(path, copy);
	snprintf(line, sizeof line, "log --file %s --json", copy);
	for (int i = 0; i < 3; i++)
		desk_expect(DONE, NULL, line);
	assert_int_equal(desk_engagements(), before + 1);
	desk_forget_kept(path);
	desk_expect_left(0);
}

/* Stands between the command line and the daemon, and swallows the first answer to `method`; with a signal, it sends
 * that to the command line instead, which waits for ever. */
static pid_t start_swallower(const char *path, const char *method, int number)
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
		struct ucred who;
		socklen_t length = sizeof who;
		assert_int_equal(getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &length), 0);
		struct client daemon;
		client_open(&daemon, harness);
		struct client near = {.fd = peer};
		char *request, *answer;
		while ((request = client_read_line(&near, 20000))) {
			client_send_line(&daemon, request);
			if (!(answer = client_read_line(&daemon, 20000)))
				break;
			if (strstr(request, method) && number) {
				kill(who.pid, number);
				continue;
			}
			if (strstr(request, method) && !swallowed) {
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
	char path[DESK_PATH_SIZE], line[DESK_PATH_SIZE + 100];
	long before = desk_engagements(), reminders = harness_count(harness, "SELECT count(*) FROM store.reminder");
	(void)state;
	desk_path(path, "between");
	pid_t between = start_swallower(path, "engagement.log", 0);
	snprintf(line, sizeof line, "log KP 1.2 'Lost' --due 2099-01-01:one --due 2099-01-02:two --json --socket %s", path);
	int status = desk_run("", line);
	kill(between, SIGKILL);
	waitpid(between, NULL, 0);
	if (status != DONE)
		fail_msg("%s%s", desk_out, desk_err);
	assert_int_equal(desk_engagements(), before + 1);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder"), reminders + 2);
	/* And by hand, under one id. */
	char again[300];
	snprintf(again, sizeof again,
	         "log KP 1.2 'Again' --at 2020-01-01 --due 2099-01-01:one --due 2099-01-02:two --request %s", checked_id());
	for (int i = 0; i < 3; i++)
		desk_expect(DONE, "", again);
	assert_int_equal(desk_engagements(), before + 2);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder"), reminders + 4);
}

/* Runs the line so that `number` comes while the answer to `method` is waited for; what was written is kept. */
static void interrupt(const char *input, const char *line, const char *method, int number, char kept[DESK_PATH_SIZE])
{
	char path[DESK_PATH_SIZE], whole[600];
	desk_path(path, "interrupting");
	unlink(path);
	pid_t between = start_swallower(path, method, number);
	snprintf(whole, sizeof whole, "%s --socket %s", line, path);
	int status = desk_run(input, whole);
	kill(between, SIGKILL);
	waitpid(between, NULL, 0);
	if (status != 128 + number)
		fail_msg("%s: %d\n%s%s", line, status, desk_out, desk_err);
	desk_kept_path(kept);
}

/* Interrupted, or cut off, while it waits: what was typed, or came by a pipe, is kept, and is written once. */
static void test_interrupted(void **state)
{
	char path[DESK_PATH_SIZE], copy[DESK_PATH_SIZE], line[DESK_PATH_SIZE + 100], id[40];
	long before = desk_engagements(), reminders = harness_count(harness, "SELECT count(*) FROM store.reminder");
	(void)state;
	desk_set_editor("printf 'title: Typed\ncountries: KP\nworkstreams: 1.2\nat: 2h ago\ndue: +2h:one\ndue: "
	                "+3h:two\n' > \"$1\"");
	interrupt("", "log --form", "engagement.log", SIGINT, path);
	sleep(1);
	copy_kept(path, copy);
	snprintf(line, sizeof line, "log --file %s", copy);
	for (int i = 0; i < 2; i++)
		desk_expect(DONE, "", line);
	desk_forget_kept(path);
	interrupt("A note of a pipe", "log KP 1.2 Piped", "engagement.log", SIGHUP, path);
	snprintf(line, sizeof line, "log --file %s --json", path);
	desk_expect(DONE, NULL, line);
	json_t *logged = desk_printed();
	assert_string_equal(at_string(logged, "readout"), "A note of a pipe");
	json_decref(logged);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(desk_engagements(), before + 2);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder"), reminders + 2);
	/* While a fault is mended in the editor; and a note of a pipe, while the rest is typed. */
	desk_set_editor("if grep -q '^#!' \"$1\"; then kill -HUP $PPID; sleep 1; else printf 'title: Typed\ncountries: "
	                "KP\nworkstreams: 1.2\nat: gestern\n' > \"$1\"; fi");
	char text[DESK_TEXT_SIZE];
	assert_int_equal(desk_run("", "log --form"), 128 + SIGHUP);
	desk_kept_path(path);
	desk_read(path, text);
	assert_non_null(strstr(text, "title: Typed"));
	desk_forget_kept(path);
	desk_set_editor("kill -HUP $PPID; sleep 1");
	assert_int_equal(desk_run("A note of a pipe", "log --form"), 128 + SIGHUP);
	desk_kept_path(path);
	desk_read(path, text);
	assert_non_null(strstr(text, "A note of a pipe"));
	desk_forget_kept(path);
	/* Held already, though nobody was told: its version has passed. */
	desk_expect(DONE, "", "plan KP 1.2 'To be held' --at yesterday --json");
	desk_keep_id(id);
	snprintf(line, sizeof line, "hold %s --due +2h:thanks", id);
	interrupt("It went well", line, "engagement.hold", SIGTERM, path);
	copy_kept(path, copy);
	snprintf(line, sizeof line, "hold %s --file %s", id, copy);
	for (int i = 0; i < 2; i++)
		desk_expect(DONE, NULL, line);
	desk_forget_kept(path);
	/* Not held yet, and somebody has changed it meanwhile. */
	desk_expect(DONE, "", "plan KP 1.2 'To be held, too' --at yesterday --json");
	desk_keep_id(id);
	snprintf(line, sizeof line, "hold %s --due nonsense", id);
	desk_expect(USAGE, "Well", line);
	desk_kept_path(path);
	snprintf(line, sizeof line, "edit %s --set location=Geneva", id);
	desk_expect(DONE, "", line);
	snprintf(line, sizeof line, "sed -i /nonsense/d %s", path);
	assert_int_equal(system(line), 0);
	snprintf(line, sizeof line, "hold %s --file %s", id, path);
	desk_expect(DONE, NULL, line);
	assert_int_not_equal(access(path, F_OK), 0);
	/* An edit, likewise. */
	desk_set_editor("sed -i 's/^location:.*/location: Vienna/' \"$1\"");
	snprintf(line, sizeof line, "edit %s", id);
	interrupt("", line, "engagement.update", SIGINT, path);
	desk_forget_kept(path);
	desk_expect_left(0);
}

/* The editor has the terminal, also where a note comes by a pipe and the result goes into one. */
static void test_editor_terminal(void **state)
{
	char command[2048], out[DESK_PATH_SIZE];
	long before = desk_engagements();
	(void)state;
	desk_path(out, "out");
	desk_set_editor("[ -t 0 ] && [ -t 1 ] && sed -i 's/^title:.*/title: At the terminal/' \"$1\"");
	snprintf(command, sizeof command,
	         "timeout 60 script -qec \"echo note | %s --socket %s log KP 1.2 T --form --json | cat\" /dev/null >%s "
	         "</dev/null",
	         desk_program, harness->socket, out);
	assert_int_equal(system(command), 0);
	desk_read(out, desk_out);
	assert_non_null(strstr(desk_out, "\"At the terminal\""));
	assert_int_equal(desk_engagements(), before + 1);
}

/* Words of time in a form that was kept count from when it was written, whenever it is sent; those in a form of one's
 * own from now. */
static void test_kept_words(void **state)
{
	static const struct {
		const char *name, *written, *day;
	} rows[] = {
	    {"runtime/tracktwo-Abcdef/tracktwo.txt", "", "2020-05-01"},
	    {"form", "written: 2020-05-02T03:00:00Z\n", "2020-05-01"},
	    {"form", "", NULL},
	};
	char path[DESK_PATH_SIZE], text[300], line[DESK_PATH_SIZE + 100];
	(void)state;
	desk_path(path, "runtime/tracktwo-Abcdef");
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, "title: T\ncountries: KP\nworkstreams: 1.2\nat: yesterday\n%s", rows[i].written);
		desk_write(rows[i].name, text, 0600);
		desk_path(path, rows[i].name);
		snprintf(line, sizeof line, "touch -d 2020-05-02T03:00:00Z %s", path);
		assert_int_equal(system(line), 0);
		snprintf(line, sizeof line, "log --file %s --json", path);
		desk_expect(DONE, NULL, line);
		json_t *logged = desk_printed();
		const char *day = at_string(logged, "starts_on");
		if (rows[i].day)
			assert_string_equal(day, rows[i].day);
		else
			assert_true(strcmp(day, "2026") > 0);
		json_decref(logged);
	}
	desk_expect_left(0);
}

/* Told to end while the editor is open, by a lost terminal also: nothing is left but what was saved. */
static void test_signal(void **state)
{
	char path[DESK_PATH_SIZE];
	(void)state;
	desk_set_editor("echo x > \"$1.swp\"; kill -TERM $PPID; sleep 1");
	/* It ends by that signal. */
	assert_int_equal(desk_run("", "log --form"), 128 + SIGTERM);
	desk_expect_left(0);
	desk_set_editor("echo 'title: T' > \"$1\"; echo x > \"$1.swp\"; kill -HUP $PPID; sleep 1");
	assert_int_equal(desk_run("", "log --form"), 128 + SIGHUP);
	desk_kept_path(path);
	desk_forget_kept(path);
	desk_expect_left(0);
}

/* What was saved in an editor that fails, is killed, or leaves what cannot be read is kept, and can be sent. */
static void test_editor_dies(void **state)
{
	static const char saved[] =
	    "printf 'title: Saved\\ncountries: KP\\nworkstreams: 1.2\\nat: yesterday\\n' > \"$1\"; chmod "
	    "644 \"$1\"; %s";
	static const char *const ends[] = {"exit 3", "kill -9 $$", "printf 'note: \\377\\n' >> \"$1\"",
	                                   "head -c 1100000 /dev/zero | tr '\\0' a >> \"$1\""};
	char path[DESK_PATH_SIZE], script[400];
	long before = desk_engagements();
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(script, sizeof script, saved, ends[i]);
		desk_set_editor(script);
		desk_expect(FAILED, "", "log --form");
		desk_kept_path(path);
		assert_int_equal(desk_engagements(), before + (long)(i > 0));
		if (i == 0) {
			snprintf(script, sizeof script, "log --file %s", path);
			desk_expect(DONE, "", script);
			assert_int_equal(desk_engagements(), before + 1);
			assert_int_not_equal(access(path, F_OK), 0);
		} else {
			desk_forget_kept(path);
		}
		desk_expect_left(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_away),        cmocka_unit_test(test_lost_answer),
	                                   cmocka_unit_test(test_interrupted), cmocka_unit_test(test_editor_terminal),
	                                   cmocka_unit_test(test_kept_words),  cmocka_unit_test(test_signal),
	                                   cmocka_unit_test(test_editor_dies)};
	return cmocka_run_group_tests(tests, desk_setup, single_teardown);
}
