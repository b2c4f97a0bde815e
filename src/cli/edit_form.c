/* Edit form: how a value is written follows from its type in the method's row. */
#include "cli/edit_form.h"

#include <stdio.h>
#include <string.h>

#include "cli/merge.h"
#include "cli/short_form.h"
#include "text/json.h"
#include "text/language.h"
#include "text/time.h"
#include "text/utf8.h"
#include "text/zone.h"

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);
	return length > tail && strcmp(name + length - tail, end) == 0;
}

/* "2026-11-20T03:30:00Z" as "2026-11-20T12:30:00+09:00"; as it is where that cannot be written exactly. */
static json_t *local_instant(const char *instant, const char *name)
{
	enum { MINUTE = 60, HOUR = 3600, SECOND_US = 1000000 };
	char text[TIME_INSTANT_SIZE], offset[8];
	struct zone zone;
	int64_t micros;
	if (!time_parse_instant(instant, &micros, NULL) || micros % SECOND_US != 0 || !zone_init(&zone, name, NULL))
		return json_string(instant);
	int64_t local_s = zone_local_of(&zone, micros / SECOND_US), ahead_s = local_s - micros / SECOND_US;
	zone_release(&zone);
	if (ahead_s % MINUTE != 0)
		return json_string(instant);
	time_format_instant(local_s * SECOND_US, text);
	int64_t size_s = ahead_s < 0 ? -ahead_s : ahead_s;
	snprintf(offset, sizeof offset, "%c%02d:%02d", ahead_s < 0 ? '-' : '+', (int)(size_s / HOUR % 24),
	         (int)(size_s % HOUR / MINUTE));
	return json_sprintf("%.*s%s", (int)strcspn(text, "Z"), text, offset);
}

void edit_form_localize(const struct method *update, json_t *flat, const char *zone)
{
	const char *key;
	json_t *value;
	void *next;
	json_object_foreach_safe(flat, next, key, value) {
		const struct type_member *member = merge_member(update, key);
		if (member && member->type->kind == TYPE_INSTANT && json_is_string(value))
			json_object_set_new(flat, key, local_instant(json_string_value(value), zone));
	}
}

static bool is_long(const struct type *type)
{
	enum { LONG = 1000 };
	return type->kind == TYPE_TEXT && !type->line && (type->max == 0 || type->max > LONG);
}

static bool is_part(const char *name)
{
	return ends_with(name, "_change") || ends_with(name, "_remove");
}

static const char *list_name(struct arena *arena, const char *name)
{
	return ends_with(name, "_add") ? arena_copy(arena, name, strlen(name) - 4) : name;
}

/* A list whose entries stand in a line each. */
static bool has_lines(const struct type *type)
{
	return type->kind == TYPE_LIST && (type->element->kind == TYPE_TEXT || type->element->kind == TYPE_OBJECT);
}

void edit_form_init(struct form *form, const struct method *update, const json_t *record)
{
	size_t count = update->params.member_count;
	struct form_field *fields = arena_alloc(form->arena, (count + 1) * sizeof *fields);
	form->field_count = 0;
	form->fields = fields;
	for (size_t i = 0; i < count; i++) {
		const struct type_member *member = &update->params.members[i];
		const char *name = list_name(form->arena, member->name);
		bool derived = strcmp(name, "id") == 0 || (strcmp(name, "name") == 0 && json_object_get(record, "names"));
		if (derived || is_part(member->name) || !json_object_get(record, name) || form_find(form, name, strlen(name)))
			continue;
		bool version = strcmp(name, "version") == 0;
		fields[form->field_count++] = (struct form_field){name, NULL, has_lines(merge_member(update, name)->type),
		                                                  is_long(member->type), version};
	}
}

static json_t *without_null(const json_t *entry)
{
	json_t *kept = json_object(), *value;
	const char *name;
	json_object_foreach((json_t *)entry, name, value)
		if (!json_is_null(value))
			json_object_set(kept, name, value);
	return kept;
}

/* One value as text; in the arena. */
static const char *value_text(struct arena *arena, const json_t *value)
{
	if (!value || json_is_null(value))
		return "";
	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_object(value))
		return json_text(arena, value);
	const char *code = json_string_value(json_object_get(value, "code"));
	json_t *kept = without_null(value);
	const char *text = code && json_object_size(kept) == 1 ? arena_strdup(arena, code) : json_text(arena, kept);
	json_decref(kept);
	return text;
}

