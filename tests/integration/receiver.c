/* Receiver: each connection reads lines, or one request, and looks up what to do. */
#include "receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct receiver_client {
	struct receiver_client *next;
	struct receiver *receiver;
	struct bufferevent *stream;
	bool in_body;
	int login_lines; /* still to come */
	FILE *mail_stream;
	char *mail; /* the text so far */
	size_t mail_length;
	int mails;
};

static const char *const usual[AT_COUNT] = {
    [AT_GREETING] = "220 test\r\n",     [AT_EHLO] = "250-test\r\n250 AUTH PLAIN LOGIN\r\n",
    [AT_AUTH] = "235 ok\r\n",           [AT_MAIL] = "250 ok\r\n",
    [AT_RCPT] = "250 ok\r\n",           [AT_DATA] = "354 go on\r\n",
    [AT_BODY] = "250 2.0.0 queued\r\n", [AT_QUIT] = "221 bye\r\n",
};

static void forget(FILE **stream, char **text)
{
	if (*stream)
		fclose(*stream);
	free(*text);
	*stream = NULL;
	*text = NULL;
}

static void client_free(struct receiver_client *client)
{
	struct receiver *receiver = client->receiver;
	struct receiver_client **link = &receiver->clients;
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	receiver->open--;
	bufferevent_free(client->stream);
	forget(&client->mail_stream, &client->mail);
	free(client);
}

/* False: the connection has ended. */
static bool act(struct receiver_client *client, const char *answer)
{
	if (strcmp(answer, RECEIVER_HANG) == 0)
		return true;
	if (strcmp(answer, RECEIVER_RESET) == 0)
		setsockopt(bufferevent_getfd(client->stream), SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
		           sizeof(struct linger));
	if (strcmp(answer, RECEIVER_RESET) == 0 || strcmp(answer, RECEIVER_CLOSE) == 0) {
		client_free(client);
		return false;
	}
	bufferevent_write(client->stream, answer, strlen(answer));
	return true;
}

static bool answer_stage(struct receiver_client *client, enum receiver_stage stage)
{
	const char *scripted = client->receiver->smtp[stage];
	return act(client, scripted ? scripted : usual[stage]);
}

/* A stream whose text is whole after each line. */
static void append(FILE **stream, char **text, size_t *length, const char *line)
{
	if (!*stream)
		*stream = open_memstream(text, length);
	assert_non_null(*stream);
	fprintf(*stream, "%s\r\n", line);
	fflush(*stream);
}

static void tell(struct receiver *receiver)
{
	if (receiver->on_taken)
		receiver->on_taken(receiver);
}

static bool on_body_line(struct receiver_client *client, const char *line)
{
	struct receiver *receiver = client->receiver;
	if (strcmp(line, ".") != 0) {
		bool first = !client->mail;
		append(&client->mail_stream, &client->mail, &client->mail_length, line);
		return !first || !receiver->early || act(client, receiver->early);
	}
	free(receiver->message);
	receiver->message = client->mail ? strdup(client->mail) : NULL;
	receiver->length = client->mail_length;
	forget(&client->mail_stream, &client->mail);
	client->in_body = false;
	client->mails++;
	receiver->mails++;
	tell(receiver);
	return answer_stage(client, AT_BODY);
}

static bool on_line(struct receiver_client *client, const char *line)
{
	static const struct {
		const char *verb;
		enum receiver_stage stage;
	} verbs[] = {{"EHLO", AT_EHLO}, {"HELO", AT_EHLO}, {"MAIL", AT_MAIL},
	             {"RCPT", AT_RCPT}, {"DATA", AT_DATA}, {"QUIT", AT_QUIT}};
	struct receiver *receiver = client->receiver;
	if (client->in_body)
		return on_body_line(client, line);
	append(&receiver->commands_stream, &receiver->commands, &receiver->commands_length, line);
	if (client->login_lines > 0)
		return --client->login_lines > 0 ? act(client, "334 \r\n") : answer_stage(client, AT_AUTH);
	if (strncmp(line, "AUTH ", 5) == 0) {
		client->login_lines = strcmp(line, "AUTH LOGIN") == 0 ? 2 : 1;
		return act(client, "334 \r\n");
	}
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strncmp(line, verbs[i].verb, 4) != 0)
			continue;
		if (verbs[i].stage == AT_MAIL && receiver->reset_after && client->mails >= receiver->reset_after)
			return act(client, RECEIVER_RESET);
		client->in_body = verbs[i].stage == AT_DATA && !receiver->smtp[AT_DATA];
		return answer_stage(client, verbs[i].stage);
	}
	return act(client, "500 what?\r\n");
}

