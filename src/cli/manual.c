/* Manual: tracktwo(1), from the rows of commands and methods and from the options that every command has. */
#include <string.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "text/scdoc.h"

const struct commands_variable commands_variables[] = {
    {"TRACKTWO_SOCKET", "The daemon's socket, where --socket names none."},
    {"LC_ALL",
     "The language of messages, where --lang names none: Korean for ko and what begins with it, else English; "
     "no locale has to be installed."},
    {"LC_MESSAGES", "The same, where LC_ALL is not set."},
    {"LANG", "The same, where LC_MESSAGES is not set either."},
    {"PAGER", "Shows what is longer than the screen; \"less -FRX\" when not set. \"cat\" or nothing turns it off."},
    {"NO_COLOR", "No colour on a terminal, when it is not empty."},
    {"TERM", "No colour on a terminal that is \"dumb\"."},
    {"TZ", "The zone of times, where the daemon does not know the person."},
    {"VISUAL", "The editor of notes and records."},
    {"EDITOR", "The same, where VISUAL is not set."},
    {"XDG_RUNTIME_DIR", "Where the editor's files lie."},
    {"TMPDIR", "The same, where XDG_RUNTIME_DIR is not set."},
    {NULL, NULL}};

static void put_options(FILE *out, const struct command_option *options, size_t count)
{
	struct arena arena = {0};
	for (size_t i = 0; i < count && options[i].name; i++) {
		const char *value = options[i].value ? arena_printf(&arena, " %s", options[i].value) : "";
		const char *choices = "";
		for (size_t k = 0; options[i].choices && options[i].choices[k]; k++)
			choices = arena_printf(&arena, "%s%s%s", choices, k == 0 ? ": " : ", ", options[i].choices[k]);
		scdoc_put_entry(out, arena_printf(&arena, "--%s", options[i].name),
		                arena_printf(&arena, "%s%s", value, choices), options[i].help);
	}
	arena_release(&arena);
}

static void put_paragraph(FILE *out, const char *text)
{
	scdoc_put_text(out, text);
	fputs("\n\n", out);
}

static void put_command(FILE *out, const struct command *command)
{
	fprintf(out, "## %s\n\n*tracktwo ", command->word);
	scdoc_put_text(out, command->word);
	fputs("* ", out);
	put_paragraph(out, command->usage);
	put_paragraph(out, command->summary);
	if (command->details)
		put_paragraph(out, command->details);
	put_options(out, command->options, command->option_count);
	if (command->method) {
		fputs("The parameters of *", out);
		scdoc_put_text(out, command->method);
		fputs("* are options, too: see *tracktwod*(8).\n\n", out);
	}
	if (command->example) {
		fputs("Example: ", out);
		put_paragraph(out, command->example);
	}
}

static void put_verbs(FILE *out, const struct registry *registry)
{
	struct arena arena = {0};
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		char *words = arena_strdup(&arena, method->name);
		*strchr(words, '.') = ' ';
		scdoc_put_entry(out, words, "", method->summary);
	}
	arena_release(&arena);
}

void commands_manual(FILE *out, const struct registry *registry, const char *version)
{
	enum { ALL = 1000 };
	scdoc_put_title(out, "tracktwo", 1, version);
	fputs("# NAME\n\n"
	      "tracktwo - the memory of stakeholder engagement, from the command line\n\n"
	      "# SYNOPSIS\n\n"
	      "*tracktwo* [_OPTION_ ...] _COMMAND_ ...\n\n"
	      "*tracktwo* [_OPTION_ ...] _NOUN_ _VERB_ [*--MEMBER* _VALUE_ ...]\n\n"
	      "# DESCRIPTION\n\n"
	      "*tracktwo* asks *tracktwod*(8) over its socket, and prints what it answers: a table on a terminal, "
	      "tab-separated\n"
	      "lines in a pipe, the raw result with *--json*. On a terminal, times are those of the person's zone; "
	      "elsewhere they\n"
	      "are UTC (RFC 3339). What is written is carried out once, also when the connection breaks on the way.\n\n"
	      "# OPTIONS\n\n"
	      "These stand anywhere on the line.\n\n",
	      out);
	put_options(out, arguments_options, ALL);
	fputs("# COMMANDS\n\n", out);
	for (size_t i = 0; i < command_count(); i++)
		put_command(out, command_at(i));
	fputs("# NOUNS AND VERBS\n\n"
	      "Each takes the parameters of the method of its name as options, *--due-at* for due\\_at: *tracktwo help "
	      "NOUN VERB*\n"
	      "lists them, and so does *tracktwod*(8).\n\n",
	      out);
	put_verbs(out, registry);
	fputs("*reminder subscribe* takes these besides:\n\n", out);
	put_options(out, commands_subscribe_options, ALL);
	fputs("# ENVIRONMENT\n\n", out);
	for (size_t i = 0; commands_variables[i].name; i++)
		scdoc_put_entry(out, commands_variables[i].name, "", commands_variables[i].help);
	fputs("# EXIT STATUS\n\n"
	      "0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 69 the daemon is out of reach.\n\n"
	      "# SEE ALSO\n\n"
	      "*tracktwod*(8), *tracktwo.conf*(5)\n",
	      out);
}
