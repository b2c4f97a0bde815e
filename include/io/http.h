/* Http: HTTP/1.1 (RFC 9110, 9112) by libevent's evhttp, which this room alone knows, with what evhttp leaves open
 * closed.
 *
 * A request reaches the callback only when it is whole, within its limits and unambiguous: one Host that means this
 * machine, an Origin of ours or none, one Content-Length, no folded header, chunks to the letter, a body only where one
 * may be, a path for a target. Whatever else comes is answered with 4xx here, and its connection is closed and never
 * used again. A request that is not whole within HTTP_READ_S of its first byte is cut off, however busily it trickles;
 * so is whoever does not take the answer.
 *
 * Every answer, also where evhttp would send a page of its own, says nosniff and no-store, and is plain text or what
 * the callee named. (What remains of evhttp's own is the interim answer to "Expect: 100-continue", which has no
 * headers.)
 *
 * Strangers come last: the loop's lowest priority is theirs until http_prefer() is called for one of their requests,
 * and when connections run out, those go first that have owed a whole request longest.
 *
 * An exchange is one request and its one answer. It outlives its client: the answer to a client that has gone is
 * dropped. */
#ifndef TRACKTWO_IO_HTTP_H
#define TRACKTWO_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "io/conn.h"

struct event_base;
struct http_exchange;
struct http_server;

enum {
	HTTP_HEADER_BYTES = 16 * 1024, /* of one request's line and headers */
	HTTP_READ_S = 10,              /* from a request's first byte to its last */
	HTTP_WRITE_S = 30,             /* until an answer has been taken */
	HTTP_IDLE_S = 60,              /* between requests */
	HTTP_UNSENT_BYTES = 256 << 20, /* of all answers, over which the slowest taker is cut off */
	HTTP_QUIET_S = 15,             /* after which a stream without anything to say sends `keep_alive` */
};

enum http_verb { HTTP_GET, HTTP_POST, HTTP_ANOTHER }; /* HEAD counts as GET; its answer goes without the body */

struct http_options {
	size_t max_body_bytes;
	size_t max_clients;      /* for one more, an idle one is closed; when all are being answered, it is sent 503 */
	size_t max_stream_bytes; /* pending for a stream, over which it is cut off as too slow */
	int inherited;           /* > 0: as conn_listen_inherited() takes it, and `where` means nothing; else 0 */
	const char *keep_alive;  /* outlives the server */
	/* A request has come: the callee answers it, now or later, exactly once. */
	void (*on_request)(struct http_exchange *exchange, void *context);
	/* The client of a stream has gone: the callee ends the stream. Called from the loop, never inside another function.
	 */
	void (*on_gone)(struct http_exchange *exchange, void *context);
	void *context;
};

/* A loop of three priorities, the middle one for whatever names none; between two of the last the others are looked
 * after. Aborts when there is none to be had. event_base_free() it. */
struct event_base *http_loop_new(void);

/* Listens on `where`: host:port of a loopback address, or, when it begins with "/", a Unix socket, as
 * conn_listen_unix() does (with `group`). */
struct http_server *http_listen(struct event_base *base, const char *where, const char *group,
                                const struct http_options *options, struct err *err);

/* From now on; connections over the new max_clients stay. */
void http_set_limits(struct http_server *server, size_t max_body_bytes, size_t max_clients);

/* Stops accepting and ends idle connections; exchanges go on, and close their connections when they are answered. */
void http_stop(struct http_server *server);
/* Connections. */
size_t http_count(const struct http_server *server);
/* Frees the server and all connections at once. Every exchange must have been answered, every stream ended. */
void http_free(struct http_server *server);

/* Of the request; valid until it is answered. */
enum http_verb http_verb(const struct http_exchange *exchange);
const char *http_path(const struct http_exchange *exchange);
/* NULL when there is none. */
const char *http_header(const struct http_exchange *exchange, const char *name);
/* The first parameter of that name in the target's query, decoded, in the arena; NULL when there is none. */
const char *http_query(const struct http_exchange *exchange, struct arena *arena, const char *name);
/* Writable, zero-terminated. */
char *http_body(const struct http_exchange *exchange, size_t *length);
/* The user at the other end of a Unix socket; -1 over TCP. */
long http_uid(const struct http_exchange *exchange);
/* "http N", for log lines. */
const char *http_subject(const struct http_exchange *exchange);

/* Whoever sent this is somebody: the connection is no stranger's any more. */
void http_prefer(struct http_exchange *exchange);

void http_set_user(struct http_exchange *exchange, void *user);
void *http_user(const struct http_exchange *exchange);

/* One more header for the answer, before it begins. An answer without a Cache-Control of its own gets no-store. */
void http_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* The answer; `type` NULL and no pieces: without content. The bytes are copied. Frees the exchange. */
void http_reply(struct http_exchange *exchange, int status, const char *type, const struct conn_piece *pieces,
                size_t count);
/* The same with one line of plain text. */
void http_reply_text(struct http_exchange *exchange, int status, const char *text);

/* An answer that has no end of its own: begin, send, end; the end frees the exchange. */
void http_stream_begin(struct http_exchange *exchange, const char *type);
void http_stream_send(struct http_exchange *exchange, const char *bytes, size_t length);
/* Bytes that the client has not taken yet. */
size_t http_stream_pending(const struct http_exchange *exchange);
/* Has on_gone called soon, as if the client had gone. */
void http_stream_cut(struct http_exchange *exchange);
void http_stream_end(struct http_exchange *exchange);

#endif
