/* Commands: what is more than one call and its answer. Each returns the exit code and prints its own errors. */
#ifndef TRACKTWO_CLI_COMMANDS_H
#define TRACKTWO_CLI_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/output.h"
#include "rpc/method.h"

/* Sends every line of `in`, a JSON-RPC request, and waits for the answers. Lines of one method in a row go out
 * together; what such a group may depend on has been answered before. A line that fails because something is not there
 * yet is tried again after its group. `name` stands before the numbers of lines that failed. */
int commands_load(const char *socket, const struct registry *registry, FILE *in, const char *name);

/* Waits until the daemon answers and its database is there. */
int commands_wait(const char *socket, long seconds);

/* Subscribes with `params`, which stay the caller's, and prints a line for each notification until the connection ends,
 * or `count` have come (0: for ever). */
int commands_subscribe(const char *socket, const json_t *params, enum output_format format, bool acknowledge,
                       long count);

/* Prints what calendar.export answers to `params`, which stay the caller's, as iCalendar (RFC 5545). */
int commands_export_calendar(const char *socket, const json_t *params);

/* Help for everything, a noun ("engagement"), or a method. False when the noun or verb is unknown; a suggestion has
 * then been printed on standard error. `noun` and `verb` may be NULL. */
bool commands_help(FILE *out, const struct registry *registry, const char *noun, const char *verb);

/* Says on standard error that there is no such noun or verb, and which is near. */
void commands_unknown(const struct registry *registry, const char *noun, const char *verb);

#endif
