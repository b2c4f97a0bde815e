/* Log: the commands that write an engagement: log, plan, hold.
 *
 * What is written goes through one form, be it by options or in an editor. Invariant: no note is lost: what could not
 * be sent is kept, unless it still stands in the file that it came from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/draft.h"
#include "cli/editor.h"
#include "text/language.h"
#include "text/utf8.h"

enum { NOTE_BYTES_MAX = 1 << 20 };

struct writing {
	struct cli *cli;
	const struct command *command;
	struct draft draft;
	const char *method;
	json_t *held;        /* hold: the engagement */
	bool form, no_input; /* options */
	const char *file;
	bool perishable; /* part of the text stands nowhere else */
};

/* Standard input, when it is no terminal; NULL with `err` when it cannot be read. A closed one is empty. */
static char *read_note(struct err *err)
{
	char *note = malloc(NOTE_BYTES_MAX + 1);
	size_t length = 0;
	if (!note)
		log_fatal(71, "out of memory");
	while (length <= NOTE_BYTES_MAX) {
		ssize_t got = read(STDIN_FILENO, note + length, NOTE_BYTES_MAX + 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != EBADF) {
			(void)err_set_errno(err, errno, "%s", say("standard input cannot be read"));
			free(note);
			return NULL;
		}
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (length > NOTE_BYTES_MAX) {
		(void)err_set(err, say("standard input holds more than 1 MiB"));
	} else if (!utf8_is_text(note, length)) {
		(void)err_set(err, say("standard input holds no text in UTF-8"));
	} else {
		while (length > 0 && strchr(" \t\r\n", note[length - 1]))
			length--;
		note[length] = '\0';
		return note;
	}
	free(note);
	return NULL;
}

static bool take_note(struct writing *writing, struct err *err)
{
	struct stat status;
	if (writing->no_input || writing->file || isatty(STDIN_FILENO))
		return true;
	char *note = read_note(err);
	if (!note)
		return false;
	if (*note && form_value(&writing->draft.form, "readout")) {
		free(note);
		return err_set(err, say("the readout is given twice"));
	}
	(void)form_add(&writing->draft.form, "readout", note);
	writing->perishable = *note && fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
	free(note);
	return true;
}

/* Words of time in it count from when they were written. */
static bool take_file(struct writing *writing, struct err *err)
{
	char *text;
	int64_t written_us;
	if (!editor_read(writing->file, &text, &written_us, err))
		return false;
	resolve_from(&writing->draft.resolve, written_us);
	form_read(&writing->draft.form, text);
	editor_forget(text);
	return true;
}

/* COUNTRIES WORKSTREAMS TITLE; the title alone where a dialogue gives the others. */
static bool take_words(struct writing *writing, struct err *err)
{
	static const char *const names[] = {"countries", "workstreams", "title"};
	struct arguments *arguments = &writing->cli->arguments;
	struct form *form = &writing->draft.form;
	for (size_t i = 0; i < arguments->count; i++)
		if (strncmp(arguments->words[i], "--", 2) == 0)
			return err_set(err, say("unknown option %s; --help lists all"), arguments->words[i]);
	if (writing->draft.use == DRAFT_HOLD)
		return arguments->count == 0 || err_set(err, say("\"%s\" belongs to no option"), arguments->words[0]);
	size_t first = arguments->count == 1 && form_value(form, "dialogue") ? 2 : 0;
	if (arguments->count > 3 - first)
		return err_set(err, say("write the title in quotes: \"%s\" is one word too many"), arguments->words[3 - first]);
	for (size_t i = 0; i < arguments->count; i++)
		(void)form_add(form, names[first + i], arguments->words[i]);
	return true;
}

static void print_faults(const struct writing *writing)
{
	const struct form *form = &writing->draft.form;
	if (form->fault)
		command_fail(writing->draft.status, "%s", form->fault);
	for (size_t i = 0; i < form->count; i++)
		if (form->entries[i].fault)
			command_fail(writing->draft.status, "%s: %s", say_heading(form->entries[i].name), form->entries[i].fault);
}

/* What would be sent again by --file lies in a file until it is stored. */
static bool guard(struct writing *writing, struct err *err)
{
	const char *command = writing->command->word;
	if (writing->held)
		command = arena_printf(&writing->cli->arena, "hold %s", output_cell(&writing->cli->arena, writing->held, "id"));
	draft_stamp(&writing->draft);
	return editor_guard(form_text(&writing->draft.form), command, err);
}

static void keep(struct writing *writing)
{
	struct err err;
	form_forgive(&writing->draft.form);
	if (guard(writing, &err)) {
		editor_guard_end(true);
	} else {
		command_fail(CLI_FAILED, "%s", err.message);
		fputs(form_text(&writing->draft.form), stderr);
	}
}

/* A call that goes along with the engagement; its failure leaves the engagement as it is. */
static int send_along(struct writing *writing, const char *method, const json_t *params, const char *member,
                      json_t *value)
{
	json_t *call = json_deep_copy(params), *result;
	json_object_set_new(call, member, value);
	int status = command_call(writing->cli, method, call, &result);
	if (status != CLI_DONE)
		fprintf(stderr, say("tracktwo: the engagement is written, but this is not: %s\n"),
		        output_cell(&writing->cli->arena, params, json_object_get(params, "note") ? "note" : "title"));
	else if (writing->cli->format != OUTPUT_JSON)
		fprintf(stderr, "%s: %s\n", method, output_cell(&writing->cli->arena, result, "id"));
	json_decref(result);
	return status;
}

static int send_others(struct writing *writing, const char *id)
{
	int status = CLI_DONE, one;
	size_t i;
	json_t *params;
	json_array_foreach(writing->draft.reminders, i, params) {
		one = send_along(writing, "reminder.create", params, "about", json_pack("{s:s}", "engagement_id", id));
		status = status == CLI_DONE ? one : status;
	}
	json_array_foreach(writing->draft.sides, i, params) {
		one = send_along(writing, "engagement.log", params, "parent_id", json_string(id));
		status = status == CLI_DONE ? one : status;
	}
	if (writing->cli->format != OUTPUT_JSON &&
	    json_array_size(writing->draft.reminders) + json_array_size(writing->draft.sides) > 0)
		fprintf(stderr, "%s", say("each of these is a write of its own; \"tracktwo undo ID\" takes it back\n"));
	return status;
}

/* The answer to what was built. A form that was kept names the version that it was written for, under which it may have
 * been carried out; when that has passed, it was not, and goes to what there is now. */
static json_t *ask_draft(struct writing *writing, struct err *err)
{
	json_t *params = writing->draft.params, *version = json_object_get(writing->held, "version");
	json_t *answer = command_answer(writing->cli, writing->method, json_deep_copy(params), err);
	const json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	const char *code = json_string_value(json_object_get(data, "code"));
	bool stale = code && strcmp(code, "stale_version") == 0;
	if (!stale || !version || json_equal(version, json_object_get(params, "version")))
		return answer;
	json_decref(answer);
	json_object_set(params, "version", version);
	return command_answer(writing->cli, writing->method, json_deep_copy(params), err);
}

/* Sends what was built. What the daemon refuses becomes faults of the form, and *refused is true; then and only then
 * nothing has been printed. */
static int send_draft(struct writing *writing, bool *refused)
{
	struct draft *draft = &writing->draft;
	struct err err;
	*refused = false;
	json_t *answer = ask_draft(writing, &err);
	if (!answer)
		return command_fail(CLI_OUT_OF_REACH, "%s", err.message);
	json_t *error = json_object_get(answer, "error"), *result = json_object_get(answer, "result");
	int status = CLI_DONE;
	if (error) {
		*refused = true;
		draft_take_error(draft, error);
		status = output_exit_code(error);
	} else {
		if (json_array_size(draft->reminders) + json_array_size(draft->sides) == 0)
			editor_guard_end(false);
		command_print(writing->cli, writing->method, result);
		status = send_others(writing, json_string_value(json_object_get(result, "id")));
	}
	json_decref(answer);
	return status;
}

/* Without an editor: one attempt. */
static int write_at_once(struct writing *writing)
{
	bool refused = false;
	int status;
	if (!draft_build(&writing->draft)) {
		refused = true;
		status = writing->draft.status;
	} else {
		status = send_draft(writing, &refused);
		writing->draft.status = status;
	}
	if (refused)
		print_faults(writing);
	if (status != CLI_DONE && writing->perishable && (refused || status == CLI_OUT_OF_REACH))
		keep(writing);
	return status;
}

/* Sends what came out of the editor; false when it is to come back into it, with its faults. */
static bool send_edited(struct writing *writing, int *status)
{
	struct draft *draft = &writing->draft;
	struct err err;
	bool refused = true;
	(void)!guard(writing, &err);
	if (form_faults(&draft->form) == 0 && draft_build(draft))
		draft->status = send_draft(writing, &refused);
	else if (draft->status == CLI_DONE)
		draft->status = CLI_USAGE;
	*status = draft->status;
	if (refused)
		print_faults(writing);
	if (*status == CLI_OUT_OF_REACH)
		keep(writing);
	return !refused || *status == CLI_OUT_OF_REACH;
}

/* What stands in a form and was not there when it was first shown. */
static bool is_filled(const struct form *form, const char *edited, const char *shown)
{
	return form->count > 0 && strcmp(edited, shown) != 0;
}

/* Faults come back into the editor until there are none, or nothing is changed about them. */
static int write_in_editor(struct writing *writing)
{
	struct draft *draft = &writing->draft;
	bool first = !writing->file && draft->form.count == 0;
	const char *last = NULL;
	draft->form.head =
	    say("Lines that begin with # are left out. Save and leave to write it down; an empty form, or one "
	        "that you leave as it is, writes nothing.");
	for (;;) {
		const char *shown = form_text(&draft->form);
		size_t faults = form_faults(&draft->form);
		char *edited;
		struct err err;
		bool kept, right = editor_run(shown, &edited, &kept, &err);
		if (!right) {
			if (!first && !kept)
				keep(writing);
			return command_fail(CLI_FAILED, "%s", err.message);
		}
		/* Nothing was done about the faults, be it by saving them again or by writing them anew. */
		bool same = strcmp(edited, shown) == 0 || (last && strcmp(edited, last) == 0);
		last = arena_strdup(&writing->cli->arena, edited);
		form_read(&draft->form, edited);
		bool filled = first ? is_filled(&draft->form, edited, shown) : draft->form.count > 0;
		editor_forget(edited);
		if (!filled)
			return command_fail(CLI_FAILED, "%s", say("the form is empty: nothing was written"));
		if (same && faults > 0) {
			int status = draft->status;
			keep(writing);
			return status;
		}
		int status;
		if (send_edited(writing, &status))
			return status;
		first = false;
	}
}

static int write_draft(struct writing *writing)
{
	struct arguments *arguments = &writing->cli->arguments;
	struct draft *draft = &writing->draft;
	bool bare = arguments->count == 0 && draft->use != DRAFT_HOLD;
	struct err err;
	writing->form = arguments_take_flag(arguments, "form");
	writing->no_input = arguments_take_flag(arguments, "no-input");
	if (!arguments_take(arguments, "file", &writing->file, &err) || (writing->file && !take_file(writing, &err)) ||
	    !draft_take_options(draft, &err) || !take_words(writing, &err))
		return command_usage("%s", err.message);
	if (bare && writing->cli->interactive)
		writing->form = true;
	if (draft->form.count == 0 && !writing->form && draft->use != DRAFT_HOLD)
		return command_usage_of(writing->command);
	/* Below a held engagement there may be nothing to say but that it was held. */
	if (!take_note(writing, &err))
		return command_usage("%s", err.message);
	if (writing->perishable)
		(void)!guard(writing, &err);
	int status = writing->form ? write_in_editor(writing) : write_at_once(writing);
	editor_guard_end(false);
	if (status == CLI_DONE && writing->file)
		editor_drop(writing->file);
	return status;
}

static int run_event(struct cli *cli, const struct command *command, enum draft_use use)
{
	struct writing writing = {.cli = cli, .command = command, .method = "engagement.log"};
	draft_init(&writing.draft, cli, command, use);
	int status = write_draft(&writing);
	draft_release(&writing.draft);
	return status;
}

static int run_log(struct cli *cli)
{
	return run_event(cli, &command_log, DRAFT_LOG);
}

static int run_plan(struct cli *cli)
{
	return run_event(cli, &command_plan, DRAFT_PLAN);
}

static int run_hold(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	struct writing writing = {.cli = cli, .command = &command_hold, .method = "engagement.hold"};
	const char *id;
	struct err err;
	if (arguments->count == 0 || strncmp(arguments->words[0], "--", 2) == 0)
		return command_usage_of(&command_hold);
	draft_init(&writing.draft, cli, &command_hold, DRAFT_HOLD);
	if (!resolve_record(&writing.draft.resolve, arguments->words[0], "engagement", &id, &err))
		return command_fail(writing.draft.resolve.status, "%s", err.message);
	arguments->words++;
	arguments->count--;
	int status = command_call(cli, "engagement.get", json_pack("{s:s}", "id", id), &writing.held);
	if (status == CLI_DONE) {
		writing.draft.engagement = writing.held;
		status = write_draft(&writing);
	}
	draft_release(&writing.draft);
	json_decref(writing.held);
	return status;
}

static const char *const kinds[] = {"meeting",
                                    "call",
                                    "message",
                                    "visit",
                                    "conference",
                                    "workshop",
                                    "track2-session",
                                    "negotiation",
                                    "multilateral",
                                    "cultural-exchange",
                                    "people-to-people",
                                    "family-reunion",
                                    "humanitarian",
                                    "education",
                                    "research",
                                    "public-diplomacy",
                                    "media",
                                    "other",
                                    NULL};
static const char *const tracks[] = {"1", "1.5", "2", "3", NULL};
static const char *const sensitivities[] = {"open", "internal", "restricted", "secret", NULL};
static const char *const attributions[] = {"on-record", "chatham-house", "background", "off-record", NULL};

#define FOLLOW_OPTIONS                                                                                                 \
	{"promise", "\"WHO: TEXT by DAY\"", "What was promised, by us, them, a country or a person; may be repeated.",     \
	 COMMAND_VALUE_ANY, NULL},                                                                                         \
	    {"due", "WHEN:NOTE", "A reminder, such as +7d:\"send the paper\"; may be repeated.", COMMAND_VALUE_ANY, NULL}, \
	    {"every", "RULE", "How often the first reminder comes again: month, \"2 weeks\", monday.", COMMAND_VALUE_ANY,  \
	     NULL},                                                                                                        \
	    {"request", "ID", "The id of this write: sent again under the same one, it is written once.",                  \
	     COMMAND_VALUE_ANY, NULL},                                                                                     \
	    {"form", NULL, "Writes it in $VISUAL or $EDITOR.", COMMAND_VALUE_ANY, NULL},                                   \
	    {"file", "FILE", "Reads the form from a file that was kept.", COMMAND_VALUE_FILE, NULL},                       \
	{                                                                                                                  \
		"no-input", NULL, "Reads no readout from standard input.", COMMAND_VALUE_ANY, NULL                             \
	}

#define EVENT_OPTIONS                                                                                                  \
	{"with", "WHO[:PART],…", "Who took part: names, me, ids; with chair, interpreter, personal, … behind a colon.",    \
	 COMMAND_VALUE_PERSON, NULL},                                                                                      \
	    {"new", "\"NAME (COUNTRY, ORGANIZATION)\"", "Somebody who is no contact yet, and becomes one.",                \
	     COMMAND_VALUE_ANY, NULL},                                                                                     \
	    {"at", "WHEN", "When it begins: \"yesterday 12:30\", 2026-11-20, November 1998.", COMMAND_VALUE_ANY, NULL},    \
	    {"until", "WHEN", "When it ends; an hour alone is of the day on which it begins.", COMMAND_VALUE_ANY, NULL},   \
	    {"for", "DURATION", "Or how long it lasts: 90m, 2h, 3d.", COMMAND_VALUE_ANY, NULL},                            \
	    {"kind", "KIND", "What kind of event; meeting when absent.", COMMAND_VALUE_CHOICE, kinds},                     \
	    {"track", "TRACK", "1 governments, 1.5 officials and experts, 2 no officials, 3 people.",                      \
	     COMMAND_VALUE_CHOICE, tracks},                                                                                \
	    {"place", "PLACE", "Where.", COMMAND_VALUE_ANY, NULL},                                                         \
	    {"topic", "TOPIC,…", "What it is about: sanctions-relief, family-reunions, …", COMMAND_VALUE_ANY, NULL},       \
	    {"dialogue", "DIALOGUE", "The series it belongs to; gives countries and workstreams.", COMMAND_VALUE_ANY,      \
	     NULL},                                                                                                        \
	    {"parent", "ID", "The visit or conference that it is a part of.", COMMAND_VALUE_ANY, NULL},                    \
	    {"sensitivity", "LEVEL", "Who may see it; at least that of its people.", COMMAND_VALUE_CHOICE, sensitivities}, \
	    {"attribution", "RULE", "What may be said of who said what.", COMMAND_VALUE_CHOICE, attributions},             \
	{                                                                                                                  \
		"private", "TEXT", "A note for yourself alone.", COMMAND_VALUE_ANY, NULL                                       \
	}

#define EVENT_WORDS                                                                                                    \
	.words = {{COMMAND_VALUE_COUNTRY, NULL}, {COMMAND_VALUE_WORKSTREAM, NULL}, {COMMAND_VALUE_ANY, NULL}}

const struct command command_log = {
    .word = "log",
    .summary = "Logs an engagement in one line, or in a form in the editor.",
    .usage = "COUNTRY[,…] WORKSTREAM[,…] TITLE",
    .details =
        "The readout is read from standard input, unless that is a terminal: up to its end, so a pipe must end. "
        "Without words and on a terminal a form opens in the editor, so that names and notes stand in no "
        "history of the shell; what is wrong is marked there, an emptied form writes nothing, and what cannot be "
        "sent is kept.",
    .example = "tracktwo log CN 1.3 \"Lunch on sanctions relief\" --with 왕이,me --at \"yesterday 12:30\" "
               "--due +7d:\"send the paper\" < note.txt",
    COMMAND_OPTIONS(EVENT_OPTIONS, FOLLOW_OPTIONS),
    EVENT_WORDS,
    .run = run_log,
};

const struct command command_plan = {
    .word = "plan",
    .summary = "Plans an engagement: a meeting, or a trip with meetings beside it.",
    .usage = "COUNTRY[,…] WORKSTREAM[,…] TITLE --at WHEN",
    .details = "As log, but for what lies ahead.",
    .example = "tracktwo plan CN 1.3 \"Trip to Beijing\" --kind visit --at \"next monday\" --for 3d "
               "--side \"Lunch with the institute@12:30\"",
    COMMAND_OPTIONS(EVENT_OPTIONS,
                    {"side", "TITLE@WHEN", "A meeting beside it; an hour alone is of its first day. May be repeated.",
                     COMMAND_VALUE_ANY, NULL},
                    FOLLOW_OPTIONS),
    EVENT_WORDS,
    .run = run_plan,
};

const struct command command_hold = {
    .word = "hold",
    .summary = "Says that a planned engagement has taken place, who was missing, and what came of it.",
    .usage = "ID",
    .details = "The readout is read from standard input, unless that is a terminal.",
    .example = "tracktwo hold 01a20b59 --absent 왕이 --due \"friday:thank them\" < readout.txt",
    COMMAND_OPTIONS({"absent", "WHO,…", "Who did not come.", COMMAND_VALUE_PERSON, NULL}, FOLLOW_OPTIONS),
    .run = run_hold,
};
