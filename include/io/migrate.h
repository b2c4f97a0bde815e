/* Migrate: brings a database to the state that this binary expects; blocking libpq, so it runs in a process of its own
 * (a child while the daemon starts, or `tracktwod --migrate`).
 *
 * Both kinds of SQL are compiled in. Migrations (sql/migrations/NNNN_*.sql) are applied once, in order, each in its own
 * transaction, with a checksum that must never change, under one advisory lock. The api (sql/api/ *.sql) is loaded into
 * a schema named by the digest of its text, api_<16 hex digits>, so that daemons of two versions can serve side by
 * side; schemas whose daemons are gone (nobody holds their advisory lock) are dropped, function by function. */
#ifndef TRACKTWO_IO_MIGRATE_H
#define TRACKTWO_IO_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* A file compiled in; the tables below end with a NULL name and are sorted by name. */
struct migrate_file {
	const char *name; /* "0001_store.sql" */
	const char *text;
};
extern const struct migrate_file migrate_migrations[], migrate_api[];

/* "api_" and 16 hexadecimal digits of the api files' digest; static. */
const char *migrate_api_schema(void);
/* The advisory lock's key that a daemon serving this schema holds shared. */
long long migrate_api_lock(void);
/* The number of the last migration compiled in. */
int migrate_version(void);

enum migrate_outcome {
	MIGRATE_DONE,
	MIGRATE_UNREACHABLE, /* try again later */
	MIGRATE_REFUSED,     /* the database is not one this binary can serve; err says why and what to do */
};

/* What a function of the api must look like; from the method rows. */
struct migrate_function {
	const char *name; /* "engagement_log" */
	const char
	    *arguments; /* "p_caller uuid, p_request jsonb, p_title text": as pg_get_function_identity_arguments says it */
	bool writes;    /* must be VOLATILE; a read may be STABLE or VOLATILE */
};

/* An embedded cluster's first steps, as its superuser on database "postgres": the roles tracktwo_owner (no login),
 * tracktwo_admin (login, member of the owner) and tracktwo_daemon (login), and the database `tracktwo`. Idempotent. */
enum migrate_outcome migrate_bootstrap(const char *superuser_dsn, struct err *err);

/* Applies what is missing, as the owner, and loads the api; grants EXECUTE on `functions` (made SECURITY DEFINER with a
 * fixed search_path) to tracktwo_daemon. Refuses a database whose encoding is not UTF8 or whose LC_CTYPE is C or POSIX,
 * a changed checksum, and a database newer than this binary. One line of progress on `progress` for each step taken
 * (NULL: silent). */
enum migrate_outcome migrate_apply(const char *admin_dsn, const struct migrate_function *functions, size_t count,
                                   FILE *progress, struct err *err);

/* Compares the database with this binary by way of the run-time role: the last migration, the api schema, every
 * function (its arguments' names and types, its volatility, jsonb or text for its result, p_caller first); every
 * difference is named in one message on `progress`, one a line. */
enum migrate_outcome migrate_check(const char *dsn, const struct migrate_function *functions, size_t count,
                                   FILE *progress, struct err *err);

#endif
