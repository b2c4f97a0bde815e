/* Tests of what sends when names resolve slowly, or to where nobody may go. getaddrinfo(3) and connect(2) are replaced
 * in this program, for libcurl too, so that names are what the tests want and nothing leaves the machine: PUBLIC, an
 * address of the Internet, is reached at the receiver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deliver/mailer.h"
#include "deliver/webhook.h"
#include "receiver.h"
#include "sending.h"

enum { SLOW_MS = 2500, TIMEOUT_MS = 400 };

#define PUBLIC 0x08080808U
#define PRIVATE 0x0A000001U
static const struct receiver_path paths[] = {{NULL, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
static struct receiver receiver;
static atomic_int lookups, resolving, reached_public;

static struct addrinfo *make_address(const void *address, socklen_t length, int family, struct addrinfo *next)
{
	struct addrinfo *info = calloc(1, sizeof *info + length);
	assert_non_null(info);
	memcpy(info + 1, address, length);
	info->ai_family = family;
	info->ai_socktype = SOCK_STREAM;
	info->ai_protocol = IPPROTO_TCP;
	info->ai_addrlen = length;
	info->ai_addr = (struct sockaddr *)(void *)(info + 1);
	info->ai_next = next;
	return info;
}

static struct addrinfo *make_four(uint32_t address, in_port_t port, struct addrinfo *next)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(address)};
	return make_address(&four, sizeof four, AF_INET, next);
}

/* Addresses in the order in which they are tried; 0 ends them. */
static const struct {
	const char *name;
	uint32_t first[2], later[2];
} names[] = {
    {"public.test", {PUBLIC}, {PUBLIC}},
    {"private.test", {PRIVATE, INADDR_LOOPBACK}, {PRIVATE, INADDR_LOOPBACK}},
    {"mixed.test", {INADDR_LOOPBACK, PUBLIC}, {INADDR_LOOPBACK, PUBLIC}},
    {"changing.test", {PUBLIC}, {INADDR_LOOPBACK}},
    {"slow.test", {INADDR_LOOPBACK}, {INADDR_LOOPBACK}},
};

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	in_port_t port = htons((in_port_t)(service ? atoi(service) : 0));
	bool first = lookups++ == 0;
	(void)hints;
	*result = NULL;
	if (strcmp(name, "mapped.test") == 0) {
		struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};
		memcpy(&six.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\x7F\0\0\1", 16);
		*result = make_address(&six, sizeof six, AF_INET6, NULL);
	}
	if (strcmp(name, "slow.test") == 0) {
		resolving++;
		usleep(SLOW_MS * 1000);
		resolving--;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const uint32_t *addresses = first ? names[i].first : names[i].later;
		if (strcmp(name, names[i].name) == 0)
			*result = make_four(addresses[0], port, addresses[1] ? make_four(addresses[1], port, NULL) : NULL);
	}
	return *result ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info)
{
	while (info) {
		struct addrinfo *next = info->ai_next;
		free(info);
		info = next;
	}
}

/* By its name in the object file: the C library declares it with a type that ISO C has not. */
int divert_connect(int fd, const struct sockaddr *address, socklen_t length) __asm__("connect");

int divert_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_in four;
	if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof four);
		assert_int_not_equal(ntohl(four.sin_addr.s_addr), PRIVATE);
		if (ntohl(four.sin_addr.s_addr) == PUBLIC) {
			reached_public++;
			four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			return (int)syscall(SYS_connect, fd, &four, sizeof four);
		}
	}
	return (int)syscall(SYS_connect, fd, address, length);
}

static int set_up(void **state)
{
	receiver = (struct receiver){.paths = paths};
	sending_set_up(state);
	receiver_init(&receiver, sending_base);
	lookups = 0;
	return 0;
}

static int tear_down(void **state)
{
	receiver_release(&receiver);
	return sending_tear_down(state);
}

static struct webhooks *make_webhooks(bool allow_private, long timeout_ms)
{
	return webhook_new(
	    sending_base,
	    &(struct webhook_options){
	        .allow_http = true, .allow_private = allow_private, .ca_file = "", .timeout_ms = timeout_ms, .most = 4});
}

