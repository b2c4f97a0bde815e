/* Crash: nothing acknowledged is lost and nothing is written twice, whatever dies meanwhile.
 *
 * Sixteen writers log engagements, each under a request_id of its own making that it repeats until it is acknowledged,
 * while the daemon is killed, server processes are killed and sessions are ended. Afterwards the database is compared
 * with what the writers were told. */
#include "harness.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITERS = 16, RECORDS = 8192, LEAST = 300, REPEAT_EVERY = 7, FINISH_MS = 20000, CALM_MS = 15000 };

/* What one writer knows of one engagement. */
struct record {
	char request_id[37], id[37];
	unsigned tries;
	bool acknowledged;
	int found, changes;
};

/* Shared with the writers, who write it each for itself. */
static struct shared {
	volatile bool stop;
	struct writer {
		volatile unsigned count, failures;
		char complaint[400];
		struct record records[RECORDS];
	} writers[WRITERS];
} * shared;

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static unsigned chosen(unsigned below)
{
	unsigned number = 0;
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		abort();
	return number % below;
}

static void make_uuid(char text[static 37])
{
	unsigned char b[16];
	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		abort();
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(text, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
	         b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

_Noreturn static void complain(struct writer *writer, const char *what, const json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	snprintf(writer->complaint, sizeof writer->complaint, "%s: %.300s", what, text ? text : "");
	_exit(1);
}

/* One engagement with a reminder and a commitment in the same transaction. */
static json_t *engagement(unsigned writer, unsigned number, const char *request_id)
{
	static const char *const countries[] = {"US", "CN", "RU", "JP", "KP"};
	char title[48];
	snprintf(title, sizeof title, "crash %u %u", writer, number);
	return json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[{s:s, s:s}], s:[s], s:[{s:s, s:s}], s:{s:s, s:s}}",
	                 "request_id", request_id, "title", title, "kind", "meeting", "starts_at",
	                 "2026-03-01T10:00:00+09:00", "countries", countries[number % 5], "KR", "workstreams", "code",
	                 "2.3", "objective", "2.3.1", "topics", "energy", "commitments", "by", countries[number % 5],
	                 "text", "A paper", "follow_up", "due_at", "2036-03-01T10:00:00+09:00", "note", title);
}

/* One try. True when it was acknowledged; `id` is then the engagement's. */
static bool attempt(const struct harness *harness, struct client *client, unsigned number, unsigned place,
                    char id[static 37])
{
	struct writer *writer = &shared->writers[number];
	struct record *record = &writer->records[place];
	const char *found;
	json_t *answer, *error;

	record->tries++;
	if (client->fd < 0 && !client_try(client, harness)) {
		client->fd = -1;
		return false;
	}
	answer = client_call(client, "engagement.log", engagement(number, place, record->request_id));
	if (!answer) {
		client_close(client);
		return false;
	}
	error = json_object_get(answer, "error");
	if (error && !json_is_true(json_object_get(json_object_get(error, "data"), "retryable")))
		complain(writer, "a final error", answer);
	if (!error) {
		found = json_string_value(json_object_get(json_object_get(answer, "result"), "id"));
		if (!found || strlen(found) != 36)
			complain(writer, "no id", answer);
		memcpy(id, found, 37);
	}
	json_decref(answer);
	return !error;
}

_Noreturn static void write_until_stopped(const struct harness *harness, unsigned number)
{
	struct writer *writer = &shared->writers[number];
	struct client client = {.fd = -1};
	char id[37];

	while (!shared->stop && writer->count < RECORDS) {
		unsigned place = writer->count;
		struct record *record = &writer->records[place];
		make_uuid(record->request_id);
		writer->count++;
		while (!(record->acknowledged = attempt(harness, &client, number, place, record->id))) {
			writer->failures++;
			if (shared->stop)
				_exit(0);
			sleep_ms(5 + (long)chosen(20));
		}
		/* Whoever is unsure asks once more, and is told the same. */
		if (chosen(REPEAT_EVERY) == 0 && attempt(harness, &client, number, place, id) && strcmp(id, record->id) != 0)
			complain(writer, "a repeat gave another id", NULL);
	}
	_exit(0);
}

