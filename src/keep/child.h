/* Child: PostgreSQL's own programs, run with pipes.
 *
 * Connection strings reach them through their environment, never through their arguments, which anybody on the machine
 * can read. A child ends with this process. */
#ifndef TRACKTWO_SRC_KEEP_CHILD_H
#define TRACKTWO_SRC_KEEP_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct child {
	const char *name; /* borrowed, for messages */
	pid_t pid;        /* 0 when it has ended */
	int words;        /* what it says on standard error; -1 = none */
};

/* PGHOST and the like for `dsn`, beside what this process has, with "options" added to PGOPTIONS; NULL-terminated, in
 * the arena. NULL with `err` when the connection string is none. */
char **child_environment(struct arena *arena, const char *dsn, const char *options, struct err *err);

/* Starts arguments[0] with these as its standard input and output (-1: /dev/null); both stay the caller's. */
ERR_CHECKED bool child_start(struct child *child, const char *name, const char *const *arguments, char **environment,
                             int input, int output, struct err *err);

/* Waits; false with its last words unless it ended with status 0. */
ERR_CHECKED bool child_end(struct child *child, struct err *err);

/* Ends it by force when it runs. */
void child_abandon(struct child *child);

/* The folder of pg_dump, pg_restore and psql that go with a server of this major version: `configured` when it is not
 * "", the same version's under /usr/lib/postgresql, the next newer one's there, or the PATH's; in the arena, with a
 * slash at its end, "" for the PATH. NULL with `err` when none is new enough. */
const char *child_find_programs(struct arena *arena, const char *configured, int server_major, struct err *err);

#endif
