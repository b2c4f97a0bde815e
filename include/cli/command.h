/* Command: what can be typed beyond a noun and its verb.
 *
 * A command is a row, `const struct command command_WORD`, in a file of its own; it is declared in cli/commands.h and
 * listed in the table of src/cli/cli.c. From the row come dispatch, --help, completion and the manual page, so that an
 * option that stands in no row does not exist. All English texts of a row are keys of say(). */
#ifndef TRACKTWO_CLI_COMMAND_H
#define TRACKTWO_CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "rpc/method.h"

struct cli;
struct link;

/* One word behind the command. */
struct command_word {
	enum command_value kind;
	const char *const *choices; /* of COMMAND_VALUE_CHOICE; ends with NULL */
};

struct command {
	const char *word;    /* "today"; or two, "admin backup" */
	const char *summary; /* one sentence */
	const char *usage;   /* what may stand behind it, "COUNTRY WORKSTREAM TITLE"; options are added; "" for nothing */
	const char *details; /* further sentences of its help, or NULL */
	const char *example; /* a whole line, "tracktwo today", or NULL; it is not translated */
	const struct command_option *options;
	size_t option_count;
	struct command_word
	    words[4]; /* the first words behind it; the last kind that is not ANY holds for all that follow */
	/* For one that hands its further options to a method, whose members are then options too; NULL: none. */
	const char *method;
	/* Runs with cli->arguments.words holding what stands behind the command's own words; returns the exit code. */
	int (*run)(struct cli *cli);
};

#define COMMAND_OPTIONS(...)                                                                                           \
	.options = (const struct command_option[]){__VA_ARGS__},                                                           \
	.option_count = sizeof((const struct command_option[]){__VA_ARGS__}) / sizeof(struct command_option)

/* All that a command needs; one lives as long as the program runs. */
struct cli {
	struct arena arena; /* until the program ends */
	struct arguments arguments;
	struct registry *registry;
	const char *socket;
	enum output_format format;
	bool interactive;  /* a person may be asked: standard input and standard error are terminals */
	struct link *link; /* NULL until the first call; command_call() opens and keeps it */
	const char *zone;  /* NULL until command_zone() is first asked */
};

/* The commands, in the order of help. */
const struct command *command_at(size_t index);
size_t command_count(void);

/* The command that `words` begin with, or NULL; *used is how many of the words are its own. */
const struct command *command_find(char *const *words, size_t count, size_t *used);

/* Prints "tracktwo: MESSAGE" on standard error and returns CLI_USAGE. `format` comes from say(). */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
int command_usage(const char *format, ...);

/* The same, returning `status`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int command_fail(int status, const char *format, ...);

/* Says how `command` is written, on standard error; returns CLI_USAGE. */
int command_usage_of(const struct command *command);

/* Calls `method` over cli->link and gives its result, the caller's to release, with CLI_DONE. Otherwise *result is
 * NULL, the error has been printed, and the exit code that stands for it is returned. Takes over `params` (NULL: none).
 * A write gets a request_id when it has none, and is sent again when the connection breaks. */
int command_call(struct cli *cli, const char *method, json_t *params, json_t **result);

/* The same for a list: with --all every page, as one result without a next_cursor. */
int command_call_pages(struct cli *cli, const char *method, json_t *params, json_t **result);

/* The same without printing: the whole answer with `result` or `error`, the caller's; NULL with `err` when the daemon
 * is out of reach. For what asks again or offers a choice, as by the `candidates` of a 409. */
json_t *command_answer(struct cli *cli, const char *method, json_t *params, struct err *err);

/* Prints the result of `method` (a name; NULL when no row describes it) in cli->format, and its hints. */
void command_print(struct cli *cli, const char *method, json_t *result);

/* The zone in which the person reads and writes times: that of their principal, else $TZ where it is an IANA name, else
 * Asia/Seoul. Never NULL; in cli->arena. */
const char *command_zone(struct cli *cli);

/* Takes --name N out of the words; *number stays as it is when the option is not there. */
ERR_CHECKED bool command_take_number(struct cli *cli, const char *name, long *number, struct err *err);

#endif
