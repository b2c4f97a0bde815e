/* Conn, a connection: bytes are read into one scratch buffer that all connections of a listener share, lines are cut
 * where they lie, and only what is left over (an unfinished line, or lines held back by a pause) moves to a buffer of
 * the connection. Output gathers in an evbuffer and leaves in one send at the end of the loop's turn.
 *
 * Invariant: whatever changes a connection from outside the loop's own events only marks it as due; conn_settle(),
 * called from the loop, is the one place that delivers lines, sends, closes and decides which events to wait for. So no
 * callback runs inside a caller's call, and a connection's memory outlives every frame that may hold it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "base/log.h"
#include "conn_link.h"
#include "text/time.h"

enum {
	INPUT_START_BYTES = 512,
	SEND_PIECES_MAX = 64,
	SLOW_FACTOR = 4,
	DISCARD_MICROS = 5 * 1000 * 1000,
};

/* What was read and not delivered: bytes[start] to bytes[end]; the first `scanned` of them hold no LF. There is always
 * room for one byte behind the end. */
struct input {
	size_t start, end, capacity, scanned;
	char bytes[];
};

/* What a connection has only while there is something to do for it. */
struct conn_work {
	TAILQ_ENTRY(conn) due;
	bool is_due;             /* in listener->due */
	struct input *input;     /* NULL when nothing is left over */
	struct evbuffer *output; /* NULL when nothing is pending */
	int64_t discard_until;   /* 0 until the half-close after a line too long */
};

/* As large as an idle connection is: what is known to the event (descriptor, interest) stands there only. */
struct conn {
	struct event event;
	struct conn_listener *listener;
	LIST_ENTRY(conn) all;   /* in listener->conns, or, once closed, in listener->dead */
	struct conn_work *work; /* NULL while idle */
	void *user;
	unsigned long number;
	unsigned holds;
	uint16_t pauses;
	bool eof : 1, lost : 1, ending : 1, draining : 1, too_long : 1, discarding : 1, shut : 1, closed : 1;
};

static unsigned long last_number;

static void on_event(evutil_socket_t fd, short what, void *context);

static void *must(void *memory)
{
	if (!memory) {
		log_error("", "out of memory");
		abort();
	}
	return memory;
}

static int descriptor(const struct conn *conn)
{
	return event_get_fd(&conn->event);
}

/* What the event waits for: EV_READ, EV_WRITE, both or 0. */
static short interest_of(const struct conn *conn)
{
	return event_get_events(&conn->event) & (EV_READ | EV_WRITE);
}

/* Until conn_settle() finds nothing to do, or the connection closes. */
static struct conn_work *begin_work(struct conn *conn)
{
	if (!conn->work)
		conn->work = must(calloc(1, sizeof *conn->work));
	return conn->work;
}

size_t conn_pending(const struct conn *conn)
{
	return conn->work && conn->work->output ? evbuffer_get_length(conn->work->output) : 0;
}

/* May a line be delivered? */
static bool accepts_lines(const struct conn *conn)
{
	return !conn->closed && !conn->lost && !conn->ending && !conn->draining && !conn->discarding && conn->pauses == 0 &&
	       conn_pending(conn) <= conn->listener->limits.max_output_bytes;
}

/* Is there more to deliver than the beginning of a line? */
static bool holds_lines(const struct conn *conn)
{
	const struct input *input = conn->work->input;
	return input && (conn->eof || input->scanned < input->end - input->start);
}

static void mark_due(struct conn *conn)
{
	struct conn_listener *listener = conn->listener;
	if (conn->closed || begin_work(conn)->is_due)
		return;
	conn->work->is_due = true;
	TAILQ_INSERT_TAIL(&listener->due, conn, work->due);
	listener->due_count++;
	event_active(&listener->turn, 0, 0);
}

static void unmark_due(struct conn *conn)
{
	if (!conn->work->is_due)
		return;
	conn->work->is_due = false;
	TAILQ_REMOVE(&conn->listener->due, conn, work->due);
	conn->listener->due_count--;
}

static void drop_input(struct conn *conn)
{
	free(conn->work->input);
	conn->work->input = NULL;
}

static void drop_output(struct conn *conn)
{
	if (conn->work->output)
		evbuffer_free(conn->work->output);
	conn->work->output = NULL;
}

static void end_work(struct conn *conn)
{
	if (!conn->work)
		return;
	unmark_due(conn);
	drop_input(conn);
	drop_output(conn);
	free(conn->work);
	conn->work = NULL;
}

