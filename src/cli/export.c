/* Export: records as files that other programs read, made here by the writers that the daemon uses. */
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/resolve.h"
#include "text/icalendar.h"
#include "text/language.h"

/* export NOUN: what NOUN.export answers, in the format that other programs read. */
static int run_export(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const struct method *method = registry_find(cli->registry, command_export.method);
	const char *text;
	json_t *params, *result;
	struct err err;
	if (arguments->count < 1 || strcmp(arguments->words[0], "calendar") != 0)
		return command_usage_of(&command_export);
	int status = resolve_arguments(cli, method, arguments->words + 1, arguments->count - 1, &params);
	if (status == CLI_DONE)
		status = command_call(cli, method->name, params, &result);
	if (status != CLI_DONE)
		return status;
	json_int_t left_out = json_integer_value(json_object_get(result, "left_out"));
	if (icalendar_write_export(&cli->arena, result, &text, &err))
		fputs(text, stdout);
	else
		status = command_fail(CLI_FAILED, "%s", err.message);
	if (left_out > 0)
		fprintf(stderr, say("warning: %lld more entries are left out\n"), (long long)left_out);
	json_decref(result);
	return status;
}

const struct command command_export = {
    .word = "export",
    .summary = "Writes what a calendar feed shows, as an .ics file on standard output.",
    .usage = "calendar [--MEMBER VALUE …]",
    .example = "tracktwo export calendar --country CN > china.ics",
    .words = {{COMMAND_VALUE_CHOICE, (const char *const[]){"calendar", NULL}}},
    .method = "calendar.export",
    .run = run_export,
};
