/* The contract of the messages: JSON-RPC 2.0 over the Unix socket as API.md section 2 states it, at its limits and beyond,
 * and every method's live answer against the result type of its row. Whatever is refused leaves no trace in the store. */
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

/* The least that engagement.log takes, without its end. */
#define LEAST "'title':'A talk','kind':'meeting','starts_on':'2020-05-01'"
#define PLACED LEAST ",'countries':['KP'],'workstreams':['1.2']"

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
	expect_error("{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"params\": [], \"id\": 6}", -32602, "6");
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
	expect_silence();
}

static void test_invalid(void **state)
{
	static const char *const broken[] = {
	    "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]",
	    "[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": \"1\"}, {\"jsonrpc\": \"2.0\", \"method\"]",
	    "{", "}", "[", "x", "nul", "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1}x",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":01}", "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1,}",
	    "{'jsonrpc':'2.0'}", "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":NaN}", " "};
	static const char *const requests[] = {
	    "{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", "{\"foo\": \"boo\"}", "{}", "1", "null", "\"text\"",
	    "{\"jsonrpc\": \"1.0\", \"method\": \"system.ping\"}", "{\"method\": \"system.ping\"}",
	    "{\"jsonrpc\": 2.0, \"method\": \"system.ping\"}", "{\"jsonrpc\": \"2.0\", \"method\": null}",
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
	json_array_foreach(list, i, answer)
	{
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
	list = exchange_batch("[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\", \"id\": \"1\"},"
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
	assert_true(client_send_line(&client, "[{\"jsonrpc\": \"2.0\", \"method\": \"system.ping\"},"
	                                      "{\"jsonrpc\": \"2.0\", \"method\": \"principal.get\", \"params\": {}}]"));
	expect_silence();
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
	static const char *const ids[] = {
	    "1", "0", "-0", "-1", "1.50", "1e400", "-1.0E-400", "123456789012345678901234567890", "null", "\"\"", "\"1\"",
	    "\"a\\\"b\\\\c\\/d\\u00e9\\ud83d\\ude00\\n\"", "\"\\u0069\\u0064\"", "\"한글 王毅\"", "\"{[,]}:\"", "3.141592653589793238462643"};
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
		end += sprintf(end, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%zu}%s", methods[i % 4], i, i % 3 ? "\n" : "\r\n");
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
		snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"id\":%zu}", i % 2 ? "country.list" : "system.ping", i);
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
	    BYTES("\x80"), BYTES("\xBF"), BYTES("\xC0\x80"), BYTES("\xC1\xBF"), BYTES("\xE0\x80\x80"), BYTES("\xE0\x9F\xBF"),
	    BYTES("\xED\xA0\x80"), BYTES("\xED\xBF\xBF"), BYTES("\xF0\x80\x80\x80"), BYTES("\xF4\x90\x80\x80"),
	    BYTES("\xF8\x88\x80\x80\x80"), BYTES("\xFE"), BYTES("\xFF"), BYTES("\xE2\x82"), BYTES("\xF0\x9F\x98"),
	    BYTES("\xE2\x28\xA1"), BYTES("\xC3\x28"), BYTES("\0"), BYTES("\\u0000"), BYTES("a\\u0000b"), BYTES("\\ud800"),
	    BYTES("\\udc00"), BYTES("\\ud83dx"), BYTES("\\ude00\\ud83d"), BYTES("\\ud800\\ud800"), BYTES("\\x41"), BYTES("\\u12"),
	    BYTES("\x01"), BYTES("\t"),
#undef BYTES
	};
	/* In a value, in a key, in the id, in the method's name. */
	static const char *const places[][2] = {
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"country\":\"KR\",\"name\":\"", "\"}}"},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"country\":\"KR\",\"name", "\":\"x\"}}"},
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
	expect_error("{\"jsonrpc\":\"2.0\",\"method\":\"contact.create\",\"id\":1,\"params\":{\"name\":\"A\",\"country\":\"KR\","
	             "\"country\":\"KP\"}}", -32700, "null");
	expect_silence();
	assert_int_equal(checked_rows(*state), before);
}

