/* HTTP: every route, hostile requests, identity, events, and what happens when descriptors run out. */
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

#define POST(type, length)                                                                                             \
	"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: " type "\r\nContent-Length: " length "\r\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping\"}"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static const char bootstrap[] = "00000000-0000-7000-8000-000000000001";
static int port;
static struct client administrator;
static char *token, token_id[37];

static int set_up(void **state)
{
	static char setting[64];
	struct harness *harness = calloc(1, sizeof *harness);
	harness_init(harness);
	port = web_free_port();
	snprintf(setting, sizeof setting, "daemon.http=127.0.0.1:%d", port);
	harness->settings[0] = setting;
	harness->settings[1] = "daemon.max_line_bytes=65536";
	harness_start(harness);
	harness_await(harness);
	client_open(&administrator, harness);
	token = web_token(&administrator, bootstrap, "", token_id);
	*state = harness;
	return 0;
}

static int tear_down(void **state)
{
	client_close(&administrator);
	harness_release(*state);
	free(token);
	free(*state);
	return 0;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* One request on a connection of its own. */
static struct web_answer ask(const char *text)
{
	struct client client;
	struct web_answer answer;
	web_open(&client, port, NULL);
	client_send(&client, text, strlen(text));
	answer = web_read(&client, ANSWER_MS);
	client_close(&client);
	return answer;
}

static int status_of(const char *text)
{
	struct web_answer answer = ask(text);
	web_answer_free(&answer);
	return answer.status;
}

static bool alive(void)
{
	return status_of(GET("/healthz")) == 200;
}

static void test_routes(void **state)
{
	struct web_answer answer = ask(GET("/openrpc.json"));
	json_t *document = json_loads(answer.body, 0, NULL),
	       *discovered = checked_result(&administrator, "rpc.discover", NULL);
	(void)state;
	assert_true(json_equal(document, discovered));
	assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(answer.head, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(answer.head, "Content-Type: application/json\r\n"));
	json_decref(document);
	json_decref(discovered);
	web_answer_free(&answer);
	assert_int_equal(status_of(GET("/healthz")), 200);
	assert_int_equal(status_of(GET("/readyz")), 200);
	assert_int_equal(status_of(GET("/readyz?really")), 200);
	assert_int_equal(status_of(GET("/")), 405);
	assert_int_equal(status_of(GET("/x")), 404);
	assert_int_equal(status_of(GET("/rpc/x")), 404);
	assert_int_equal(status_of(GET("/rpc")), 405);
	answer = ask("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(answer.status, 405);
	assert_non_null(strstr(answer.head, "Allow: GET, HEAD\r\n"));
	web_answer_free(&answer);
	static const char *const verbs[] = {"PROPFIND", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "BREW", NULL};
	for (size_t i = 0; verbs[i]; i++) {
		char text[128];
		snprintf(text, sizeof text, "%s /rpc HTTP/1.1\r\nHost: localhost\r\n\r\n", verbs[i]);
		answer = ask(text);
		assert_int_equal(answer.status, 405);
		assert_non_null(strstr(answer.head, "Allow: POST\r\n"));
		web_answer_free(&answer);
	}
	assert_int_equal(status_of("HEAD /healthz HTTP/1.0\r\n\r\n"), 200);
}

static void test_metrics(void **state)
{
	struct web_answer answer = ask(GET("/metrics"));
	(void)state;
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(answer.body, "\ntracktwo_requests_total{method=\"token.create\",outcome=\"ok\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_reminders{state=\"pending\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_database_connections{state=\"ready\"} "));
	assert_non_null(strstr(answer.body, "\ntracktwo_clients{transport=\"unix\"} 1\n"));
	assert_null(strstr(answer.body, token));
	web_answer_free(&answer);
}

static void test_rpc(void **state)
{
	struct client client;
	json_t *answer;
	(void)state;
	web_open(&client, port, NULL);
	answer = web_call(&client, token, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"session.whoami\"}");
	checked_value("session.whoami", at(answer, "result"));
	assert_string_equal(at_string(answer, "result.token_id"), token_id);
	json_decref(answer);
	/* The same connection, again and again; each request says anew who it is. */
	answer = web_call(&client, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.whoami\"}");
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	answer = web_call(&client, token,
	                  "[" PING ",{\"jsonrpc\":\"2.0\",\"method\":\"system.info\"},{\"jsonrpc\":\"2.0\",\"id\":2,"
	                  "\"method\":\"principal.list\"},7]");
	assert_int_equal(json_array_size(answer), 3);
	json_decref(answer);
	answer = web_call(&client, token, "{nonsense");
	assert_int_equal(at_integer(answer, "error.code"), -32700);
	json_decref(answer);
	answer = web_call(&client, token, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.subscribe\"}");
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
		web_open(&client, port, NULL);
		assert_true(client_send(&client, text, sizeof text - 1));
		shutdown(client.fd, SHUT_WR);
		answer = web_read(&client, ANSWER_MS);
		assert_int_equal(answer.status, 200);
		web_answer_free(&answer);
		assert_true(web_ended(&client, ANSWER_MS));
		client_close(&client);
	}
}

