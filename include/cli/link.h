/* Link: a blocking connection of the command line to the daemon, one JSON-RPC message a line.
 *
 * While it waits to write it reads, so that a daemon that stops reading until its answers are taken cannot deadlock
 * with it however many requests are sent at once. */
#ifndef TRACKTWO_CLI_LINK_H
#define TRACKTWO_CLI_LINK_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

#include "base/err.h"

struct link;

/* Connects to the Unix socket. With timeout_ms > 0 no wait for an answer is longer. NULL with `err` on failure. */
struct link *link_open(const char *path, int timeout_ms, struct err *err);
void link_close(struct link *link);

/* While it waits, `waiting` is the signal mask of the program; a wait that a signal ends with *stop set fails. Both are
 * borrowed for as long as the link stands. */
void link_stop_by(struct link *link, const volatile sig_atomic_t *stop, const sigset_t *waiting);

/* Is there a whole message to be had without waiting? */
bool link_has_more(const struct link *link);

/* Sends one message; it stays the caller's. */
ERR_CHECKED bool link_send(struct link *link, const json_t *message, struct err *err);

/* The next message from the daemon, the caller's to release; NULL with `err` when the connection ended, the time is
 * over or what came is no JSON. */
json_t *link_receive(struct link *link, struct err *err);

/* A request object; takes over `params` (NULL: none). */
json_t *link_request(json_int_t id, const char *method, json_t *params);

/* Calls a method and waits for its answer, past whatever else comes. When the connection breaks on the way it is opened
 * once more and the call repeated, which is safe for reads, and for writes by their request_id. *link may be NULL
 * before. The answer holds `result` or `error`; NULL with `err` when the daemon is out of reach. */
json_t *link_call(struct link **link, const char *path, const char *method, const json_t *params, struct err *err);

#endif