static void test_five_faults(void **state)
{
	long before = checked_rows(*state);
	checked_faults(&client, "engagement.log",
	               json_of("{'title':'A talk','kind':'meeting','starts_on':'2020-05-02','ends_on':'2020-05-01',"
	                       "'countries':['XX'],'commitments':[{'by':'KP','text':'x','due_on':'2020-02-30'}],'colour':'red'}"),
	               "workstreams countries[0] commitments[0].due_on ends_on colour");
	checked_faults(&client, "engagement.log", json_of("{}"), "title kind starts_at countries workstreams");
	checked_faults(&client, "engagement.log",
	               json_of("{" PLACED ",'participants':[{'contact':{'country':'XX','nmae':'A'},'role':'chairman'},{},"
	                       "{'contact_id':'1','side':'ZZ'}]}"),
	               "participants[0].contact.country participants[0].contact.nmae participants[0].contact.name "
	               "participants[0].role participants[1].contact_id participants[2].contact_id participants[2].side");
	assert_int_equal(checked_rows(*state), before);
}

static void test_bad_moments(void **state)
{
	static const char *const instants[] = {
	    "now", "today", "infinity", "-infinity", "epoch", "", "2026-11-20", "2026-11-20T24:00:00Z", "2026-02-30T10:00:00Z",
	    "2025-02-29T10:00:00Z", "2026-11-20T12:30:00", "2026-11-20T12:30:60Z", "2016-12-31T23:59:60Z", "2026-11-20 12:30:00Z",
	    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-11-20T12:60:00Z", "2026-11-20T12:30Z",
	    "20261120T123000Z", "2026-11-20T12:30:00+24:00", "2026-11-20T12:30:00+0900", "2026-11-20T12:30:00+09",
	    "2026-11-20T12:30:00.Z", "2026-11-20T12:30:00Z ", " 2026-11-20T12:30:00Z", "0000-01-01T00:00:00Z",
	    "10000-01-01T00:00:00Z", "+2026-11-20T12:30:00Z", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00",
	    "2026-11-20T12:30:00 Asia/Seoul", "1763609400", "2026-11-20T12:30:00,5Z"};
	static const char *const days[] = {
	    "now", "today", "tomorrow", "infinity", "", "2026-02-30", "2025-02-29", "1900-02-29", "2026-2-3", "26-02-03",
	    "2026-11-20T00:00:00Z", "0000-01-01", "10000-01-01", "2026-00-10", "2026-13-10", "2026-01-32", "20261120", "2026/11/20",
	    "2026-11-20 ", "J2451187", "-2026-01-01"};
	static const char *const others[] = {"20261120", "true", "[]", "{}", "1.5"};
	long before = checked_rows(*state);
	for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
		checked_faults(&client, "engagement.log",
		               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],'starts_at':'%s'}",
		                       instants[i]), "starts_at");
		if (strcmp(instants[i], "2026-11-20") != 0)
			checked_faults(&client, "engagement.history", json_of("{'since':'%s'}", instants[i]), "since");
	}
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		checked_faults(&client, "engagement.log",
		               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],'starts_on':'%s'}",
		                       days[i]), "starts_on");
		checked_faults(&client, "report.coverage", json_of("{'until':'%s'}", days[i]), "until");
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		checked_faults(&client, "engagement.log", json_of("{" PLACED ",'follow_up':{'note':'x','due_at':%s}}", others[i]),
		               "follow_up.due_at");
	assert_int_equal(checked_rows(*state), before);
}

