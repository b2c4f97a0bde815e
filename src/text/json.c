/* JSON: a scanner that walks the bytes of a message once, without recursion, and thin calls of jansson.
 *
 * The scanner knows strings, brackets, commas and colons, nothing else; whether the message is JSON is json_parse()'s
 * to say. Invariant: it changes only bytes of a valid number that stands alone between a colon and a comma or bracket,
 * and puts another valid number there, so that what was no JSON before is none afterwards.
 *
 * Errors name a place, never the text that stands there: it may be the people's data. */
#include "text/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "text/utf8.h"

_Static_assert(JSON_DEPTH_MAX <= 64, "the stack of brackets is one bit a level in 64 bits");

struct scan {
	struct arena *arena;
	struct json_ids *ids;
	char *text;
	size_t length, at;
	size_t capacity;  /* of ids->texts */
	uint64_t objects; /* bit d: what was opened at depth d is an object, not an array */
	unsigned depth;
	bool awaits_element; /* between the elements of a batch */
	bool awaits_key;     /* between the members of a request */
	enum { ID_NONE, ID_KEY, ID_COLON, ID_VALUE } id;
	size_t value; /* with ID_VALUE: where it begins */
};

/* Directly inside the array of a batch. */
static bool in_batch(const struct scan *scan)
{
	return scan->ids->batch && scan->depth == 1 && !(scan->objects & 1);
}

/* Directly inside the object of a request. */
static bool in_request(const struct scan *scan)
{
	if (scan->ids->batch)
		return scan->depth == 2 && (scan->objects & 3) == 2;
	return scan->depth == 1 && (scan->objects & 1);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool skip_character(struct scan *scan, struct err *err)
{
	const char *at = scan->text + scan->at;
	if (*at == '\0')
		return err_set(err, "a NUL byte at offset %zu", scan->at);
	size_t length = utf8_length(at, scan->length - scan->at);
	if (length == 0)
		return err_set(err, "invalid UTF-8 at offset %zu", scan->at);
	scan->at += length;
	return true;
}

/* From the opening quote to behind the closing one, or to the end of the message. */
static bool skip_string(struct scan *scan, struct err *err)
{
	scan->at++;
	while (scan->at < scan->length) {
		char c = scan->text[scan->at];
		if (c == '"') {
			scan->at++;
			return true;
		}
		/* What follows a backslash is checked like any character, unless it is the one that could mislead. */
		if (c == '\\' && scan->at + 1 < scan->length) {
			char next = scan->text[scan->at + 1];
			scan->at += next == '"' || next == '\\' ? 2 : 1;
			continue;
		}
		if (!skip_character(scan, err))
			return false;
	}
	return true;
}

static bool take_key_letter(const char **at, const char *end, char letter, const char *escaped)
{
	if (*at < end && **at == letter) {
		(*at)++;
		return true;
	}
	size_t length = strlen(escaped);
	if ((size_t)(end - *at) < length || memcmp(*at, escaped, length) != 0)
		return false;
	*at += length;
	return true;
}

/* `at` to `end`: the string with its quotes. */
static bool key_is_id(const char *at, const char *end)
{
	at++;
	return take_key_letter(&at, end, 'i', "\\u0069") && take_key_letter(&at, end, 'd', "\\u0064") && end - at == 1 &&
	       *at == '"';
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && is_digit(*at))
		at++;
	return at;
}

/* RFC 8259 section 6. */
static bool is_number(const char *at, const char *end)
{
	if (at < end && *at == '-')
		at++;
	const char *digits = at;
	at = skip_digits(at, end);
	if (at == digits || (*digits == '0' && at - digits > 1))
		return false;
	if (at < end && *at == '.') {
		digits = ++at;
		at = skip_digits(at, end);
		if (at == digits)
			return false;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		digits = at;
		at = skip_digits(at, end);
		if (at == digits)
			return false;
	}
	return at == end;
}

static void add_element(struct scan *scan)
{
	struct json_ids *ids = scan->ids;
	if (ids->count == scan->capacity) {
		scan->capacity = ids->batch ? (scan->capacity ? scan->capacity * 2 : 16) : 1;
		const char **texts = arena_alloc(scan->arena, scan->capacity * sizeof *texts);
		if (ids->count > 0)
			memcpy(texts, ids->texts, ids->count * sizeof *texts);
		ids->texts = texts;
	}
	ids->texts[ids->count++] = NULL;
}

/* A value's first byte, or any of its later ones, stands at scan->at. */
static void begin_value(struct scan *scan)
{
	if (scan->awaits_element && in_batch(scan)) {
		add_element(scan);
		scan->awaits_element = false;
	}
	if (scan->id == ID_COLON && in_request(scan)) {
		scan->id = ID_VALUE;
		scan->value = scan->at;
	}
}

