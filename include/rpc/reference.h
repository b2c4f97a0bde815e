/* Reference: the codes that everything refers to (countries, time zones, the roadmap), as the database holds them.
 *
 * The daemon loads them once after start-up and again when the database says that they changed; a parameter that names
 * an unknown code is then refused before the database sees it, once the database has said that it knows no more codes.
 * Before they are loaded nothing is known, and nothing is refused for being unknown: the daemon answers `unavailable`
 * to everything that would need it. One table a process. */
#ifndef TRACKTWO_RPC_REFERENCE_H
#define TRACKTWO_RPC_REFERENCE_H

#include <stdbool.h>

#include "base/err.h"

enum reference_kind { REFERENCE_COUNTRY, REFERENCE_ZONE, REFERENCE_WORKSTREAM, REFERENCE_OBJECTIVE, REFERENCE_KINDS };

/* Replaces the tables by what `text` says: the JSON of the api function reference_load,
 * {countries: […], zones: […], workstreams: […], objectives: […], roadmap_version, schema_version, stamp}. On failure
 * the old ones stay. */
ERR_CHECKED bool reference_load(const char *text, struct err *err);
bool reference_loaded(void);
/* What these tables are called, to ask whether there are newer ones; NULL before the first load. */
const char *reference_stamp(void);
void reference_release(void);

/* True when `code` is known, or when nothing is loaded yet. */
bool reference_has(enum reference_kind kind, const char *code);
/* How often reference_has() was false for a code that may have been added since: all but zones. */
unsigned long reference_misses(void);

/* 0 before the first load. */
long reference_roadmap_version(void);

#endif
