/* Hostile: requests that could be read two ways, are too large, come too slowly or not to an end: refused or timed out,
 * and the daemon goes on. How others fare meanwhile is test_besieged's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "web.h"

enum { ANSWER_MS = 20000, LIMIT = 65536, HEAD_LIMIT = 16384 };

static int set_up(void **state)
{
	(void)state;
	return web_set_up("http", "daemon.max_line_bytes=65536");
}

/* What could be read two ways, or comes from where it should not: refused, and the connection not used again. */
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
    {400, POST("application/json", "47") "X-Spaced : a\r\n\r\n" PING},
    {400, CHUNKED "0x2f\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "+2f\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED " 2f\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "2f \r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "2f;a=b\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "\r\n2f\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "2f\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "00000002f\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "2e\r\n" PING "\r\n0\r\n\r\n"},
    {400, CHUNKED "2f\r\n" PING "0\r\n\r\n"},
    {400, CHUNKED "2f\r\n" PING "\r\n0\r\nContent-Type: text/plain\r\n\r\n"},
    {400, CHUNKED "-1\r\n" PING},
    {413, CHUNKED "ffffffff\r\n" PING},
    {417, POST("application/json", "47") "Expect: miracles\r\n\r\n" PING},
};

/* evhttp's own pages included. */
static void expect_our_headers(const struct web_answer *answer, const char *text)
{
	static const char *const lines[] = {"X-Content-Type-Options: nosniff\r\n", "Cache-Control: no-store\r\n",
	                                    "Content-Type: text/plain; charset=utf-8\r\n", NULL};
	for (size_t i = 0; lines[i]; i++)
		if (!strstr(answer->head, lines[i]))
			fail_msg("no %sin\n%s\nfor\n%s", lines[i], answer->head, text);
	assert_non_null(answer->body);
	assert_null(strchr(answer->body, '<'));
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client client;
		struct web_answer answer;
		web_open(&client, web.port, NULL);
		client_send(&client, cases[i].text, strlen(cases[i].text));
		answer = web_read(&client, ANSWER_MS);
		if (answer.status != cases[i].status)
			fail_msg("%d instead of %d for:\n%s", answer.status, cases[i].status, cases[i].text);
		expect_our_headers(&answer, cases[i].text);
		web_answer_free(&answer);
		if (!web_ended(&client, ANSWER_MS))
			fail_msg("the connection lives on after:\n%s", cases[i].text);
		client_close(&client);
	}
	assert_int_equal(web_status_of(POST("application/json", "47") "Origin: http://localhost\r\n\r\n" PING), 200);
	assert_true(web_alive());
}

/* The same, when its bytes come one by one, and right behind another request. */
static void test_in_pieces(void **state)
{
	static const char text[] = CHUNKED "2f\r\n" PING "\r\n0\r\n\r\n" CHUNKED "+2f\r\n" PING "\r\n0\r\n\r\n";
	struct client client;
	(void)state;
	web_open(&client, web.port, NULL);
	for (const char *at = text; *at; at++)
		client_send(&client, at, 1);
	assert_int_equal(web_status(&client, ""), 200);
	assert_int_equal(web_status(&client, ""), 400);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
	web_open(&client, web.port, NULL);
	client_send(&client, text, sizeof text - 1);
	assert_int_equal(web_status(&client, ""), 200);
	assert_int_equal(web_status(&client, ""), 400);
	client_close(&client);
	/* Many small chunks, and more requests in a row than one turn takes. */
	web_open(&client, web.port, NULL);
	client_send(&client, CHUNKED, strlen(CHUNKED));
	for (const char *at = PING; *at; at++) {
		char chunk[16];
		snprintf(chunk, sizeof chunk, "1\r\n%c\r\n", *at);
		client_send(&client, chunk, strlen(chunk));
	}
	assert_int_equal(web_status(&client, "0\r\n\r\n"), 200);
	for (int i = 0; i < 300; i++)
		client_send(&client, GET("/healthz"), strlen(GET("/healthz")));
	for (int i = 0; i < 300; i++)
		assert_int_equal(web_status(&client, ""), 200);
	client_close(&client);
}

static void send_text(struct client *client, const char *text)
{
	assert_true(client_send(client, text, strlen(text)));
}