/* One fault each, in an engagement that is right otherwise. */
static void test_bad_members(void **state)
{
	static const char *const faults[][2] = {
	    {"'countries':['XX'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':['kp'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':['KP','KP'],'workstreams':['1.2']", "countries[1]"},
	    {"'countries':['PRK'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':[],'workstreams':['1.2']", "countries"},
	    {"'countries':'KP','workstreams':['1.2']", "countries"},
	    {"'workstreams':['1.2']", "countries"},
	    {"'countries':['KP']", "workstreams"},
	    {"'countries':['KP'],'workstreams':[]", "workstreams"},
	    {"'countries':['KP'],'workstreams':['1.4']", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':['1.2.1']", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':[1.2]", "workstreams[0]"},
	    {"'countries':['KP'],'workstreams':['1.2','1.2']", "workstreams[1]"},
	    {"'countries':['KP'],'workstreams':['1.2',{'code':'1.2'}]", "workstreams[1]"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.2','objective':'1.2.9'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.2','objective':'1.3.1'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.1','objective':'1.2.1'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'objective':'1.2.1'}]", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':['1.2'],'starts_at':'2020-05-01T10:00:00Z'", "starts_at"},
	    {"'countries':['KP'],'workstreams':['1.2'],'ends_at':'2020-05-01T10:00:00Z'", "ends_at"},
	    {"'countries':['KP'],'workstreams':['1.2'],'timezone':'Asia/Seoul'", "timezone"},
	    {"'countries':['KP'],'workstreams':['1.2'],'ends_on':'2020-04-30'", "ends_on"},
	    {"'countries':['KP'],'workstreams':['1.2'],'topics':['Sanctions Relief']", "topics[0]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'topics':['a','a']", "topics[1]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'languages':['korean!']", "languages[0]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'audience':{'headcount':-1}", "audience.headcount"},
	    {"'countries':['KP'],'workstreams':['1.2'],'agenda':[{'text':'x','status':'agreed'}]", "agenda[0].status"},
	    {"'countries':['KP'],'workstreams':['1.2'],'readout':'  '", "readout"},
	    {"'countries':['KP'],'workstreams':['1.2'],'id':'7'", "id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'request_id':'7'", "request_id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'request_id':7", "request_id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'participants':[{'principal_id':'00000000-0000-7000-8000-000000000001',"
	     "'on_match':'use'}]", "participants[0].on_match"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':'kp','text':'x'}]", "commitments[0].by"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':{},'text':'x'}]", "commitments[0].by.country"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':{'country':'KP','party':'US'},'text':'x'}]",
	     "commitments[0].by"},
	};
	long before = checked_rows(*state);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		checked_faults(&client, "engagement.log", json_of("{" LEAST ",%s}", faults[i][0]), faults[i][1]);
	checked_faults(&client, "engagement.log",
	               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],"
	                       "'starts_at':'2020-05-01T10:00:00+09:00','ends_at':'2020-05-01T00:59:59Z','timezone':'Seoul'}"),
	               "ends_at timezone");
	checked_faults(&client, "engagement.log",
	               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],"
	                       "'starts_at':'2020-05-01T10:00:00+09:00','ends_on':'2020-05-01','precision':'day'}"),
	               "ends_on precision");
	checked_faults(&client, "engagement.history", json_of("{'since':'2020-01-02','until':'2020-01-01'}"), "until");
	checked_faults(&client, "report.coverage", json_of("{'since':'2020-01-02','until':'2020-01-01'}"), "until");
	assert_int_equal(checked_rows(*state), before);
}

/* `count` times `character`. */
static json_t *text_of(const char *character, size_t count)
{
	size_t length = strlen(character);
	char *text = malloc(count * length + 1);
	json_t *value;
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, character, length);
	text[count * length] = '\0';
	value = json_string(text);
	free(text);
	return value;
}

static json_t *titled(json_t *title)
{
	json_t *params = json_of("{" PLACED "}");
	json_object_set_new(params, "title", title);
	return params;
}

static void test_title_length(void **state)
{
	/* One character each once it is stored: ASCII, a syllable, the same decomposed, an emoji. */
	static const char *const characters[] = {"a", "한", "\u1112\u1161\u11AB", "😀"};
	long before;
	for (size_t i = 0; i < 4; i++) {
		json_t *logged = checked_result(&client, "engagement.log", titled(text_of(characters[i], 500)));
		json_t *title = text_of(i == 2 ? "한" : characters[i], 500);
		assert_true(json_equal(title, at(logged, "title")));
		json_decref(title);
		json_decref(logged);
		json_decref(checked_result(&client, "engagement.log", titled(text_of(characters[i], 499))));
		json_decref(checked_result(&client, "engagement.log", titled(text_of(characters[i], 1))));
	}
	before = checked_rows(*state);
	for (size_t i = 0; i < 4; i++)
		checked_faults(&client, "engagement.log", titled(text_of(characters[i], 501)), "title");
	checked_faults(&client, "engagement.log", titled(json_string("")), "title");
	checked_faults(&client, "engagement.log", titled(json_string(" \t　")), "title");
	checked_faults(&client, "engagement.log", titled(json_string("two\nlines")), "title");
	checked_faults(&client, "engagement.log", titled(json_string("a\x1b[2J")), "title");
	checked_faults(&client, "engagement.log", titled(json_integer(5)), "title");
	checked_faults(&client, "engagement.log", titled(json_null()), "title");
	assert_int_equal(checked_rows(*state), before);
}

