/* Grid: rows and columns of text, shown as a table or as tab-separated lines.
 *
 * A table is for people: headings in their language, aligned by the width of Hangul, Kana and Han, cut or wrapped to
 * the terminal, with colour by a table of what is worth seeing. Lines are for programs: names of members, every cell,
 * no colour. Cells must hold no control character (see output_cell()). */
#ifndef TRACKTWO_CLI_GRID_H
#define TRACKTWO_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"

struct grid {
	struct arena *arena;  /* of the grid's own memory; cells may live elsewhere, as long as the grid */
	const char **columns; /* names of members */
	size_t column_count;
	const char **cells; /* row by row */
	size_t cell_count;
};

enum grid_shape {
	GRID_LIST,   /* headings, a row each */
	GRID_RECORD, /* two columns, key and value, without cutting the values */
	GRID_BARE,   /* rows without headings, two cells from the margin */
	GRID_NUMBERS /* a list whose columns but the first stand to the right */
};

/* A column, unless there is one of this name; before the first cell. */
void grid_add_column(struct grid *grid, const char *name);

/* The next cell; a row is complete with as many as there are columns. */
void grid_add_cell(struct grid *grid, const char *text);

/* Complete rows. */
size_t grid_row_count(const struct grid *grid);

/* As a table. True when ids were left out because the terminal is too narrow for them. */
bool grid_print(FILE *out, const struct grid *grid, enum grid_shape shape);

/* As lines, the names of the columns first. */
void grid_print_lines(FILE *out, const struct grid *grid);

#endif
