/* Tests of text/json: every id comes back byte for byte, what is no JSON is never made into some, the limits hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/json.h"

/* The message stands in a block of exactly its size, so that a byte read or written too far is seen. */
struct scanned {
	struct arena arena;
	struct json_ids ids;
	char *text;
	size_t length;
	bool valid;
	struct err err;
};

static void scan_bytes(struct scanned *scanned, const char *text, size_t length)
{
	*scanned = (struct scanned){.length = length, .text = malloc(length ? length : 1)};
	assert_non_null(scanned->text);
	if (length)
		memcpy(scanned->text, text, length);
	scanned->valid = json_scan(&scanned->arena, scanned->text, length, &scanned->ids, &scanned->err);
}

static void scanned_release(struct scanned *scanned)
{
	free(scanned->text);
	arena_release(&scanned->arena);
}

/* The message's ids are `wanted`, joined by "|", "-" standing for an absent one; *parses: whether json_parse takes what
 * the scanner left. */
static void expect_ids(const char *text, bool batch, size_t count, const char *wanted, bool parses)
{
	struct scanned scanned;
	char joined[4096] = "";
	json_t *root = NULL;
	struct err err;
	scan_bytes(&scanned, text, strlen(text));
	if (!scanned.valid)
		fail_msg("%s: %s", text, scanned.err.message);
	assert_int_equal(scanned.ids.batch, batch);
	assert_int_equal(scanned.ids.count, count);
	for (size_t i = 0; i < count; i++) {
		strcat(joined, i ? "|" : "");
		strcat(joined, scanned.ids.texts[i] ? scanned.ids.texts[i] : "-");
	}
	assert_string_equal(joined, wanted);
	if (json_parse(scanned.text, scanned.length, &root, &err) != parses)
		fail_msg("%s: parse gave %d", text, !parses);
	if (root && batch)
		assert_int_equal(json_array_size(root), count);
	json_decref(root);
	scanned_release(&scanned);
}

static void one(const char *text, const char *wanted)
{
	expect_ids(text, false, 1, wanted, true);
}

static void broken(const char *text, const char *wanted)
{
	expect_ids(text, false, 1, wanted, false);
}

static void refused(const char *text, size_t length, const char *word)
{
	struct scanned scanned;
	scan_bytes(&scanned, text, length);
	if (scanned.valid)
		fail_msg("%s was accepted", text);
	assert_non_null(strstr(scanned.err.message, word));
	scanned_release(&scanned);
}

static void test_ids_of_every_type(void **state)
{
	(void)state;
	one("{\"id\":1}", "1");
	one("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"m\"}", "\"a\"");
	one("{\"id\":\"\"}", "\"\"");
	one("{\"id\":null}", "null");
	one("{\"id\":true}", "true");
	one("{\"id\":{\"id\":[1,2]},\"b\":1}", "{\"id\":[1,2]}");
	one("{\"id\":[1,{\"id\":2}]}", "[1,{\"id\":2}]");
	one("{\"id\":\"\\u0041\\\"\\\\,}\"}", "\"\\u0041\\\"\\\\,}\"");
	one("{\"id\":\"김\"}", "\"김\"");
	one("{}", "-");
	one("{\"method\":\"m\"}", "-");
}

static void test_numbers_survive(void **state)
{
	(void)state;
	static const char *const numbers[] = {"123456789012345678901234567890",
	                                      "1e400",
	                                      "-0",
	                                      "1.50",
	                                      "-1E+999",
	                                      "0",
	                                      "0.0e-0",
	                                      "9223372036854775808",
	                                      "1e-400",
	                                      "10"};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char text[200];
		snprintf(text, sizeof text, "{\"id\":%s}", numbers[i]);
		one(text, numbers[i]);
		snprintf(text, sizeof text, " { \"a\" : 5 , \"id\" :\t%s\r\n, \"b\" : [ ] } ", numbers[i]);
		one(text, numbers[i]);
		snprintf(text, sizeof text, "[{\"id\":%s},{\"id\":%s}]", numbers[i], numbers[i]);
		char joined[200];
		snprintf(joined, sizeof joined, "%s|%s", numbers[i], numbers[i]);
		expect_ids(text, true, 2, joined, true);
	}
}

