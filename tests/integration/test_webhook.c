/* Tests of deliver/webhook against a receiver that answers, hangs and breaks as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deliver/webhook.h"
#include "receiver.h"
#include "sending.h"
#include "text/signature.h"
#include "text/time.h"

enum { HANG_MS = 1500, USUAL_MS = 8000 };

static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                  other[] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
static const char id[] = "0190a2b4-0000-7000-8000-000000000001",
                  body[] = "{\"type\":\"reminder.due\",\"note\":\"회의\"}";

static struct receiver receiver;
static struct webhooks *webhooks;

#define STATUS(code, more) "HTTP/1.1 " code " Status\r\n" more "Content-Length: 5\r\n\r\nbody\n"

static const struct receiver_path paths[] = {
    {"/200", STATUS("200", "")},
    {"/201", STATUS("201", "")},
    {"/204", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/299", STATUS("299", "")},
    {"/300", STATUS("300", "")},
    {"/301", STATUS("301", "Location: /200\r\n")},
    {"/302", STATUS("302", "Location: /200\r\n")},
    {"/303", STATUS("303", "Location: /200\r\n")},
    {"/304", "HTTP/1.1 304 Not Modified\r\n\r\n"},
    {"/307", STATUS("307", "Location: /200\r\n")},
    {"/308", STATUS("308", "Location: /200\r\n")},
    {"/400", STATUS("400", "")},
    {"/401", STATUS("401", "WWW-Authenticate: Basic realm=\"x\"\r\n")},
    {"/404", STATUS("404", "")},
    {"/409", STATUS("409", "")},
    {"/410", STATUS("410", "")},
    {"/429", STATUS("429", "Retry-After: 7\r\n")},
    {"/500", STATUS("500", "")},
    {"/501", STATUS("501", "")},
    {"/503", STATUS("503", "Retry-After: 86400\r\n")},
    {"/day-less", STATUS("503", "Retry-After: 86399\r\n")},
    {"/day-more", STATUS("503", "Retry-After: 86401\r\n")},
    {"/far", STATUS("503", "Retry-After: 99999999999999999999\r\n")},
    {"/past", STATUS("503", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n")},
    {"/date", STATUS("503", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n")},
    {"/minus", STATUS("503", "Retry-After: -5\r\n")},
    {"/words", STATUS("503", "Retry-After: soon\r\n")},
    {"/gone-later", STATUS("410", "Retry-After: 7\r\n")},
    {"/599", STATUS("599", "")},
    {"/continue", "HTTP/1.1 100 Continue\r\n\r\n" STATUS("200", "")},
    {"/continue-hang", "HTTP/1.1 100 Continue\r\n\r\n"},
    {"/half-200", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"},
    {"/half-500", "HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf"},
    {"/half-head", "HTTP/1.1 200 OK\r\nContent-Le"},
    {"/not-http", "220 hello\r\n\r\n"},
    {"/hang", RECEIVER_HANG},
    {"/close", RECEIVER_CLOSE},
    {"/reset", RECEIVER_RESET},
    {NULL, STATUS("418", "")},
};

static int set_up(void **state)
{
	receiver = (struct receiver){.paths = paths};
	webhooks = NULL;
	sending_set_up(state);
	receiver_init(&receiver, sending_base);
	return 0;
}

static int tear_down(void **state)
{
	webhook_free(webhooks);
	receiver_release(&receiver);
	return sending_tear_down(state);
}

static struct webhook_options options(void)
{
	return (struct webhook_options){
	    .allow_http = true, .allow_private = true, .ca_file = "", .timeout_ms = USUAL_MS, .most = 8};
}

static void make_webhooks(const struct webhook_options *wanted)
{
	webhook_free(webhooks);
	webhooks = webhook_new(sending_base, wanted);
}

static void send_url(struct sent *sent, const char *url)
{
	const struct webhook_message message = {
	    .url = url, .id = id, .secrets = {secret, NULL}, .body = body, .length = strlen(body)};
	*sent = (struct sent){0};
	webhook_send(webhooks, &message, sending_on_outcome, sent);
	assert_int_equal(sent->calls, 0);
}

static void send_path(struct sent *sent, const char *path)
{
	char url[200];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", receiver.port, path);
	send_url(sent, url);
}

/* What came of one; `url` may be a path of the receiver. */
static struct sent send_one(const char *url)
{
	struct sent sent;
	if (*url == '/')
		send_path(&sent, url);
	else
		send_url(&sent, url);
	assert_int_equal(webhook_count(webhooks), 1);
	sending_await(&sent, 1);
	assert_int_equal(webhook_count(webhooks), 0);
	return sent;
}