/* A number, asked of a server that may be out of reach; 0 then. */
static long asked(const struct harness *harness, const char *sql)
{
	char dsn[256];
	snprintf(dsn, sizeof dsn, "host=%s/postgres/socket dbname=tracktwo user=postgres connect_timeout=5",
	         harness->state);
	PGconn *connection = PQconnectdb(dsn);
	PGresult *result = PQexec(connection, sql);
	long number = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0
	                  ? strtol(PQgetvalue(result, 0, 0), NULL, 10)
	                  : 0;
	PQclear(result);
	PQfinish(connection);
	return number;
}

static bool kill_daemon(struct harness *harness)
{
	harness_kill(harness);
	sleep_ms((long)chosen(150));
	harness_start(harness);
	harness_await(harness);
	return true;
}

/* The server ends all other sessions too, and recovers. */
static bool kill_backend(struct harness *harness)
{
	long pid = asked(harness, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
	                          "AND application_name = 'tracktwod' ORDER BY random() LIMIT 1");
	return pid > 1 && kill((pid_t)pid, SIGKILL) == 0;
}

static bool end_sessions(struct harness *harness)
{
	return asked(harness, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
	                      "application_name = 'tracktwod' AND backend_type = 'client backend' AND random() < 0.7") > 0;
}

/* Engagements begun, each behind one acknowledged. */
static unsigned begun(void)
{
	unsigned count = 0;
	for (unsigned i = 0; i < WRITERS; i++)
		count += shared->writers[i].count;
	return count;
}

/* Until writers get on again: so every blow falls on work under way. */
static void await_progress(void)
{
	long long until = harness_now_ms() + CALM_MS;
	unsigned before = begun();
	while (begun() < before + WRITERS) {
		for (unsigned i = 0; i < WRITERS; i++)
			if (shared->writers[i].complaint[0])
				fail_msg("writer %u: %s", i, shared->writers[i].complaint);
		if (harness_now_ms() > until)
			fail_msg("nothing is acknowledged any more");
		sleep_ms(5);
	}
}

static void make_trouble(struct harness *harness)
{
	static bool (*const kinds[])(struct harness *) = {kill_daemon, kill_backend, end_sessions};
	int done[3] = {0};
	for (int i = 0; i < 12; i++) {
		await_progress();
		sleep_ms((long)chosen(250));
		done[i % 3] += kinds[i % 3](harness);
	}
	/* A session may be gone by the time that its process is to be killed; not every time. */
	assert_int_equal(done[0], 4);
	assert_in_range(done[1], 2, 4);
	assert_in_range(done[2], 2, 4);
	await_progress();
}

static struct record *record_of(const char *title)
{
	unsigned writer, number;
	if (sscanf(title, "crash %u %u", &writer, &number) != 2 || writer >= WRITERS ||
	    number >= shared->writers[writer].count)
		fail_msg("an engagement that nobody logged: %s", title);
	return &shared->writers[writer].records[number];
}

static void compare_engagements(PGconn *database)
{
	PGresult *rows = PQexec(database, "SELECT e.title, e.id, c.request_id FROM store.engagement e "
	                                  "LEFT JOIN store.change c ON c.record_id = e.id");
	assert_int_equal(PQresultStatus(rows), PGRES_TUPLES_OK);
	for (int i = 0; i < PQntuples(rows); i++) {
		struct record *record = record_of(PQgetvalue(rows, i, 0));
		if (record->found++)
			fail_msg("%s stands twice", PQgetvalue(rows, i, 0));
		if (record->acknowledged)
			assert_string_equal(record->id, PQgetvalue(rows, i, 1));
		assert_string_equal(record->request_id, PQgetvalue(rows, i, 2));
	}
	PQclear(rows);
}

static void compare_writers(unsigned long *told, unsigned long *untold)
{
	*told = *untold = 0;
	for (unsigned i = 0; i < WRITERS; i++) {
		const struct writer *writer = &shared->writers[i];
		for (unsigned n = 0; n < writer->count; n++) {
			const struct record *record = &writer->records[n];
			if (record->acknowledged && record->found != 1)
				fail_msg("crash %u %u was acknowledged as %s and is lost", i, n, record->id);
			*told += record->acknowledged;
			*untold += !record->acknowledged && record->found;
		}
	}
}

