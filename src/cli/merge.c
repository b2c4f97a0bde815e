/* Merge: keys and values, three times. */
#include "cli/merge.h"

#include <string.h>

#include "text/language.h"

static const struct type_member *find_member(const struct method *update, const char *name)
{
	for (size_t i = 0; i < update->params.member_count; i++)
		if (strcmp(update->params.members[i].name, name) == 0)
			return &update->params.members[i];
	return NULL;
}

static const struct type_member *find_part(struct arena *arena, const struct method *update, const char *list,
                                           const char *part)
{
	return find_member(update, arena_printf(arena, "%s_%s", list, part));
}

const struct type_member *merge_member(const struct method *update, const char *name)
{
	struct arena arena = {0};
	const struct type_member *add = find_part(&arena, update, name, "add");
	arena_release(&arena);
	return add ? add : find_member(update, name);
}

size_t merge_list_length(const char *key)
{
	const char *slash = strchr(key, '/');
	return slash ? (size_t)(slash - key) : 0;
}

const char *merge_key(struct arena *arena, const char *list, const json_t *entry)
{
	const char *name = json_string_value(entry);
	if (!name)
		name = json_string_value(json_object_get(entry, "id"));
	if (!name)
		name = json_string_value(json_object_get(entry, "code"));
	return name ? arena_printf(arena, "%s/%s", list, name) : NULL;
}

static bool is_fixed(const char *name)
{
	return strcmp(name, "id") == 0 || strcmp(name, "version") == 0;
}

/* As it can be written and read again: without members that are null, and without blanks around a text. */
static json_t *plain(const json_t *value)
{
	static const char blank[] = " \t\r\n";
	json_t *copy, *inner;
	const char *text = json_string_value(value), *name;
	size_t i;
	if (text) {
		text += strspn(text, blank);
		size_t length = strlen(text);
		while (length > 0 && strchr(blank, text[length - 1]))
			length--;
		return length > 0 ? json_stringn(text, length) : json_null();
	}
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach((json_t *)value, i, inner)
			json_array_append_new(copy, plain(inner));
		return copy;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)value);
	copy = json_object();
	json_object_foreach((json_t *)value, name, inner)
		if (!json_is_null(inner))
			json_object_set_new(copy, name, plain(inner));
	return copy;
}

json_t *merge_flatten(const struct method *update, const json_t *record)
{
	struct arena arena = {0};
	json_t *flat = json_object(), *value;
	const char *name;
	json_object_foreach((json_t *)record, name, value) {
		/* A contact's name is one of its names. */
		bool derived = strcmp(name, "name") == 0 && json_object_get(record, "names");
		if (is_fixed(name) || derived)
			continue;
		if (!json_is_array(value) || !find_part(&arena, update, name, "add")) {
			if (find_member(update, name))
				json_object_set_new(flat, name, plain(value));
			continue;
		}
		for (size_t i = 0; i < json_array_size(value); i++) {
			json_t *entry = json_array_get(value, i);
			const char *key = merge_key(&arena, name, entry);
			if (key)
				json_object_set_new(flat, key, plain(entry));
		}
	}
	arena_release(&arena);
	return flat;
}

static bool is_same(const json_t *one, const json_t *other)
{
	bool nothing = !one || json_is_null(one), none = !other || json_is_null(other);
	return nothing || none ? nothing == none : json_equal(one, other);
}

static void merge_key_of(struct merged *merged, const char *key, const json_t *base, const json_t *mine, json_t *theirs)
{
	if (is_same(mine, theirs) || is_same(base, theirs))
		return;
	if (!is_same(base, mine)) {
		json_array_append_new(merged->conflicts, json_string(key));
		return;
	}
	json_array_append_new(merged->taken, json_string(key));
	if (theirs)
		json_object_set(merged->record, key, theirs);
	else
		json_object_del(merged->record, key);
}

