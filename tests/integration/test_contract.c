/* The contract of the messages: JSON-RPC 2.0 over the Unix socket as API.md section 2 states it, with the examples of
 * section 7 of the specification, at the limits and beyond them. Whatever is refused leaves no trace, and the
 * connection lives on. */
#include "checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LINE_MAX_BYTES = 1048576, ANSWER_MS = 20000 };

static struct client client;

static int open_client(void **state)
{
	client_open(&client, *state);
	return 0;
}

static int close_client(void **state)
{
	(void)state;
	client_close(&client);
	return 0;
}

/* Nothing more is owed on the connection: the very next lines are the answers to these two. */
static void expect_silence(void)
{
	char *answer = checked_exchange(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"principal.get\",\"id\":\"fence\"}");
	assert_non_null(strstr(answer, "\"id\":\"fence\""));
	free(answer);
	answer = checked_exchange(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":\"fence 2\"}");
	assert_non_null(strstr(answer, "\"id\":\"fence 2\""));
	free(answer);
}

/* Nothing more is owed at all: what was received before the half-close is answered before the daemon closes. */
static void expect_end(void)
{
	char rest[64];
	expect_silence();
	assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
	assert_int_equal(client.length, 0);
	assert_int_equal(recv(client.fd, rest, sizeof rest, 0), 0);
}

/* An error object of the code, with an id, in an answer of JSON-RPC 2.0 and of nothing else. */
static void check_error(const json_t *answer, int code, const char *id)
{
	char *text = json_dumps(json_object_get(answer, "id"), JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(at_string(answer, "jsonrpc"), "2.0");
	assert_int_equal(json_object_size(answer), 3);
	assert_int_equal(at_integer(answer, "error.code"), code);
	assert_true(strlen(at_string(answer, "error.message")) > 0);
	assert_true(strlen(at_string(answer, "error.data.code")) > 0);
	assert_string_equal(text, id);
	free(text);
}

static void expect_error_bytes(const char *bytes, size_t length, int code, const char *id)
{
	json_t *answer;
	assert_true(client_send(&client, bytes, length) && client_send(&client, "\n", 1));
	answer = client_read(&client, ANSWER_MS);
	check_error(answer, code, id);
	json_decref(answer);
}

static void expect_error(const char *line, int code, const char *id)
{
	expect_error_bytes(line, strlen(line), code, id);
}

/* A ping that is answered, with the id as it was sent. */
static void expect_ping(const char *line, const char *id)
{
	char *answer = checked_exchange(&client, line), member[256];
	/* As text: an id may be a number that no C type holds. */
	snprintf(member, sizeof member, "\"id\":%s}", id);
	assert_ptr_equal(strstr(answer, "{\"jsonrpc\":\"2.0\",\"result\":{\"pong\":true,"), answer);
	assert_non_null(strstr(answer, member));
	free(answer);
}

static void test_single(void **state)
{
	char *answer;
	(void)state;
	expect_ping("{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": 1}", "1");
	expect_ping("{\"id\": 2, \"params\": {}, \"method\": \"system.ping\", \"jsonrpc\": \"2.0\"}", "2");
	/* The same with CRLF. */
	expect_ping("{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": 3}\r", "3");
	answer = checked_exchange(
	    &client, "{\"jsonrpc\": \"2.0\", \"method\": \"roadmap.get\", \"params\": {\"version\": 1}, \"id\": 4}");
	assert_non_null(strstr(answer, "Cultivating Domestic Support"));
	assert_null(strchr(answer, '\r'));
	free(answer);
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"roadmap.get\", \"params\": [1], \"id\": 5}", -32602, "5");
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"params\": [{}], \"id\": 6}", -32602, "6");
	/* A list without elements gives nothing by its place. */
	expect_ping("{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"params\": [], \"id\": 7}", "7");
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"session.login\", \"params\": [], \"id\": 8}", -32602, "8");
}