static void expect(const char *url, enum outcome_kind kind, const char *words)
{
	struct sent sent = send_one(url);
	sending_expect(&sent, kind, words);
}

static const char *header(struct arena *arena, const char *name)
{
	const char *at = strstr(receiver.head, arena_printf(arena, "\r\n%s: ", name));
	assert_non_null(at);
	at += strlen(name) + 4;
	return arena_copy(arena, at, strcspn(at, "\r"));
}

static void test_a_signed_post(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	struct arena arena = {0};
	struct err err;
	struct sent sent = {0};
	char url[200];
	make_webhooks(&wanted);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/200?a=b", receiver.port);
	const struct webhook_message message = {
	    .url = url, .id = id, .secrets = {secret, other}, .body = body, .length = strlen(body)};
	webhook_send(webhooks, &message, sending_on_outcome, &sent);
	sending_await(&sent, 1);
	assert_memory_equal(receiver.head, "POST /200?a=b HTTP/1.1\r\n", 24);
	assert_string_equal(receiver.message, body);
	assert_string_equal(header(&arena, "Content-Type"), "application/json");
	assert_string_equal(header(&arena, "webhook-id"), id);
	const char *stamp = header(&arena, "webhook-timestamp"), *value;
	assert_true(labs(strtol(stamp, NULL, 10) - (long)time(NULL)) < 30);
	assert_true(signature_make(&arena, message.secrets, id, strtol(stamp, NULL, 10), body, strlen(body), &value, &err));
	assert_string_equal(header(&arena, "webhook-signature"), value);
	assert_non_null(strchr(value, ' '));
	arena_release(&arena);
}

static void test_a_large_post(void **state)
{
	(void)state;
	enum { SIZE = 12 * 1024 * 1024 };
	struct webhook_options wanted = options();
	struct sent sent = {0};
	char url[200], *large = malloc(SIZE);
	assert_non_null(large);
	memset(large, 'x', SIZE);
	make_webhooks(&wanted);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/200", receiver.port);
	const struct webhook_message message = {
	    .url = url, .id = id, .secrets = {NULL, secret}, .body = large, .length = SIZE};
	webhook_send(webhooks, &message, sending_on_outcome, &sent);
	sending_await(&sent, 1);
	sending_expect(&sent, OUTCOME_SENT, "200 body");
	assert_int_equal(receiver.length, SIZE);
	assert_memory_equal(receiver.message, large, SIZE);
	/* Nor was leave asked for first, and waited for. */
	assert_null(strstr(receiver.head, "Expect"));
	free(large);
}

