/* Daemon: the rooms put together, from the first socket to the last answer. */
#ifndef TRACKTWO_DAEMON_DAEMON_H
#define TRACKTWO_DAEMON_DAEMON_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "io/migrate.h"
#include "rpc/method.h"
#include "text/config.h"

extern const char daemon_version[];

/* The api functions that the methods and the daemon's own rooms need of the database; in the arena. */
const struct migrate_function *daemon_functions(struct arena *arena, const struct registry *registry, size_t *count);

struct daemon_options {
	const struct config *config;  /* settled (privileges.h): where things really lie */
	const struct config *as_read; /* what was read, before that */
	bool migrate_only;            /* ends by itself once the database is in order */
	/* Reads the configuration again, into `fresh`, which is the daemon's also when that fails. */
	bool (*read)(struct config *fresh, void *context, struct err *err);
	void *context;
};

/* Runs until it is told to stop; returns the process's exit status (sysexits.h). On SIGHUP it reads the configuration
 * again: one that is wrong changes nothing. */
int daemon_run(const struct daemon_options *options);

#endif