static void test_notification(void **state)
{
	struct harness *harness = *state;
	long long until = harness_now_ms() + ANSWER_MS;
	assert_true(client_send_line(&client, "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\"}"));
	assert_true(client_send_line(&client, "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}"));
	assert_true(client_send_line(&client, "{\"jsonrpc\": \"2.0\", \"method\": \"roadmap.get\", \"params\": [1]}"));
	assert_true(client_send_line(&client, "{\"jsonrpc\": \"2.0\", \"method\": \"organization.create\", \"params\": "
	                                      "{\"name\": \"By notification\"}}"));
	expect_silence();
	/* It is carried out all the same. */
	while (harness_count(harness, "SELECT count(*) FROM store.organization WHERE name = 'By notification'") != 1)
		assert_true(harness_now_ms() < until);
	expect_end();
}

static void test_invalid(void **state)
{
	static const char *const broken[] = {
	    "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]",
	    "[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": \"1\"}, {\"jsonrpc\": \"2.0\", \"method\"]",
	    "{",
	    "}",
	    "[",
	    "x",
	    "nul",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1}x",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":01}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1,}",
	    "{'jsonrpc':'2.0'}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":NaN}",
	    " "};
	static const char *const requests[] = {"{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}",
	                                       "{\"foo\": \"boo\"}",
	                                       "{}",
	                                       "1",
	                                       "null",
	                                       "\"text\"",
	                                       "{\"jsonrpc\": \"1.0\", \"method\": \"system.ping\"}",
	                                       "{\"method\": \"system.ping\"}",
	                                       "{\"jsonrpc\": 2.0, \"method\": \"system.ping\"}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": null}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"params\": \"bar\"}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"params\": null}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": {}}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": [1]}",
	                                       "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": true}"};
	(void)state;
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}", -32601, "\"1\"");
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"\", \"id\": 1}", -32601, "1");
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"engagement_log\", \"id\": 1}", -32601, "1");
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		expect_error(broken[i], -32700, "null");
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		expect_error(requests[i], -32600, "null");
	/* An id that could be read comes back. */
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": 1, \"id\": 7}", -32600, "7");
	expect_silence();
}

static json_t *exchange_batch(const char *line)
{
	char *answer = checked_exchange(&client, line);
	json_t *list = json_loads(answer, 0, NULL);
	assert_true(json_is_array(list));
	free(answer);
	return list;
}

/* The answer of the id, given as JSON text. */
static json_t *in_batch(const json_t *list, const char *id)
{
	json_t *answer, *found = NULL;
	size_t i;
	json_array_foreach(list, i, answer) {
		char *text = json_dumps(json_object_get(answer, "id"), JSON_COMPACT | JSON_ENCODE_ANY);
		if (strcmp(text, id) == 0) {
			assert_null(found);
			found = answer;
		}
		free(text);
	}
	assert_non_null(found);
	return found;
}

static void test_batch(void **state)
{
	json_t *list;
	(void)state;
	expect_error("[]", -32600, "null");
	for (size_t count = 1; count <= 3; count += 2) {
		list = exchange_batch(count == 1 ? "[1]" : "[1,2,3]");
		assert_int_equal(json_array_size(list), count);
		for (size_t i = 0; i < count; i++)
			check_error(json_array_get(list, i), -32600, "null");
		json_decref(list);
	}
	list = exchange_batch(
	    "[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": \"1\"},"
	    "{\"jsonrpc\": \"2.0\", \"method\": \"principal.get\", \"params\": {}},"
	    "{\"jsonrpc\": \"2.0\", \"method\": \"roadmap.get\", \"params\": [42,23], \"id\": \"2\"},"
	    "{\"foo\": \"boo\"},"
	    "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, \"id\": \"5\"},"
	    "{\"jsonrpc\": \"2.0\", \"method\": \"principal.get\", \"id\": \"9\"}]");
	assert_int_equal(json_array_size(list), 5);
	assert_true(json_is_true(at(in_batch(list, "\"1\""), "result.pong")));
	check_error(in_batch(list, "\"2\""), -32602, "\"2\"");
	check_error(in_batch(list, "null"), -32600, "null");
	check_error(in_batch(list, "\"5\""), -32601, "\"5\"");
	checked_value("principal.get", at(in_batch(list, "\"9\""), "result"));
	json_decref(list);
	/* In the order of the requests, though the second is answered first. */
	list = exchange_batch("[{\"jsonrpc\": \"2.0\", \"method\": \"principal.list\", \"id\": 1},"
	                      "{\"jsonrpc\": \"2.0\", \"method\": \"principal.list\"},"
	                      "{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": 2}]");
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(at_integer(list, "0.id"), 1);
	assert_int_equal(at_integer(list, "1.id"), 2);
	json_decref(list);
	assert_true(client_send_line(&client, "[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\"},"
	                                      "{\"jsonrpc\": \"2.0\", \"method\": \"principal.get\", \"params\": {}}]"));
	expect_end();
}