static void test_statuses(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		enum outcome_kind kind;
		long retry_after_s;
	} cases[] = {
	    {"/200", OUTCOME_SENT, 0},           {"/201", OUTCOME_SENT, 0},      {"/204", OUTCOME_SENT, 0},
	    {"/299", OUTCOME_SENT, 0},           {"/300", OUTCOME_LATER, 0},     {"/301", OUTCOME_LATER, 0},
	    {"/302", OUTCOME_LATER, 0},          {"/303", OUTCOME_LATER, 0},     {"/304", OUTCOME_LATER, 0},
	    {"/307", OUTCOME_LATER, 0},          {"/308", OUTCOME_LATER, 0},     {"/400", OUTCOME_LATER, 0},
	    {"/401", OUTCOME_LATER, 0},          {"/404", OUTCOME_LATER, 0},     {"/409", OUTCOME_LATER, 0},
	    {"/410", OUTCOME_GONE, 0},           {"/429", OUTCOME_LATER, 7},     {"/500", OUTCOME_LATER, 0},
	    {"/501", OUTCOME_LATER, 0},          {"/503", OUTCOME_LATER, 86400}, {"/day-less", OUTCOME_LATER, 86399},
	    {"/day-more", OUTCOME_LATER, 86400}, {"/far", OUTCOME_LATER, 0},     {"/past", OUTCOME_LATER, 0},
	    {"/date", OUTCOME_LATER, 86400},     {"/minus", OUTCOME_LATER, 0},   {"/words", OUTCOME_LATER, 0},
	    {"/gone-later", OUTCOME_GONE, 0},    {"/599", OUTCOME_LATER, 0},     {"/continue", OUTCOME_SENT, 0},
	};
	struct webhook_options wanted = options();
	make_webhooks(&wanted);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		receiver_forget(&receiver);
		struct sent sent = send_one(cases[i].path);
		char *status = strndup(cases[i].path + 1, 3);
		sending_expect(&sent, cases[i].kind, status[0] >= '0' && status[0] <= '9' ? status : "");
		if (sent.outcome.retry_after_s != cases[i].retry_after_s)
			fail_msg("%s: %ld", cases[i].path, sent.outcome.retry_after_s);
		/* One request: nothing was followed. */
		assert_int_equal(receiver.requests, 1);
		free(status);
	}
}

static void test_hanging_and_breaking(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	struct sent sent[6];
	wanted.timeout_ms = HANG_MS;
	wanted.most = 16;
	make_webhooks(&wanted);
	expect("/close", OUTCOME_LATER, "");
	expect("/reset", OUTCOME_LATER, "");
	expect("/not-http", OUTCOME_LATER, "");
	expect("http://127.0.0.1:1/", OUTCOME_LATER, "");
	expect("http://nowhere.invalid/", OUTCOME_LATER, "");
	static const char *const slow[] = {"/hang", "/half-head", "/half-200", "/half-500", "/200", "/continue-hang"};
	for (size_t i = 0; i < 6; i++)
		send_path(&sent[i], slow[i]);
	sending_await(sent, 6);
	sending_expect(&sent[0], OUTCOME_LATER, "timed out");
	sending_expect(&sent[1], OUTCOME_LATER, "timed out");
	/* A status that came with its whole head stands, even when the rest does not come. */
	sending_expect(&sent[2], OUTCOME_SENT, "200 half");
	sending_expect(&sent[3], OUTCOME_LATER, "500 half");
	sending_expect(&sent[4], OUTCOME_SENT, "200 body");
	sending_expect(&sent[5], OUTCOME_LATER, "timed out");
}

static void test_the_answer_is_bounded(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	static char answer[400 * 1024];
	struct receiver_path own[] = {{"/", answer}, {NULL, ""}};
	receiver.paths = own;
	make_webhooks(&wanted);
	for (size_t length = 507; length <= 509; length++) {
		int at = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
		memset(answer + at, 'b', length);
		answer[(size_t)at + length] = '\0';
		struct sent sent = send_one("/");
		sending_expect(&sent, OUTCOME_SENT, "200 bbb");
		assert_int_equal(strlen(sent.outcome.answer), length < 508 ? length + 4 : 512);
	}
	/* One that says it goes on for ever is left. */
	memset(answer, 0, sizeof answer);
	memset(answer + sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), 'b', 300 * 1024);
	receiver_forget(&receiver);
	int64_t start = time_monotonic_micros();
	expect("/", OUTCOME_SENT, "200 bbb");
	assert_true(time_monotonic_micros() - start < USUAL_MS / 2 * 1000LL);
	sending_run(50);
	assert_int_equal(receiver.open, 0);
	strcpy(answer, "HTTP/1.1 500 No\r\nContent-Length: 12\r\n\r\na\r\nb\xFF\x1B[2J\n\t.");
	expect("/", OUTCOME_LATER, "500 a  b? [2J  .");
}

