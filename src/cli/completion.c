/* Completion: the shells ask the program itself.
 *
 * "tracktwo completion bash" prints a few lines that call back with the words so far; what may come next is worked out
 * here, from the rows of methods and commands, so that no list stands in a shell's language. Names of people are asked
 * of the daemon, for half a second at most. Invariant: nothing is said on standard error and the exit code is 0,
 * whatever goes wrong; a shell in the middle of a line has no use for it. */
#include <stdlib.h>
#include <string.h>

#include "api/types.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "text/country.h"
#include "text/language.h"

static const char bash_script[] =
    "_tracktwo() {\n"
    "    local word=\"${COMP_WORDS[COMP_CWORD]}\" IFS=$'\\n'\n"
    "    # What an \"=\" parts stays a word of its own in bash; the program takes it so.\n"
    "    COMPREPLY=($(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
    "    if [ \"${COMPREPLY[0]}\" = ':files' ]; then\n"
    "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
    "        compopt -o filenames 2>/dev/null\n"
    "    else\n"
    "        local i\n"
    "        for i in \"${!COMPREPLY[@]}\"; do printf -v 'COMPREPLY[i]' '%q' \"${COMPREPLY[i]}\"; done\n"
    "    fi\n"
    "}\n"
    "complete -F _tracktwo tracktwo\n";

static const char zsh_script[] =
    "#compdef tracktwo\n"
    "_tracktwo() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    if [[ \"${found[1]}\" = ':files' ]]; then\n"
    "        _files\n"
    "    elif [[ -n \"${found[1]}\" ]]; then\n"
    "        compadd -a found\n"
    "    fi\n"
    "}\n"
    "if [[ \"${funcstack[1]}\" = '_tracktwo' ]]; then _tracktwo \"$@\"; else compdef _tracktwo tracktwo; fi\n";

struct completion {
	struct cli *cli;
	const char *word; /* what stands so far of the word to be completed; of a list, behind its last comma */
	const char *list; /* what stands before that, commas included */
};

static void offer(struct completion *completion, const char *text)
{
	if (strncmp(text, completion->word, strlen(completion->word)) == 0)
		printf("%s%s\n", completion->list, text);
}

/* What follows is one of several that commas part. */
static void begin_list(struct completion *completion)
{
	const char *comma = strrchr(completion->word, ',');
	if (!comma)
		return;
	completion->list = arena_copy(&completion->cli->arena, completion->word, (size_t)(comma + 1 - completion->word));
	completion->word = comma + 1;
}

static void offer_choices(struct completion *completion, const char *const *choices)
{
	for (size_t i = 0; choices && choices[i]; i++)
		offer(completion, choices[i]);
}

/* The result of a call that must not keep the person waiting, to be released; NULL when it did not come. */
static json_t *ask(struct cli *cli, const char *method, json_t *params)
{
	enum { PATIENCE_MS = 500 };
	struct err err;
	struct link *link = link_open(cli->socket, PATIENCE_MS, &err);
	json_t *request = link_request(1, method, params), *answer = NULL;
	if (link && link_send(link, request, &err))
		answer = link_receive(link, &err);
	json_t *result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	json_decref(request);
	link_close(link);
	return result;
}

static void offer_members(struct completion *completion, json_t *result, const char *path)
{
	const json_t *items = json_object_get(result, "items");
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i), *name;
		size_t k;
		const char *text = output_cell(&completion->cli->arena, item, path);
		if (*text)
			offer(completion, text);
		/* Who is found by another name is offered by it. */
		json_array_foreach(json_object_get(item, "names"), k, name) {
			const char *other = output_cell(&completion->cli->arena, name, "text");
			if (*completion->word && strcmp(other, text) != 0)
				offer(completion, other);
		}
	}
	json_decref(result);
}

/* Contacts in whose names the word stands, our own people, and oneself. */
static void offer_people(struct completion *completion)
{
	enum { MOST = 50 };
	json_t *params = json_pack("{s:i}", "limit", MOST);
	if (*completion->word)
		json_object_set_new(params, "text", json_string(completion->word));
	offer(completion, "me");
	offer_members(completion, ask(completion->cli, "contact.search", params), "name");
	offer_members(completion, ask(completion->cli, "principal.list", json_object()), "name");
}

/* The codes of all, and the names of those that we deal with. */
static void offer_countries(struct completion *completion)
{
	static const char *const ours[] = {"US", "CN", "RU", "JP", "KP", "KR"}, *const languages[] = {"en", "ko"};
	char code[] = "AA";
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		for (size_t k = 0; *completion->word && k < sizeof languages / sizeof *languages; k++)
			offer(completion, country_name(&completion->cli->arena, ours[i], languages[k]));
	for (code[0] = 'A'; code[0] <= 'Z'; code[0]++)
		for (code[1] = 'A'; code[1] <= 'Z'; code[1]++)
			if (strcmp(country_name(&completion->cli->arena, code, "en"), code) != 0)
				offer(completion, code);
}

