/* Tests of rpc/method: the registry, and what PostgreSQL sees of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/method.h"

static const struct type choice = {.kind = TYPE_CHOICE, .choices = (const char *const[]){"a", NULL}};
static const struct type choices = {.kind = TYPE_LIST, .element = &choice};
static const struct type object = {.kind = TYPE_OBJECT};
static const struct type objects = {.kind = TYPE_LIST, .element = &object};

static const struct method rows[] = {
    {.name = "thing.make",
     .kind = METHOD_WRITE,
     METHOD_PARAMS({"id", &type_uuid, MEMBER_OPTIONAL, NULL}, {"at", &type_instant, MEMBER_REQUIRED, NULL},
                   {"days", &type_instant_list, MEMBER_OPTIONAL, NULL}, {"kinds", &choices, MEMBER_OPTIONAL, NULL},
                   {"people", &objects, MEMBER_OPTIONAL, NULL})},
    {.name = "thing.get", .kind = METHOD_READ, METHOD_NO_PARAMS},
};
static const struct type clearable = {.kind = TYPE_OBJECT,
                                      TYPE_MEMBERS({"side", &type_country, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                                                   {"role", &type_text, MEMBER_OPTIONAL, NULL})};
static const struct method change = {
    .name = "thing.change",
    .kind = METHOD_WRITE,
    .patch = true,
    METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
                  {"name", &type_text, MEMBER_OPTIONAL, NULL},
                  {"at", &type_instant, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                  {"days", &type_instant_list, MEMBER_OPTIONAL, NULL}, {"place", &clearable, MEMBER_OPTIONAL, NULL})};
static const struct method more[] = {{.name = "alpha.list", .kind = METHOD_READ, METHOD_NO_PARAMS}};
static const struct method_group first = {rows, 2}, second = {more, 1};
static const struct method_group *const groups[] = {&first, &second};

static void test_registry(void **state)
{
	(void)state;
	struct registry *registry = registry_new(groups, 2);
	assert_int_equal(registry_count(registry), 3);
	assert_string_equal(registry_at(registry, 0)->name, "alpha.list");
	assert_string_equal(registry_at(registry, 2)->name, "thing.make");
	assert_ptr_equal(registry_find(registry, "thing.get"), &rows[1]);
	assert_null(registry_find(registry, "thing"));
	assert_null(registry_find(registry, ""));
	registry_free(registry);
	registry = registry_new(groups, 0);
	assert_null(registry_find(registry, "thing.get"));
	registry_free(registry);
	registry_free(NULL);
}

static void test_sql_types(void **state)
{
	(void)state;
	static const struct {
		const struct type *type;
		const char *sql;
	} wanted[] = {
	    {&type_uuid, "uuid"},
	    {&type_instant, "timestamptz"},
	    {&type_day, "date"},
	    {&type_moment, "text"},
	    {&type_integer, "integer"},
	    {&type_number, "numeric"},
	    {&type_boolean, "boolean"},
	    {&type_text, "text"},
	    {&type_zone, "text"},
	    {&type_country, "text"},
	    {&choice, "text"},
	    {&object, "jsonb"},
	    {&objects, "jsonb"},
	    {&choices, "text[]"},
	    {&type_uuid_list, "uuid[]"},
	    {&type_text_list, "text[]"},
	    {&type_instant_list, "timestamptz[]"},
	    {&type_any, "jsonb"},
	    {&type_country_list, "text[]"},
	    {&type_language, "text"},
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		assert_string_equal(method_sql_type(wanted[i].type), wanted[i].sql);
}

static void test_statement_and_arguments(void **state)
{
	(void)state;
	struct arena arena = {0};
	assert_string_equal(method_function(&arena, &rows[0]), "thing_make");
	assert_string_equal(method_statement(&arena, &rows[0], "api_x"),
	                    "SELECT api_x.thing_make(p_caller => $1::uuid, p_request => $2::jsonb, p_id => $3::uuid, "
	                    "p_at => $4::timestamptz, p_days => $5::timestamptz[], p_kinds => $6::text[], "
	                    "p_people => $7::jsonb)::text");
	assert_string_equal(method_statement(&arena, &rows[1], "api_x"),
	                    "SELECT api_x.thing_get(p_caller => $1::uuid)::text");
	assert_string_equal(method_arguments(&arena, &rows[0]),
	                    "p_caller uuid, p_request jsonb, p_id uuid, p_at timestamp with time zone, "
	                    "p_days timestamp with time zone[], p_kinds text[], p_people jsonb");
	assert_string_equal(method_arguments(&arena, &rows[1]), "p_caller uuid");
	arena_release(&arena);
}

static void test_patch(void **state)
{
	(void)state;
	static const struct {
		const char *params, *patch;
	} wanted[] = {
	    {"{\"id\":\"019b1c00-1001-7000-8000-00000000000f\",\"version\":7}", "{}"},
	    {"{\"id\":\"019b1c00-1001-7000-8000-00000000000f\",\"version\":7,\"name\":\"n\",\"at\":null}",
	     "{\"name\":\"n\",\"at\":null}"},
	    /* In an update as in all else, null of what cannot be cleared is absence, and what is sent is normalised. */
	    {"{\"at\":\"2026-03-01T09:00:00+09:00\",\"version\":7,\"name\":null,\"days\":[],\"place\":{\"side\":null,"
	     "\"role\":null},\"id\":\"019B1C00-1001-7000-8000-00000000000F\"}",
	     "{\"at\":\"2026-03-01T00:00:00Z\",\"days\":[],\"place\":{\"side\":null}}"},
	};
	struct arena arena = {0};
	assert_string_equal(method_statement(&arena, &change, "api_x"),
	                    "SELECT api_x.thing_change(p_caller => $1::uuid, p_request => $2::jsonb, p_id => $3::uuid, "
	                    "p_version => $4::integer, p_patch => $5::jsonb)::text");
	assert_string_equal(method_arguments(&arena, &change),
	                    "p_caller uuid, p_request jsonb, p_id uuid, p_version integer, p_patch jsonb");
	assert_int_equal(method_value_count(&change), 5);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		struct type_faults faults = {.arena = &arena};
		const char *values[5] = {NULL};
		json_t *params = json_loads(wanted[i].params, 0, NULL);
		assert_true(type_check(&change.params, &params, "", &faults));
		method_values(&arena, &change, "c", "r", params, values);
		assert_string_equal(values[0], "c");
		assert_string_equal(values[1], "r");
		assert_string_equal(values[2], "019b1c00-1001-7000-8000-00000000000f");
		assert_string_equal(values[3], "7");
		json_t *patch = json_loads(values[4], 0, NULL), *expected = json_loads(wanted[i].patch, 0, NULL);
		assert_non_null(patch);
		assert_true(json_equal(patch, expected));
		json_decref(patch);
		json_decref(expected);
		json_decref(params);
	}
	arena_release(&arena);
}

