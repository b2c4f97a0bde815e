/* Tests of cli: words to parameters, cells, tables and errors; no daemon takes part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "text/nearest.h"

static const struct type link = {.kind = TYPE_OBJECT,
                                 .shorthand = "code",
                                 TYPE_MEMBERS({"code", &type_workstream, MEMBER_REQUIRED, NULL},
                                              {"objective", &type_objective, MEMBER_OPTIONAL, NULL})};
static const struct type links = {.kind = TYPE_LIST, .element = &link};
static const struct type item = {
    .kind = TYPE_OBJECT, .shorthand = "text", TYPE_MEMBERS({"text", &type_text, MEMBER_REQUIRED, NULL})};
static const struct type agenda = {.kind = TYPE_LIST, .element = &item};
static const struct type about = {.kind = TYPE_OBJECT, TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_OPTIONAL, NULL})};

static const struct method log_row = {
    .name = "engagement.log",
    .kind = METHOD_WRITE,
    METHOD_PARAMS({"title", &type_line, MEMBER_REQUIRED, NULL}, {"starts_at", &type_instant, MEMBER_OPTIONAL, NULL},
                  {"countries", &type_country_list, MEMBER_OPTIONAL, NULL},
                  {"workstreams", &links, MEMBER_OPTIONAL, NULL}, {"outcomes", &type_text_list, MEMBER_OPTIONAL, NULL},
                  {"agenda", &agenda, MEMBER_OPTIONAL, NULL}, {"about", &about, MEMBER_OPTIONAL, NULL},
                  {"late", &type_boolean, MEMBER_OPTIONAL, NULL}, {"limit", &type_integer, MEMBER_OPTIONAL, NULL},
                  {"value", &type_number, MEMBER_OPTIONAL, NULL})};

enum { WORDS_MAX = 12 };

static size_t count_words(char *const *words)
{
	size_t count = 0;
	while (words[count])
		count++;
	return count;
}

static void test_params(void **state)
{
	(void)state;
	static const struct {
		char *words[WORDS_MAX];
		const char *wanted;
	} examples[] = {
	    {{NULL}, "{}"},
	    {{"--title", "A b", "--starts-at=x", NULL}, "{\"title\":\"A b\",\"starts_at\":\"x\"}"},
	    {{"--starts_at", "-5", NULL}, "{\"starts_at\":\"-5\"}"},
	    {{"--title=--json", NULL}, "{\"title\":\"--json\"}"},
	    {{"--countries", "KP, KR", "--countries", "[\"US\"]", NULL}, "{\"countries\":[\"KP\",\"KR\",\"US\"]}"},
	    {{"--workstreams", "1.2,2.1", "--workstreams", "{\"code\":\"3.1\"}", NULL},
	     "{\"workstreams\":[\"1.2\",\"2.1\",{\"code\":\"3.1\"}]}"},
	    {{"--outcomes", "a, b", "--outcomes", "[c]", NULL}, "{\"outcomes\":[\"a, b\",\"[c]\"]}"},
	    {{"--agenda", "a, b", "--agenda", "{\"text\":\"c\"}", "--agenda", "[\"d\"]", NULL},
	     "{\"agenda\":[\"a, b\",{\"text\":\"c\"},\"d\"]}"},
	    {{"--about", "{\"contact_id\":\"x\"}", NULL}, "{\"about\":{\"contact_id\":\"x\"}}"},
	    {{"--late", NULL}, "{\"late\":true}"},
	    {{"--late", "no", "--title", "x", NULL}, "{\"late\":false,\"title\":\"x\"}"},
	    {{"--late", "--title", "x", NULL}, "{\"late\":true,\"title\":\"x\"}"},
	    {{"--limit", "-3", "--value", "0.5", NULL}, "{\"limit\":-3,\"value\":0.5}"},
	    {{"--request-id", "x", NULL}, "{\"request_id\":\"x\"}"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		json_t *params, *wanted = json_loads(examples[i].wanted, 0, NULL);
		struct err err;
		assert_true(arguments_params(&log_row, examples[i].words, count_words(examples[i].words), &params, &err));
		assert_true(json_equal(params, wanted));
		json_decref(params);
		json_decref(wanted);
	}
}

static void test_params_fail(void **state)
{
	(void)state;
	static const struct {
		char *words[WORDS_MAX];
		const char *wanted;
	} examples[] = {
	    {{"--titel", "x", NULL}, "unknown option --titel; did you mean --title?"},
	    {{"--zzzzzzz=1", NULL}, "unknown option --zzzzzzz; --help lists all"},
	    {{"stray", NULL},
	     "\"stray\" belongs to no option; write --NAME before it, and quotes around values with spaces"},
	    {{"--title", NULL}, "--title needs a value; write --title=VALUE for one that begins with --"},
	    {{"--title", "a", "--title", "b", NULL}, "--title stands twice"},
	    {{"--limit", "1.5", NULL}, "--limit must be a whole number"},
	    {{"--limit", "", NULL}, "--limit must be a whole number"},
	    {{"--value", "x", NULL}, "--value must be a number"},
	    {{"--late=maybe", NULL}, "--late must be true or false"},
	    {{"--about", "x", NULL}, "--about must be an object, as JSON"},
	    {{"--about", "{", NULL}, "--about must be an object, as JSON"},
	    {{"--countries", "[1", NULL}, "--countries must be a list, each a country's code such as KP"},
	    {{"--title", "\xff", NULL}, "--title must be one line of 1 to 500 characters"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		json_t *params;
		struct err err;
		assert_false(arguments_params(&log_row, examples[i].words, count_words(examples[i].words), &params, &err));
		assert_null(params);
		assert_string_equal(err.message, examples[i].wanted);
	}
}

static void test_global_options(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct arguments arguments;
	struct err err;
	char *argv[] = {"tracktwo", "--json", "a", "--socket", "/s", "b", "--for", "9", "--table", "--help", "--flag"};
	assert_true(arguments_read(&arena, 11, argv, &arguments, &err));
	assert_true(arguments.json && arguments.table && arguments.help);
	assert_string_equal(arguments.socket, "/s");
	assert_int_equal(arguments.count, 5);
	const char *value;
	assert_true(arguments_take(&arguments, "for", &value, &err));
	assert_string_equal(value, "9");
	assert_true(arguments_take(&arguments, "for", &value, &err));
	assert_null(value);
	assert_true(arguments_take_flag(&arguments, "flag"));
	assert_false(arguments_take_flag(&arguments, "flag"));
	assert_int_equal(arguments.count, 2);
	assert_string_equal(arguments.words[1], "b");
	char *bad[] = {"tracktwo", "--socket"};
	assert_false(arguments_read(&arena, 2, bad, &arguments, &err));
	arena_release(&arena);
}

static void test_cells(void **state)
{
	(void)state;
	static const struct {
		const char *path, *wanted;
	} examples[] = {
	    {"title", "a b  c"}, {"dialogue.title", "T"},
	    {"dialogue", "T"},   {"countries", "KP,KR"},
	    {"none", ""},        {"none.deeper", ""},
	    {"empty", ""},       {"participants", "김,李"},
	    {"late", "true"},    {"n", "3"},
	    {"share", "0.1"},    {"odd", "{\"x\":1}"},
	    {"nel", "a b"},
	};
	json_t *record =
	    json_loads("{\"title\":\"a\\tb\\r\\nc\",\"dialogue\":{\"title\":\"T\"},\"countries\":[\"KP\",\"KR\"],"
	               "\"empty\":null,\"participants\":[{\"name\":\"김\"},{\"name\":\"李\"}],\"late\":true,"
	               "\"n\":3,\"share\":0.1,\"odd\":{\"x\":1},\"nel\":\"a\\u2028b\"}",
	               0, NULL);
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		if (strcmp(examples[i].path, "nel") != 0)
			assert_string_equal(output_cell(&arena, record, examples[i].path), examples[i].wanted);
	assert_null(strstr(output_cell(&arena, record, "nel"), "\xE2\x80\xA8"));
	arena_release(&arena);
	json_decref(record);
}

static const char *printed(struct arena *arena, enum output_format format, const struct method *method,
                           const char *text)
{
	char *bytes;
	size_t length;
	json_t *result = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(result);
	FILE *out = open_memstream(&bytes, &length);
	output_result(out, format, NULL, method, result);
	fclose(out);
	const char *copy = arena_copy(arena, bytes, length);
	free(bytes);
	json_decref(result);
	return copy;
}

static void test_lines(void **state)
{
	(void)state;
	static const struct method with = {.name = "a.b", .columns = "id, names.en"};
	static const struct {
		const struct method *method;
		const char *text, *wanted;
	} examples[] = {
	    {&with, "{\"items\":[{\"id\":1,\"names\":{\"en\":\"x\"}},{\"id\":2}],\"next_cursor\":null}",
	     "id\tnames.en\n1\tx\n2\t\n"},
	    {&with, "{\"items\":[],\"next_cursor\":null}", "id\tnames.en\n"},
	    {NULL, "{\"items\":[{\"id\":1,\"o\":{},\"l\":[{}]},{\"x\":\"y\"}]}", "id\tx\n1\t\n\ty\n"},
	    {NULL, "{\"items\":[]}", ""},
	    {NULL, "{\"version\":1,\"phases\":[{\"number\":1}]}", "number\n1\n"},
	    {NULL, "{\"instants\":[\"a\",\"b\"]}", "instants\na\nb\n"},
	    {NULL, "{\"id\":\"i\",\"participants\":[{\"name\":\"n\"}]}", "key\tvalue\nid\ti\nparticipants\tn\n"},
	    {NULL, "{\"a\":[1],\"b\":[2]}", "key\tvalue\na\t1\nb\t2\n"},
	    {NULL, "true", "key\tvalue\nresult\ttrue\n"},
	    {NULL, "{\"last\":[],\"markdown\":\"# a\\n\\n- b\\u001b[2J\\n\"}", "# a\n\n- b [2J\n"},
	    {NULL, "{\"markdown\":\"a\"}", "a\n"},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_string_equal(printed(&arena, OUTPUT_TSV, examples[i].method, examples[i].text), examples[i].wanted);
	assert_string_equal(printed(&arena, OUTPUT_JSON, NULL, "{\"b\": [0.1, \"한\"], \"a\": null}"),
	                    "{\"b\":[0.1,\"한\"],\"a\":null}\n");
	arena_release(&arena);
}

static void test_table_aligns(void **state)
{
	(void)state;
	struct arena arena = {0};
	const char *text =
	    printed(&arena, OUTPUT_TABLE, NULL, "{\"items\":[{\"name\":\"ab\",\"n\":1},{\"name\":\"cde\",\"n\":2}]}");
	assert_string_equal(text, "name n\nab   1\ncde  2\n");
	/* What a result lists beside its items has a table of its own; in a pipe only the items are lines. */
	static const char two[] =
	    "{\"items\":[{\"n\":1}],\"cadences\":[{\"name\":\"x\"}],\"empty\":[],\"warnings\":[{\"a\":1}]}";
	assert_string_equal(printed(&arena, OUTPUT_TABLE, NULL, two), "n\n1\n\ncadences\nname\nx\n");
	assert_string_equal(printed(&arena, OUTPUT_TSV, NULL, two), "n\n1\n");
	arena_release(&arena);
}

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		const char *error, *text;
		int status;
	} examples[] = {
	    {"{\"code\":404,\"message\":\"no such record\"}", "tracktwo: no such record\n", CLI_NOT_FOUND},
	    {"{\"code\":409,\"message\":\"m\",\"data\":{\"candidates\":[{\"name\":\"王毅\"}]}}",
	     "tracktwo: m\n  candidate: 王毅\n", CLI_CONFLICT},
	    {"{\"code\":503,\"message\":\"m\"}", "tracktwo: m\n", CLI_OUT_OF_REACH},
	    {"{\"code\":401,\"message\":\"m\"}", "tracktwo: m\n", CLI_FAILED},
	    {"{\"code\":-32602,\"message\":\"m\",\"data\":{\"errors\":[{\"field\":\"due_at\",\"message\":\"is required\"},"
	     "{\"field\":\"participants[0].name\",\"message\":\"x\"},{\"field\":\"a_b.c\",\"message\":\"y\"},"
	     "{\"field\":\"\",\"message\":\"and 3 more\"}]}}",
	     "tracktwo: m\n  --due-at is required\n  --participants [0].name x\n  --a-b c y\n  and 3 more\n", CLI_USAGE},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		char *bytes;
		size_t length;
		FILE *out = open_memstream(&bytes, &length);
		json_t *error = json_loads(examples[i].error, 0, NULL);
		assert_int_equal(output_error(out, error), examples[i].status);
		fclose(out);
		assert_string_equal(bytes, examples[i].text);
		free(bytes);
		json_decref(error);
	}
}

static void test_nearest(void **state)
{
	(void)state;
	struct nearest nearest = {.word = "engagment"};
	nearest_offer(&nearest, "contact");
	assert_null(nearest.name);
	nearest_offer(&nearest, "engagement");
	nearest_offer(&nearest, "engagements");
	assert_string_equal(nearest.name, "engagement");
	struct nearest prefix = {.word = "org"};
	nearest_offer(&prefix, "organization");
	assert_string_equal(prefix.name, "organization");
	struct nearest swapped = {.word = "lgo"};
	nearest_offer(&swapped, "log");
	assert_string_equal(swapped.name, "log");
	struct nearest empty = {.word = ""};
	nearest_offer(&empty, "a");
	assert_null(empty.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_params), cmocka_unit_test(test_params_fail), cmocka_unit_test(test_global_options),
	    cmocka_unit_test(test_cells),  cmocka_unit_test(test_lines),       cmocka_unit_test(test_table_aligns),
	    cmocka_unit_test(test_errors), cmocka_unit_test(test_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