static char *batch_of(size_t count)
{
	char *line = malloc(count * 80 + 3), *end = line;
	*end++ = '[';
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%zu}", i ? "," : "",
		               i % 10 ? "system.ping" : "principal.get", i);
	strcpy(end, "]");
	return line;
}

static void test_batch_size(void **state)
{
	char *line = batch_of(1000);
	json_t *list = exchange_batch(line), *error;
	bool seen[1000] = {false};
	(void)state;
	assert_int_equal(json_array_size(list), 1000);
	for (size_t i = 0; i < 1000; i++) {
		long id = at_integer(json_array_get(list, i), "id");
		assert_true(id >= 0 && id < 1000 && !seen[id] && at(json_array_get(list, i), "result"));
		seen[id] = true;
	}
	json_decref(list);
	free(line);
	line = batch_of(1001);
	assert_true(client_send_line(&client, line));
	error = client_read(&client, ANSWER_MS);
	check_error(error, -32600, "null");
	assert_string_equal(at_string(error, "error.data.code"), "too_large");
	json_decref(error);
	free(line);
	expect_silence();
}

static void test_ids(void **state)
{
	static const char *const ids[] = {"1",
	                                  "0",
	                                  "-0",
	                                  "-1",
	                                  "1.50",
	                                  "1e400",
	                                  "-1.0E-400",
	                                  "123456789012345678901234567890",
	                                  "null",
	                                  "\"\"",
	                                  "\"1\"",
	                                  "\"a\\\"b\\\\c\\/d\\u00e9\\ud83d\\ude00\\n\"",
	                                  "\"\\u0069\\u0064\"",
	                                  "\"한글 王毅\"",
	                                  "\"{[,]}:\"",
	                                  "3.141592653589793238462643"};
	char line[512];
	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char *answer, member[256];
		snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":%s}", ids[i]);
		expect_ping(line, ids[i]);
		/* Also where the call is refused, comes from the database, stands in a batch, or has blanks around it. */
		snprintf(line, sizeof line, "[{ \"id\" :\t%s , \"jsonrpc\":\"2.0\",\"method\":\"principal.get\"}]", ids[i]);
		answer = checked_exchange(&client, line);
		snprintf(member, sizeof member, "\"id\":%s}]", ids[i]);
		assert_non_null(strstr(answer, member));
		assert_non_null(strstr(answer, "\"Administrator\""));
		free(answer);
		snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"\\u0069d\":%s,\"method\":\"nobody.home\"}", ids[i]);
		answer = checked_exchange(&client, line);
		snprintf(member, sizeof member, "\"id\":%s}", ids[i]);
		assert_non_null(strstr(answer, member));
		assert_non_null(strstr(answer, "-32601"));
		free(answer);
	}
}

enum { PIPELINED = 200 };

/* Reads `count` answers with the ids 0, 1, …, each once. */
static void expect_answers(size_t count)
{
	bool seen[PIPELINED] = {false};
	for (size_t i = 0; i < count; i++) {
		json_t *answer = client_read(&client, ANSWER_MS);
		long id = at_integer(answer, "id");
		assert_true(id >= 0 && (size_t)id < count && !seen[id]);
		seen[id] = true;
		assert_non_null(at(answer, "result"));
		json_decref(answer);
	}
}

static void test_pipelining(void **state)
{
	static const char *const methods[] = {"system.ping", "principal.get", "country.list", "roadmap.get"};
	char *lines = malloc(PIPELINED * 80), *end = lines;
	(void)state;
	for (size_t i = 0; i < PIPELINED; i++)
		end += sprintf(end, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%zu}%s", methods[i % 4], i,
		               i % 3 ? "\n" : "\r\n");
	assert_true(client_send(&client, lines, (size_t)(end - lines)));
	expect_answers(PIPELINED);
	expect_silence();
	free(lines);
}

