/* Coverage: the country by workstream grid, as people read it: how often each country was met on each workstream, and
 * below it when last. A program gets the cells one by one, as report.coverage gives them. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/resolve.h"
#include "cli/screen.h"
#include "text/language.h"
#include "text/time.h"

enum { MOST_CODES = 500 };

/* What a grid is made of: the codes of both sides, in order. */
struct coverage {
	struct arena *arena;
	const json_t *cells; /* of report.coverage */
	const char *countries[MOST_CODES], *workstreams[MOST_CODES];
	size_t country_count, workstream_count;
};

static void add_code(const char **codes, size_t *count, const char *code)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(codes[i], code) == 0)
			return;
	if (*count < MOST_CODES && *code)
		codes[(*count)++] = code;
}

static const json_t *find_cell(const struct coverage *coverage, const char *country, const char *workstream)
{
	for (size_t i = 0; i < json_array_size(coverage->cells); i++) {
		const json_t *cell = json_array_get(coverage->cells, i);
		if (strcmp(json_string_value(json_object_get(cell, "country")), country) == 0 &&
		    strcmp(json_string_value(json_object_get(cell, "workstream")), workstream) == 0)
			return cell;
	}
	return NULL;
}

/* Bilateral and multilateral, "5+2"; the latter alone as "+2". */
static const char *count_text(struct arena *arena, const json_t *cell)
{
	json_int_t bilateral = json_integer_value(json_object_get(cell, "bilateral"));
	json_int_t multilateral = json_integer_value(json_object_get(cell, "multilateral"));
	if (!cell)
		return "·";
	if (multilateral == 0)
		return arena_printf(arena, "%lld", (long long)bilateral);
	if (bilateral == 0)
		return arena_printf(arena, "+%lld", (long long)multilateral);
	return arena_printf(arena, "%lld+%lld", (long long)bilateral, (long long)multilateral);
}

/* As short as it stays clear: the year and the month. */
static const char *last_text(struct arena *arena, const json_t *cell)
{
	enum { CENTURY = 2, TO_THE_MONTH = 7 };
	const char *last = output_cell(arena, cell, "last_on");
	return strlen(last) > TO_THE_MONTH ? arena_copy(arena, last + CENTURY, TO_THE_MONTH - CENTURY) : last;
}

static const char *name_of(struct arena *arena, const json_t *countries, const char *code)
{
	const json_t *items = json_object_get(countries, "items");
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *country = json_array_get(items, i);
		if (strcmp(output_cell(arena, country, "code"), code) == 0)
			return output_cell(arena, country, arena_printf(arena, "names.%s", language_code()));
	}
	return "";
}

static void print_grid(FILE *out, const struct coverage *coverage)
{
	struct grid grid = {.arena = coverage->arena};
	grid_add_column(&grid, "country");
	for (size_t i = 0; i < coverage->workstream_count; i++)
		grid_add_column(&grid, coverage->workstreams[i]);
	for (size_t i = 0; i < coverage->country_count; i++) {
		grid_add_cell(&grid, coverage->countries[i]);
		for (size_t k = 0; k < coverage->workstream_count; k++)
			grid_add_cell(&grid, count_text(coverage->arena,
			                                find_cell(coverage, coverage->countries[i], coverage->workstreams[k])));
		grid_add_cell(&grid, "");
		for (size_t k = 0; k < coverage->workstream_count; k++)
			grid_add_cell(&grid, last_text(coverage->arena,
			                               find_cell(coverage, coverage->countries[i], coverage->workstreams[k])));
	}
	(void)grid_print(out, &grid, GRID_NUMBERS);
}

