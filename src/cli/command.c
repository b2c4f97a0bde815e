/* Command: what commands share: to call, to print, to refuse.
 *
 * Invariant: whatever returns an exit code other than CLI_DONE has said why on standard error. */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "cli/link.h"
#include "cli/screen.h"
#include "text/language.h"
#include "text/zone.h"

static void print_fault(const char *format, va_list arguments)
{
	/* What a lower floor says in English is known to the tables, too. */
	struct arena arena = {0};
	char message[1024];
	screen_progress_end();
	vsnprintf(message, sizeof message, format, arguments);
	fprintf(stderr, "tracktwo: %s\n", say_message(&arena, message));
	arena_release(&arena);
}

int command_usage(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	print_fault(format, arguments);
	va_end(arguments);
	return CLI_USAGE;
}

int command_fail(int status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	print_fault(format, arguments);
	va_end(arguments);
	return status;
}

int command_usage_of(const struct command *command)
{
	return command_usage(say("write: tracktwo %s %s"), command->word, command->usage);
}

json_t *command_answer(struct cli *cli, const char *name, json_t *params, struct err *err)
{
	const struct method *method = registry_find(cli->registry, name);
	if (!params)
		params = json_object();
	if (method && method->kind == METHOD_WRITE && !json_object_get(params, "request_id")) {
		char id[UUID_TEXT_SIZE];
		uuid_make(id);
		json_object_set_new(params, "request_id", json_string(id));
	}
	json_t *answer = link_call(&cli->link, cli->socket, name, params, err);
	json_decref(params);
	return answer;
}

int command_call(struct cli *cli, const char *name, json_t *params, json_t **result)
{
	struct err err;
	int status = CLI_DONE;
	*result = NULL;
	json_t *answer = command_answer(cli, name, params, &err);
	const json_t *error = json_object_get(answer, "error");
	if (!answer) {
		status = command_fail(CLI_OUT_OF_REACH, "%s", err.message);
	} else if (error) {
		status = output_error(stderr, error);
	} else {
		*result = json_object_get(answer, "result");
		*result = *result ? json_incref(*result) : json_null();
	}
	json_decref(answer);
	return status;
}

int command_call_pages(struct cli *cli, const char *method, json_t *params, json_t **result)
{
	json_t *all = NULL;
	json_incref(params);
	int status = command_call(cli, method, params, result);
	while (status == CLI_DONE && cli->arguments.all) {
		json_t *cursor = json_incref(json_object_get(*result, "next_cursor"));
		json_t *items = json_object_get(all ? all : *result, "items");
		if (all) {
			json_array_extend(items, json_object_get(*result, "items"));
			json_decref(*result);
			*result = all;
		}
		all = *result;
		if (!json_is_string(cursor)) {
			if (cursor)
				json_object_set_new(all, "next_cursor", json_null());
			json_decref(cursor);
			break;
		}
		screen_progress(say("%zu records so far"), json_array_size(items));
		json_object_set_new(params, "cursor", cursor);
		status = command_call(cli, method, json_incref(params), result);
		if (status != CLI_DONE)
			json_decref(all);
	}
	screen_progress_end();
	json_decref(params);
	return status;
}

void command_print(struct cli *cli, const char *method, json_t *result)
{
	FILE *out = screen_begin();
	output_result(out, cli->format, cli->format == OUTPUT_TABLE ? command_zone(cli) : NULL,
	              method ? registry_find(cli->registry, method) : NULL, result);
	/* In order with the hints; whether it worked is asked at the end. */
	(void)!screen_end(out);
	if (cli->format != OUTPUT_JSON)
		output_hints(stderr, result);
}

const char *command_zone(struct cli *cli)
{
	struct err err;
	if (cli->zone)
		return cli->zone;
	json_t *whoami = command_answer(cli, "session.whoami", NULL, &err);
	const char *theirs = json_string_value(json_object_get(json_object_get(whoami, "result"), "timezone"));
	const char *variable = getenv("TZ");
	if (theirs && zone_check(theirs, NULL))
		cli->zone = arena_strdup(&cli->arena, theirs);
	else if (variable && zone_check(variable, NULL))
		cli->zone = arena_strdup(&cli->arena, variable);
	else
		cli->zone = "Asia/Seoul";
	json_decref(whoami);
	return cli->zone;
}

bool command_take_number(struct cli *cli, const char *name, long *number, struct err *err)
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
	       err_set(err, say("--%s must be a whole number from 1 to 1000000"), name);
}
