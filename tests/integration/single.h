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

#endif
