/* Output: a result becomes a grid of cells once, and the grid a table or tab-separated lines.
 *
 * Invariant: a cell holds no control character, so that no value can break a line or speak to the terminal. */
#include "cli/output.h"

#include <libsmartcols/libsmartcols.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "text/json.h"

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

/* What is printed: `rows` of the paths in `columns`, or one record as key and value. */
struct grid {
	struct arena *arena;
	const char **columns;
	size_t column_count;
	const char **cells; /* row by row */
	size_t row_count;
};

static void add_column(struct grid *grid, const char *name)
{
	for (size_t i = 0; i < grid->column_count; i++)
		if (strcmp(grid->columns[i], name) == 0)
			return;
	const char **columns = arena_alloc(grid->arena, (grid->column_count + 1) * sizeof *columns);
	if (grid->column_count > 0)
		memcpy(columns, grid->columns, grid->column_count * sizeof *columns);
	columns[grid->column_count++] = name;
	grid->columns = columns;
}

static void columns_of_method(struct grid *grid, const char *columns)
{
	char *rest = arena_strdup(grid->arena, columns), *name;
	while ((name = strsep(&rest, ",")))
		add_column(grid, name + strspn(name, " "));
}

/* Every member that any of the records has and that is neither an object nor a list of them. */
static void columns_of_records(struct grid *grid, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *record = json_array_get(list, i), *member;
		const char *name;
		json_object_foreach(record, name, member)
		{
			if (!json_is_object(member) && !json_is_object(json_array_get(member, 0)))
				add_column(grid, name);
		}
	}
}

static void grid_of_list(struct grid *grid, const json_t *list, const char *name, const char *columns)
{
	bool plain = json_array_size(list) > 0 && !json_is_object(json_array_get(list, 0));
	if (plain)
		add_column(grid, name);
	else if (columns)
		columns_of_method(grid, columns);
	else
		columns_of_records(grid, list);
	grid->row_count = json_array_size(list);
	grid->cells = arena_alloc(grid->arena, grid->row_count * grid->column_count * sizeof *grid->cells);
	for (size_t row = 0; row < grid->row_count; row++) {
		const json_t *record = json_array_get(list, row);
		for (size_t i = 0; i < grid->column_count; i++)
			grid->cells[row * grid->column_count + i] =
			    plain ? tame(value_text(grid->arena, record)) : output_cell(grid->arena, record, grid->columns[i]);
	}
}

static void add_pair(struct grid *grid, const char *name, const json_t *member)
{
	grid->cells[2 * grid->row_count] = tame(arena_strdup(grid->arena, name));
	grid->cells[2 * grid->row_count++ + 1] = tame(value_text(grid->arena, member));
}

/* In the order of the type, which is how people think of it; then what the type does not know. With `sparse` what is
 * empty is left out. */