/* What the codes stand for, countries and workstreams. */
static void print_legend(FILE *out, const struct coverage *coverage, const json_t *countries, const json_t *roadmap)
{
	struct grid grid = {.arena = coverage->arena};
	const char *title = strcmp(language_code(), "ko") == 0 ? "title_ko" : "title";
	grid_add_column(&grid, "code");
	grid_add_column(&grid, "title");
	for (size_t i = 0; i < coverage->country_count; i++) {
		grid_add_cell(&grid, coverage->countries[i]);
		grid_add_cell(&grid, name_of(coverage->arena, countries, coverage->countries[i]));
	}
	const json_t *phases = json_object_get(roadmap, "phases");
	for (size_t i = 0; i < json_array_size(phases); i++) {
		const json_t *list = json_object_get(json_array_get(phases, i), "workstreams");
		for (size_t k = 0; k < json_array_size(list); k++) {
			grid_add_cell(&grid, output_cell(coverage->arena, json_array_get(list, k), "code"));
			grid_add_cell(&grid, output_cell(coverage->arena, json_array_get(list, k), title));
		}
	}
	fputc('\n', out);
	(void)grid_print(out, &grid, GRID_BARE);
}

/* All workstreams of the roadmap; home, the counterparts, and whoever else was met. */
static void collect_codes(struct coverage *coverage, const json_t *countries, const json_t *roadmap)
{
	static const char *const standings[] = {"counterpart", "home"};
	const json_t *phases = json_object_get(roadmap, "phases"), *items = json_object_get(countries, "items");
	for (size_t i = 0; i < json_array_size(phases); i++) {
		const json_t *list = json_object_get(json_array_get(phases, i), "workstreams");
		for (size_t k = 0; k < json_array_size(list); k++)
			add_code(coverage->workstreams, &coverage->workstream_count,
			         output_cell(coverage->arena, json_array_get(list, k), "code"));
	}
	for (size_t s = 0; s < sizeof standings / sizeof *standings; s++)
		for (size_t i = 0; i < json_array_size(items); i++)
			if (strcmp(output_cell(coverage->arena, json_array_get(items, i), "standing"), standings[s]) == 0)
				add_code(coverage->countries, &coverage->country_count,
				         output_cell(coverage->arena, json_array_get(items, i), "code"));
	for (size_t i = 0; i < json_array_size(coverage->cells); i++)
		add_code(coverage->countries, &coverage->country_count,
		         output_cell(coverage->arena, json_array_get(coverage->cells, i), "country"));
}

static int print_page(struct cli *cli, const json_t *result)
{
	json_t *countries = NULL, *roadmap = NULL;
	struct coverage *coverage = arena_alloc(&cli->arena, sizeof *coverage);
	*coverage = (struct coverage){.arena = &cli->arena, .cells = json_object_get(result, "items")};
	int status = command_call(cli, "country.list", NULL, &countries);
	if (status == CLI_DONE)
		status = command_call(cli, "roadmap.get", NULL, &roadmap);
	if (status == CLI_DONE) {
		FILE *out = screen_begin();
		collect_codes(coverage, countries, roadmap);
		screen_print_heading(out, say("Engagements held, bilateral+multilateral, and the month of the last one"));
		fputc('\n', out);
		print_grid(out, coverage);
		print_legend(out, coverage, countries, roadmap);
		(void)!screen_end(out);
	}
	json_decref(countries);
	json_decref(roadmap);
	return status;
}

static int run_coverage(struct cli *cli)
{
	const struct method *method = registry_find(cli->registry, command_coverage.method);
	json_t *params, *result;
	int status = resolve_arguments(cli, method, cli->arguments.words, cli->arguments.count, &params);
	if (status == CLI_DONE)
		status = command_call(cli, method->name, params, &result);
	if (status != CLI_DONE)
		return status;
	if (cli->format == OUTPUT_TABLE)
		status = print_page(cli, result);
	else
		command_print(cli, method->name, result);
	json_decref(result);
	return status;
}

const struct command command_coverage = {
    .word = "coverage",
    .summary = "How often each country was met on each workstream, and when last, as one grid.",
    .usage = "",
    .details = "In a pipe a line for each country and workstream that met.",
    .example = "tracktwo coverage --since 2026-01-01",
    .method = "report.coverage",
    .run = run_coverage,
};
