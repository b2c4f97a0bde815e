/* CLI: which command a line asks for.
 *
 * Noun and verb name a method of the registry; the few commands beside them stand in a table. Invariant: results go to
 * standard output and everything else to standard error, so that a pipe holds nothing but results. */
#include "cli/cli.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/place.h"
#include "base/uuid.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/output.h"
#include "text/json.h"

struct cli {
	struct arena arena;
	struct arguments arguments;
	struct registry *registry;
	const char *socket;
	enum output_format format;
};

static int usage(const char *message)
{
	fprintf(stderr, "tracktwo: %s\n", message);
	return CLI_USAGE;
}

/* Calls and prints. `params` is taken over; `method` is NULL for one that no row describes. */
static int call(struct cli *cli, const char *name, const struct method *method, json_t *params)
{
	struct link *link = NULL;
	struct err err;
	int status = CLI_DONE;
	if (method && method->kind == METHOD_WRITE && !json_object_get(params, "request_id")) {
		char id[UUID_TEXT_SIZE];
		uuid_make(id);
		json_object_set_new(params, "request_id", json_string(id));
	}
	json_t *answer = link_call(&link, cli->socket, name, params, &err);
	json_t *error = json_object_get(answer, "error"), *result = json_object_get(answer, "result");
	if (!answer) {
		fprintf(stderr, "tracktwo: %s\n", err.message);
		status = CLI_OUT_OF_REACH;
	} else if (error) {
		status = output_error(stderr, error);
	} else {
		output_result(stdout, cli->format, method, result ? result : json_null());
		/* In order with the hints; whether it worked is asked at the end. */
		fflush(stdout);
		if (cli->format != OUTPUT_JSON)
			output_hints(stderr, result);
	}
	json_decref(answer);
	json_decref(params);
	link_close(link);
	return status;
}

static json_t *read_json(const char *text, struct err *err)
{
	char *input = NULL;
	size_t size = 0;
	if (strcmp(text, "-") == 0 && getdelim(&input, &size, '\0', stdin) < 0) {
		free(input);
		(void)err_set(err, "standard input holds no parameters");
		return NULL;
	}
	if (input)
		text = input;
	json_t *params = NULL;
	if (json_parse(text, strlen(text), &params, err) && !json_is_object(params)) {
		(void)err_set(err, "parameters go by name: write a JSON object");
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
	if (!in) {
		fprintf(stderr, "tracktwo: %s: %s\n", path, strerror(errno));
		return CLI_FAILED;
	}
	int status = commands_load(cli->socket, cli->registry, in, path);
	fclose(in);
	return status;
}

static int command_rpc(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const char *path;
	struct err err;
	if (!arguments_take(arguments, "file", &path, &err))
		return usage(err.message);
	if (path && arguments->count == 1)
		return load(cli, path);
	if (path || arguments->count < 2 || arguments->count > 3)
		return usage("write: tracktwo rpc METHOD [JSON], or tracktwo rpc --file FILE");
	const char *name = arguments->words[1];
	if (!strchr(name, '.') && registry_find(cli->registry, arena_printf(&cli->arena, "rpc.%s", name)))
		name = arena_printf(&cli->arena, "rpc.%s", name);
	json_t *params = arguments->count == 3 ? read_json(arguments->words[2], &err) : json_object();
	if (!params)
		return usage(err.message);
	return call(cli, name, registry_find(cli->registry, name), params);
}

/* Takes --name N out of the words; `number` stays as it is when the option is not there. */
static bool take_number(struct cli *cli, const char *name, long *number, struct err *err)
{
	const char *text;
	char *end;
	if (!arguments_take(&cli->arguments, name, &text, err))
		return false;
	if (!text)
		return true;
	errno = 0;
	*number = strtol(text, &end, 10);
	return (*text && !*end && errno == 0 && *number > 0 && *number <= 1000000) ||
	       err_set(err, "--%s must be a whole number from 1 to 1000000", name);
}

static int command_wait(struct cli *cli)
{
	long seconds = 60;
	struct err err;
	if (!take_number(cli, "for", &seconds, &err))
		return usage(err.message);
	if (cli->arguments.count > 1)
		return usage("write: tracktwo wait [--for SECONDS]");
	return commands_wait(cli->socket, seconds);
}

static int command_help(struct cli *cli)
{
	char **words = cli->arguments.words;
	size_t count = cli->arguments.count;
	const char *noun = count > 1 ? words[1] : NULL, *verb = count > 2 ? words[2] : NULL;
	return commands_help(stdout, cli->registry, noun, verb) ? CLI_DONE : CLI_USAGE;
}

static int command_subscribe(struct cli *cli, const struct method *method)
{
	struct arguments *arguments = &cli->arguments;
	bool acknowledge = arguments_take_flag(arguments, "acknowledge");
	long count = 0;
	json_t *params;
	struct err err;
	if (!take_number(cli, "count", &count, &err) ||
	    !arguments_params(method, arguments->words + 2, arguments->count - 2, &params, &err))
		return usage(err.message);
	int status = commands_subscribe(cli->socket, params, cli->format, acknowledge, count);
	json_decref(params);
	return status;
}

/* export NOUN: what NOUN.export answers, in the format that other programs read. */
static int command_export(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const struct method *method = registry_find(cli->registry, "calendar.export");
	json_t *params;
	struct err err;
	if (arguments->count < 2 || strcmp(arguments->words[1], "calendar") != 0)
		return usage("write: tracktwo export calendar [--country CODE | --workstream CODE | --principal-id ID]");
	if (!arguments_params(method, arguments->words + 2, arguments->count - 2, &params, &err))
		return usage(err.message);
	int status = commands_export_calendar(cli->socket, params);
	json_decref(params);
	return status;
}

static int command_method(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const char *noun = arguments->words[0], *verb = arguments->count > 1 ? arguments->words[1] : NULL;
	if (strncmp(noun, "--", 2) == 0)
		return usage("the noun and the verb come first; \"tracktwo help\" lists them");
	const struct method *method =
	    verb ? registry_find(cli->registry, arena_printf(&cli->arena, "%s.%s", noun, verb)) : NULL;
	if (!method) {
		commands_unknown(cli->registry, noun, verb);
		return CLI_USAGE;
	}
	if (strcmp(method->name, "reminder.subscribe") == 0)
		return command_subscribe(cli, method);
	json_t *params;
	struct err err;
	if (!arguments_params(method, arguments->words + 2, arguments->count - 2, &params, &err))
		return usage(err.message);
	return call(cli, method->name, method, params);
}

/* What is no noun and verb. */
static const struct command {
	const char *word;
	int (*run)(struct cli *cli);
} commands[] = {{"rpc", command_rpc}, {"wait", command_wait}, {"help", command_help}, {"export", command_export}};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(word, commands[i].word) == 0)
			return &commands[i];
	return NULL;
}