static void grid_of_record(struct grid *grid, json_t *record, const struct type *type, bool sparse)
{
	json_t *object = json_is_object(record) ? json_copy(record) : json_pack("{s:O}", "result", record), *member;
	const char *name;

	add_column(grid, "key");
	add_column(grid, "value");
	grid->cells = arena_alloc(grid->arena, 2 * json_object_size(object) * sizeof *grid->cells);
	for (size_t i = 0; type && i < type->member_count; i++) {
		name = type->members[i].name;
		member = json_object_get(object, name);
		if (member && !(sparse && (json_is_null(member) || (json_is_array(member) && json_array_size(member) == 0))))
			add_pair(grid, name, member);
		json_object_del(object, name);
	}
	json_object_foreach(object, name, member)
	{
		add_pair(grid, name, member);
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
	json_object_foreach(result, key, member)
	{
		if (json_is_object(member) || (json_is_array(member) && only))
			return NULL;
		if (json_is_array(member)) {
			only = member;
			*name = key;
		}
	}
	return only;
}

static void print_lines(FILE *out, const struct grid *grid)
{
	for (size_t i = 0; i < grid->column_count; i++)
		fprintf(out, "%s%s", i == 0 ? "" : "\t", grid->columns[i]);
	if (grid->column_count > 0)
		fputc('\n', out);
	for (size_t i = 0; i < grid->row_count * grid->column_count; i++)
		fprintf(out, "%s%c", grid->cells[i], (i + 1) % grid->column_count == 0 ? '\n' : '\t');
}

/* The cells that a terminal needs for a text. */
static size_t width_of(const char *text)
{
	mbstate_t state = {0};
	size_t width = 0, left = strlen(text);
	while (left > 0) {
		wchar_t character;
		size_t bytes = mbrtowc(&character, text, left, &state);
		if (bytes == 0 || bytes > left)
			return width + left;
		int cells = wcwidth(character);
		width += cells > 0 ? (size_t)cells : 0;
		text += bytes;
		left -= bytes;
	}
	return width;
}

static size_t column_width(const struct grid *grid, size_t column)
{
	size_t width = 0;
	for (size_t row = 0; row < grid->row_count; row++) {
		size_t cell = width_of(grid->cells[row * grid->column_count + column]);
		width = cell > width ? cell : width;
	}
	return width;
}

enum { LONG_CELL = 40, LEAST_TEXT = 24 };

/* How each column of a list is shown. Long text gives way to the rest; where even that leaves no room to read it in,
 * the ids go, which nobody reads; a column without a value is not shown at all. True when ids were left out. */
static bool choose_flags(const struct grid *grid, size_t terminal, int *flags)
{
	size_t needed = 0;
	for (size_t i = 0; i < grid->column_count; i++) {
		size_t width = column_width(grid, i), header = width_of(grid->columns[i]);
		flags[i] = width == 0 ? SCOLS_FL_HIDDEN : width > LONG_CELL ? SCOLS_FL_TRUNC : 0;
		if (width > LONG_CELL)
			width = LEAST_TEXT;
		if (width > 0)
			needed += 1 + (header > width ? header : width);
	}
	for (size_t i = 1; i < grid->column_count; i++) {
		if (needed > terminal && strcmp(grid->columns[i], "id") == 0 && flags[i] != SCOLS_FL_HIDDEN) {
			flags[i] = SCOLS_FL_HIDDEN;
			return true;
		}
	}
	return false;
}

static bool fill_table(struct libscols_table *table, const struct grid *grid, const int *flags)
{
	for (size_t i = 0; i < grid->column_count; i++)
		if (!scols_table_new_column(table, grid->columns[i], 0, flags[i]))
			return false;
	for (size_t row = 0; row < grid->row_count; row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		for (size_t i = 0; line && i < grid->column_count; i++)
			if (scols_line_set_data(line, i, grid->cells[row * grid->column_count + i]) != 0)
				return false;
		if (!line)
			return false;
	}
	return true;
}

static void colour_table(FILE *out, struct libscols_table *table)
{
	const char *none = getenv("NO_COLOR");
	if ((none && *none) || !isatty(fileno(out)) || scols_table_enable_colors(table, 1) != 0)
		return;
	for (size_t i = 0; i < scols_table_get_ncols(table); i++)
		scols_cell_set_color(scols_column_get_header(scols_table_get_column(table, i)), "bold");
}

/* `record`: key and value, of which the value is wrapped. False when the library fails. */
static bool print_table(FILE *out, const struct grid *grid, bool record)
{
	struct libscols_table *table = scols_new_table();
	int *flags = arena_alloc(grid->arena, (grid->column_count + 1) * sizeof *flags);
	if (!table)
		return false;
	size_t terminal = isatty(fileno(out)) ? scols_table_get_termwidth(table) : SIZE_MAX;
	bool left_out = !record && choose_flags(grid, terminal, flags);
	if (record)
		flags[1] = SCOLS_FL_WRAP;
	bool printed = scols_table_set_stream(table, out) == 0 && fill_table(table, grid, flags);
	if (printed) {
		colour_table(out, table);
		printed = grid->column_count == 0 || grid->row_count == 0 || scols_print_table(table) == 0;
	}
	scols_unref_table(table);
	fflush(out);
	if (left_out)
		fputs("ids are left out: the terminal is too narrow; a wider one, a pipe or --json has them\n", stderr);
	return printed;
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
static void print_others(FILE *out, struct arena *arena, json_t *result, const char *shown)
{
	const char *name;
	json_t *list;
	json_object_foreach(result, name, list)
	{
		struct grid grid = {.arena = arena};
		if (strcmp(name, shown) == 0 || strcmp(name, "warnings") == 0 || !json_is_object(json_array_get(list, 0)))
			continue;
		grid_of_list(&grid, list, name, NULL);
		fprintf(out, "\n%s\n", name);
		if (!print_table(out, &grid, false))
			print_lines(out, &grid);
	}
}

void output_result(FILE *out, enum output_format format, const struct method *method, json_t *result)
{
	if (format == OUTPUT_JSON) {
		json_dumpf(result, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
		fputc('\n', out);
		return;
	}
	struct arena arena = {0};
	struct grid grid = {.arena = &arena};
	const char *name;
	const json_t *list = list_of(result, &name);
	if (print_page(out, &arena, result)) {
		arena_release(&arena);
		return;
	}
	if (list)
		grid_of_list(&grid, list, name, method ? method->columns : NULL);
	else
		grid_of_record(&grid, result, method ? method->result : NULL, format == OUTPUT_TABLE);
	if (format == OUTPUT_TSV || !print_table(out, &grid, !list))
		print_lines(out, &grid);
	if (list && format == OUTPUT_TABLE)
		print_others(out, &arena, result, name);
	arena_release(&arena);
}

void output_hints(FILE *out, const json_t *result)
{
	struct arena arena = {0};
	const char *cursor = json_string_value(json_object_get(result, "next_cursor"));
	if (cursor)
		fprintf(out, "more: repeat this with --cursor %s\n", tame(arena_strdup(&arena, cursor)));
	const json_t *warnings = json_object_get(result, "warnings");
	for (size_t i = 0; i < json_array_size(warnings); i++)
		fprintf(out, "warning: %s\n", output_cell(&arena, json_array_get(warnings, i), "message"));
	arena_release(&arena);
}

/* "participants[0].name" as "--participants [0].name". */
static void print_fault(FILE *out, struct arena *arena, const json_t *fault)
{
	const char *field = output_cell(arena, fault, "field"), *message = output_cell(arena, fault, "message");
	size_t length = strcspn(field, ".[");
	if (length == 0)
		fprintf(out, "  %s\n", message);
	else
		fprintf(out, "  %s%s%s %s\n", arguments_option(arena, arena_copy(arena, field, length)),
		        field[length] ? " " : "", field + length + (field[length] == '.'), message);
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
	fprintf(out, "tracktwo: %s\n", output_cell(&arena, error, "message"));
	const json_t *data = json_object_get(error, "data"), *faults = json_object_get(data, "errors");
	for (size_t i = 0; i < json_array_size(faults); i++)
		print_fault(out, &arena, json_array_get(faults, i));
	const json_t *candidates = json_object_get(data, "candidates");
	for (size_t i = 0; i < json_array_size(candidates); i++)
		fprintf(out, "  candidate: %s\n", tame(value_text(&arena, json_array_get(candidates, i))));
	arena_release(&arena);
	return output_exit_code(error);
}
