/* Pg's inside: one connection of the pool, and what the pool and its connections tell each other. Included by pg.c and
 * pg_link.c only. */
#ifndef TRACKTWO_IO_PG_LINK_H
#define TRACKTWO_IO_PG_LINK_H

#include <libpq-fe.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

#include "io/pg.h"

/* A request from submission to callback. `values` and the texts they point at are one allocation with it. */
struct pg_request {
	struct pg_request *next;
	const struct pg_statement *statement;
	pg_callback *callback;
	void *context;
	int64_t queued_us; /* since when it has been waiting for a connection */
	unsigned attempts;
	unsigned owed;    /* results that its connection has yet to bring, its sync not counted */
	bool closes;      /* a sync follows it */
	PGresult *result; /* what the statement gave, kept until its sync is back */
	const char *values[];
};

struct pg_list {
	struct pg_request *first, **end;
	size_t count;
};

void pg_list_init(struct pg_list *list);
void pg_list_append(struct pg_list *list, struct pg_request *request);
struct pg_request *pg_list_take(struct pg_list *list);
/* Puts all of `front` before what `list` holds; `front` is empty afterwards. */
void pg_list_prepend(struct pg_list *list, struct pg_list *front);

enum pg_link_state { LINK_DOWN, LINK_CONNECTING, LINK_SETTING_UP, LINK_READY };

struct pg_link {
	struct pg_pool *pool;
	char subject[24]; /* "pg N", for log lines */
	bool listener;    /* listens for notifications, and carries no requests */
	enum pg_link_state state;
	PGconn *connection;
	struct event read_event, write_event; /* of the socket, while connected */
	struct event retry_timer;             /* until the next attempt; while connecting, until this one is given up */
	int socket;                           /* that the events are assigned to, -1 for none */
	long backoff_ms;
	long timeout_ms;                     /* the statement timeout that its session was set up with */
	bool renewing;                       /* takes nothing until its session is set up anew */
	struct pg_list sent;                 /* in the order of the pipeline */
	struct pg_request *newest, *reading; /* of `sent`: the last one, and the first that is owed a result or NULL */
	size_t open;                         /* how many of the last ones no sync follows yet */
	size_t groups;                       /* how many syncs are on their way */
	int64_t heard_us;                    /* when the server last said anything, or was first asked */
	unsigned char *prepared;             /* by statement slot */
	size_t prepared_size;
};

struct pg_pool {
	struct event_base *base;
	struct pg_options options; /* its strings are copies */
	struct pg_link *links;     /* options.connections, and one more when listening */
	size_t link_count;
	size_t statement_count;
	struct pg_list queue, refused;
	struct event dispatch_event, expiry_timer;
	int server_version;
	bool started, usable;
};

void pg_link_init(struct pg_link *link, struct pg_pool *pool, size_t number, bool listener);
/* Closes it without a word, and does not come back. */
void pg_link_stop(struct pg_link *link);
/* Begins to connect. */
void pg_link_start(struct pg_link *link);
/* Has the pipeline room for it, in the open group or as a new one? */
bool pg_link_takes(const struct pg_link *link, const struct pg_request *request);
/* Puts a request into the pipeline. False when the link died before it took the request: that is then the pool's again.
 */
bool pg_link_send(struct pg_link *link, struct pg_request *request);
/* The pool's statement timeout is no longer the one that its session has. */
bool pg_link_is_stale(const struct pg_link *link);
/* Sets a stale session up anew, as soon as it carries nothing; pg_pool_renew() follows. */
void pg_link_renew(struct pg_link *link);
/* Ends what pg_link_send() queued with a sync, and writes it out. */
void pg_link_flush(struct pg_link *link);
/* Ends the connection; what was sent goes back to the pool's queue, and the link connects again after its back-off. */
void pg_link_drop(struct pg_link *link, const char *why);

/* The pool's side. */
/* A request's sync is back: its result decides between its callback and another run; `undone`: a neighbour's failure
 * has rolled back whatever it did. Owns `request`. */
void pg_pool_on_result(struct pg_pool *pool, struct pg_link *link, struct pg_request *request, bool undone);
void pg_pool_on_link(struct pg_pool *pool);
/* The next stale link, when none is under way. */
void pg_pool_renew(struct pg_pool *pool);

#endif
