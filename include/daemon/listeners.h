/* Listeners: the doors that clients come through: the Unix socket, TCP, HTTP.
 *
 * A door that the service manager has opened and handed over (service.h: socket, tcp, http) stands for the configured
 * one, also where the configuration says off; its file is neither changed nor removed. */
#ifndef TRACKTWO_DAEMON_LISTENERS_H
#define TRACKTWO_DAEMON_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/pg.h"
#include "rpc/rpc.h"
#include "text/config.h"

struct event_base;

struct listeners {
	struct conn_listener *socket, *tcp; /* NULL when they are off */
	struct web *web;
	const char *socket_place, *tcp_place, *web_place; /* in words, for the log */
};

/* Bytes that a client has not taken, over which it is too slow. */
enum { LISTENERS_OUTPUT_MAX = 8 * 1024 * 1024 };

struct listeners_options {
	struct event_base *base;
	const struct config *config;
	struct rpc *rpc;
	struct pg_pool *pool;
	const char *api_schema, *version;
	const char *openrpc; /* the document's text */
};

/* Strings are borrowed. What was opened before a failure is closed by listeners_close(). */
ERR_CHECKED bool listeners_open(struct listeners *listeners, const struct listeners_options *options, struct err *err);
/* The configuration's max_line_bytes and max_clients, from now on. */
void listeners_set_limits(const struct listeners *listeners, const struct config *config);
/* No new client; what is under way is answered, then each connection ends. */
void listeners_stop(const struct listeners *listeners);
/* Connections. */
size_t listeners_count(const struct listeners *listeners);
/* At once; the pool must have ended all calls. */
void listeners_close(struct listeners *listeners);

#endif