/* A body where none is expected is no request of its own. */
static void test_body_of_get(void **state)
{
	struct client client;
	char text[256];
	(void)state;
	snprintf(text, sizeof text, "Content-Length: %zu\r\n\r\n%s", strlen(GET("/readyz")), GET("/readyz"));
	web_open(&client, web.port, NULL);
	send_text(&client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
	assert_int_equal(web_status(&client, text), 200);
	assert_int_equal(web_status(&client, GET("/none")), 404);
	client_close(&client);
	web_open(&client, web.port, NULL);
	send_text(&client, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n");
	send_text(&client, text);
	free(web_line(&client, "HTTP/1.1 400"));
	client_close(&client);
}

/* And none is sent where none is read. */
static void test_head(void **state)
{
	struct client client;
	char *line;
	(void)state;
	web_open(&client, web.port, NULL);
	send_text(&client, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	free(web_line(&client, "Content-Length: 6"));
	free(web_line(&client, "\r"));
	send_text(&client, GET("/none"));
	line = client_read_line(&client, ANSWER_MS);
	assert_string_equal(line, "HTTP/1.1 404 Not Found\r");
	free(line);
	client_close(&client);
}

/* evhttp would keep all of it, and search it anew with every piece. */
static void test_endless_chunk_size(void **state)
{
	struct client client;
	char *zeros = malloc(1 << 20);
	long long began = harness_now_ms();
	bool taken = true;
	(void)state;
	assert_non_null(zeros);
	memset(zeros, '0', 1 << 20);
	web_open(&client, web.port, NULL);
	client_send(&client, CHUNKED "1\r\nx\r\n", strlen(CHUNKED "1\r\nx\r\n"));
	for (int i = 0; i < 16 && taken; i++)
		taken = client_send(&client, zeros, 1 << 20);
	assert_false(taken);
	assert_true(harness_now_ms() - began < 5000);
	client_close(&client);
	free(zeros);
	assert_true(web_alive());
}

static int status_of_head(size_t length)
{
	static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ";
	char *text = malloc(length + 64);
	int status;
	assert_non_null(text);
	memcpy(text, begin, sizeof begin - 1);
	memset(text + sizeof begin - 1, 'x', length - sizeof begin - 3);
	memcpy(text + length - 4, "\r\n\r\n", 5);
	status = web_status_of(text);
	free(text);
	return status;
}

static void test_head_too_long(void **state)
{
	(void)state;
	assert_int_equal(status_of_head(HEAD_LIMIT - 1), 200);
	assert_int_equal(status_of_head(HEAD_LIMIT), 200);
	assert_int_equal(status_of_head(HEAD_LIMIT + 1), 431);
	assert_int_equal(status_of_head(HEAD_LIMIT * 4), 431);
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
	web_open(&client, web.port, NULL);
	assert_true(client_send(&client, head, strlen(head)) && client_send(&client, big, LIMIT + 1));
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 413);
	web_answer_free(&answer);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
	/* Exactly the limit is taken: it is no JSON, and answered. */
	snprintf(head, sizeof head, POST("application/json", "%d") "\r\n", LIMIT);
	web_open(&client, web.port, NULL);
	assert_true(client_send(&client, head, strlen(head)) && client_send(&client, big, LIMIT));
	answer = web_read(&client, ANSWER_MS);
	assert_int_equal(answer.status, 200);
	web_answer_free(&answer);
	client_close(&client);
	/* A header without an end. */
	memset(big, 'x', LIMIT * 4);
	web_open(&client, web.port, NULL);
	send_text(&client, "GET /healthz HTTP/1.1\r\nX: ");
	client_send(&client, big, LIMIT * 4);
	assert_true(web_ended(&client, ANSWER_MS));
	client_close(&client);
	free(big);
	assert_true(web_alive());
}

/* One byte a second keeps nothing open beyond the deadline. */
static void test_trickle(void **state)
{
	static const char text[] = POST("application/json", "47") "X-Long: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n\r\n" PING;
	struct client slow[3];
	long long began = harness_now_ms();
	bool ended[3] = {false};
	(void)state;
	for (int i = 0; i < 3; i++)
		web_open(&slow[i], web.port, NULL);
	/* One in its head, one in its body, one says nothing more. */
	client_send(&slow[1], text, sizeof text - 40);
	client_send(&slow[2], "G", 1);
	for (size_t at_byte = 0; at_byte < 14 && !(ended[0] && ended[1] && ended[2]); at_byte++) {
		client_send(&slow[0], text + at_byte, 1);
		client_send(&slow[1], " ", 1);
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		for (int i = 0; i < 3; i++)
			ended[i] = ended[i] || web_ended(&slow[i], 1);
		assert_true(web_alive());
	}
	for (int i = 0; i < 3; i++) {
		assert_true(ended[i]);
		client_close(&slow[i]);
	}
	assert_true(harness_now_ms() - began < 14000);
}

/* Clients that leave in the middle, before and behind their answer. */
static void test_gone(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engagement.history\"}";
	char request[512];
	(void)state;
	snprintf(request, sizeof request, POST("application/json", "%zu") "Authorization: Bearer %s\r\n\r\n%s",
	         strlen(text), web.token, text);
	for (size_t i = 0; i < 200; i++) {
		struct client client;
		struct linger hard = {.l_onoff = 1, .l_linger = 0};
		web_open(&client, web.port, NULL);
		client_send(&client, request, i % 4 == 0 ? i % strlen(request) : strlen(request));
		if (i % 2 == 0)
			setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		if (i % 5 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
		client_close(&client);
	}
	assert_true(web_alive());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_in_pieces),
	    cmocka_unit_test(test_body_of_get),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_endless_chunk_size),
	    cmocka_unit_test(test_head_too_long),
	    cmocka_unit_test(test_too_large),
	    cmocka_unit_test(test_trickle),
	    cmocka_unit_test(test_gone),
	};
	return cmocka_run_group_tests(tests, set_up, web_tear_down);
}
