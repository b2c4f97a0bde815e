/* Grid: the cells are gathered first, since how a column is shown depends on all that stands in it.
 *
 * Invariant: cell_count is at all times what has been added, and rows are counted by it. */
#include "cli/grid.h"

#include <libsmartcols/libsmartcols.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/screen.h"
#include "cli/width.h"
#include "text/language.h"
#include "text/utf8.h"

/* What catches the eye. A whole row where `row` says so, else the cell. */
static const struct {
	const char *column, *value; /* NULL: any value */
	const char *colour;
	bool row;
} styles[] = {
    {"overdue", "true", "red", true},      {"beyond", "maximum", "red", true},  {"status", "failed", "red", true},
    {"status", "cancelled", "gray", true}, {"status", "due", "bold", false},    {"late", "true", "red", false},
    {"status", "lapsed", "gray", true},    {"status", "retired", "gray", true}, {"status", "planned", "green", false},
};

void grid_add_column(struct grid *grid, const char *name)
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

void grid_add_cell(struct grid *grid, const char *text)
{
	/* Doubled at each power of two. */
	if ((grid->cell_count & (grid->cell_count - 1)) == 0) {
		const char **cells = arena_alloc(grid->arena, (2 * grid->cell_count + 1) * sizeof *cells);
		if (grid->cell_count > 0)
			memcpy(cells, grid->cells, grid->cell_count * sizeof *cells);
		grid->cells = cells;
	}
	grid->cells[grid->cell_count++] = text;
}

size_t grid_row_count(const struct grid *grid)
{
	return grid->column_count == 0 ? 0 : grid->cell_count / grid->column_count;
}

void grid_print_lines(FILE *out, const struct grid *grid)
{
	for (size_t i = 0; i < grid->column_count; i++)
		fprintf(out, "%s%s", i == 0 ? "" : "\t", grid->columns[i]);
	if (grid->column_count > 0)
		fputc('\n', out);
	for (size_t i = 0; i < grid_row_count(grid) * grid->column_count; i++)
		fprintf(out, "%s%c", grid->cells[i], (i + 1) % grid->column_count == 0 ? '\n' : '\t');
}

static size_t column_width(const struct grid *grid, size_t column)
{
	size_t width = 0;
	for (size_t i = column; i < grid->cell_count; i += grid->column_count) {
		size_t cell = width_of(grid->cells[i]);
		width = cell > width ? cell : width;
	}
	return width;
}

enum { LONG_CELL = 40, LEAST_TEXT = 24, LEAST_OTHER = 12, MARGIN = 2 };

/* The cells of a column in at most `width`, with a mark where something is cut off. */
static void cut_column(const struct grid *grid, size_t column, size_t width)
{
	for (size_t i = column; i < grid->cell_count; i += grid->column_count) {
		const char *cell = grid->cells[i];
		size_t length = strlen(cell), at = 0, step;
		if (width_of(cell) <= width)
			continue;
		while ((step = utf8_length(cell + at, length - at)) > 0 && width_of_bytes(cell, at + step) < width)
			at += step;
		grid->cells[i] = arena_printf(grid->arena, "%.*s…", (int)at, cell);
	}
}

/* A moment is worth nothing in part. */
static bool is_moment(const char *name)
{
	size_t length = strlen(name);
	return strcmp(name, "when") == 0 || (length >= 2 && strcmp(name + length - 2, "at") == 0);
}

/* Other text than the long one gives way as well, as far as it must, the widest first: libsmartcols would cut the
 * long one to its heading. */
static void cut_others(const struct grid *grid, const int *flags, size_t *widths, size_t excess)
{
	while (excess > 0) {
		size_t widest = grid->column_count;
		for (size_t i = 0; i < grid->column_count; i++)
			if (flags[i] == 0 && widths[i] > LEAST_OTHER && !is_moment(grid->columns[i]) &&
			    (widest == grid->column_count || widths[i] > widths[widest]))
				widest = i;
		if (widest == grid->column_count)
			return;
		size_t spare = widths[widest] - LEAST_OTHER, less = spare < excess ? spare : excess;
		widths[widest] -= less;
		cut_column(grid, widest, widths[widest]);
		excess -= less;
		if (less == spare)
			widths[widest] = 0;
	}
}

/* How each column of a list is shown. Long text gives way to the rest; where even that leaves no room to read it in,
 * the ids go, which nobody reads, and then the rest gives way, too; a column without a value is not shown at all. True
 * when ids were left out. */
