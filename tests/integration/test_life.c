/* Life: how the daemon starts, what it does while its database is away, and how it ends. */
#include "guard.h"
#include "harness.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUN_MS = 30000, CLIENTS = 4, EACH = 50 };

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* The exit status of a process that ends in time. */
static int ended(pid_t *pid)
{
	long long until = harness_now_ms() + RUN_MS;
	int status = 0;
	while (waitpid(*pid, &status, WNOHANG) == 0) {
		if (harness_now_ms() > until) {
			kill(*pid, SIGKILL);
			waitpid(*pid, &status, 0);
			*pid = 0;
			fail_msg("a daemon has not ended in %d ms", RUN_MS);
		}
		sleep_ms(5);
	}
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *contents(FILE *file)
{
	size_t size = 0, got;
	char *text = malloc(65537);
	rewind(file);
	while (text && (got = fread(text + size, 1, 65536, file)) > 0) {
		size += got;
		text = realloc(text, size + 65537);
	}
	assert_non_null(text);
	text[size] = '\0';
	return text;
}

static char *file_contents(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = file ? contents(file) : strdup("");
	if (file)
		fclose(file);
	return text;
}

/* Runs the daemon that was built with this test to its end: its exit status, and all that it said; free that. */
static int run(const char *const *arguments, char **said)
{
	char path[4200];
	const char *line[32] = {path};
	FILE *output = tmpfile();
	ssize_t length = readlink("/proc/self/exe", path, 4096);
	assert_true(length > 0 && output);
	path[length] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/tracktwod");
	for (size_t i = 0; arguments[i]; i++)
		line[i + 1] = arguments[i];
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		guard_process(getpid());
		dup2(fileno(output), STDOUT_FILENO);
		dup2(fileno(output), STDERR_FILENO);
		execv(path, (char **)line);
		_exit(127);
	}
	int status = ended(&pid);
	*said = contents(output);
	fclose(output);
	return status;
}

#define RUN(said, ...) run((const char *const[]){__VA_ARGS__, NULL}, said)

static void expect_said(const char *said, const char *words)
{
	if (!strstr(said, words))
		fail_msg("\"%s\" is not in: %s", words, said);
}

static void path_in(const struct harness *harness, const char *name, char path[static 200])
{
	snprintf(path, 200, "%s/%s", harness->folder, name);
}

/* The server's process; 0 when there is none. */
static pid_t postmaster(const struct harness *harness)
{
	char path[200];
	path_in(harness, "state/postgres/data/postmaster.pid", path);
	char *text = file_contents(path);
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	free(text);
	return pid > 1 && kill(pid, 0) == 0 ? pid : 0;
}

static void expect_nothing_left(const struct harness *harness, pid_t server)
{
	assert_int_equal(access(harness->socket, F_OK), -1);
	assert_int_equal(postmaster(harness), 0);
	if (server)
		assert_true(kill(server, 0) != 0 && errno == ESRCH);
}

/* Another server than this one, and up. */
static void await_server(const struct harness *harness, pid_t old)
{
	long long until = harness_now_ms() + RUN_MS;
	char path[200];
	path_in(harness, "state/postgres/data/postmaster.pid", path);
	for (bool up = false; !up; sleep_ms(5)) {
		pid_t server = postmaster(harness);
		char *text = file_contents(path);
		up = server != 0 && server != old && strstr(text, "ready");
		free(text);
		if (harness_now_ms() > until)
			fail_msg("no server has come in place of %d", (int)old);
	}
}

/* What the daemon has logged, until it holds these words. */
static void await_log(const struct harness *harness, const char *words)
{
	long long until = harness_now_ms() + RUN_MS;
	for (;;) {
		char *text = file_contents(harness->log);
		bool there = strstr(text, words) != NULL;
		free(text);
		if (there)
			return;
		if (harness_now_ms() > until)
			fail_msg("the daemon never said \"%s\"", words);
		sleep_ms(2);
	}
}

static json_t *engagement(const char *title)
{
	return json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "title", title, "kind", "call", "starts_on", "2026-02-03",
	                 "countries", "JP", "workstreams", "1.3");
}

static char *logged(struct client *client, const char *title)
{
	json_t *result = client_result(client, "engagement.log", engagement(title));
	char *id = strdup(at_string(result, "id"));
	json_decref(result);
	return id;
}

static void expect_unavailable(struct client *client, const char *method, json_t *params)
{
	json_t *error = client_error(client, method, params);
	assert_int_equal(at_integer(error, "code"), 503);
	assert_string_equal(at_string(error, "data.code"), "unavailable");
	assert_true(json_is_true(at(error, "data.retryable")));
	json_decref(error);
}