static const struct type_member *member_of(const struct method *method, const char *name)
{
	for (size_t i = 0; i < method->params.member_count; i++)
		if (strcmp(method->params.members[i].name, name) == 0)
			return &method->params.members[i];
	return NULL;
}

static void test_page_limits(void **state)
{
	size_t paged = 0;
	(void)state;
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		if (!member_of(method, "limit"))
			continue;
		paged++;
		for (long limit = 1; limit <= 500; limit += 499)
			json_decref(checked_result(&client, method->name, json_of("{'limit':%ld}", limit)));
		json_decref(checked_result(&client, method->name, json_of("{'limit':null,'cursor':null}")));
		checked_faults(&client, method->name, json_of("{'limit':0}"), "limit");
		checked_faults(&client, method->name, json_of("{'limit':501}"), "limit");
		checked_faults(&client, method->name, json_of("{'limit':-1}"), "limit");
		checked_faults(&client, method->name, json_of("{'limit':'50'}"), "limit");
		checked_faults(&client, method->name, json_of("{'limit':1.5}"), "limit");
		checked_faults(&client, method->name, json_of("{'limit':9223372036854775807}"), "limit");
		checked_faults(&client, method->name, json_of("{'cursor':''}"), "cursor");
	}
	assert_true(paged >= 4);
}

/* Cursors that this daemon did not make: noise, and JSON of the right form and the wrong content. */
static void test_bad_cursors(void **state)
{
	static const char *const cursors[] = {
	    "x", "????", "AAAA", "한글", "bnVsbA", "W10", "eyJhIjogMX0",
	    /* ["2020-13-45 00:00:00", uuid], ["infinity", uuid], ["x", uuid] and [null, uuid] */
	    "WyIyMDIwLTEzLTQ1IDAwOjAwOjAwIiwgIjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd",
	    "WyJpbmZpbml0eSIsICIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ",
	    "WyJ4IiwgIjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd",
	    "W251bGwsICIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ",
	    /* ["2020-01-01 00:00:00", "x"], ["2020-01-01 00:00:00"] */
	    "WyIyMDIwLTAxLTAxIDAwOjAwOjAwIiwgIngiXQ", "WyIyMDIwLTAxLTAxIDAwOjAwOjAwIl0"};
	static const char *const by_time[] = {"engagement.history", "reminder.list"};
	(void)state;
	for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
		for (size_t j = 0; j < 2; j++)
			checked_faults(&client, by_time[j], json_of("{'cursor':'%s'}", cursors[i]), "cursor");
		/* Of these two, sorted by text, ["x", uuid] and the like may be cursors. */
		if (i < 7 || i >= 10) {
			checked_faults(&client, "contact.search", json_of("{'cursor':'%s'}", cursors[i]), "cursor");
			checked_faults(&client, "principal.list", json_of("{'cursor':'%s'}", cursors[i]), "cursor");
		}
	}
}

/* What every method refuses alike. */
static void test_every_method_refuses(void **state)
{
	long before = checked_rows(*state);
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		json_t *error = checked_error(&client, method->name, json_of("{'colour':1}"), -32602, "invalid_params");
		json_t *fault, *list = at(error, "data.errors");
		bool named = false;
		size_t j;
		json_array_foreach(list, j, fault) named = named || strcmp(at_string(fault, "field"), "colour") == 0;
		assert_true(named);
		json_decref(error);
		json_decref(checked_error(&client, method->name, json_array(), -32602, "invalid_params"));
		for (j = 0; j < method->params.member_count; j++) {
			const struct type_member *member = &method->params.members[j];
			json_t *params = json_object();
			bool found = false;
			size_t k;
			if (member->type->kind == TYPE_ANY)
				continue;
			/* No parameter takes true but a boolean, and no boolean takes a list. */
			json_object_set_new(params, member->name, member->type->kind == TYPE_BOOLEAN ? json_array() : json_true());
			error = checked_error(&client, method->name, params, -32602, "invalid_params");
			json_array_foreach(at(error, "data.errors"), k, fault)
				found = found || strcmp(at_string(fault, "field"), member->name) == 0;
			assert_true(found);
			json_decref(error);
		}
		if (method->kind == METHOD_WRITE)
			continue;
		/* Only writes are repeated. */
		json_decref(checked_error(&client, method->name, json_of("{'request_id':'%s'}", checked_id()), -32602,
		                          "invalid_params"));
	}
	assert_int_equal(checked_rows(*state), before);
}

