/* HTTP: every route, identity, events, and what happens when descriptors or connections run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "checked.h"
#include "web.h"

enum { ANSWER_MS = 20000, REACHES_MS = 5000, LIMIT = 65536 };

static int set_up(void **state)
{
	(void)state;
	return web_set_up("http", "daemon.max_line_bytes=65536");
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void test_routes(void **state)
{
	struct web_answer answer = web_ask(GET("/openrpc.json"));
	json_t *document = json_loads(answer.body, 0, NULL),
	       *discovered = checked_result(&web.administrator, "rpc.discover", NULL);
	(void)state;
	assert_true(json_equal(document, discovered));
	assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(answer.head, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(answer.head, "Content-Type: application/json\r\n"));
	json_decref(document);
	json_decref(discovered);
	web_answer_free(&answer);
	assert_int_equal(web_status_of(GET("/healthz")), 200);
	assert_int_equal(web_status_of(GET("/readyz")), 200);
	assert_int_equal(web_status_of(GET("/readyz?really")), 200);
	assert_int_equal(web_status_of(GET("/")), 405);
	assert_int_equal(web_status_of(GET("/x")), 404);
	assert_int_equal(web_status_of(GET("/rpc/x")), 404);
	assert_int_equal(web_status_of(GET("/rpc")), 405);
	answer = web_ask("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(answer.status, 405);
	assert_non_null(strstr(answer.head, "Allow: GET, HEAD\r\n"));
	web_answer_free(&answer);
	static const char *const verbs[] = {"PROPFIND", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "BREW", NULL};
	for (size_t i = 0; verbs[i]; i++) {
		char text[128];
		snprintf(text, sizeof text, "%s /rpc HTTP/1.1\r\nHost: localhost\r\n\r\n", verbs[i]);
		answer = web_ask(text);
		assert_int_equal(answer.status, 405);
		assert_non_null(strstr(answer.head, "Allow: POST\r\n"));
		web_answer_free(&answer);
	}
	assert_int_equal(web_status_of("HEAD /healthz HTTP/1.0\r\n\r\n"), 200);
}

static void test_metrics(void **state)
{
	struct web_answer answer = web_ask(GET("/metrics"));
	(void)state;
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(answer.body, "\ntracktwo_requests_total{method=\"token.create\",outcome=\"ok\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_reminders{state=\"pending\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_database_connections{state=\"ready\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_clients{transport=\"unix\"} 1\n"));
	assert_null(strstr(answer.body, web.token));
	web_answer_free(&answer);
}

static void test_rpc(void **state)
{
	struct client client;
	json_t *answer;
	(void)state;
	web_open(&client, web.port, NULL);
	answer = web_call(&client, web.token, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"session.whoami\"}");
	checked_value("session.whoami", at(answer, "result"));
	assert_string_equal(at_string(answer, "result.token_id"), web.token_id);
	json_decref(answer);
	/* The same connection, again and again; each request says anew who it is. */
	answer = web_call(&client, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.whoami\"}");
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	answer = web_call(&client, web.token,
	                  "[" PING ",{\"jsonrpc\":\"2.0\",\"method\":\"system.info\"},{\"jsonrpc\":\"2.0\",\"id\":2,"
	                  "\"method\":\"principal.list\"},7]");
	assert_int_equal(json_array_size(answer), 3);
	json_decref(answer);
	answer = web_call(&client, web.token, "{nonsense");
	assert_int_equal(at_integer(answer, "error.code"), -32700);
	json_decref(answer);
	answer = web_call(&client, web.token, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.subscribe\"}");
	assert_string_equal(at_string(answer, "error.data.code"), "invalid_request");
	json_decref(answer);
	/* Notifications only. */
	assert_int_equal(
	    web_status(&client, POST("application/json", "40") "\r\n{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\"}"),
	    204);
	assert_int_equal(
	    web_status(&client, POST("application/json", "42") "\r\n[{\"jsonrpc\":\"2.0\",\"method\":\"system.info\"}]"),
	    204);
	assert_int_equal(web_status(&client, POST("application/json-rpc", "47") "\r\n" PING), 200);
	assert_int_equal(web_status(&client, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	                                     "Content-Length: 47\r\n\r\n" PING),
	                 200);
	/* Two at once, on one connection. */
	assert_int_equal(web_status(&client, POST("application/json; charset=UTF-8", "47") "\r\n" PING POST(
	                                         "application/json;charset=\"utf-8\"", "47") "\r\n" PING),
	                 200);
	assert_int_equal(web_status(&client, ""), 200);
	/* In chunks. */
	assert_int_equal(web_status(&client, "POST /rpc HTTP/1.1\r\nHost: [::1]:1\r\nContent-Type: application/json\r\n"
	                                     "Transfer-Encoding: chunked\r\n\r\n2f\r\n" PING "\r\n0\r\n\r\n"),
	                 200);
	client_close(&client);
}

