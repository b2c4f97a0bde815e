/* Form: lines of fields, then long texts.
 *
 * A form is read line by line; which field a line belongs to is decided by its beginning alone, so that no value can be
 * taken for a field. */
#include "cli/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "text/language.h"

static const char fault_mark[] = "#! ", ours_mark[] = "<<<<<<< ", split_mark[] = "=======", theirs_mark[] = ">>>>>>> ";

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* The field's name in Korean, whatever the language chosen is. */
static const char *korean_of(const char *name)
{
	size_t count;
	const struct language_row *rows = language_headings(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].english, name) == 0)
			return rows[i].korean;
	return NULL;
}

static bool is_name(const char *name, const char *word, size_t length)
{
	return name && strncasecmp(name, word, length) == 0 && name[length] == '\0';
}

const struct form_field *form_find(const struct form *form, const char *name, size_t length)
{
	while (length > 0 && name[length - 1] == ' ')
		length--;
	for (size_t i = 0; i < form->field_count; i++)
		if (is_name(form->fields[i].name, name, length) || is_name(korean_of(form->fields[i].name), name, length))
			return &form->fields[i];
	return NULL;
}

struct form_entry *form_add(struct form *form, const char *name, const char *value)
{
	if (!*value)
		return NULL;
	if (form->count == form->capacity) {
		form->capacity = 2 * form->capacity + 32;
		struct form_entry *more = arena_alloc(form->arena, form->capacity * sizeof *more);
		if (form->count > 0)
			memcpy(more, form->entries, form->count * sizeof *more);
		form->entries = more;
	}
	form->entries[form->count] =
	    (struct form_entry){arena_strdup(form->arena, name), arena_strdup(form->arena, value), NULL, NULL};
	return &form->entries[form->count++];
}

const char *form_value(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++)
		if (strcmp(form->entries[i].name, name) == 0)
			return form->entries[i].value;
	return NULL;
}

void form_clear(struct form *form, const char *name)
{
	size_t kept = 0;
	for (size_t i = 0; i < form->count; i++)
		if (strcmp(form->entries[i].name, name) != 0)
			form->entries[kept++] = form->entries[i];
	form->count = kept;
}

void form_fault(struct form *form, const char *name, const char *message)
{
	const struct form_field *field = name ? form_find(form, name, strlen(name)) : NULL;
	for (size_t i = 0; field && i < form->count; i++) {
		if (strcmp(form->entries[i].name, field->name) == 0 && !form->entries[i].fault) {
			form->entries[i].fault = arena_strdup(form->arena, message);
			return;
		}
	}
	const char *line = field ? arena_printf(form->arena, "%s: %s", say_heading(field->name), message)
	                         : arena_strdup(form->arena, message);
	form->fault = form->fault ? arena_printf(form->arena, "%s\n%s", form->fault, line) : line;
}

size_t form_faults(const struct form *form)
{
	size_t faults = form->fault ? 1 : 0;
	for (size_t i = 0; i < form->count; i++)
		faults += form->entries[i].fault || form->entries[i].theirs;
	return faults;
}

void form_forgive(struct form *form)
{
	form->fault = NULL;
	for (size_t i = 0; i < form->count; i++)
		form->entries[i].fault = NULL;
}

