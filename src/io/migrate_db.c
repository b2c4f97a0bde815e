/* Migrate_db: blocking libpq, with errors in words for the one who must act.
 *
 * Invariant: after a failure db->outcome tells a database out of reach from one that said no. What the server says
 * about a statement is passed on by its primary message and the line it points at: these are the developer's
 * statements, and details, which could hold a row's values, are never asked for. */
#include "io/migrate_db.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text/digest.h"

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

/* libpq ends its messages with a newline, and may put several lines into one. */
static void tidy(char *text)
{
	size_t length = strlen(text);
	while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		text[--length] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

bool migrate_db_refuse(struct migrate_db *db, const char *format, ...)
{
	char text[sizeof db->err->message];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	db->outcome = MIGRATE_REFUSED;
	return err_set(db->err, "%s", text);
}

void migrate_db_say(const struct migrate_db *db, const char *format, ...)
{
	if (!db->progress)
		return;
	va_list args;
	va_start(args, format);
	vfprintf(db->progress, format, args);
	va_end(args);
	fputc('\n', db->progress);
	fflush(db->progress);
}

/* A server that is up has refused us for a reason that waiting will not cure, except a lack of free slots. */
static enum migrate_outcome why_not_connected(const char *const *keywords, const char *const *values,
                                              const char *message)
{
	switch (PQpingParams(keywords, values, 1)) {
	case PQPING_OK:
		return strstr(message, "too many") || strstr(message, "connection slots") ? MIGRATE_UNREACHABLE
		                                                                          : MIGRATE_REFUSED;
	case PQPING_NO_ATTEMPT:
		return MIGRATE_REFUSED;
	case PQPING_REJECT:
	case PQPING_NO_RESPONSE:
		break;
	}
	return MIGRATE_UNREACHABLE;
}

ERR_CHECKED static bool try_connecting(struct migrate_db *db, const char *const *keywords, const char *const *values)
{
	struct err err;
	db->connection = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(db->connection) == CONNECTION_OK)
		return true;
	err_set(&err, "%s", PQerrorMessage(db->connection));
	tidy(err.message);
	db->outcome = why_not_connected(keywords, values, err.message);
	migrate_db_close(db);
	return err_set(db->err, "%s", err.message);
}

bool migrate_db_open(struct migrate_db *db, const char *dsn, const char *database)
{
	/* What stands before the connection string is overridden by it, what stands behind overrides it. */
	const char *keywords[] = {"connect_timeout", "application_name",         "dbname",
	                          "client_encoding", database ? "dbname" : NULL, NULL};
	const char *values[] = {"10", "tracktwod migrate", dsn, "UTF8", database, NULL};
	/* Twice: it may have come up between our attempt and the question whether it is up. */
	bool connected = try_connecting(db, keywords, values) ||
	                 (db->outcome == MIGRATE_REFUSED && try_connecting(db, keywords, values));
	if (!connected)
		return false;
	PQsetNoticeReceiver(db->connection, ignore_notice, NULL);
	return migrate_db_run(db, "setting up the session",
	                      "SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';"
	                      "SET statement_timeout = 0; SET lock_timeout = 0; SET standard_conforming_strings = on");
}

/* The server ends a session a moment after its client has gone, and whoever comes next must not find its lock held. */
void migrate_db_close(struct migrate_db *db)
{
	if (PQstatus(db->connection) == CONNECTION_OK)
		PQclear(PQexec(db->connection, "SELECT pg_advisory_unlock_all()"));
	PQfinish(db->connection);
	db->connection = NULL;
}

/* The position counts characters, from 1. */
static unsigned line_of(const char *sql, const char *position)
{
	unsigned line = 1;
	long characters = strtol(position, NULL, 10);
	for (const char *c = sql; *c && characters > 1; c++) {
		if (*c == '\n')
			line++;
		if (((unsigned char)c[1] & 0xC0) != 0x80)
			characters--;
	}
	return line;
}

static bool fail(struct migrate_db *db, const char *what, const char *sql, const PGresult *result)
{
	db->outcome = PQstatus(db->connection) == CONNECTION_BAD ? MIGRATE_UNREACHABLE : MIGRATE_REFUSED;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	if (message && position)
		return err_set(db->err, "%s, line %u: %s", what, line_of(sql, position), message);
	err_set(db->err, "%s: %s", what, message ? message : PQerrorMessage(db->connection));
	if (db->err)
		tidy(db->err->message);
	return false;
}

PGresult *migrate_db_query(struct migrate_db *db, const char *what, const char *sql, int count,
                           const char *const *values)
{
	PGresult *result =
	    count > 0 ? PQexecParams(db->connection, sql, count, NULL, values, NULL, NULL, 0) : PQexec(db->connection, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
		return result;
	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
		migrate_db_refuse(db, "%s: COPY from or to the client cannot be used here", what);
	else
		fail(db, what, sql, result);
	PQclear(result);
	return NULL;
}

bool migrate_db_run(struct migrate_db *db, const char *what, const char *sql)
{
	PGresult *result = migrate_db_query(db, what, sql, 0, NULL);
	PQclear(result);
	return result != NULL;
}

bool migrate_db_runf(struct migrate_db *db, const char *what, const char *format, ...)
{
	char *sql = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&sql, format, args);
	va_end(args);
	if (length < 0)
		abort();
	bool done = migrate_db_run(db, what, sql);
	free(sql);
	return done;
}

void migrate_db_rollback(struct migrate_db *db)
{
	if (PQtransactionStatus(db->connection) != PQTRANS_IDLE)
		PQclear(PQexec(db->connection, "ROLLBACK"));
}

bool migrate_db_check_locale(struct migrate_db *db)
{
	PGresult *result = migrate_db_query(db, "reading the database's encoding",
	                                    "SELECT pg_encoding_to_char(encoding), datctype, datname FROM pg_database "
	                                    "WHERE datname = current_database()",
	                                    0, NULL);
	if (!result)
		return false;
	const char *encoding = PQgetvalue(result, 0, 0), *ctype = PQgetvalue(result, 0, 1),
	           *name = PQgetvalue(result, 0, 2);
	bool fit = strcmp(encoding, "UTF8") == 0 && strcmp(ctype, "C") != 0 && strcmp(ctype, "POSIX") != 0;
	if (!fit)
		migrate_db_refuse(
		    db,
		    "the database \"%s\" has encoding %s and LC_CTYPE %s, in which Korean cannot be searched; create it "
		    "with ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0",
		    name, encoding, ctype);
	PQclear(result);
	return fit;
}

long long migrate_db_key(const char *name)
{
	char hex[DIGEST_HEX_SIZE];
	digest_of(name, strlen(name), hex);
	hex[16] = '\0';
	return (long long)strtoull(hex, NULL, 16);
}