void merge_three(const json_t *base, const json_t *mine, const json_t *theirs, struct merged *merged)
{
	const char *key;
	json_t *value, *keys = json_object();
	*merged = (struct merged){json_copy((json_t *)mine), json_array(), json_array()};
	json_object_update(keys, (json_t *)base);
	json_object_update(keys, (json_t *)mine);
	json_object_update(keys, (json_t *)theirs);
	json_object_foreach(keys, key, value)
		merge_key_of(merged, key, json_object_get(base, key), json_object_get(mine, key), json_object_get(theirs, key));
	json_decref(keys);
}

/* The members of a new entry that a list's type takes. */
static json_t *entry_added(const struct type *list, const json_t *entry)
{
	const struct type *element = list->element;
	if (!json_is_object(entry) || element->kind != TYPE_OBJECT)
		return json_incref((json_t *)entry);
	json_t *taken = json_object();
	for (size_t i = 0; i < element->member_count; i++) {
		json_t *value = json_object_get(entry, element->members[i].name);
		if (value && !json_is_null(value))
			json_object_set(taken, element->members[i].name, value);
	}
	return taken;
}

/* Of an entry known by its id what differs; one known by its code is replaced whole. */
static json_t *entry_changed(const struct type *list, const json_t *from, const json_t *to)
{
	const struct type *element = list->element;
	if (!json_object_get(to, "id"))
		return entry_added(list, to);
	json_t *taken = json_object();
	json_object_set(taken, "id", json_object_get(to, "id"));
	for (size_t i = 0; i < element->member_count; i++) {
		const char *name = element->members[i].name;
		json_t *value = json_object_get(to, name);
		if (!is_same(json_object_get(from, name), value))
			json_object_set_new(taken, name, value ? json_incref(value) : json_null());
	}
	return taken;
}

static void append_part(struct arena *arena, json_t *patch, const char *list, const char *part, json_t *value)
{
	const char *name = arena_printf(arena, "%s_%s", list, part);
	if (!json_object_get(patch, name))
		json_object_set_new(patch, name, json_array());
	json_array_append_new(json_object_get(patch, name), value);
}

static void patch_entry(struct arena *arena, const struct method *update, json_t *patch, const char *key,
                        const json_t *from, const json_t *to)
{
	size_t length = merge_list_length(key);
	const char *list = arena_copy(arena, key, length);
	const struct type_member *add = find_part(arena, update, list, "add");
	const struct type_member *change = find_part(arena, update, list, "change");
	if (!to)
		append_part(arena, patch, list, "remove", json_string(key + length + 1));
	else if (from && change)
		append_part(arena, patch, list, "change", entry_changed(change->type, from, to));
	else
		append_part(arena, patch, list, "add", entry_added(add->type, to));
}

static bool patch_member(const struct method *update, json_t *patch, const char *key, json_t *to, struct err *err)
{
	const struct type_member *member = find_member(update, key);
	bool empty = !to || json_is_null(to);
	if (!member)
		return true;
	if (!empty || member->flags & MEMBER_NULLABLE) {
		json_object_set_new(patch, key, empty ? json_null() : json_incref(to));
		return true;
	}
	if (member->type->kind == TYPE_LIST && member->type->min == 0) {
		json_object_set_new(patch, key, json_array());
		return true;
	}
	/* A moment gives way to days, and days to a moment. */
	if (strncmp(key, "starts_", 7) == 0 || strcmp(key, "precision") == 0)
		return true;
	return err_set(err, say("%s cannot be empty"), key);
}

json_t *merge_patch(struct arena *arena, const struct method *update, const json_t *from, const json_t *to,
                    struct err *err)
{
	json_t *patch = json_object(), *keys = json_object(), *value;
	const char *key;
	bool right = true;
	json_object_update(keys, (json_t *)from);
	json_object_update(keys, (json_t *)to);
	json_object_foreach(keys, key, value) {
		json_t *before = json_object_get(from, key), *after = json_object_get(to, key);
		if (!right || is_same(before, after))
			continue;
		if (merge_list_length(key) > 0)
			patch_entry(arena, update, patch, key, before, after);
		else
			right = patch_member(update, patch, key, after, err);
	}
	json_decref(keys);
	if (right)
		return patch;
	json_decref(patch);
	return NULL;
}
