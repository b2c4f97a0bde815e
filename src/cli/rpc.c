/* Rpc: any method by its name, and files of requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "text/json.h"
#include "text/language.h"

static json_t *read_json(const char *text, struct err *err)
{
	char *input = NULL;
	size_t size = 0;
	if (strcmp(text, "-") == 0 && getdelim(&input, &size, '\0', stdin) < 0) {
		free(input);
		(void)err_set(err, say("standard input holds no parameters"));
		return NULL;
	}
	if (input)
		text = input;
	json_t *params = NULL;
	if (json_parse(text, strlen(text), &params, err) && !json_is_object(params)) {
		(void)err_set(err, say("parameters go by name: write a JSON object"));
		json_decref(params);
		params = NULL;
	}
	free(input);
	return params;
}

static int load(struct cli *cli, const char *path)
{
	if (strcmp(path, "-") == 0)
		return commands_load(cli->socket, cli->registry, stdin, "standard input");
	FILE *in = fopen(path, "re");
	if (!in)
		return command_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	int status = commands_load(cli->socket, cli->registry, in, path);
	fclose(in);
	return status;
}

static int run_rpc(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const char *path;
	struct err err;
	if (!arguments_take(arguments, "file", &path, &err))
		return command_usage("%s", err.message);
	if (path && arguments->count == 0)
		return load(cli, path);
	if (path || arguments->count < 1 || arguments->count > 2)
		return command_usage_of(&command_rpc);
	const char *name = arguments->words[0];
	if (!strchr(name, '.') && registry_find(cli->registry, arena_printf(&cli->arena, "rpc.%s", name)))
		name = arena_printf(&cli->arena, "rpc.%s", name);
	json_t *params = arguments->count == 2 ? read_json(arguments->words[1], &err) : json_object(), *result;
	if (!params)
		return command_usage("%s", err.message);
	int status = command_call(cli, name, params, &result);
	if (status == CLI_DONE)
		command_print(cli, name, result);
	json_decref(result);
	return status;
}

const struct command command_rpc = {
    .word = "rpc",
    .summary = "Calls any method, its parameters as JSON or from standard input.",
    .usage = "METHOD [JSON | -]",
    .details =
        "With --file, every line of a file is a JSON-RPC request; neighbouring lines of one method go out together.",
    .example = "tracktwo rpc engagement.history '{\"country\": \"KP\"}'",
    COMMAND_OPTIONS(
        {"file", "FILE", "Sends every line of the file, or of standard input (-).", COMMAND_VALUE_FILE, NULL}),
    .words = {{COMMAND_VALUE_METHOD, NULL}},
    .run = run_rpc,
};