static void test_nothing_lost_nothing_twice(void **state)
{
	struct harness *harness = *state;
	pid_t writers[WRITERS];
	unsigned long told, untold, tries = 0, records = 0;
	char sql[256];

	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = fork();
		assert_true(writers[i] >= 0);
		if (writers[i] == 0)
			write_until_stopped(harness, i);
	}
	make_trouble(harness);
	/* The last blow leaves each writer with something that it never hears about. */
	harness_kill(harness);
	shared->stop = true;
	long long until = harness_now_ms() + FINISH_MS;
	for (unsigned i = 0; i < WRITERS; i++) {
		int status = 0;
		while (waitpid(writers[i], &status, WNOHANG) == 0) {
			if (harness_now_ms() > until)
				fail_msg("writer %u has had no answer in %d ms", i, FINISH_MS);
			sleep_ms(5);
		}
		if (status != 0)
			fail_msg("writer %u: %s", i, shared->writers[i].complaint);
		for (unsigned n = 0; n < shared->writers[i].count; n++)
			tries += shared->writers[i].records[n].tries;
		records += shared->writers[i].count;
	}
	harness_start(harness);
	harness_await(harness);
	PGconn *database = harness_database(harness);
	compare_engagements(database);
	PQfinish(database);
	compare_writers(&told, &untold);
	print_message("%lu acknowledged, %lu more written, %lu tries of %lu\n", told, untold, tries, records);
	assert_true(told >= LEAST);
	assert_true(tries > records);
	snprintf(sql, sizeof sql, "SELECT count(*) - %lu FROM store.change WHERE method = 'engagement.log'", told + untold);
	assert_int_equal(harness_count(harness, sql), 0);
	/* With everything that belongs to it, each once; and each answer for a repeat. */
	assert_int_equal(
	    harness_count(harness,
	                  "SELECT count(*) FROM store.engagement e WHERE 1 <> ALL (ARRAY["
	                  "(SELECT count(*) FROM store.reminder r WHERE r.engagement_id = e.id AND r.note = e.title),"
	                  "(SELECT count(*) FROM store.commitment m WHERE m.engagement_id = e.id),"
	                  "(SELECT count(*) FROM store.engagement_objective o WHERE o.engagement_id = e.id),"
	                  "(SELECT count(*) - 1 FROM store.engagement_country o WHERE o.engagement_id = e.id)])"),
	    0);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.reminder r LEFT JOIN store.engagement e "
	                                        "ON e.id = r.engagement_id WHERE e.title IS DISTINCT FROM r.note"),
	                 0);
	assert_int_equal(harness_count(harness,
	                               "SELECT count(*) FROM store.change c LEFT JOIN store.answer a "
	                               "ON a.change_id = c.id WHERE a.body->>'id' IS DISTINCT FROM c.record_id::text"),
	                 0);
}

/* What was acknowledged before all of it is still answered the same way, and other content is still refused. */
static void test_repeats_after_the_crashes(void **state)
{
	struct client client;
	client_open(&client, *state);
	for (unsigned i = 0; i < WRITERS; i++) {
		const struct record *first = &shared->writers[i].records[0];
		json_t *result, *other;
		assert_true(first->acknowledged);
		result = client_result(&client, "engagement.log", engagement(i, 0, first->request_id));
		assert_string_equal(at_string(result, "id"), first->id);
		json_decref(result);
		other = engagement(i, 1, first->request_id);
		client_expect_error(&client, "engagement.log", other, 409, "id_reused");
	}
	client_close(&client);
}

static int open_crash(void **state)
{
	struct harness *harness = calloc(1, sizeof *harness);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!harness || shared == MAP_FAILED)
		return -1;
	harness_init(harness);
	/* Short, so that writers see `unavailable` too. */
	harness->settings[0] = "database.wait_ms=300";
	harness_start(harness);
	harness_await(harness);
	*state = harness;
	return 0;
}

static int close_crash(void **state)
{
	/* Also after a failure. */
	shared->stop = true;
	return harness_group_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_lost_nothing_twice),
	    cmocka_unit_test(test_repeats_after_the_crashes),
	};
	return cmocka_run_group_tests_name("crash", tests, open_crash, close_crash);
}