/* The memory stays until the end of the turn. */
static void close_conn(struct conn *conn)
{
	struct conn_listener *listener = conn->listener;
	end_work(conn);
	conn->closed = true;
	event_del(&conn->event);
	close(descriptor(conn));
	LIST_REMOVE(conn, all);
	listener->count--;
	LIST_INSERT_HEAD(&listener->dead, conn, all);
	event_active(&listener->turn, 0, 0);
	log_debug(conn_subject(conn), "closed");
	if (listener->callbacks.on_close)
		listener->callbacks.on_close(conn);
}

static void lose(struct conn *conn)
{
	conn->lost = true;
	drop_output(conn);
}

/* MSG_NOSIGNAL, which evbuffer_write() lacks: a peer that is gone must not be a SIGPIPE. */
static void flush(struct conn *conn)
{
	while (conn->work->output && !conn->lost) {
		struct evbuffer_iovec pieces[SEND_PIECES_MAX];
		int count = evbuffer_peek(conn->work->output, -1, NULL, pieces, SEND_PIECES_MAX);
		if (count > SEND_PIECES_MAX)
			count = SEND_PIECES_MAX;
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
		ssize_t sent = sendmsg(descriptor(conn), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
				lose(conn);
			return;
		}
		evbuffer_drain(conn->work->output, (size_t)sent);
		if (evbuffer_get_length(conn->work->output) == 0)
			drop_output(conn);
	}
}

/* Takes `length` bytes behind what is left over. While whole lines are left over nothing is read, so the buffer holds
 * at most one line's limit and one read. */
static void keep_input(struct conn *conn, const char *bytes, size_t length)
{
	struct input *input = conn->work->input;
	size_t held = input ? input->end - input->start : 0;
	if (input && input->start > 0) {
		memmove(input->bytes, input->bytes + input->start, held);
		input->start = 0;
		input->end = held;
	}
	if (!input || input->capacity - held <= length) {
		size_t capacity = input ? input->capacity : INPUT_START_BYTES;
		while (capacity - held <= length)
			capacity *= 2;
		bool fresh = !input;
		input = must(realloc(input, sizeof *input + capacity));
		if (fresh)
			*input = (struct input){0};
		input->capacity = capacity;
		conn->work->input = input;
	}
	memcpy(input->bytes + held, bytes, length);
	input->end = held + length;
}

static void deliver_line(struct conn *conn, char *text, size_t length)
{
	text[length] = '\0';
	if (length > 0 && conn->listener->callbacks.on_line)
		conn->listener->callbacks.on_line(conn, text, length);
}

/* An unterminated rest is too long when no end of line could save it; the one byte more may be the CR of a CRLF. */
static bool is_too_long(const struct conn *conn, const char *text, size_t length)
{
	size_t max = conn->listener->limits.max_line_bytes;
	return length > max && !(length == max + 1 && text[length - 1] == '\r');
}

/* Delivers the lines of `bytes` as long as the connection takes them. Returns how many bytes are done with;
 * *scanned is, before, how many of the first bytes are known to hold no LF, and after, how many of the rest. */
static size_t cut_lines(struct conn *conn, char *bytes, size_t length, size_t *scanned)
{
	size_t done = 0;
	while (accepts_lines(conn)) {
		char *text = bytes + done;
		char *newline = memchr(text + *scanned, '\n', length - done - *scanned);
		size_t line = newline ? (size_t)(newline - text) : length - done;
		if (is_too_long(conn, text, line)) {
			conn->too_long = true;
			break;
		}
		if (!newline) {
			*scanned = line;
			break;
		}
		done += line + 1;
		*scanned = 0;
		if (line > 0 && text[line - 1] == '\r')
			line--;
		deliver_line(conn, text, line);
	}
	return done;
}

static void refuse_too_long(struct conn *conn)
{
	conn->too_long = false;
	conn->discarding = true;
	drop_input(conn);
	if (conn->listener->callbacks.on_too_long)
		conn->listener->callbacks.on_too_long(conn);
}

/* The last line need not end in LF. */
static void deliver_last_line(struct conn *conn)
{
	struct input *input = conn->work->input;
	conn->work->input = NULL;
	if (input->bytes[input->end - 1] == '\r')
		input->end--;
	deliver_line(conn, input->bytes + input->start, input->end - input->start);
	free(input);
}