static void expect_ping(struct client *client)
{
	json_t *pong = client_result(client, "system.ping", NULL);
	assert_true(json_is_true(at(pong, "pong")));
	json_decref(pong);
}

static void await_listener(struct client *client, const struct harness *harness)
{
	long long until = harness_now_ms() + RUN_MS;
	while (!client_try(client, harness)) {
		if (harness_now_ms() > until)
			fail_msg("nobody listens");
		sleep_ms(2);
	}
}

static void test_descriptions(void **state)
{
	char *said, path[200];
	json_error_t error;
	size_t i;
	json_t *method;
	bool found = false;
	assert_int_equal(RUN(&said, "--describe=openrpc"), EX_OK);
	json_t *document = json_loads(said, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("%s", error.text);
	free(said);
	assert_int_equal(strncmp(at_string(document, "openrpc"), "1.", 2), 0);
	json_array_foreach(at(document, "methods"), i, method)
		found = found || strcmp(at_string(method, "name"), "engagement.log") == 0;
	assert_true(found && i > 20);
	json_decref(document);
	assert_int_equal(RUN(&said, "--describe=man"), EX_OK);
	expect_said(said, "tracktwod(8)");
	expect_said(said, "SYNOPSIS");
	expect_said(said, "engagement.log");
	free(said);
	/* What it prints as a sample, it takes. */
	assert_int_equal(RUN(&said, "--describe=config"), EX_OK);
	path_in(*state, "sample.conf", path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(said, file);
	fclose(file);
	free(said);
	assert_int_equal(RUN(&said, "-c", path, "--check-config"), EX_OK);
	free(said);
	assert_int_equal(RUN(&said, "--describe=nothing"), EX_USAGE);
	free(said);
	assert_int_equal(RUN(&said, "--version"), EX_OK);
	expect_said(said, "tracktwod ");
	free(said);
	assert_int_equal(RUN(&said, "--help"), EX_OK);
	expect_said(said, "--check-config");
	free(said);
	assert_int_equal(RUN(&said, "--nonsense"), EX_USAGE);
	free(said);
}

static void expect_refused_file(const struct harness *harness, const char *text, int line, const char *words)
{
	char path[200], place[240], state[240], untouched[200], *said;
	path_in(harness, "wrong.conf", path);
	path_in(harness, "untouched", untouched);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	snprintf(place, sizeof place, "%s:%d", path, line);
	snprintf(state, sizeof state, "daemon.state_dir=%s", untouched);
	assert_int_equal(RUN(&said, "-c", path, "--check-config"), EX_CONFIG);
	expect_said(said, place);
	expect_said(said, words);
	free(said);
	assert_int_equal(RUN(&said, "-c", path, "-s", state), EX_CONFIG);
	expect_said(said, place);
	free(said);
	assert_int_equal(access(untouched, F_OK), -1);
}

static void test_wrong_configuration(void **state)
{
	char *said;
	expect_refused_file(*state, "[daemon]\nlog_level = info\nmax_clients = many\n", 3, "max_clients");
	expect_refused_file(*state, "# first\n\n[daemon]\nsockett = /x\n", 4, "socket");
	expect_refused_file(*state, "[deamon]\n", 1, "daemon");
	expect_refused_file(*state, "[database]\nconnections = 0\n", 2, "connections");
	assert_int_equal(RUN(&said, "-s", "daemon.log_level=loud", "--check-config"), EX_CONFIG);
	expect_said(said, "log_level");
	free(said);
	/* What only its sender can find. */
	assert_int_equal(RUN(&said, "-s", "mail.server=smtp://127.0.0.1:25", "--check-config"), EX_CONFIG);
	expect_said(said, "[mail] from must say who sends");
	free(said);
	assert_int_equal(RUN(&said, "-c", "/nowhere/tracktwo.conf", "--check-config"), EX_CONFIG);
	expect_said(said, "/nowhere/tracktwo.conf");
	free(said);
}

static void settings_of(const struct harness *harness, char state[static 120], char socket[static 140])
{
	snprintf(state, 120, "daemon.state_dir=%s", harness->state);
	snprintf(socket, 140, "daemon.socket=%s", harness->socket);
}

/* --migrate on nothing; then a daemon elsewhere that waits for that database to come; then the database comes. */
static void test_waits_for_its_database(void **state)
{
	struct harness store, front;
	struct client client, direct;
	char setting[120], socket[140], dsn[256], *said, *id;
	(void)state;
	harness_init_empty(&store);
	settings_of(&store, setting, socket);
	assert_int_equal(RUN(&said, "-s", setting, "-s", socket, "--migrate"), EX_OK);
	expect_said(said, "applied 0001");
	free(said);
	expect_nothing_left(&store, 0);

	harness_init_empty(&front);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon", store.state);
	front.settings[0] = dsn;
	harness_start(&front);
	await_listener(&client, &front);
	for (int i = 0; i < 3; i++) {
		expect_ping(&client);
		expect_unavailable(&client, "engagement.log", engagement("Too early"));
		expect_unavailable(&client, "country.list", NULL);
		expect_unavailable(&client, "reminder.subscribe", NULL);
		expect_unavailable(&client, "system.info", NULL);
		sleep_ms(200);
	}
	/* It can be told to end meanwhile. */
	client_close(&client);
	assert_int_equal(harness_stop(&front), EX_OK);
	assert_int_equal(access(front.socket, F_OK), -1);
	harness_start(&front);
	await_listener(&client, &front);
	expect_unavailable(&client, "country.list", NULL);

	harness_start(&store);
	harness_await(&store);
	harness_await(&front);
	/* The connection of before serves. */
	id = logged(&client, "At last");
	client_open(&direct, &store);
	json_t *found = client_result(&direct, "engagement.get", json_pack("{s:s}", "id", id));
	assert_string_equal(at_string(found, "title"), "At last");
	json_decref(found);
	assert_int_equal(harness_count(&store, "SELECT count(*) FROM store.engagement"), 1);
	char *log = file_contents(store.log);
	assert_null(strstr(log, "applied"));
	free(log), free(id);
	client_close(&client), client_close(&direct);
	harness_release(&front);
	harness_release(&store);
}

/* SIGTERM in the middle of each part of a first start: it ends well, and the next start brings what is missing. */
static void test_stopped_while_starting(void **state)
{
	static const char *const moments[] = {"making a new one", "accepts connections", "applied 0001"};
	(void)state;
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		struct harness harness;
		struct client client;
		harness_init_empty(&harness);
		harness_start(&harness);
		await_log(&harness, moments[i]);
		pid_t server = postmaster(&harness);
		assert_int_equal(harness_stop(&harness), EX_OK);
		expect_nothing_left(&harness, server);
		harness_start(&harness);
		harness_await(&harness);
		client_open(&client, &harness);
		free(logged(&client, "After that"));
		client_close(&client);
		harness_release(&harness);
	}
}

/* Each row of the store and each function of the api, as it stands on its page: a digest. */
static char *everything(const struct harness *harness)
{
	return harness_query(
	    harness,
	    "SELECT md5(string_agg(query_to_xml(format('SELECT ctid::text AS at, xmin::text AS by FROM %s', c), true, "
	    "false, '')::text, '' ORDER BY c)) FROM (SELECT oid::regclass::text AS c FROM pg_class WHERE relnamespace = "
	    "'store'::regnamespace AND relkind = 'r' UNION SELECT unnest(ARRAY['pg_proc', 'pg_constraint', "
	    "'pg_trigger', 'pg_policy', 'pg_authid'])) AS t");
}

static void test_second_start_writes_nothing(void **state)
{
	struct harness *harness = *state;
	struct client client;
	client_open(&client, harness);
	char *id = logged(&client, "Kept"), *before = everything(harness);
	client_close(&client);
	for (int i = 0; i < 2; i++) {
		pid_t server = postmaster(harness);
		assert_true(server != 0);
		if (i == 0) {
			assert_int_equal(harness_stop(harness), EX_OK);
			expect_nothing_left(harness, server);
		} else {
			harness_kill(harness);
		}
		harness_start(harness);
		harness_await(harness);
		char *after = everything(harness);
		assert_string_equal(before, after);
		free(after);
		client_open(&client, harness);
		json_t *found = client_result(&client, "engagement.get", json_pack("{s:s}", "id", id));
		assert_string_equal(at_string(found, "title"), "Kept");
		json_decref(found);
		client_close(&client);
	}
	free(before), free(id);
}

static void test_place_is_taken(void **state)
{
	struct harness *harness = *state;
	struct client client;
	char setting[120], socket[140], elsewhere[240], other[240], *said;
	client_open(&client, harness);
	expect_ping(&client);
	settings_of(harness, setting, socket);
	snprintf(elsewhere, sizeof elsewhere, "daemon.state_dir=%s/elsewhere", harness->folder);
	snprintf(other, sizeof other, "daemon.socket=%s/elsewhere/socket", harness->folder);
	/* Its socket. */
	int status = RUN(&said, "-s", elsewhere, "-s", socket);
	assert_true(status != 0 && status < 128);
	expect_said(said, harness->socket);
	free(said);
	/* Its data. */
	status = RUN(&said, "-s", setting, "-s", other);
	assert_true(status != 0 && status < 128);
	expect_said(said, "another daemon");
	free(said);
	status = RUN(&said, "-s", setting, "-s", socket, "--migrate");
	assert_true(status != 0 && status < 128);
	free(said);
	/* The first one goes on, on the same connection and for new ones. */
	free(logged(&client, "Still there"));
	client_close(&client);
	client_open(&client, harness);
	expect_ping(&client);
	client_close(&client);
}

static void test_postmaster_killed(void **state)
{
	struct harness *harness = *state;
	struct client client;
	char title[32];
	client_open(&client, harness);
	for (int i = 0; i < 3; i++) {
		pid_t server = postmaster(harness);
		assert_true(server != 0);
		snprintf(title, sizeof title, "Before kill %d", i);
		char *before = logged(&client, title);
		assert_int_equal(kill(server, SIGKILL), 0);
		expect_ping(&client);
		long long until = harness_now_ms() + RUN_MS;
		for (bool done = false; !done;) {
			json_t *answer = client_call(&client, "engagement.log", engagement("After a kill"));
			assert_non_null(answer);
			json_t *error = at(answer, "error");
			if (error)
				assert_true(at_integer(error, "code") == 503 && json_is_true(at(error, "data.retryable")));
			done = !error;
			json_decref(answer);
			if (harness_now_ms() > until)
				fail_msg("the database does not come back");
		}
		/* Sessions of the killed server may have lived on for a moment and answered. */
		await_server(harness, server);
		json_t *found = client_result(&client, "engagement.get", json_pack("{s:s}", "id", before));
		assert_string_equal(at_string(found, "title"), title);
		json_t *info = client_result(&client, "system.info", NULL);
		assert_string_equal(at_string(info, "database"), "ready");
		json_decref(found), json_decref(info);
		free(before);
	}
	client_close(&client);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.engagement WHERE title = 'After a kill'"), 3);
}

static void send_many(struct client *client, int number)
{
	char title[32];
	for (int i = 0; i < EACH; i++) {
		snprintf(title, sizeof title, "In flight %d", number * EACH + i);
		json_t *request = json_pack("{s:s, s:s, s:o, s:i}", "jsonrpc", "2.0", "method", "engagement.log", "params",
		                            engagement(title), "id", 1000 + i);
		char *text = json_dumps(request, JSON_COMPACT);
		assert_true(client_send_line(client, text));
		free(text);
		json_decref(request);
	}
	/* Read after them; so they have been read when it is answered. */
	expect_ping(client);
}

static void expect_many(struct client *client)
{
	bool seen[EACH] = {0};
	for (int i = 0; i < EACH; i++) {
		json_t *answer = client_read(client, RUN_MS);
		long id = at_integer(answer, "id") - 1000;
		assert_in_range(id, 0, EACH - 1);
		assert_false(seen[id]);
		seen[id] = true;
		assert_non_null(at_string(answer, "result.id"));
		json_decref(answer);
	}
	/* And then the end, rather than silence. */
	long long began = harness_now_ms();
	assert_null(client_read_line(client, RUN_MS));
	assert_true(harness_now_ms() - began < 5000);
}

static void test_stopped_with_requests_in_flight(void **state)
{
	struct harness *harness = *state;
	struct client clients[CLIENTS], late;
	pid_t server = postmaster(harness);
	PGconn *database = harness_database(harness);
	for (int i = 0; i < CLIENTS; i++) {
		client_open(&clients[i], harness);
		json_decref(client_result(&clients[i], "system.info", NULL));
	}
	/* Nothing can be written while this is held; and who calls is looked up anew, and not found out. */
	PQclear(PQexec(database, "BEGIN; LOCK TABLE store.change, store.principal IN ACCESS EXCLUSIVE MODE"));
	free(harness_query(harness, "NOTIFY tracktwo, 'principal'"));
	for (int i = 0; i < CLIENTS; i++)
		send_many(&clients[i], i);
	assert_int_equal(kill(harness->daemon, SIGTERM), 0);
	await_log(harness, "stopping: 200 calls under way");
	sleep_ms(100);
	assert_int_equal(waitpid(harness->daemon, NULL, WNOHANG), 0);
	assert_false(client_try(&late, harness));
	PQclear(PQexec(database, "COMMIT"));
	PQfinish(database);
	for (int i = 0; i < CLIENTS; i++) {
		expect_many(&clients[i]);
		client_close(&clients[i]);
	}
	assert_int_equal(ended(&harness->daemon), EX_OK);
	expect_nothing_left(harness, server);
	harness_start(harness);
	harness_await(harness);
	assert_int_equal(
	    harness_count(harness, "SELECT count(DISTINCT title) FROM store.engagement WHERE title LIKE 'In flight %'"),
	    CLIENTS * EACH);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.engagement WHERE title LIKE 'In flight %'"),
	                 CLIENTS * EACH);
}

