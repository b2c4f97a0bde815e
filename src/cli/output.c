/* Output: a result becomes a grid of cells once, and the grid a table or tab-separated lines.
 *
 * Invariant: a cell holds no control character, so that no value can break a line or speak to the terminal. */
#include "cli/output.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/screen.h"
#include "rpc/error.h"
#include "text/json.h"
#include "text/language.h"
#include "text/time.h"
#include "text/zone.h"

/* As many as decimal text keeps on its way through a double and back. */
enum { REAL_DIGITS = 15 };

/* Spaces for control characters: of ASCII, and U+0080 to U+009F, U+2028 and U+2029 in UTF-8. */
static char *tame(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		size_t bytes = 0;
		if (*at < 0x20 || *at == 0x7F)
			bytes = 1;
		else if (at[0] == 0xC2 && at[1] < 0xA0)
			bytes = 2;
		else if (at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
			bytes = 3;
		memset(at, ' ', bytes);
	}
	return text;
}

static char *value_text(struct arena *arena, const json_t *value);

static char *list_text(struct arena *arena, const json_t *list)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return arena_strdup(arena, "");
	for (size_t i = 0; i < json_array_size(list); i++)
		fprintf(out, "%s%s", i == 0 ? "" : ",", value_text(arena, json_array_get(list, i)));
	fclose(out);
	char *copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

static char *object_text(struct arena *arena, const json_t *object)
{
	static const char *const telling[] = {"name", "title", "code", "text"};
	for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
		const char *text = json_string_value(json_object_get(object, telling[i]));
		if (text)
			return arena_strdup(arena, text);
	}
	return arena_strdup(arena, json_text(arena, object));
}

static char *value_text(struct arena *arena, const json_t *value)
{
	if (!value || json_is_null(value))
		return arena_strdup(arena, "");
	if (json_is_string(value))
		return arena_strdup(arena, json_string_value(value));
	if (json_is_array(value))
		return list_text(arena, value);
	if (json_is_object(value))
		return object_text(arena, value);
	if (json_is_real(value))
		return arena_printf(arena, "%.*g", REAL_DIGITS, json_real_value(value));
	return arena_strdup(arena, json_text(arena, value));
}

const char *output_cell(struct arena *arena, const json_t *record, const char *path)
{
	char *rest = arena_strdup(arena, path), *name;
	while (record && (name = strsep(&rest, ".")))
		record = json_object_get(record, name);
	return tame(value_text(arena, record));
}

/* For whom it is shown. */
struct look {
	bool people;      /* a table; else lines for a program */
	const char *zone; /* in which people read instants; NULL: UTC, as they came */
};

const char *output_instant(struct arena *arena, const char *instant, const char *zone)
{
	int64_t micros;
	struct zone entered;
	if (!time_parse_instant(instant, &micros, NULL) || !zone_init(&entered, zone, NULL))
		return instant;
	enum { SECONDS_OF_MINUTE = 60, SECONDS_OF_DAY = 86400, MICROS = 1000000 };
	int64_t seconds = micros / MICROS - (micros % MICROS < 0);
	int64_t local = zone_local_of(&entered, seconds);
	zone_release(&entered);
	int64_t of_day = ((local % SECONDS_OF_DAY) + SECONDS_OF_DAY) % SECONDS_OF_DAY;
	char day[TIME_DAY_SIZE];
	time_format_day((int32_t)((local - of_day) / SECONDS_OF_DAY), day);
	return arena_printf(arena, "%s %02d:%02d", day, (int)(of_day / 3600), (int)(of_day / SECONDS_OF_MINUTE % 60));
}

static const char *shown(struct arena *arena, const struct look *look, const char *cell)
{
	return look->people && look->zone ? output_instant(arena, cell, look->zone) : cell;
}

static void columns_of_method(struct grid *grid, const char *columns)
{
	char *rest = arena_strdup(grid->arena, columns), *name;
	while ((name = strsep(&rest, ",")))
		grid_add_column(grid, name + strspn(name, " "));
}

/* Every member that any of the records has and that is neither an object nor a list of them. */
static void columns_of_records(struct grid *grid, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *record = json_array_get(list, i), *member;
		const char *name;
		json_object_foreach(record, name, member) {
			if (!json_is_object(member) && !json_is_object(json_array_get(member, 0)))
				grid_add_column(grid, name);
		}
	}
}