static void test_what_is_overwritten(void **state)
{
	(void)state;
	struct scanned scanned;
	static const char text[] = "{\"a\":1e3,\"id\": 1e400 ,\"p\":{\"id\":77}}";
	scan_bytes(&scanned, text, sizeof text - 1);
	assert_true(scanned.valid);
	assert_memory_equal(scanned.text, "{\"a\":1e3,\"id\": 0     ,\"p\":{\"id\":77}}", sizeof text - 1);
	scanned_release(&scanned);
	static const char string[] = "{\"id\":\"12\"}";
	scan_bytes(&scanned, string, sizeof string - 1);
	assert_memory_equal(scanned.text, string, sizeof string - 1);
	scanned_release(&scanned);
}

static void test_invalid_numbers_stay_invalid(void **state)
{
	(void)state;
	static const char *const numbers[] = {"01", "1.",  "+1",  ".5",   "-",        "1e",  "1e+",    "1 2", "0x1",
	                                      "1a", "--1", "-01", "1.e3", "Infinity", "NaN", "1\"x\"", "00"};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char text[100];
		snprintf(text, sizeof text, "{\"id\":%s}", numbers[i]);
		broken(text, numbers[i]);
	}
}

static void test_only_the_top_level_counts(void **state)
{
	(void)state;
	one("{\"params\":{\"id\":5},\"id\":7}", "7");
	one("{\"params\":{\"id\":5}}", "-");
	one("{\"params\":[{\"id\":5}]}", "-");
	one("{\"a\":\"id\",\"b\":\"\\\"id\\\":9\"}", "-");
	one("{\"x\":{\"y\":{}},\"id\":\"k\",\"z\":[[]]}", "\"k\"");
	one("{\"idx\":1,\"i\":2,\"ID\":3,\"\":4,\"xid\":5,\"id \":6}", "-");
	one("\"id\"", "-");
	one("42", "-");
}

static void test_keys_spelt_with_escapes(void **state)
{
	(void)state;
	one("{\"\\u0069d\":5}", "5");
	one("{\"i\\u0064\":5}", "5");
	one("{\"\\u0069\\u0064\":1e400}", "1e400");
	one("{\"\\u0069\":5}", "-");
	one("{\"\\\\u0069d\":5}", "-");
	one("{\"\\u0049d\":5}", "-");
}

static void test_duplicates_are_refused_by_the_parse(void **state)
{
	(void)state;
	broken("{\"id\":1,\"id\":2}", "2");
	broken("{\"id\":1,\"\\u0069d\":1e400}", "1e400");
}

static void test_batches(void **state)
{
	(void)state;
	expect_ids("[]", true, 0, "", true);
	expect_ids(" [ ] ", true, 0, "", true);
	expect_ids("[{\"id\":1},{\"method\":\"x\"},{\"id\":\"b\"}]", true, 3, "1|-|\"b\"", true);
	expect_ids("[1,\"id\",null,[{\"id\":3}],{\"id\":4},true,{}]", true, 7, "-|-|-|-|4|-|-", true);
	expect_ids("[ 1 , 2 ]", true, 2, "-|-", true);
	expect_ids("[{\"a\":{\"id\":9},\"id\":1e999},-5]", true, 2, "1e999|-", true);
	expect_ids("[{\"a\":[{\"id\":9}]}]", true, 1, "-", true);
}

static void test_large_batch(void **state)
{
	(void)state;
	enum { COUNT = 1000 };
	char *text = malloc(COUNT * 20), *at = text;
	assert_non_null(text);
	*at++ = '[';
	for (int i = 0; i < COUNT; i++)
		at += sprintf(at, "%s{\"id\":%d}", i ? "," : "", i);
	*at++ = ']';
	struct scanned scanned;
	scan_bytes(&scanned, text, (size_t)(at - text));
	assert_true(scanned.valid);
	assert_int_equal(scanned.ids.count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(atoi(scanned.ids.texts[i]), i);
	scanned_release(&scanned);
	free(text);
}

static void test_garbage_is_left_to_the_parse(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  "{",
	                                  "}",
	                                  "{\"id\":1",
	                                  "{\"id\":",
	                                  "{\"id\"",
	                                  "{\"id",
	                                  "{\"id\\",
	                                  "\"",
	                                  "]",
	                                  "[",
	                                  "[}",
	                                  "[{]",
	                                  "{]",
	                                  "[1,",
	                                  "[,1]",
	                                  "{\"id\"::1}",
	                                  "{\"id\" 1}",
	                                  "{:1}",
	                                  "{\"id\":1}{\"id\":2}",
	                                  "[][{\"id\":1}]",
	                                  "[]{{\"id\":1}}",
	                                  "[1 {\"id\":2}]",
	                                  "]{\"id\":1}",
	                                  "}}}}{\"id\":1}",
	                                  "{\"id\":}",
	                                  "{\"id\":,}",
	                                  "{\"id\":1,}",
	                                  ",",
	                                  ":",
	                                  "{\"id\":1]",
	                                  "{,\"id\":1}",
	                                  "{5:\"id\":3}",
	                                  "[[]{\"id\":1e400}]",
	                                  "{\"id\":\"\\",
	                                  "{\"id\":[1}",
	                                  "{\"id\": }",
	                                  "]]][{\"id\":1}",
	                                  "[{\"id\":1}",
	                                  "{\"id\":\"\\u12\"}",
	                                  "{\"a\"\"id\":1}",
	                                  "[\"a\"{\"id\":7}",
	                                  "{\"id\":\"\\ud800\"}"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct scanned scanned;
		json_t *root;
		struct err err;
		scan_bytes(&scanned, bad[i], strlen(bad[i]));
		if (scanned.valid && json_parse(scanned.text, scanned.length, &root, &err))
			fail_msg("%s was accepted", bad[i]);
		assert_true(scanned.valid);
		scanned_release(&scanned);
	}
}

