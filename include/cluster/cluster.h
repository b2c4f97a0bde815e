/* Cluster: a private PostgreSQL under the daemon's state directory, made, started, watched and stopped by the daemon.
 *
 * initdb and postgres run as children in a process group of their own, so that an interrupt at the terminal reaches the
 * daemon first; they get SIGINT (fast shutdown) when the daemon dies, however it dies. A server left behind by an
 * earlier daemon is stopped first. One that ends by itself is started again after a back-off. Nothing blocks the loop.
 *
 * Files: STATE_DIR/postgres/data (0700) with its configuration written anew at every start (own settings go into
 * data/local.conf), STATE_DIR/postgres/log, the sockets in a directory of mode 0700. Peer authentication only, no TCP.
 *
 * It listens for SIGCHLD on the loop while it lives, and waits for its own children by their ids only: others may have
 * children, and an event for that signal, of their own. */
#ifndef TRACKTWO_CLUSTER_CLUSTER_H
#define TRACKTWO_CLUSTER_CLUSTER_H

#include <stdbool.h>

#include "base/err.h"

struct event_base;
struct cluster;

enum cluster_state { CLUSTER_STARTING, CLUSTER_RUNNING, CLUSTER_STOPPING, CLUSTER_STOPPED, CLUSTER_FAILED };

struct cluster_options {
	const char *state_dir; /* exists, and belongs to the effective user, who is not root; copied */
	/* Copied; "" = the newest under /usr/lib/postgresql, or the data directory's own major version. */
	const char *postgres_bin;
	/* From the loop only. CLUSTER_RUNNING: the server accepts connections on its socket. CLUSTER_STARTING: it has ended
	 * by itself and is started again; `message` says how it ended. CLUSTER_FAILED: it cannot be started at all, and
	 * `message` says why (initdb's last line, say); nothing is tried any more. CLUSTER_STOPPED: after cluster_stop()
	 * only. Without anything to say, `message` is "". */
	void (*on_state)(enum cluster_state state, const char *message, void *context);
	void *context;
};

/* Finds the programs and the socket directory (STATE_DIR/postgres/socket, or, when that path is too long for a socket
 * or holds a comma, one in $XDG_RUNTIME_DIR or /tmp named by the state directory's digest); creates directories; takes
 * the state directory for itself (an error when another daemon has it); starts nothing. NULL with `err` on failure. */
struct cluster *cluster_new(struct event_base *base, const struct cluster_options *options, struct err *err);

/* Begins; on_state tells the rest. */
void cluster_start(struct cluster *cluster);

/* Fast shutdown; on_state(CLUSTER_STOPPED) when the server is gone; SIGQUIT after 30 s. Also when nothing runs. */
void cluster_stop(struct cluster *cluster);

/* Connection strings, valid as long as the cluster: of the run-time role, of the owner's login, of the superuser. */
const char *cluster_dsn(const struct cluster *cluster);
const char *cluster_admin_dsn(const struct cluster *cluster);
const char *cluster_superuser_dsn(const struct cluster *cluster);

/* A server that still runs is told to shut down, and not waited for. Not from inside on_state. */
void cluster_free(struct cluster *cluster);

#endif
