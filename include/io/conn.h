/* Conn: stream sockets that carry one message a line; the only room that knows of descriptors of clients.
 *
 * A listener accepts, a connection cuts lines and writes lines. It does not know what a line means. An idle connection
 * costs one struct with its event: buffers exist only while bytes are pending. A connection lives until it is told to
 * end or its peer is gone, and is freed at the end of the loop's turn, never inside a callback. */
#ifndef TRACKTWO_IO_CONN_H
#define TRACKTWO_IO_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "text/address.h"

struct event_base;
struct conn;
struct conn_listener;

struct conn_limits {
	size_t max_line_bytes;   /* without the line's end */
	size_t max_clients;      /* of one listener; more are accepted, sent `refusal`, and closed */
	size_t max_output_bytes; /* over it a connection is not read; over four times it is cut off as too slow */
	const char *refusal;     /* the line sent to a client over max_clients, without its end; outlives the listener */
};

/* All of them run from the loop (or conn_listener_free), never inside another function of this room: a callee may call
 * anything here, conn_end() included, and its connection stays until it has returned. */
struct conn_callbacks {
	/* A new connection. The return value is kept for conn_user(). Peer credentials are by SO_PEERCRED at connect; over
	 * TCP nobody is known by them: (uid_t)-1, (gid_t)-1 and 0. */
	void *(*on_open)(struct conn *conn, uid_t uid, gid_t gid, pid_t pid, void *context);
	/* One line, without LF or CRLF; `text` is writable, zero-terminated (raw NULs inside are possible: length counts)
	 * and valid until the callback returns. Empty lines are skipped. What stands unterminated before a half-close
	 * counts as a line. Called for one connection again only after return; conn_pause() holds back further lines. */
	void (*on_line)(struct conn *conn, char *text, size_t length);
	/* A line grew over max_line_bytes. The callee writes its answer; when that and the answers still owed (conn_hold)
	 * are written, the connection half-closes, discards its input for up to 5 s and closes by itself. */
	void (*on_too_long)(struct conn *conn);
	/* The last call for this connection, whatever ended it: forget the pointer. */
	void (*on_close)(struct conn *conn);
};

/* Listens on a Unix socket at `path` (at most PLACE_SOCKET_PATH_MAX bytes). A socket file that nobody answers on is
 * replaced; one that a living daemon answers on is an error that says so. `group` NULL or "": mode 0600, else 0660 and
 * that group. On EMFILE or ENFILE accepting rests for 500 ms, with one log line a minute. */
struct conn_listener *conn_listen_unix(struct event_base *base, const char *path, const char *group,
                                       const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                       void *context, struct err *err);

/* The same on a TCP address. */
struct conn_listener *conn_listen_tcp(struct event_base *base, const struct address *address,
                                      const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                      void *context, struct err *err);

/* The same on `fd`, a listening stream socket that somebody else made, of a Unix path when `is_unix`, else of a
 * loopback address (it is an error when it is not). From now on it is the listener's, which closes it and never unlinks
 * its path; its file's mode and group are left alone. On failure it stays the caller's. */
struct conn_listener *conn_listen_inherited(struct event_base *base, int fd, bool is_unix,
                                            const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                            void *context, struct err *err);

/* From now on; connections over the new max_clients stay. */
void conn_listener_set_limits(struct conn_listener *listener, const struct conn_limits *limits);

/* Stops accepting and unlinks a Unix socket; connections stay. */
void conn_listener_stop(struct conn_listener *listener);

/* Ends all connections: each is not read any more, and goes when the answers owed (conn_hold) are given and written;
 * with `now`, at the end of the loop's turn whatever is pending. Lines not yet delivered are dropped. */
void conn_listener_drain(struct conn_listener *listener, bool now);
size_t conn_listener_count(const struct conn_listener *listener);

/* Frees the listener and, at once, every connection of it (with on_close). Not from inside a callback of this room. */
void conn_listener_free(struct conn_listener *listener);

/* Queues `length` bytes and LF. The bytes are copied. Nothing happens when the peer can no longer be written to. */
void conn_send(struct conn *conn, const char *bytes, size_t length);

/* The same from pieces, so that an envelope and a document need not be joined first. */
struct conn_piece {
	const char *bytes;
	size_t length;
};
void conn_send_pieces(struct conn *conn, const struct conn_piece *pieces, size_t count);

/* Bytes that wait to be written. */
size_t conn_pending(const struct conn *conn);

/* Nested, at most 65,535 deep: as many resumes as pauses. While paused, nothing is read and no line is delivered. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* Answers owed: while held, a half-closed connection stays open; the last release lets it flush and close. */
void conn_hold(struct conn *conn);
void conn_release_hold(struct conn *conn);

/* Ends the connection when its output is written; no further line is delivered, and answers owed are not waited for. */
void conn_end(struct conn *conn);

void *conn_user(const struct conn *conn);
/* A number for log lines, unique in this process. */
unsigned long conn_number(const struct conn *conn);
/* "conn N", for log lines; valid until the next call of this function. */
const char *conn_subject(const struct conn *conn);

#endif
