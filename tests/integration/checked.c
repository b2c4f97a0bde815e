/* Checked: what checked.h says. */
#include "checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/methods.h"

enum { METHODS_MAX = 256, LINE_MS = 20000 };

static struct registry *registry;
static bool covered[METHODS_MAX];

static void free_registry(void)
{
	registry_free(registry);
}

const struct registry *checked_registry(void)
{
	if (!registry) {
		registry = api_registry();
		assert_true(registry_count(registry) <= METHODS_MAX);
		atexit(free_registry);
	}
	return registry;
}

json_t *json_of(const char *format, ...)
{
	json_error_t error;
	json_t *value;
	char *text;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	assert_true(length >= 0);
	for (char *at = text; *at; at++)
		if (*at == '\'')
			*at = '"';
	value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("the test's own JSON: %s, in %s", error.text, text);
	free(text);
	return value;
}

static size_t method_index(const char *name)
{
	for (size_t i = 0; i < registry_count(checked_registry()); i++)
		if (strcmp(registry_at(checked_registry(), i)->name, name) == 0)
			return i;
	fail_msg("there is no method %s", name);
	return 0;
}

void checked_value(const char *method, const json_t *value)
{
	size_t index = method_index(method);
	struct arena arena = {0};
	struct type_faults faults = {.arena = &arena};

	if (!type_check_result(registry_at(checked_registry(), index)->result, value, "result", &faults))
		fail_msg("%s answers what its row does not promise: %s", method, json_dumps(faults.list, JSON_COMPACT));
	covered[index] = true;
	arena_release(&arena);
}

bool checked_covered(const char *method)
{
	return covered[method_index(method)];
}

json_t *checked_result(struct client *client, const char *method, json_t *params)
{
	json_t *result = client_result(client, method, params);
	checked_value(method, result);
	return result;
}

json_t *checked_error(struct client *client, const char *method, json_t *params, int code, const char *data_code)
{
	json_t *error = client_error(client, method, params);

	if (at_integer(error, "code") != code || strcmp(at_string(error, "data.code"), data_code) != 0)
		fail_msg("%s: %d %s expected: %s", method, code, data_code, json_dumps(error, JSON_COMPACT));
	assert_true(strlen(at_string(error, "message")) > 0);
	assert_true(json_is_boolean(at(error, "data.retryable")));
	return error;
}

void checked_refused(struct client *client, const char *method, json_t *params, int code, const char *data_code,
                     const char *field)
{
	json_t *error = checked_error(client, method, params, code, data_code);
	if (strcmp(at_string(error, "data.field"), field) != 0)
		fail_msg("%s: field %s expected: %s", method, field, json_dumps(error, JSON_COMPACT));
	json_decref(error);
}

void checked_faults(struct client *client, const char *method, json_t *params, const char *fields)
{
	json_t *error = checked_error(client, method, params, -32602, "invalid_params");
	json_t *list = at(error, "data.errors");
	size_t wanted = 0;

	for (const char *at_field = fields; *at_field; wanted++) {
		size_t length = strcspn(at_field, " ");
		bool found = false;
		for (size_t i = 0; i < json_array_size(list); i++) {
			const char *field = at_string(json_array_get(list, i), "field");
			found = found || (strlen(field) == length && strncmp(field, at_field, length) == 0);
		}
		if (!found)
			fail_msg("%s: no fault of %.*s: %s", method, (int)length, at_field, json_dumps(error, JSON_COMPACT));
		at_field += length + (at_field[length] == ' ');
	}
	if (json_array_size(list) != wanted)
		fail_msg("%s: %zu faults expected: %s", method, wanted, json_dumps(error, JSON_COMPACT));
	json_decref(error);
}

char *checked_exchange(struct client *client, const char *line)
{
	char *answer;
	assert_true(client_send_line(client, line));
	answer = client_read_line(client, LINE_MS);
	if (!answer)
		fail_msg("no answer to %.200s", line);
	return answer;
}

long checked_rows(const struct harness *harness)
{
	return harness_count(harness, "SELECT (SELECT count(*) FROM store.engagement) + (SELECT count(*) FROM store.change)"
	                              " + (SELECT count(*) FROM store.answer) + (SELECT count(*) FROM store.contact)"
	                              " + (SELECT count(*) FROM store.organization) + (SELECT count(*) FROM store.dialogue)"
	                              " + (SELECT count(*) FROM store.reminder) + (SELECT count(*) FROM store.commitment)"
	                              " + (SELECT count(*) FROM store.note) + (SELECT count(*) FROM store.topic)"
	                              " + (SELECT count(*) FROM store.principal) + (SELECT count(*) FROM store.token)"
	                              " + (SELECT count(*) FROM store.indicator_value)"
	                              " + (SELECT count(*) FROM store.calendar)"
	                              " + (SELECT count(*) FROM store.engagement_participant)"
	                              " + (SELECT count(*) FROM store.dialogue_member)"
	                              " + (SELECT count(*) FROM store.contact_affiliation)"
	                              " + (SELECT count(*) FROM store.concern)"
	                              " + (SELECT count(*) FROM store.concern_raised)"
	                              " + (SELECT count(*) FROM store.concern_answer)"
	                              " + (SELECT count(*) FROM store.roadmap_version)"
	                              " + (SELECT count(*) FROM store.workstream)");
}

const char *checked_id(void)
{
	static char text[8][37];
	static unsigned last;
	last++;
	snprintf(text[last % 8], sizeof text[0], "019b1c00-1001-7000-8000-%012x", last);
	return text[last % 8];
}
