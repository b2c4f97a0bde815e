/* CLI: which command a line asks for.
 *
 * Noun and verb name a method of the registry; the commands beside them stand in a table. Invariant: results go to
 * standard output and everything else to standard error, so that a pipe holds nothing but results. */
#include "cli/cli.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/place.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/resolve.h"
#include "cli/screen.h"
#include "text/language.h"
#include "text/zone.h"

/* What is no noun and verb, in the order of help. */
static const struct command *const commands[] = {
    &command_log,          &command_plan,         &command_hold,          &command_edit,       &command_undo,
    &command_today,        &command_history,      &command_coverage,      &command_tail,       &command_doctor,
    &command_admin_backup, &command_admin_verify, &command_admin_restore, &command_admin_kept, &command_admin_upgrade,
    &command_admin_move,   &command_rpc,          &command_wait,          &command_export,     &command_completion,
    &command_help,
};

size_t command_count(void)
{
	return sizeof commands / sizeof *commands;
}

const struct command *command_at(size_t index)
{
	return commands[index];
}

/* How many of `words` are the words of `name`; 0 when they are others. */
static size_t match_words(const char *name, char *const *words, size_t count)
{
	size_t used = 0;
	while (*name) {
		size_t length = strcspn(name, " ");
		if (used == count || strlen(words[used]) != length || strncmp(name, words[used], length) != 0)
			return 0;
		used++;
		name += length;
		name += strspn(name, " ");
	}
	return used;
}

const struct command *command_find(char *const *words, size_t count, size_t *used)
{
	for (size_t i = 0; i < command_count(); i++) {
		*used = match_words(commands[i]->word, words, count);
		if (*used > 0)
			return commands[i];
	}
	return NULL;
}

static int run_subscribe(struct cli *cli, const struct method *method)
{
	struct arguments *arguments = &cli->arguments;
	bool acknowledge = arguments_take_flag(arguments, "acknowledge");
	long count = 0;
	json_t *params;
	struct err err;
	if (!command_take_number(cli, "count", &count, &err))
		return command_usage("%s", err.message);
	int status = resolve_arguments(cli, method, arguments->words + 2, arguments->count - 2, &params);
	if (status == CLI_DONE)
		status = commands_subscribe(cli->socket, params, cli->format, acknowledge, count);
	json_decref(params);
	return status;
}

static int run_method(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const char *noun = arguments->words[0], *verb = arguments->count > 1 ? arguments->words[1] : NULL;
	if (strncmp(noun, "--", 2) == 0)
		return command_usage(say("the noun and the verb come first; \"tracktwo help\" lists them"));
	const struct method *method =
	    verb ? registry_find(cli->registry, arena_printf(&cli->arena, "%s.%s", noun, verb)) : NULL;
	if (!method) {
		commands_unknown(cli->registry, noun, verb);
		return CLI_USAGE;
	}
	if (strcmp(method->name, "reminder.subscribe") == 0)
		return run_subscribe(cli, method);
	json_t *params, *result = NULL;
	int status = resolve_arguments(cli, method, arguments->words + 2, arguments->count - 2, &params);
	if (status == CLI_DONE)
		status = command_call_pages(cli, method->name, params, &result);
	if (status == CLI_DONE)
		command_print(cli, method->name, result);
	json_decref(result);
	return status;
}

static void drop_words(struct arguments *arguments, size_t count)
{
	arguments->words += count;
	arguments->count -= count;
}

static int run(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	size_t used;
	const struct command *command = command_find(arguments->words, arguments->count, &used);
	if (arguments->help)
		return commands_help_on(cli->registry, arguments->words, arguments->count) ? CLI_DONE : CLI_USAGE;
	if (arguments->count == 0) {
		commands_help(stderr, cli->registry, NULL, NULL);
		return CLI_USAGE;
	}
	if (arguments->count == 1 && strcmp(arguments->words[0], "--version") == 0) {
		puts("tracktwo " TRACKTWO_VERSION);
		return CLI_DONE;
	}
	if (arguments->count == 1 && strcmp(arguments->words[0], "--describe=man") == 0) {
		commands_manual(stdout, cli->registry, TRACKTWO_VERSION);
		return CLI_DONE;
	}
	if (!command)
		return run_method(cli);
	drop_words(arguments, used);
	return command->run(cli);
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

static int start(struct cli *cli, int argc, char **argv)
{
	struct err err;
	(void)language_choose(NULL);
	if (!arguments_read(&cli->arena, argc, argv, &cli->arguments, &err))
		return command_usage("%s", err.message);
	if (cli->arguments.lang && !language_choose(cli->arguments.lang))
		return command_usage(say("--lang takes en or ko"));
	if (cli->arguments.zone && !zone_check(cli->arguments.zone, &err))
		return command_usage("--zone: %s", err.message);
	cli->zone = cli->arguments.zone;
	if (cli->arguments.color && !screen_choose_colour(cli->arguments.color))
		return command_usage(say("--color takes auto, always or never"));
	cli->registry = api_registry();
	cli->socket = find_socket(cli);
	cli->format = cli->arguments.json                             ? OUTPUT_JSON
	              : cli->arguments.table || isatty(STDOUT_FILENO) ? OUTPUT_TABLE
	                                                              : OUTPUT_TSV;
	cli->interactive = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	return run(cli);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {0};
	/* Only how wide characters are: numbers keep their point. What is printed is UTF-8 whatever the environment says.
	 */
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	int status = start(&cli, argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_DONE)
		status = command_fail(CLI_FAILED, say("the result could not be written"));
	link_close(cli.link);
	if (cli.registry)
		registry_free(cli.registry);
	arena_release(&cli.arena);
	return status;
}
