/* Terminal: the command line as people and scripts meet it: in a pseudo-terminal of a given size, or in pipes.
 *
 * What a screen shows is compared with a file, tests/integration/golden/NAME.txt, in which what changes from run to run
 * stands as what it is: a day as its distance from today in Seoul, "[day+0002]", as wide as the day itself; an id as
 * zeros; the clock of today as "hh:mm". Choices of graphic rendition are shown, "<1>"; "<K>" clears a line. With
 * GOLDEN=write in the environment the file is written instead, to be looked at and committed.
 *
 * Failures fail the running test. Golden files are found from the root of the checkout. */
#ifndef TRACKTWO_TESTS_TERMINAL_H
#define TRACKTWO_TESTS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness.h"

/* What is typed once a text has come. */
struct terminal_answer {
	const char *wanted, *typed;
};

struct terminal {
	const struct harness *harness;
	unsigned short columns, rows;          /* 0: 80 by 24 */
	const char *locale;                    /* LANG; NULL: C.UTF-8 */
	const char *variables[8];              /* further "NAME=value", ends with NULL */
	const char *input;                     /* terminal_pipe(): what standard input holds; NULL: nothing */
	const struct terminal_answer *answers; /* ends with a row of NULLs; NULL: nothing is typed */
};

struct terminal_screen {
	char *text;   /* of the terminal, or of standard output, as it came but for carriage returns before newlines */
	char *errors; /* of standard error; NULL in a terminal, where the two are one */
	int status;   /* the exit code */
};

/* Runs build/tracktwo with these words (ends with NULL), for at most 30 s. PAGER is "cat" unless named. Released by
 * terminal_release(). */
struct terminal_screen terminal_run(const struct terminal *terminal, const char *const *words);

/* The same with pipes instead of a terminal. */
struct terminal_screen terminal_pipe(const struct terminal *terminal, const char *const *words);

/* The same for a shell's command line, in which "tracktwo" is the program. */
struct terminal_screen terminal_shell(const struct terminal *terminal, const char *line);

void terminal_release(struct terminal_screen *screen);

/* Compares the screen with the golden file, all of it. */
void terminal_expect(const struct terminal_screen *screen, const char *name);

/* The same for what names no day that moves, such as help: days stand as they are. */
void terminal_expect_text(const struct terminal_screen *screen, const char *name);

/* Each column of the table whose headings these are (ends with NULL, in the order of the screen) begins in every row in
 * the same cell, with a blank before it, counting Hangul, Kana and Han as two; and no line is wider than `columns`.
 * `right`: columns end alike instead. The table reaches from the line of headings to the next empty line. */
void terminal_expect_columns(const struct terminal_screen *screen, const char *const *headings, size_t columns,
                             bool right);

/* "2026-11-26": so many days from today in Seoul. Static, overwritten by the fifth call after it. */
const char *terminal_day(int days);

/* Waits where Seoul's midnight is nearer than two minutes, so that today stays the same day throughout. */
void terminal_avoid_midnight(void);

#endif
