/* Reminder: the rule of a reminder, as parameters and the database give it, for the text floor's recurrence. */
#ifndef TRACKTWO_API_REMINDER_H
#define TRACKTWO_API_REMINDER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "rpc/type.h"
#include "text/recurrence.h"

struct reminder_rule {
	const char *rule; /* NULL: it does not come again */
	struct recurrence recurrence;
};

/* Of {rrule?, due_at? | first_at?, timezone?, exdates?}: a rule without a beginning begins now, one without a zone is
 * of Asia/Seoul. False when a member is not what it should be, as in parameters that were refused. What it points at is
 * the object's or the arena's. */
bool reminder_rule_read(struct arena *arena, const json_t *object, struct reminder_rule *rule);

/* "instants" of JSON, from microseconds since 1970: a new list. */
json_t *reminder_instants(const int64_t *instants_us, size_t count);

/* What reminder.create and a follow_up have in common: what goes with a rule, and that the rule yields something. */
void api_check_reminder(json_t *object, const char *path, struct type_faults *faults);

extern const struct type api_channel_choice_list, api_delivery_list;

#endif
