/* Hold: the embedded PostgreSQL for whoever is no daemon and may block: a backup, a restore, a check of a backup.
 *
 * The same state machine as the daemon's (cluster.h), on a loop of its own that turns only while something is waited
 * for. The server ends with the process that holds it, however that ends. */
#ifndef TRACKTWO_CLUSTER_HOLD_H
#define TRACKTWO_CLUSTER_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Where Debian and its relatives install each major version: VERSION/bin below it. */
#define CLUSTER_INSTALLED "/usr/lib/postgresql"

struct cluster_hold;

/* Makes the cluster under STATE_DIR/postgres when there is none, starts it and waits until it accepts connections. A
 * daemon that uses it is an error. `bin` as [database] postgres_bin; both are copied. NULL with `err`. */
struct cluster_hold *cluster_hold_open(const char *state_dir, const char *bin, struct err *err);

/* For the server that a daemon runs: starts nothing, and takes nothing. */
struct cluster_hold *cluster_hold_visit(const char *state_dir, const char *bin, struct err *err);

/* Stops the server that it started, and waits for its end. NULL is allowed. */
void cluster_hold_close(struct cluster_hold *hold);

/* Connection strings, valid as long as the hold: of the superuser in database "postgres", of the same in "tracktwo",
 * of the owner's login, of the run-time role. */
const char *cluster_hold_superuser_dsn(const struct cluster_hold *hold);
const char *cluster_hold_store_dsn(const struct cluster_hold *hold);
const char *cluster_hold_admin_dsn(const struct cluster_hold *hold);
const char *cluster_hold_dsn(const struct cluster_hold *hold);

/* Keeps every daemon from a cluster that stands still: a descriptor, to be closed; -1 with `err`. A hold that this
 * process opens of the same cluster meanwhile goes ahead, and its close gives the cluster free as well. */
int cluster_keep(const char *state_dir, struct err *err);

enum { CLUSTER_FOLDER_SIZE = 4096 };

/* What lies in STATE_DIR/postgres; strings of a length that any of its paths has. */
struct cluster_look {
	bool served;                                               /* somebody uses the cluster now */
	int data_version;                                          /* major; 0 without a data directory */
	int newest_version;                                        /* of the programs under /usr/lib/postgresql; 0: none */
	char root[CLUSTER_FOLDER_SIZE], data[CLUSTER_FOLDER_SIZE]; /* STATE_DIR/postgres, and data in it */
};

/* Looks without changing anything. A state_dir that holds no cluster is no error. */
ERR_CHECKED bool cluster_look(const char *state_dir, struct cluster_look *look, struct err *err);

/* From now on the cluster under `root` is refused to every daemon: its database lives on another server. `text` tells
 * people where. */
ERR_CHECKED bool cluster_mark_moved(const char *root, const char *text, struct err *err);

#endif
