/* Mail link: one command, one reply, and the stage says what the reply must be.
 *
 * Invariant: a command goes out only when the one before has been answered and nothing else has come, so that no reply
 * is ever taken for the answer to another command. */
#include "mail_link.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum stage { CONNECTING, MAIL, RCPT, DATA, BODY, IDLE };

enum { LINE_SIZE = 1024, SERVICE_CLOSING = 421 };

/* The first digit of the reply that lets the dialogue go on. */
static const char wanted[] = {[MAIL] = '2', [RCPT] = '2', [DATA] = '3', [BODY] = '2'};

struct mail_link {
	struct event_base *base;
	struct curl_loop *loop;
	const struct curl_loop_server *server;
	const struct mail_link_events *events;
	void *context;
	long idle_ms;
	struct curl_transfer *transfer; /* NULL before the first mail */
	enum stage stage;
	bool used, heard;
	struct event readable, writable, idle;
	struct arena arena; /* of one mail */
	const char *from, *to, *message;
	size_t message_length;
	const char *output;
	size_t output_left;
	char line[LINE_SIZE]; /* of a reply, as much of it as came */
	size_t line_length;
	char text[CURL_LOOP_TEXT_MOST]; /* of the reply so far, without its codes */
	size_t text_length;
};

static void on_readable(evutil_socket_t fd, short what, void *context);
static void on_writable(evutil_socket_t fd, short what, void *context);
static void on_idle(evutil_socket_t fd, short what, void *context);

struct mail_link *mail_link_new(struct event_base *base, struct curl_loop *loop, const struct curl_loop_server *server,
                                const struct mail_link_events *events, long idle_ms)
{
	struct mail_link *link = calloc(1, sizeof *link);
	if (!link)
		abort();
	*link = (struct mail_link){.base = base, .loop = loop, .server = server, .events = events, .idle_ms = idle_ms};
	evtimer_assign(&link->idle, base, on_idle, link);
	return link;
}

static void stop_waiting(struct mail_link *link)
{
	if (link->stage != CONNECTING) {
		event_del(&link->readable);
		event_del(&link->writable);
	}
	event_del(&link->idle);
}

void mail_link_free(struct mail_link *link)
{
	static const char quit[] = "QUIT\r\n";
	size_t sent;
	stop_waiting(link);
	/* One line fits the socket's buffer; if it does not go out, the end of the connection says the same. */
	bool said = link->stage == IDLE && curl_loop_send(link->transfer, quit, strlen(quit), &sent);
	(void)said;
	curl_loop_end(link->transfer);
	arena_release(&link->arena);
	free(link);
}

bool mail_link_used(const struct mail_link *link)
{
	return link->used;
}

void mail_link_set_context(struct mail_link *link, void *context)
{
	link->context = context;
}

static void end(struct mail_link *link, enum mail_link_end how, long status, const char *text, size_t length)
{
	struct mail_link_result result = {.end = how,
	                                  .unheard = !link->heard || status == SERVICE_CLOSING,
	                                  .status = status,
	                                  .text = text,
	                                  .length = length};
	if (how == MAIL_LINK_TAKEN) {
		link->stage = IDLE;
		link->used = true;
		event_add(&link->idle,
		          &(struct timeval){.tv_sec = link->idle_ms / 1000, .tv_usec = link->idle_ms % 1000 * 1000});
	} else {
		stop_waiting(link);
	}
	link->events->on_end(link, &result, link->context);
}

static void fail(struct mail_link *link, const char *why)
{
	if (link->stage == IDLE) {
		stop_waiting(link);
		link->stage = CONNECTING; /* nothing is said to one that has gone */
		link->events->on_gone(link, link->context);
		return;
	}
	end(link, MAIL_LINK_FAILED, 0, why, strlen(why));
}

/* False: the link is broken, and its owner has been told. */
static bool flush(struct mail_link *link)
{
	while (link->output_left > 0) {
		size_t sent = 0;
		if (!curl_loop_send(link->transfer, link->output, link->output_left, &sent)) {
			fail(link, "the connection broke while sending");
			return false;
		}
		if (sent == 0) {
			event_add(&link->writable, NULL);
			return true;
		}
		link->output += sent;
		link->output_left -= sent;
	}
	return true;
}

/* Makes the stage's command ready to be sent. */
static void enter(struct mail_link *link, enum stage stage)
{
	link->stage = stage;
	switch (stage) {
	case MAIL:
		link->output = arena_printf(&link->arena, "MAIL FROM:<%s>\r\n", link->from);
		break;
	case RCPT:
		link->output = arena_printf(&link->arena, "RCPT TO:<%s>\r\n", link->to);
		break;
	case DATA:
		link->output = "DATA\r\n";
		break;
	case BODY:
		link->output = arena_printf(&link->arena, "%.*s.\r\n", (int)link->message_length, link->message);
		break;
	case CONNECTING:
	case IDLE:
	default:
		abort();
	}
	link->output_left = strlen(link->output);
}

