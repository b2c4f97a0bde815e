/* Migrate_db: one blocking connection, and the api's schema in it; what the files of the migrate room share, and what
 * the keep room does its own work over. Never on the loop.
 *
 * Every function that fails has filled db->outcome and the struct err by then, so that callers only pass it on. */
#ifndef TRACKTWO_IO_MIGRATE_DB_H
#define TRACKTWO_IO_MIGRATE_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "io/migrate.h"

struct migrate_db {
	PGconn *connection;
	enum migrate_outcome outcome; /* of the last failure */
	FILE *progress;
	struct err *err;
};

/* Opens; `database` NULL takes the one that the connection string names. Notices are silenced, the search_path is
 * pg_catalog alone, the time zone UTC. */
ERR_CHECKED bool migrate_db_open(struct migrate_db *db, const char *dsn, const char *database);
void migrate_db_close(struct migrate_db *db);

/* Runs one or several statements. `what` names them in the error: a file, or what was tried. */
ERR_CHECKED bool migrate_db_run(struct migrate_db *db, const char *what, const char *sql);

/* printf, then migrate_db_run(); for names and numbers of our own only. */
ERR_CHECKED bool migrate_db_runf(struct migrate_db *db, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One query with text parameters. NULL on failure; the caller clears the result. */
PGresult *migrate_db_query(struct migrate_db *db, const char *what, const char *sql, int count,
                           const char *const *values);

/* Ends an open transaction without a word, also after a failure. */
void migrate_db_rollback(struct migrate_db *db);

/* Fills err and outcome MIGRATE_REFUSED; false. */
bool migrate_db_refuse(struct migrate_db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line of progress. */
void migrate_db_say(const struct migrate_db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Refuses roles that are missing or may too little, with the statements that an administrator has to run. */
ERR_CHECKED bool migrate_db_check_roles(struct migrate_db *db);

/* Refuses an encoding other than UTF8 and an LC_CTYPE of C or POSIX. */
ERR_CHECKED bool migrate_db_check_locale(struct migrate_db *db);

/* The name whose lock keeps two runs of migrations apart. */
#define MIGRATE_DB_LOCK "tracktwo migrate"

/* The advisory lock's key of a schema's name: the first 8 bytes of its SHA-256, big-endian. */
long long migrate_db_key(const char *name);

/* Loads this binary's api when it is not there, and sees to it that exactly `functions` are open to tracktwo_daemon. */
ERR_CHECKED bool migrate_api_load(struct migrate_db *db, const struct migrate_function *functions, size_t count);

/* Drops every other api schema that no daemon serves from. What cannot be dropped is said and left. */
ERR_CHECKED bool migrate_api_drop_stale(struct migrate_db *db);

/* How the api's schema differs from `functions`, each difference a line of progress; refuses when it does. With `role`,
 * whether that role may execute them is compared too. */
ERR_CHECKED bool migrate_api_compare(struct migrate_db *db, const struct migrate_function *functions, size_t count,
                                     const char *role);

#endif
