/* Describe, manual: tracktwod(8) as scdoc(5) source.
 *
 * Invariant: text of rows goes through put_text(), so that no word in it can be taken for scdoc's marks; headings,
 * which scdoc takes as they are, hold names only. */
#include "rpc/describe.h"

#include <string.h>

#include "text/config.h"

static void put_text(FILE *out, const char *text)
{
	for (const char *at = text; *at; at++) {
		if (strchr("\\*_#[|<.!+-", *at))
			fputc('\\', out);
		fputc(*at == '\n' ? ' ' : *at, out);
	}
}

/* "*name* (words)", then the help as an indented paragraph. */
static void put_entry(FILE *out, const char *name, const char *words, const char *note, const char *help)
{
	fputc('*', out);
	put_text(out, name);
	fputs("*: ", out);
	put_text(out, words);
	put_text(out, note);
	fputc('\n', out);
	if (help) {
		fputc('\t', out);
		put_text(out, help);
		fputc('\n', out);
	}
	fputc('\n', out);
}

static void put_opening(FILE *out, const char *version)
{
	fputs("tracktwod(8) \"tracktwo ", out);
	for (const char *at = version; *at; at++)
		if (*at != '"' && *at != '\n')
			fputc(*at, out);
	fputs(
	    "\"\n\n"
	    "# NAME\n\n"
	    "tracktwod - the memory of stakeholder engagement, as a daemon\n\n"
	    "# SYNOPSIS\n\n"
	    "*tracktwod* [*-c* _FILE_] [*-s* _SECTION.KEY=VALUE_] [*--check-config* | *--migrate* | "
	    "*--describe=*_WHAT_]\n\n"
	    "# DESCRIPTION\n\n"
	    "*tracktwod* logs engagements, ties each to a workstream of the roadmap, keeps the people and promises of\n"
	    "each, and reminds of what is due. It stores everything in PostgreSQL, and answers JSON-RPC 2.0: one message\n"
	    "or batch a line on its Unix socket and on TCP, and over HTTP by POST /rpc. On a Unix socket callers are known "
	    "by\n"
	    "their user; elsewhere by a token: session.login on TCP, Authorization: Bearer over HTTP. HTTP also serves\n"
	    "/openrpc.json, /healthz, /readyz, /metrics for Prometheus, and /events, reminders as server-sent events.\n\n"
	    "# OPTIONS\n\n"
	    "*-c* _FILE_\n\tReads the configuration from _FILE_.\n\n"
	    "*-s* _SECTION.KEY=VALUE_\n\tSets one key, over what the file says; may be given again.\n\n"
	    "*--check-config*\n\tChecks the configuration and exits: 0 when it is right, 78 when it is wrong.\n\n"
	    "*--migrate*\n\tBrings the database to this version's schema and exits.\n\n"
	    "*--describe=openrpc*, *--describe=man*, *--describe=config*\n"
	    "\tPrints the OpenRPC document, this page, or a sample configuration, and exits. Needs no database.\n\n"
	    "*--version*, *--help*\n\tPrints what it says and exits.\n\n",
	    out);
}

static const char *config_words(struct arena *arena, const struct config_key *key)
{
	if (key->type == CONFIG_NUMBER)
		return arena_printf(arena, "a whole number from %ld to %ld", key->min, key->max);
	if (key->type == CONFIG_TEXT)
		return "text";
	const char *words = "";
	for (const char *const *choice = key->choices; *choice; choice++)
		words = arena_printf(arena, "%s%s%s", words, *words ? ", " : "one of ", *choice);
	return words;
}

static void put_configuration(FILE *out)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	const char *section = "";
	struct arena arena = {0};
	fputs("# CONFIGURATION\n\n"
	      "An INI file; lines that begin with \"#\" or \";\" are comments. Every key has a default.\n\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		const struct config_key *key = &keys[i];
		if (strcmp(section, key->section) != 0) {
			section = key->section;
			fprintf(out, "## [%s]\n\n", section);
		}
		const char *standard = !key->standard    ? "; its default depends on where the daemon is installed"
		                       : !*key->standard ? "; empty by default"
		                                         : arena_printf(&arena, "; %s by default", key->standard);
		put_entry(out, key->name, config_words(&arena, key), standard,
		          key->reloads ? key->help : arena_printf(&arena, "%s A change needs a restart.", key->help));
	}
	arena_release(&arena);
}

static void put_method(FILE *out, const struct method *method)
{
	struct arena arena = {0};
	fprintf(out, "## %s\n\n", method->name);
	put_text(out, method->summary);
	put_text(out, arena_printf(&arena, " Role: %s.", method_role_name(method->role)));
	fputs("\n\n", out);
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		put_entry(out, member->name, type_words(&arena, member->type),
		          member->flags & MEMBER_OPTIONAL ? "" : "; required", member->help);
	}
	arena_release(&arena);
}

void describe_manual(FILE *out, const struct registry *registry, const char *version)
{
	put_opening(out, version);
	put_configuration(out);
	fputs(
	    "# METHODS\n\n"
	    "Parameters go by name. Every method that writes also takes *request_id*, a UUID: the same request sent again\n"
	    "with it is carried out once, and gets the first answer. *tracktwod --describe=openrpc* tells more.\n\n",
	    out);
	for (size_t i = 0; i < registry_count(registry); i++)
		put_method(out, registry_at(registry, i));
	fputs(
	    "# SIGNALS\n\n"
	    "*SIGHUP*\n\tReads the configuration again and takes over what can change while the daemon runs; what takes a\n"
	    "\trestart is named in the log. When anything in it is wrong, all stays as it was, and the log says where.\n\n"
	    "*SIGTERM*, *SIGINT*\n\tAnswers what is under way, then stops; sent again, stops at once.\n\n"
	    "# EXIT STATUS\n\n"
	    "0 when it ended as asked, 64 after wrong usage, 78 when the configuration is wrong, else 1.\n\n"
	    "# SEE ALSO\n\n"
	    "*tracktwo*(1)\n",
	    out);
}