static void test_values(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *values[7] = {NULL};
	json_t *params = json_loads("{\"people\":[{}],\"at\":\"2026-03-01T00:00:00Z\"}", 0, NULL);
	assert_int_equal(method_value_count(&rows[0]), 7);
	assert_int_equal(method_value_count(&rows[1]), 1);
	method_values(&arena, &rows[0], "c", "r", params, values);
	assert_null(values[2]);
	assert_string_equal(values[3], "2026-03-01T00:00:00Z");
	assert_null(values[4]);
	assert_string_equal(values[6], "[{}]");
	method_values(&arena, &rows[1], "c", "r", NULL, values);
	assert_string_equal(values[0], "c");
	json_decref(params);
	arena_release(&arena);
}

static void test_bind(void **state)
{
	(void)state;
	static const struct {
		const struct type *type;
		const char *json, *bound;
	} wanted[] = {
	    {&type_text, "\"a'b\\\"\"", "a'b\""},
	    {&type_integer, "-3", "-3"},
	    {&type_number, "0.1", "0.1"},
	    {&type_number, "1e300", "1e+300"},
	    {&type_number, "0.30000000000000004", "0.30000000000000004"},
	    {&type_number, "7", "7"},
	    {&type_boolean, "true", "true"},
	    {&type_boolean, "false", "false"},
	    {&type_text_list, "[]", "{}"},
	    {&type_text_list, "[\"a,b\",\"q\\\"\\\\\",\"NULL\",\"\"]", "{\"a,b\",\"q\\\"\\\\\",\"NULL\",\"\"}"},
	    {&type_instant_list, "[\"2026-03-01T00:00:00Z\"]", "{\"2026-03-01T00:00:00Z\"}"},
	    {&objects, "[{\"a\": [1, 2]}]", "[{\"a\":[1,2]}]"},
	    {&object, "{\"한\": null}", "{\"한\":null}"},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		json_t *value = json_loads(wanted[i].json, JSON_DECODE_ANY, NULL);
		assert_string_equal(method_bind(&arena, wanted[i].type, value), wanted[i].bound);
		json_decref(value);
	}
	assert_null(method_bind(&arena, &type_text, NULL));
	assert_null(method_bind(&arena, &type_text, json_null()));
	arena_release(&arena);
}

static void test_roles(void **state)
{
	(void)state;
	for (enum method_role role = ROLE_ANYONE; role <= ROLE_ADMINISTRATOR; role++)
		assert_int_equal(method_role_of(method_role_name(role)), role);
	assert_string_equal(method_role_name((enum method_role)77), "anyone");
	assert_int_equal(method_role_of("king"), ROLE_ANYONE);
	assert_int_equal(method_role_of(NULL), ROLE_ANYONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_registry),
	    cmocka_unit_test(test_sql_types),
	    cmocka_unit_test(test_statement_and_arguments),
	    cmocka_unit_test(test_patch),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_bind),
	    cmocka_unit_test(test_roles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
