/* Measure: what a store holds, table by table, in figures that do not depend on the order of rows: their number, and
 * the sum of their SHA-256. Of the catalogue too: columns, constraints, indexes, triggers, policies, functions. */
#ifndef TRACKTWO_SRC_KEEP_MEASURE_H
#define TRACKTWO_SRC_KEEP_MEASURE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "io/migrate_db.h"

/* What a session needs before it measures, or row-level security would hide rows from it. */
extern const char measure_session[];

/* Lets the session measure; before its transaction, which may be a read-only one. */
ERR_CHECKED bool measure_prepare(struct migrate_db *db);

/* [{item, rows, checksum}] of the session's snapshot, the caller's. NULL on failure. */
json_t *measure_take(struct migrate_db *db);

/* SQL that raises, naming every difference, unless the session sees what `items` say. The catalogue takes part when
 * `catalogue`: PostgreSQL's major versions may word it differently. In the arena. */
const char *measure_compare(struct arena *arena, const json_t *items, bool catalogue);

/* {database_id, schema_version, rows}: which store this is, from where it stands, how much of people's doing is in it.
 * NULL on failure; JSON null when there is no store. */
json_t *measure_identity(struct migrate_db *db);

#endif
