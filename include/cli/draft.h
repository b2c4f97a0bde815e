/* Draft: an engagement as it is being written, on the command line or in a form, and the calls that it becomes.
 *
 * Both ways of writing fill the same form, so that an option and a field of the same name take the same words, and a
 * fault is known by the field that it stands in. */
#ifndef TRACKTWO_CLI_DRAFT_H
#define TRACKTWO_CLI_DRAFT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command.h"
#include "cli/form.h"
#include "cli/resolve.h"

enum draft_use { DRAFT_LOG = 1, DRAFT_PLAN = 2, DRAFT_HOLD = 4 };

struct draft {
	struct cli *cli;
	enum draft_use use;
	struct resolve resolve;
	struct form form;
	const json_t *engagement; /* DRAFT_HOLD: the one that is held; borrowed */
	int status;               /* the exit code of what draft_build found wrong */

	json_t *params;    /* of engagement.log or engagement.hold, with id (of a log) and request_id */
	json_t *reminders; /* of reminder.create, without `about`: what else is due */
	json_t *sides;     /* of engagement.log, without parent_id */

	struct when start; /* while building */
	bool started;
	const char *rule;
};

/* An empty draft. Its fields are the options of `command` that bear the names of fields, with their help as comments,
 * and what stands before the options. */
void draft_init(struct draft *draft, struct cli *cli, const struct command *command, enum draft_use use);
void draft_release(struct draft *draft);

/* Takes the options that are fields out of cli->arguments into the form. */
ERR_CHECKED bool draft_take_options(struct draft *draft, struct err *err);

/* Makes the calls of the form, resolving names and times; false with faults in the form, and status. The same request
 * ids come out each time: that of the field `request`, and others made of it. */
ERR_CHECKED bool draft_build(struct draft *draft);

/* Adds to the form what makes it the same write whenever it is sent: a request id, from when words of time count, and
 * the version of what is held; unless it is there. */
void draft_stamp(struct draft *draft);

/* Writes the faults of an error that the daemon answered to the fields that they are about. */
void draft_take_error(struct draft *draft, const json_t *error);

/* The fields of all uses; NULL behind the last one. */
const char *draft_field_name(size_t index);

#endif