/* What could be read two ways, or comes from where it should not: refused, and the connection not used again. */
static void test_hostile(void **state)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {
	    {415, POST("text/plain", "47") "\r\n" PING},
	    {415, POST("application/json; charset=latin1", "47") "\r\n" PING},
	    {415, POST("application/jsonx", "47") "\r\n" PING},
	    {415, "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 47\r\n\r\n" PING},
	    {400, POST("application/json", "47") "Content-Length: 47\r\n\r\n" PING},
	    {400, POST("application/json", "47") "Content-Length: 1\r\n\r\n" PING},
	    {400, POST("application/json", "47") "Transfer-Encoding: chunked\r\n\r\n2f\r\n" PING "\r\n0\r\n\r\n"},
	    {400, POST("application/json", "-1") "\r\n" PING},
	    {400, POST("application/json", "4x") "\r\n" PING},
	    {400, POST("application/json", "47") "X-Folded: a\r\n b\r\n\r\n" PING},
	    {400, POST("application/json", "47") "X-Folded: a\r\n\tContent-Length: 3\r\n\r\n" PING},
	    {400, POST("application/json", "47") "X-Bare: a\rb\r\n\r\n" PING},
	    {400, POST("application/json", "47") "Transfer-Encoding: gzip\r\n\r\n" PING},
	    {400, "GET /healthz HTTP/1.1\r\n\r\n"},
	    {400, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"},
	    {400, "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	    {400, "GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	    {403, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
	    {403, "GET /healthz HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"},
	    {403, POST("application/json", "47") "Origin: http://evil.example\r\n\r\n" PING},
	    {403, POST("application/json", "47") "Origin: null\r\n\r\n" PING},
	    {403, POST("application/json", "47") "Origin: http://localhost:81\r\n\r\n" PING},
	    {403, "GET /events HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\n\r\n"},
	    {400, "nonsense\r\n\r\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client client;
		web_open(&client, port, NULL);
		int status = web_status(&client, cases[i].text);
		if (status != cases[i].status)
			fail_msg("%d instead of %d for:\n%s", status, cases[i].status, cases[i].text);
		if (!web_ended(&client, ANSWER_MS))
			fail_msg("the connection lives on after:\n%s", cases[i].text);
		client_close(&client);
	}
	assert_int_equal(status_of(POST("application/json", "47") "Origin: http://localhost\r\n\r\n" PING), 200);
	assert_true(alive());
}

static void test_too_large(void **state)
{
	char *big = malloc(LIMIT * 4), head[256];
	struct client client;
	struct web_answer answer;
	(void)state;
	/* One byte too many. */
	memset(big, ' ', LIMIT * 4);
	snprintf(head, sizeof head, POST("application/json", "%d") "\r\n", LIMIT + 1);
	web_open(&client, port, NULL);
	assert_true(client_send(&client, head, strlen(head)) && client_send(&client, big, LIMIT + 1));
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 413);
	web_answer_free(&answer);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
	/* Exactly the limit is taken: it is no JSON, and answered. */
	snprintf(head, sizeof head, POST("application/json", "%d") "\r\n", LIMIT);
	web_open(&client, port, NULL);
	assert_true(client_send(&client, head, strlen(head)) && client_send(&client, big, LIMIT));
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 200);
	web_answer_free(&answer);
	client_close(&client);
	/* A header without an end. */
	memset(big, 'x', LIMIT * 4);
	web_open(&client, port, NULL);
	client_send(&client, "GET /healthz HTTP/1.1\r\nX: ", 26);
	client_send(&client, big, LIMIT * 4);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
	free(big);
	assert_true(alive());
}

/* One byte a second keeps nothing open beyond the deadline, and others are served meanwhile. */
static void test_trickle(void **state)
{
	static const char text[] = POST("application/json", "47") "X-Long: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n" PING;
	struct client slow[3];
	long long began = harness_now_ms(), worst = 0;
	bool ended[3] = {false};
	(void)state;
	for (int i = 0; i < 3; i++)
		web_open(&slow[i], port, NULL);
	/* One in its head, one in its body, one says nothing more. */
	client_send(&slow[1], text, sizeof text - 40);
	client_send(&slow[2], "G", 1);
	for (size_t at_byte = 0; at_byte < 14 && !(ended[0] && ended[1] && ended[2]); at_byte++) {
		client_send(&slow[0], text + at_byte, 1);
		client_send(&slow[1], " ", 1);
		for (int i = 0; i < 3; i++)
			ended[i] = ended[i] || web_ended(&slow[i], 1);
		for (int i = 0; i < 20; i++) {
			long long from = harness_now_ms();
			assert_true(alive());
			if (harness_now_ms() - from > worst)
				worst = harness_now_ms() - from;
			sleep_ms(40);
		}
	}
	for (int i = 0; i < 3; i++) {
		assert_true(ended[i]);
		client_close(&slow[i]);
	}
	assert_true(harness_now_ms() - began < 14000);
	assert_true(worst < 500);
}

/* Clients that leave in the middle, before and behind their answer. */
static void test_gone(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engagement.history\"}";
	char request[512];
	(void)state;
	snprintf(request, sizeof request, POST("application/json", "%zu") "Authorization: Bearer %s\r\n\r\n%s",
	         strlen(text), token, text);
	for (size_t i = 0; i < 200; i++) {
		struct client client;
		struct linger hard = {.l_onoff = 1, .l_linger = 0};
		web_open(&client, port, NULL);
		client_send(&client, request, i % 4 == 0 ? i % strlen(request) : strlen(request));
		if (i % 2 == 0)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		if (i % 5 == 0)
			sleep_ms(2);
		client_close(&client);
	}
	assert_true(alive());
}

static void test_identity(void **state)
{
	struct client client;
	char viewer[37], id[37], *other;
	json_t *answer;
	long long until = harness_now_ms() + REACHES_MS;
	bool nobody = false;
	(void)state;
	web_principal(&administrator, "viewer", viewer);
	other = web_token(&administrator, viewer, ",'scopes':['principal.*']", id);
	web_open(&client, port, NULL);
	answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"principal.get\"}");
	assert_string_equal(at_string(answer, "result.id"), viewer);
	json_decref(answer);
	answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.list\"}");
	assert_int_equal(at_integer(answer, "error.code"), 403);
	json_decref(answer);
	answer = web_call(&client, "tt_unknown", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.list\"}");
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	json_decref(checked_result(&administrator, "token.revoke", json_of("{'id':'%s'}", id)));
	while (!nobody && harness_now_ms() < until) {
		answer = web_call(&client, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"principal.get\"}");
		nobody = at(answer, "error") && at_integer(answer, "error.code") == 401;
		json_decref(answer);
	}
	assert_true(nobody);
	client_close(&client);
	free(other);
}