/* A whole reply. False: the mail has ended, and the link may be gone. */
static bool on_reply(struct mail_link *link, long status)
{
	bool goes_on = status / 100 == wanted[link->stage] - '0';
	link->heard = true;
	if (goes_on && link->output_left > 0) {
		fail(link, "the server answered before it had the whole mail");
		return false;
	}
	if (goes_on && link->stage != BODY) {
		enter(link, link->stage + 1);
		return flush(link);
	}
	end(link, goes_on ? MAIL_LINK_TAKEN : MAIL_LINK_REPLIED, status, link->text, link->text_length);
	return false;
}

static void keep_text(struct mail_link *link, const char *bytes, size_t length)
{
	size_t room = sizeof link->text - link->text_length;
	size_t kept = length < room ? length : room;
	memcpy(link->text + link->text_length, bytes, kept);
	link->text_length += kept;
}

/* A line without its end; `more` bytes came behind it. False as with on_reply(). */
static bool on_line(struct mail_link *link, size_t more)
{
	static const char digits[] = "0123456789";
	const char *line = link->line;
	size_t length = link->line_length;
	link->line_length = 0;
	if (length > 0 && line[length - 1] == '\r')
		length--;
	bool is_reply = length >= 3 && strspn(line, digits) == 3 && (length == 3 || line[3] == ' ' || line[3] == '-');
	if (!is_reply) {
		fail(link, "the server's reply is not SMTP");
		return false;
	}
	if (length > 4) {
		if (link->text_length > 0)
			keep_text(link, " ", 1);
		keep_text(link, line + 4, length - 4);
	}
	if (length > 3 && line[3] == '-')
		return true;
	if (more > 0) {
		fail(link, "the server answered what it was not asked");
		return false;
	}
	bool goes_on = on_reply(link, strtol(line, NULL, 10));
	if (goes_on)
		link->text_length = 0;
	return goes_on;
}

/* What does not fit the line is dropped up to its end. */
static bool on_bytes(struct mail_link *link, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != '\n') {
			if (link->line_length < LINE_SIZE - 1)
				link->line[link->line_length++] = bytes[i];
			continue;
		}
		link->line[link->line_length] = '\0';
		if (!on_line(link, count - i - 1))
			return false;
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct mail_link *link = context;
	char bytes[4096];
	(void)fd;
	(void)what;
	/* TLS may hold more than the socket shows: until there is nothing left. */
	for (;;) {
		size_t count = 0;
		bool stands = curl_loop_receive(link->transfer, bytes, sizeof bytes, &count);
		if (stands && count == 0)
			return;
		if (!stands || link->stage == IDLE) {
			fail(link, "the server closed the connection");
			return;
		}
		if (!on_bytes(link, bytes, count))
			return;
	}
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct mail_link *link = context;
	(void)fd;
	(void)what;
	flush(link);
}

static void on_idle(evutil_socket_t fd, short what, void *context)
{
	struct mail_link *link = context;
	(void)fd;
	(void)what;
	link->events->on_gone(link, link->context);
}

static void on_connected(struct curl_transfer *transfer, const struct curl_loop_result *result, void *context)
{
	struct mail_link *link = context;
	if (result->end != CURL_LOOP_ANSWERED) {
		bool said = result->status >= 400;
		end(link, MAIL_LINK_FAILED, said ? result->status : 0, said ? result->text : result->fault,
		    said ? result->length : strlen(result->fault));
		return;
	}
	int fd = curl_loop_socket(transfer);
	event_assign(&link->readable, link->base, fd, EV_READ | EV_PERSIST, on_readable, link);
	event_assign(&link->writable, link->base, fd, EV_WRITE, on_writable, link);
	event_add(&link->readable, NULL);
	/* At once: until something is sent, libcurl does not know that its connection is in use. */
	enter(link, MAIL);
	flush(link);
}

void mail_link_send(struct mail_link *link, const char *from, const char *to, const char *message, size_t length)
{
	arena_release(&link->arena);
	event_del(&link->idle);
	link->from = from;
	link->to = to;
	link->message = message;
	link->message_length = length;
	link->heard = false;
	link->text_length = link->line_length = 0;
	if (!link->transfer) {
		link->transfer = curl_loop_connect(link->loop, link->server, on_connected, link);
		return;
	}
	/* From the loop, so that a link that broke meanwhile says so there. */
	enter(link, MAIL);
	event_add(&link->writable, NULL);
}
