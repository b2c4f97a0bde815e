/* Draft: one row a field says how its words become members.
 *
 * Fields are taken in the order of the rows, since an end is read by the beginning, and a promise by the countries.
 * Every call has its ids before the first one goes out, so that all of them may be sent again. */
#include "cli/draft.h"

#include <string.h>

#include "base/uuid.h"
#include "cli/cli.h"
#include "cli/language.h"
#include "cli/short_form.h"
#include "text/digest.h"
#include "text/every.h"
#include "text/time.h"

enum { MORNING_HOUR = 9 };

struct row {
	const char *name;
	unsigned uses; /* enum draft_use */
	bool repeats, block;
	const char *member; /* of the method's parameters, whose faults are this field's */
	bool (*take)(struct draft *draft, const char *value, struct err *err);
};

static void set_text(json_t *object, const char *name, const char *text)
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
	    .now_us = draft->resolve.now_us, .zone = command_zone(draft->cli), .direction = WHEN_FORWARD, .say = say};
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
	set_text(draft->params, "title", value);
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
		set_text(participant, "role", part->role);
	if (part->capacity)
		set_text(participant, "capacity", part->capacity);
	if (part->attendance)
		set_text(participant, "attendance", part->attendance);
	if (!part->side)
		return true;
	if (!resolve_country(&draft->resolve, part->side, &side, err))
		return false;
	set_text(participant, "side", side);
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
	if (!participant)
		return err_set(err, say("the text is not UTF-8"));
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
	set_text(params, name, text);
}

static void set_instant(json_t *params, const char *name, int64_t instant_us)
{
	char text[TIME_INSTANT_SIZE];
	time_format_instant(instant_us, text);
	set_text(params, name, text);
}

/* The beginning of an event, as its members. */
static void set_start(struct draft *draft, json_t *params, const struct when *when)
{
	if (when->kind == WHEN_INSTANT) {
		set_instant(params, "starts_at", when->instant_us);
		set_text(params, "timezone", command_zone(draft->cli));
		return;
	}
	set_day(params, "starts_on", when->first_day);
	set_text(params, "precision", when->kind == WHEN_MONTH ? "month" : when->kind == WHEN_YEAR ? "year" : "day");
	if (when->kind == WHEN_WEEK)
		set_day(params, "ends_on", when->last_day);
}

static bool take_at(struct draft *draft, const char *value, struct err *err)
{
	if (!resolve_when(&draft->resolve, value, draft->use == DRAFT_LOG ? WHEN_BACK : WHEN_FORWARD, &draft->start, err))
		return false;
	draft->started = true;
	set_start(draft, draft->params, &draft->start);
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
	const char *forward = arena_printf(draft->form.arena, "%s%s", *value == '+' ? "" : "+", value);
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
		set_text(draft->params, #field, short_form_choice(value));                                                     \
		return true;                                                                                                   \
	}
TAKE_CHOICE(kind)
TAKE_CHOICE(track)
TAKE_CHOICE(sensitivity)
TAKE_CHOICE(attribution)

static bool take_place(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	set_text(draft->params, "location", value);
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
	set_text(draft->params, member, id);
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
	bool quiet = draft->resolve.quiet;
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
	draft->resolve.quiet = true;
	bool country = resolve_country(&draft->resolve, who, &code, err);
	draft->resolve.quiet = quiet;
	if (country)
		return json_pack("{s:s}", "country", code);
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
		set_text(commitment, "due_on", due);
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
	json_t *reminder = json_pack("{s:s,s:s}", "note", note, "timezone", clock.zone);
	set_instant(reminder, "due_at", due_us);
	if (json_object_get(draft->params, "follow_up")) {
		json_array_append_new(draft->reminders, reminder);
		return true;
	}
	if (draft->rule)
		set_text(reminder, "rrule", draft->rule);
	json_object_set_new(draft->params, "follow_up", reminder);
	return true;
}

static bool take_private(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	set_text(draft->params, "private_notes", value);
	return true;
}

static bool take_readout(struct draft *draft, const char *value, struct err *err)
{
	(void)err;
	set_text(draft->params, "readout", value);
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
	set_start(draft, side, &when);
	json_array_append_new(draft->sides, side);
	return true;
}

static bool take_request(struct draft *draft, const char *value, struct err *err)
{
	(void)draft;
	return uuid_valid(value) || err_set(err, say("must be an id, as it was told"));
}

enum { EVENT = DRAFT_LOG | DRAFT_PLAN, EACH = EVENT | DRAFT_HOLD };
static const struct row rows[] = {
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
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *help_of(const struct command *command, const char *name)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return command->options[i].help;
	return NULL;
}

void draft_init(struct draft *draft, struct cli *cli, const struct command *command, enum draft_use use)
{
	*draft = (struct draft){.cli = cli, .use = use, .form = {.arena = &cli->arena}};
	struct form_field *fields = arena_alloc(&cli->arena, ROW_COUNT * sizeof *fields);
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].uses & use)
			fields[draft->form.field_count++] =
			    (struct form_field){rows[i].name, help_of(command, rows[i].name), rows[i].repeats, rows[i].block,
			                        strcmp(rows[i].name, "request") == 0};
	draft->form.fields = fields;
	resolve_init(&draft->resolve, cli);
}

