/* Describe, manual: tracktwod(8) and tracktwo.conf(5), from the rows of methods and of configuration keys. */
#include "rpc/describe.h"

#include <string.h>

#include "text/config.h"
#include "text/scdoc.h"

static void put_opening(FILE *out, const char *version)
{
	scdoc_put_title(out, "tracktwod", 8, version);
	fputs(
	    "# NAME\n\n"
	    "tracktwod - the memory of stakeholder engagement, as a daemon\n\n"
	    "# SYNOPSIS\n\n"
	    "*tracktwod* [*-c* _FILE_] [*-s* _SECTION.KEY=VALUE_] [*--lang* _CODE_] [*--check-config* | "
	    "*--migrate* | *--admin* _COMMAND_ … | *--describe=*_WHAT_]\n\n"
	    "# DESCRIPTION\n\n"
	    "*tracktwod* logs engagements, ties each to a workstream of the roadmap, keeps the people and promises of\n"
	    "each, and reminds of what is due. It stores everything in PostgreSQL, and answers JSON-RPC 2.0: one message\n"
	    "or batch a line on its Unix socket and on TCP, and over HTTP by POST /rpc. On a Unix socket callers are known "
	    "by\n"
	    "their user; elsewhere by a token: session.login on TCP, Authorization: Bearer over HTTP. HTTP also serves\n"
	    "/openrpc.json, /healthz, /readyz, /metrics for Prometheus, and /events, reminders as server-sent events.\n\n"
	    "# OPTIONS\n\n"
	    "*-c* _FILE_, *--config* _FILE_\n\tReads the configuration from _FILE_, see *tracktwo.conf*(5).\n\n"
	    "*-s* _SECTION.KEY=VALUE_, *--set* _SECTION.KEY=VALUE_\n\tSets one key, over what the file says; may be given "
	    "again.\n\n"
	    "*--lang* _CODE_\n\tThe language of what *--admin* and *--check-config* say, en or ko; else that of LC_ALL, "
	    "LC_MESSAGES or\n\tLANG. What a daemon logs is English.\n\n"
	    "*--check-config*\n\tChecks the configuration and exits: 0 when it is right, 78 when it is wrong.\n\n"
	    "*--migrate*\n\tBrings the database to this version's schema and exits.\n\n"
	    "*--admin* _COMMAND_ …\n\tWhat *tracktwo admin* and *tracktwo doctor* run, see *tracktwo*(1), as the user that "
	    "the "
	    "daemon runs as;\n\tall words behind it are the command's.\n\n"
	    "*--describe=openrpc*, *--describe=man*, *--describe=config-man*, *--describe=config*\n"
	    "\tPrints the OpenRPC document, this page, tracktwo.conf(5), or a sample configuration, and exits. Needs no "
	    "database.\n\n"
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

static void put_keys(FILE *out)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	const char *section = "";
	struct arena arena = {0};
	for (size_t i = 0; i < count; i++) {
		const struct config_key *key = &keys[i];
		if (strcmp(section, key->section) != 0) {
			section = key->section;
			fprintf(out, "## [%s]\n\n", section);
		}
		const char *standard = !key->standard    ? "; its default depends on where the daemon is installed"
		                       : !*key->standard ? "; empty by default"
		                                         : arena_printf(&arena, "; %s by default", key->standard);
		const char *help = key->reloads ? key->help : arena_printf(&arena, "%s A change needs a restart.", key->help);
		scdoc_put_entry(out, key->name, arena_printf(&arena, ": %s%s", config_words(&arena, key), standard), help);
	}
	arena_release(&arena);
}

static void put_method(FILE *out, const struct method *method)
{
	struct arena arena = {0};
	fprintf(out, "## %s\n\n", method->name);
	scdoc_put_text(out, method->summary);
	scdoc_put_text(out, arena_printf(&arena, " Role: %s.", method_role_name(method->role)));
	fputs("\n\n", out);
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		const char *note = member->flags & MEMBER_OPTIONAL ? "" : "; required";
		scdoc_put_entry(out, member->name, arena_printf(&arena, ": %s%s", type_words(&arena, member->type), note),
		                member->help);
	}
	arena_release(&arena);
}

void describe_configuration(FILE *out, const char *version)
{
	scdoc_put_title(out, "tracktwo.conf", 5, version);
	fputs("# NAME\n\n"
	      "tracktwo.conf - the configuration of tracktwod\n\n"
	      "# DESCRIPTION\n\n"
	      "An INI file; lines that begin with \"#\" or \";\" are comments. Every key has a default, and what is "
	      "unknown is\n"
	      "refused: *tracktwod -c FILE --check-config* names file and line, and exits with 78. A sample with every key "
	      "is\n"
	      "what *tracktwod --describe=config* prints.\n\n"
	      "# KEYS\n\n",
	      out);
	put_keys(out);
	fputs("# SEE ALSO\n\n"
	      "*tracktwod*(8), *tracktwo*(1)\n",
	      out);
}

void describe_manual(FILE *out, const struct registry *registry, const char *version)
{
	put_opening(out, version);
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
	    "*tracktwo*(1), *tracktwo.conf*(5)\n",
	    out);
}
