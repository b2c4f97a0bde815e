/* Error: what a client is told, and what it is never told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/error.h"
#include "text/json.h"

static void every_kind_has_its_row(void **state)
{
	(void)state;
	for (int kind = 0; kind < ERROR_KINDS; kind++) {
		assert_non_null(error_rows[kind].name);
		assert_non_null(error_rows[kind].meaning);
		assert_int_not_equal(error_rows[kind].code, 0);
		/* A retry can help only where nothing about the request is wrong. */
		assert_int_equal(error_rows[kind].retryable, error_rows[kind].code == 429 || error_rows[kind].code == 503);
	}
}

static void a_message_is_quoted(void **state)
{
	struct arena arena = {0};
	json_t *error;
	(void)state;
	assert_true(json_parse(error_text(&arena, ERROR_BUSY, "say \"later\"\n", NULL),
	                       strlen(error_text(&arena, ERROR_BUSY, "say \"later\"\n", NULL)), &error, NULL));
	assert_string_equal(json_string_value(json_object_get(error, "message")), "say \"later\"\n");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), 429);
	assert_true(json_is_true(json_object_get(json_object_get(error, "data"), "retryable")));
	json_decref(error);
	arena_release(&arena);
}

static void faults_are_listed(void **state)
{
	struct arena arena = {0};
	json_t *list = json_pack("[{s:s, s:s}]", "field", "title", "message", "is required"), *error;
	const char *text = error_text(&arena, ERROR_INVALID_PARAMS, "title is required", list);
	(void)state;
	assert_true(json_parse(text, strlen(text), &error, NULL));
	assert_true(json_equal(json_object_get(json_object_get(error, "data"), "errors"), list));
	json_decref(error);
	json_decref(list);
	arena_release(&arena);
}

static void a_refusal_is_told_from_a_record(void **state)
{
	static const char refusal[] = "{\"refused\": {\"code\": 404, \"data\": {\"code\": \"not_found\"}}}";
	static const char *const records[] = {"{\"id\": \"refused\"}", "{\"refused\"", "{\"refused\": ", "null", ""};
	struct arena arena = {0};
	(void)state;
	assert_string_equal(error_refused(&arena, refusal, strlen(refusal)),
	                    "{\"code\": 404, \"data\": {\"code\": \"not_found\"}}");
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		assert_null(error_refused(&arena, records[i], strlen(records[i])));
	arena_release(&arena);
}

static void only_our_own_states_are_known(void **state)
{
	(void)state;
	assert_int_equal(error_of_sqlstate("T2001"), ERROR_RULE);
	assert_int_equal(error_of_sqlstate("23505"), ERROR_INTERNAL);
	assert_int_equal(error_of_sqlstate(""), ERROR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_has_its_row),
	    cmocka_unit_test(a_message_is_quoted),
	    cmocka_unit_test(faults_are_listed),
	    cmocka_unit_test(a_refusal_is_told_from_a_record),
	    cmocka_unit_test(only_our_own_states_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
