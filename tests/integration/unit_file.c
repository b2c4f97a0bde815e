/* Unit_file: lines are looked for anew each time; a unit is short. */
#include "unit_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *read_all(FILE *file)
{
	enum { MOST = 256 * 1024 };
	char *text = malloc(MOST);
	size_t length;
	assert_non_null(text);
	length = fread(text, 1, MOST - 1, file);
	assert_true(length < MOST - 1);
	text[length] = '\0';
	return text;
}

void unit_file_read(struct unit_file *unit, const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("%s cannot be read; run this from the checkout's folder", path);
	unit->text = read_all(file);
	fclose(file);
}

void unit_file_release(struct unit_file *unit)
{
	free(unit->text);
}

bool unit_file_value(const struct unit_file *unit, const char *key, size_t n, char *value, size_t size)
{
	size_t key_length = strlen(key);
	for (const char *line = unit->text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		if (strncmp(line, key, key_length) != 0 || line[key_length] != '=' || n-- > 0)
			continue;
		length -= key_length + 1;
		assert_true(length < size);
		memcpy(value, line + key_length + 1, length);
		value[length] = '\0';
		return true;
	}
	return false;
}

void unit_file_only(const struct unit_file *unit, const char *key, char *value, size_t size)
{
	char second[256];
	if (!unit_file_value(unit, key, 0, value, size) || unit_file_value(unit, key, 1, second, sizeof second))
		fail_msg("the unit must say %s= once", key);
}

static void change_one(struct unit_calls *calls, const char *name, bool allowed)
{
	size_t at = 0;
	while (at < calls->count && strcmp(calls->names[at], name) != 0)
		at++;
	if (allowed && at == calls->count) {
		assert_true(calls->count < sizeof calls->names / sizeof *calls->names);
		snprintf(calls->names[calls->count++], sizeof *calls->names, "%s", name);
	} else if (!allowed && at < calls->count) {
		memcpy(calls->names[at], calls->names[--calls->count], sizeof *calls->names);
	}
}

/* `groups` is what systemd-analyze says: each group's name on a line of its own, its members indented below. */
static void change(struct unit_calls *calls, const char *groups, const char *name, bool allowed)
{
	char head[64], member[64];
	const char *at;
	if (name[0] != '@') {
		change_one(calls, name, allowed);
		return;
	}
	snprintf(head, sizeof head, "\n%s\n", name);
	at = strstr(groups, head);
	if (!at)
		fail_msg("systemd-analyze knows no group %s", name);
	for (at += strlen(head); *at == ' '; at += strcspn(at, "\n"), at += *at == '\n') {
		assert_int_equal(sscanf(at, " %63s", member), 1);
		if (member[0] != '#')
			change(calls, groups, member, allowed);
	}
}

bool unit_file_calls(const struct unit_file *unit, struct unit_calls *calls)
{
	char line[512], *groups, *rest;
	FILE *analyze = popen("printf '\\n' && systemd-analyze syscall-filter --no-pager 2>/dev/null", "re");
	assert_non_null(analyze);
	groups = read_all(analyze);
	if (pclose(analyze) != 0) {
		free(groups);
		return false;
	}
	calls->count = 0;
	/* What every list of what is allowed holds (systemd.exec(5)). */
	change(calls, groups, "@default", true);
	for (size_t n = 0; unit_file_value(unit, "SystemCallFilter", n, line, sizeof line); n++) {
		bool allowed = line[0] != '~';
		for (char *word = strtok_r(line, "~ ", &rest); word; word = strtok_r(NULL, " ", &rest))
			change(calls, groups, word, allowed);
	}
	free(groups);
	return true;
}
