/* Checked: calls whose answers are held against the result type of the method's row, so that every test that calls a
 * method also tests what rpc.discover promises of it; and JSON from text. Failures fail the running test. */
#ifndef TRACKTWO_TESTS_CHECKED_H
#define TRACKTWO_TESTS_CHECKED_H

#include "harness.h"
#include "rpc/method.h"

/* All methods; lives as long as the program. */
const struct registry *checked_registry(void);

/* A value of a printf format that writes ' for ". What is put in must need no escape in JSON. json_decref() it. */
json_t *json_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* client_result(), and the result is of the method's type. Steals `params`; json_decref() the result. */
json_t *checked_result(struct client *client, const char *method, json_t *params);
/* The same for a value that came some other way. */
void checked_value(const char *method, const json_t *value);
/* Has a result of this method been checked in this program? */
bool checked_covered(const char *method);

/* client_error() with code and data.code as given; steals `params`; json_decref() the error. */
json_t *checked_error(struct client *client, const char *method, json_t *params, int code, const char *data_code);
/* Expects invalid_params that names exactly the fields of the space-separated list, in any order. */
void checked_faults(struct client *client, const char *method, json_t *params, const char *fields);
/* Expects an error whose data.field is this. */
void checked_refused(struct client *client, const char *method, json_t *params, int code, const char *data_code,
                     const char *field);

/* Sends a line, and returns the next line that comes, within 20 s; free() it. */
char *checked_exchange(struct client *client, const char *line);

/* The number of rows that people's writes leave: engagements, contacts, changes and all else that a write may touch. */
long checked_rows(const struct harness *harness);

/* An id that no other call returns: version 7 in form, in ascending order. */
const char *checked_id(void);

#endif
