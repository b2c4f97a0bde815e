/* Arguments: words are sorted into global options and the rest, and the rest converted by the type of each parameter.
 *
 * Nothing is validated that the daemon validates; only what has to be known to write JSON is. Invariant: every word is
 * used or named in an error. */
#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/every.h"
#include "text/json.h"
#include "text/language.h"
#include "text/nearest.h"

const struct command_option arguments_options[] = {
    {"socket", "PATH", "The daemon's socket; else $TRACKTWO_SOCKET, else the usual place.", COMMAND_VALUE_FILE, NULL},
    {"json", NULL, "The raw result.", COMMAND_VALUE_ANY, NULL},
    {"table", NULL, "A table also in a pipe, instead of tab-separated lines.", COMMAND_VALUE_ANY, NULL},
    {"lang", "CODE", "The language of messages; else that of LC_ALL, LC_MESSAGES or LANG.", COMMAND_VALUE_CHOICE,
     (const char *const[]){"en", "ko", NULL}},
    {"zone", "ZONE", "The time zone of words about time; else that of your principal, else Asia/Seoul.",
     COMMAND_VALUE_ANY, NULL},
    {"quiet", NULL, "Does not say what names, times and ids were taken for.", COMMAND_VALUE_ANY, NULL},
    {"color", "WHEN", "Colour on the screen; NO_COLOR in the environment turns that of auto off.", COMMAND_VALUE_CHOICE,
     (const char *const[]){"auto", "always", "never", NULL}},
    {"all", NULL, "Every page of a list, not the first alone.", COMMAND_VALUE_ANY, NULL},
    {"help", NULL, "Help for the command on the line.", COMMAND_VALUE_ANY, NULL},
    {"version", NULL, "(alone) The version.", COMMAND_VALUE_ANY, NULL},
    {"describe", "man", "(alone, as --describe=man) The manual page, as scdoc(5) source.", COMMAND_VALUE_ANY, NULL},
    {NULL, NULL, NULL, COMMAND_VALUE_ANY, NULL}};

static bool is_option(const char *word)
{
	return strncmp(word, "--", 2) == 0 && word[2];
}

/* Whether `word` is --name or --name=…, with "-" and "_" alike in the name. */
static bool is_named(const char *word, const char *name)
{
	if (!is_option(word))
		return false;
	size_t length = strcspn(word + 2, "=");
	if (length != strlen(name))
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = word[2 + i] == '-' ? '_' : word[2 + i];
		if (c != (name[i] == '-' ? '_' : name[i]))
			return false;
	}
	return true;
}

/* The value behind "=" or in the word after words[*at], which *at then moves to; NULL when there is none. */
static const char *value_of(char *const *words, size_t count, size_t *at)
{
	const char *equals = strchr(words[*at], '=');
	if (equals)
		return equals + 1;
	if (*at + 1 >= count || is_option(words[*at + 1]))
		return NULL;
	return words[++*at];
}

bool arguments_read(struct arena *arena, int argc, char **argv, struct arguments *arguments, struct err *err)
{
	*arguments = (struct arguments){0};
	size_t count = (size_t)argc;
	arguments->words = arena_alloc(arena, (count + 1) * sizeof *arguments->words);
	bool raw = false;
	for (size_t i = 1; i < count; i++) {
		raw = raw || strcmp(argv[i], "--") == 0;
		if (raw) {
			arguments->words[arguments->count++] = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			arguments->json = true;
		} else if (strcmp(argv[i], "--table") == 0) {
			arguments->table = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			arguments->help = true;
		} else if (strcmp(argv[i], "--quiet") == 0) {
			arguments->quiet = true;
		} else if (is_named(argv[i], "zone")) {
			arguments->zone = value_of(argv, count, &i);
			if (!arguments->zone)
				return err_set(err, "%s", say("--zone takes an IANA time zone, such as Asia/Seoul"));
		} else if (is_named(argv[i], "socket")) {
			arguments->socket = value_of(argv, count, &i);
			if (!arguments->socket || !*arguments->socket)
				return err_set(err, say("--socket needs the path of the daemon's socket"));
		} else if (strcmp(argv[i], "--all") == 0) {
			arguments->all = true;
		} else if (is_named(argv[i], "color")) {
			arguments->color = value_of(argv, count, &i);
			if (!arguments->color)
				return err_set(err, say("--color takes auto, always or never"));
		} else if (is_named(argv[i], "lang")) {
			arguments->lang = value_of(argv, count, &i);
			if (!arguments->lang)
				return err_set(err, say("--lang takes en or ko"));
		} else {
			arguments->words[arguments->count++] = argv[i];
		}
	}
	return true;
}