static void open_events(struct client *client, const char *key, const char *query, const char *last)
{
	char request[512];
	web_open(client, port, NULL);
	snprintf(request, sizeof request,
	         "GET /events%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n", query, key,
	         last ? "Last-Event-ID: " : "", last ? last : "", last ? "\r\n" : "");
	assert_true(client_send(client, request, strlen(request)));
}

/* The next line of the stream that begins so; the rest of it, to be freed. */
static char *event_line(struct client *client, const char *beginning)
{
	long long until = harness_now_ms() + ANSWER_MS;
	char *line, *rest;
	while ((line = client_read_line(client, (int)(until - harness_now_ms()))) &&
	       strncmp(line, beginning, strlen(beginning)) != 0)
		free(line);
	if (!line)
		fail_msg("no line \"%s…\" came", beginning);
	rest = strdup(line + strlen(beginning));
	free(line);
	return rest;
}

static void remind(const char *note)
{
	json_decref(checked_result(&administrator, "reminder.create",
	                           json_of("{'note':'%s','due_at':'2020-01-01T00:00:00Z'}", note)));
}

static void expect_event(struct client *client, const char *note, char id[37])
{
	char *line = event_line(client, "id: ");
	json_t *data;
	snprintf(id, 37, "%s", line);
	free(line);
	free(event_line(client, "event: reminder.due"));
	line = event_line(client, "data: ");
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
	open_events(&client, token, "", NULL);
	free(event_line(&client, "Content-Type: text/event-stream"));
	free(event_line(&client, "retry: "));
	remind("one");
	expect_event(&client, "one", first);
	client_close(&client);
	/* Back again, after something has happened: what came before does not come at once again. */
	remind("two");
	snprintf(query, sizeof query, "?assignee=%s&x=%%20", bootstrap);
	open_events(&client, token, query, first);
	expect_event(&client, "two", second);
	client_close(&client);
	/* Who does not say what came gets all. */
	open_events(&client, token, "", NULL);
	expect_event(&client, "one", again);
	assert_string_equal(again, first);
	expect_event(&client, "two", again);
	assert_string_equal(again, second);
	json_decref(checked_result(&administrator, "reminder.acknowledge", json_of("{'delivery_id':'%s'}", first)));
	json_decref(checked_result(&administrator, "reminder.acknowledge", json_of("{'delivery_id':'%s'}", second)));
	/* It sends nothing more, and may not fill the daemon's memory either. */
	char *much = calloc(1, 1 << 20);
	client_send(&client, much, 1 << 20);
	free(much);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
}

