/* Keep: a way back. `tracktwod --admin COMMAND …`, which `tracktwo admin COMMAND …` runs: backups, their check by a
 * real restore, the restore itself, and the ways of a store to another PostgreSQL.
 *
 * Blocking, in a process of its own, as the user that the daemon runs as. What these commands do to a store is one
 * transaction, or the exchange of two names: broken off at any moment, the store is what it was or what it was to
 * become. */
#ifndef TRACKTWO_KEEP_KEEP_H
#define TRACKTWO_KEEP_KEEP_H

#include <stddef.h>

#include "io/migrate.h"
#include "text/config.h"

struct keep_options {
	const struct config *config; /* settled: privileges.h */
	const char *file;            /* the configuration that was read; NULL: none */
	const char *version;
	const struct migrate_function *functions; /* that the daemon needs of the database */
	size_t function_count;
};

/* Runs the command that words[0] names; returns the process's exit status: 0, 1 for a failure that was told on
 * standard error, 2 for a command that cannot be read. */
int keep_run(const struct keep_options *options, int count, char **words);

#endif