static void release_calls(struct draft *draft)
{
	json_decref(draft->params);
	json_decref(draft->reminders);
	json_decref(draft->sides);
	draft->params = draft->reminders = draft->sides = NULL;
}

void draft_release(struct draft *draft)
{
	release_calls(draft);
}

static bool is_option(const char *name)
{
	static const char *const others[] = {"title", "countries", "workstreams", "readout", NULL};
	return !is_one_of(name, others);
}

bool draft_take_options(struct draft *draft, struct err *err)
{
	for (size_t i = 0; i < draft->form.field_count; i++) {
		const struct form_field *field = &draft->form.fields[i];
		const char *value;
		while (is_option(field->name)) {
			if (!arguments_take(&draft->cli->arguments, field->name, &value, err))
				return false;
			if (!value)
				break;
			if (!field->repeats && form_value(&draft->form, field->name))
				return err_set(err, say("--%s stands twice"), field->name);
			(void)form_add(&draft->form, field->name, value);
		}
	}
	return true;
}

const char *draft_id(struct arena *arena, const char *request, size_t number)
{
	char hex[DIGEST_HEX_SIZE];
	const char *text = arena_printf(arena, "%s/%zu", request, number);
	digest_of(text, strlen(text), hex);
	/* Version 8 of RFC 9562, section 5.8: what the others are made of is our own affair. */
	return arena_printf(arena, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

static void fault_entry(struct draft *draft, struct form_entry *entry, const struct err *err)
{
	entry->fault = arena_strdup(draft->form.arena, err->message);
	int status = draft->resolve.status ? draft->resolve.status : CLI_USAGE;
	if (draft->status == CLI_DONE || status == CLI_OUT_OF_REACH)
		draft->status = status;
}

static void take_row(struct draft *draft, const struct row *row)
{
	for (size_t i = 0; i < draft->form.count; i++) {
		struct form_entry *entry = &draft->form.entries[i];
		struct err err;
		draft->resolve.status = CLI_DONE;
		if (strcmp(entry->name, row->name) == 0 && !row->take(draft, entry->value, &err))
			fault_entry(draft, entry, &err);
	}
}

static void need(struct draft *draft, const char *name, const char *message)
{
	if (form_value(&draft->form, name))
		return;
	form_fault(&draft->form, name, message);
	draft->status = draft->status == CLI_DONE ? CLI_USAGE : draft->status;
}

/* What no single field shows. */
static void check_whole(struct draft *draft)
{
	bool placed = form_value(&draft->form, "dialogue");
	if (draft->rule && !json_object_get(draft->params, "follow_up"))
		need(draft, "due", say("is needed: a rule needs its first time"));
	if (draft->use == DRAFT_HOLD)
		return;
	need(draft, "title", say("is needed: what it was, in a line"));
	if (!placed)
		need(draft, "countries", say("is needed: one or more, unless a dialogue gives them"));
	if (!placed)
		need(draft, "workstreams", say("is needed: one or more of the roadmap's, unless a dialogue gives them"));
	if (draft->use == DRAFT_PLAN)
		need(draft, "at", say("is needed: when it is to be"));
}

/* What is logged without a time was today. */
static void fill_in(struct draft *draft)
{
	struct err err;
	if (draft->use == DRAFT_HOLD)
		return;
	if (!form_value(&draft->form, "at") && draft->use == DRAFT_LOG &&
	    resolve_when(&draft->resolve, "today", WHEN_BACK, &draft->start, &err))
		set_start(draft, draft->params, &draft->start);
	if (!json_object_get(draft->params, "kind"))
		set_text(draft->params, "kind", "meeting");
	if (draft->use == DRAFT_PLAN)
		set_text(draft->params, "status", "planned");
}

static void set_ids(struct draft *draft)
{
	char fresh[UUID_TEXT_SIZE];
	struct arena *arena = draft->form.arena;
	if (!form_value(&draft->form, "request")) {
		uuid_make(fresh);
		(void)form_add(&draft->form, "request", fresh);
	}
	const char *request = form_value(&draft->form, "request");
	size_t number = 0;
	set_text(draft->params, "request_id", request);
	for (size_t i = 0; i < json_array_size(draft->reminders); i++)
		set_text(json_array_get(draft->reminders, i), "request_id", draft_id(arena, request, ++number));
	for (size_t i = 0; i < json_array_size(draft->sides); i++) {
		json_t *side = json_array_get(draft->sides, i);
		set_text(side, "request_id", draft_id(arena, request, ++number));
		for (size_t k = 0; k < 3; k++) {
			static const char *const same[] = {"countries", "workstreams", "dialogue_id"};
			json_t *value = json_object_get(draft->params, same[k]);
			if (value)
				json_object_set(side, same[k], value);
		}
	}
}

bool draft_build(struct draft *draft)
{
	release_calls(draft);
	draft->params = json_object();
	draft->reminders = json_array();
	draft->sides = json_array();
	draft->started = false;
	draft->rule = NULL;
	draft->status = CLI_DONE;
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].uses & draft->use)
			take_row(draft, &rows[i]);
	check_whole(draft);
	if (form_faults(&draft->form) > 0) {
		draft->status = draft->status == CLI_DONE ? CLI_USAGE : draft->status;
		return false;
	}
	fill_in(draft);
	set_ids(draft);
	return true;
}