static void send_to(struct webhooks *webhooks, const char *host, struct sent *sent)
{
	char url[100];
	snprintf(url, sizeof url, "http://%s:%d/", host, receiver.port);
	*sent = (struct sent){0};
	webhook_send(
	    webhooks,
	    &(struct webhook_message){
	        .url = url, .id = "a", .secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, .body = "{}", .length = 2},
	    sending_on_outcome, sent);
}

/* A sender of its own each time: nothing that was looked up or connected before is left. */
static void expect(const char *host, enum outcome_kind kind, const char *words)
{
	struct webhooks *webhooks = make_webhooks(false, 8000);
	struct sent sent;
	send_to(webhooks, host, &sent);
	sending_await(&sent, 1);
	sending_expect(&sent, kind, words);
	webhook_free(webhooks);
}

static void test_names_of_private_addresses(void **state)
{
	(void)state;
	expect("private.test", OUTCOME_REFUSED, "not allowed");
	expect("mapped.test", OUTCOME_REFUSED, "not allowed");
	expect("nowhere.test", OUTCOME_LATER, "resolve");
	assert_int_equal(receiver.connections, 0);
	expect("public.test", OUTCOME_SENT, "200 ok");
	assert_int_equal(receiver.connections, 1);
	/* Of several addresses only those that are allowed are tried. */
	reached_public = 0;
	expect("mixed.test", OUTCOME_SENT, "200 ok");
	assert_int_equal(reached_public, 1);
	assert_int_equal(receiver.connections, 2);
	/* One that was allowed and did not answer may answer later. */
	receiver.port = 1;
	expect("mixed.test", OUTCOME_LATER, "onnect");
	expect("private.test", OUTCOME_REFUSED, "not allowed");
}

/* A name that was harmless when it was first looked up. */
static void test_a_name_that_changes(void **state)
{
	(void)state;
	expect("changing.test", OUTCOME_SENT, "200 ok");
	expect("changing.test", OUTCOME_REFUSED, "not allowed");
	assert_int_equal(receiver.connections, 1);
}

/* Neither looking up, nor giving up, nor ending waits for the resolver. */
static void test_slow_names(void **state)
{
	(void)state;
	struct webhooks *webhooks = make_webhooks(true, TIMEOUT_MS);
	struct err err;
	struct mailer *mailer = mailer_new(sending_base,
	                                   &(struct mailer_options){.server = "smtp://slow.test",
	                                                            .from = "a@b",
	                                                            .user = "",
	                                                            .password_file = "",
	                                                            .ca_file = "",
	                                                            .timeout_ms = TIMEOUT_MS,
	                                                            .idle_ms = TIMEOUT_MS,
	                                                            .most = 1},
	                                   &err);
	const struct mail mail = {.to = {.address = "a@b"}, .subject = "", .message_id = "a@b", .text = ""};
	struct sent sent[3] = {0}, last = {0};
	assert_non_null(mailer);
	mailer_send(mailer, &mail, sending_on_outcome, &sent[0]);
	send_to(webhooks, "slow.test", &sent[1]);
	send_to(webhooks, "public.test", &sent[2]);
	sending_await(sent, 3);
	sending_expect(&sent[0], OUTCOME_LATER, "400 ms");
	sending_expect(&sent[1], OUTCOME_LATER, "timed out");
	sending_expect(&sent[2], OUTCOME_SENT, "200 ok");
	assert_int_equal(resolving, 2);
	send_to(webhooks, "slow.test", &last);
	sending_run(50);
	mailer_free(mailer);
	webhook_free(webhooks);
	sending_run(20);
	sending_expect(&last, OUTCOME_LATER, "stopped");
	assert_int_equal(resolving, 3);
	/* The threads end by themselves. */
	while (resolving > 0)
		sending_run(50);
	/* In time it goes. */
	webhooks = make_webhooks(true, 8000);
	send_to(webhooks, "slow.test", &last);
	sending_await(&last, 1);
	sending_expect(&last, OUTCOME_SENT, "200 ok");
	webhook_free(webhooks);
	usleep(50000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_names_of_private_addresses),
	    TEST(test_a_name_that_changes),
	    TEST(test_slow_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
