/* Undo: the last write of the caller, or the last one of a record, taken back by another write. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/resolve.h"
#include "cli/words.h"
#include "text/language.h"
#include "text/utf8.h"

/* The change that is meant, the caller's to release. That a message was seen is nothing that anybody means. */
static int find_change(struct cli *cli, const char *about, const char *change_id, json_t **change)
{
	json_t *params = json_pack("{s:b,s:i}", "mine", 1, "limit", 500), *page, *item;
	size_t i;
	*change = NULL;
	if (about)
		json_object_set_new(params, "about_id", json_string(about));
	int status = command_call(cli, "change.list", params, &page);
	json_array_foreach(json_object_get(page, "items"), i, item) {
		const char *method = json_string_value(json_object_get(item, "method"));
		const char *id = json_string_value(json_object_get(item, "id"));
		bool meant =
		    change_id ? id && strcmp(id, change_id) == 0 : method && strcmp(method, "reminder.acknowledge") != 0;
		if (!*change && meant)
			*change = json_incref(item);
	}
	json_decref(page);
	if (status == CLI_DONE && !*change)
		status = command_fail(CLI_NOT_FOUND, "%s", say("there is no write of yours to undo"));
	return status;
}

/* The one record that the caller wrote to and whose id begins so, in the arena; NULL for none or several. A record that
 * was made void is found nowhere else. */
static const char *find_written(struct cli *cli, const char *word)
{
	enum { DIGITS_LEAST = 4 };
	struct err err;
	size_t i;
	json_t *item;
	const char *found = NULL;
	json_t *answer = strlen(word) < DIGITS_LEAST
	                     ? NULL
	                     : command_answer(cli, "change.list", json_pack("{s:b,s:i}", "mine", 1, "limit", 500), &err);
	json_array_foreach(json_object_get(json_object_get(answer, "result"), "items"), i, item) {
		const char *id = json_string_value(json_object_get(item, "record_id"));
		if (!id || strncasecmp(id, word, strlen(word)) != 0 || (found && strcmp(found, id) == 0))
			continue;
		if (found) {
			found = NULL;
			break;
		}
		found = arena_strdup(&cli->arena, id);
	}
	json_decref(answer);
	return found;
}

/* For whoever sits at the terminal by their clock and in their words, else as the daemon has it. */
static void print_change(struct cli *cli, const json_t *change)
{
	const char *at = output_cell(&cli->arena, change, "at"), *method = output_cell(&cli->arena, change, "method"),
	           *title = output_cell(&cli->arena, change, "title"), *fields = output_cell(&cli->arena, change, "fields");
	if (cli->interactive)
		fprintf(stderr, "%s  %s%s%s%s%s%s\n", output_instant(&cli->arena, at, command_zone(cli)), words_deed(method),
		        *title ? ": " : "", title, *fields ? " (" : "", fields, *fields ? ")" : "");
	else
		fprintf(stderr, "%s %s \"%s\" %s\n", at, method, title, fields);
}

/* Asks on the terminal; in a pipe only --yes says so. */
static bool is_agreed(struct cli *cli, bool yes)
{
	char line[16];
	if (yes || !cli->interactive)
		return yes;
	fprintf(stderr, "%s", say("Undo this? [y/N] "));
	return fgets(line, sizeof line, stdin) &&
	       (strchr("yY", line[0]) || strncmp(line, "예", strlen("예")) == 0 || strncmp(line, "네", strlen("네")) == 0);
}

/* What stands in the way: who has changed it since. */
static void print_changes(struct cli *cli, const json_t *error)
{
	const json_t *changes = json_object_get(json_object_get(error, "data"), "changes");
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *change = json_array_get(changes, i);
		const char *at = output_cell(&cli->arena, change, "at"), *method = output_cell(&cli->arena, change, "method");
		fprintf(stderr, "  %s %s %s\n", cli->interactive ? output_instant(&cli->arena, at, command_zone(cli)) : at,
		        output_cell(&cli->arena, change, "name"), cli->interactive ? words_deed(method) : method);
	}
}

static int undo(struct cli *cli, const char *id, const char *reason)
{
	struct err err;
	json_t *params = json_pack("{s:s,s:s*}", "id", id, "reason", reason);
	json_t *answer = command_answer(cli, "change.undo", params, &err);
	if (!answer)
		return command_fail(CLI_OUT_OF_REACH, "%s", err.message);
	const json_t *error = json_object_get(answer, "error");
	json_t *result = json_object_get(answer, "result");
	int status = CLI_DONE;
	if (error) {
		status = output_error(stderr, error);
		print_changes(cli, error);
	} else if (cli->format == OUTPUT_JSON) {
		command_print(cli, "change.undo", result);
	} else {
		const char *noun = json_string_value(json_object_get(result, "noun"));
		command_print(cli, arena_printf(&cli->arena, "%s.get", noun), json_object_get(result, "record"));
		output_hints(stderr, result);
	}
	json_decref(answer);
	return status;
}

static int run_undo(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	struct resolve resolve;
	bool yes = arguments_take_flag(arguments, "yes");
	const char *reason, *change_id, *about = NULL;
	struct err err;
	json_t *change;
	resolve_init(&resolve, cli);
	if (!arguments_take(arguments, "reason", &reason, &err) || !arguments_take(arguments, "change", &change_id, &err))
		return command_usage("%s", err.message);
	/* What is no text would be left out of the call. */
	if (reason && !utf8_is_text(reason, strlen(reason)))
		return command_usage("%s", say("the text is not UTF-8"));
	if (arguments->count > 1 || (arguments->count == 1 && strncmp(arguments->words[0], "--", 2) == 0))
		return command_usage_of(&command_undo);
	if (arguments->count == 1 && !resolve_record(&resolve, arguments->words[0], NULL, &about, &err)) {
		about = resolve.status == CLI_NOT_FOUND ? find_written(cli, arguments->words[0]) : NULL;
		if (!about)
			return command_fail(resolve.status, "%s", err.message);
	}
	int status = find_change(cli, about, change_id, &change);
	if (status != CLI_DONE)
		return status;
	print_change(cli, change);
	if (is_agreed(cli, yes))
		status = undo(cli, json_string_value(json_object_get(change, "id")), reason);
	else if (cli->interactive)
		status = command_fail(CLI_FAILED, "%s", say("nothing was undone"));
	else
		status = command_usage("%s", say("nobody is there to be asked; give --yes to undo this"));
	json_decref(change);
	return status;
}

const struct command command_undo = {
    .word = "undo",
    .summary = "Undoes your last write, or your last write of a record, by a new one.",
    .usage = "[ID]",
    .details =
        "What was logged is void, what was changed is as it was, what was ended is open again; undoing once more does "
        "it again. It is refused where the same has been changed since.",
    .example = "tracktwo undo 01a20b59",
    COMMAND_OPTIONS({"change", "ID", "The change that is meant, as change list shows it.", COMMAND_VALUE_ANY, NULL},
                    {"reason", "TEXT", "Why; stands in what is made void by it.", COMMAND_VALUE_ANY, NULL},
                    {"yes", NULL, "Does not ask.", COMMAND_VALUE_ANY, NULL}),
    .run = run_undo,
};