static void write_codes(struct form *form, const char *name, const json_t *list)
{
	const char *text = "";
	for (size_t i = 0; i < json_array_size(list); i++)
		text =
		    arena_printf(form->arena, "%s%s%s", text, i ? ", " : "", value_text(form->arena, json_array_get(list, i)));
	(void)form_add(form, name, text);
}

static bool holds(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

static const char *plain_text(struct form *form, const struct type *type, const json_t *value)
{
	if (type->kind != TYPE_LIST || !json_is_array(value))
		return value_text(form->arena, value);
	const char *text = "";
	for (size_t i = 0; i < json_array_size(value); i++)
		text =
		    arena_printf(form->arena, "%s%s%s", text, i ? ", " : "", value_text(form->arena, json_array_get(value, i)));
	return text;
}

static void write_member(struct form *form, const char *name, const struct type *type, const json_t *value,
                         const json_t *theirs, bool conflict)
{
	const char *other = conflict ? plain_text(form, type, theirs) : NULL;
	struct form_entry *entry = NULL;
	if (type->kind == TYPE_LIST && has_lines(type))
		for (size_t i = 0; i < json_array_size(value); i++)
			entry = form_add(form, name, value_text(form->arena, json_array_get(value, i)));
	else if (type->kind == TYPE_LIST)
		write_codes(form, name, value);
	else
		entry = form_add(form, name, value_text(form->arena, value));
	if (!conflict)
		return;
	if (!entry && form->count > 0 && strcmp(form->entries[form->count - 1].name, name) == 0)
		entry = &form->entries[form->count - 1];
	if (entry) {
		entry->theirs = other;
	} else if ((entry = form_add(form, name, other))) {
		entry->fault =
		    say("you have emptied this, and somebody else has changed it to what stands here; empty it again, "
		        "or leave it");
	}
}

/* The entries of a list that changes by entries. */
static void write_entries(struct form *form, const char *name, const json_t *flat, const json_t *theirs,
                          const json_t *conflicts)
{
	json_t *codes = json_array(), *all = json_object(), *value;
	const char *key;
	size_t length = strlen(name);
	json_object_update(all, (json_t *)flat);
	if (conflicts)
		json_object_update_missing(all, (json_t *)theirs);
	json_object_foreach(all, key, value) {
		if (merge_list_length(key) != length || strncmp(key, name, length) != 0)
			continue;
		bool mine = json_object_get(flat, key), conflict = holds(conflicts, key);
		if (!mine && !conflict)
			continue;
		if (json_is_string(value)) {
			json_array_append(codes, value);
			continue;
		}
		struct form_entry *entry = form_add(form, name, value_text(form->arena, value));
		if (conflict && mine)
			entry->theirs = value_text(form->arena, json_object_get(theirs, key));
		else if (conflict)
			entry->fault =
			    say("you have taken this out, and somebody else has changed it; take it out again, or leave it");
	}
	write_codes(form, name, codes);
	json_decref(codes);
	json_decref(all);
}

static bool is_by_entries(const struct method *update, const char *name)
{
	return ends_with(merge_member(update, name)->name, "_add");
}

void edit_form_write(struct form *form, const struct method *update, const json_t *flat, const json_t *theirs,
                     const json_t *conflicts)
{
	for (size_t i = 0; i < form->field_count; i++) {
		const char *name = form->fields[i].name;
		if (strcmp(name, "version") == 0)
			continue;
		form_clear(form, name);
		if (is_by_entries(update, name))
			write_entries(form, name, flat, theirs, conflicts);
		else
			write_member(form, name, merge_member(update, name)->type, json_object_get(flat, name),
			             json_object_get(theirs, name), holds(conflicts, name));
	}
}

/* A list's entry as it is written short: a code, a person, an organization. */
static json_t *short_entry(struct form *form, const struct type *element, const char *text, struct resolve *resolve,
                           struct err *err)
{
	struct short_form_person part;
	struct resolve_person person;
	const char *code;
	bool people = false, posts = false;
	for (size_t i = 0; i < element->member_count; i++) {
		people = people || strcmp(element->members[i].name, "principal_id") == 0;
		posts = posts || strcmp(element->members[i].name, "organization") == 0;
	}
	if (posts)
		return json_pack("{s:s}", "organization", text);
	if (element->shorthand && strcmp(element->shorthand, "code") == 0)
		return resolve_workstream(resolve, text, &code, err) ? json_pack("{s:s}", "code", code) : NULL;
	if (element->shorthand)
		return json_pack("{s:s}", element->shorthand, text);
	if (!people) {
		(void)err_set(err, say("must be an object, as JSON"));
		return NULL;
	}
	if (!short_form_person(form->arena, text, &part, err) ||
	    !resolve_person(resolve, part.who, RESOLVE_ANYBODY, &person, err))
		return NULL;
	return json_pack("{s:s,s:s*,s:s*,s:s*,s:s*}", person.principal ? "principal_id" : "contact_id", person.id, "role",
	                 part.role, "capacity", part.capacity, "attendance", part.attendance, "side", part.side);
}

static json_t *read_entry(struct form *form, const struct type *element, const char *text, struct resolve *resolve,
                          struct err *err)
{
	json_t *value;
	if (element->kind == TYPE_TEXT)
		return json_string(text);
	if (*text != '{')
		return short_entry(form, element, text, resolve, err);
	return json_parse(text, strlen(text), &value, err) ? value : NULL;
}

static json_t *read_codes(struct form *form, const char *text)
{
	json_t *list = json_array();
	char *rest = arena_strdup(form->arena, text), *word;
	while ((word = strsep(&rest, ","))) {
		word += strspn(word, " ");
		size_t length = strlen(word);
		while (length > 0 && word[length - 1] == ' ')
			word[--length] = '\0';
		if (length > 0)
			json_array_append_new(list, json_string(word));
	}
	return list;
}

static json_t *read_value(struct form *form, const struct type *type, const char *text, struct err *err)
{
	json_t *value;
	if (type->kind == TYPE_LIST)
		return read_codes(form, text);
	if (type->kind != TYPE_INTEGER && type->kind != TYPE_NUMBER && type->kind != TYPE_BOOLEAN &&
	    type->kind != TYPE_OBJECT && type->kind != TYPE_MAP)
		return json_string(type->kind == TYPE_CHOICE ? short_form_choice(text) : text);
	if (json_parse(text, strlen(text), &value, NULL))
		return value;
	(void)err_set(err, say("must be %s"),
	              type->kind == TYPE_OBJECT ? say("an object, as JSON") : type_words(form->arena, type));
	return NULL;
}

/* Puts one entry of the form into the flat record. */
static bool read_into(struct form *form, const struct method *update, struct resolve *resolve, json_t *flat,
                      const struct form_entry *entry, struct err *err)
{
	const struct type *type = merge_member(update, entry->name)->type;
	bool by_entries = is_by_entries(update, entry->name);
	if (!has_lines(type)) {
		json_t *value = read_value(form, type, entry->value, err);
		for (size_t i = 0; by_entries && i < json_array_size(value); i++) {
			const char *code;
			if (!resolve_country(resolve, json_string_value(json_array_get(value, i)), &code, err)) {
				json_decref(value);
				return false;
			}
			json_object_set_new(flat, arena_printf(form->arena, "%s/%s", entry->name, code), json_string(code));
		}
		if (value && !by_entries)
			json_object_set(flat, entry->name, value);
		json_decref(value);
		return value != NULL;
	}
	json_t *value = read_entry(form, type->element, entry->value, resolve, err);
	if (!value)
		return false;
	const char *key = merge_key(form->arena, entry->name, value);
	if (!by_entries) {
		if (!json_object_get(flat, entry->name))
			json_object_set_new(flat, entry->name, json_array());
		json_array_append_new(json_object_get(flat, entry->name), value);
		return true;
	}
	if (!key || json_is_string(value))
		key = arena_printf(form->arena, "%s/+%zu", entry->name, json_object_size(flat));
	json_object_set_new(flat, key, value);
	return true;
}

json_t *edit_form_read(struct form *form, const struct method *update, struct resolve *resolve)
{
	json_t *flat = json_object();
	for (size_t i = 0; i < form->field_count; i++) {
		const char *name = form->fields[i].name;
		const struct type *type = merge_member(update, name)->type;
		if (strcmp(name, "version") != 0 && !is_by_entries(update, name))
			json_object_set_new(flat, name, type->kind == TYPE_LIST ? json_array() : json_null());
	}
	for (size_t i = 0; i < form->count; i++) {
		struct form_entry *entry = &form->entries[i];
		struct err err;
		if (strcmp(entry->name, "version") == 0 || entry->fault)
			continue;
		bool right = utf8_is_text(entry->value, strlen(entry->value)) || err_set(&err, say("the text is not UTF-8"));
		if (!right || !read_into(form, update, resolve, flat, entry, &err))
			entry->fault = arena_strdup(form->arena, err.message);
	}
	if (form_faults(form) == 0)
		return flat;
	json_decref(flat);
	return NULL;
}
