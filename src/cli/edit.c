/* Edit: a record in the editor; what was changed there is sent, and merged with what somebody else changed meanwhile.
 *
 * Three records are held: `base`, what was read; `mine`, what the person made of it; and what the daemon has, when that
 * is no longer `base`. Invariant: what was typed is in the form until it is stored, and the form is kept when it cannot
 * be. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/edit_form.h"
#include "cli/editor.h"
#include "cli/merge.h"
#include "text/language.h"

struct edit {
	struct cli *cli;
	struct resolve resolve;
	const char *id, *noun;
	const struct method *update;
	json_t *base; /* flat, as the daemon has it for all we know */
	json_int_t version;
	json_t *mine;
	struct form form;
	const char *last; /* what came out of the editor the last time; NULL */
	bool set;         /* --set: without an editor */
	bool typed;       /* the form holds what stands nowhere else */
};

/* Reads the record anew: `base` and `version`. */
static int read_record(struct edit *edit)
{
	json_t *record;
	int status = command_call(edit->cli, arena_printf(&edit->cli->arena, "%s.get", edit->noun),
	                          json_pack("{s:s}", "id", edit->id), &record);
	if (status != CLI_DONE)
		return status;
	json_decref(edit->base);
	edit->base = merge_flatten(edit->update, record);
	edit_form_localize(edit->update, edit->base, command_zone(edit->cli));
	edit->version = json_integer_value(json_object_get(record, "version"));
	if (edit->form.field_count == 0)
		edit_form_init(&edit->form, edit->update, record);
	json_decref(record);
	return CLI_DONE;
}

static int find_noun(struct edit *edit)
{
	json_t *found;
	int status = command_call(edit->cli, "record.find", json_pack("{s:s}", "text", edit->id), &found);
	const json_t *first = json_array_get(json_object_get(found, "candidates"), 0);
	const char *noun = json_string_value(json_object_get(first, "noun"));
	if (status == CLI_DONE && !noun)
		status = command_fail(CLI_NOT_FOUND, "%s", say("no record has this id"));
	if (status == CLI_DONE) {
		struct arena *arena = &edit->cli->arena;
		edit->noun = arena_strdup(arena, noun);
		edit->update = registry_find(edit->cli->registry, arena_printf(arena, "%s.update", noun));
		if (!edit->update || !registry_find(edit->cli->registry, arena_printf(arena, "%s.get", noun)))
			status = command_fail(CLI_USAGE, say("records of this kind (%s) cannot be edited"), noun);
	}
	json_decref(found);
	return status;
}

static bool guard(struct edit *edit, struct err *err)
{
	return editor_guard(form_text(&edit->form), arena_printf(&edit->cli->arena, "edit %s", edit->id), err);
}

static void keep(struct edit *edit)
{
	struct err err;
	form_forgive(&edit->form);
	if (guard(edit, &err)) {
		editor_guard_end(true);
	} else {
		command_fail(CLI_FAILED, "%s", err.message);
		fputs(form_text(&edit->form), stderr);
	}
}

static void print_faults(const struct form *form)
{
	if (form->fault)
		command_fail(CLI_USAGE, "%s", form->fault);
	for (size_t i = 0; i < form->count; i++)
		if (form->entries[i].fault)
			command_fail(CLI_USAGE, "%s: %s", say_heading(form->entries[i].name), form->entries[i].fault);
}

/* The list that a member of the method is a part of, "participants" of "participants_add[0].role"; else the member. */
static const char *field_of(struct arena *arena, const char *path)
{
	static const char *const parts[] = {"_add", "_change", "_remove"};
	const char *name = arena_copy(arena, path, strcspn(path, ".["));
	for (size_t i = 0; i < 3; i++) {
		size_t length = strlen(name), tail = strlen(parts[i]);
		if (length > tail && strcmp(name + length - tail, parts[i]) == 0)
			return arena_copy(arena, name, length - tail);
	}
	return name;
}

static void take_error(struct edit *edit, const json_t *error)
{
	const json_t *data = json_object_get(error, "data"), *faults = json_object_get(data, "errors");
	const char *field = json_string_value(json_object_get(data, "field"));
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i);
		field = json_string_value(json_object_get(fault, "field"));
		form_fault(&edit->form, field ? field_of(&edit->cli->arena, field) : NULL,
		           json_string_value(json_object_get(fault, "message")));
	}
	if (json_array_size(faults) == 0)
		form_fault(&edit->form, field ? field_of(&edit->cli->arena, field) : NULL,
		           json_string_value(json_object_get(error, "message")));
}

static void print_keys(const char *what, const json_t *keys, const json_t *theirs)
{
	struct arena arena = {0};
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const char *key = json_string_value(json_array_get(keys, i));
		json_t *one = json_pack("{s:O?}", "value", json_object_get(theirs, key));
		fprintf(stderr, what, key, output_cell(&arena, one, "value"));
		json_decref(one);
	}
	arena_release(&arena);
}

