/* Method: the registry is an array of rows sorted by name; what PostgreSQL sees of a method follows from its row.
 *
 * One table says how each kind of type is spelt for PostgreSQL, once as a cast and once as
 * pg_get_function_identity_arguments prints it; statements, bindings and the start-up check all read it. Invariant: a
 * statement's parameters are the caller, for a write the request, and then the row's members in their order. */
#include "rpc/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/json.h"

struct registry {
	size_t count;
	const struct method **rows;
};

static int by_name(const void *one, const void *other)
{
	const struct method *const *left = one, *const *right = other;
	return strcmp((*left)->name, (*right)->name);
}

static void *allocate(size_t size)
{
	void *memory = malloc(size);
	if (!memory)
		log_fatal(71, "out of memory");
	return memory;
}

struct registry *registry_new(const struct method_group *const *groups, size_t count)
{
	struct registry *registry = allocate(sizeof *registry);
	registry->count = 0;
	for (size_t i = 0; i < count; i++)
		registry->count += groups[i]->count;
	registry->rows = allocate((registry->count + 1) * sizeof(const struct method *));
	size_t at = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < groups[i]->count; k++)
			registry->rows[at++] = &groups[i]->rows[k];
	qsort(registry->rows, registry->count, sizeof(const struct method *), by_name);
	for (size_t i = 1; i < registry->count; i++) {
		if (strcmp(registry->rows[i - 1]->name, registry->rows[i]->name) == 0) {
			log_error("", "two rows describe the method %s", registry->rows[i]->name);
			abort();
		}
	}
	return registry;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	free(registry->rows);
	free(registry);
}

const struct method *registry_find(const struct registry *registry, const char *name)
{
	struct method wanted = {.name = name};
	const struct method *key = &wanted;
	const struct method **found =
	    bsearch(&key, registry->rows, registry->count, sizeof(const struct method *), by_name);
	return found ? *found : NULL;
}

size_t registry_count(const struct registry *registry)
{
	return registry->count;
}

const struct method *registry_at(const struct registry *registry, size_t index)
{
	return registry->rows[index];
}

const char *method_function(struct arena *arena, const struct method *method)
{
	char *name = arena_strdup(arena, method->name);
	char *dot = strchr(name, '.');
	if (dot)
		*dot = '_';
	return name;
}

struct spelling {
	const char *cast, *array_cast, *identity, *array_identity;
};

static const struct spelling spelling_text = {"text", "text[]", "text", "text[]"};
static const struct spelling spelling_json = {"jsonb", "jsonb", "jsonb", "jsonb"};

/* How a kind is spelt; what is not in the table is text. */
static const struct spelling *spelling_of(enum type_kind kind)
{
	static const struct spelling table[] = {
	    [TYPE_UUID] = {"uuid", "uuid[]", "uuid", "uuid[]"},
	    [TYPE_INSTANT] = {"timestamptz", "timestamptz[]", "timestamp with time zone", "timestamp with time zone[]"},
	    [TYPE_DAY] = {"date", "date[]", "date", "date[]"},
	    [TYPE_INTEGER] = {"integer", "integer[]", "integer", "integer[]"},
	    [TYPE_NUMBER] = {"numeric", "numeric[]", "numeric", "numeric[]"},
	    [TYPE_BOOLEAN] = {"boolean", "boolean[]", "boolean", "boolean[]"},
	    [TYPE_DURATION] = {"interval", "interval[]", "interval", "interval[]"},
	    [TYPE_HOUR] = {"time", "time[]", "time without time zone", "time without time zone[]"},
	};
	if (kind == TYPE_OBJECT || kind == TYPE_LIST || kind == TYPE_MAP || kind == TYPE_ANY)
		return &spelling_json;
	return kind < sizeof table / sizeof *table && table[kind].cast ? &table[kind] : &spelling_text;
}

const char *method_sql_type(const struct type *type)
{
	return type->kind == TYPE_LIST ? spelling_of(type->element->kind)->array_cast : spelling_of(type->kind)->cast;
}

static const char *identity_of(const struct type *type)
{
	return type->kind == TYPE_LIST ? spelling_of(type->element->kind)->array_identity
	                               : spelling_of(type->kind)->identity;
}

/* Text made piece by piece; the arena owns it in the end. */
struct text {
	FILE *out;
	char *bytes;
	size_t length;
};

static void text_open(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->length);
	if (!text->out)
		log_fatal(71, "out of memory");
}

static const char *text_close(struct text *text, struct arena *arena)
{
	if (fclose(text->out) != 0)
		log_fatal(71, "out of memory");
	const char *copy = arena_copy(arena, text->bytes, text->length);
	free(text->bytes);
	return copy;
}