static void test_half_close(void **state)
{
	char line[100];
	(void)state;
	for (size_t i = 0; i < 50; i++) {
		snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%zu}",
		         i % 2 ? "country.list" : "system.ping", i);
		/* The last line need not end. */
		assert_true(i < 49 ? client_send_line(&client, line) : client_send(&client, line, strlen(line)));
	}
	assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
	expect_answers(50);
	assert_int_equal(client.length, 0);
	assert_int_equal(recv(client.fd, line, sizeof line, 0), 0);
}

/* A ping of exactly `length` bytes. */
static char *ping_of_length(size_t length)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1";
	char *line = malloc(length + 1);
	memset(line, ' ', length);
	memcpy(line, head, sizeof head - 1);
	line[length - 1] = '}';
	line[length] = '\0';
	return line;
}

static void test_line_fits(void **state)
{
	char *line;
	(void)state;
	for (size_t length = LINE_MAX_BYTES - 1; length <= LINE_MAX_BYTES; length++) {
		line = ping_of_length(length);
		expect_ping(line, "1");
		free(line);
	}
	/* The CR of a CRLF is no part of the line. */
	line = ping_of_length(LINE_MAX_BYTES);
	line = realloc(line, LINE_MAX_BYTES + 2);
	strcpy(line + LINE_MAX_BYTES, "\r");
	expect_ping(line, "1");
	free(line);
}

/* What came before is answered, then the one error, then the daemon half-closes, reading on for a while. */
static void expect_too_long(const struct harness *harness, size_t length)
{
	struct client other;
	char *line = ping_of_length(length), rest[64];
	json_t *answer;
	client_open(&other, harness);
	assert_true(client_send_line(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":7}"));
	assert_true(client_send_line(&other, line));
	answer = client_read(&other, ANSWER_MS);
	assert_int_equal(at_integer(answer, "id"), 7);
	json_decref(answer);
	answer = client_read(&other, ANSWER_MS);
	check_error(answer, -32600, "null");
	assert_string_equal(at_string(answer, "error.data.code"), "too_large");
	json_decref(answer);
	assert_int_equal(other.length, 0);
	assert_int_equal(recv(other.fd, rest, sizeof rest, 0), 0);
	assert_true(client_send_line(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":8}"));
	client_close(&other);
	free(line);
	expect_ping("{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":9}", "9");
}

static void test_line_too_long(void **state)
{
	expect_too_long(*state, LINE_MAX_BYTES + 1);
	expect_too_long(*state, LINE_MAX_BYTES + 2);
	expect_too_long(*state, 2 * LINE_MAX_BYTES);
}

/* Nested `depth` deep, the message itself being the first level. */
static char *nested(size_t depth, char open, char shut)
{
	char *line = malloc(depth * 6 + 100), *end = line;
	end += sprintf(end, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1,\"params\":{\"x\":");
	for (size_t i = 2; i < depth; i++)
		end += open == '{' && i > 2 ? sprintf(end, "\"x\":{") : sprintf(end, "%c", open);
	for (size_t i = 2; i < depth; i++)
		*end++ = shut;
	strcpy(end, "}}");
	return line;
}

static void test_depth(void **state)
{
	(void)state;
	for (size_t depth = 63; depth <= 66; depth++) {
		char *lists = nested(depth, '[', ']'), *objects = nested(depth, '{', '}');
		/* Deep enough to be refused only for the parameter that nobody knows. */
		expect_error(lists, depth <= 64 ? -32602 : -32700, depth <= 64 ? "1" : "null");
		expect_error(objects, depth <= 64 ? -32602 : -32700, depth <= 64 ? "1" : "null");
		free(lists);
		free(objects);
	}
	char *lists = nested(300000, '[', ']');
	expect_error(lists, -32700, "null");
	free(lists);
}

