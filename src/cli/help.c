/* Help: what can be typed, from the method rows; a new row needs no word here.
 *
 * Invariant: rows of one noun stand together, because the registry is sorted by name. */
#include <string.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/resolve.h"
#include "cli/screen.h"
#include "text/language.h"
#include "text/nearest.h"

static bool is_of_noun(const struct method *method, const char *noun)
{
	size_t length = strlen(noun);
	return strncmp(method->name, noun, length) == 0 && method->name[length] == '.';
}

static size_t noun_length(const struct method *method)
{
	return strcspn(method->name, ".");
}

static void print_nouns(FILE *out, const struct registry *registry)
{
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		size_t length = noun_length(method);
		bool again = i > 0 && noun_length(registry_at(registry, i - 1)) == length &&
		             memcmp(registry_at(registry, i - 1)->name, method->name, length) == 0;
		if (again)
			fprintf(out, " %s", method->name + length + 1);
		else
			fprintf(out, "%s  %-14.*s %s", i == 0 ? "" : "\n", (int)length, method->name, method->name + length + 1);
	}
	fputc('\n', out);
}

static void print_commands(FILE *out)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		fprintf(out, "  %-22s %s\n", command->word, say(command->summary));
	}
}

static void print_command_option(FILE *out, const struct command_option *option)
{
	fprintf(out, "  --%s%s%s\n", option->name, option->value ? " " : "", option->value ? option->value : "");
	fprintf(out, "        %s\n", say(option->help));
	for (size_t i = 0; option->choices && option->choices[i]; i++)
		fprintf(out, "%s%s%s", i == 0 ? "        " : ", ", option->choices[i], option->choices[i + 1] ? "" : "\n");
}

static void print_overview(FILE *out, const struct registry *registry)
{
	fputs(say("Usage: tracktwo [OPTION …] COMMAND …\n"
	          "       tracktwo [OPTION …] NOUN VERB [--MEMBER VALUE …]\n"),
	      out);
	fprintf(out, "\n%s\n", say("Commands (\"tracktwo help COMMAND\" tells more):"));
	print_commands(out);
	fprintf(out, "\n%s\n", say("Nouns and verbs (\"tracktwo help NOUN [VERB]\" tells more):"));
	print_nouns(out, registry);
	fprintf(out, "\n%s\n", say("Options, anywhere on the line:"));
	for (size_t i = 0; arguments_options[i].name; i++)
		print_command_option(out, &arguments_options[i]);
	fprintf(out, "\n%s\n", say("Exit: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 69 daemon out of reach."));
}

static bool print_noun(FILE *out, const struct registry *registry, const char *noun)
{
	size_t width = 0;
	for (size_t i = 0; i < registry_count(registry); i++) {
		size_t length = strlen(registry_at(registry, i)->name);
		if (is_of_noun(registry_at(registry, i), noun) && length > width)
			width = length;
	}
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		size_t length = noun_length(method);
		if (is_of_noun(method, noun))
			fprintf(out, "tracktwo %s %-*s %s\n", noun, (int)(width - length), method->name + length + 1,
			        say(method->summary));
	}
	return width > 0;
}

static void print_option(FILE *out, const char *name, const char *words, const char *note, const char *help)
{
	struct arena arena = {0};
	fprintf(out, "  %s: %s%s\n", arguments_option(&arena, name), words, note);
	if (help)
		fprintf(out, "        %s\n", say(help));
	arena_release(&arena);
}

/* The members of an object that has to be written as JSON. */
static void print_members(FILE *out, const struct type *type)
{
	const struct type *object = type->kind == TYPE_LIST ? type->element : type;
	if (object->kind != TYPE_OBJECT)
		return;
	fputs("        JSON: {", out);
	for (size_t i = 0; i < object->member_count; i++)
		fprintf(out, "%s%s%s", i == 0 ? "" : ", ", object->members[i].name,
		        object->members[i].flags & MEMBER_OPTIONAL ? "?" : "");
	fputs("}\n", out);
}

/* What the command line takes beside what the API does; NULL for nothing. */
static const char *kinder_words(struct arena *arena, const struct registry *registry, const struct method *method,
                                const struct type_member *member)
{
	const struct type *type = member->type->kind == TYPE_LIST ? member->type->element : member->type;
	for (size_t i = 0; type->kind == TYPE_OBJECT && type->shorthand && i < type->member_count; i++)
		if (strcmp(type->members[i].name, type->shorthand) == 0)
			return kinder_words(arena, registry, method, &type->members[i]);
	const char *noun = type->kind == TYPE_OBJECT ? NULL : resolve_noun_of(arena, registry, method, member, true);
	if (noun && strcmp(noun, "party") == 0)
		return say("Or a country or somebody by name, or the first digits of an id.");
	if (noun)
		return resolve_has_name(noun) ? say("Or a name, or the first digits of the id.")
		                              : say("Or the first digits of the id.");
	if (type->kind == TYPE_COUNTRY)
		return say("Or the country's name: 북한, DPRK.");
	if (type->kind == TYPE_WORKSTREAM)
		return say("Or words of its title.");
	if (type->kind == TYPE_INSTANT)
		return say("Or words: \"tomorrow 9am\", \"내일 오전 9시\", 2h.");
	if (type->kind == TYPE_DAY && !(member->flags & MEMBER_BOUND))
		return say("Or words: friday, 7d, 다음 주 금요일.");
	if (type->kind == TYPE_DAY || type->kind == TYPE_MOMENT)
		return say("Or words: yesterday, \"last month\", 90d, 다음 주 금요일.");
	return NULL;
}

