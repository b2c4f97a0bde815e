/* Reference: one set a kind, each a JSON object whose keys are the codes.
 *
 * Invariant: the sets change together or not at all. */
#include "rpc/reference.h"

#include <jansson.h>
#include <string.h>

#include "text/json.h"

static json_t *sets[REFERENCE_KINDS];
static long roadmap_version;
static char stamp[64];
static unsigned long misses;

static const char *const members[REFERENCE_KINDS] = {
    [REFERENCE_COUNTRY] = "countries",
    [REFERENCE_ZONE] = "zones",
    [REFERENCE_WORKSTREAM] = "workstreams",
    [REFERENCE_OBJECTIVE] = "objectives",
};

/* A new set of the strings in root's array `member`; NULL with `err` when it is none. */
static json_t *read_set(const json_t *root, const char *member, struct err *err)
{
	const json_t *list = json_object_get(root, member);
	if (json_array_size(list) == 0) {
		(void)err_set(err, "reference tables: \"%s\" must be a list that is not empty", member);
		return NULL;
	}
	json_t *set = json_object(), *code;
	size_t i;
	json_array_foreach(list, i, code) {
		if (!json_is_string(code) || json_object_set_new(set, json_string_value(code), json_true()) != 0) {
			(void)err_set(err, "reference tables: element %zu of \"%s\" must be a code", i, member);
			json_decref(set);
			return NULL;
		}
	}
	return set;
}

static bool read_sets(const json_t *root, json_t *fresh[REFERENCE_KINDS], long *version, struct err *err)
{
	const json_t *number = json_object_get(root, "roadmap_version");
	const char *text = json_string_value(json_object_get(root, "stamp"));
	if (!text || strlen(text) >= sizeof stamp)
		return err_set(err, "reference tables: \"stamp\" must be a text of less than %zu bytes", sizeof stamp);
	if (!json_is_integer(number) || json_integer_value(number) < 1)
		return err_set(err, "reference tables: \"roadmap_version\" must be a number from 1");
	*version = (long)json_integer_value(number);
	for (size_t i = 0; i < REFERENCE_KINDS; i++) {
		fresh[i] = read_set(root, members[i], err);
		if (!fresh[i])
			return false;
	}
	return true;
}

static void drop(json_t *which[REFERENCE_KINDS])
{
	for (size_t i = 0; i < REFERENCE_KINDS; i++)
		json_decref(which[i]);
}

bool reference_load(const char *text, struct err *err)
{
	json_t *root, *fresh[REFERENCE_KINDS] = {NULL};
	long version = 0;
	if (!json_parse(text, strlen(text), &root, err))
		return err_prefix(err, "reference tables");
	bool read = read_sets(root, fresh, &version, err);
	if (read) {
		drop(sets);
		memcpy(sets, fresh, sizeof sets);
		roadmap_version = version;
		strcpy(stamp, json_string_value(json_object_get(root, "stamp")));
	} else {
		drop(fresh);
	}
	json_decref(root);
	return read;
}

bool reference_loaded(void)
{
	return sets[0] != NULL;
}

const char *reference_stamp(void)
{
	return reference_loaded() ? stamp : NULL;
}

void reference_release(void)
{
	drop(sets);
	memset(sets, 0, sizeof sets);
	roadmap_version = 0;
}

bool reference_has(enum reference_kind kind, const char *code)
{
	bool known = !sets[kind] || json_object_get(sets[kind], code);
	misses += !known && kind != REFERENCE_ZONE;
	return known;
}

unsigned long reference_misses(void)
{
	return misses;
}

long reference_roadmap_version(void)
{
	return roadmap_version;
}