static void test_events_refused(void **state)
{
	struct client client;
	struct web_answer answer;
	char viewer[37], id[37], query[64], *other;
	(void)state;
	web_principal(&administrator, "viewer", viewer);
	other = web_token(&administrator, viewer, "", id);
	assert_int_equal(status_of(GET("/events")), 401);
	snprintf(query, sizeof query, "?assignee=%s", bootstrap);
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
	free(event_line(&client, "retry: "));
	json_decref(checked_result(&administrator, "token.revoke", json_of("{'id':'%s'}", id)));
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

static void test_too_many_clients(void **state)
{
	struct harness small;
	struct client clients[3], refused;
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
	web_open(&refused, 0, path);
	assert_int_equal(web_status(&refused, ""), 503);
	assert_true(web_ended(&refused, ANSWER_MS));
	client_close(&refused);
	client_close(&clients[0]);
	sleep_ms(100);
	web_open(&clients[0], 0, path);
	assert_int_equal(web_status(&clients[0], GET("/healthz")), 200);
	/* Idle connections do not hold up the end. */
	assert_int_equal(harness_stop(&small), 0);
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i]);
	harness_release(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_rpc),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_trickle),
	    cmocka_unit_test(test_gone),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_events_refused),
	    cmocka_unit_test(test_unix_and_exhaustion),
	    cmocka_unit_test(test_too_many_clients),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
