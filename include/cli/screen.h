/* Screen: what a terminal is told apart from a pipe by: width, colour, pages, progress.
 *
 * What is longer than the screen goes through a pager: $PAGER, else "less -FRX"; "" or "cat" turns it off. Results are
 * therefore written between screen_begin() and screen_end(), to the stream that the former gives. */
#ifndef TRACKTWO_CLI_SCREEN_H
#define TRACKTWO_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* "auto" (a terminal, unless NO_COLOR is set and not empty: no-color.org), "always" or "never". False, with nothing
 * changed, for another word. */
bool screen_choose_colour(const char *word);

/* Cells in a line of the terminal on which what is written to `out` ends, also by way of the pager; SIZE_MAX where
 * there is none. */
size_t screen_width(FILE *out);

/* Whether it is coloured: by screen_choose_colour(). */
bool screen_has_colour(FILE *out);

/* Where results go: standard output, or, on a terminal, a buffer that screen_end() shows by the pager where it is
 * longer than the screen. Not to be nested. False when something could not be written. */
FILE *screen_begin(void);
bool screen_end(FILE *out);

/* A line on standard error that the next one replaces; nothing where that is no terminal. `format` comes from say(). */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void screen_progress(const char *format, ...);
/* Wipes that line. */
void screen_progress_end(void);

/* `text` in bold, or as it is where there is no colour. */
void screen_print_heading(FILE *out, const char *text);

#endif