static void offer_workstreams(struct completion *completion)
{
	json_t *roadmap = ask(completion->cli, "roadmap.get", json_object());
	const json_t *phases = json_object_get(roadmap, "phases");
	for (size_t i = 0; i < json_array_size(phases); i++) {
		const json_t *list = json_object_get(json_array_get(phases, i), "workstreams");
		for (size_t k = 0; k < json_array_size(list); k++)
			offer(completion, output_cell(&completion->cli->arena, json_array_get(list, k), "code"));
	}
	json_decref(roadmap);
}

static void offer_nouns(struct completion *completion)
{
	const char *last = "";
	for (size_t i = 0; i < registry_count(completion->cli->registry); i++) {
		const char *name = registry_at(completion->cli->registry, i)->name;
		const char *noun = arena_copy(&completion->cli->arena, name, strcspn(name, "."));
		if (strcmp(noun, last) != 0)
			offer(completion, noun);
		last = noun;
	}
}

static void offer_commands(struct completion *completion)
{
	for (size_t i = 0; i < command_count(); i++)
		offer(completion, arena_copy(&completion->cli->arena, command_at(i)->word, strcspn(command_at(i)->word, " ")));
}

static void offer_verbs(struct completion *completion, const char *noun)
{
	size_t length = strlen(noun);
	for (size_t i = 0; i < registry_count(completion->cli->registry); i++) {
		const char *name = registry_at(completion->cli->registry, i)->name;
		if (strncmp(name, noun, length) == 0 && name[length] == '.')
			offer(completion, name + length + 1);
	}
	for (size_t i = 0; i < command_count(); i++) {
		const char *word = command_at(i)->word;
		if (strncmp(word, noun, length) == 0 && word[length] == ' ')
			offer(completion, word + length + 1);
	}
}

static void offer_value(struct completion *completion, enum command_value kind, const char *const *choices)
{
	if (kind == COMMAND_VALUE_COUNTRY || kind == COMMAND_VALUE_WORKSTREAM || kind == COMMAND_VALUE_PERSON)
		begin_list(completion);
	switch (kind) {
	case COMMAND_VALUE_ANY:
		break;
	case COMMAND_VALUE_CHOICE:
		offer_choices(completion, choices);
		break;
	case COMMAND_VALUE_COUNTRY:
		offer_countries(completion);
		break;
	case COMMAND_VALUE_WORKSTREAM:
		offer_workstreams(completion);
		break;
	case COMMAND_VALUE_PERSON:
		offer_people(completion);
		break;
	case COMMAND_VALUE_SIDE:
		offer_countries(completion);
		offer_people(completion);
		break;
	case COMMAND_VALUE_FILE:
		puts(":files");
		break;
	case COMMAND_VALUE_NOUN:
		offer_commands(completion);
		offer_nouns(completion);
		break;
	case COMMAND_VALUE_METHOD:
		for (size_t i = 0; i < registry_count(completion->cli->registry); i++)
			offer(completion, registry_at(completion->cli->registry, i)->name);
		break;
	}
}

/* By the name of the member, where the type alone does not tell a person's id from another. */
static bool is_person(const char *member)
{
	static const char *const names[] = {"contact_id", "principal_id", "assignee",
	                                    "owner",      "escalate_to",  "hand_over_to"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], member) == 0)
			return true;
	return false;
}

static void offer_typed(struct completion *completion, const struct type_member *member)
{
	static const char *const truths[] = {"true", "false", NULL};
	const struct type *type = member->type->kind == TYPE_LIST ? member->type->element : member->type;
	if (member->type->kind == TYPE_LIST)
		begin_list(completion);
	if (type->kind == TYPE_OBJECT && type->shorthand && strcmp(type->shorthand, "code") == 0)
		offer_workstreams(completion);
	else if (type->kind == TYPE_CHOICE)
		offer_choices(completion, type->choices);
	else if (type->kind == TYPE_BOOLEAN)
		offer_choices(completion, truths);
	else if (type->kind == TYPE_COUNTRY || type == &api_party_object)
		offer_countries(completion);
	else if (type->kind == TYPE_WORKSTREAM)
		offer_workstreams(completion);
	else if (is_person(member->name))
		offer_people(completion);
}

/* What the words before the one to be completed ask for. */
struct place {
	const struct command *command;
	const struct method *method; /* whose members are options */
	size_t own;                  /* words that are the command's, or the noun and the verb */
};

static struct place find_place(struct cli *cli, char *const *words, size_t count)
{
	struct place place = {.command = command_find(words, count, &place.own)};
	if (place.command && place.command->method)
		place.method = registry_find(cli->registry, place.command->method);
	if (!place.command && count >= 2) {
		place.method = registry_find(cli->registry, arena_printf(&cli->arena, "%s.%s", words[0], words[1]));
		place.own = place.method ? 2 : 0;
	}
	return place;
}