static void grid_of_list(struct grid *grid, const struct look *look, const json_t *list, const char *name,
                         const char *columns)
{
	bool plain = json_array_size(list) > 0 && !json_is_object(json_array_get(list, 0));
	if (plain)
		grid_add_column(grid, name);
	else if (columns)
		columns_of_method(grid, columns);
	else
		columns_of_records(grid, list);
	for (size_t row = 0; row < json_array_size(list); row++) {
		const json_t *record = json_array_get(list, row);
		for (size_t i = 0; i < grid->column_count; i++) {
			const char *cell =
			    plain ? tame(value_text(grid->arena, record)) : output_cell(grid->arena, record, grid->columns[i]);
			grid_add_cell(grid, shown(grid->arena, look, cell));
		}
	}
}

static void add_pair(struct grid *grid, const struct look *look, const char *name, const json_t *member)
{
	name = tame(arena_strdup(grid->arena, name));
	grid_add_cell(grid, look->people ? say_heading(name) : name);
	grid_add_cell(grid, shown(grid->arena, look, tame(value_text(grid->arena, member))));
}

static bool is_empty(const json_t *value)
{
	const char *name;
	json_t *member;
	json_object_foreach((json_t *)value, name, member) {
		if (!json_is_null(member) && !(json_is_array(member) && json_array_size(member) == 0))
			return false;
	}
	return json_is_null(value) || json_is_object(value) || (json_is_array(value) && json_array_size(value) == 0);
}

/* In the order of the type, which is how people think of it; then what the type does not know. For people what
 * is empty is left out. */
static void grid_of_record(struct grid *grid, const struct look *look, json_t *record, const struct type *type)
{
	json_t *object = json_is_object(record) ? json_copy(record) : json_pack("{s:O}", "result", record), *member;
	const char *name;

	grid_add_column(grid, "key");
	grid_add_column(grid, "value");
	for (size_t i = 0; type && i < type->member_count; i++) {
		name = type->members[i].name;
		member = json_object_get(object, name);
		if (member && !(look->people && is_empty(member)))
			add_pair(grid, look, name, member);
		json_object_del(object, name);
	}
	json_object_foreach(object, name, member) {
		add_pair(grid, look, name, member);
	}
	json_decref(object);
}

/* The list that a result is for: of a page, or the only list of an object that is no record. */
static const json_t *list_of(json_t *result, const char **name)
{
	*name = "items";
	const json_t *items = json_object_get(result, "items"), *only = NULL;
	if (json_is_array(items))
		return items;
	if (json_object_get(result, "id") || json_object_get(result, "principal_id"))
		return NULL;
	const char *key;
	json_t *member;
	json_object_foreach(result, key, member) {
		if (json_is_object(member) || (json_is_array(member) && only))
			return NULL;
		if (json_is_array(member)) {
			only = member;
			*name = key;
		}
	}
	return only;
}

/* False when the result is no page of text. */
static bool print_page(FILE *out, struct arena *arena, const json_t *result)
{
	const char *page = json_string_value(json_object_get(result, "markdown"));
	char *rest = page ? arena_strdup(arena, page) : NULL, *line;
	while ((line = strsep(&rest, "\n")))
		if (rest || *line)
			fprintf(out, "%s\n", tame(line));
	return page != NULL;
}

/* What a result lists beside its items, a table each under its name: on a terminal alone, where nobody counts columns.
 */
static void print_others(FILE *out, struct arena *arena, const struct look *look, json_t *result, const char *shown)
{
	const char *name;
	json_t *list;
	json_object_foreach(result, name, list) {
		struct grid grid = {.arena = arena};
		if (strcmp(name, shown) == 0 || strcmp(name, "warnings") == 0 || !json_is_object(json_array_get(list, 0)))
			continue;
		grid_of_list(&grid, look, list, name, NULL);
		fputc('\n', out);
		screen_print_heading(out, say_heading(name));
		(void)grid_print(out, &grid, GRID_LIST);
	}
}