static void drop_words(struct arguments *arguments, size_t from, size_t count)
{
	arguments->count -= count;
	for (size_t i = from; i < arguments->count; i++)
		arguments->words[i] = arguments->words[i + count];
}

bool arguments_take(struct arguments *arguments, const char *name, const char **value, struct err *err)
{
	*value = NULL;
	for (size_t i = 0; i < arguments->count; i++) {
		if (!is_named(arguments->words[i], name))
			continue;
		size_t last = i;
		*value = value_of(arguments->words, arguments->count, &last);
		if (!*value)
			return err_set(err, say("--%s needs a value"), name);
		drop_words(arguments, i, last - i + 1);
		return true;
	}
	return true;
}

bool arguments_take_flag(struct arguments *arguments, const char *name)
{
	for (size_t i = 0; i < arguments->count; i++) {
		if (is_named(arguments->words[i], name) && !strchr(arguments->words[i], '=')) {
			drop_words(arguments, i, 1);
			return true;
		}
	}
	return false;
}

const char *arguments_option(struct arena *arena, const char *member)
{
	char *option = arena_printf(arena, "--%s", member);
	for (char *at = option; *at; at++)
		*at = *at == '_' ? '-' : *at;
	return option;
}

static bool truth_of(const char *word, bool *truth)
{
	static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		*truth = strcmp(word, yes[i]) == 0;
		if (*truth || strcmp(word, no[i]) == 0)
			return true;
	}
	return false;
}

static json_t *integer_of(const char *text)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return *text && !*end && errno == 0 ? json_integer(number) : NULL;
}

static json_t *json_of(const char *text)
{
	json_t *value;
	return json_parse(text, strlen(text), &value, NULL) ? value : NULL;
}

/* The type of what a bare word stands for in `type`: of the member that is its short form, or itself. */
static const struct type *bare_type(const struct type *type)
{
	for (size_t i = 0; type->shorthand && i < type->member_count; i++)
		if (strcmp(type->members[i].name, type->shorthand) == 0)
			return type->members[i].type;
	return type;
}

/* A new value of a type that is no list; NULL when the word cannot be one. */
static json_t *scalar_of(const struct type *type, const char *text)
{
	bool truth;
	if (type->kind == TYPE_INTEGER)
		return integer_of(text);
	if (type->kind == TYPE_BOOLEAN)
		return truth_of(text, &truth) ? json_boolean(truth) : NULL;
	if (type->kind == TYPE_NUMBER) {
		json_t *number = json_of(text);
		if (json_is_number(number))
			return number;
		json_decref(number);
		return NULL;
	}
	if (type->kind == TYPE_MAP || type->kind == TYPE_ANY || (type->kind == TYPE_OBJECT && *text == '{'))
		return json_of(text);
	return type->kind == TYPE_OBJECT && !type->shorthand ? NULL : json_string(text);
}

static bool append_list(json_t *list, const char *text)
{
	json_t *more = json_of(text);
	bool right = json_is_array(more) && json_array_extend(list, more) == 0;
	json_decref(more);
	return right;
}

/* Appends each of the words that commas part. */
static bool append_words(json_t *list, const struct type *type, const char *text)
{
	bool right = true;
	struct arena arena = {0};
	char *rest = arena_strdup(&arena, text), *word;
	while (right && (word = strsep(&rest, ","))) {
		word += strspn(word, " ");
		size_t length = strlen(word);
		while (length > 0 && word[length - 1] == ' ')
			word[--length] = '\0';
		if (length > 0)
			right = json_array_append_new(list, scalar_of(type, word)) == 0;
	}
	arena_release(&arena);
	return right;
}

