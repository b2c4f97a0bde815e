/* Output: results and errors as people and scripts read them. */
#ifndef TRACKTWO_CLI_OUTPUT_H
#define TRACKTWO_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "rpc/method.h"

enum output_format { OUTPUT_TABLE, OUTPUT_TSV, OUTPUT_JSON };

/* One line of text for `record`'s member at the dotted `path` ("dialogue.title"); "" when it is absent or null. Lists
 * are joined by ",", objects show their name, title, code or text, and whatever could break a line or steer a terminal
 * becomes a space. In the arena. */
const char *output_cell(struct arena *arena, const json_t *record, const char *path);

/* Prints a result. What has a page of text, in its member `markdown`, shows that, line by line. A page of records, or
 * an object that holds nothing but one list beside plain members, becomes a row each, with the columns of the method's
 * row (which may be NULL: of an unknown method); anything else two columns, key and value, in the order of the result's
 * type; a table leaves out what is empty, and shows instants in `zone` (NULL: as they came). */
void output_result(FILE *out, enum output_format format, const char *zone, const struct method *method, json_t *result);

/* "2026-11-23T03:30:00Z" as the clock on the wall shows it: "2026-11-23 12:30". In the arena; `instant` itself when it
 * is none or the zone unknown. */
const char *output_instant(struct arena *arena, const char *instant, const char *zone);

/* What goes to standard error beside a result: where the next page is, and the warnings of a write. */
void output_hints(FILE *out, const json_t *result);

/* Prints a JSON-RPC error object and returns the exit code that stands for it. */
int output_error(FILE *out, const json_t *error);

#endif