static void test_what_is_never_sent(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	make_webhooks(&wanted);
	static const char *const wrong[] = {"http://user@127.0.0.1/",
	                                    "http://user:pw@127.0.0.1/",
	                                    "ftp://127.0.0.1/",
	                                    "file:///etc/passwd",
	                                    "gopher://127.0.0.1/",
	                                    "smtp://127.0.0.1/",
	                                    "127.0.0.1/",
	                                    "//127.0.0.1/",
	                                    "http://",
	                                    "http:///127.0.0.1/",
	                                    "http:/127.0.0.1/",
	                                    "http:127.0.0.1/",
	                                    "http://:@127.0.0.1/",
	                                    "http://127.0.0.1/\x01",
	                                    "http://a b/",
	                                    "http://127.0.0.1/\r\nX: y",
	                                    "http://127.0.0.1:99999/",
	                                    "",
	                                    NULL};
	struct err err;
	for (size_t i = 0; wrong[i]; i++) {
		struct sent sent;
		send_url(&sent, wrong[i]);
		sending_await(&sent, 1);
		sending_expect(&sent, OUTCOME_REFUSED, "URL");
		if (webhook_check_url(wrong[i], true, &err))
			fail_msg("accepted: %s", wrong[i]);
	}
	char url[2100];
	for (size_t length = 2047; length <= 2049; length++) {
		int at = snprintf(url, sizeof url, "http://127.0.0.1:%d/", receiver.port);
		memset(url + at, 'p', length - (size_t)at);
		url[length] = '\0';
		assert_int_equal(webhook_check_url(url, true, &err), length <= 2048);
		expect(url, length <= 2048 ? OUTCOME_LATER : OUTCOME_REFUSED, length <= 2048 ? "418" : "2048");
	}
	receiver_forget(&receiver);
	assert_true(webhook_check_url("https://example.org/hook", false, &err));
	assert_false(webhook_check_url("http://example.org/hook", false, &err));
	wanted.allow_http = false;
	make_webhooks(&wanted);
	expect("/200", OUTCOME_REFUSED, "scheme must be https");
	struct webhook_message message = {.url = "https://127.0.0.1:1/", .id = "a.b", .body = body, .length = 1};
	const char *const secrets[][2] = {{NULL, NULL}, {"secret", NULL}, {secret, "whsec_"}, {secret, NULL}};
	for (size_t i = 0; i < 4; i++) {
		struct sent sent = {0};
		message.id = i == 3 ? "a.b" : "a-b";
		memcpy(message.secrets, secrets[i], sizeof message.secrets);
		webhook_send(webhooks, &message, sending_on_outcome, &sent);
		assert_int_equal(sent.calls, 0);
		sending_await(&sent, 1);
		sending_expect(&sent, OUTCOME_REFUSED, i == 3 ? "webhook-id" : "secret");
		assert_null(strstr(sent.outcome.answer, "MfKQ"));
	}
	assert_int_equal(receiver.connections, 0);
}

/* However the address is written, it is judged as it is connected to. */
static void test_private_addresses(void **state)
{
	(void)state;
	static const char *const hosts[] = {"127.0.0.1",
	                                    "127.1",
	                                    "2130706433",
	                                    "0x7f.1",
	                                    "0177.0.0.1",
	                                    "localhost",
	                                    "LOCALHOST.",
	                                    "a.localhost",
	                                    "[::1]",
	                                    "[::ffff:127.0.0.1]",
	                                    "[::ffff:7f00:1]",
	                                    "0.0.0.0",
	                                    "0",
	                                    "[::]",
	                                    "10.0.0.1",
	                                    "169.254.169.254",
	                                    "[fe80::1]",
	                                    "[fd00:ec2::254]",
	                                    "224.0.0.1",
	                                    "[64:ff9b::7f00:1]",
	                                    "127.0.0.1.",
	                                    NULL};
	struct webhook_options wanted = options();
	char url[200];
	wanted.allow_private = false;
	make_webhooks(&wanted);
	for (size_t i = 0; hosts[i]; i++) {
		snprintf(url, sizeof url, "http://%s:%d/200", hosts[i], receiver.port);
		struct sent sent = send_one(url);
		/* A name that is none of the specification's addresses is looked up, and not found. */
		if (sent.outcome.kind != OUTCOME_REFUSED && !strstr(sent.outcome.answer, "resolve"))
			fail_msg("%s: %d %s", url, sent.outcome.kind, sent.outcome.answer);
	}
	assert_int_equal(receiver.connections, 0);
	expect("/200", OUTCOME_REFUSED, "not allowed");
	wanted.allow_private = true;
	make_webhooks(&wanted);
	expect("/200", OUTCOME_SENT, "200");
}

