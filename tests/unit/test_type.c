/* Tests of rpc/type: what passes and how it is normalised, and every fault with its path and message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rpc/reference.h"
#include "rpc/type.h"

static void check_pair(json_t *object, const char *path, struct type_faults *faults)
{
	(void)path;
	if (!json_object_get(object, "name"))
		type_fault(faults, "called", "the check was called");
}

static const struct type kind = {.kind = TYPE_CHOICE,
                                 .choices = (const char *const[]){"meeting", "call", "visit", NULL}};
static const struct type small = {.kind = TYPE_INTEGER, .min = 1, .max = 500};
static const struct type count = {.kind = TYPE_INTEGER};
static const struct type contact = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"name", &type_line, MEMBER_REQUIRED, NULL}, {"country", &type_country, MEMBER_OPTIONAL, NULL})};
static const struct type participant = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"contact", &contact, MEMBER_OPTIONAL, NULL}, {"role", &type_slug, MEMBER_OPTIONAL, NULL})};
static const struct type participants = {.kind = TYPE_LIST, .element = &participant, .max = 3};
static const struct type link = {.kind = TYPE_OBJECT,
                                 .shorthand = "code",
                                 TYPE_MEMBERS({"code", &type_workstream, MEMBER_REQUIRED, NULL},
                                              {"contribution", &type_text, MEMBER_OPTIONAL, NULL})};
static const struct type links = {.kind = TYPE_LIST, .element = &link, .min = 1, .unique = true};
static const struct type whole = {.kind = TYPE_OBJECT,
                                  TYPE_MEMBERS({"title", &type_line, MEMBER_OPTIONAL, NULL},
                                               {"kind", &kind, MEMBER_OPTIONAL, NULL},
                                               {"participants", &participants, MEMBER_OPTIONAL, NULL},
                                               {"workstreams", &links, MEMBER_OPTIONAL, NULL})};
static const struct type strict = {.kind = TYPE_OBJECT,
                                   .check = check_pair,
                                   TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL},
                                                {"name", &type_line, MEMBER_OPTIONAL, NULL},
                                                {"at", &type_instant, MEMBER_NULLABLE, NULL})};

static const struct type part = {.kind = TYPE_OBJECT,
                                 TYPE_MEMBERS({"id", &small, MEMBER_REQUIRED, NULL},
                                              {"side", &type_country, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                                              {"role", &type_slug, MEMBER_OPTIONAL, NULL})};
static const struct type parts = {.kind = TYPE_LIST, .element = &part};
static const struct type change = {.kind = TYPE_OBJECT,
                                   TYPE_MEMBERS({"name", &type_line, MEMBER_OPTIONAL, NULL},
                                                {"at", &type_instant, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                                                {"whole", &part, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                                                {"parts", &parts, MEMBER_OPTIONAL, NULL})};

/* Checks `text` and returns what it became, or the faults as "field: message" lines; both the arena's. */
static const char *checked(struct arena *arena, const struct type *type, const char *text, bool result)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	struct type_faults faults = {.arena = arena};
	bool right = result ? type_check_result(type, value, "", &faults) : type_check(type, &value, "", &faults);
	assert_int_equal(right, faults.list == NULL);
	const char *said = "";
	for (size_t i = 0; i < json_array_size(faults.list); i++) {
		const json_t *fault = json_array_get(faults.list, i);
		said = arena_printf(arena, "%s%s%s: %s", said, i == 0 ? "" : "\n",
		                    json_string_value(json_object_get(fault, "field")),
		                    json_string_value(json_object_get(fault, "message")));
	}
	char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (right)
		said = arena_strdup(arena, dumped);
	free(dumped);
	json_decref(value);
	json_decref(faults.list);
	return said;
}

struct example {
	const struct type *type;
	const char *text, *wanted;
};

static void try_all(const struct example *examples, size_t length, bool result)
{
	for (size_t i = 0; i < length; i++) {
		struct arena arena = {0};
		assert_string_equal(checked(&arena, examples[i].type, examples[i].text, result), examples[i].wanted);
		arena_release(&arena);
	}
}
#define TRY_ALL(examples, result) try_all(examples, sizeof(examples) / sizeof *(examples), result)

