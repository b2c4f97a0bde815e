/* Web: raw HTTP for the tests. */
#include "web.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "checked.h"

enum { WEB_ANSWER_MS = 20000 };

struct web_daemon web;
const char web_bootstrap[37] = "00000000-0000-7000-8000-000000000001";

int web_set_up(const char *listener, const char *setting)
{
	static char where[64];
	harness_init(&web.harness);
	web.port = web_free_port();
	snprintf(where, sizeof where, "daemon.%s=127.0.0.1:%d", listener, web.port);
	web.harness.settings[0] = where;
	web.harness.settings[1] = setting;
	harness_start(&web.harness);
	harness_await(&web.harness);
	client_open(&web.administrator, &web.harness);
	web.token = web_token(&web.administrator, web_bootstrap, "", web.token_id);
	return 0;
}

int web_tear_down(void **state)
{
	(void)state;
	if (web.token)
		client_close(&web.administrator);
	free(web.token);
	harness_release(&web.harness);
	return 0;
}

int web_free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void web_open(struct client *client, int port, const char *path)
{
	struct sockaddr_in four = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	*client = (struct client){.fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(client->fd >= 0);
	if (path)
		memcpy(local.sun_path, path, strlen(path) + 1);
	if (connect(client->fd, path ? (struct sockaddr *)&local : (struct sockaddr *)&four,
	            path ? sizeof local : sizeof four) != 0)
		fail_msg("nobody serves HTTP there");
}

/* `length` bytes of the stream, zero-terminated; NULL when it ends before. */
static char *read_bytes(struct client *client, size_t length, long long until)
{
	char *bytes;
	while (client->length < length) {
		long long left = until - harness_now_ms();
		struct pollfd wait = {.fd = client->fd, .events = POLLIN};
		if (left < 0 || poll(&wait, 1, (int)left) == 0)
			return NULL;
		if (client->size < length + 65536) {
			client->size = length + 131072;
			client->buffer = realloc(client->buffer, client->size);
			assert_non_null(client->buffer);
		}
		ssize_t got = recv(client->fd, client->buffer + client->length, client->size - client->length, 0);
		if (got <= 0)
			return NULL;
		client->length += (size_t)got;
	}
	bytes = strndup(client->buffer ? client->buffer : "", length);
	client->length -= length;
	if (client->length > 0)
		memmove(client->buffer, client->buffer + length, client->length);
	return bytes;
}

struct web_answer web_read(struct client *client, int timeout_ms)
{
	long long until = harness_now_ms() + timeout_ms;
	struct web_answer answer = {.head = strdup("")};
	const char *length;
	char *line;

	while ((line = client_read_line(client, (int)(until - harness_now_ms()))) && line[0] != '\r') {
		char *longer;
		assert_true(asprintf(&longer, "%s%s\n", answer.head, line) > 0);
		free(answer.head);
		free(line);
		answer.head = longer;
	}
	free(line);
	if (!line || sscanf(answer.head, "HTTP/1.%*d %d", &answer.status) != 1)
		return answer;
	length = strstr(answer.head, "Content-Length: ");
	if (length)
		answer.body = read_bytes(client, strtoul(length + 16, NULL, 10), until);
	return answer;
}

void web_answer_free(struct web_answer *answer)
{
	free(answer->head);
	free(answer->body);
}

int web_status(struct client *client, const char *text)
{
	struct web_answer answer;
	client_send(client, text, strlen(text));
	answer = web_read(client, WEB_ANSWER_MS);
	web_answer_free(&answer);
	return answer.status;
}

char *web_line(struct client *client, const char *beginning)
{
	long long until = harness_now_ms() + WEB_ANSWER_MS;
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

struct web_answer web_ask(const char *text)
{
	struct client client;
	struct web_answer answer;
	web_open(&client, web.port, NULL);
	client_send(&client, text, strlen(text));
	answer = web_read(&client, WEB_ANSWER_MS);
	client_close(&client);
	return answer;
}

int web_status_of(const char *text)
{
	struct web_answer answer = web_ask(text);
	web_answer_free(&answer);
	return answer.status;
}

bool web_alive(void)
{
	return web_status_of(GET("/healthz")) == 200;
}

bool web_ended(struct client *client, int timeout_ms)
{
	struct pollfd wait = {.fd = client->fd, .events = POLLIN};
	long long until = harness_now_ms() + timeout_ms;
	char bytes[4096];
	while (harness_now_ms() < until && poll(&wait, 1, (int)(until - harness_now_ms())) > 0)
		if (recv(client->fd, bytes, sizeof bytes, 0) <= 0)
			return true;
	return false;
}

json_t *web_call(struct client *client, const char *token, const char *body)
{
	struct web_answer answer;
	json_t *value;
	char *text;

	assert_true(
	    asprintf(&text,
	             "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s%s%sContent-Length: %zu"
	             "\r\n\r\n%s",
	             token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "", strlen(body),
	             body) > 0);
	assert_true(client_send(client, text, strlen(text)));
	free(text);
	answer = web_read(client, WEB_ANSWER_MS);
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.head, "Content-Type: application/json\r\n"));
	value = json_loads(answer.body, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(value);
	web_answer_free(&answer);
	return value;
}

char *web_token(struct client *client, const char *principal, const char *more, char id[37])
{
	json_t *made = checked_result(client, "token.create", json_of("{'principal_id':'%s'%s}", principal, more));
	char *token = strdup(at_string(made, "token"));
	snprintf(id, 37, "%s", at_string(made, "id"));
	assert_int_equal(strlen(token), 3 + 64);
	json_decref(made);
	return token;
}

void web_principal(struct client *client, const char *role, char id[37])
{
	json_t *made = checked_result(client, "principal.create", json_of("{'name':'A %s','role':'%s'}", role, role));
	snprintf(id, 37, "%s", at_string(made, "id"));
	json_decref(made);
}