static void test_half_close(void **state)
{
	struct client client;
	struct web_answer answer;
	static const char text[] = POST("application/json", "47") "\r\n" PING;
	(void)state;
	for (int i = 0; i < 20; i++) {
		web_open(&client, web.port, NULL);
		assert_true(client_send(&client, text, sizeof text - 1));
		shutdown(client.fd, SHUT_WR);
		answer = web_read(&client, ANSWER_MS);
		assert_int_equal(answer.status, 200);
		web_answer_free(&answer);
		assert_true(web_ended(&client, ANSWER_MS));
		client_close(&client);
	}
}

static void test_identity(void **state)
{
	struct client client;
	char viewer[37], id[37], *other;
	json_t *answer;
	(void)state;
	web_principal(&web.administrator, "viewer", viewer);
	other = web_token(&web.administrator, viewer, ",'scopes':['principal.*']", id);
	web_open(&client, web.port, NULL);
	answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"principal.get\"}");
	assert_string_equal(at_string(answer, "result.id"), viewer);
	json_decref(answer);
	answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.list\"}");
	assert_int_equal(at_integer(answer, "error.code"), 403);
	json_decref(answer);
	answer = web_call(&client, "tt_unknown", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.list\"}");
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	json_decref(checked_result(&web.administrator, "token.revoke", json_of("{'id':'%s'}", id)));
	/* At the very next request, though it has just been known. */
	answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"principal.get\"}");
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	client_close(&client);
	free(other);
}

static void open_events(struct client *client, const char *key, const char *query, const char *last)
{
	char request[5000];
	web_open(client, web.port, NULL);
	snprintf(request, sizeof request,
	         "GET /events%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n", query, key,
	         last ? "Last-Event-ID: " : "", last ? last : "", last ? "\r\n" : "");
	assert_true(client_send(client, request, strlen(request)));
}

/* A token ends on time, though it has just been known. */
static void test_expiry(void **state)
{
	struct client client;
	char id[37], more[64], *other;
	time_t soon = time(NULL) + 3;
	struct tm utc;
	bool nobody = false;
	(void)state;
	strftime(more, sizeof more, ",'expires_at':'%Y-%m-%dT%H:%M:%SZ'", gmtime_r(&soon, &utc));
	other = web_token(&web.administrator, web_bootstrap, more, id);
	web_open(&client, web.port, NULL);
	while (!nobody) {
		struct timespec from, to;
		clock_gettime(CLOCK_REALTIME, &from);
		json_t *answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.whoami\"}");
		clock_gettime(CLOCK_REALTIME, &to);
		nobody = at(answer, "error") != NULL;
		if (nobody ? to.tv_sec < soon : from.tv_sec > soon)
			fail_msg("%s at the wrong time", nobody ? "nobody" : "somebody");
		json_decref(answer);
		sleep_ms(20);
	}
	client_close(&client);
	free(other);
}

static void remind(const char *note)
{
	json_decref(checked_result(&web.administrator, "reminder.create",
	                           json_of("{'note':'%s','due_at':'2020-01-01T00:00:00Z'}", note)));
}

static void expect_event(struct client *client, const char *note, char id[37])
{
	char *line = web_line(client, "id: ");
	json_t *data;
	snprintf(id, 37, "%s", line);
	free(line);
	free(web_line(client, "event: reminder.due"));
	line = web_line(client, "data: ");
	data = json_loads(line, 0, NULL);
	assert_string_equal(at_string(data, "delivery_id"), id);
	assert_string_equal(at_string(data, "reminder.note"), note);
	checked_value("reminder.get", at(data, "reminder"));
	json_decref(data);
	free(line);
}