/* Is `field`, as in "participants[0].contact", about this member? Rows name several, with spaces between. */
static bool is_about(const char *members, const char *field)
{
	size_t length = strcspn(field, ".[");
	for (const char *at = members; at && *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		if (word == length && strncmp(at, field, length) == 0)
			return true;
		at += word;
	}
	return false;
}

static void mark(struct draft *draft, const char *field, const char *message)
{
	const char *name = NULL;
	for (size_t i = 0; field && !name && i < ROW_COUNT; i++)
		if (is_about(rows[i].member, field))
			name = rows[i].name;
	/* People are named in two fields. */
	if (name && strcmp(name, "with") == 0 && strstr(field, ".contact") && form_value(&draft->form, "new"))
		name = "new";
	const char *shown = !field || name ? message : arena_printf(draft->form.arena, "%s: %s", field, message);
	form_fault(&draft->form, name, shown);
}

void draft_take_error(struct draft *draft, const json_t *error)
{
	const json_t *data = json_object_get(error, "data"), *faults = json_object_get(data, "errors");
	const json_t *candidates = json_object_get(data, "candidates");
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i);
		mark(draft, json_string_value(json_object_get(fault, "field")),
		     json_string_value(json_object_get(fault, "message")));
	}
	if (json_array_size(faults) > 0)
		return;
	const char *message = json_string_value(json_object_get(error, "message"));
	for (size_t i = 0; i < json_array_size(candidates); i++)
		message = arena_printf(draft->form.arena, "%s\n%s", message,
		                       output_cell(draft->form.arena, json_array_get(candidates, i), "contact_id"));
	mark(draft, json_string_value(json_object_get(data, "field")), message);
}