static char contact_id[40], organization_id[40], dialogue_id[40], engagement_id[40], reminder_id[40], principal_id[40];

static void keep_id(char *id, json_t *record)
{
	snprintf(id, 40, "%s", at_string(record, "id"));
	json_decref(record);
}

static void call(const char *method, json_t *params)
{
	json_decref(checked_result(&client, method, params));
}

static void write_everything(void)
{
	keep_id(organization_id, checked_result(&client, "organization.create",
	        json_of("{'names':[{'text':'Institute','kind':'romanized','language':'en','system':'x','primary':true}],"
	                "'country':'KR','kind':'think-tank','website':'https://example.org','description':'d'}")));
	call("organization.create", json_of("{'name':'Its part','parent_id':'%s'}", organization_id));
	keep_id(contact_id, checked_result(&client, "contact.create",
	        json_of("{'names':[{'text':'김민준','kind':'native'},{'text':'Kim','kind':'romanized','language':'ko-Latn',"
	                "'system':'revised','primary':true}],'country':'KR','sector':'academia','status':'retired','affiliations':"
	                "[{'organization_id':'%s','title':'Fellow','since':'2001-01-01','until':'2002-01-01'},{'organization':'New'}],"
	                "'languages':['ko'],'channels':[{'kind':'email','value':'k@example.org','preferred':true},"
	                "{'kind':'phone','value':'1'}],'timezone':'Asia/Seoul','tags':['a'],'influence':5,'interest':1,"
	                "'sensitivity':'restricted','owner':'00000000-0000-7000-8000-000000000001','notes':'n'}", organization_id)));
	call("contact.create", json_of("{'name':'Bare','country':'US'}"));
	keep_id(principal_id, checked_result(&client, "principal.create",
	        json_of("{'name':'Officer','role':'officer','desks':['CN','JP'],'clearance':'secret','contact_id':'%s','language':'ko',"
	                "'timezone':'Asia/Tokyo','email':'o@example.org','unix_user':'nobody-of-this-name'}", contact_id)));
	call("principal.create", json_of("{'name':'Bare','role':'viewer'}"));
	keep_id(dialogue_id, checked_result(&client, "dialogue.create",
	        json_of("{'title':'D','track':'1.5','countries':['US','CN'],'workstreams':['2.3',{'code':'1.3','objective':'1.3.1'}],"
	                "'status':'paused','attribution':'background','languages':['en'],'members':[{'contact_id':'%s','role':'chair',"
	                "'since':'2001-01-01','until':'2001-01-01'},{'principal_id':'%s'}],'convenor_id':'%s','description':'d'}",
	                contact_id, principal_id, organization_id)));
	call("dialogue.create", json_of("{'title':'Bare','countries':['RU'],'workstreams':['2.3']}"));
	keep_id(engagement_id, checked_result(&client, "engagement.log",
	        json_of("{'title':'E','kind':'meeting','starts_at':'2001-02-03T04:05:06.7+09:00','ends_at':'2001-02-03T05:00:00+09:00',"
	                "'timezone':'Asia/Seoul','location':'Seoul','format':'hybrid','dialogue_id':'%s','topics':['x'],'participants':"
	                "[{'contact_id':'%s','role':'chair','capacity':'personal','attendance':'attended','side':'KR'},"
	                "{'principal_id':'%s'},{'contact':{'name':'Инна','country':'RU'}}],'audience':{'headcount':3,'groups':['g']},"
	                "'agenda':['a',{'text':'b','status':'open'}],'readout':'r','private_notes':'p','outcomes':['o'],'sources':['s'],"
	                "'owner':'%s','commitments':[{'by':'US','to':'%s','text':'t','due_on':'2001-03-01'},{'by':'%s','text':'u'}],"
	                "'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n'}}",
	                dialogue_id, contact_id, principal_id, principal_id, contact_id, principal_id)));
	call("engagement.log", json_of("{" PLACED ",'precision':'month','audience':{'headcount':0},'parent_id':'%s'}", engagement_id));
}

