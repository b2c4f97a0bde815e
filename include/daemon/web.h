/* Web: what the daemon serves over HTTP: POST /rpc, GET /openrpc.json, /healthz, /readyz, /metrics, /events and
 * /calendar/TOKEN.ics.
 *
 * A POST is a session that lives for one message. GET /events is a session that lasts, with one subscription, as
 * server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): the id of each is its
 * delivery_id. Of what is due when it opens, the event that Last-Event-ID names is left out once; it has arrived
 * before. */
#ifndef TRACKTWO_DAEMON_WEB_H
#define TRACKTWO_DAEMON_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/migrate.h"
#include "io/pg.h"
#include "rpc/rpc.h"
#include "text/config.h"

struct event_base;
struct web;

struct web_options {
	struct event_base *base;
	struct rpc *rpc;
	struct pg_pool *pool;
	const struct config *config; /* says where backups lie; not kept */
	const char *api_schema, *version;
	const char *openrpc;       /* the document's text */
	const char *where, *group; /* as http_listen() takes them */
	size_t max_body_bytes, max_clients, max_stream_bytes;
	int inherited; /* as http_options has it */
};

/* Registers its statements with the pool, and listens. Strings are borrowed. */
struct web *web_new(const struct web_options *options, struct err *err);
/* As http_set_limits(). */
void web_set_limits(struct web *web, size_t max_body_bytes, size_t max_clients);
/* No new client, no stream any more; requests under way are answered. */
void web_stop(struct web *web);
/* Connections. */
size_t web_count(const struct web *web);
/* The pool must have ended all calls. NULL is allowed. */
void web_free(struct web *web);

/* The api functions that this room calls. */
extern const struct migrate_function web_functions[];
extern const size_t web_function_count;

#endif
