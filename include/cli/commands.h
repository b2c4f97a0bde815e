/* Commands: what is more than one call and its answer. Each returns the exit code and prints its own errors. */
#ifndef TRACKTWO_CLI_COMMANDS_H
#define TRACKTWO_CLI_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "rpc/method.h"

/* One row a command; its file is src/cli/WORD.c, where that is not said otherwise. */
extern const struct command command_log, command_plan, command_hold; /* log.c */
extern const struct command command_edit, command_undo;
extern const struct command command_today, command_history;
extern const struct command command_coverage;
extern const struct command command_completion, command_help;
extern const struct command command_rpc;
extern const struct command command_export;
extern const struct command command_tail;
extern const struct command command_admin_backup, command_admin_verify, command_admin_restore, command_admin_upgrade,
    command_admin_move, command_admin_kept; /* admin.c */
extern const struct command command_doctor;
extern const struct command command_wait; /* watch.c */

/* "tracktwod --admin WORD …" as argv for exec, in cli->arena: the daemon's program that stands beside this one, or is
 * installed with it, with --config and --set taken out of the words and put before. NULL with `err`. */
char **commands_admin_words(struct cli *cli, const char *word, struct err *err);
/* Those two, in a row of options. */
#define COMMANDS_ADMIN_OPTIONS                                                                                         \
	{"config", "FILE", "The daemon's configuration; else the usual one.", COMMAND_VALUE_FILE, NULL},                   \
	{                                                                                                                  \
		"set", "SECTION.KEY=VALUE", "One setting, over what the file says.", COMMAND_VALUE_ANY, NULL                   \
	}

/* Sends every line of `in`, a JSON-RPC request, and waits for the answers. Lines of one method in a row go out
 * together; what such a group may depend on has been answered before. A line that fails because something is not there
 * yet is tried again after its group. `name` stands before the numbers of lines that failed. */
int commands_load(const char *socket, const struct registry *registry, FILE *in, const char *name);

/* Subscribes with `params`, which stay the caller's, and prints a line for each notification until the connection ends,
 * or `count` have come (0: for ever). */
int commands_subscribe(const char *socket, const json_t *params, enum output_format format, bool acknowledge,
                       long count);

/* The options of reminder.subscribe beyond its members; ends with a row without a name. */
extern const struct command_option commands_subscribe_options[];

/* Help for everything, a noun ("engagement"), or a method. False when the noun or verb is unknown; a suggestion has
 * then been printed on standard error. `noun` and `verb` may be NULL. */
bool commands_help(FILE *out, const struct registry *registry, const char *noun, const char *verb);

/* Help on standard output, by the pager, on what `words` begin with: a command, a noun, a method; on everything when
 * there are none. */
bool commands_help_on(const struct registry *registry, char *const *words, size_t count);

/* tracktwo(1) as scdoc(5) source. */
void commands_manual(FILE *out, const struct registry *registry, const char *version);

/* The variables of the environment that the program reads; ends with a row without a name. */
struct commands_variable {
	const char *name, *help;
};
extern const struct commands_variable commands_variables[];

/* Says on standard error that there is no such noun or verb, and which is near. */
void commands_unknown(const struct registry *registry, const char *noun, const char *verb);

#endif
