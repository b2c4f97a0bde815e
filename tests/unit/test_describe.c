/* Tests of rpc/describe: schemas, the OpenRPC document, and that no word of a row is taken for markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/describe.h"

static const struct type kind = {
    .name = "Kind", .kind = TYPE_CHOICE, .choices = (const char *const[]){"call", "visit", NULL}};
static const struct type link = {
    .name = "Link",
    .kind = TYPE_OBJECT,
    .shorthand = "code",
    TYPE_MEMBERS({"code", &type_workstream, MEMBER_REQUIRED, NULL}, {"kind", &kind, MEMBER_NULLABLE, "Which."})};
static const struct type links = {.kind = TYPE_LIST, .element = &link, .min = 1, .max = 9, .unique = true};
static const struct type record = {
    .name = "Record", .kind = TYPE_OBJECT, TYPE_MEMBERS({"links", &links, MEMBER_REQUIRED, NULL})};

static const struct method rows[] = {
    {.name = "thing.make",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Makes a *thing*, _really_.",
     METHOD_PARAMS({"note_text", &type_line, MEMBER_OPTIONAL, "#1 \\ [x]"}, {"kind", &kind, MEMBER_REQUIRED, "Which."}),
     .result = &record,
     .example = "{\"kind\": \"call\"}"},
    {.name = "thing.ping",
     .kind = METHOD_LOCAL,
     .role = ROLE_ANYONE,
     .summary = "Pings.",
     METHOD_NO_PARAMS,
     .result = &type_any},
};
static const struct method_group group = {rows, 2};
static const struct method_group *const groups[] = {&group};

static void assert_json(json_t *value, const char *wanted)
{
	json_t *right = json_loads(wanted, JSON_DECODE_ANY, NULL);
	assert_non_null(right);
	if (!json_equal(value, right)) {
		char *text = json_dumps(value, JSON_ENCODE_ANY);
		print_error("%s\n", text);
		free(text);
		fail();
	}
	json_decref(right);
}

static void assert_schema(const struct type *type, const char *wanted)
{
	json_t *schema = describe_schema(type);
	assert_json(schema, wanted);
	json_decref(schema);
}

static void test_schemas(void **state)
{
	(void)state;
	static const struct type map = {.kind = TYPE_MAP, .element = &type_boolean, .help = "Yes or no."};
	assert_schema(&type_line, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":500}");
	assert_schema(&type_uuid, "{\"type\":\"string\",\"format\":\"uuid\"}");
	assert_schema(&type_any, "{}");
	assert_schema(
	    &map, "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"},\"description\":\"Yes or no.\"}");
	assert_schema(&record, "{\"$ref\":\"#/components/schemas/Record\"}");
	assert_schema(&links, "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Link\"},\"minItems\":1,"
	                      "\"maxItems\":9,\"uniqueItems\":true}");
}

static void test_document(void **state)
{
	(void)state;
	struct registry *registry = registry_new(groups, 1);
	json_t *document = describe_openrpc(registry, "1.2.3");
	registry_free(registry);
	assert_string_equal(json_string_value(json_object_get(document, "openrpc")), "1.3.2");
	json_t *components = json_object_get(document, "components"), *schemas = json_object_get(components, "schemas");
	assert_int_equal(json_object_size(schemas), 3);
	assert_json(
	    json_object_get(schemas, "Link"),
	    "{\"anyOf\":[{\"type\":\"string\",\"pattern\":\"^[0-9]+\\\\.[0-9]+$\"},{\"type\":\"object\","
	    "\"properties\":{\"code\":{\"type\":\"string\",\"pattern\":\"^[0-9]+\\\\.[0-9]+$\"},\"kind\":{\"anyOf\":"
	    "[{\"$ref\":\"#/components/schemas/Kind\"},{\"type\":\"null\"}],\"description\":\"Which.\"}},"
	    "\"required\":[\"code\",\"kind\"],\"additionalProperties\":false}]}");
	json_t *method = json_array_get(json_object_get(document, "methods"), 0);
	assert_json(
	    json_object_get(method, "params"),
	    "[{\"name\":\"kind\",\"description\":\"Which.\",\"required\":true,\"schema\":{\"$ref\":"
	    "\"#/components/schemas/Kind\"}},{\"name\":\"note_text\",\"description\":\"#1 \\\\ [x]\",\"schema\":{\"type\":"
	    "\"string\",\"minLength\":1,\"maxLength\":500}},{\"name\":\"request_id\",\"description\":\"Makes a repetition "
	    "safe: the same again gets the first answer.\",\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}}]");
	assert_json(json_object_get(method, "examples"),
	            "[{\"name\":\"thing.make\",\"params\":[{\"name\":\"kind\",\"value\":\"call\"}]}]");
	assert_string_equal(json_string_value(json_object_get(method, "x-role")), "officer");
	assert_string_equal(json_string_value(json_object_get(method, "x-kind")), "write");
	json_decref(document);
}

/* Every $ref of a method's errors leads somewhere, and no two of one method share a code. */
static void test_errors(void **state)
{
	(void)state;
	struct registry *registry = registry_new(groups, 1);
	json_t *document = describe_openrpc(registry, "1");
	registry_free(registry);
	json_t *errors = json_object_get(json_object_get(document, "components"), "errors");
	for (size_t i = 0; i < 2; i++) {
		json_t *list = json_object_get(json_array_get(json_object_get(document, "methods"), i), "errors");
		assert_true(json_array_size(list) > 0);
		json_t *seen = json_object();
		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *pointer = json_string_value(json_object_get(json_array_get(list, k), "$ref"));
			assert_non_null(json_object_get(errors, strrchr(pointer, '/') + 1));
			assert_null(json_object_get(seen, pointer));
			json_object_set_new(seen, pointer, json_true());
		}
		assert_int_equal(json_object_get(seen, "#/components/errors/error409") != NULL, i == 0);
		json_decref(seen);
	}
	json_decref(document);
}

static void test_manual(void **state)
{
	(void)state;
	char *text;
	size_t length;
	struct registry *registry = registry_new(groups, 1);
	FILE *out = open_memstream(&text, &length);
	describe_manual(out, registry, "1.2.3");
	fclose(out);
	registry_free(registry);
	assert_int_equal(strncmp(text, "tracktwod(8) \"tracktwo 1.2.3\"\n", 30), 0);
	assert_non_null(strstr(text, "\n## thing.make\n"));
	assert_non_null(strstr(text, "Makes a \\*thing\\*, \\_really\\_"));
	assert_non_null(strstr(text, "*note\\_text*: one line of 1 to 500 characters\n\t\\#1 \\\\ \\[x]\n"));
	assert_non_null(strstr(text, "; required\n"));
	free(text);
	out = open_memstream(&text, &length);
	describe_configuration(out, "1.2\"\n.3");
	fclose(out);
	assert_int_equal(strncmp(text, "tracktwo.conf(5) \"tracktwo 1.2.3\"\n", 33), 0);
	assert_non_null(strstr(text, "*max\\_line\\_bytes*: "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_schemas),
	    cmocka_unit_test(test_document),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_manual),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