/* Of a patch, what stands as a parameter of its own; of any other method, all. */
static bool is_parameter(const struct method *method, const char *name)
{
	return !method->patch || strcmp(name, "id") == 0 || strcmp(name, "version") == 0;
}

const char *method_statement(struct arena *arena, const struct method *method, const char *schema)
{
	struct text text;
	text_open(&text);
	size_t number = 1;
	fprintf(text.out, "SELECT %s.%s(p_caller => $%zu::uuid", schema, method_function(arena, method), number++);
	if (method->kind == METHOD_WRITE)
		fprintf(text.out, ", p_request => $%zu::jsonb", number++);
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		if (is_parameter(method, member->name))
			fprintf(text.out, ", p_%s => $%zu::%s", member->name, number++, method_sql_type(member->type));
	}
	if (method->patch)
		fprintf(text.out, ", p_patch => $%zu::jsonb", number++);
	fputs(")::text", text.out);
	return text_close(&text, arena);
}

const char *method_arguments(struct arena *arena, const struct method *method)
{
	struct text text;
	text_open(&text);
	fputs(method->kind == METHOD_WRITE ? "p_caller uuid, p_request jsonb" : "p_caller uuid", text.out);
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		if (is_parameter(method, member->name))
			fprintf(text.out, ", p_%s %s", member->name, identity_of(member->type));
	}
	if (method->patch)
		fputs(", p_patch jsonb", text.out);
	return text_close(&text, arena);
}

size_t method_value_count(const struct method *method)
{
	size_t count = method->kind == METHOD_WRITE ? 2 : 1;
	for (size_t i = 0; i < method->params.member_count; i++)
		count += is_parameter(method, method->params.members[i].name);
	return count + method->patch;
}

void method_values(struct arena *arena, const struct method *method, const char *caller, const char *request,
                   const json_t *params, const char **values)
{
	json_t *patch = method->patch ? json_object() : NULL;
	size_t count = 0;

	values[count++] = caller;
	if (method->kind == METHOD_WRITE)
		values[count++] = request;
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		json_t *value = json_object_get(params, member->name);
		if (is_parameter(method, member->name))
			values[count++] = method_bind(arena, member->type, value);
		else if (value)
			json_object_set(patch, member->name, value);
	}
	if (patch)
		values[count++] = json_text(arena, patch);
	json_decref(patch);
}

/* The shortest decimal text that reads back as the same number; jansson writes 0.1 with 17 digits. */
static const char *number_text(struct arena *arena, const json_t *value)
{
	if (json_is_integer(value))
		return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	double number = json_real_value(value);
	char text[40];
	int precision = 15;
	do {
		snprintf(text, sizeof text, "%.*g", precision, number);
	} while (++precision <= 17 && (strtod(text, NULL) < number || strtod(text, NULL) > number));
	return arena_strdup(arena, text);
}

static const char *scalar_text(struct arena *arena, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_number(value))
		return number_text(arena, value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_text(arena, value);
}

/* An array literal (PostgreSQL 15 manual, section 8.15.2); every element is quoted, so that none reads as NULL. */
static const char *array_text(struct arena *arena, const json_t *list)
{
	struct text text;
	text_open(&text);
	fputc('{', text.out);
	for (size_t i = 0; i < json_array_size(list); i++) {
		fputs(i == 0 ? "\"" : ",\"", text.out);
		for (const char *at = scalar_text(arena, json_array_get(list, i)); *at; at++) {
			if (*at == '"' || *at == '\\')
				fputc('\\', text.out);
			fputc(*at, text.out);
		}
		fputc('"', text.out);
	}
	fputc('}', text.out);
	return text_close(&text, arena);
}

const char *method_bind(struct arena *arena, const struct type *type, const json_t *value)
{
	if (!value || json_is_null(value))
		return NULL;
	const struct spelling *spelling = spelling_of(type->kind == TYPE_LIST ? type->element->kind : type->kind);
	if (spelling == &spelling_json)
		return json_text(arena, value);
	return type->kind == TYPE_LIST ? array_text(arena, value) : scalar_text(arena, value);
}

static const char *const role_names[] = {
    [ROLE_ANYONE] = "anyone",
    [ROLE_VIEWER] = "viewer",
    [ROLE_OFFICER] = "officer",
    [ROLE_DIRECTOR] = "director",
    [ROLE_ADMINISTRATOR] = "administrator",
};
enum { ROLES = sizeof role_names / sizeof *role_names };

const char *method_role_name(enum method_role role)
{
	return (size_t)role < ROLES ? role_names[role] : role_names[ROLE_ANYONE];
}

enum method_role method_role_of(const char *name)
{
	for (size_t i = 0; name && i < ROLES; i++)
		if (strcmp(role_names[i], name) == 0)
			return (enum method_role)i;
	return ROLE_ANYONE;
}
