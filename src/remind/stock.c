/* Stock: the next occurrences of the rules of reminders, worked out here because only the daemon reads rules. */
#include <string.h>

#include "api/reminder.h"
#include "base/log.h"
#include "internal.h"
#include "text/holidays.h"
#include "text/json.h"
#include "text/time.h"

enum { STOCK_OCCURRENCES = 64, HOLIDAY_YEARS = 10 };

static const int64_t day_us = 86400000000LL;

/* Of the occurrences behind *after_us that have passed, the last alone matters: *missed_us becomes it, or 0, and
 * *after_us moves on to it. Looked for backwards from now, in spans that grow, so that centuries cost no more than
 * days. */
static bool last_missed(struct arena *arena, const struct recurrence *recurrence, int64_t *after_us, int64_t now_us,
                        int64_t *missed_us, struct err *err)
{
	struct recurrence_set set = {0};
	int64_t span_us = 2 * day_us, from_us;

	do {
		from_us = now_us - span_us > *after_us ? now_us - span_us : *after_us;
		do {
			if (!recurrence_expand(arena, recurrence, from_us, STOCK_OCCURRENCES, &set, err))
				return false;
			for (size_t i = 0; i < set.count && set.instants_us[i] <= now_us; i++)
				from_us = *missed_us = set.instants_us[i];
		} while (set.count > 0 && set.more && set.instants_us[set.count - 1] <= now_us);
		span_us *= 20;
	} while (*missed_us == 0 && now_us - span_us / 20 > *after_us);
	if (*missed_us != 0)
		*after_us = *missed_us;
	return true;
}

/* False when the rule cannot be worked out here, its zone being unknown for example: it stays wanted, perhaps another
 * daemon can, and the journal says so. */
static bool stock_one(struct arena *arena, json_t *wanted)
{
	struct reminder_rule rule;
	struct err err;
	const char *after = json_string_value(json_object_get(wanted, "after"));
	struct recurrence_set set = {0};
	int64_t after_us = 0, now_us = time_now_micros(), missed_us = 0;

	if (!reminder_rule_read(arena, wanted, &rule) || !time_parse_instant(after, &after_us, &err) ||
	    !last_missed(arena, &rule.recurrence, &after_us, now_us, &missed_us, &err) ||
	    !recurrence_expand(arena, &rule.recurrence, after_us, STOCK_OCCURRENCES, &set, &err)) {
		log_error("", "the rule of reminder %s cannot be worked out; its next occurrences are missing",
		          json_string_value(json_object_get(wanted, "id")));
		return false;
	}
	json_t *instants = reminder_instants(&missed_us, missed_us != 0);
	json_t *later = reminder_instants(set.instants_us, set.count);
	json_array_extend(instants, later);
	json_decref(later);
	json_object_set_new(wanted, "instants", instants);
	json_object_set_new(wanted, "more", json_boolean(set.more));
	return true;
}

const char *stock_of(struct arena *arena, const json_t *wanted)
{
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		json_t *item = json_deep_copy(json_array_get(wanted, i));
		if (stock_one(arena, item))
			json_array_append(list, item);
		json_decref(item);
	}
	const char *text = json_array_size(list) > 0 ? json_text(arena, list) : NULL;
	json_decref(list);
	return text;
}

static void add_holidays(struct arena *arena, json_t *list, int year)
{
	struct holidays holidays;
	struct err err;

	if (!holidays_of_year(arena, year, &holidays, &err)) {
		log_warning("", "the holidays of %d are not known here: %s", year, err.message);
		return;
	}
	for (size_t i = 0; i < holidays.count; i++) {
		char day[TIME_DAY_SIZE];
		time_format_day(holidays.list[i].day, day);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "day", day, "name_en", holidays.list[i].name_en,
		                                      "name_ko", holidays.list[i].name_ko));
	}
}

const char *stock_holidays(struct arena *arena)
{
	json_t *list = json_array();
	int year = time_civil_from_days((int32_t)(time_now_micros() / 86400000000LL)).year;

	for (int i = -1; i <= HOLIDAY_YEARS; i++)
		add_holidays(arena, list, year + i);
	const char *text = json_text(arena, list);
	json_decref(list);
	return text;
}
