/* Help: what can be typed, from the method rows; a new row needs no word here.
 *
 * Invariant: rows of one noun stand together, because the registry is sorted by name. */
#include <string.h>

#include "cli/arguments.h"
#include "cli/commands.h"
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

static void print_overview(FILE *out, const struct registry *registry)
{
	fputs("Usage: tracktwo [OPTION …] NOUN VERB [--MEMBER VALUE …]\n"
	      "       tracktwo rpc METHOD [JSON | -]     any method, parameters as JSON or from standard input\n"
	      "       tracktwo rpc --file FILE           every line of FILE, a JSON-RPC request\n"
	      "       tracktwo wait [--for SECONDS]      until the daemon and its database answer\n"
	      "       tracktwo export calendar [--…]     what a calendar feed shows, as an .ics file on standard output\n"
	      "       tracktwo help [NOUN [VERB]]\n\n"
	      "Options, anywhere on the line:\n"
	      "  --socket PATH  the daemon's socket; else $TRACKTWO_SOCKET, else the usual place\n"
	      "  --json         the raw result\n"
	      "  --table        a table also in a pipe, instead of tab-separated lines\n"
	      "  --help         help for the command on the line\n"
	      "  --version      (alone) the version\n\n"
	      "Nouns and verbs:\n",
	      out);
	print_nouns(out, registry);
	fputs("\nExit: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 69 daemon out of reach.\n", out);
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
			        method->summary);
	}
	return width > 0;
}

static void print_option(FILE *out, const char *name, const char *words, const char *note, const char *help)
{
	struct arena arena = {0};
	fprintf(out, "  %s: %s%s\n", arguments_option(&arena, name), words, note);
	if (help)
		fprintf(out, "        %s\n", help);
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

static void print_method(FILE *out, const struct method *method)
{
	struct arena arena = {0};
	size_t length = noun_length(method);
	fprintf(out, "tracktwo %.*s %s\n\n%s\nRole: %s.\n", (int)length, method->name, method->name + length + 1,
	        method->summary, method_role_name(method->role));
	if (method->params.member_count > 0)
		fputc('\n', out);
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		print_option(out, member->name, type_words(&arena, member->type),
		             member->flags & MEMBER_OPTIONAL ? "" : " (required)", member->help);
		print_members(out, member->type);
		if (member->type->kind == TYPE_RULE)
			fputs("  --every WORDS\n        The same in plain words: month, \"2 weeks\", weekday, monday,thursday.\n",
			      out);
	}
	if (method->kind == METHOD_WRITE)
		print_option(out, "request_id", "a UUID", "",
		             "Makes a repetition safe: the same again gets the first answer. Made anew when absent.");
	if (strcmp(method->name, "reminder.subscribe") == 0)
		fputs("  --acknowledge\n        Acknowledges each reminder once it is printed.\n"
		      "  --count N\n        Ends after N reminders.\n",
		      out);
	if (method->example)
		fprintf(out, "\nExample:\n  tracktwo rpc %s '%s'\n", method->name, method->example);
	arena_release(&arena);
}

bool commands_help(FILE *out, const struct registry *registry, const char *noun, const char *verb)
{
	struct arena arena = {0};
	bool known = true;
	const struct method *method =
	    noun && verb ? registry_find(registry, arena_printf(&arena, "%s.%s", noun, verb)) : NULL;
	if (method)
		print_method(out, method);
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
	static const char *const commands[] = {"export", "help", "rpc", "wait"};
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		nearest_offer(&nouns, commands[i]);
	const char *near = known ? verbs.name : nouns.name;
	if (known)
		fprintf(stderr, "tracktwo: %s has no verb \"%s\"", noun, verb ? verb : "");
	else
		fprintf(stderr, "tracktwo: unknown noun \"%s\"", noun);
	if (near)
		fprintf(stderr, "; did you mean %s?\n", near);
	else if (known)
		fprintf(stderr, "; \"tracktwo help %s\" lists all\n", noun);
	else
		fputs("; \"tracktwo help\" lists all\n", stderr);
	arena_release(&arena);
}