static void test_broken_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} broken[] = {
#define BYTES(text) {text, sizeof text - 1}
	    BYTES("\x80"),
	    BYTES("\xBF"),
	    BYTES("\xC0\x80"),
	    BYTES("\xC1\xBF"),
	    BYTES("\xE0\x80\x80"),
	    BYTES("\xE0\x9F\xBF"),
	    BYTES("\xED\xA0\x80"),
	    BYTES("\xED\xBF\xBF"),
	    BYTES("\xF0\x80\x80\x80"),
	    BYTES("\xF4\x90\x80\x80"),
	    BYTES("\xF8\x88\x80\x80\x80"),
	    BYTES("\xFE"),
	    BYTES("\xFF"),
	    BYTES("\xE2\x82"),
	    BYTES("\xF0\x9F\x98"),
	    BYTES("\xE2\x28\xA1"),
	    BYTES("\xC3\x28"),
	    BYTES("\0"),
	    BYTES("\\u0000"),
	    BYTES("a\\u0000b"),
	    BYTES("\\ud800"),
	    BYTES("\\udc00"),
	    BYTES("\\ud83dx"),
	    BYTES("\\ude00\\ud83d"),
	    BYTES("\\ud800\\ud800"),
	    BYTES("\\x41"),
	    BYTES("\\u12"),
	    BYTES("\x01"),
	    BYTES("\t"),
#undef BYTES
	};
	/* In a value, in a key, in the id, in the method's name. */
	static const char *const places[][2] = {
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"country\":\"KR\",\"name\":\"",
	     "\"}}"},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"country\":\"KR\",\"name",
	     "\":\"x\"}}"},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":\"", "\"}"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping", "\"}"},
	};
	long before = checked_rows(*state);
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		for (size_t j = 0; j < 4; j++) {
			char line[256];
			size_t head = strlen(places[j][0]), tail = strlen(places[j][1]);
			memcpy(line, places[j][0], head);
			memcpy(line + head, broken[i].bytes, broken[i].length);
			memcpy(line + head + broken[i].length, places[j][1], tail);
			expect_error_bytes(line, head + broken[i].length + tail, -32700, "null");
		}
	expect_error_bytes("\0", 1, -32700, "null");
	expect_error_bytes("\xEF\xBB\xBF{}", 5, -32700, "null");
	expect_error("{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1,\"id\":1}", -32700, "null");
	expect_error("{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"\\u0069d\":1,\"id\":1}", -32700, "null");
	expect_error(
	    "{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"name\":\"A\",\"country\":\"KR\","
	    "\"country\":\"KP\"}}",
	    -32700, "null");
	expect_silence();
	assert_int_equal(checked_rows(*state), before);
}

/* A daemon of its own, released also when the test fails. */
static struct harness small;

static int start_small(void **state)
{
	(void)state;
	harness_init(&small);
	small.settings[0] = "daemon.max_clients=3";
	harness_start(&small);
	harness_await(&small);
	return 0;
}

static int stop_small(void **state)
{
	(void)state;
	harness_release(&small);
	return 0;
}

static void test_too_many_clients(void **state)
{
	struct client clients[3], refused;
	json_t *answer;
	(void)state;
	/* An answer shows that the connection stands, and that the one of harness_await() has gone. */
	for (size_t i = 0; i < 3; i++) {
		client_open(&clients[i], &small);
		json_decref(checked_result(&clients[i], "system.ping", NULL));
	}
	for (size_t i = 0; i < 2; i++) {
		client_open(&refused, &small);
		answer = client_read(&refused, ANSWER_MS);
		check_error(answer, 429, "null");
		assert_string_equal(at_string(answer, "error.data.code"), "busy");
		assert_true(json_is_true(at(answer, "error.data.retryable")));
		assert_null(client_read_line(&refused, ANSWER_MS));
		json_decref(answer);
		client_close(&refused);
	}
	for (size_t i = 0; i < 3; i++)
		json_decref(checked_result(&clients[i], "system.info", NULL));
	client_close(&clients[1]);
	/* The daemon hears of the end of the one before it accepts the next. */
	for (bool admitted = false; !admitted;) {
		client_open(&clients[1], &small);
		answer = client_call(&clients[1], "system.ping", NULL);
		admitted = answer && at(answer, "result");
		json_decref(answer);
		if (!admitted)
			client_close(&clients[1]);
	}
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_client, close_client)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_single),
	    TEST(test_notification),
	    TEST(test_invalid),
	    TEST(test_batch),
	    TEST(test_batch_size),
	    TEST(test_ids),
	    TEST(test_pipelining),
	    TEST(test_half_close),
	    TEST(test_line_fits),
	    TEST(test_line_too_long),
	    TEST(test_depth),
	    TEST(test_broken_text),
	    cmocka_unit_test_setup_teardown(test_too_many_clients, start_small, stop_small),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