static bool choose_flags(const struct grid *grid, enum grid_shape shape, size_t terminal, int *flags)
{
	size_t needed = 0, *widths = arena_alloc(grid->arena, (grid->column_count + 1) * sizeof *widths);
	bool left_out = false;
	for (size_t i = 0; i < grid->column_count; i++) {
		size_t width = grid->columns[i][0] == '.' ? 0 : column_width(grid, i),
		       heading = shape == GRID_BARE ? 0 : width_of(say_heading(grid->columns[i]));
		flags[i] = width == 0 ? SCOLS_FL_HIDDEN : width > LONG_CELL ? SCOLS_FL_TRUNC : 0;
		if (shape == GRID_NUMBERS)
			flags[i] = i > 0 ? SCOLS_FL_RIGHT : 0;
		if (width > LONG_CELL)
			width = LEAST_TEXT;
		widths[i] = width > 0 && heading > width ? heading : width;
		needed += width > 0 ? 1 + widths[i] : 0;
	}
	for (size_t i = 1; i < grid->column_count && needed > terminal && !left_out; i++) {
		left_out = strcmp(grid->columns[i], "id") == 0 && flags[i] != SCOLS_FL_HIDDEN;
		if (left_out) {
			flags[i] = SCOLS_FL_HIDDEN;
			needed -= 1 + widths[i];
		}
	}
	/* The last column has no blank behind it. */
	needed -= needed > 0;
	if (shape != GRID_NUMBERS && needed > terminal)
		cut_others(grid, flags, widths, needed - terminal);
	return left_out;
}

/* Colours of what the table of styles names in this row. */
static void colour_row(const struct grid *grid, size_t row, struct libscols_line *line)
{
	for (size_t i = 0; i < grid->column_count; i++) {
		const char *value = grid->cells[row * grid->column_count + i];
		for (size_t k = 0; k < sizeof styles / sizeof *styles; k++) {
			if (strcmp(styles[k].column, grid->columns[i] + (grid->columns[i][0] == '.')) != 0 ||
			    strcmp(styles[k].value, value) != 0)
				continue;
			if (styles[k].row)
				scols_line_set_color(line, styles[k].colour);
			else
				scols_cell_set_color(scols_line_get_cell(line, i), styles[k].colour);
		}
	}
}

static bool fill_table(struct libscols_table *table, const struct grid *grid, const int *flags)
{
	for (size_t i = 0; i < grid->column_count; i++)
		if (!scols_table_new_column(table, say_heading(grid->columns[i]), 0, flags[i]))
			return false;
	for (size_t row = 0; row < grid_row_count(grid); row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		for (size_t i = 0; line && i < grid->column_count; i++)
			if (scols_line_set_data(line, i, grid->cells[row * grid->column_count + i]) != 0)
				return false;
		if (!line)
			return false;
		colour_row(grid, row, line);
	}
	return true;
}

static void colour_headings(FILE *out, struct libscols_table *table)
{
	if (!screen_has_colour(out) || scols_table_enable_colors(table, 1) != 0)
		return;
	for (size_t i = 0; i < scols_table_get_ncols(table); i++)
		scols_cell_set_color(scols_column_get_header(scols_table_get_column(table, i)), "bold");
}

/* The library pads a last column that is cut; nobody sees the spaces, but a comparison does. */
static void print_trimmed(FILE *out, const char *text, size_t margin)
{
	while (*text) {
		size_t length = strcspn(text, "\n"), shown = length;
		while (shown > 0 && text[shown - 1] == ' ')
			shown--;
		fprintf(out, "%*s%.*s\n", (int)margin, "", (int)shown, text);
		text += length + (text[length] == '\n');
	}
}

static bool print_table(FILE *out, struct libscols_table *table, const struct grid *grid, enum grid_shape shape,
                        bool *left_out)
{
	int *flags = arena_alloc(grid->arena, (grid->column_count + 1) * sizeof *flags);
	size_t terminal = screen_width(out), margin = shape == GRID_BARE ? MARGIN : 0;
	char *text = NULL;
	if (terminal != SIZE_MAX) {
		terminal = terminal > margin + LEAST_TEXT ? terminal - margin : LEAST_TEXT;
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, terminal);
	}
	*left_out = shape != GRID_RECORD && choose_flags(grid, shape, terminal, flags);
	if (shape == GRID_RECORD)
		flags[0] = 0, flags[1] = SCOLS_FL_WRAP;
	scols_table_enable_noheadings(table, shape == GRID_BARE);
	if (!fill_table(table, grid, flags))
		return false;
	colour_headings(out, table);
	if (scols_print_table_to_string(table, &text) != 0)
		return false;
	print_trimmed(out, text, margin);
	free(text);
	return true;
}

bool grid_print(FILE *out, const struct grid *grid, enum grid_shape shape)
{
	bool left_out = false;
	if (grid_row_count(grid) == 0)
		return false;
	struct libscols_table *table = scols_new_table();
	if (!table || !print_table(out, table, grid, shape, &left_out))
		grid_print_lines(out, grid);
	scols_unref_table(table);
	return left_out;
}