static void print_params(FILE *out, const struct registry *registry, const struct method *method)
{
	struct arena arena = {0};
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		print_option(out, member->name, say_message(&arena, type_words(&arena, member->type)),
		             member->flags & MEMBER_OPTIONAL ? "" : say(" (required)"), member->help);
		const char *kinder = kinder_words(&arena, registry, method, member);
		if (kinder)
			fprintf(out, "        %s\n", kinder);
		print_members(out, member->type);
		if (member->type->kind == TYPE_RULE)
			fprintf(out, "  --every WORDS\n        %s\n",
			        say("The same in plain words: month, \"2 weeks\", weekday, monday,thursday."));
	}
	if (method->kind == METHOD_WRITE)
		print_option(out, "request_id", say("a UUID"), "",
		             SAID("Makes a repetition safe: the same again gets the first answer. Made anew when absent."));
	arena_release(&arena);
}

static void print_method(FILE *out, const struct registry *registry, const struct method *method)
{
	size_t length = noun_length(method);
	fprintf(out, "tracktwo %.*s %s\n\n%s\n", (int)length, method->name, method->name + length + 1,
	        say(method->summary));
	fprintf(out, say("Role: %s.\n"), method_role_name(method->role));
	if (method->params.member_count > 0)
		fputc('\n', out);
	print_params(out, registry, method);
	if (strcmp(method->name, "reminder.subscribe") == 0)
		for (size_t i = 0; commands_subscribe_options[i].name; i++)
			print_command_option(out, &commands_subscribe_options[i]);
	if (method->example)
		fprintf(out, "\n%s\n  tracktwo rpc %s '%s'\n", say("Example:"), method->name, method->example);
}

static void print_command(FILE *out, const struct registry *registry, const struct command *command)
{
	const struct method *method = command->method ? registry_find(registry, command->method) : NULL;
	fprintf(out, "tracktwo %s%s%s\n\n%s\n", command->word, *command->usage ? " " : "", command->usage,
	        say(command->summary));
	if (command->details)
		fprintf(out, "%s\n", say(command->details));
	if (command->option_count > 0 || method)
		fputc('\n', out);
	for (size_t i = 0; i < command->option_count; i++)
		print_command_option(out, &command->options[i]);
	if (method)
		print_params(out, registry, method);
	if (command->example)
		fprintf(out, "\n%s\n  %s\n", say("Example:"), command->example);
}

bool commands_help(FILE *out, const struct registry *registry, const char *noun, const char *verb)
{
	struct arena arena = {0};
	bool known = true;
	const struct method *method =
	    noun && verb ? registry_find(registry, arena_printf(&arena, "%s.%s", noun, verb)) : NULL;
	if (method)
		print_method(out, registry, method);
	else if (noun && !verb)
		known = print_noun(out, registry, noun);
	else if (noun)
		known = false;
	else
		print_overview(out, registry);
	if (!known)
		commands_unknown(registry, noun, verb);
	arena_release(&arena);
	return known;
}

bool commands_help_on(const struct registry *registry, char *const *words, size_t count)
{
	FILE *out = screen_begin();
	bool known = true;
	size_t used, plain = 0;
	while (plain < count && plain < 2 && words[plain][0] != '-')
		plain++;
	const struct command *command = command_find(words, plain, &used);
	if (command && (command != &command_help || used == count))
		print_command(out, registry, command);
	else
		known = commands_help(out, registry, plain > 0 ? words[0] : NULL, plain > 1 ? words[1] : NULL);
	(void)!screen_end(out);
	return known;
}

static int run_help(struct cli *cli)
{
	return commands_help_on(cli->registry, cli->arguments.words, cli->arguments.count) ? CLI_DONE : CLI_USAGE;
}

const struct command command_help = {
    .word = "help",
    .summary = "Tells what can be typed.",
    .usage = "[COMMAND | NOUN [VERB]]",
    .words = {{COMMAND_VALUE_NOUN, NULL}},
    .run = run_help,
};

void commands_unknown(const struct registry *registry, const char *noun, const char *verb)
{
	struct arena arena = {0};
	struct nearest nouns = {.word = noun}, verbs = {.word = verb ? verb : ""};
	bool known = false;
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		size_t length = noun_length(method);
		nearest_offer(&nouns, arena_copy(&arena, method->name, length));
		if (is_of_noun(method, noun)) {
			known = true;
			nearest_offer(&verbs, method->name + length + 1);
		}
	}
	for (size_t i = 0; i < command_count(); i++)
		nearest_offer(&nouns, command_at(i)->word);
	const char *near = known ? verbs.name : nouns.name;
	if (known)
		fprintf(stderr, say("tracktwo: %s has no verb \"%s\""), noun, verb ? verb : "");
	else
		fprintf(stderr, say("tracktwo: there is no command or noun \"%s\""), noun);
	if (near)
		fprintf(stderr, say("; did you mean %s?\n"), near);
	else if (known)
		fprintf(stderr, say("; \"tracktwo help %s\" lists all\n"), noun);
	else
		fputs(say("; \"tracktwo help\" lists all\n"), stderr);
	arena_release(&arena);
}