/* --help shows what the words before the first option are about. */
static int help_on(struct cli *cli)
{
	char **words = cli->arguments.words;
	size_t count = 0;
	while (count < cli->arguments.count && count < 2 && words[count][0] != '-')
		count++;
	const char *noun = count > 0 && !find_command(words[0]) ? words[0] : NULL, *verb = count > 1 ? words[1] : NULL;
	if (!noun && verb && strcmp(words[0], "export") == 0) {
		noun = verb;
		verb = "export";
	}
	return commands_help(stdout, cli->registry, noun, noun ? verb : NULL) ? CLI_DONE : CLI_USAGE;
}

static int run(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	if (arguments->help)
		return help_on(cli);
	if (arguments->count == 0) {
		commands_help(stderr, cli->registry, NULL, NULL);
		return CLI_USAGE;
	}
	if (arguments->count == 1 && strcmp(arguments->words[0], "--version") == 0) {
		puts("tracktwo " TRACKTWO_VERSION);
		return CLI_DONE;
	}
	const struct command *command = find_command(arguments->words[0]);
	return command ? command->run(cli) : command_method(cli);
}

static const char *find_socket(struct cli *cli)
{
	const char *named = cli->arguments.socket ? cli->arguments.socket : getenv("TRACKTWO_SOCKET");
	if (named && *named)
		return named;
	struct place place;
	place_find(&place);
	return arena_strdup(&cli->arena, place.socket);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {0};
	struct err err;
	/* Only how wide characters are: numbers keep their point. What is printed is UTF-8 whatever the environment says.
	 */
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	if (!arguments_read(&cli.arena, argc, argv, &cli.arguments, &err)) {
		arena_release(&cli.arena);
		return usage(err.message);
	}
	cli.registry = api_registry();
	cli.socket = find_socket(&cli);
	cli.format = cli.arguments.json                             ? OUTPUT_JSON
	             : cli.arguments.table || isatty(STDOUT_FILENO) ? OUTPUT_TABLE
	                                                            : OUTPUT_TSV;
	int status = run(&cli);
	registry_free(cli.registry);
	arena_release(&cli.arena);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE) {
		fprintf(stderr, "tracktwo: the result could not be written\n");
		status = CLI_FAILED;
	}
	return status;
}