static void test_scalars_pass(void **state)
{
	(void)state;
	static const struct example examples[] = {
	    {&type_line, "\"\\u1112\\u1161\\u11ab\"", "\"한\""},
	    {&type_text, "\"a\\n\\tb\\r\"", "\"a\\n\\tb\\r\""},
	    {&type_uuid, "\"019B1C00-1001-7000-8000-00000000000F\"", "\"019b1c00-1001-7000-8000-00000000000f\""},
	    {&type_instant, "\"2026-03-01T09:00:00+09:00\"", "\"2026-03-01T00:00:00Z\""},
	    {&type_day, "\"2026-03-01\"", "\"2026-03-01\""},
	    {&type_moment, "\"2026-03-01\"", "\"2026-03-01\""},
	    {&type_moment, "\"2026-03-01t00:00:00.5z\"", "\"2026-03-01T00:00:00.500000Z\""},
	    {&type_country, "\"KP\"", "\"KP\""},
	    {&type_workstream, "\"1.2\"", "\"1.2\""},
	    {&type_objective, "\"1.2.3\"", "\"1.2.3\""},
	    {&type_zone, "\"Asia/Seoul\"", "\"Asia/Seoul\""},
	    {&type_slug, "\"track2-session\"", "\"track2-session\""},
	    {&type_language, "\"ko\"", "\"ko\""},
	    {&type_language, "\"zh-cmn-Hans-CN\"", "\"zh-cmn-Hans-CN\""},
	    {&type_language, "\"de-CH-1996-u-co-phonebk-x-a\"", "\"de-CH-1996-u-co-phonebk-x-a\""},
	    {&type_integer, "-2147483648", "-2147483648"},
	    {&small, "500", "500"},
	    {&type_number, "0.5", "0.5"},
	    {&type_boolean, "false", "false"},
	    {&type_any, "[null,{}]", "[null,{}]"},
	};
	TRY_ALL(examples, false);
}

static void test_scalars_fail(void **state)
{
	(void)state;
	static const struct example examples[] = {
	    {&type_line, "1", ": must be one line of 1 to 500 characters"},
	    {&type_line, "\"\"", ": must be 1 to 500 characters; this has 0"},
	    {&type_line, "\" \\u3000\\u00a0\"", ": must not be blank"},
	    {&type_line, "\"a\\nb\"", ": must be one line"},
	    {&type_text, "\"a\\u001bb\"", ": must not hold the control character U+001B"},
	    {&type_text, "\"a\\u0085b\"", ": must not hold the control character U+0085"},
	    {&type_uuid, "\"x\"", ": must be a UUID such as 019b1c00-1001-7000-8000-000000000001"},
	    {&type_country, "\"kp\"", ": must be in upper case: write KP in upper case"},
	    {&type_country, "\"KOR\"", ": must be the ISO 3166-1 code of a country, two letters such as KP"},
	    {&type_workstream, "\"1.\"", ": must be the code of a workstream, such as 1.2; roadmap.get lists them"},
	    {&type_objective, "\"1.2\"", ": must be the code of an objective, such as 1.2.3; roadmap.get lists them"},
	    {&kind, "\"metting\"", ": must be one of meeting, call, visit; did you mean meeting?"},
	    {&kind, "\"zzz\"", ": must be one of meeting, call, visit"},
	    {&type_slug, "\"a--b\"", ": must be lower-case words joined by hyphens, such as sanctions-relief"},
	    {&type_slug, "\"-a\"", ": must be lower-case words joined by hyphens, such as sanctions-relief"},
	    {&type_slug, "\"\"", ": must be lower-case words joined by hyphens, such as sanctions-relief"},
	    {&type_language, "\"k\"", ": must be a language tag of BCP 47, such as ko or zh-Hant"},
	    {&type_language, "\"ko-\"", ": must be a language tag of BCP 47, such as ko or zh-Hant"},
	    {&type_language, "\"ko-KR-KP\"", ": must be a language tag of BCP 47, such as ko or zh-Hant"},
	    {&type_language, "\"ko-u\"", ": must be a language tag of BCP 47, such as ko or zh-Hant"},
	    {&type_integer, "1.0", ": must be a whole number"},
	    {&type_integer, "2147483648", ": must be a whole number"},
	    {&small, "0", ": must be a whole number from 1 to 500"},
	    {&count, "-1", ": must be a whole number from 0"},
	    {&type_boolean, "\"yes\"", ": must be true or false"},
	};
	TRY_ALL(examples, false);
}

static void test_length_counts_after_nfc(void **state)
{
	(void)state;
	struct arena arena = {0};
	char text[4096] = "\"";
	for (int i = 0; i < 500; i++)
		strcat(text, "e\xCC\x81");
	strcat(text, "\"");
	assert_int_equal(strlen(checked(&arena, &type_line, text, false)), 2 * 500 + 2);
	text[strlen(text) - 1] = '\0';
	strcat(text, "x\"");
	assert_string_equal(checked(&arena, &type_line, text, false), ": must be 1 to 500 characters; this has 501");
	arena_release(&arena);
}

