/* Tests of the manual pages: what stands in them exists, and what exists stands in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/arena.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "rpc/describe.h"
#include "text/config.h"
#include "text/scdoc.h"

static struct arena arena;
static struct registry *registry;
static char *pages[3]; /* tracktwo(1), tracktwod(8), tracktwo.conf(5) */

enum { COMMANDS, DAEMON, CONFIGURATION };

static int setup(void **state)
{
	(void)state;
	registry = api_registry();
	for (int i = COMMANDS; i <= CONFIGURATION; i++) {
		size_t size;
		FILE *out = open_memstream(&pages[i], &size);
		assert_non_null(out);
		if (i == COMMANDS)
			commands_manual(out, registry, "1.2.3");
		else if (i == DAEMON)
			describe_manual(out, registry, "1.2.3");
		else
			describe_configuration(out, "1.2.3");
		fclose(out);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = COMMANDS; i <= CONFIGURATION; i++)
		free(pages[i]);
	registry_free(registry);
	arena_release(&arena);
	return 0;
}

/* "--due-at" as the page writes it, in bold at the beginning of a line. */
static const char *entry(const char *name)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	fputs("\n*", out);
	scdoc_put_text(out, name);
	fputc('*', out);
	fclose(out);
	const char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

static void expect_entry(int page, const char *name)
{
	if (!strstr(pages[page], entry(name)))
		fail_msg("%s stands in no entry of page %d", name, page);
}

static void expect_options(const struct command_option *options, size_t count)
{
	for (size_t i = 0; i < count && options[i].name; i++)
		expect_entry(COMMANDS, arena_printf(&arena, "--%s", options[i].name));
}

static void test_all_stands_there(void **state)
{
	(void)state;
	size_t count;
	expect_options(arguments_options, 1000);
	expect_options(commands_subscribe_options, 1000);
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		assert_non_null(strstr(pages[COMMANDS], arena_printf(&arena, "\n## %s\n", command->word)));
		expect_options(command->options, command->option_count);
	}
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		char *words = arena_strdup(&arena, method->name);
		*strchr(words, '.') = ' ';
		expect_entry(COMMANDS, words);
		assert_non_null(strstr(pages[DAEMON], arena_printf(&arena, "\n## %s\n", method->name)));
		for (size_t k = 0; k < method->params.member_count; k++)
			expect_entry(DAEMON, method->params.members[k].name);
	}
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		expect_entry(CONFIGURATION, keys[i].name);
}

