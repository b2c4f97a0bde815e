/* Draft fields: from words to members.
 *
 * A field that is wrong fails with a message and may have added a part of what it says: nothing of a draft with faults
 * is sent. */
#include "draft_fields.h"

#include <string.h>

#include "base/uuid.h"
#include "cli/short_form.h"
#include "text/country.h"
#include "text/every.h"
#include "text/language.h"
#include "text/time.h"

enum { MORNING_HOUR = 9 };

void draft_set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static json_t *list_in(json_t *object, const char *name)
{
	json_t *list = json_object_get(object, name);
	if (!list) {
		list = json_array();
		json_object_set_new(object, name, list);
	}
	return list;
}

static struct when_clock clock_of(struct draft *draft)
{
	return (struct when_clock){
	    .now_us = draft->resolve.now_us, .zone = command_zone(draft->cli), .direction = WHEN_FORWARD};
}

/* The next of the words that commas part, or NULL. */
static const char *next_word(struct draft *draft, const char **rest)
{
	while (**rest == ',' || **rest == ' ')
		(*rest)++;
	size_t length = strcspn(*rest, ",");
	const char *word = *rest;
	*rest += length;
	while (length > 0 && word[length - 1] == ' ')
		length--;
	return length > 0 ? arena_copy(draft->form.arena, word, length) : NULL;
}

static bool take_title(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	draft_set_text(draft->params, "title", value);
	return true;
}

static bool take_countries(struct draft *draft, const char *value, struct err *err)
{
	const char *word, *code;
	while ((word = next_word(draft, &value))) {
		if (!resolve_country(&draft->resolve, word, &code, err))
			return false;
		json_array_append_new(list_in(draft->params, "countries"), json_string(code));
	}
	return true;
}

