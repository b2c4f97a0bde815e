/* Pg: a pool of non-blocking, pipelined connections to PostgreSQL; with migrate the only room that includes libpq.
 *
 * A request is one prepared statement with text parameters. It waits in a queue, goes down the pipeline of the
 * connection with the least to do, and comes back by its callback exactly once: with the first column of the first row,
 * or with what went wrong. A request whose connection died, or that lost a deadlock, a serialization race or a unique
 * key's race, is sent again, up to six times and while no wait for a connection lasts longer than wait_ms: a statement
 * must be one that may run twice. Every write carries a request_id, so a second run finds what the first one did.
 * Nothing is reported as done before the sync that made it durable has come back.
 *
 * What arrived in one turn of the loop goes out together. Up to eight reads, or up to eight writes, share a sync on a
 * connection, and with it a transaction; what runs for the second time, or is prepared along, runs alone. A read's
 * failure is its own, and the reads behind it, which the server then passes over, run again. A write's failure undoes
 * its group: all of it runs again, each alone, and only then is anybody told; so neighbours of a failure lose time, and
 * nothing else. */
#ifndef TRACKTWO_IO_PG_H
#define TRACKTWO_IO_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct event_base;
struct pg_pool;

/* PG_READ: a statement that changes nothing, nor the session's state beyond its transaction. */
enum pg_lane { PG_READ, PG_WRITE };

enum pg_status {
	PG_OK,
	PG_RAISED,      /* the statement raised `sqlstate`: a fault of the request, or of the program */
	PG_TIMEOUT,     /* its statement timeout passed */
	PG_UNAVAILABLE, /* the database was out of reach for longer than wait_ms, or is not ready yet */
	PG_BUSY,        /* more is queued than the pool takes */
};

struct pg_result {
	enum pg_status status;
	const char
	    *text; /* PG_OK: the first column of the first row; NULL when there is none. Valid in the callback only */
	size_t length;
	char sqlstate[6]; /* PG_RAISED */
	/* PG_RAISED: the server's primary message, for the project's own SQLSTATEs (class "T2") only, else "". Never its
	 * detail: a unique violation's detail prints values. */
	const char *message;
	/* How often it was sent. After a failure with 1 or more, a write may have been carried out all the same. */
	unsigned attempts;
};

/* The statement text must stay the same for one `statement` pointer as long as the pool lives: it is prepared once a
 * connection, and found by this pointer. */
struct pg_statement {
	const char *sql;
	size_t parameters;
	enum pg_lane lane;
	size_t slot; /* set by pg_statement_add */
};

/* Makes the statement known; before its first request. `statement` must outlive the pool. */
void pg_statement_add(struct pg_pool *pool, struct pg_statement *statement);

typedef void pg_callback(const struct pg_result *result, void *context);

struct pg_options {
	const char *dsn;         /* copied */
	const char *application; /* application_name; copied */
	size_t connections;      /* at least 1 */
	size_t max_queued;       /* requests waiting for a connection, over which PG_BUSY */
	long statement_timeout_ms, wait_ms;
	const char *listen_channel; /* NULL, or a channel that one extra connection listens on; copied */
	long long advisory_keys[2]; /* held shared by that extra connection, when listening */
	/* A notification, or (with NULL) the listening connection is there again and anything may have been missed. */
	void (*on_notify)(const char *payload, void *context);
	/* The pool went from no usable connection to one, or back. */
	void (*on_state)(bool usable, void *context);
	void *context;
};

/* Copies the options. Starts nothing yet. */
struct pg_pool *pg_pool_new(struct event_base *base, const struct pg_options *options);

/* Once: begins to connect, and keeps connecting with back-off (50 ms doubling to 5 s, jittered) until stopped. */
void pg_pool_start(struct pg_pool *pool);

/* From now on. Connections take the new timeout one after the other, each when what it carries is answered. */
void pg_pool_set_timeouts(struct pg_pool *pool, long statement_timeout_ms, long wait_ms);

/* Queues a request; `values` (statement->parameters entries, NULL is SQL NULL) are copied. The callback is never called
 * before this function has returned. Before pg_pool_start() and after pg_pool_stop() the answer is PG_UNAVAILABLE. */
void pg_submit(struct pg_pool *pool, const struct pg_statement *statement, const char *const *values,
               pg_callback *callback, void *context);

/* Requests queued and in flight. */
size_t pg_pool_pending(const struct pg_pool *pool);
bool pg_pool_usable(const struct pg_pool *pool);

/* How the pool does, for metrics: requests, and connections by state, the listening one left out. */
enum pg_connection_state { PG_DOWN, PG_CONNECTING, PG_SETTING_UP, PG_READY, PG_CONNECTION_STATES };
struct pg_stats {
	size_t queued, in_flight;
	size_t connections[PG_CONNECTION_STATES];
};
struct pg_stats pg_pool_stats(const struct pg_pool *pool);
/* server_version of the last connection, e.g. 150020; 0 before the first. */
int pg_pool_server_version(const struct pg_pool *pool);

/* Closes all connections and answers everything outstanding, and everything from now on, with PG_UNAVAILABLE. */
void pg_pool_stop(struct pg_pool *pool);

/* Stops, and frees. NULL is allowed. */
void pg_pool_free(struct pg_pool *pool);

#endif