static void on_smtp(struct bufferevent *stream, void *context)
{
	char *line;
	bool stands = true;
	while (stands && (line = evbuffer_readln(bufferevent_get_input(stream), NULL, EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		stands = on_line(context, line);
		free(line);
	}
}

static const char *find_answer(const struct receiver *receiver, const char *path)
{
	const struct receiver_path *at = receiver->paths;
	size_t length = strcspn(path, " ");
	while (at->path && (strncmp(at->path, path, length) != 0 || at->path[length] != '\0'))
		at++;
	return at->answer;
}

static void on_http(struct bufferevent *stream, void *context)
{
	struct receiver_client *client = context;
	struct receiver *receiver = client->receiver;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	char *head, *field;
	if (end.pos < 0)
		return;
	size_t head_length = (size_t)end.pos + 4;
	head = calloc(1, head_length + 1);
	assert_non_null(head);
	evbuffer_copyout(input, head, head_length);
	field = strstr(head, "Content-Length: ");
	size_t length = field ? strtoul(field + 16, NULL, 10) : 0;
	if (evbuffer_get_length(input) < head_length + length) {
		free(head);
		return;
	}
	free(receiver->head);
	free(receiver->message);
	receiver->head = head;
	receiver->message = calloc(1, length + 1);
	assert_non_null(receiver->message);
	evbuffer_drain(input, head_length);
	evbuffer_remove(input, receiver->message, length);
	receiver->length = length;
	receiver->requests++;
	tell(receiver);
	act(client, find_answer(receiver, head + strlen("POST ")));
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		client_free(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
                      void *context)
{
	struct receiver *receiver = context;
	struct receiver_client *client = calloc(1, sizeof *client);
	(void)address;
	(void)length;
	assert_non_null(client);
	client->receiver = receiver;
	client->next = receiver->clients;
	receiver->clients = client;
	receiver->connections++;
	if (++receiver->open > receiver->most_open)
		receiver->most_open = receiver->open;
	client->stream = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(client->stream, receiver->paths ? on_http : on_smtp, NULL, on_event, client);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	if (!receiver->paths)
		answer_stage(client, AT_GREETING);
}

void receiver_init(struct receiver *receiver, struct event_base *base)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	receiver->listener =
	    evconnlistener_new_bind(base, on_accept, receiver, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 128,
	                            (struct sockaddr *)&address, sizeof address);
	assert_non_null(receiver->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(receiver->listener), (struct sockaddr *)&address, &length), 0);
	receiver->port = ntohs(address.sin_port);
}

void receiver_say(struct receiver *receiver, const char *text)
{
	for (struct receiver_client *client = receiver->clients; client; client = client->next)
		bufferevent_write(client->stream, text, strlen(text));
}

void receiver_drop(struct receiver *receiver)
{
	while (receiver->clients)
		client_free(receiver->clients);
}

void receiver_forget(struct receiver *receiver)
{
	forget(&receiver->commands_stream, &receiver->commands);
	free(receiver->message);
	receiver->message = NULL;
	free(receiver->head);
	receiver->head = NULL;
	receiver->connections = receiver->requests = receiver->mails = 0;
	receiver->most_open = receiver->open;
}

void receiver_release(struct receiver *receiver)
{
	receiver_drop(receiver);
	receiver_forget(receiver);
	evconnlistener_free(receiver->listener);
}