static void alter(const struct harness *harness, const char *format, const char *schema)
{
	char sql[400];
	const char *mark = strstr(format, "API");
	snprintf(sql, sizeof sql, "%.*s%s%s", (int)(mark - format), format, schema, mark + 3);
	free(harness_query(harness, sql));
}

/* A second daemon finds the functions other than it needs them, says which, and ends. */
static void test_mismatch_is_refused(void **state)
{
	static const char *const changes[][3] = {
	    {"ALTER FUNCTION API.reminder_cancel RENAME TO reminder_cancelled", "reminder_cancel(",
	     "ALTER FUNCTION API.reminder_cancelled RENAME TO reminder_cancel"},
	    {"ALTER FUNCTION API.engagement_log STABLE", "engagement_log(", "ALTER FUNCTION API.engagement_log VOLATILE"},
	    {"ALTER FUNCTION API.contact_get SECURITY INVOKER", "contact_get(",
	     "ALTER FUNCTION API.contact_get SECURITY DEFINER"},
	    {"REVOKE EXECUTE ON FUNCTION API.contact_search FROM tracktwo_daemon", "contact_search(",
	     "GRANT EXECUTE ON FUNCTION API.contact_search TO tracktwo_daemon"},
	    {"GRANT EXECUTE ON FUNCTION API.set_caller TO tracktwo_daemon", "set_caller(",
	     "REVOKE EXECUTE ON FUNCTION API.set_caller FROM tracktwo_daemon"},
	};
	struct harness *harness = *state;
	struct client client;
	char place[240], socket[240], dsn[256], *said;
	char *schema = harness_query(harness, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'");
	snprintf(place, sizeof place, "daemon.state_dir=%s/second", harness->folder);
	snprintf(socket, sizeof socket, "daemon.socket=%s/second/socket", harness->folder);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         harness->state);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		alter(harness, changes[i][0], schema);
		assert_int_equal(RUN(&said, "-s", place, "-s", socket, "-s", dsn), EX_CONFIG);
		expect_said(said, changes[i][1]);
		alter(harness, changes[i][2], schema);
		free(said);
	}
	/* A role that may read everything is none to serve with. */
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=postgres", harness->state);
	assert_int_equal(RUN(&said, "-s", place, "-s", socket, "-s", dsn), EX_CONFIG);
	expect_said(said, "tracktwo_daemon");
	free(said);
	client_open(&client, harness);
	free(logged(&client, "Not disturbed"));
	client_close(&client);
	free(schema);
}

/* The last: it leaves a database that cannot be served. */
static void test_missing_function_stops_a_start(void **state)
{
	struct harness *harness = *state;
	char *schema = harness_query(harness, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'");
	alter(harness, "DROP FUNCTION API.engagement_history", schema);
	free(schema);
	assert_int_equal(harness_stop(harness), EX_OK);
	harness_start(harness);
	assert_int_equal(ended(&harness->daemon), EX_CONFIG);
	char *log = file_contents(harness->log);
	expect_said(log, "engagement_history(");
	free(log);
	expect_nothing_left(harness, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_descriptions),
	    cmocka_unit_test(test_wrong_configuration),
	    cmocka_unit_test(test_waits_for_its_database),
	    cmocka_unit_test(test_stopped_while_starting),
	    cmocka_unit_test(test_second_start_writes_nothing),
	    cmocka_unit_test(test_place_is_taken),
	    cmocka_unit_test(test_postmaster_killed),
	    cmocka_unit_test(test_stopped_with_requests_in_flight),
	    cmocka_unit_test(test_mismatch_is_refused),
	    cmocka_unit_test(test_missing_function_stops_a_start),
	};
	return cmocka_run_group_tests_name("life", tests, harness_group_setup, harness_group_teardown);
}
