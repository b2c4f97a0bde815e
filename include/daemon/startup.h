/* Startup: the child process that brings the database into order while the loop goes on answering.
 *
 * Migrations block, so they run in a process of their own; it ends with the daemon, however that ends. */
#ifndef TRACKTWO_DAEMON_STARTUP_H
#define TRACKTWO_DAEMON_STARTUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "io/migrate.h"

struct startup {
	const char *superuser_dsn; /* NULL: nothing to bootstrap */
	const char *admin_dsn;     /* NULL or "": nothing is migrated, only checked */
	const char *dsn;
	const struct migrate_function *functions;
	size_t function_count;
};

/* Starts the child: bootstrap, apply, check. Returns its process id, -1 with errno. */
pid_t startup_begin(const struct startup *startup);

/* What the child's wait status (waitpid(2)) means. */
enum migrate_outcome startup_outcome(int status);

#endif
