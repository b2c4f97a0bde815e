/* Type: one walk over a value and its type, for parameters and, strictly, for results.
 *
 * The walk never stops at a fault, so that a writer learns of all of them at once. Where it stands is a chain of steps
 * on the stack; text is made of it only when a fault has to be told. Invariant: a value that passes holds only members
 * that its type names, each in canonical form. */
#include "rpc/type.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"
#include "text/nearest.h"
#include "type_basic.h"

enum { FAULTS_MAX = 100 };

/* One step of the way down; `name` NULL: an element of a list. */
struct step {
	const struct step *up;
	const char *name;
	size_t index;
};

struct walk {
	struct type_faults *faults;
	bool result; /* strict: nothing is normalised, null only where a member allows it */
};

static bool walk_value(struct walk *walk, const struct type *type, json_t **value, const struct step *step);

static const char *step_path(struct arena *arena, const struct step *step)
{
	if (!step->up)
		return step->name;
	const char *above = step_path(arena, step->up);
	if (!step->name)
		return arena_printf(arena, "%s[%zu]", above, step->index);
	return *above ? arena_printf(arena, "%s.%s", above, step->name) : step->name;
}

static void set_fault(json_t *fault, const char *field, const char *message)
{
	json_object_set_new(fault, "field", json_string(field));
	json_object_set_new(fault, "message", json_string(message));
}

void type_fault(struct type_faults *faults, const char *path, const char *format, ...)
{
	if (!faults->list)
		faults->list = json_array();
	if (json_array_size(faults->list) >= FAULTS_MAX) {
		if (faults->left_out++ == 0)
			json_array_append_new(faults->list, json_object());
		set_fault(json_array_get(faults->list, FAULTS_MAX), "",
		          arena_printf(faults->arena, "and %zu more", faults->left_out));
		return;
	}
	va_list args;
	va_start(args, format);
	const char *message = arena_vprintf(faults->arena, format, args);
	va_end(args);
	json_t *fault = json_object();
	set_fault(fault, path, message);
	json_array_append_new(faults->list, fault);
}

/* Reports at `step` that the value must be something else; returns false. */
static bool fault_at(struct walk *walk, const struct step *step, const char *message)
{
	struct arena *arena = walk->faults->arena;
	type_fault(walk->faults, step_path(arena, step), "%s", message);
	return false;
}

static bool fault_kind(struct walk *walk, const struct type *type, const struct step *step)
{
	struct arena *arena = walk->faults->arena;
	return fault_at(walk, step, arena_printf(arena, "must be %s", type_words(arena, type)));
}

static void replace(json_t **value, json_t *with)
{
	json_decref(*value);
	*value = with;
}

static bool walk_string(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	if (!json_is_string(*value))
		return fault_kind(walk, type, step);
	const char *text = json_string_value(*value), *canonical = text;
	const char *fault = type_basic_check(type, walk->faults->arena, &canonical);
	if (fault)
		return fault_at(walk, step, fault);
	if (canonical == text)
		return true;
	if (walk->result)
		return fault_at(walk, step, "is not in canonical form");
	replace(value, json_string(canonical));
	return true;
}

void type_range(const struct type *type, json_int_t *low, json_int_t *high)
{
	*low = type->min;
	*high = type->max == 0 ? INT32_MAX : type->max;
}

static bool walk_integer(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	json_int_t low, high;
	type_range(type, &low, &high);
	json_int_t number = json_integer_value(*value);
	return (json_is_integer(*value) && number >= low && number <= high) || fault_kind(walk, type, step);
}

static bool walk_number(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	return json_is_number(*value) || fault_kind(walk, type, step);
}

static bool walk_boolean(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	return json_is_boolean(*value) || fault_kind(walk, type, step);
}

static bool walk_any(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	(void)walk;
	(void)type;
	(void)value;
	(void)step;
	return true;
}

static const struct type_member *find_member(const struct type *type, const char *name)
{
	for (size_t i = 0; i < type->member_count; i++)
		if (strcmp(type->members[i].name, name) == 0)
			return &type->members[i];
	return NULL;
}

static bool fault_unknown(struct walk *walk, const struct type *type, const char *name, const struct step *step)
{
	struct step member = {step, name, 0};
	struct nearest nearest = {.word = name};
	for (size_t i = 0; i < type->member_count; i++)
		nearest_offer(&nearest, type->members[i].name);
	const char *what = walk->result ? "member" : "parameter";
	struct arena *arena = walk->faults->arena;
	return fault_at(walk, &member,
	                nearest.name ? arena_printf(arena, "unknown %s; did you mean %s?", what, nearest.name)
	                             : arena_printf(arena, "unknown %s", what));
}

