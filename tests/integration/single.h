/* Single: for a program with one daemon and one client, cmocka's group set-up and tear-down, and what most tests do
 * with the two. */
#ifndef TRACKTWO_TESTS_SINGLE_H
#define TRACKTWO_TESTS_SINGLE_H

#include "checked.h"

extern struct harness *harness;
extern struct client client;

int single_setup(void **state);
int single_teardown(void **state);

/* checked_result() of that client; json_decref() it. */
json_t *call(const char *method, json_t *params);

/* The id of what a write made; free() it. */
char *made(const char *method, json_t *params);

/* The one value that the statement gives; free() it. */
char *sql(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Waits until the statement gives that, fifteen seconds at most; by single_pause(), which a program that has something
 * to serve meanwhile sets to what serves. */
void await(const char *expected, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void (*single_pause)(int ms);

#endif
