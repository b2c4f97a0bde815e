/* Conn's inside: what accepting (conn_listener.c) and the connections (conn.c) share. Included by them only. */
#ifndef TRACKTWO_SRC_IO_CONN_LINK_H
#define TRACKTWO_SRC_IO_CONN_LINK_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "conn_path.h"
#include "io/conn.h"

enum { CONN_READ_BYTES = 64 * 1024 };

LIST_HEAD(conn_list, conn);
TAILQ_HEAD(conn_queue, conn);

struct conn_listener {
	struct event_base *base;
	struct conn_limits limits;
	struct conn_callbacks callbacks;
	void *context;
	/* conn_listener.c's */
	struct event accepting, rest;
	int fd; /* -1 when stopped */
	int64_t rest_logged;
	struct conn_path path; /* of a Unix socket */
	bool tcp;
	/* conn.c's */
	struct event turn;
	struct conn_list conns, dead; /* the dead are closed, and freed at the end of the turn */
	struct conn_queue due;
	size_t count, due_count;           /* of conns, and of due */
	char scratch[CONN_READ_BYTES + 1]; /* what is read, before it is cut */
};

/* Before the first connection. */
void conn_begin(struct conn_listener *listener);
/* Frees every connection of the listener, at once. */
void conn_finish(struct conn_listener *listener);
/* A connection on `fd`, which is its own from now on; tells on_open. */
void conn_open(struct conn_listener *listener, int fd, const struct ucred *peer);
/* conn_listener_drain() */
void conn_drain(struct conn_listener *listener, bool now);

#endif
