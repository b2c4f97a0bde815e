/* Link: a socket, and what has been read from it and not yet taken.
 *
 * Invariant: `input` holds at most one unfinished line behind the finished ones, and `from` stands at a line's start.
 */
#include "cli/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/place.h"
#include "text/json.h"

struct link {
	int descriptor;
	int timeout_ms; /* of each wait; -1: none */
	char *input;
	size_t from, length, capacity; /* what is in use of `input`: from .. length */
	json_int_t last_id;
	const volatile sig_atomic_t *stop; /* NULL: signals end no wait */
	const sigset_t *waiting;
};

static void *grow(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (!memory)
		log_fatal(71, "out of memory");
	return memory;
}

struct link *link_open(const char *path, int timeout_ms, struct err *err)
{
	int descriptor = place_connect(path, err);
	if (descriptor < 0)
		return NULL;
	struct link *link = grow(NULL, sizeof *link);
	*link = (struct link){.descriptor = descriptor, .timeout_ms = timeout_ms > 0 ? timeout_ms : -1};
	return link;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	close(link->descriptor);
	free(link->input);
	free(link);
}

void link_stop_by(struct link *link, const volatile sig_atomic_t *stop, const sigset_t *waiting)
{
	link->stop = stop;
	link->waiting = waiting;
}

bool link_has_more(const struct link *link)
{
	return link->length > link->from && memchr(link->input + link->from, '\n', link->length - link->from);
}

/* Waits for any of `events`; false when the time is over. */
static bool wait_for(const struct link *link, short events, short *ready, struct err *err)
{
	struct pollfd watch = {.fd = link->descriptor, .events = events};
	int count;
	const struct timespec timeout = {.tv_sec = link->timeout_ms / 1000, .tv_nsec = link->timeout_ms % 1000 * 1000000L};
	do {
		count = ppoll(&watch, 1, link->timeout_ms < 0 ? NULL : &timeout, link->waiting);
	} while (count < 0 && errno == EINTR && !(link->stop && *link->stop));
	if (count < 0)
		return err_set_errno(err, errno, "poll");
	if (count == 0)
		return err_set(err, "the daemon does not answer");
	*ready = watch.revents;
	return true;
}

/* Reads what is there, without waiting. */
static bool read_more(struct link *link, struct err *err)
{
	enum { STEP = 65536 };
	if (link->from > 0) {
		memmove(link->input, link->input + link->from, link->length - link->from);
		link->length -= link->from;
		link->from = 0;
	}
	if (link->capacity - link->length < STEP) {
		link->capacity = 2 * link->capacity + STEP;
		link->input = grow(link->input, link->capacity);
	}
	ssize_t got = recv(link->descriptor, link->input + link->length, link->capacity - link->length, MSG_DONTWAIT);
	if (got == 0)
		return err_set(err, "the daemon closed the connection");
	if (got < 0)
		return errno == EAGAIN || errno == EINTR || err_set_errno(err, errno, "reading from the daemon");
	link->length += (size_t)got;
	return true;
}

static bool send_bytes(struct link *link, const char *bytes, size_t length, struct err *err)
{
	while (length > 0) {
		ssize_t sent = send(link->descriptor, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent >= 0) {
			bytes += sent;
			length -= (size_t)sent;
			continue;
		}
		short ready;
		if (errno != EAGAIN && errno != EINTR)
			return err_set_errno(err, errno, "writing to the daemon");
		if (!wait_for(link, POLLIN | POLLOUT, &ready, err))
			return false;
		if ((ready & POLLIN) && !read_more(link, err))
			return false;
	}
	return true;
}

bool link_send(struct link *link, const json_t *message, struct err *err)
{
	char *text = json_dumps(message, JSON_COMPACT);
	if (!text)
		return err_set(err, "out of memory");
	size_t length = strlen(text);
	/* A string's zero gives its place to the newline. */
	text[length] = '\n';
	bool sent = send_bytes(link, text, length + 1, err);
	free(text);
	return sent;
}

json_t *link_receive(struct link *link, struct err *err)
{
	size_t searched = link->from;
	char *end;
	while (!(end = link->length > searched ? memchr(link->input + searched, '\n', link->length - searched) : NULL)) {
		size_t unfinished = link->length - link->from;
		short ready;
		if (!wait_for(link, POLLIN, &ready, err) || !read_more(link, err))
			return NULL;
		searched = link->from + unfinished;
	}
	const char *line = link->input + link->from;
	size_t length = (size_t)(end - line);
	link->from += length + 1;
	json_t *message;
	if (!json_parse(line, length, &message, err)) {
		(void)err_prefix(err, "what the daemon sent");
		return NULL;
	}
	return message;
}

json_t *link_request(json_int_t id, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s,s:I,s:s}", "jsonrpc", "2.0", "id", id, "method", method);
	if (!request)
		log_fatal(71, "out of memory, or a method's name that is not UTF-8");
	if (params)
		json_object_set_new(request, "params", params);
	return request;
}

static json_t *call_once(struct link *link, const char *method, const json_t *params, struct err *err)
{
	json_int_t id = ++link->last_id;
	json_t *request = link_request(id, method, json_deep_copy(params)), *answer = NULL;
	bool sent = link_send(link, request, err);
	json_decref(request);
	while (sent && (answer = link_receive(link, err))) {
		const json_t *answered = json_object_get(answer, "id");
		/* What could not even be read as a request is answered without an id. */
		if (json_integer_value(answered) == id || (json_is_null(answered) && json_object_get(answer, "error")))
			break;
		json_decref(answer);
	}
	return answer;
}

json_t *link_call(struct link **link, const char *path, const char *method, const json_t *params, struct err *err)
{
	json_t *answer = NULL;
	for (int tries = 0; tries < 2 && !answer; tries++) {
		if (!*link)
			*link = link_open(path, 0, err);
		if (!*link)
			return NULL;
		answer = call_once(*link, method, params, err);
		if (!answer) {
			link_close(*link);
			*link = NULL;
		}
	}
	return answer;
}
