/* Guard: a program of tests that is killed leaves neither its daemon, nor the daemon's server, nor its folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { GONE_MS = 30000 };

struct left {
	pid_t daemon, server;
	char folder[64];
};

/* What nobody has waited for yet has ended, too. */
static bool runs(pid_t pid)
{
	char path[64], line[512];
	FILE *file;
	bool ended = true;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (!(file = fopen(path, "r")))
		return false;
	if (fgets(line, sizeof line, file))
		ended = strncmp(strrchr(line, ')'), ") Z", 3) == 0;
	fclose(file);
	return !ended;
}

static pid_t server_of(const struct harness *harness)
{
	char path[200], line[32];
	FILE *file;
	snprintf(path, sizeof path, "%s/postgres/data/postmaster.pid", harness->state);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	return (pid_t)strtol(line, NULL, 10);
}

/* The program that is to be killed. */
_Noreturn static void start_and_wait(int tell)
{
	struct harness harness;
	struct left left = {0};
	harness_init_empty(&harness);
	harness_start(&harness);
	harness_await(&harness);
	left.daemon = harness.daemon;
	left.server = server_of(&harness);
	memcpy(left.folder, harness.folder, sizeof left.folder);
	if (write(tell, &left, sizeof left) == (ssize_t)sizeof left)
		pause();
	_exit(1);
}

static void expect_nothing_left(int number)
{
	struct left left;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t program = fork();
	assert_true(program >= 0);
	if (program == 0)
		start_and_wait(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &left, sizeof left), (int)sizeof left);
	close(ends[0]);
	assert_true(runs(left.daemon) && runs(left.server) && access(left.folder, F_OK) == 0);
	assert_int_equal(kill(program, number), 0);
	assert_int_equal(waitpid(program, NULL, 0), program);
	long long until = harness_now_ms() + GONE_MS;
	while (runs(left.daemon) || runs(left.server) || access(left.folder, F_OK) == 0) {
		if (harness_now_ms() > until)
			fail_msg("left: the daemon %d, the server %d, the folder %d", runs(left.daemon), runs(left.server),
			         access(left.folder, F_OK) == 0);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

static void test_killed(void **state)
{
	(void)state;
	expect_nothing_left(SIGKILL);
}

static void test_terminated(void **state)
{
	(void)state;
	expect_nothing_left(SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed), cmocka_unit_test(test_terminated)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