static void test_no_proxy_of_the_environment(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"};
	for (size_t i = 0; i < 5; i++)
		setenv(names[i], "http://127.0.0.1:1", 1);
	make_webhooks(&wanted);
	expect("/200", OUTCOME_SENT, "200 body");
	for (size_t i = 0; i < 5; i++)
		unsetenv(names[i]);
}

/* A host that hangs takes half of the room and no more; the others go on. */
static void test_one_host_does_not_hold_up_another(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	struct sent stuck[10], sent[10];
	char url[200];
	wanted.most = 5;
	make_webhooks(&wanted);
	for (size_t i = 0; i < 10; i++)
		send_path(&stuck[i], "/hang");
	/* The same machine, as another host. */
	snprintf(url, sizeof url, "http://localhost:%d/200", receiver.port);
	for (size_t i = 0; i < 10; i++)
		send_url(&sent[i], url);
	sending_await(sent, 10);
	for (size_t i = 0; i < 10; i++) {
		sending_expect(&sent[i], OUTCOME_SENT, "200");
		assert_int_equal(stuck[i].calls, 0);
	}
	assert_int_equal(receiver.most_open, 5);
	assert_int_equal(receiver.requests, 13);
	webhook_free(webhooks);
	webhooks = NULL;
	for (size_t i = 0; i < 10; i++)
		sending_expect(&stuck[i], OUTCOME_LATER, "stopped");
}

static void test_so_many_at_once(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	struct sent sent[40];
	for (long most = 1; most <= 4; most++) {
		wanted.most = most;
		make_webhooks(&wanted);
		sending_run(20);
		receiver_forget(&receiver);
		for (size_t i = 0; i < 40; i++)
			send_path(&sent[i], "/200");
		sending_await(sent, 40);
		for (size_t i = 0; i < 40; i++)
			sending_expect(&sent[i], OUTCOME_SENT, "200");
		assert_int_equal(receiver.most_open, (most + 1) / 2);
		/* Connections are kept and used again. */
		assert_int_equal(receiver.connections, (most + 1) / 2);
	}
}

static void test_freed_under_way(void **state)
{
	(void)state;
	struct webhook_options wanted = options();
	struct sent sent[9];
	for (int ms = -1; ms < 100; ms += 50) {
		wanted.most = 4;
		make_webhooks(&wanted);
		for (size_t i = 0; i < 9; i++)
			send_path(&sent[i], i % 2 ? "/hang" : "/half-200");
		if (ms >= 0)
			sending_run(ms);
		webhook_free(webhooks);
		webhooks = NULL;
		for (size_t i = 0; i < 9; i++)
			sending_expect(&sent[i], OUTCOME_LATER, "stopped");
		sending_run(20);
		for (size_t i = 0; i < 9; i++)
			assert_int_equal(sent[i].calls, 1);
	}
	webhook_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_signed_post),
	    TEST(test_a_large_post),
	    TEST(test_statuses),
	    TEST(test_hanging_and_breaking),
	    TEST(test_the_answer_is_bounded),
	    TEST(test_what_is_never_sent),
	    TEST(test_private_addresses),
	    TEST(test_no_proxy_of_the_environment),
	    TEST(test_one_host_does_not_hold_up_another),
	    TEST(test_so_many_at_once),
	    TEST(test_freed_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