/* A comma or closing bracket directly inside a request stands at scan->at. */
static void end_member(struct scan *scan)
{
	if (scan->id == ID_VALUE) {
		char *from = scan->text + scan->value, *to = scan->text + scan->at;
		while (is_space(to[-1]))
			to--;
		scan->ids->texts[scan->ids->count - 1] = arena_copy(scan->arena, from, (size_t)(to - from));
		if (is_number(from, to)) {
			memset(from, ' ', (size_t)(to - from));
			*from = '0';
		}
	}
	scan->id = ID_NONE;
}

static bool open_bracket(struct scan *scan, bool object, struct err *err)
{
	begin_value(scan);
	if (scan->depth == JSON_DEPTH_MAX)
		return err_set(err, "nested deeper than %d levels at offset %zu", JSON_DEPTH_MAX, scan->at);
	uint64_t bit = UINT64_C(1) << scan->depth++;
	scan->objects = object ? scan->objects | bit : scan->objects & ~bit;
	scan->at++;
	if (in_batch(scan))
		scan->awaits_element = true;
	if (in_request(scan)) {
		scan->awaits_key = true;
		scan->id = ID_NONE;
	}
	return true;
}

static void close_bracket(struct scan *scan)
{
	if (in_request(scan))
		end_member(scan);
	if (scan->depth > 0)
		scan->depth--;
	scan->at++;
}

static void pass_comma(struct scan *scan)
{
	if (in_batch(scan))
		scan->awaits_element = true;
	if (in_request(scan)) {
		end_member(scan);
		scan->awaits_key = true;
	}
	scan->at++;
}

static bool pass_string(struct scan *scan, struct err *err)
{
	bool key = scan->awaits_key && in_request(scan);
	size_t from = scan->at;
	if (!key)
		begin_value(scan);
	if (!skip_string(scan, err))
		return false;
	if (key) {
		scan->awaits_key = false;
		scan->id = key_is_id(scan->text + from, scan->text + scan->at) ? ID_KEY : ID_NONE;
	}
	return true;
}

static bool pass_token(struct scan *scan, struct err *err)
{
	char c = scan->text[scan->at];
	switch (c) {
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		scan->at++;
		return true;
	case '"':
		return pass_string(scan, err);
	case '{':
	case '[':
		return open_bracket(scan, c == '{', err);
	case '}':
	case ']':
		close_bracket(scan);
		return true;
	case ',':
		pass_comma(scan);
		return true;
	case ':':
		if (scan->id == ID_KEY && in_request(scan))
			scan->id = ID_COLON;
		scan->at++;
		return true;
	default:
		begin_value(scan);
		return skip_character(scan, err);
	}
}

bool json_scan(struct arena *arena, char *text, size_t length, struct json_ids *ids, struct err *err)
{
	*ids = (struct json_ids){0};
	struct scan scan = {.arena = arena, .ids = ids, .text = text, .length = length};
	size_t first = 0;
	while (first < length && is_space(text[first]))
		first++;
	ids->batch = first < length && text[first] == '[';
	if (!ids->batch)
		add_element(&scan);
	while (scan.at < length)
		if (!pass_token(&scan, err))
			return false;
	return true;
}

static const char *fault_of(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return "the JSON ends before it is complete";
	case json_error_end_of_input_expected:
		return "something follows the JSON value";
	case json_error_duplicate_key:
		return "a key stands twice in one object";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "\\u0000 is not allowed";
	case json_error_invalid_utf8:
		return "invalid UTF-8";
	case json_error_numeric_overflow:
		return "a number is too large";
	case json_error_stack_overflow:
		return "nested too deeply";
	case json_error_out_of_memory:
		return "out of memory";
	default:
		return "invalid JSON";
	}
}

bool json_parse(const char *text, size_t length, json_t **root, struct err *err)
{
	json_error_t error;
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	*root = json_loadb(text ? text : "", length, flags, &error);
	/* An integer that no C type holds is JSON all the same: read as a real, it is refused where an integer is wanted.
	 */
	if (!*root && json_error_code(&error) == json_error_numeric_overflow)
		*root = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
	if (*root)
		return true;
	return err_set(err, "%s, at offset %d", fault_of(json_error_code(&error)), error.position);
}

static const char *dump(struct arena *arena, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text) {
		log_error("", "out of memory, or a JSON value that contains itself");
		abort();
	}
	const char *copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

const char *json_canonical(struct arena *arena, const json_t *value)
{
	return dump(arena, value, JSON_SORT_KEYS);
}

const char *json_text(struct arena *arena, const json_t *value)
{
	return dump(arena, value, 0);
}

const char *json_quote(struct arena *arena, const char *utf8)
{
	json_t *string = json_string(utf8);
	if (!string)
		return "\"?\"";
	const char *text = dump(arena, string, 0);
	json_decref(string);
	return text;
}
