/* Arguments: from words of a command line to the parameters of a method. Pure functions. */
#ifndef TRACKTWO_CLI_ARGUMENTS_H
#define TRACKTWO_CLI_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "rpc/method.h"

/* What a value is, for completion. */
enum command_value {
	COMMAND_VALUE_ANY, /* nothing is offered */
	COMMAND_VALUE_CHOICE,
	COMMAND_VALUE_COUNTRY,
	COMMAND_VALUE_WORKSTREAM,
	COMMAND_VALUE_PERSON,
	COMMAND_VALUE_FILE,
	COMMAND_VALUE_NOUN,
	COMMAND_VALUE_METHOD,
};

struct command_option {
	const char *name;  /* "due" for --due */
	const char *value; /* what stands for its value in help, such as "WHEN"; NULL: a flag */
	const char *help;  /* one sentence */
	enum command_value kind;
	const char *const *choices; /* of COMMAND_VALUE_CHOICE; ends with NULL */
};

/* The options that every command has; ends with a row without a name. */
extern const struct command_option arguments_options[];

/* What they say, and what is left when they are taken out. */
struct arguments {
	const char *socket; /* NULL when not given */
	const char *lang;   /* NULL when not given */
	const char *color;  /* NULL when not given */
	bool json, table, all, help;
	char **words; /* what is left, in its order; the array is the arena's, the words are argv's */
	size_t count;
};

/* Takes the global options out of argv[1] and on, wherever they stand. A word that begins with "--" is never the value
 * of the word before it: "--note=--json" says what "--note --json" does not. */
ERR_CHECKED bool arguments_read(struct arena *arena, int argc, char **argv, struct arguments *arguments,
                                struct err *err);

/* Takes "--name value" or "--name=value" out of arguments->words: *value is the value, or NULL when the option is not
 * there. Fails when it has no value. */
ERR_CHECKED bool arguments_take(struct arguments *arguments, const char *name, const char **value, struct err *err);

/* The same for an option without a value. */
bool arguments_take_flag(struct arguments *arguments, const char *name);

/* Makes the parameters of `method` from words such as --due-at VALUE, --due_at=VALUE, --primary (a boolean). Lists grow
 * with each repetition and, unless they are of texts, with each comma; objects are JSON, or their short form. Values
 * are converted to their JSON type and otherwise left for the daemon to judge. On success the caller owns *params. */
ERR_CHECKED bool arguments_params(const struct method *method, char *const *words, size_t count, json_t **params,
                                  struct err *err);

/* "due_at" as an option: "--due-at". In the arena. */
const char *arguments_option(struct arena *arena, const char *member);

#endif
