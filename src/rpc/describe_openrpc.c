/* Describe, OpenRPC: JSON Schema of types and the document of all methods.
 *
 * A type with a name is written out once, under components.schemas, and pointed at everywhere else; that also ends the
 * descent where types point at each other. Invariant: whatever is said of a method follows from its row. */
#include "rpc/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "rpc/error.h"

static const struct {
	const char *format, *pattern;
} strings[] = {
    [TYPE_TEXT] = {NULL, NULL},
    [TYPE_UUID] = {"uuid", NULL},
    [TYPE_INSTANT] = {"date-time", NULL},
    [TYPE_DAY] = {"date", NULL},
    [TYPE_MOMENT] = {NULL, "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].*)?$"},
    [TYPE_ZONE] = {NULL, "^[A-Za-z0-9_+/-]+$"},
    [TYPE_COUNTRY] = {NULL, "^[A-Z]{2}$"},
    [TYPE_WORKSTREAM] = {NULL, "^[0-9]+\\.[0-9]+$"},
    [TYPE_OBJECTIVE] = {NULL, "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
    [TYPE_SLUG] = {NULL, "^[a-z0-9]+(-[a-z0-9]+)*$"},
    [TYPE_LANGUAGE] = {NULL, "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
    [TYPE_DURATION] = {"duration", NULL},
    [TYPE_HOUR] = {NULL, "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    [TYPE_RULE] = {NULL, "^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,+-]+)*$"},
};

static json_t *schema_body(const struct type *type);

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void set_limits(json_t *schema, const struct type *type, const char *low, const char *high)
{
	if (type->min > 0)
		json_object_set_new(schema, low, json_integer(type->min));
	if (type->max > 0)
		json_object_set_new(schema, high, json_integer(type->max));
}

static json_t *typed(const char *name)
{
	return json_pack("{s:s}", "type", name);
}

static json_t *string_schema(const struct type *type)
{
	json_t *schema = typed("string");
	set_text(schema, "format", strings[type->kind].format);
	set_text(schema, "pattern", strings[type->kind].pattern);
	if (type->kind == TYPE_TEXT || type->kind == TYPE_SLUG)
		set_limits(schema, type, "minLength", "maxLength");
	return schema;
}

static json_t *choice_schema(const struct type *type)
{
	json_t *schema = typed("string"), *choices = json_array();
	for (const char *const *choice = type->choices; *choice; choice++)
		json_array_append_new(choices, json_string(*choice));
	json_object_set_new(schema, "enum", choices);
	return schema;
}

static json_t *integer_schema(const struct type *type)
{
	json_int_t low, high;
	type_range(type, &low, &high);
	return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", low, "maximum", high);
}

static json_t *number_schema(const struct type *type)
{
	(void)type;
	return typed("number");
}

static json_t *boolean_schema(const struct type *type)
{
	(void)type;
	return typed("boolean");
}

static json_t *any_schema(const struct type *type)
{
	(void)type;
	return json_object();
}

static json_t *list_schema(const struct type *type)
{
	json_t *schema = typed("array");
	json_object_set_new(schema, "items", describe_schema(type->element));
	set_limits(schema, type, "minItems", "maxItems");
	if (type->unique)
		json_object_set_new(schema, "uniqueItems", json_true());
	return schema;
}

static json_t *map_schema(const struct type *type)
{
	json_t *schema = typed("object");
	json_object_set_new(schema, "additionalProperties", describe_schema(type->element));
	return schema;
}

/* Draft 7 ignores what stands beside a $ref, so that a description there needs a wrapping. */
static json_t *member_schema(const struct type_member *member)
{
	json_t *schema = describe_schema(member->type);
	if (member->flags & MEMBER_NULLABLE)
		schema = json_pack("{s:[o,{s:s}]}", "anyOf", schema, "type", "null");
	else if (member->help && json_object_get(schema, "$ref"))
		schema = json_pack("{s:[o]}", "allOf", schema);
	set_text(schema, "description", member->help);
	return schema;
}

static json_t *object_schema(const struct type *type)
{
	json_t *schema = typed("object"), *properties = json_object(), *required = json_array();
	const struct type *short_type = NULL;
	for (size_t i = 0; i < type->member_count; i++) {
		const struct type_member *member = &type->members[i];
		json_object_set_new(properties, member->name, member_schema(member));
		if (!(member->flags & MEMBER_OPTIONAL))
			json_array_append_new(required, json_string(member->name));
		if (type->shorthand && strcmp(type->shorthand, member->name) == 0)
			short_type = member->type;
	}
	json_object_set_new(schema, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	json_object_set_new(schema, "additionalProperties", json_false());
	return short_type ? json_pack("{s:[o,o]}", "anyOf", describe_schema(short_type), schema) : schema;
}

static json_t *schema_body(const struct type *type)
{
	static json_t *(*const bodies[])(const struct type *) = {
	    [TYPE_CHOICE] = choice_schema,   [TYPE_INTEGER] = integer_schema, [TYPE_NUMBER] = number_schema,
	    [TYPE_BOOLEAN] = boolean_schema, [TYPE_OBJECT] = object_schema,   [TYPE_LIST] = list_schema,
	    [TYPE_MAP] = map_schema,         [TYPE_ANY] = any_schema,
	};
	json_t *schema = bodies[type->kind] ? bodies[type->kind](type) : string_schema(type);
	set_text(schema, "description", type->help);
	return schema;
}

json_t *describe_schema(const struct type *type)
{
	if (!type->name)
		return schema_body(type);
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", type->name);
}

static void collect_schemas(json_t *schemas, const struct type *type)
{
	if (type->name) {
		json_t *body = schema_body(type), *known = json_object_get(schemas, type->name);
		if (known && !json_equal(known, body)) {
			log_error("", "two different types are named %s", type->name);
			abort();
		}
		json_object_set_new(schemas, type->name, body);
		if (known)
			return;
	}
	if (type->element)
		collect_schemas(schemas, type->element);
	for (size_t i = 0; i < type->member_count; i++)
		collect_schemas(schemas, type->members[i].type);
}

/* When a method may fail in some way. */
enum {
	WHEN_NAMED = 1,  /* its caller must be known */
	WHEN_RECORD = 2, /* it names a record by its id */
	WHEN_WRITE = 4,
	WHEN_DATABASE = 8,
	WHEN_NEVER = 16,
};

/* What no method causes by itself is in the document, but with no method. */
static const unsigned when_rows[ERROR_KINDS] = {
    [ERROR_PARSE] = WHEN_NEVER,          [ERROR_INVALID_REQUEST] = WHEN_NEVER, [ERROR_METHOD_NOT_FOUND] = WHEN_NEVER,
    [ERROR_TOO_LARGE] = WHEN_NEVER,      [ERROR_UNAUTHENTICATED] = WHEN_NAMED, [ERROR_FORBIDDEN] = WHEN_NAMED,
    [ERROR_NOT_FOUND] = WHEN_RECORD,     [ERROR_STALE_VERSION] = WHEN_WRITE,   [ERROR_ID_REUSED] = WHEN_WRITE,
    [ERROR_DUPLICATE] = WHEN_WRITE,      [ERROR_CHANGED_SINCE] = WHEN_WRITE,   [ERROR_RULE] = WHEN_WRITE,
    [ERROR_UNAVAILABLE] = WHEN_DATABASE,
};

static unsigned when_of(const struct method *method)
{
	unsigned when = method->role == ROLE_ANYONE ? 0u : (unsigned)WHEN_NAMED;
	when |= method->kind == METHOD_WRITE ? (unsigned)WHEN_WRITE : 0u;
	when |= method->kind == METHOD_LOCAL ? 0u : (unsigned)WHEN_DATABASE;
	for (size_t i = 0; i < method->params.member_count; i++)
		if (method->params.members[i].type->kind == TYPE_UUID)
			when |= WHEN_RECORD;
	return when;
}

/* Several kinds may share a code, and OpenRPC wants the codes of a method's errors to differ: one object a code. */
static json_t *error_objects(void)
{
	json_t *objects = json_object();
	struct arena arena = {0};
	for (size_t i = 0; i < ERROR_KINDS; i++) {
		const struct error_row *row = &error_rows[i];
		const char *key = arena_printf(&arena, "error%d", row->code);
		json_t *known = json_object_get(objects, key);
		const char *message = json_string_value(json_object_get(known, "message"));
		message =
		    arena_printf(&arena, "%s%s%s: %s", message ? message : "", message ? " " : "", row->name, row->meaning);
		if (known)
			json_object_del(known, "data");
		else
			json_object_set_new(objects, key,
			                    json_pack("{s:i,s:s,s:{s:s,s:b}}", "code", row->code, "message", "", "data", "code",
			                              row->name, "retryable", row->retryable));
		json_object_set_new(json_object_get(objects, key), "message", json_string(message));
	}
	arena_release(&arena);
	return objects;
}

static json_t *method_errors(const struct method *method)
{
	json_t *set = json_object(), *list = json_array(), *reference;
	unsigned when = when_of(method);
	for (size_t i = 0; i < ERROR_KINDS; i++) {
		if ((when_rows[i] & when) != when_rows[i])
			continue;
		char pointer[64];
		snprintf(pointer, sizeof pointer, "#/components/errors/error%d", error_rows[i].code);
		json_object_set_new(set, pointer, json_pack("{s:s}", "$ref", pointer));
	}
	const char *key;
	json_object_foreach(set, key, reference)
		json_array_append(list, reference);
	json_decref(set);
	return list;
}

static json_t *descriptor(const char *name, const struct type *type, bool required, const char *help)
{
	json_t *object = json_pack("{s:s}", "name", name);
	set_text(object, "description", help);
	if (required)
		json_object_set_new(object, "required", json_true());
	json_object_set_new(object, "schema", describe_schema(type));
	return object;
}

/* OpenRPC wants the required ones first. */
static json_t *method_params(const struct method *method)
{
	json_t *list = json_array();
	for (unsigned optional = 0; optional <= MEMBER_OPTIONAL; optional++) {
		for (size_t i = 0; i < method->params.member_count; i++) {
			const struct type_member *member = &method->params.members[i];
			if ((member->flags & MEMBER_OPTIONAL) == optional)
				json_array_append_new(list, descriptor(member->name, member->type, !optional, member->help));
		}
	}
	if (method->kind == METHOD_WRITE)
		json_array_append_new(list, descriptor("request_id", &type_uuid, false,
		                                       "Makes a repetition safe: the same again gets the first answer."));
	return list;
}

/* OpenRPC pairs an example's parameters with a result that no row knows; the pairing may leave the result out. */
static json_t *method_examples(const struct method *method)
{
	json_t *object = json_loads(method->example, 0, NULL), *member, *params = json_array();
	const char *name;
	json_object_foreach(object, name, member)
		json_array_append_new(params, json_pack("{s:s,s:O}", "name", name, "value", member));
	json_decref(object);
	return json_pack("[{s:s,s:o}]", "name", method->name, "params", params);
}

static json_t *method_object(const struct method *method)
{
	static const char *const kinds[] = {[METHOD_READ] = "read", [METHOD_WRITE] = "write", [METHOD_LOCAL] = "local"};
	json_t *object =
	    json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", method->name, "summary", method->summary, "paramStructure",
	              "by-name", "x-role", method_role_name(method->role), "x-kind", kinds[method->kind]);
	json_object_set_new(object, "tags", json_pack("[{s:s%}]", "name", method->name, strcspn(method->name, ".")));
	json_object_set_new(object, "params", method_params(method));
	json_object_set_new(object, "result", descriptor("result", method->result, true, method->result->help));
	json_object_set_new(object, "errors", method_errors(method));
	if (method->example)
		json_object_set_new(object, "examples", method_examples(method));
	return object;
}

json_t *describe_openrpc(const struct registry *registry, const char *version)
{
	json_t *methods = json_array(), *schemas = json_object();
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		json_array_append_new(methods, method_object(method));
		collect_schemas(schemas, &method->params);
		collect_schemas(schemas, method->result);
	}
	return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:{s:o,s:o}}", "openrpc", "1.3.2", "info", "title", "tracktwo",
	                 "version", version, "description",
	                 "The memory of stakeholder engagement along a roadmap: who met whom, for what, and what is open.",
	                 "methods", methods, "components", "schemas", schemas, "errors", error_objects());
}
