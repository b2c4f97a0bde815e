/* Draft fields: one row a field of an engagement's form, which says how its words become members. Inside draft*.c. */
#ifndef TRACKTWO_CLI_DRAFT_FIELDS_H
#define TRACKTWO_CLI_DRAFT_FIELDS_H

#include "cli/draft.h"

struct draft_row {
	const char *name;
	unsigned uses; /* enum draft_use */
	bool repeats, block;
	const char *member; /* of the method's parameters, whose faults are this field's; several with spaces between */
	/* Adds what `value`, a text in UTF-8, says to draft->params, reminders and sides. */
	bool (*take)(struct draft *draft, const char *value, struct err *err);
};

/* In the order in which they are taken: an end is read by the beginning, and a promise by the countries. */
extern const struct draft_row draft_rows[];
extern const size_t draft_row_count;

/* The beginning of an event, as members of engagement.log. */
void draft_set_start(struct draft *draft, json_t *params, const struct when *when);

/* Sets a member, whose text is copied. */
void draft_set_text(json_t *object, const char *name, const char *text);

#endif