static void nested(char open, size_t depth, bool inside_string, bool valid)
{
	char text[400] = "";
	size_t at = 0;
	for (size_t i = 0; i < depth; i++) {
		text[at++] = open;
		if (open == '{' && i + 1 < depth) {
			memcpy(text + at, "\"a\":", 4);
			at += 4;
		}
	}
	if (inside_string && open == '[') {
		memcpy(text + at, "\"[[{{\"", 6);
		at += 6;
	}
	for (size_t i = 0; i < depth; i++)
		text[at++] = open == '{' ? '}' : ']';
	struct scanned scanned;
	json_t *root = NULL;
	scan_bytes(&scanned, text, at);
	assert_int_equal(scanned.valid, valid);
	if (valid)
		assert_true(json_parse(scanned.text, at, &root, &scanned.err));
	else
		assert_non_null(strstr(scanned.err.message, "64"));
	json_decref(root);
	scanned_release(&scanned);
}

static void test_depth(void **state)
{
	(void)state;
	for (size_t depth = 1; depth <= 64; depth++) {
		nested('[', depth, true, true);
		nested('{', depth, false, true);
	}
	nested('[', 65, true, false);
	nested('{', 65, false, false);
	nested('[', 150, false, false);
	char wide[1000] = "[";
	for (size_t at = 1; at < 900; at += 3)
		memcpy(wide + at, "[],", 3);
	memcpy(wide + 901, "1]", 3);
	struct scanned scanned;
	scan_bytes(&scanned, wide, strlen(wide));
	assert_true(scanned.valid);
	scanned_release(&scanned);
}

static void test_nul(void **state)
{
	(void)state;
	refused("{\"a\":\"b\0c\"}", 11, "NUL byte at offset 7");
	refused("{\"a\":\"\\\0c\"}", 11, "NUL");
	refused("\0", 1, "NUL");
	refused("{}\0", 3, "NUL");
}

static bool utf8_ok(const char *bytes, size_t length, bool inside_string)
{
	char text[32];
	size_t at = 0;
	if (inside_string)
		text[at++] = '"';
	memcpy(text + at, bytes, length);
	at += length;
	if (inside_string)
		text[at++] = '"';
	struct scanned scanned;
	scan_bytes(&scanned, text, at);
	bool valid = scanned.valid;
	if (!valid)
		assert_non_null(strstr(scanned.err.message, "UTF-8"));
	scanned_release(&scanned);
	return valid;
}

/* Table 3-7 said again in another way: a code point in range, not a surrogate, in its shortest form. */
static bool encodes_a_character(const unsigned char *bytes, size_t length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0}, masks[] = {0, 0, 0xE0, 0xF0, 0xF8};
	if ((bytes[0] & masks[length]) != leads[length])
		return false;
	uint32_t point = bytes[0] & (unsigned char)~masks[length];
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] < 0x80 || bytes[i] > 0xBF)
			return false;
		point = point << 6 | (bytes[i] & 0x3FU);
	}
	return point >= least[length] && point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
}

