/* Daemon: the rooms put together, from the first socket to the last answer. */
#ifndef TRACKTWO_DAEMON_DAEMON_H
#define TRACKTWO_DAEMON_DAEMON_H

#include <stdbool.h>

#include "base/arena.h"
#include "io/migrate.h"
#include "rpc/method.h"
#include "text/config.h"

extern const char daemon_version[];

/* The api functions that the methods and the daemon's own rooms need of the database; in the arena. */
const struct migrate_function *daemon_functions(struct arena *arena, const struct registry *registry, size_t *count);

/* Runs until it is told to stop; returns the process's exit status (sysexits.h). With `migrate_only` it stops by itself
 * once the database is in order. */
int daemon_run(const struct config *config, bool migrate_only);

#endif