static bool append_value(json_t *list, const struct type *element, const char *text)
{
	const struct type *bare = bare_type(element);
	if (*text == '[' && bare->kind != TYPE_TEXT)
		return append_list(list, text);
	if (element->kind == TYPE_OBJECT && *text == '[')
		return append_list(list, text);
	if (bare->kind == TYPE_TEXT || bare->kind == TYPE_OBJECT || *text == '{')
		return json_array_append_new(list, scalar_of(element, text)) == 0;
	return append_words(list, element, text);
}

static bool set_value(json_t *params, const struct type_member *member, const char *text, struct err *err)
{
	struct arena arena = {0};
	bool right;
	json_t *before = json_object_get(params, member->name);
	if (member->type->kind == TYPE_LIST) {
		if (!before)
			json_object_set_new(params, member->name, json_array());
		right = append_value(json_object_get(params, member->name), member->type->element, text);
	} else if (before) {
		right = err_set(err, say("%s stands twice"), arguments_option(&arena, member->name));
		goto out;
	} else {
		right = json_object_set_new(params, member->name, scalar_of(member->type, text)) == 0;
	}
	if (!right)
		(void)err_set(err, say("%s must be %s"), arguments_option(&arena, member->name),
		              member->type->kind == TYPE_OBJECT ? say("an object, as JSON") : type_words(&arena, member->type));
out:
	arena_release(&arena);
	return right;
}

/* A row does not list request_id, which every write takes. */
static const struct type_member request_id = {"request_id", &type_uuid, MEMBER_OPTIONAL, NULL};

/* A rule has a plain form beside its own: --every month. */
static const char plain_rule[] = "every";

static const struct type_member *find_member(const struct method *method, const char *word)
{
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		if (is_named(word, member->name) || (member->type->kind == TYPE_RULE && is_named(word, plain_rule)))
			return member;
	}
	return method->kind == METHOD_WRITE && is_named(word, request_id.name) ? &request_id : NULL;
}

static bool fault_unknown(const struct method *method, const char *word, struct err *err)
{
	struct arena arena = {0};
	if (is_option(word)) {
		struct nearest nearest = {.word = arena_copy(&arena, word + 2, strcspn(word + 2, "="))};
		for (size_t i = 0; i < method->params.member_count; i++)
			nearest_offer(&nearest, method->params.members[i].name);
		if (nearest.name)
			(void)err_set(err, say("unknown option --%s; did you mean %s?"), nearest.word,
			              arguments_option(&arena, nearest.name));
		else
			(void)err_set(err, say("unknown option --%s; --help lists all"), nearest.word);
	} else {
		(void)err_set(err,
		              say("\"%s\" belongs to no option; write --NAME before it, and quotes around values with spaces"),
		              word);
	}
	arena_release(&arena);
	return false;
}

static bool set_plain_rule(json_t *params, const struct type_member *member, const char *words, struct err *err)
{
	struct arena arena = {0};
	const char *rule;
	bool right = every_read(&arena, words, &rule, err) && set_value(params, member, rule, err);
	arena_release(&arena);
	return right;
}

static bool read_words(const struct method *method, char *const *words, size_t count, json_t *params, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct type_member *member = find_member(method, words[i]);
		bool truth, alone = !strchr(words[i], '=');
		if (!member)
			return fault_unknown(method, words[i], err);
		const char *option = words[i], *value;
		/* A boolean takes the next word only when that word says yes or no. */
		if (member->type->kind == TYPE_BOOLEAN && alone && (i + 1 >= count || !truth_of(words[i + 1], &truth)))
			value = "yes";
		else
			value = value_of(words, count, &i);
		if (!value)
			return err_set(err, say("%s needs a value; write %s=VALUE for one that begins with --"), option, option);
		bool plain = member->type->kind == TYPE_RULE && is_named(option, plain_rule);
		if (plain ? !set_plain_rule(params, member, value, err) : !set_value(params, member, value, err))
			return false;
	}
	return true;
}

bool arguments_params(const struct method *method, char *const *words, size_t count, json_t **params, struct err *err)
{
	*params = json_object();
	if (read_words(method, words, count, *params, err))
		return true;
	json_decref(*params);
	*params = NULL;
	return false;
}
