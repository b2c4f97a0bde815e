/* Tests of base/log: standard error is a socket of packets while a test logs, so that each write(2) is seen apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static int saved_stderr, reader;
static char packet[10000];

static int begin(void **state)
{
	(void)state;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return -1;
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	reader = pair[0];
	log_set_journal(true);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int end(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
	return 0;
}

/* The next write as a string; "" when there is none. */
static const char *next_write(void)
{
	ssize_t length = recv(reader, packet, sizeof packet - 1, MSG_DONTWAIT);
	packet[length > 0 ? length : 0] = '\0';
	return packet;
}

static void test_lines_of_the_journal(void **state)
{
	(void)state;
	log_error("conn 3", "gone: %d", 7);
	assert_string_equal(next_write(), "<3>conn 3: gone: 7\n");
	log_warning("pg 2", "slow");
	assert_string_equal(next_write(), "<4>pg 2: slow\n");
	log_info("", "ready");
	assert_string_equal(next_write(), "<6>ready\n");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("call 17", "x");
	assert_string_equal(next_write(), "<7>call 17: x\n");
	assert_string_equal(next_write(), "");
}

static void test_levels(void **state)
{
	(void)state;
	for (int highest = LOG_LEVEL_ERROR; highest <= LOG_LEVEL_DEBUG; highest++) {
		log_set_level((enum log_level)highest);
		for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
			assert_int_equal(log_enabled((enum log_level)level), level <= highest);
			log_line((enum log_level)level, "", "x");
			assert_int_equal(next_write()[0] != '\0', level <= highest);
		}
	}
	const char *const names[] = {"error", "warning", "info", "debug"};
	for (int level = 0; level < 4; level++)
		assert_string_equal(log_level_names[level], names[level]);
	assert_null(log_level_names[4]);
}

static void test_time_stamp(void **state)
{
	(void)state;
	log_set_journal(false);
	log_warning("pg 2", "slow");
	int year, month, day, hour, minute, second, millis, length = 0;
	sscanf(next_write(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour, &minute, &second, &millis,
	       &length);
	assert_int_equal(length, 25);
	assert_true(year >= 2026 && month >= 1 && month <= 12 && hour <= 23);
	assert_string_equal(packet + length, "warning pg 2: slow\n");
}

static void test_no_line_can_be_forged(void **state)
{
	(void)state;
	log_info("a\nb", "x\n<3>y\r\t\x1b[0m\x7f z\xc2\x85w 한글 é %%");
	assert_string_equal(next_write(), "<6>a?b: x?<3>y???[0m? z?w 한글 é %\n");
}

static void test_a_line_is_cut_at_its_limit(void **state)
{
	(void)state;
	char text[5000];
	size_t room = 4096 - strlen("<6>") - 1;
	for (size_t length = room - 2; length <= room + 4; length++) {
		memset(text, 'a', length);
		text[length] = '\0';
		log_info("", "%s", text);
		size_t written = strlen(next_write());
		assert_int_equal(written, length < room ? length + 4 : 4096);
		assert_int_equal(packet[written - 1], '\n');
		assert_string_equal(next_write(), "");
	}
}

static void test_a_cut_keeps_characters_whole(void **state)
{
	(void)state;
	for (size_t lead = 0; lead < 3; lead++) {
		char text[6001] = "";
		memset(text, 'a', lead);
		for (size_t at = lead; at + 3 < sizeof text; at += 3)
			memcpy(text + at, "한", 3);
		log_info("", "%s", text);
		size_t written = strlen(next_write());
		assert_true(written <= 4096 && written > 4093);
		assert_int_equal((written - 4 - lead) % 3, 0);
	}
}

static void test_errno_is_kept(void **state)
{
	(void)state;
	errno = EDOM;
	log_info("", "x");
	assert_int_equal(errno, EDOM);
	close(STDERR_FILENO);
	errno = EDOM;
	log_info("", "x");
	assert_int_equal(errno, EDOM);
	dup2(saved_stderr, STDERR_FILENO);
}

/* What a fresh process writes: its standard error is the journal when JOURNAL_STREAM names it, not when it is set. */
static const char *child_writes(unsigned off, int *status)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct stat stream;
		char name[64];
		if (fstat(STDERR_FILENO, &stream) != 0)
			_exit(127);
		snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)stream.st_dev,
		         (unsigned long long)stream.st_ino + off);
		setenv("JOURNAL_STREAM", name, 1);
		execl("/proc/self/exe", "test_log", "--fatal", (char *)NULL);
		_exit(127);
	}
	waitpid(child, status, 0);
	return next_write();
}

static void test_fatal_and_the_environment(void **state)
{
	(void)state;
	int status;
	assert_string_equal(child_writes(0, &status), "<3>cannot start: 5\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 78);
	assert_non_null(strstr(child_writes(1, &status), "Z error cannot start: 5\n"));
}

static struct log_record taken;
static char taken_message[5000];
static bool willing;

static bool take(const struct log_record *record)
{
	taken = *record;
	snprintf(taken_message, sizeof taken_message, "%s", record->message);
	return willing;
}

static void test_a_sink_is_asked_first(void **state)
{
	(void)state;
	log_set_sink(take);
	willing = true;
	log_warning("conn 3 call 17", "two\nlines");
	int line = __LINE__ - 1;
	assert_string_equal(next_write(), "");
	assert_string_equal(taken_message, "conn 3 call 17: two?lines");
	assert_string_equal(taken.subject, "conn 3 call 17");
	assert_int_equal(taken.level, LOG_LEVEL_WARNING);
	assert_string_equal(taken.file, __FILE__);
	assert_int_equal(taken.line, line);
	assert_string_equal(taken.function, __func__);
	willing = false;
	log_error("", "after all");
	assert_string_equal(next_write(), "<3>after all\n");
	assert_string_equal(taken_message, "after all");
	log_debug("", "too little");
	assert_string_equal(taken_message, "after all");
	log_set_sink(NULL);
	log_error("", "plain");
	assert_string_equal(next_write(), "<3>plain\n");
	assert_string_equal(taken_message, "after all");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--fatal") == 0)
		log_fatal(78, "cannot start: %d", 5);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines_of_the_journal, begin, end),
	    cmocka_unit_test_setup_teardown(test_levels, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_sink_is_asked_first, begin, end),
	    cmocka_unit_test_setup_teardown(test_time_stamp, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_line_can_be_forged, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_line_is_cut_at_its_limit, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_cut_keeps_characters_whole, begin, end),
	    cmocka_unit_test_setup_teardown(test_errno_is_kept, begin, end),
	    cmocka_unit_test_setup_teardown(test_fatal_and_the_environment, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