static void test_utf8_table(void **state)
{
	(void)state;
	static const unsigned char edges[] = {0x7E, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
	enum { EDGES = sizeof edges };
	for (unsigned lead = 0x80; lead <= 0xFF; lead++) {
		unsigned char bytes[4] = {(unsigned char)lead, 'x', 'x', 'x'};
		assert_false(utf8_ok((char *)bytes, 1, true));
		assert_false(utf8_ok((char *)bytes, 1, false));
		for (size_t second = 0; second < EDGES; second++) {
			bytes[1] = edges[second];
			assert_int_equal(utf8_ok((char *)bytes, 2, true), encodes_a_character(bytes, 2));
			assert_int_equal(utf8_ok((char *)bytes, 2, false), encodes_a_character(bytes, 2));
			for (size_t third = 0; lead >= 0xE0 && third < EDGES; third++) {
				bytes[2] = edges[third];
				assert_int_equal(utf8_ok((char *)bytes, 3, true), encodes_a_character(bytes, 3));
				for (size_t fourth = 0; lead >= 0xF0 && fourth < EDGES; fourth++) {
					bytes[3] = edges[fourth];
					assert_int_equal(utf8_ok((char *)bytes, 4, true), encodes_a_character(bytes, 4));
				}
			}
		}
	}
	refused("\"\\\xff\"", 4, "offset 2");
}

static void parse_fails(const char *text, const char *word)
{
	json_t *root;
	struct err err = {""};
	assert_false(json_parse(text, strlen(text), &root, &err));
	if (!strstr(err.message, word))
		fail_msg("%s: %s", text, err.message);
	assert_null(strstr(err.message, "secret"));
}

static void test_parse(void **state)
{
	(void)state;
	json_t *root;
	struct err err;
	assert_true(json_parse("42 ", 2, &root, &err));
	assert_int_equal(json_integer_value(root), 42);
	json_decref(root);
	assert_false(json_parse(NULL, 0, &root, &err));
	parse_fails("{\"secret\":1,\"secret\":2}", "twice");
	parse_fails("[\"secret\" \"secret\"]", "offset 18");
	parse_fails("[1] secret", "follows");
	parse_fails("[\"secret", "ends");
	parse_fails("[\"secret\\u0000\"]", "\\u0000");
	parse_fails("{\"secret\\u0000\":1}", "\\u0000");
	parse_fails("[1e400]", "too large");
	parse_fails("secret", "invalid");
	/* An integer that no C type holds becomes a real, for the type's check to refuse. */
	assert_true(json_parse("[12345678901234567890123]", 25, &root, &err));
	assert_true(json_is_real(json_array_get(root, 0)));
	json_decref(root);
}

static void test_writing(void **state)
{
	(void)state;
	struct arena arena = {0};
	json_t *one_way, *other_way;
	struct err err;
	static const char a[] = "{\"b\": [1, 2.5], \"a\": {\"z\": null, \"y\": \"\\uAE40\\n\"}}";
	static const char b[] = "{\"a\":{\"y\":\"김\\u000a\",\"z\":null},\"b\":[1,2.5]}";
	assert_true(json_parse(a, sizeof a - 1, &one_way, &err));
	assert_true(json_parse(b, sizeof b - 1, &other_way, &err));
	assert_string_equal(json_canonical(&arena, one_way), "{\"a\":{\"y\":\"김\\n\",\"z\":null},\"b\":[1,2.5]}");
	assert_string_equal(json_canonical(&arena, one_way), json_canonical(&arena, other_way));
	assert_string_equal(json_text(&arena, one_way), "{\"b\":[1,2.5],\"a\":{\"z\":null,\"y\":\"김\\n\"}}");
	json_decref(one_way);
	json_decref(other_way);
	assert_string_equal(json_canonical(&arena, json_null()), "null");
	assert_string_equal(json_quote(&arena, "a\"b\\c\n\x01 김"), "\"a\\\"b\\\\c\\n\\u0001 김\"");
	assert_string_equal(json_quote(&arena, ""), "\"\"");
	assert_string_equal(json_quote(&arena, "\xff"), "\"?\"");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ids_of_every_type),
	    cmocka_unit_test(test_numbers_survive),
	    cmocka_unit_test(test_what_is_overwritten),
	    cmocka_unit_test(test_invalid_numbers_stay_invalid),
	    cmocka_unit_test(test_only_the_top_level_counts),
	    cmocka_unit_test(test_keys_spelt_with_escapes),
	    cmocka_unit_test(test_duplicates_are_refused_by_the_parse),
	    cmocka_unit_test(test_batches),
	    cmocka_unit_test(test_large_batch),
	    cmocka_unit_test(test_garbage_is_left_to_the_parse),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_utf8_table),
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_writing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
