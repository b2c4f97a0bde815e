/* Store: what store.h says. */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

PGconn *database;
char schema[64];

char *printed(const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	assert_true(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	return text;
}

void expect_done(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	PQclear(result);
}

void expect_refused(PGconn *connection, const char *sql, const char *state)
{
	PGresult *result = PQexec(connection, sql);
	const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!found)
		fail_msg("this was done, and ought to be refused: %s", sql);
	if (strcmp(found, state) != 0)
		fail_msg("%s: SQLSTATE %s instead of %s: %s", sql, found, state, PQresultErrorMessage(result));
	PQclear(result);
}

char *query_value(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	char *text;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	text = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return text;
}

void expect_found(PGconn *connection, const char *sql, const char *expected)
{
	char *found = query_value(connection, sql);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", sql, found, expected);
	free(found);
}

PGconn *connect_as(const struct harness *harness, const char *user)
{
	char *dsn = printed("host=%s/postgres/socket dbname=tracktwo user=%s connect_timeout=10", harness->state, user);
	PGconn *connection = PQconnectdb(dsn);
	if (PQstatus(connection) != CONNECTION_OK)
		fail_msg("%s: %s", user, PQerrorMessage(connection));
	free(dsn);
	return connection;
}

PGconn *connect_as_owner(const struct harness *harness)
{
	PGconn *connection = connect_as(harness, "tracktwo_admin");
	expect_done(connection, "SET ROLE tracktwo_owner");
	return connection;
}

int store_setup(void **state)
{
	if (harness_group_setup(state) != 0)
		return -1;
	database = harness_database(*state);
	expect_done(database, "SET client_min_messages = warning");
	char *name = query_value(database, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'");
	snprintf(schema, sizeof schema, "%s", name);
	free(name);
	return 0;
}

int store_teardown(void **state)
{
	PQfinish(database);
	return harness_group_teardown(state);
}