static void read_everything(void)
{
	static const char *const plain[] = {"country.list", "roadmap.get", "principal.get", "principal.list", "contact.search",
	                                    "engagement.history", "reminder.list", "report.coverage", "system.ping", "system.info",
	                                    "rpc.discover"};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		call(plain[i], NULL);
	call("principal.get", json_of("{'id':'%s'}", principal_id));
	call("organization.get", json_of("{'id':'%s'}", organization_id));
	call("contact.get", json_of("{'id':'%s'}", contact_id));
	call("dialogue.get", json_of("{'id':'%s'}", dialogue_id));
	call("engagement.get", json_of("{'id':'%s'}", engagement_id));
	call("report.coverage", json_of("{'since':'2001-01-01','until':'2002-01-01'}"));
}

/* A reminder on its whole way: due, pushed, acknowledged, done. */
static void remind(void)
{
	json_t *message;
	keep_id(reminder_id, checked_result(&client, "reminder.create",
	        json_of("{'about':{'engagement_id':'%s'},'note':'n','due_at':'2020-01-01T00:00:00Z','timezone':'Europe/Moscow',"
	                "'channels':['push']}", engagement_id)));
	call("reminder.subscribe", NULL);
	message = client_read(&client, ANSWER_MS);
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(message, "params.reminder.id"), reminder_id);
	assert_non_null(at(message, "params.subscription"));
	checked_value("reminder.get", at(message, "params.reminder"));
	call("reminder.get", json_of("{'id':'%s'}", reminder_id));
	call("reminder.list", json_of("{'status':'due','country':'CN','due_before':'2030-01-01T00:00:00Z'}"));
	call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(message, "params.delivery_id")));
	json_decref(message);
	call("reminder.complete", json_of("{'id':'%s','note':'done'}", reminder_id));
	call("reminder.get", json_of("{'id':'%s'}", reminder_id));
	keep_id(reminder_id, checked_result(&client, "reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}")));
	call("reminder.cancel", json_of("{'id':'%s'}", reminder_id));
}

/* On a connection of its own: a login decides who it is from then on. */
static void identify(const struct harness *harness)
{
	struct client other;
	char id[40];
	json_t *token = checked_result(&client, "token.create", json_of("{'principal_id':'%s'}", principal_id));
	keep_id(id, json_incref(token));
	client_open(&other, harness);
	json_decref(checked_result(&other, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
	json_decref(checked_result(&other, "session.whoami", NULL));
	client_close(&other);
	json_decref(token);
	call("token.list", NULL);
	call("token.revoke", json_of("{'id':'%s'}", id));
	call("session.whoami", NULL);
}

static void test_every_method_answers(void **state)
{
	write_everything();
	read_everything();
	remind();
	identify(*state);
	for (size_t i = 0; i < registry_count(checked_registry()); i++)
		if (!checked_covered(registry_at(checked_registry(), i)->name))
			fail_msg("no live answer of %s was checked: add it here", registry_at(checked_registry(), i)->name);
}

/* The document that clients get lists every method, with its parameters and its result. */
static void test_discover(void **state)
{
	json_t *document = checked_result(&client, "rpc.discover", NULL), *methods = at(document, "methods"), *entry;
	(void)state;
	assert_int_equal(json_array_size(methods), registry_count(checked_registry()));
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		size_t j, found = 0;
		json_array_foreach(methods, j, entry)
		{
			if (strcmp(at_string(entry, "name"), method->name) != 0)
				continue;
			found++;
			assert_non_null(at(entry, "result.schema"));
			assert_true(json_array_size(at(entry, "params")) >= method->params.member_count);
		}
		assert_int_equal(found, 1);
	}
	json_decref(document);
}

static void test_too_many_clients(void **state)
{
	struct harness small;
	struct client clients[3], refused;
	json_t *answer;
	(void)state;
	harness_init(&small);
	small.settings[0] = "daemon.max_clients=3";
	harness_start(&small);
	harness_await(&small);
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
	harness_release(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_client, close_client)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_single), TEST(test_notification), TEST(test_invalid), TEST(test_batch), TEST(test_batch_size), TEST(test_ids),
	    TEST(test_pipelining), TEST(test_half_close), TEST(test_line_fits), TEST(test_line_too_long), TEST(test_depth),
	    TEST(test_broken_text), TEST(test_five_faults), TEST(test_bad_moments), TEST(test_bad_members),
	    TEST(test_title_length), TEST(test_page_limits), TEST(test_bad_cursors), TEST(test_every_method_refuses),
	    TEST(test_every_method_answers), TEST(test_discover), TEST(test_too_many_clients),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