/* Delivers what is left over. */
static void deliver(struct conn *conn)
{
	struct input *input = conn->work->input;
	if (input && accepts_lines(conn)) {
		input->start += cut_lines(conn, input->bytes + input->start, input->end - input->start, &input->scanned);
		if (input->start == input->end)
			drop_input(conn);
		else if (conn->eof && !conn->too_long && accepts_lines(conn))
			deliver_last_line(conn);
	}
	if (conn->too_long)
		refuse_too_long(conn);
}

/* Nothing more will be read or delivered, and nothing is owed. */
static bool is_over(const struct conn *conn)
{
	if (conn->lost)
		return true;
	if (conn_pending(conn) > 0)
		return false;
	if (conn->ending)
		return true;
	if (conn->holds > 0)
		return false;
	if (conn->discarding)
		return conn->eof || conn->draining ||
		       (conn->work->discard_until != 0 && time_monotonic_micros() >= conn->work->discard_until);
	return conn->draining || (conn->eof && !conn->work->input);
}

/* Waits for what the state calls for; while discarding, until the deadline at most. */
static void wait_for_events(struct conn *conn)
{
	const struct conn_work *work = conn->work;
	short interest = 0;
	if (!conn->eof && (conn->discarding || accepts_lines(conn)))
		interest = EV_READ;
	if (work->output)
		interest = (short)(interest | EV_WRITE);
	if (interest != interest_of(conn)) {
		event_del(&conn->event);
		event_assign(&conn->event, conn->listener->base, descriptor(conn), (short)(interest | EV_PERSIST), on_event,
		             conn);
		if (interest != 0)
			event_add(&conn->event, NULL);
	}
	if (work->discard_until != 0 && interest != 0) {
		int64_t left = work->discard_until - time_monotonic_micros();
		if (left < 1)
			left = 1;
		event_add(&conn->event, &(struct timeval){left / 1000000, left % 1000000});
	}
}

static bool has_work(const struct conn *conn)
{
	const struct conn_work *work = conn->work;
	return work->is_due || work->input || work->output || work->discard_until != 0;
}

static void conn_settle(struct conn *conn)
{
	if (conn->closed)
		return;
	/* Lines held back by full output may go on when the socket took that output at once. */
	do {
		deliver(conn);
		flush(conn);
	} while (holds_lines(conn) && accepts_lines(conn));
	unmark_due(conn);
	if (conn->ending || conn->draining)
		drop_input(conn);
	if (conn->discarding && conn->work->discard_until == 0 && conn->holds == 0)
		conn->work->discard_until = time_monotonic_micros() + DISCARD_MICROS;
	if (conn->discarding && conn->holds == 0 && !conn->work->output && !conn->shut) {
		conn->shut = true;
		shutdown(descriptor(conn), SHUT_WR);
	}
	if (is_over(conn)) {
		close_conn(conn);
		return;
	}
	wait_for_events(conn);
	if (!has_work(conn))
		end_work(conn);
}

static void take_bytes(struct conn *conn, char *bytes, size_t length)
{
	if (conn->discarding)
		return;
	if (conn->work->input) {
		keep_input(conn, bytes, length);
		return;
	}
	size_t scanned = 0;
	size_t done = cut_lines(conn, bytes, length, &scanned);
	if (done < length && !conn->too_long) {
		keep_input(conn, bytes + done, length - done);
		conn->work->input->scanned = scanned;
	}
}

static void read_some(struct conn *conn)
{
	struct conn_listener *listener = conn->listener;
	/* A resumed connection takes what is left over first, so that this cannot grow. */
	if (conn->eof || !(conn->discarding || (accepts_lines(conn) && !holds_lines(conn))))
		return;
	ssize_t length = recv(descriptor(conn), listener->scratch, CONN_READ_BYTES, MSG_DONTWAIT);
	if (length > 0)
		take_bytes(conn, listener->scratch, (size_t)length);
	else if (length == 0)
		conn->eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		lose(conn);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct conn *conn = context;
	(void)fd;
	begin_work(conn);
	if ((what & EV_READ) != 0)
		read_some(conn);
	if (conn->work->discard_until != 0 && time_monotonic_micros() >= conn->work->discard_until)
		lose(conn);
	conn_settle(conn);
}

static void free_dead(struct conn_listener *listener)
{
	struct conn *conn;
	while ((conn = LIST_FIRST(&listener->dead)) != NULL) {
		LIST_REMOVE(conn, all);
		free(conn);
	}
}