/* "1.3", words of its title, or an objective, "1.3.1". */
static bool take_workstreams(struct draft *draft, const char *value, struct err *err)
{
	const char *word, *code;
	while ((word = next_word(draft, &value))) {
		const char *dot = strchr(word, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
		json_t *list = list_in(draft->params, "workstreams");
		if (second && strspn(word, "0123456789.") == strlen(word)) {
			json_array_append_new(list, json_pack("{s:s#,s:s}", "code", word, (int)(second - word), "objective", word));
			continue;
		}
		if (!resolve_workstream(&draft->resolve, word, &code, err))
			return false;
		json_array_append_new(list, json_string(code));
	}
	return true;
}

static bool set_part(struct draft *draft, json_t *participant, const struct short_form_person *part, struct err *err)
{
	const char *side;
	if (part->role)
		draft_set_text(participant, "role", part->role);
	if (part->capacity)
		draft_set_text(participant, "capacity", part->capacity);
	if (part->attendance)
		draft_set_text(participant, "attendance", part->attendance);
	if (!part->side)
		return true;
	if (!resolve_country(&draft->resolve, part->side, &side, err))
		return false;
	draft_set_text(participant, "side", side);
	return true;
}

static bool take_with(struct draft *draft, const char *value, struct err *err)
{
	const char *word;
	while ((word = next_word(draft, &value))) {
		struct short_form_person part;
		struct resolve_person person;
		if (!short_form_person(draft->form.arena, word, &part, err) ||
		    !resolve_person(&draft->resolve, part.who, RESOLVE_ANYBODY, &person, err))
			return false;
		json_t *participant = json_pack("{s:s}", person.principal ? "principal_id" : "contact_id", person.id);
		json_array_append_new(list_in(draft->params, "participants"), participant);
		if (!set_part(draft, participant, &part, err))
			return false;
	}
	return true;
}

static bool take_new(struct draft *draft, const char *value, struct err *err)
{
	struct short_form_contact contact;
	const char *country;
	if (!short_form_contact(draft->form.arena, value, &contact, err) ||
	    !resolve_country(&draft->resolve, contact.country, &country, err))
		return false;
	json_t *participant = json_pack("{s:{s:s,s:s}}", "contact", "name", contact.name, "country", country);
	if (contact.organization)
		json_object_set_new(json_object_get(participant, "contact"), "affiliations",
		                    json_pack("[{s:s}]", "organization", contact.organization));
	json_array_append_new(list_in(draft->params, "participants"), participant);
	return set_part(draft, participant, &contact.part, err);
}

static void set_day(json_t *params, const char *name, int32_t day)
{
	char text[TIME_DAY_SIZE];
	time_format_day(day, text);
	draft_set_text(params, name, text);
}

static void set_instant(json_t *params, const char *name, int64_t instant_us)
{
	char text[TIME_INSTANT_SIZE];
	time_format_instant(instant_us, text);
	draft_set_text(params, name, text);
}

/* The beginning of an event, as its members. */
void draft_set_start(struct draft *draft, json_t *params, const struct when *when)
{
	if (when->kind == WHEN_INSTANT) {
		set_instant(params, "starts_at", when->instant_us);
		draft_set_text(params, "timezone", command_zone(draft->cli));
		return;
	}
	set_day(params, "starts_on", when->first_day);
	draft_set_text(params, "precision", when->kind == WHEN_MONTH ? "month" : when->kind == WHEN_YEAR ? "year" : "day");
	if (when->kind == WHEN_WEEK)
		set_day(params, "ends_on", when->last_day);
}

static bool take_at(struct draft *draft, const char *value, struct err *err)
{
	if (!resolve_when(&draft->resolve, value, draft->use == DRAFT_LOG ? WHEN_BACK : WHEN_FORWARD, &draft->start, err))
		return false;
	draft->started = true;
	draft_set_start(draft, draft->params, &draft->start);
	return true;
}

/* The end must be of the kind that the beginning is. */
static bool set_end(struct draft *draft, const struct when *when, struct err *err)
{
	bool instant = draft->start.kind == WHEN_INSTANT;
	if (instant != (when->kind == WHEN_INSTANT))
		return err_set(err, instant ? say("must be a time, as the beginning is one")
		                            : say("must be a day, as the beginning is one"));
	if (instant)
		set_instant(draft->params, "ends_at", when->instant_us);
	else
		set_day(draft->params, "ends_on", when->last_day);
	return true;
}

static bool needs_start(const struct draft *draft, struct err *err)
{
	return draft->started || err_set(err, say("goes with --at only"));
}

static bool take_until(struct draft *draft, const char *value, struct err *err)
{
	struct when_clock clock = clock_of(draft);
	struct when when;
	if (!needs_start(draft, err))
		return false;
	const char *on_day = short_form_on_day(draft->form.arena, value, draft->start.first_day, &clock);
	return resolve_when(&draft->resolve, on_day ? on_day : value, draft->use == DRAFT_LOG ? WHEN_BACK : WHEN_FORWARD,
	                    &when, err) &&
	       set_end(draft, &when, err);
}

/* An amount of time from the beginning on; of days, the first one counts. */
static bool take_for(struct draft *draft, const char *value, struct err *err)
{
	struct when_clock clock = clock_of(draft);
	struct when when;
	if (!needs_start(draft, err))
		return false;
	if (draft->start.kind == WHEN_INSTANT) {
		clock.now_us = draft->start.instant_us;
	} else {
		struct when noon = draft->start;
		if (!when_at(&noon, 12, 0, clock.zone, &clock.now_us, err))
			return false;
	}
	/* No event lasts for months of which one says "m". */
	bool minutes = strcmp(value + strspn(value, "+0123456789"), "m") == 0;
	const char *forward =
	    arena_printf(draft->form.arena, "%s%s%s", *value == '+' ? "" : "+", value, minutes ? "in" : "");
	if (!when_read(forward, &clock, &when, NULL) && !when_read(value, &clock, &when, NULL))
		return err_set(err, say("must be an amount of time, such as 90m, 2h, 3d"));
	if (draft->start.kind != WHEN_INSTANT && when.kind == WHEN_DAY)
		when.last_day--;
	return set_end(draft, &when, err);
}

#define TAKE_CHOICE(field)                                                                                             \
	static bool take_##field(struct draft *draft, const char *value, struct err *err)                                  \
	{                                                                                                                  \
		(void)err;                                                                                                     \
		draft_set_text(draft->params, #field, short_form_choice(value));                                               \
		return true;                                                                                                   \
	}
TAKE_CHOICE(kind)
TAKE_CHOICE(track)
TAKE_CHOICE(sensitivity)
TAKE_CHOICE(attribution)

static bool take_place(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	draft_set_text(draft->params, "location", value);
	return true;
}

static bool take_topic(struct draft *draft, const char *value, struct err *err)
{
	const char *word;
	(void)err;
	while ((word = next_word(draft, &value)))
		json_array_append_new(list_in(draft->params, "topics"), json_string(word));
	return true;
}

static bool take_record(struct draft *draft, const char *noun, const char *member, const char *value, struct err *err)
{
	const char *id;
	if (!resolve_record(&draft->resolve, value, noun, &id, err))
		return false;
	draft_set_text(draft->params, member, id);
	return true;
}

static bool take_dialogue(struct draft *draft, const char *value, struct err *err)
{
	return take_record(draft, "dialogue", "dialogue_id", value, err);
}

static bool take_parent(struct draft *draft, const char *value, struct err *err)
{
	return take_record(draft, "engagement", "parent_id", value, err);
}

/* The one country on the other side, or NULL. */
static const char *other_side(const struct draft *draft)
{
	const json_t *countries = json_object_get(draft->engagement ? draft->engagement : draft->params, "countries");
	const char *other = NULL;
	for (size_t i = 0; i < json_array_size(countries); i++) {
		const char *code = json_string_value(json_array_get(countries, i));
		if (!code || strcmp(code, "KR") == 0)
			continue;
		if (other)
			return NULL;
		other = code;
	}
	return other;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* Who promised: a side, a country, somebody. */
static json_t *party_of(struct draft *draft, const char *who, const char **to, struct err *err)
{
	static const char *const us[] = {"us", "we", "우리", "우리측", NULL};
	static const char *const them[] = {"them", "they", "상대", "상대측", NULL};
	const char *other = other_side(draft), *code;
	struct resolve_person person;
	if (is_one_of(who, us)) {
		*to = other;
		return json_pack("{s:s}", "country", "KR");
	}
	if (is_one_of(who, them)) {
		*to = "KR";
		if (!other)
			(void)err_set(err, say("more than one other side takes part, or none; name the country that promised"));
		return other ? json_pack("{s:s}", "country", other) : NULL;
	}
	*to = NULL;
	if (country_find(who, &code, NULL))
		return resolve_country(&draft->resolve, who, &code, err) ? json_pack("{s:s}", "country", code) : NULL;
	if (!resolve_person(&draft->resolve, who, RESOLVE_ANYBODY, &person, err))
		return NULL;
	return json_pack("{s:s}", person.principal ? "principal_id" : "contact_id", person.id);
}

static bool take_promise(struct draft *draft, const char *value, struct err *err)
{
	struct when_clock clock = clock_of(draft);
	const char *who, *promise, *day, *due = NULL, *to;
	if (!short_form_promise(draft->form.arena, value, &clock, &who, &promise, &day, err) ||
	    (day && !resolve_day(&draft->resolve, day, WHEN_FORWARD, false, &due, err)))
		return false;
	json_t *by = party_of(draft, who, &to, err);
	if (!by)
		return false;
	json_t *commitment = json_pack("{s:o,s:s}", "by", by, "text", promise);
	if (due)
		draft_set_text(commitment, "due_on", due);
	if (to)
		json_object_set_new(commitment, "to", json_pack("{s:s}", "country", to));
	json_array_append_new(list_in(draft->params, "commitments"), commitment);
	return true;
}

static bool take_every(struct draft *draft, const char *value, struct err *err)
{
	return every_read(draft->form.arena, value, &draft->rule, err);
}

/* The first one is the engagement's follow-up; others are reminders about it. A day is nine in the morning of it. */
static bool take_due(struct draft *draft, const char *value, struct err *err)
{
	struct when_clock clock = clock_of(draft);
	const char *words, *note;
	struct when when;
	if (!short_form_due(draft->form.arena, value, &clock, &words, &note, err) ||
	    !resolve_when(&draft->resolve, words, WHEN_FORWARD, &when, err))
		return false;
	int64_t due_us = when.instant_us;
	if (when.kind != WHEN_INSTANT && !when_at(&when, MORNING_HOUR, 0, clock.zone, &due_us, err))
		return false;
	json_t *reminder = json_pack("{s:s}", "note", note);
	set_instant(reminder, "due_at", due_us);
	if (json_object_get(draft->params, "follow_up")) {
		draft_set_text(reminder, "timezone", clock.zone);
		json_array_append_new(draft->reminders, reminder);
		return true;
	}
	if (draft->rule)
		draft_set_text(reminder, "rrule", draft->rule);
	json_object_set_new(draft->params, "follow_up", reminder);
	return true;
}

static bool take_private(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	draft_set_text(draft->params, "private_notes", value);
	return true;
}

static bool take_readout(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	draft_set_text(draft->params, "readout", value);
	return true;
}

static bool take_absent(struct draft *draft, const char *value, struct err *err)
{
	const char *word;
	struct resolve_person person;
	while ((word = next_word(draft, &value))) {
		if (!resolve_person(&draft->resolve, word, RESOLVE_ANYBODY, &person, err))
			return false;
		json_array_append_new(list_in(draft->params, "absent"), json_string(person.id));
	}
	return true;
}

static bool take_side(struct draft *draft, const char *value, struct err *err)
{
	struct when_clock clock = clock_of(draft);
	const char *title, *words;
	struct when when;
	if (!needs_start(draft, err) || !short_form_side(draft->form.arena, value, &title, &words, err))
		return false;
	const char *on_day = short_form_on_day(draft->form.arena, words, draft->start.first_day, &clock);
	if (!resolve_when(&draft->resolve, on_day ? on_day : words, WHEN_FORWARD, &when, err))
		return false;
	json_t *side = json_pack("{s:s,s:s,s:s}", "title", title, "kind", "meeting", "status", "planned");
	draft_set_start(draft, side, &when);
	json_array_append_new(draft->sides, side);
	return true;
}

static bool take_written(struct draft *draft, const char *value, struct err *err)
{
	int64_t written_us;
	if (!time_parse_instant(value, &written_us, err))
		return false;
	resolve_from(&draft->resolve, written_us);
	return true;
}

static bool take_version(struct draft *draft, const char *value, struct err *err)
{
	(void)draft, (void)value, (void)err;
	return true;
}

static bool take_request(struct draft *draft, const char *value, struct err *err)
{
	(void)draft;
	return uuid_valid(value) || err_set(err, say("must be an id, as it was told"));
}

enum { EVENT = DRAFT_LOG | DRAFT_PLAN, EACH = EVENT | DRAFT_HOLD };
const struct draft_row draft_rows[] = {
    {"written", EACH, false, false, NULL, take_written},
    {"version", DRAFT_HOLD, false, false, "version", take_version},
    {"title", EVENT, false, false, "title", take_title},
    {"countries", EVENT, false, false, "countries", take_countries},
    {"workstreams", EVENT, false, false, "workstreams", take_workstreams},
    {"with", EVENT, true, false, "participants", take_with},
    {"new", EVENT, true, false, NULL, take_new},
    {"at", EVENT, false, false, "starts_at starts_on precision timezone", take_at},
    {"until", EVENT, false, false, "ends_at ends_on", take_until},
    {"for", EVENT, false, false, NULL, take_for},
    {"kind", EVENT, false, false, "kind", take_kind},
    {"track", EVENT, false, false, "track", take_track},
    {"place", EVENT, false, false, "location", take_place},
    {"topic", EVENT, true, false, "topics", take_topic},
    {"dialogue", EVENT, false, false, "dialogue_id", take_dialogue},
    {"parent", EVENT, false, false, "parent_id", take_parent},
    {"sensitivity", EVENT, false, false, "sensitivity", take_sensitivity},
    {"attribution", EVENT, false, false, "attribution", take_attribution},
    {"absent", DRAFT_HOLD, true, false, "absent", take_absent},
    {"side", DRAFT_PLAN, true, false, NULL, take_side},
    {"promise", EACH, true, false, "commitments", take_promise},
    {"every", EACH, false, false, NULL, take_every},
    {"due", EACH, true, false, "follow_up", take_due},
    {"private", EVENT, false, false, "private_notes", take_private},
    {"request", EACH, false, false, "request_id", take_request},
    {"readout", EACH, false, true, "readout", take_readout},
};
const size_t draft_row_count = sizeof draft_rows / sizeof *draft_rows;
