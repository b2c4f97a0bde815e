/* Method: one row describes a method, and the registry finds it.
 *
 * From a row come dispatch, validation, the role check, the statement's text, the OpenRPC document, the manual page and
 * the command line's verbs. Rows are plain data: they link without libpq and libevent. */
#ifndef TRACKTWO_RPC_METHOD_H
#define TRACKTWO_RPC_METHOD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "rpc/type.h"

enum method_kind {
	METHOD_READ,  /* one SQL function, STABLE or VOLATILE, that writes nothing */
	METHOD_WRITE, /* one SQL function that writes; idempotent by request_id, which every write takes and no row lists:
	               * rpc takes it out of the parameters before they are checked */
	METHOD_LOCAL, /* answered by the daemon itself, by the handler that main binds */
};

enum method_role { ROLE_ANYONE, ROLE_VIEWER, ROLE_OFFICER, ROLE_DIRECTOR, ROLE_ADMINISTRATOR };

struct method {
	const char *name; /* "noun.verb"; the SQL function is noun_verb */
	enum method_kind kind;
	enum method_role role; /* the least that may call it */
	/* A write that changes a record: its function takes p_id, p_version and p_patch jsonb, which holds exactly the
	 * other members that were sent; null stands in it where a member is MEMBER_NULLABLE, and clears. */
	bool patch;
	/* A write that may change who is known: behind its answer nobody is taken for whom they were before. */
	bool identities;
	const char *summary; /* one sentence */
	struct type params;  /* a TYPE_OBJECT without a name */
	const struct type *result;
	/* For the command line: the members of the result, or of its items, that a table shows, comma-separated; NULL: all
	 * that are no objects. */
	const char *columns;
	const char *example; /* params of an example call, JSON; NULL for none */
};

#define METHOD_PARAMS(...) .params = {.kind = TYPE_OBJECT, TYPE_MEMBERS(__VA_ARGS__)}
#define METHOD_NO_PARAMS .params = {.kind = TYPE_OBJECT}

/* One noun's rows. */
struct method_group {
	const struct method *rows;
	size_t count;
};

struct registry;

/* Indexes the groups; they must outlive the registry. Aborts on a name that stands twice: that is a fault of the
 * program, not of its user. */
struct registry *registry_new(const struct method_group *const *groups, size_t count);
void registry_free(struct registry *registry);

const struct method *registry_find(const struct registry *registry, const char *name);
size_t registry_count(const struct registry *registry);
/* In the order of their names. */
const struct method *registry_at(const struct registry *registry, size_t index);

/* "noun_verb", in the arena. */
const char *method_function(struct arena *arena, const struct method *method);

/* The PostgreSQL type that the parameter `member` of a method is bound as: "uuid", "text", "timestamptz", "date",
 * "integer", "jsonb", "text[]" … */
const char *method_sql_type(const struct type *type);

/* The statement's text: SELECT schema.noun_verb(p_caller => $1::uuid, …)::text. A write binds p_request jsonb after the
 * caller: {request_id, digest, method}. Then one parameter a member, p_<name>, in the row's order. In the arena. */
const char *method_statement(struct arena *arena, const struct method *method, const char *schema);

/* How many parameters method_statement() binds. */
size_t method_value_count(const struct method *method);

/* Fills `values` (method_value_count() of them) for a call: the caller, for a write the request, then the checked
 * params. What is made lies in the arena. */
void method_values(struct arena *arena, const struct method *method, const char *caller, const char *request,
                   const json_t *params, const char **values);

/* What PostgreSQL reads for a checked value of a parameter: NULL when it is absent (or JSON's null), an array literal
 * for lists of scalars, compact JSON for jsonb, else plain text. In the arena, or the value's own text: it lives no
 * longer than either. Numbers keep the fewest digits that read back the same. */
const char *method_bind(struct arena *arena, const struct type *type, const json_t *value);

/* The function's parameters as pg_get_function_identity_arguments prints them: "p_caller uuid, p_request jsonb, p_title
 * text, …". In the arena. */
const char *method_arguments(struct arena *arena, const struct method *method);

/* "viewer" and so on; for a number out of range, or a name of none, anyone. */
const char *method_role_name(enum method_role role);
enum method_role method_role_of(const char *name);

#endif