static void test_trees(void **state)
{
	(void)state;
	static const struct example examples[] = {
	    {&whole, "[]", ": must be an object"},
	    {&whole, "{\"title\":null,\"participants\":[{\"role\":null,\"contact\":{\"name\":\"n\",\"country\":null}}]}",
	     "{\"participants\":[{\"contact\":{\"name\":\"n\"}}]}"},
	    {&whole, "{\"workstreams\":[\"1.2\",{\"code\":\"2.1\"}]}",
	     "{\"workstreams\":[{\"code\":\"1.2\"},{\"code\":\"2.1\"}]}"},
	    {&whole, "{\"workstreams\":[\"1.2\",{\"code\":\"1.2\"}]}",
	     "workstreams[1]: is the same as workstreams[0]; give it once"},
	    {&whole, "{\"workstreams\":[]}", "workstreams: must have at least 1 element; this has 0"},
	    {&whole, "{\"participants\":[{},{},{},{}]}", "participants: must have at most 3 elements; this has 4"},
	    {&whole,
	     "{\"titel\":1,\"xyz\":null,\"participants\":[{\"contact\":{\"name\":null}},{\"contact\":3}],\"kind\":4}",
	     "titel: unknown parameter; did you mean title?\n"
	     "xyz: unknown parameter\n"
	     "kind: must be one of meeting, call, visit\n"
	     "participants[0].contact.name: is required\n"
	     "participants[1].contact: must be an object"},
	    {&links, "[\"1.2\",\"nine\"]",
	     "[1].code: must be the code of a workstream, such as 1.2; roadmap.get lists them"},
	};
	TRY_ALL(examples, false);
}

/* Of what may be cleared, null is kept; of all else it is dropped, at any depth. */
static void test_nulls_that_clear(void **state)
{
	(void)state;
	static const struct example examples[] = {
	    {&change, "{}", "{}"},
	    {&change, "{\"name\":null,\"at\":null,\"whole\":null,\"parts\":null}", "{\"at\":null,\"whole\":null}"},
	    {&change, "{\"parts\":[{\"id\":1,\"side\":null,\"role\":null},{\"id\":2}]}",
	     "{\"parts\":[{\"id\":1,\"side\":null},{\"id\":2}]}"},
	    {&change, "{\"whole\":{\"id\":null,\"side\":null},\"at\":\"\"}",
	     "at: must be an instant with an offset: write the date as YYYY-MM-DD\nwhole.id: is required"},
	};
	TRY_ALL(examples, false);
}

static void test_check_runs_beside_other_faults(void **state)
{
	(void)state;
	static const struct example examples[] = {
	    {&strict, "{\"id\":\"x\",\"at\":\"2026-03-01T00:00:00Z\"}",
	     "id: must be a UUID such as 019b1c00-1001-7000-8000-000000000001\ncalled: the check was called"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"name\":\"n\"}", "at: is required"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":\"2026-03-01T00:00:00Z\"}",
	     "called: the check was called"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":null}", "called: the check was called"},
	};
	TRY_ALL(examples, false);
}

static void test_results_are_strict(void **state)
{
	(void)state;
	static const struct type map = {.kind = TYPE_MAP, .element = &small};
	static const struct example examples[] = {
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":null}",
	     "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":null}"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\"}", "at: is required"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":null,\"x\":1}", "x: unknown member"},
	    {&strict, "{\"id\":\"019b1c00-1001-7000-8000-000000000001\",\"at\":\"2026-03-01T09:00:00+09:00\"}",
	     "at: is not in canonical form"},
	    {&strict, "{\"id\":null,\"at\":null}", "id: must be a UUID"},
	    {&link, "\"1.2\"", ": must be an object, or its code alone"},
	    {&map, "{\"a\":1,\"b\":0}", "b: must be a whole number from 1 to 500"},
	};
	TRY_ALL(examples, true);
}

static void test_faults_are_limited(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct type_faults faults = {.arena = &arena};
	for (int i = 0; i < 150; i++)
		type_fault(&faults, "x", "number %d", i);
	assert_int_equal(json_array_size(faults.list), 101);
	const json_t *last = json_array_get(faults.list, 100);
	assert_string_equal(json_string_value(json_object_get(last, "message")), "and 50 more");
	json_decref(faults.list);
	arena_release(&arena);
}

static void test_reference_decides(void **state)
{
	(void)state;
	struct err err;
	assert_true(reference_load("{\"countries\":[\"KP\"],\"zones\":[\"Asia/Seoul\"],\"workstreams\":[\"1.1\"],"
	                           "\"objectives\":[\"1.1.1\"],\"roadmap_version\":1,\"schema_version\":3,\"stamp\":\"x\"}",
	                           &err));
	static const struct example examples[] = {
	    {&type_country, "\"ZZ\"", ": must be the ISO 3166-1 code of a country; ZZ is assigned to none"},
	    {&type_country, "\"kp\"", ": must be in upper case: write KP in upper case"},
	    {&type_zone, "\"Asia/Pyongyang\"", ": must be the name of a time zone, such as Asia/Seoul"},
	    {&type_workstream, "\"1.2\"", ": must be the code of a workstream, such as 1.2; roadmap.get lists them"},
	    {&type_objective, "\"1.1.1\"", "\"1.1.1\""},
	};
	TRY_ALL(examples, false);
	reference_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scalars_pass),
	    cmocka_unit_test(test_scalars_fail),
	    cmocka_unit_test(test_length_counts_after_nfc),
	    cmocka_unit_test(test_trees),
	    cmocka_unit_test(test_nulls_that_clear),
	    cmocka_unit_test(test_check_runs_beside_other_faults),
	    cmocka_unit_test(test_results_are_strict),
	    cmocka_unit_test(test_faults_are_limited),
	    cmocka_unit_test(test_reference_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