static void print_json(FILE *out, const json_t *result)
{
	json_dumpf(result, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
	fputc('\n', out);
}

static void print_grid(FILE *out, struct arena *arena, const struct look *look, const struct method *method,
                       json_t *result)
{
	struct grid grid = {.arena = arena};
	const char *name;
	const json_t *list = list_of(result, &name);
	bool left_out = false;
	if (list)
		grid_of_list(&grid, look, list, name, method ? method->columns : NULL);
	else
		grid_of_record(&grid, look, result, method ? method->result : NULL);
	if (!look->people)
		grid_print_lines(out, &grid);
	else if (list && grid_row_count(&grid) == 0)
		fprintf(out, "%s\n", say("(none)"));
	else
		left_out = grid_print(out, &grid, list ? GRID_LIST : GRID_RECORD);
	if (list && look->people)
		print_others(out, arena, look, result, name);
	if (left_out)
		fprintf(stderr, "%s\n",
		        say("ids are left out: the terminal is too narrow; a wider one, a pipe or --json has them"));
}

void output_result(FILE *out, enum output_format format, const char *zone, const struct method *method, json_t *result)
{
	struct arena arena = {0};
	struct look look = {.people = format == OUTPUT_TABLE, .zone = zone};
	if (format == OUTPUT_JSON)
		print_json(out, result);
	else if (!print_page(out, &arena, result))
		print_grid(out, &arena, &look, method, result);
	arena_release(&arena);
}

void output_hints(FILE *out, const json_t *result)
{
	struct arena arena = {0};
	const char *cursor = json_string_value(json_object_get(result, "next_cursor"));
	if (cursor)
		fprintf(out, say("more: repeat this with --all, or with --cursor %s\n"), tame(arena_strdup(&arena, cursor)));
	const json_t *warnings = json_object_get(result, "warnings");
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *message = output_cell(&arena, json_array_get(warnings, i), "message");
		fprintf(out, say("warning: %s\n"), say_message(&arena, message));
	}
	arena_release(&arena);
}

/* "participants[0].name" as "--participants [0].name". */
static void print_fault(FILE *out, struct arena *arena, const json_t *fault)
{
	const char *field = output_cell(arena, fault, "field");
	const char *message = say_message(arena, output_cell(arena, fault, "message"));
	size_t length = strcspn(field, ".[");
	if (length == 0)
		fprintf(out, "  %s\n", message);
	else
		fprintf(out, "  %s%s%s %s\n", arguments_option(arena, arena_copy(arena, field, length)),
		        field[length] ? " " : "", field + length + (field[length] == '.'), message);
}

/* The meaning of its data.code in the language chosen; NULL in English, or for a code that is not known. */
static const char *meaning_of(const char *code)
{
	for (size_t i = 0; code && i < ERROR_KINDS; i++)
		if (strcmp(error_rows[i].name, code) == 0 && say(error_rows[i].meaning) != error_rows[i].meaning)
			return say(error_rows[i].meaning);
	return NULL;
}

/* The message in the language chosen. Where no row holds it, what its data.code means, with the message behind; that
 * alone where the faults follow. */
static const char *message_of(struct arena *arena, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *english = output_cell(arena, error, "message"), *message = say_message(arena, english);
	const char *meaning = meaning_of(json_string_value(json_object_get(data, "code")));
	if (meaning && json_array_size(json_object_get(data, "errors")) > 0)
		return meaning;
	return meaning && message == english ? arena_printf(arena, "%s (%s)", meaning, english) : message;
}

int output_exit_code(const json_t *error)
{
	static const struct {
		int code, status;
	} table[] = {
	    {-32602, CLI_USAGE}, {-32601, CLI_USAGE}, {404, CLI_NOT_FOUND}, {409, CLI_CONFLICT}, {503, CLI_OUT_OF_REACH}};
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].code == code)
			return table[i].status;
	return CLI_FAILED;
}

int output_error(FILE *out, const json_t *error)
{
	struct arena arena = {0};
	fprintf(out, "tracktwo: %s\n", message_of(&arena, error));
	const json_t *data = json_object_get(error, "data"), *faults = json_object_get(data, "errors");
	for (size_t i = 0; i < json_array_size(faults); i++)
		print_fault(out, &arena, json_array_get(faults, i));
	const json_t *candidates = json_object_get(data, "candidates");
	for (size_t i = 0; i < json_array_size(candidates); i++)
		fprintf(out, say("  candidate: %s\n"), tame(value_text(&arena, json_array_get(candidates, i))));
	arena_release(&arena);
	return output_exit_code(error);
}
