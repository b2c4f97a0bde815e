/* History: what was done with a country or a person, newest first: engagement.history with names for codes and ids, and
 * a table that is read without knowing either. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/resolve.h"
#include "cli/screen.h"
#include "cli/words.h"
#include "text/country.h"
#include "text/language.h"

/* Words before the first option are countries, or else one person. */
static bool read_whom(struct resolve *resolve, struct arguments *arguments, json_t *params, struct err *err)
{
	json_t *countries = json_array();
	bool right = true;
	while (right && arguments->count > 0 && strncmp(arguments->words[0], "--", 2) != 0) {
		const char *word = arguments->words[0], *code;
		struct resolve_person person;
		if (country_find(word, &code, NULL)) {
			right = resolve_country(resolve, word, &code, err);
			if (right)
				json_array_append_new(countries, json_string(code));
		} else if (json_object_get(params, "contact_id")) {
			right = err_set(err, say("only one person at a time; \"%s\" is another"), word);
		} else {
			right = resolve_person(resolve, word, RESOLVE_CONTACTS, &person, err);
			if (right)
				json_object_set_new(params, "contact_id", json_string(person.id));
		}
		arguments->words++;
		arguments->count--;
	}
	if (right && json_array_size(countries) == 1)
		json_object_set(params, "country", json_array_get(countries, 0));
	else if (right && json_array_size(countries) > 1)
		json_object_set(params, "countries_all", countries);
	json_decref(countries);
	return right;
}

static const char *names_of(struct arena *arena, const json_t *people)
{
	const char *names = "";
	for (size_t i = 0; i < json_array_size(people); i++)
		names = arena_printf(arena, "%s%s%s", names, i == 0 ? "" : ", ",
		                     output_cell(arena, json_array_get(people, i), "name"));
	return names;
}

static const char *countries_of(struct arena *arena, const json_t *codes)
{
	const char *names = "";
	for (size_t i = 0; i < json_array_size(codes); i++) {
		const char *code = json_string_value(json_array_get(codes, i));
		names = arena_printf(arena, "%s%s%s", names, i == 0 ? "" : ", ", country_name(arena, code, language_code()));
	}
	return names;
}

/* "2018-04", "2018": as exactly as the day is known. */
static const char *when_of(struct arena *arena, const json_t *card, const char *zone)
{
	static const struct {
		const char *precision;
		size_t length;
	} lengths[] = {{"month", 7}, {"year", 4}};
	const char *at = output_cell(arena, card, "starts_at"), *on = output_cell(arena, card, "starts_on");
	const char *precision = output_cell(arena, card, "precision");
	if (*at)
		return output_instant(arena, at, zone);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		if (strcmp(precision, lengths[i].precision) == 0 && strlen(on) > lengths[i].length)
			return arena_copy(arena, on, lengths[i].length);
	return on;
}

static void print_page(struct cli *cli, const json_t *result)
{
	static const char *const columns[] = {"when",        "kind",  "status",       "countries",
	                                      "workstreams", "title", "participants", "id"};
	struct arena *arena = &cli->arena;
	struct grid grid = {.arena = arena};
	const json_t *items = json_object_get(result, "items");
	const char *zone = command_zone(cli);
	FILE *out = screen_begin();
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		grid_add_column(&grid, columns[i]);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *card = json_array_get(items, i);
		grid_add_cell(&grid, when_of(arena, card, zone));
		grid_add_cell(&grid, words_of(output_cell(arena, card, "kind")));
		grid_add_cell(&grid, words_of(output_cell(arena, card, "status")));
		grid_add_cell(&grid, countries_of(arena, json_object_get(card, "countries")));
		grid_add_cell(&grid, output_cell(arena, card, "workstreams"));
		grid_add_cell(&grid, output_cell(arena, card, "title"));
		grid_add_cell(&grid, names_of(arena, json_object_get(card, "participants")));
		grid_add_cell(&grid, output_cell(arena, card, "id"));
	}
	if (json_array_size(items) == 0)
		fprintf(out, "%s\n", say("(none)"));
	(void)grid_print(out, &grid, GRID_LIST);
	(void)!screen_end(out);
	output_hints(stderr, result);
}

static int run_history(struct cli *cli)
{
	const struct method *method = registry_find(cli->registry, command_history.method);
	struct arguments *arguments = &cli->arguments;
	struct resolve resolve;
	json_t *whom = json_object(), *params = NULL, *result = NULL;
	struct err err;
	int status;
	resolve_init(&resolve, cli);
	resolve.status = CLI_USAGE;
	if (!read_whom(&resolve, arguments, whom, &err)) {
		status = command_fail(resolve.status, "%s", err.message);
		goto out;
	}
	status = resolve_arguments(cli, method, arguments->words, arguments->count, &params);
	if (status != CLI_DONE)
		goto out;
	json_object_update(params, whom);
	status = command_call_pages(cli, method->name, json_incref(params), &result);
	if (status == CLI_DONE && cli->format == OUTPUT_TABLE)
		print_page(cli, result);
	else if (status == CLI_DONE)
		command_print(cli, method->name, result);
out:
	json_decref(whom);
	json_decref(params);
	json_decref(result);
	return status;
}

const struct command command_history = {
    .word = "history",
    .summary = "What was done with a country, or with a person, newest first.",
    .usage = "[COUNTRY | PERSON …]",
    .details = "Several countries: what all of them took part in. Times may be words: 90d, \"last month\", 작년.",
    .example = "tracktwo history 북한 --since 90d",
    .words = {{COMMAND_VALUE_SIDE, NULL}},
    .method = "engagement.history",
    .run = run_history,
};
