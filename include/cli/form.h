/* Form: a record as text in an editor, and back; pure functions.
 *
 *     # what the field is for
 *     title: Lunch on sanctions relief
 *     private: a value of several lines goes on
 *     	in lines that begin with a tab
 *     ---- readout ----
 *     A long text is a part of its own at the end; whatever stands in it is kept.
 *
 * Names of fields are written in the language chosen and read in any, in either case. Lines that begin with "#" are
 * comments, those with "#!" faults: they vanish when the form is read. A field that repeats has a line for each value.
 * Invariant: what is read from the text that was made of a form is the form again. */
#ifndef TRACKTWO_CLI_FORM_H
#define TRACKTWO_CLI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct form_field {
	const char *name; /* "title"; its Korean stands in the table of say() under "title:" */
	const char *help; /* a comment, a key of say(); NULL for none */
	bool repeats;
	bool block;  /* a part of its own at the end */
	bool hidden; /* shown only where it has a value */
};

struct form_entry {
	const char *name;   /* of a field; what was written where there is no such field */
	const char *value;  /* never empty */
	const char *theirs; /* a value beside it, of which one is to be chosen; NULL for none */
	const char *fault;  /* what is wrong with it; NULL for nothing */
};

/* All zero but for the first four is an empty form. What it points at is the arena's, or static. */
struct form {
	struct arena *arena;
	const struct form_field *fields;
	size_t field_count;
	const char *head; /* a comment of one or more lines before everything else */
	struct form_entry *entries;
	size_t count, capacity;
	const char *fault; /* what is wrong with the whole; NULL for nothing */
};

/* Adds a value, copied; an empty one is none, and NULL is returned. The entry moves when another one is added. */
struct form_entry *form_add(struct form *form, const char *name, const char *value);

/* The first value of a field, or NULL. */
const char *form_value(const struct form *form, const char *name);

/* Takes all values of a field away. */
void form_clear(struct form *form, const char *name);

/* Says what is wrong with a field (NULL, or one that the form does not know: the whole); the first word stands. A field
 * without a value shows it, too. */
void form_fault(struct form *form, const char *name, const char *message);

/* How many faults there are, and what is left to be chosen. */
size_t form_faults(const struct form *form);
void form_forgive(struct form *form);

/* As text, in the arena. */
const char *form_text(const struct form *form);

/* Replaces all entries by those of a text. What cannot be read (an unknown field, one that does not repeat and does, a
 * choice that was not made) is a fault at its place. */
void form_read(struct form *form, const char *text);

/* The field of that name in either language, or NULL; `length` bytes of it. */
const struct form_field *form_find(const struct form *form, const char *name, size_t length);

#endif