/* The end of a turn of the loop: activated events run behind those that were active before. */
static void on_turn(evutil_socket_t fd, short what, void *context)
{
	struct conn_listener *listener = context;
	(void)fd;
	(void)what;
	/* What becomes due meanwhile waits for the next round, so that other events get theirs. */
	for (size_t left = listener->due_count; left > 0 && !TAILQ_EMPTY(&listener->due); left--) {
		struct conn *conn = TAILQ_FIRST(&listener->due);
		unmark_due(conn);
		conn_settle(conn);
	}
	free_dead(listener);
	if (!TAILQ_EMPTY(&listener->due))
		event_active(&listener->turn, 0, 0);
}

void conn_begin(struct conn_listener *listener)
{
	LIST_INIT(&listener->conns);
	LIST_INIT(&listener->dead);
	TAILQ_INIT(&listener->due);
	event_assign(&listener->turn, listener->base, -1, 0, on_turn, listener);
}

void conn_finish(struct conn_listener *listener)
{
	while (!LIST_EMPTY(&listener->conns))
		close_conn(LIST_FIRST(&listener->conns));
	free_dead(listener);
	event_del(&listener->turn);
}

void conn_open(struct conn_listener *listener, int fd, const struct ucred *peer)
{
	struct conn *conn = must(calloc(1, sizeof *conn));
	conn->listener = listener;
	conn->number = ++last_number;
	event_assign(&conn->event, listener->base, fd, EV_READ | EV_PERSIST, on_event, conn);
	event_add(&conn->event, NULL);
	LIST_INSERT_HEAD(&listener->conns, conn, all);
	listener->count++;
	log_debug(conn_subject(conn), "opened by uid %lu, pid %ld", (unsigned long)peer->uid, (long)peer->pid);
	if (listener->callbacks.on_open)
		conn->user = listener->callbacks.on_open(conn, peer->uid, peer->gid, peer->pid, listener->context);
}

void conn_drain(struct conn_listener *listener, bool now)
{
	struct conn *conn;
	LIST_FOREACH(conn, &listener->conns, all) {
		conn->draining = true;
		mark_due(conn);
		if (now)
			lose(conn);
	}
}

static bool can_send(struct conn *conn)
{
	size_t max = conn->listener->limits.max_output_bytes;
	if (conn->closed || conn->lost || conn->shut)
		return false;
	/* Much may have gathered in one turn for a peer that reads well: only what the socket does not take counts. */
	if (conn_pending(conn) > max && (interest_of(conn) & EV_WRITE) == 0)
		flush(conn);
	if (!conn->lost && conn_pending(conn) / SLOW_FACTOR > max) {
		log_warning(conn_subject(conn), "cut off: it does not read its answers");
		lose(conn);
	}
	return !conn->lost;
}

void conn_send_pieces(struct conn *conn, const struct conn_piece *pieces, size_t count)
{
	mark_due(conn);
	if (!can_send(conn))
		return;
	struct conn_work *work = conn->work;
	if (!work->output)
		work->output = must(evbuffer_new());
	int failed = 0;
	for (size_t i = 0; i < count; i++)
		failed |= evbuffer_add(work->output, pieces[i].bytes, pieces[i].length);
	failed |= evbuffer_add(work->output, "\n", 1);
	must(failed ? NULL : conn);
}

void conn_send(struct conn *conn, const char *bytes, size_t length)
{
	conn_send_pieces(conn, &(struct conn_piece){bytes, length}, 1);
}

void conn_pause(struct conn *conn)
{
	conn->pauses++;
	mark_due(conn);
}

void conn_resume(struct conn *conn)
{
	if (conn->pauses > 0)
		conn->pauses--;
	mark_due(conn);
}

void conn_hold(struct conn *conn)
{
	conn->holds++;
}

void conn_release_hold(struct conn *conn)
{
	if (conn->holds > 0)
		conn->holds--;
	mark_due(conn);
}

void conn_end(struct conn *conn)
{
	conn->ending = true;
	mark_due(conn);
}

void *conn_user(const struct conn *conn)
{
	return conn->user;
}

unsigned long conn_number(const struct conn *conn)
{
	return conn->number;
}

const char *conn_subject(const struct conn *conn)
{
	static char subject[sizeof "conn 18446744073709551615"];
	snprintf(subject, sizeof subject, "conn %lu", conn->number);
	return subject;
}