/* Somebody else was faster: what only they changed is taken over, what both did stands beside each other in the form.
 * True when there is nothing to choose. */
static bool merge(struct edit *edit, const json_t *before)
{
	struct merged merged;
	merge_three(before, edit->mine, edit->base, &merged);
	print_keys(say("changed by somebody else, and taken over: %s: %s\n"), merged.taken, edit->base);
	print_keys(say("changed by somebody else as well: %s: %s\n"), merged.conflicts, edit->base);
	bool clean = json_array_size(merged.conflicts) == 0;
	edit_form_write(&edit->form, edit->update, merged.record, edit->base, merged.conflicts);
	json_decref(edit->mine);
	edit->mine = json_incref(merged.record);
	json_decref(merged.record);
	json_decref(merged.taken);
	json_decref(merged.conflicts);
	return clean;
}

enum outcome { OUTCOME_END, OUTCOME_EDIT, OUTCOME_STALE };

static enum outcome send_patch(struct edit *edit, json_t *patch, int *status)
{
	struct err err;
	json_object_set_new(patch, "id", json_string(edit->id));
	json_object_set_new(patch, "version", json_integer(edit->version));
	json_t *answer = command_answer(edit->cli, edit->update->name, patch, &err);
	enum outcome outcome = OUTCOME_END;
	if (!answer) {
		*status = command_fail(CLI_OUT_OF_REACH, "%s", err.message);
		keep(edit);
		return OUTCOME_END;
	}
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(json_object_get(error, "data"), "code"));
	*status = error ? output_exit_code(error) : CLI_DONE;
	if (!error) {
		editor_guard_end(false);
		command_print(edit->cli, edit->update->name, json_object_get(answer, "result"));
	} else if (code && strcmp(code, "stale_version") == 0) {
		outcome = OUTCOME_STALE;
	} else {
		take_error(edit, error);
		outcome = OUTCOME_EDIT;
	}
	json_decref(answer);
	return outcome;
}

/* Sends `mine`, as often as others are faster. */
static enum outcome send_mine(struct edit *edit, int *status)
{
	enum { TRIES = 10 };
	for (int tries = 0; tries < TRIES; tries++) {
		struct err err;
		json_t *patch = merge_patch(&edit->cli->arena, edit->update, edit->base, edit->mine, &err);
		edit->resolve.status = CLI_USAGE;
		if (!patch || !resolve_params(&edit->resolve, edit->update, patch, &err)) {
			json_decref(patch);
			*status = edit->resolve.status;
			form_fault(&edit->form, NULL, err.message);
			return OUTCOME_EDIT;
		}
		if (json_object_size(patch) == 0) {
			json_decref(patch);
			fprintf(stderr, "%s", say("nothing is changed\n"));
			*status = CLI_DONE;
			return OUTCOME_END;
		}
		enum outcome outcome = send_patch(edit, patch, status);
		if (outcome != OUTCOME_STALE)
			return outcome;
		json_t *before = json_incref(edit->base);
		int read = read_record(edit);
		bool clean = read == CLI_DONE && merge(edit, before);
		json_decref(before);
		if (read != CLI_DONE) {
			*status = read;
			keep(edit);
			return OUTCOME_END;
		}
		if (!clean)
			return OUTCOME_EDIT;
	}
	keep(edit);
	*status = CLI_CONFLICT;
	return OUTCOME_END;
}

static void set_version(struct edit *edit)
{
	form_clear(&edit->form, "version");
	(void)form_add(&edit->form, "version", arena_printf(&edit->cli->arena, "%lld", (long long)edit->version));
}

/* One round in the editor; false when there is nothing more to send, with the exit code. */
static bool edit_once(struct edit *edit, int *status)
{
	char *edited;
	struct err err;
	set_version(edit);
	edit->form.head =
	    say("Lines that begin with # are left out. Save and leave to write it down; an empty form, or one "
	        "that you leave as it is, writes nothing.");
	const char *shown = form_text(&edit->form);
	bool kept, right = editor_run(shown, &edited, &kept, &err);
	if (!right) {
		*status = command_fail(CLI_FAILED, "%s", err.message);
		if (edit->typed && !kept)
			keep(edit);
		return false;
	}
	/* Nothing was done about the faults, be it by saving them again or by writing them anew. */
	bool same = strcmp(edited, shown) == 0 || (edit->last && strcmp(edited, edit->last) == 0);
	bool faulty = form_faults(&edit->form) > 0;
	edit->last = arena_strdup(&edit->cli->arena, edited);
	if (same && faulty) {
		keep(edit);
		editor_forget(edited);
		return false;
	}
	form_read(&edit->form, edited);
	editor_forget(edited);
	if (edit->form.count == 0 || (same && !edit->typed)) {
		fprintf(stderr, "%s", say("nothing is changed\n"));
		*status = edit->form.count == 0 ? CLI_FAILED : CLI_DONE;
		return false;
	}
	edit->typed = true;
	return true;
}

