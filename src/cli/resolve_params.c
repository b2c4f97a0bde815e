/* Resolve's walk: the parameters of a method, by their types.
 *
 * Invariant: a value is replaced only where it is a text that the type would not take as it stands; what is of another
 * JSON type than the row says is left for the daemon to refuse. */
#include "cli/resolve.h"

#include <string.h>

#include "base/uuid.h"
#include "cli/command.h"
#include "text/time.h"

struct walk {
	struct resolve *resolve;
	const struct method *method;
	struct err *err;
	int depth;
};

enum { DEPTH_MAX = 16 };

/* Whether records of the noun can be found: record.find's own row says it. */
static bool is_noun(const struct registry *registry, const char *noun, size_t length)
{
	const struct method *find = registry_find(registry, "record.find");
	for (size_t i = 0; find && i < find->params.member_count; i++) {
		const struct type *element = find->params.members[i].type->element;
		for (size_t k = 0; element && element->choices && element->choices[k]; k++)
			if (strlen(element->choices[k]) == length && strncmp(element->choices[k], noun, length) == 0)
				return true;
	}
	return false;
}

const char *resolve_noun_of(struct arena *arena, const struct registry *registry, const struct method *method,
                            const struct type_member *member, bool outermost)
{
	const char *own = method->name, *name = member->name;
	size_t own_length = strcspn(own, "."), length = strlen(name);
	const struct type *type = member->type->kind == TYPE_LIST ? member->type->element : member->type;
	if (type->refers)
		return type->refers;
	/* The optional id of a write is that of what it makes. */
	bool makes = method->kind == METHOD_WRITE && (member->flags & MEMBER_OPTIONAL);
	if (outermost && strcmp(name, "id") == 0 && !makes && is_noun(registry, own, own_length))
		return arena_copy(arena, own, own_length);
	if (length > 3 && strcmp(name + length - 3, "_id") == 0 && is_noun(registry, name, length - 3))
		return arena_copy(arena, name, length - 3);
	return NULL;
}

static bool walk_id(struct walk *walk, const struct type_member *member, const char *word, const char **meaning)
{
	struct cli *cli = walk->resolve->cli;
	const char *noun = resolve_noun_of(&cli->arena, cli->registry, walk->method, member, walk->depth == 1);
	struct resolve_person person;
	if (!noun || uuid_valid(word))
		return true;
	if (strcmp(noun, "party") == 0)
		return resolve_party(walk->resolve, word, meaning, walk->err);
	bool contact = strcmp(noun, "contact") == 0;
	if (!contact && strcmp(noun, "principal") != 0)
		return resolve_record(walk->resolve, word, noun, meaning, walk->err);
	if (!resolve_person(walk->resolve, word, contact ? RESOLVE_CONTACTS : RESOLVE_PRINCIPALS, &person, walk->err))
		return false;
	*meaning = person.id;
	return true;
}

static bool walk_time(struct walk *walk, const struct type_member *member, enum type_kind kind, const char *word,
                      const char **meaning)
{
	struct resolve *resolve = walk->resolve;
	bool bound = member->flags & MEMBER_BOUND;
	enum when_direction direction = bound || (member->flags & MEMBER_PAST) ? WHEN_BACK : WHEN_FORWARD;
	struct when when;
	int64_t micros;
	int32_t days;
	if (kind == TYPE_INSTANT)
		return resolve_instant(resolve, word, direction, meaning, walk->err);
	if (kind == TYPE_DAY)
		return resolve_day(resolve, word, direction, bound, meaning, walk->err);
	if (time_parse_instant(word, &micros, NULL) || time_parse_day(word, &days, NULL))
		return true;
	if (!resolve_when(resolve, word, direction, &when, walk->err))
		return false;
	char text[TIME_INSTANT_SIZE];
	if (when.kind == WHEN_INSTANT)
		time_format_instant(when.instant_us, text);
	else
		time_format_day(when.first_day, text);
	*meaning = arena_strdup(&resolve->cli->arena, text);
	return true;
}

static bool walk_text(struct walk *walk, const struct type_member *member, const struct type *type, const char *word,
                      const char **meaning)
{
	if (type->kind == TYPE_COUNTRY)
		return resolve_country(walk->resolve, word, meaning, walk->err);
	if (type->kind == TYPE_WORKSTREAM)
		return resolve_workstream(walk->resolve, word, meaning, walk->err);
	if (type->kind == TYPE_INSTANT || type->kind == TYPE_DAY || type->kind == TYPE_MOMENT)
		return walk_time(walk, member, type->kind, word, meaning);
	if (type->kind == TYPE_UUID || type->refers)
		return walk_id(walk, member, word, meaning);
	return true;
}

static bool walk_value(struct walk *walk, const struct type_member *member, const struct type *type, json_t **value);

static bool walk_list(struct walk *walk, const struct type_member *member, const struct type *type, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *element = json_incref(json_array_get(list, i));
		bool right = walk_value(walk, member, type->element, &element);
		json_array_set_new(list, i, element);
		if (!right)
			return false;
	}
	return true;
}

static bool walk_object(struct walk *walk, const struct type *type, json_t *object)
{
	bool right = true;
	if (++walk->depth > DEPTH_MAX)
		return err_set(walk->err, "nested too deeply");
	for (size_t i = 0; i < type->member_count && right; i++) {
		const struct type_member *member = &type->members[i];
		json_t *value = json_incref(json_object_get(object, member->name));
		if (!value)
			continue;
		right = walk_value(walk, member, member->type, &value);
		json_object_set_new(object, member->name, value);
		if (!right && walk->depth == 1)
			(void)err_prefix(walk->err, "%s", arguments_option(&walk->resolve->cli->arena, member->name));
	}
	walk->depth--;
	return right;
}

/* A bare text for an object is its short form: it is read as the member that it stands for. */
static const struct type_member *short_form(const struct type *type)
{
	for (size_t i = 0; type->kind == TYPE_OBJECT && type->shorthand && i < type->member_count; i++)
		if (strcmp(type->members[i].name, type->shorthand) == 0)
			return &type->members[i];
	return NULL;
}

static bool walk_value(struct walk *walk, const struct type_member *member, const struct type *type, json_t **value)
{
	if (type->kind == TYPE_LIST && json_is_array(*value))
		return walk_list(walk, member, type, *value);
	if (type->kind == TYPE_OBJECT && json_is_object(*value))
		return walk_object(walk, type, *value);
	if (!json_is_string(*value))
		return true;
	const struct type_member *bare = short_form(type);
	const char *word = json_string_value(*value), *meaning = word;
	if (!walk_text(walk, bare ? bare : member, bare ? bare->type : type, word, &meaning))
		return false;
	if (meaning != word) {
		json_t *text = json_string(meaning);
		json_decref(*value);
		*value = text;
	}
	return true;
}

bool resolve_params(struct resolve *resolve, const struct method *method, json_t *params, struct err *err)
{
	struct walk walk = {.resolve = resolve, .method = method, .err = err};
	resolve->status = CLI_USAGE;
	return walk_object(&walk, &method->params, params);
}

int resolve_arguments(struct cli *cli, const struct method *method, char *const *words, size_t count, json_t **params)
{
	struct resolve resolve;
	struct err err;
	resolve_init(&resolve, cli);
	if (!arguments_params(method, words, count, params, &err))
		return command_usage("%s", err.message);
	if (resolve_params(&resolve, method, *params, &err))
		return CLI_DONE;
	json_decref(*params);
	*params = NULL;
	return command_fail(resolve.status, "%s", err.message);
}
