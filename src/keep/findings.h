/* Findings: what the doctor says, a line each: what was looked at, ok, warn or bad, what was found, and its cure. */
#ifndef TRACKTWO_SRC_KEEP_FINDINGS_H
#define TRACKTWO_SRC_KEEP_FINDINGS_H

#include <jansson.h>

#include "internal.h"

struct findings {
	struct keep *keep;
	json_t *list; /* of {check, state, finding, cure} */
};

/* `cure` NULL with "ok" alone. */
void findings_add(struct findings *findings, const char *check, const char *state, const char *cure, const char *format,
                  ...) __attribute__((format(printf, 5, 6)));

/* What can be seen without the database: settings, folders, the disk, backups, the clock, the mail server. */
void findings_of_machine(struct findings *findings);

/* What the database tells, by the daemon's own role. */
void findings_of_database(struct findings *findings);

#endif
