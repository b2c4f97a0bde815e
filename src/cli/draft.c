/* Draft: from a form to calls.
 *
 * Every call has its ids before the first one goes out, so that all of them may be sent again. */
#include "cli/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "cli/cli.h"
#include "draft_fields.h"
#include "text/digest.h"
#include "text/language.h"
#include "text/time.h"
#include "text/utf8.h"

const char *draft_field_name(size_t index)
{
	return index < draft_row_count ? draft_rows[index].name : NULL;
}

static const char *help_of(const struct command *command, const char *name)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (strcmp(command->options[i].name, name) == 0)
			return command->options[i].help;
	return NULL;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

void draft_init(struct draft *draft, struct cli *cli, const struct command *command, enum draft_use use)
{
	*draft = (struct draft){.cli = cli, .use = use, .form = {.arena = &cli->arena}};
	struct form_field *fields = arena_alloc(&cli->arena, draft_row_count * sizeof *fields);
	for (size_t i = 0; i < draft_row_count; i++)
		if (draft_rows[i].uses & use)
			fields[draft->form.field_count++] = (struct form_field){
			    draft_rows[i].name, help_of(command, draft_rows[i].name), draft_rows[i].repeats, draft_rows[i].block,
			    is_one_of(draft_rows[i].name, (const char *const[]){"request", "written", "version", NULL})};
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
	return !is_one_of(
	    name, (const char *const[]){"title", "countries", "workstreams", "readout", "written", "version", NULL});
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

/* The id made of `request` and a number: the same for the same two. */
static const char *make_id(struct arena *arena, const char *request, size_t number)
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

static void take_row(struct draft *draft, const struct draft_row *row)
{
	for (size_t i = 0; i < draft->form.count; i++) {
		struct form_entry *entry = &draft->form.entries[i];
		struct err err;
		draft->resolve.status = CLI_DONE;
		if (strcmp(entry->name, row->name) != 0)
			continue;
		bool right = utf8_is_text(entry->value, strlen(entry->value)) || err_set(&err, say("the text is not UTF-8"));
		if (!right || !row->take(draft, entry->value, &err))
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
		draft_set_start(draft, draft->params, &draft->start);
	if (!json_object_get(draft->params, "kind"))
		draft_set_text(draft->params, "kind", "meeting");
	if (draft->use == DRAFT_PLAN)
		draft_set_text(draft->params, "status", "planned");
}

void draft_stamp(struct draft *draft)
{
	char id[UUID_TEXT_SIZE], now[TIME_INSTANT_SIZE];
	if (!form_value(&draft->form, "request")) {
		uuid_make(id);
		(void)form_add(&draft->form, "request", id);
	}
	if (!form_value(&draft->form, "written")) {
		time_format_instant(draft->resolve.now_us, now);
		(void)form_add(&draft->form, "written", now);
	}
	if (draft->engagement && !form_value(&draft->form, "version"))
		(void)form_add(&draft->form, "version", output_cell(draft->form.arena, draft->engagement, "version"));
}

static void set_ids(struct draft *draft)
{
	struct arena *arena = draft->form.arena;
	draft_stamp(draft);
	const char *request = form_value(&draft->form, "request");
	size_t number = 0;
	draft_set_text(draft->params, "request_id", request);
	if (draft->engagement) {
		json_object_set(draft->params, "id", json_object_get(draft->engagement, "id"));
		json_object_set_new(draft->params, "version",
		                    json_integer(strtoll(form_value(&draft->form, "version"), NULL, 10)));
	}
	for (size_t i = 0; i < json_array_size(draft->reminders); i++)
		draft_set_text(json_array_get(draft->reminders, i), "request_id", make_id(arena, request, ++number));
	for (size_t i = 0; i < json_array_size(draft->sides); i++) {
		json_t *side = json_array_get(draft->sides, i);
		draft_set_text(side, "request_id", make_id(arena, request, ++number));
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
	for (size_t i = 0; i < draft_row_count; i++)
		if (draft_rows[i].uses & draft->use)
			take_row(draft, &draft_rows[i]);
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
	for (size_t i = 0; field && !name && i < draft_row_count; i++)
		if (is_about(draft_rows[i].member, field))
			name = draft_rows[i].name;
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