static void test_events(void **state)
{
	struct client client;
	char first[37], second[37], again[37], query[64];
	(void)state;
	open_events(&client, web.token, "", NULL);
	free(web_line(&client, "Content-Type: text/event-stream"));
	free(web_line(&client, "retry: "));
	remind("one");
	expect_event(&client, "one", first);
	client_close(&client);
	/* Back again, after something has happened: what came before does not come at once again. */
	remind("two");
	snprintf(query, sizeof query, "?assignee=%s&x=%%20", web_bootstrap);
	open_events(&client, web.token, query, first);
	expect_event(&client, "two", second);
	client_close(&client);
	/* Who does not say what came gets all. */
	open_events(&client, web.token, "", NULL);
	expect_event(&client, "one", again);
	assert_string_equal(again, first);
	expect_event(&client, "two", again);
	assert_string_equal(again, second);
	json_decref(checked_result(&web.administrator, "reminder.acknowledge", json_of("{'delivery_id':'%s'}", first)));
	json_decref(checked_result(&web.administrator, "reminder.acknowledge", json_of("{'delivery_id':'%s'}", second)));
	/* It sends nothing more, and may not fill the daemon's memory either. */
	char *much = calloc(1, 1 << 20);
	client_send(&client, much, 1 << 20);
	free(much);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
}

static void expect_change(struct client *client, const char *title, char cursor[4001])
{
	char *line = web_line(client, "id: ");
	snprintf(cursor, 4001, "%s", line);
	free(line);
	free(web_line(client, "event: change.made"));
	line = web_line(client, "data: ");
	json_t *data = json_loads(line, 0, NULL);
	assert_string_equal(at_string(data, "cursor"), cursor);
	assert_string_equal(at_string(data, "change.title"), title);
	json_decref(data);
	free(line);
}

static void organize(const char *name, const char *country)
{
	json_decref(checked_result(&web.administrator, "organization.create",
	                           json_of("{'name':'%s','country':'%s'}", name, country)));
}

/* The id of an event is the cursor behind it. */
static void test_events_of_changes(void **state)
{
	struct client client;
	char cursor[4001], other[4001];
	(void)state;
	open_events(&client, web.token, "?changes=true&country=KP", NULL);
	free(web_line(&client, "retry: "));
	organize("Elsewhere", "CN");
	organize("There", "KP");
	expect_change(&client, "There", cursor);
	client_close(&client);
	organize("Missed", "KP");
	open_events(&client, web.token, "?changes=true&country=KP", cursor);
	expect_change(&client, "Missed", cursor);
	organize("Live", "KP");
	expect_change(&client, "Live", other);
	client_close(&client);
	open_events(&client, web.token, "?changes=true", cursor);
	expect_change(&client, "Live", other);
	client_close(&client);
	open_events(&client, web.token, "?changes=true", "00000000-0000-7000-8000-000000000001");
	struct web_answer answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 400);
	web_answer_free(&answer);
	client_close(&client);
}

static void test_events_refused(void **state)
{
	struct client client;
	struct web_answer answer;
	char viewer[37], id[37], query[64], *other;
	(void)state;
	web_principal(&web.administrator, "viewer", viewer);
	other = web_token(&web.administrator, viewer, "", id);
	assert_int_equal(web_status_of(GET("/events")), 401);
	snprintf(query, sizeof query, "?assignee=%s", web_bootstrap);
	open_events(&client, other, query, NULL);
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 403);
	web_answer_free(&answer);
	client_close(&client);
	open_events(&client, other, "?assignee=no", NULL);
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 400);
	web_answer_free(&answer);
	client_close(&client);
	/* A stream ends with its token. */
	open_events(&client, other, "", NULL);
	free(web_line(&client, "retry: "));
	json_decref(checked_result(&web.administrator, "token.revoke", json_of("{'id':'%s'}", id)));
	assert_true(web_ended(&client, REACHES_MS));
	client_close(&client);
	free(other);
}