static bool is_option(const char *name)
{
	for (size_t i = 0; arguments_options[i].name; i++)
		if (strcmp(arguments_options[i].name, name) == 0)
			return true;
	for (size_t i = 0; commands_subscribe_options[i].name; i++)
		if (strcmp(commands_subscribe_options[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < command_count(); i++)
		for (size_t k = 0; k < command_at(i)->option_count; k++)
			if (strcmp(command_at(i)->options[k].name, name) == 0)
				return true;
	return false;
}

static bool is_member(const char *name)
{
	for (size_t i = 0; i < registry_count(registry); i++)
		for (size_t k = 0; k < registry_at(registry, i)->params.member_count; k++)
			if (strcmp(registry_at(registry, i)->params.members[k].name, name) == 0)
				return true;
	return false;
}

static bool is_variable(const char *name)
{
	for (size_t i = 0; commands_variables[i].name; i++)
		if (strcmp(commands_variables[i].name, name) == 0)
			return true;
	return false;
}

static bool is_key(const char *name)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return true;
	return false;
}

static bool is_noun_and_verb(const char *words)
{
	char *name = arena_strdup(&arena, words);
	if (strchr(name, ' '))
		*strchr(name, ' ') = '.';
	return registry_find(registry, name) != NULL;
}

/* What stands in bold at the beginning of a line of tracktwo(1) and of tracktwo.conf(5). */
static void test_nothing_else_stands_there(void **state)
{
	(void)state;
	for (int page = COMMANDS; page <= CONFIGURATION; page++) {
		size_t entries = 0;
		if (page == DAEMON)
			continue;
		for (const char *at = pages[page]; (at = strstr(at, "\n*")); at += 2) {
			char name[200];
			size_t length = 0;
			for (const char *from = at + 2; *from && *from != '*' && length + 1 < sizeof name; from++)
				if (*from != '\\' || from[1] == '\\')
					name[length++] = *from;
			name[length] = '\0';
			/* Sentences that begin with a name, and the lines that say how a command is written. */
			if (strncmp(name, "tracktwo", strlen("tracktwo")) == 0 || strcmp(name, "reminder subscribe") == 0)
				continue;
			entries++;
			bool known = strncmp(name, "--", 2) == 0
			                 ? is_option(name + 2)
			                 : (page == COMMANDS ? is_variable(name) || is_noun_and_verb(name) : is_key(name));
			if (!known)
				fail_msg("%s stands in page %d and does not exist", name, page);
		}
		assert_true(entries > 20);
	}
}

static void test_headings_exist(void **state)
{
	(void)state;
	static const int of_names[] = {COMMANDS, DAEMON};
	for (size_t i = 0; i < 2; i++) {
		for (const char *at = pages[of_names[i]]; (at = strstr(at, "\n## ")); at += 4) {
			char *words[2] = {arena_copy(&arena, at + 4, strcspn(at + 4, "\n")), NULL};
			size_t used, count = 1;
			char *space = strchr(words[0], ' ');
			if (space) {
				*space = '\0';
				words[1] = space + 1;
				count = 2;
			}
			if (of_names[i] == COMMANDS ? !command_find(words, count, &used) : !registry_find(registry, words[0]))
				fail_msg("%s does not exist", words[0]);
		}
	}
	assert_false(is_member("no_such_member"));
}

static char *read_source(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = fopen(path, "re");
	if (!in)
		fail_msg("%s cannot be read: run the tests from the root of the checkout", path);
	assert_true(getdelim(&text, &size, '\0', in) > 0);
	fclose(in);
	char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

/* The environment: what the sources ask for. */
static void test_variables(void **state)
{
	(void)state;
	glob_t found;
	size_t asked = 0;
	assert_int_equal(glob("src/cli/*.c", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		for (const char *at = read_source(found.gl_pathv[i]); (at = strstr(at, "getenv(\"")); asked++) {
			at += strlen("getenv(\"");
			const char *name = arena_copy(&arena, at, strcspn(at, "\""));
			if (!is_variable(name))
				fail_msg("%s asks for $%s, which is not in the manual", found.gl_pathv[i], name);
		}
	}
	globfree(&found);
	assert_true(asked > 3);
	for (size_t i = 0; commands_variables[i].name; i++)
		expect_entry(COMMANDS, commands_variables[i].name);
}

/* Whether "--NAME" stands in `text`, behind `before` and followed by no more of a name. */
static bool has_option(const char *text, const char *before, const char *name)
{
	const char *wanted = arena_printf(&arena, "%s--%s", before, name);
	for (const char *at = text; (at = strstr(at, wanted)); at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz-", at[strlen(wanted)]))
			return true;
	return false;
}

/* The daemon's own options: those of its table are in its help and on its page, and no others. */
static void test_options_of_the_daemon(void **state)
{
	(void)state;
	static const char row[] = "\n    {\"";
	char *source = read_source("src/tracktwod.c"), *table = strstr(source, "struct option options[] = {");
	assert_non_null(table);
	const char *names = "";
	*table++ = '\0';
	for (const char *at = table, *end = strstr(table, "};"); (at = strstr(at, row)) && at < end; at++) {
		const char *name = arena_copy(&arena, at + strlen(row), strcspn(at + strlen(row), "\""));
		names = arena_printf(&arena, "%s--%s ", names, name);
		if (!has_option(source, "", name) || !has_option(pages[DAEMON], "*", name))
			fail_msg("--%s of tracktwod is not in its help, or not in its manual", name);
	}
	assert_true(strlen(names) > 30);
	char *options = strstr(pages[DAEMON], "# OPTIONS"), *end = strstr(pages[DAEMON], "# METHODS");
	assert_true(options && end);
	for (const char *at = options; (at = strstr(at, "*--")) && at < end; at++) {
		const char *name = arena_copy(&arena, at + 3, strcspn(at + 3, "*="));
		if (!has_option(names, "", name))
			fail_msg("tracktwod has no --%s, which is in its manual", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_stands_there),
	                                   cmocka_unit_test(test_nothing_else_stands_there),
	                                   cmocka_unit_test(test_headings_exist), cmocka_unit_test(test_variables),
	                                   cmocka_unit_test(test_options_of_the_daemon)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
