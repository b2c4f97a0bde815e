/* Reminder, rule: from JSON to the text floor's recurrence and back. */
#include <string.h>

#include "api/reminder.h"
#include "text/time.h"

static bool read_instant(const json_t *value, int64_t *micros)
{
	struct err err;
	return json_is_string(value) && time_parse_instant(json_string_value(value), micros, &err);
}

static bool read_exdates(struct arena *arena, const json_t *list, struct recurrence *recurrence)
{
	size_t count = json_array_size(list);
	int64_t *exdates = arena_alloc(arena, (count ? count : 1) * sizeof *exdates);

	for (size_t i = 0; i < count; i++)
		if (!read_instant(json_array_get(list, i), &exdates[i]))
			return false;
	recurrence->exdates_us = exdates;
	recurrence->exdate_count = count;
	return true;
}

bool reminder_rule_read(struct arena *arena, const json_t *object, struct reminder_rule *rule)
{
	const json_t *text = json_object_get(object, "rrule"), *zone = json_object_get(object, "timezone");
	const json_t *first = json_object_get(object, "first_at"), *due = json_object_get(object, "due_at");

	*rule = (struct reminder_rule){.rule = json_string_value(text)};
	rule->recurrence.rule = rule->rule;
	rule->recurrence.zone = zone ? json_string_value(zone) : "Asia/Seoul";
	if ((text && !json_is_string(text) && !json_is_null(text)) || !rule->recurrence.zone)
		return false;
	if (!first && !due)
		rule->recurrence.start_us = time_now_micros();
	else if (!read_instant(first ? first : due, &rule->recurrence.start_us))
		return false;
	return read_exdates(arena, json_object_get(object, "exdates"), &rule->recurrence);
}

json_t *reminder_instants(const int64_t *instants_us, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		char text[TIME_INSTANT_SIZE];
		time_format_instant(instants_us[i], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}