/* Processor time of the daemon so far, in milliseconds. */
static long cpu_ms(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user, kernel;
	FILE *file;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	assert_int_equal(
	    sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel), 2);
	return (long)((user + kernel) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* On a Unix socket the kernel says who calls; and a daemon without descriptors rests instead of spinning. */
static void test_unix_and_exhaustion(void **state)
{
	enum { DESCRIPTORS = 150, CLIENTS = 200, MEASURED_MS = 2000 };
	struct harness small;
	struct client clients[CLIENTS], client;
	struct rlimit before, low;
	char setting[128];
	json_t *answer;
	(void)state;
	harness_init(&small);
	snprintf(setting, sizeof setting, "daemon.http=%s/state/http", small.folder);
	small.settings[0] = setting;
	getrlimit(RLIMIT_NOFILE, &before);
	low = (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &low);
	harness_start(&small);
	setrlimit(RLIMIT_NOFILE, &before);
	harness_await(&small);
	const char *path = setting + strlen("daemon.http=");
	web_open(&client, 0, path);
	answer = web_call(&client, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.whoami\"}");
	assert_string_equal(at_string(answer, "result.identified_by"), "unix_user");
	json_decref(answer);
	for (size_t i = 0; i < CLIENTS; i++)
		web_open(&clients[i], 0, path);
	sleep_ms(300);
	long spent = cpu_ms(small.daemon);
	sleep_ms(MEASURED_MS);
	spent = cpu_ms(small.daemon) - spent;
	if (spent > MEASURED_MS / 20)
		fail_msg("%ld ms of processor time in %d ms without descriptors", spent, MEASURED_MS);
	/* Who is connected is served all the while. */
	answer = web_call(&client, NULL, PING);
	assert_non_null(at(answer, "result"));
	json_decref(answer);
	for (size_t i = 0; i < CLIENTS; i++)
		client_close(&clients[i]);
	client_close(&client);
	web_open(&client, 0, path);
	assert_int_equal(web_status(&client, GET("/healthz")), 200);
	client_close(&client);
	harness_release(&small);
}

/* Who has been idle longest makes room for one more; only where all are being answered is one turned away. */
static void test_too_many_clients(void **state)
{
	static const char events[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct harness small;
	struct client clients[3], other;
	char setting[128], *path;
	(void)state;
	harness_init(&small);
	snprintf(setting, sizeof setting, "daemon.http=%s/state/http", small.folder);
	small.settings[0] = setting;
	small.settings[1] = "daemon.max_clients=3";
	path = setting + strlen("daemon.http=");
	harness_start(&small);
	harness_await(&small);
	for (size_t i = 0; i < 3; i++) {
		web_open(&clients[i], 0, path);
		assert_int_equal(web_status(&clients[i], GET("/healthz")), 200);
	}
	/* A stranger, though it has waited less long than those whom the daemon knows. */
	for (size_t i = 0; i < 2; i++)
		json_decref(web_call(&clients[i], NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.whoami\"}"));
	assert_int_equal(web_status(&clients[2], GET("/healthz")), 200);
	web_open(&other, 0, path);
	assert_int_equal(web_status(&other, GET("/healthz")), 200);
	assert_true(web_ended(&clients[2], ANSWER_MS));
	client_close(&clients[2]);
	clients[2] = other;
	for (size_t i = 0; i < 3; i++) {
		client_send(&clients[i], events, sizeof events - 1);
		free(web_line(&clients[i], "retry: "));
	}
	web_open(&other, 0, path);
	struct web_answer answer = web_read(&other, ANSWER_MS);
	assert_int_equal(answer.status, 503);
	assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(answer.head, "Retry-After: 1\r\n"));
	web_answer_free(&answer);
	assert_true(web_ended(&other, ANSWER_MS));
	client_close(&other);
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i]);
	web_open(&clients[0], 0, path);
	/* Idle connections do not hold up the end. */
	assert_int_equal(harness_stop(&small), 0);
	client_close(&clients[0]);
	harness_release(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_rpc),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_expiry),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_events_of_changes),
	    cmocka_unit_test(test_events_refused),
	    cmocka_unit_test(test_unix_and_exhaustion),
	    cmocka_unit_test(test_too_many_clients),
	};
	return cmocka_run_group_tests(tests, set_up, web_tear_down);
}