/* Each line of a text behind `mark`. */
static void write_marked(FILE *out, const char *mark, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		fprintf(out, "%s%.*s\n", mark, (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void write_value(FILE *out, const char *label, const char *value, bool block)
{
	if (block) {
		fprintf(out, "%s%s", value, value[0] && value[strlen(value) - 1] == '\n' ? "" : "\n");
		return;
	}
	fprintf(out, "%s ", label);
	for (; *value; value++) {
		fputc(*value, out);
		if (*value == '\n')
			fputc('\t', out);
	}
	fputc('\n', out);
}

static void write_entry(FILE *out, const char *label, const struct form_entry *entry, bool block)
{
	if (entry->fault)
		write_marked(out, fault_mark, entry->fault);
	if (entry->theirs)
		fprintf(out, "%s%s\n", ours_mark, say("yours"));
	write_value(out, label, entry->value, block);
	if (!entry->theirs)
		return;
	fprintf(out, "%s\n", split_mark);
	if (*entry->theirs)
		write_value(out, label, entry->theirs, block);
	fprintf(out, "%s%s\n", theirs_mark, say("theirs"));
}

static void write_field(FILE *out, const struct form *form, const struct form_field *field)
{
	const char *label = arena_printf(form->arena, "%s:", say_heading(field->name));
	bool written = false, valued = form_value(form, field->name) != NULL;
	if (field->hidden && !valued)
		return;
	if (field->help && !field->block)
		write_marked(out, "# ", say(field->help));
	if (field->block)
		fprintf(out, "---- %s ----\n", say_heading(field->name));
	for (size_t i = 0; i < form->count; i++) {
		if (strcmp(form->entries[i].name, field->name) != 0)
			continue;
		write_entry(out, label, &form->entries[i], field->block);
		written = true;
	}
	if (!written)
		fprintf(out, "%s\n", field->block ? "" : label);
}

const char *form_text(const struct form *form)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		log_fatal(71, "out of memory");
	if (form->head)
		write_marked(out, "# ", form->head);
	if (form->fault)
		write_marked(out, fault_mark, form->fault);
	for (size_t i = 0; i < form->field_count; i++)
		if (!form->fields[i].block)
			write_field(out, form, &form->fields[i]);
	/* What belongs to no field is shown with its fault, lest it be lost. */
	for (size_t i = 0; i < form->count; i++)
		if (!form_find(form, form->entries[i].name, strlen(form->entries[i].name)))
			write_entry(out, arena_printf(form->arena, "%s:", form->entries[i].name), &form->entries[i], false);
	for (size_t i = 0; i < form->field_count; i++)
		if (form->fields[i].block)
			write_field(out, form, &form->fields[i]);
	fclose(out);
	const char *copy = arena_strdup(form->arena, text);
	memset(text, 0, size);
	free(text);
	return copy;
}

/* "---- readout ----" of a block that has not been seen yet. */
static const struct form_field *block_of(const struct form *form, const char *line, size_t length)
{
	const char *end = line + length;
	while (line < end && *line == '-')
		line++;
	while (end > line && end[-1] == '-')
		end--;
	if (line + 2 > end || line[-1] != '-' || *end != '-')
		return NULL;
	while (line < end && *line == ' ')
		line++;
	while (end > line && end[-1] == ' ')
		end--;
	const struct form_field *field = form_find(form, line, (size_t)(end - line));
	return field && field->block && !form_value(form, field->name) ? field : NULL;
}

static const char *trimmed(struct arena *arena, const char *text, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		length--;
	return arena_copy(arena, text, length);
}

/* The text of a block, from `text` to where the next one begins; returns that place. */
static const char *read_block(struct form *form, const struct form_field *field, const char *text)
{
	const char *from = text, *at = text;
	bool choice = false;
	while (*at) {
		size_t length = strcspn(at, "\n");
		const struct form_field *next = length > 8 && begins(at, "----") ? block_of(form, at, length) : NULL;
		if (next && next != field)
			break;
		choice = choice || begins(at, ours_mark) || begins(at, theirs_mark);
		if (at == from && (length == 0 || begins(at, fault_mark)))
			from = at + length + (at[length] == '\n');
		at += length + (at[length] == '\n');
	}
	struct form_entry *entry = form_add(form, field->name, trimmed(form->arena, from, (size_t)(at - from)));
	if (entry && choice)
		entry->fault = say("choose one of the two, and take the marks away");
	return at;
}

/* Returns the name, when its value is empty and may begin in the next line; else NULL. */
static const char *read_line(struct form *form, const char *line, size_t length)
{
	size_t name_length = 0;
	while (name_length < length && line[name_length] != ':')
		name_length++;
	const struct form_field *field = name_length < length ? form_find(form, line, name_length) : NULL;
	const char *name = field ? field->name : arena_copy(form->arena, line, name_length);
	const char *value = name_length < length ? line + name_length + 1 : "-";
	size_t value_length = name_length < length ? length - name_length - 1 : 1;
	while (value_length > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		value_length--;
	}
	bool twice = field && !field->repeats && form_value(form, field->name);
	struct form_entry *entry = form_add(form, name, trimmed(form->arena, value, value_length));
	if (!entry)
		return name;
	if (!field)
		entry->fault = say("there is no such field");
	else if (twice)
		entry->fault = say("this field stands twice");
	return NULL;
}

/* A line that begins with a tab: `empty` is the field that it begins, NULL where it goes on. */
static void read_more(struct form *form, const char *empty, const char *line, size_t length)
{
	const char *text = trimmed(form->arena, line + 1, length - 1);
	if (empty) {
		(void)form_add(form, empty, text);
	} else if (form->count > 0) {
		struct form_entry *last = &form->entries[form->count - 1];
		last->value = arena_printf(form->arena, "%s\n%s", last->value, text);
	}
}

void form_read(struct form *form, const char *text)
{
	bool choice = false;
	const char *empty = NULL;
	form->count = 0;
	form->fault = NULL;
	while (*text) {
		size_t length = strcspn(text, "\n"), next = length + (text[length] == '\n');
		const struct form_field *block = begins(text, "----") ? block_of(form, text, length) : NULL;
		if (block) {
			text = read_block(form, block, text + next);
			continue;
		}
		if (*text == '\t') {
			read_more(form, empty, text, length);
			empty = NULL;
		} else if (begins(text, ours_mark) || begins(text, theirs_mark)) {
			choice = true;
		} else if (*text != '#' && strspn(text, " \r") < length && !begins(text, split_mark)) {
			empty = read_line(form, text, length);
		}
		text += next;
	}
	if (choice)
		form->fault = say("choose one of the two, and take the marks away");
}
