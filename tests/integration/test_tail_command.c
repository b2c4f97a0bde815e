/* Tail, the command: what it prints, where it goes on, and that a daemon which is killed costs it nothing. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "checked.h"
#include "push.h"

enum { ARRIVES_MS = 10000, WRITES = 60 };

static struct harness *harness;

static int setup(void **state)
{
	int status = harness_group_setup(state);
	harness = *state;
	return status;
}

static void create(const char *name, const char *country)
{
	struct client client;
	client_open(&client, harness);
	json_decref(
	    client_result(&client, "organization.create", json_of("{'name': '%s', 'country': '%s'}", name, country)));
	client_close(&client);
}

/* A run of the command line that was built along with this test; both streams go to files of the harness's folder. */
struct run {
	pid_t pid;
	char out[128], err[128];
};

static void run_start(struct run *run, const char *arguments)
{
	static int number;
	char path[4096], command[5000], *slash;
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	assert_true(length > 0);
	path[length] = '\0';
	for (int i = 0; i < 3 && (slash = strrchr(path, '/')); i++)
		*slash = '\0';
	number++;
	snprintf(run->out, sizeof run->out, "%s/out%d", harness->folder, number);
	snprintf(run->err, sizeof run->err, "%s/err%d", harness->folder, number);
	snprintf(command, sizeof command, "exec %.4000s/tracktwo --lang en --socket %s tail %s >%s 2>%s", path,
	         harness->socket, arguments, run->out, run->err);
	run->pid = fork();
	assert_true(run->pid >= 0);
	if (run->pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

static char *contents(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = fopen(path, "r");
	if (!in || getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = strdup("");
	}
	if (in)
		fclose(in);
	return text;
}

static int run_end(const struct run *run, int signal_number)
{
	int status;
	if (signal_number)
		kill(run->pid, signal_number);
	assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void await_text(const char *path, const char *word)
{
	long long until = harness_now_ms() + ARRIVES_MS;
	bool found = false;
	while (!found) {
		char *text = contents(path);
		found = strstr(text, word) != NULL;
		if (!found && harness_now_ms() > until)
			fail_msg("\"%s\" does not come in: %s", word, text);
		free(text);
		push_sleep_ms(20);
	}
}

static void expect_out(const struct run *run, const char *format, ...)
{
	char wanted[4000];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(wanted, sizeof wanted, format, arguments);
	va_end(arguments);
	char *text = contents(run->out), *titles = calloc(1, strlen(text) + 1), *line, *rest = text;
	while ((line = strsep(&rest, "\n")) && *line) {
		for (int i = 0; i < 3; i++)
			line = strchr(line, '\t') + 1;
		strncat(titles, line, strcspn(line, "\t"));
		strcat(titles, " ");
	}
	assert_string_equal(titles, wanted);
	free(titles), free(text);
}

static void test_filters_and_formats(void **state)
{
	struct run run;
	(void)state;
	create("One", "KP"), create("Two", "CN"), create("Three", "KP");
	run_start(&run, "--since '1 hour ago' --country 북한 --no-follow");
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "One Three ");
	await_text(run.err, "cursor: ");
	run_start(&run, "--since '1 hour ago' --count 2");
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "One Two ");
	/* Each line of JSON has the cursor behind it, and the last is the one on standard error. */
	run_start(&run, "--since '1 hour ago' --count 2 --json");
	assert_int_equal(run_end(&run, 0), 0);
	char *text = contents(run.out), *said = contents(run.err), after[4400];
	char *second = strchr(text, '\n') + 1;
	json_t *change = json_loads(second, 0, NULL);
	assert_string_equal(at_string(change, "title"), "Two");
	assert_non_null(strstr(said, at_string(change, "cursor")));
	snprintf(after, sizeof after, "--no-follow --after %s", at_string(change, "cursor"));
	run_start(&run, after);
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "Three ");
	json_decref(change);
	free(text), free(said);
	run_start(&run, "--table --since '1 hour ago' --count 1");
	assert_int_equal(run_end(&run, 0), 0);
	await_text(run.out, "  entered an organization: One  [KP]\n");
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *arguments;
		int status;
	} rows[] = {{"more", 2},
	            {"--count 0", 2},
	            {"--after x --since 2026-01-01T00:00:00Z", 2},
	            {"--after junk", 2},
	            {"--country Nowhereland", 2},
	            {"--after '' --no-follow", 2},
	            {"--after \"$(printf '\\377')\" --no-follow", 2},
	            {"--state /nowhere/at/all --no-follow", 1}};
	struct run run;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		run_start(&run, rows[i].arguments);
		int status = run_end(&run, 0);
		if (status != rows[i].status)
			fail_msg("%s ends with %d", rows[i].arguments, status);
	}
}

static void test_state(void **state)
{
	struct run run;
	char arguments[200], path[100];
	struct stat file;
	(void)state;
	snprintf(path, sizeof path, "%s/mark", harness->folder);
	snprintf(arguments, sizeof arguments, "--no-follow --state %s", path);
	run_start(&run, arguments);
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "");
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	create("Four", "KP"), create("Five", "KP");
	run_start(&run, arguments);
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "Four Five ");
	run_start(&run, arguments);
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "");
	/* Ended by a signal it has kept where it was. */
	snprintf(arguments, sizeof arguments, "--state %s", path);
	run_start(&run, arguments);
	create("Six", "KP");
	await_text(run.out, "Six");
	assert_int_equal(run_end(&run, SIGTERM), 0);
	await_text(run.err, "cursor: ");
	create("Seven", "KP");
	snprintf(arguments, sizeof arguments, "--no-follow --state %s", path);
	run_start(&run, arguments);
	assert_int_equal(run_end(&run, 0), 0);
	expect_out(&run, "Seven ");
	FILE *out = fopen(path, "w");
	fputs("no cursor!\n", out);
	fclose(out);
	run_start(&run, arguments);
	assert_int_equal(run_end(&run, 0), 2);
}

/* The daemon is killed while much is written; nothing is left out, and nothing comes twice. */
static void test_daemon_killed(void **state)
{
	struct run run;
	char name[32], wanted[2000] = "";
	(void)state;
	create("Start", "KP");
	run_start(&run, "--since '1 hour ago' --country KP");
	await_text(run.out, "Start");
	for (int i = 0; i < WRITES; i++) {
		snprintf(name, sizeof name, "k%d", i);
		create(name, "KP");
		snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "k%d ", i);
		if (i % 20 == 9) {
			harness_kill(harness);
			harness_start(harness);
			harness_await(harness);
		}
	}
	snprintf(name, sizeof name, "k%d\t", WRITES - 1);
	await_text(run.out, name);
	await_text(run.err, "going on when it is back");
	assert_int_equal(run_end(&run, SIGINT), 0);
	expect_out(&run, "One Three Four Five Six Seven Start %s", wanted);
}

static void test_out_of_reach(void **state)
{
	struct run run;
	(void)state;
	assert_int_equal(harness_stop(harness), 0);
	run_start(&run, "");
	assert_int_equal(run_end(&run, 0), 69);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_filters_and_formats), cmocka_unit_test(test_wrong_lines),  cmocka_unit_test(test_state),
	    cmocka_unit_test(test_daemon_killed),       cmocka_unit_test(test_out_of_reach),
	};
	return cmocka_run_group_tests_name("tail command", tests, setup, harness_group_teardown);
}