static int edit_rounds(struct edit *edit, bool first)
{
	int status = CLI_CONFLICT;
	for (;;) {
		struct err err;
		if (!first && !edit_once(edit, &status))
			return status;
		if (!first)
			(void)!guard(edit, &err);
		first = false;
		json_decref(edit->mine);
		edit->mine = edit_form_read(&edit->form, edit->update, &edit->resolve);
		status = CLI_USAGE;
		if (edit->mine && send_mine(edit, &status) == OUTCOME_END)
			return status;
		print_faults(&edit->form);
		if (edit->set)
			return status;
	}
}

/* --set FIELD=VALUE, for each: what stands there otherwise is replaced. */
static bool take_sets(struct edit *edit, struct err *err)
{
	const char *value, *seen[32];
	size_t count = 0;
	for (;;) {
		if (!arguments_take(&edit->cli->arguments, "set", &value, err))
			return false;
		if (!value)
			return true;
		const char *equals = strchr(value, '=');
		const struct form_field *field = equals ? form_find(&edit->form, value, (size_t)(equals - value)) : NULL;
		if (!field || strcmp(field->name, "version") == 0)
			return err_set(err, say("--set takes FIELD=VALUE, with a field of the form, not \"%s\""), value);
		bool again = false;
		for (size_t i = 0; i < count; i++)
			again = again || strcmp(seen[i], field->name) == 0;
		if (!again)
			form_clear(&edit->form, field->name);
		if (count < sizeof seen / sizeof *seen)
			seen[count++] = field->name;
		(void)form_add(&edit->form, field->name, equals + 1);
		edit->set = true;
	}
}

/* A form that was kept: of what it was made from nothing is known but the version, so if that has passed, all that
 * differs is to be chosen. */
static bool take_file(struct edit *edit, const char *path, bool *chosen, struct err *err)
{
	char *text;
	int64_t written_us;
	if (!editor_read(path, &text, &written_us, err))
		return false;
	resolve_from(&edit->resolve, written_us);
	form_read(&edit->form, text);
	editor_forget(text);
	edit->typed = true;
	const char *version = form_value(&edit->form, "version");
	*chosen = version && strtoll(version, NULL, 10) == edit->version;
	if (*chosen || form_faults(&edit->form) > 0)
		return true;
	edit->mine = edit_form_read(&edit->form, edit->update, &edit->resolve);
	if (edit->mine) {
		json_t *nothing = json_object();
		*chosen = merge(edit, nothing);
		json_decref(nothing);
	}
	return true;
}

static int edit_record(struct edit *edit)
{
	struct arguments *arguments = &edit->cli->arguments;
	const char *path;
	bool ready = false;
	struct err err;
	int status = find_noun(edit);
	if (status == CLI_DONE)
		status = read_record(edit);
	if (status != CLI_DONE)
		return status;
	edit_form_write(&edit->form, edit->update, edit->base, NULL, NULL);
	if (!arguments_take(arguments, "file", &path, &err) || (path && !take_file(edit, path, &ready, &err)) ||
	    !take_sets(edit, &err))
		return command_usage("%s", err.message);
	if (arguments->count > 0)
		return command_usage_of(&command_edit);
	status = edit_rounds(edit, edit->set || ready);
	editor_guard_end(false);
	if (status == CLI_DONE && path)
		editor_drop(path);
	return status;
}

static int run_edit(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	struct edit edit = {.cli = cli, .form = {.arena = &cli->arena}};
	struct err err;
	if (arguments->count == 0 || strncmp(arguments->words[0], "--", 2) == 0)
		return command_usage_of(&command_edit);
	resolve_init(&edit.resolve, cli);
	if (!resolve_record(&edit.resolve, arguments->words[0], NULL, &edit.id, &err))
		return command_fail(edit.resolve.status, "%s", err.message);
	arguments->words++;
	arguments->count--;
	int status = edit_record(&edit);
	json_decref(edit.base);
	json_decref(edit.mine);
	return status;
}

const struct command command_edit = {
    .word = "edit",
    .summary = "Changes a record in the editor, or by --set.",
    .usage = "ID",
    .details =
        "Only what you changed is sent. When somebody else has changed the record meanwhile, what only they changed "
        "is taken over, and what both did comes back into the editor with both values, to be chosen from.",
    .example = "tracktwo edit 01a20b59 --set location=Geneva",
    COMMAND_OPTIONS(
        {"set", "FIELD=VALUE", "Changes a field without the editor; may be repeated.", COMMAND_VALUE_ANY, NULL},
        {"file", "FILE", "Reads the form from a file that was kept.", COMMAND_VALUE_FILE, NULL}),
    .run = run_edit,
};
