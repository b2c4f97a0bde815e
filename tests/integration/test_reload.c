/* Reload: a daemon that serves while its configuration is read again: what is right is taken over, what is wrong
 * changes nothing, and nobody's call is lost. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "single.h"
#include "taken.h"

#ifdef __SANITIZE_ADDRESS__
enum { RELOADS = 200, GROWTH_KB = 64 * 1024 };
#else
enum { RELOADS = 1000, GROWTH_KB = 256 };
#endif
enum { RELOAD_MS = 10000, WARM_UP = 100 };

static char config_path[128];
static long log_read; /* bytes of the log that have been looked at */

static void configure(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void configure(const char *format, ...)
{
	va_list args;
	FILE *file = fopen(config_path, "we");
	assert_non_null(file);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
	assert_int_equal(chmod(config_path, 0644), 0);
}

/* What the log has got since the last time; static. */
static const char *log_news(void)
{
	static char text[1 << 16];
	FILE *file = fopen(harness->log, "re");
	assert_non_null(file);
	fseek(file, log_read, SEEK_SET);
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

static void log_pass(void)
{
	struct stat status;
	assert_int_equal(stat(harness->log, &status), 0);
	log_read = status.st_size;
}

static void await_log(const char *words)
{
	long long until = harness_now_ms() + RELOAD_MS;
	while (!strstr(log_news(), words)) {
		if (harness_now_ms() > until)
			fail_msg("the log does not say \"%s\" but: %s", words, log_news());
		usleep(500);
	}
}

/* SIGHUP, and these words of what comes of it. */
static void reload(const char *words)
{
	log_pass();
	assert_int_equal(kill(harness->daemon, SIGHUP), 0);
	await_log(words);
	await_log("the configuration ");
}

static void standard(void)
{
	configure("[daemon]\nlog_level = info\n");
	log_pass();
	assert_int_equal(kill(harness->daemon, SIGHUP), 0);
	await_log("the configuration was read again");
}

static int standard_first(void **state)
{
	(void)state;
	standard();
	return 0;
}

static int set_up(void **state)
{
	taken_listen();
	harness = calloc(1, sizeof *harness);
	assert_non_null(harness);
	*state = harness;
	harness_init(harness);
	snprintf(config_path, sizeof config_path, "%s/tracktwo.conf", harness->folder);
	harness->config = config_path;
	configure("[daemon]\nlog_level = info\n");
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	return 0;
}

static int tear_down(void **state)
{
	int status = single_teardown(state);
	taken_release();
	return status;
}

static void test_what_is_changed_is_said(void **state)
{
	(void)state;
	configure("[daemon]\nlog_level = debug\nmax_inflight = 9\nuser = somebody\n[database]\nconnections = 5\n");
	reload("read again; changed: [daemon] log_level, [daemon] max_inflight\n");
	await_log("only a restart changes [daemon] user, [database] connections\n");
	json_decref(call("system.ping", NULL));
	await_log(": system.ping\n");
	/* What waits for a restart is said again, and only that. */
	reload("read again; changed: nothing\n");
	await_log("only a restart changes [daemon] user, [database] connections\n");
	assert_null(strstr(log_news(), "max_inflight"));
	standard();
	json_decref(call("system.ping", NULL));
	assert_null(strstr(log_news(), "system.ping"));
	reload("read again; changed: nothing\n");
	assert_null(strstr(log_news(), "restart"));
}

static void expect_unchanged(const char *words)
{
	reload(words);
	await_log("the configuration stays as it was: ");
	log_pass();
	json_decref(call("system.ping", NULL));
	assert_null(strstr(log_news(), "system.ping"));
}

/* Each begins with what would take effect at once. */
static void test_what_is_wrong_changes_nothing(void **state)
{
	char words[256];
	(void)state;
	configure("[daemon]\nlog_level = debug\nmax_clints = 3\n");
	snprintf(words, sizeof words, "%s:3: unknown key \"max_clints\" in [daemon]; did you mean", config_path);
	expect_unchanged(words);
	configure("[daemon]\nlog_level = debug\nmax_clients = 0\n");
	snprintf(words, sizeof words, "%s:3: max_clients must be a whole number", config_path);
	expect_unchanged(words);
	configure("[daemon]\nlog_level = debug\n[mail]\nserver = smtp://127.0.0.1:%d\n", taken_mails.port);
	expect_unchanged("[mail] from must say who sends");
	configure(
	    "[daemon]\nlog_level = debug\n[mail]\nserver = smtp://127.0.0.1:%d\nfrom = desk@example.org\nuser = desk\n"
	    "password_file = %s/none\ntls = off\n",
	    taken_mails.port, harness->folder);
	expect_unchanged("password_file: cannot read");
	assert_int_equal(unlink(config_path), 0);
	expect_unchanged("cannot read it: No such file or directory");
}

static void send_line_of(struct client *other, size_t length)
{
	static const char ping[] = "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1}";
	static char line[8192];
	assert_true(length < sizeof line);
	memset(line, ' ', length);
	memcpy(line, ping, sizeof ping - 1);
	line[length] = '\0';
	assert_true(client_send_line(other, line));
}

static void expect_line_taken(size_t length, bool taken)
{
	struct client other;
	client_open(&other, harness);
	send_line_of(&other, length);
	json_t *answer = client_read(&other, RELOAD_MS);
	assert_int_equal(at(answer, "result.pong") != NULL, taken);
	json_decref(answer);
	client_close(&other);
}

static void test_limits_of_lines(void **state)
{
	(void)state;
	expect_line_taken(2049, true);
	configure("[daemon]\nmax_line_bytes = 2048\n");
	reload("changed: [daemon] max_line_bytes");
	expect_line_taken(2047, true);
	expect_line_taken(2048, true);
	expect_line_taken(2049, false);
	standard();
	expect_line_taken(2049, true);
}

/* Connections that are there stay; the next one counts. */
static void test_limits_of_clients(void **state)
{
	struct client other;
	(void)state;
	configure("[daemon]\nmax_clients = 1\n");
	reload("changed: [daemon] max_clients");
	client_open(&other, harness);
	json_t *refusal = client_read(&other, RELOAD_MS);
	assert_string_equal(at_string(refusal, "error.data.code"), "busy");
	json_decref(refusal);
	client_close(&other);
	json_decref(call("system.ping", NULL));
	configure("[daemon]\nmax_clients = 2\n");
	reload("changed: [daemon] max_clients");
	client_open(&other, harness);
	json_decref(client_result(&other, "system.ping", NULL));
	client_close(&other);
}

/* Whoever reads or writes engagements waits. */
static PGconn *lock_engagements(void)
{
	PGconn *database = harness_database(harness);
	PGresult *result = PQexec(database, "BEGIN; LOCK TABLE store.engagement IN ACCESS EXCLUSIVE MODE");
	assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
	PQclear(result);
	return database;
}

static void send_histories(struct client *other, int from, int to)
{
	char line[256];
	for (int id = from; id <= to; id++) {
		snprintf(line, sizeof line,
		         "{\"jsonrpc\":\"2.0\",\"method\":\"engagement.history\",\"params\":{\"country\":\"CN\"},\"id\":%d}",
		         id);
		assert_true(client_send_line(other, line));
	}
}

/* All of them are answered, once each; returns how many with a result. */
static int read_histories(struct client *other, int count)
{
	int results = 0;
	unsigned long seen = 0;
	for (int i = 0; i < count; i++) {
		json_t *answer = client_read(other, 2 * RELOAD_MS);
		unsigned long bit = 1UL << at_integer(answer, "id");
		assert_int_equal(seen & bit, 0);
		seen |= bit;
		if (at(answer, "result"))
			results++;
		else
			assert_string_equal(at_string(answer, "error.data.code"), "busy");
		json_decref(answer);
	}
	return results;
}

static void test_calls_in_flight_survive(void **state)
{
	struct client other;
	(void)state;
	configure("[daemon]\nmax_inflight = 2\n");
	reload("changed: [daemon] max_inflight");
	client_open(&other, harness);
	PGconn *lock = lock_engagements();
	send_histories(&other, 1, 6);
	usleep(200000);
	/* Two are under way, and four wait unread. */
	configure("[daemon]\nmax_inflight = 4\n[database]\nstatement_timeout_ms = 15000\nwait_ms = 9000\n");
	reload("changed: [daemon] max_inflight, [database] statement_timeout_ms, [database] wait_ms");
	usleep(200000);
	PQfinish(lock);
	assert_int_equal(read_histories(&other, 6), 6);
	/* Lowered while more is under way than the new limit lets through. */
	lock = lock_engagements();
	send_histories(&other, 1, 4);
	usleep(200000);
	configure("[daemon]\nmax_inflight = 1\n");
	reload("changed: [daemon] max_inflight");
	send_histories(&other, 5, 8);
	PQfinish(lock);
	assert_int_equal(read_histories(&other, 8), 8);
	client_close(&other);
}

/* Every connection of the pool has the new timeout, those that were busy when it came, too. */
static void test_the_statement_timeout(void **state)
{
	struct client other;
	long long began;
	(void)state;
	client_open(&other, harness);
	PGconn *lock = lock_engagements();
	send_histories(&other, 1, 8);
	usleep(200000);
	configure("[database]\nstatement_timeout_ms = 300\n");
	reload("changed: [database] statement_timeout_ms");
	PQfinish(lock);
	assert_int_equal(read_histories(&other, 8), 8);
	usleep(200000);
	lock = lock_engagements();
	began = harness_now_ms();
	send_histories(&other, 1, 8);
	assert_int_equal(read_histories(&other, 8), 0);
	assert_true(harness_now_ms() - began < 8 * 300 + 3000);
	standard();
	usleep(200000);
	send_histories(&other, 1, 8);
	usleep(1000000);
	PQfinish(lock);
	assert_int_equal(read_histories(&other, 8), 8);
	assert_null(strstr(log_news(), "not connected"));
	client_close(&other);
}

static char *remind_by_mail(const char *who)
{
	char *now = harness_query(harness, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
	char *id =
	    made("reminder.create", json_of("{'assignee':'%s','note':'n','due_at':'%s','channels':['email']}", who, now));
	free(now);
	return id;
}

/* A server that nobody knew of when the daemon began, and then none any more. */
static void test_mail_by_a_new_server(void **state)
{
	(void)state;
	char *who = made("principal.create", json_of("{'name':'Mailed','role':'officer','email':'mailed@example.org'}"));
	configure(
	    "[mail]\nserver = smtp://127.0.0.1:%d\nfrom = desk@example.org\ntls = off\n[delivery]\nretry_first_s = 1\n",
	    taken_mails.port);
	reload("changed: [mail] server, [mail] from, [mail] tls, [delivery] retry_first_s");
	free(remind_by_mail(who));
	taken_await("mailed@example.org", 0);
	standard();
	size_t before = taken_count("mailed@example.org");
	free(remind_by_mail(who));
	taken_run(1000);
	assert_int_equal(taken_count("mailed@example.org"), before);
	free(who);
}

static void test_memory_over_many(void **state)
{
	long before = 0;
	(void)state;
	for (int i = 0; i < WARM_UP + RELOADS; i++) {
		if (i == WARM_UP)
			before = harness_resident_kib(harness);
		if (i % 3 == 2)
			configure("[daemon]\nlog_level = info\nwrong = %d\n", i);
		else
			configure("[mail]\nserver = smtp://127.0.0.1:%d\nfrom = desk%d@example.org\ntls = off\n"
			          "[database]\nstatement_timeout_ms = %d\n",
			          taken_mails.port, i, 10000 + i);
		reload(i % 3 == 2 ? "stays as it was" : "read again; changed: ");
	}
	long grown = harness_resident_kib(harness) - before;
	print_message("%d reloads: %ld KiB more\n", RELOADS, grown);
	assert_true(grown < GROWTH_KB);
	json_decref(call("engagement.history", json_of("{'country':'CN'}")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_what_is_changed_is_said, standard_first),
	    cmocka_unit_test_setup(test_what_is_wrong_changes_nothing, standard_first),
	    cmocka_unit_test_setup(test_limits_of_lines, standard_first),
	    cmocka_unit_test_setup(test_limits_of_clients, standard_first),
	    cmocka_unit_test_setup(test_calls_in_flight_survive, standard_first),
	    cmocka_unit_test_setup(test_the_statement_timeout, standard_first),
	    cmocka_unit_test_setup(test_mail_by_a_new_server, standard_first),
	    cmocka_unit_test_setup(test_memory_over_many, standard_first),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