/* Reports members that the type does not name, and drops from parameters those that are null and could not be cleared.
 */
static bool sift_members(struct walk *walk, const struct type *type, json_t *object, const struct step *step)
{
	bool right = true;
	void *next;
	const char *name;
	json_t *member;
	json_object_foreach_safe(object, next, name, member) {
		const struct type_member *row = find_member(type, name);
		if (!row)
			right = fault_unknown(walk, type, name, step);
		else if (json_is_null(member) && !walk->result && !(row->flags & MEMBER_NULLABLE))
			json_object_del(object, name);
	}
	return right;
}

static bool walk_member(struct walk *walk, const struct type_member *row, json_t *object, const struct step *step)
{
	struct step below = {step, row->name, 0};
	json_t *member = json_object_get(object, row->name), *before = member;
	if (!member)
		return (row->flags & MEMBER_OPTIONAL) || fault_at(walk, &below, "is required");
	if (json_is_null(member) && (row->flags & MEMBER_NULLABLE))
		return true;
	json_incref(member);
	bool right = walk_value(walk, row->type, &member, &below);
	if (member != before)
		json_object_set_new(object, row->name, member);
	else
		json_decref(member);
	return right;
}

static bool walk_object(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	if (json_is_string(*value) && type->shorthand && !walk->result) {
		json_t *object = json_object();
		json_object_set(object, type->shorthand, *value);
		replace(value, object);
	}
	if (!json_is_object(*value))
		return fault_kind(walk, type, step);
	bool right = sift_members(walk, type, *value, step);
	for (size_t i = 0; i < type->member_count; i++)
		right = walk_member(walk, &type->members[i], *value, step) && right;
	if (!type->check || walk->result)
		return right;
	size_t before = json_array_size(walk->faults->list) + walk->faults->left_out;
	type->check(*value, step_path(walk->faults->arena, step), walk->faults);
	return right && json_array_size(walk->faults->list) + walk->faults->left_out == before;
}

/* A set of what was seen keeps this linear: the length of a list is the client's to choose. */
static bool elements_differ(struct walk *walk, const json_t *list, const struct step *step)
{
	bool right = true;
	struct arena *arena = walk->faults->arena;
	json_t *seen = json_object(), *element;
	size_t i;
	json_array_foreach(list, i, element) {
		const char *key = json_is_string(element) ? json_string_value(element) : json_canonical(arena, element);
		const json_t *first = json_object_get(seen, key);
		if (!first) {
			json_object_set_new(seen, key, json_integer((json_int_t)i));
			continue;
		}
		struct step at = {step, NULL, i};
		struct step other = {step, NULL, (size_t)json_integer_value(first)};
		right = fault_at(walk, &at, arena_printf(arena, "is the same as %s; give it once", step_path(arena, &other)));
	}
	json_decref(seen);
	return right;
}

static bool walk_list(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	if (!json_is_array(*value))
		return fault_kind(walk, type, step);
	size_t count = json_array_size(*value);
	struct arena *arena = walk->faults->arena;
	if (type->max != 0 && count > (size_t)type->max)
		return fault_at(walk, step,
		                arena_printf(arena, "must have at most %ld elements; this has %zu", type->max, count));
	if (count < (size_t)type->min)
		return fault_at(walk, step,
		                arena_printf(arena,
		                             type->min == 1 ? "must have at least %ld element; this has %zu"
		                                            : "must have at least %ld elements; this has %zu",
		                             type->min, count));
	bool right = true;
	for (size_t i = 0; i < count; i++) {
		struct step below = {step, NULL, i};
		json_t *before = json_array_get(*value, i), *element = json_incref(before);
		right = walk_value(walk, type->element, &element, &below) && right;
		if (element != before)
			json_array_set_new(*value, i, element);
		else
			json_decref(element);
	}
	return right && (!type->unique || elements_differ(walk, *value, step));
}

static bool walk_map(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	if (!json_is_object(*value))
		return fault_kind(walk, type, step);
	bool right = true;
	void *next;
	const char *name;
	json_t *before;
	json_object_foreach_safe(*value, next, name, before) {
		struct step below = {step, name, 0};
		json_t *member = json_incref(before);
		right = walk_value(walk, type->element, &member, &below) && right;
		if (member != before)
			json_object_set_new(*value, name, member);
		else
			json_decref(member);
	}
	return right;
}