/* The option that a word is, in one of three tables; NULL: none. */
static const struct command_option *find_option(const struct command_option *options, size_t count, const char *word)
{
	for (size_t i = 0; i < count && options[i].name; i++)
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, options[i].name) == 0)
			return &options[i];
	return NULL;
}

/* The value of the option `word`; false when it is an option without one, or none at all. */
static bool offer_option_value(struct completion *completion, const struct place *place, const char *word)
{
	enum { ALL = 1000 };
	const struct command_option *option = find_option(arguments_options, ALL, word);
	if (!option && place->command)
		option = find_option(place->command->options, place->command->option_count, word);
	if (option) {
		if (option->value)
			offer_value(completion, option->kind, option->choices);
		return option->value != NULL;
	}
	for (size_t i = 0; place->method && i < place->method->params.member_count; i++) {
		const struct type_member *member = &place->method->params.members[i];
		if (strcmp(arguments_option(&completion->cli->arena, member->name), word) != 0)
			continue;
		offer_typed(completion, member);
		return true;
	}
	return false;
}

static void offer_options(struct completion *completion, const struct place *place)
{
	struct arena *arena = &completion->cli->arena;
	for (size_t i = 0; place->command && i < place->command->option_count; i++)
		offer(completion, arena_printf(arena, "--%s", place->command->options[i].name));
	for (size_t i = 0; place->method && i < place->method->params.member_count; i++)
		offer(completion, arguments_option(arena, place->method->params.members[i].name));
	for (size_t i = 0; arguments_options[i].name; i++)
		offer(completion, arena_printf(arena, "--%s", arguments_options[i].name));
}

/* The words behind a command, options and their values apart: the last kind holds for all that follow. */
static void offer_position(struct completion *completion, const struct place *place, char *const *words, size_t count)
{
	enum { POSITIONS = sizeof place->command->words / sizeof *place->command->words };
	size_t position = 0, at;
	for (size_t i = place->own; i < count; i++) {
		if (strncmp(words[i], "--", 2) == 0)
			i++;
		else
			position++;
	}
	for (at = position < POSITIONS ? position : POSITIONS - 1; at > 0; at--)
		if (place->command->words[at].kind != COMMAND_VALUE_ANY)
			break;
	offer_value(completion, place->command->words[at].kind, place->command->words[at].choices);
}

/* Takes out of the words before the one to be completed what may stand anywhere on the line, and a word "=" of bash's;
 * returns how many are left. The last one stays: it may be an option that waits for its value. */
static size_t drop_global(char **words, size_t count)
{
	enum { ALL = 1000 };
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		const struct command_option *option = find_option(arguments_options, ALL, words[i]);
		size_t last = i; /* of what the option takes */
		if (option && option->value)
			last += i + 1 < count && strcmp(words[i + 1], "=") == 0 ? 2 : 1;
		if (option && last < count)
			i = last;
		else if (strcmp(words[i], "=") != 0)
			words[kept++] = words[i];
	}
	return kept;
}

/* `words` end with the one to be completed. */
static void complete(struct cli *cli, char **words, size_t count)
{
	struct completion completion = {.cli = cli, .word = count > 0 ? words[count - 1] : "", .list = ""};
	if (strcmp(completion.word, "=") == 0)
		completion.word = "";
	size_t before = drop_global(words, count > 0 ? count - 1 : 0);
	struct place place = find_place(cli, words, before);
	if (before > 0 && offer_option_value(&completion, &place, words[before - 1]))
		return;
	if (strncmp(completion.word, "-", 1) == 0) {
		offer_options(&completion, &place);
	} else if (before == 0) {
		offer_commands(&completion);
		offer_nouns(&completion);
	} else if (place.command) {
		offer_position(&completion, &place, words, before);
	} else if (before == 1) {
		offer_verbs(&completion, words[0]);
	}
}

static int run_completion(struct cli *cli)
{
	struct arguments *arguments = &cli->arguments;
	const char *shell = arguments->count > 0 ? arguments->words[0] : "";
	if (strcmp(shell, "words") == 0 && arguments->count >= 2)
		complete(cli, arguments->words + 2, arguments->count - 2);
	else if (strcmp(shell, "bash") == 0 && arguments->count == 1)
		fputs(bash_script, stdout);
	else if (strcmp(shell, "zsh") == 0 && arguments->count == 1)
		fputs(zsh_script, stdout);
	else
		return command_usage_of(&command_completion);
	return CLI_DONE;
}

const struct command command_completion = {
    .word = "completion",
    .summary = "Prints what a shell needs to complete commands, options, codes and names.",
    .usage = "bash | zsh",
    .details = "Add to ~/.bashrc or ~/.zshrc: source <(tracktwo completion bash), or zsh.",
    .example = "source <(tracktwo completion bash)",
    .words = {{COMMAND_VALUE_CHOICE, (const char *const[]){"bash", "zsh", NULL}}},
    .run = run_completion,
};
