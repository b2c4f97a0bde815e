/* Store: for programs that ask the database itself, past the daemon: a superuser's connection, and what a statement
 * must do. Most statements of such tests are a superuser's: what stops them stops everybody. Failures fail the running
 * test. */
#ifndef TRACKTWO_TESTS_STORE_H
#define TRACKTWO_TESTS_STORE_H

#include "harness.h"

#define ADMINISTRATOR "00000000-0000-7000-8000-000000000001"
#define OTHER "00000000-0000-7000-8000-0000000000b0"

/* SQLSTATEs; the last two are the project's own. */
#define NOT_NULL "23502"
#define FOREIGN "23503"
#define UNIQUE "23505"
#define CHECKED "23514"
#define FORBIDDEN "42501"
#define APPEND_ONLY "T2001"
#define FOLLOWS "T2002"

/* Of the group's daemon: the superuser's connection, and the schema of the api's functions. */
extern PGconn *database;
extern char schema[64];

/* cmocka's group set-up and tear-down; *state becomes the harness. */
int store_setup(void **state);
int store_teardown(void **state);

/* printf into memory; free() it. */
char *printed(const char *format, ...) __attribute__((format(printf, 1, 2)));

void expect_done(PGconn *connection, const char *sql);
/* Refused with this SQLSTATE, and nothing else will do. */
void expect_refused(PGconn *connection, const char *sql, const char *state);
/* The first column of the first row, "" when there is none; free() it. */
char *query_value(PGconn *connection, const char *sql);
void expect_found(PGconn *connection, const char *sql, const char *expected);

/* A connection of this user; and a session of the owner, without an identity. PQfinish() them. */
PGconn *connect_as(const struct harness *harness, const char *user);
PGconn *connect_as_owner(const struct harness *harness);

#endif