static bool walk_value(struct walk *walk, const struct type *type, json_t **value, const struct step *step)
{
	static bool (*const walkers[])(struct walk *, const struct type *, json_t **, const struct step *) = {
	    [TYPE_INTEGER] = walk_integer, [TYPE_NUMBER] = walk_number, [TYPE_BOOLEAN] = walk_boolean,
	    [TYPE_OBJECT] = walk_object,   [TYPE_LIST] = walk_list,     [TYPE_MAP] = walk_map,
	    [TYPE_ANY] = walk_any,
	};
	if (type_basic_is_string(type->kind))
		return walk_string(walk, type, value, step);
	return walkers[type->kind](walk, type, value, step);
}

bool type_check(const struct type *type, json_t **value, const char *path, struct type_faults *faults)
{
	struct walk walk = {.faults = faults};
	struct step root = {.name = path};
	return walk_value(&walk, type, value, &root);
}

bool type_check_result(const struct type *type, const json_t *value, const char *path, struct type_faults *faults)
{
	struct walk walk = {.faults = faults, .result = true};
	struct step root = {.name = path};
	/* A strict walk changes nothing; jansson's lookups want a pointer that is not const. */
	json_t *copy = json_deep_copy(value);
	bool right = walk_value(&walk, type, &copy, &root);
	json_decref(copy);
	return right;
}

static const char *choice_words(struct arena *arena, const struct type *type)
{
	size_t size = sizeof "one of %s";
	for (const char *const *choice = type->choices; *choice; choice++)
		size += strlen(*choice) + 2;
	char *words = arena_alloc(arena, size);
	size_t length = (size_t)snprintf(words, size, "one of %s", *type->choices);
	for (const char *const *choice = type->choices + 1; *choice; choice++)
		length += (size_t)snprintf(words + length, size - length, ", %s", *choice);
	return words;
}

static const char *range_words(struct arena *arena, const struct type *type)
{
	json_int_t low, high;
	type_range(type, &low, &high);
	if (low == INT32_MIN && high == INT32_MAX)
		return "a whole number";
	if (high == INT32_MAX)
		return arena_printf(arena, "a whole number from %lld", (long long)low);
	return arena_printf(arena, "a whole number from %lld to %lld", (long long)low, (long long)high);
}

const char *type_words(struct arena *arena, const struct type *type)
{
	static const char *const words[] = {
	    [TYPE_NUMBER] = "a number",
	    [TYPE_BOOLEAN] = "true or false",
	    [TYPE_UUID] = "a UUID",
	    [TYPE_INSTANT] = "an instant such as 2026-03-01T09:00:00+09:00",
	    [TYPE_DAY] = "a day such as 2026-03-01",
	    [TYPE_MOMENT] = "an instant such as 2026-03-01T09:00:00+09:00, or a day such as 2026-03-01",
	    [TYPE_ZONE] = "a time zone such as Asia/Seoul",
	    [TYPE_COUNTRY] = "a country's code such as KP",
	    [TYPE_WORKSTREAM] = "a workstream's code such as 1.2",
	    [TYPE_OBJECTIVE] = "an objective's code such as 1.2.3",
	    [TYPE_SLUG] = "lower-case words joined by hyphens",
	    [TYPE_LANGUAGE] = "a language tag such as ko or zh-Hant",
	    [TYPE_DURATION] = "a duration such as PT4H, P7D or P3M",
	    [TYPE_HOUR] = "an hour of the day such as 07:30",
	    [TYPE_RULE] = "a recurrence rule such as FREQ=MONTHLY;BYMONTHDAY=1",
	    [TYPE_MAP] = "an object",
	    [TYPE_ANY] = "anything",
	};
	switch (type->kind) {
	case TYPE_TEXT:
		if (type->max == 0)
			return "text";
		return arena_printf(arena, "%s of %ld to %ld characters", type->line ? "one line" : "text", type->min,
		                    type->max);
	case TYPE_INTEGER:
		return range_words(arena, type);
	case TYPE_CHOICE:
		return choice_words(arena, type);
	case TYPE_LIST:
		return arena_printf(arena, "a list, each %s", type_words(arena, type->element));
	case TYPE_OBJECT:
		return type->shorthand ? arena_printf(arena, "an object, or its %s alone", type->shorthand) : "an object";
	default:
		return words[type->kind];
	}
}
