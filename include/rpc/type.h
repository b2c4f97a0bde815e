/* Type: the shapes of parameters and results, as plain data.
 *
 * One tree of `struct type` serves four readers: the daemon checks and normalises parameters by it, the describer makes
 * JSON Schema and manual pages of it, the command line reads its options by it, and the tests check live answers
 * against it. Types that other types point at by name are those with a `name`; the rest are inlined. */
#ifndef TRACKTWO_RPC_TYPE_H
#define TRACKTWO_RPC_TYPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum type_kind {
	TYPE_TEXT,    /* min..max characters, stored NFC */
	TYPE_INTEGER, /* min..max; max 0 = as far as PostgreSQL's integer reaches */
	TYPE_NUMBER,  /* any finite JSON number */
	TYPE_BOOLEAN,
	TYPE_UUID,
	TYPE_INSTANT, /* RFC 3339 with an offset; made canonical UTC */
	TYPE_DAY,     /* YYYY-MM-DD */
	TYPE_MOMENT,  /* an instant or a day */
	TYPE_ZONE,    /* an IANA time zone's name, known to the database */
	TYPE_COUNTRY, /* ISO 3166-1 alpha-2, known to the database */
	TYPE_WORKSTREAM,
	TYPE_OBJECTIVE, /* codes of the roadmap */
	TYPE_CHOICE,    /* one of `choices` */
	TYPE_SLUG,      /* lower-case words joined by hyphens, min..max characters */
	TYPE_LANGUAGE,  /* BCP 47 language tag, well-formed */
	TYPE_DURATION,  /* ISO 8601, such as PT4H or P3M; longer than nothing */
	TYPE_HOUR,      /* HH:MM, of any day */
	TYPE_RULE,      /* RFC 5545 RRULE, made canonical */
	TYPE_OBJECT,    /* `members` */
	TYPE_LIST,      /* of `element`, min..max of them */
	TYPE_MAP,       /* results only: an object whose values are of type `element` */
	TYPE_ANY,       /* results only */
};

enum type_member_flag {
	MEMBER_REQUIRED = 0,
	MEMBER_OPTIONAL = 1,
	/* Results: null is a value here. Parameters: null clears, and is kept; without the flag it means absent. */
	MEMBER_NULLABLE = 2,
	/* Parameters that are times, for people's words: what has been, so that "90d" and "friday" lie behind; and an end
	 * of a span of it, for which a month or a year stands for its first day. */
	MEMBER_PAST = 4,
	MEMBER_BOUND = 8,
};

struct type_faults;
struct type;

struct type_member {
	const char *name;
	const struct type *type;
	unsigned flags; /* enum type_member_flag */
	const char *help;
};

struct type {
	const char *name; /* in components.schemas; NULL when inlined */
	enum type_kind kind;
	const char *help;
	long min, max;              /* see the kind; max 0 = no limit */
	const char *const *choices; /* TYPE_CHOICE: NULL-terminated */
	bool line;                  /* TYPE_TEXT: one line, without a newline */
	bool unique;                /* TYPE_LIST: no two equal elements */
	const struct type *element;
	const struct type_member *members;
	size_t member_count;
	/* Whose names and ids people may write for it: a noun of record.find, or "party" for a country, contact or
	 * principal. NULL: a TYPE_UUID called id, of a method that makes no record, is of the method's noun, and one called
	 * NOUN_id of that noun. */
	const char *refers;
	/* TYPE_OBJECT: a bare string is taken as {shorthand: string}; NULL when there is no short form. */
	const char *shorthand;
	/* TYPE_OBJECT: what no single member shows, such as "one of these two". Called after the members were checked, also
	 * when some of them are wrong, so that all faults are told at once: it must tolerate members of any type. Reports
	 * by type_fault(); may normalise `object`. */
	void (*check)(json_t *object, const char *path, struct type_faults *faults);
};

#define TYPE_MEMBERS(...)                                                                                              \
	.members = (const struct type_member[]){__VA_ARGS__},                                                              \
	.member_count = sizeof((const struct type_member[]){__VA_ARGS__}) / sizeof(struct type_member)

/* Every fault of one value, with the path of each. */
struct type_faults {
	struct arena *arena;
	json_t *list;    /* array of {field, message}; NULL while there is none; owned by whoever made the struct */
	size_t left_out; /* faults beyond the most that the list holds */
};

/* Adds a fault. `path` as in "participants[0].contact.name"; at most 100 are kept, the rest counted in the last. */
void type_fault(struct type_faults *faults, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks `*value` against `type`, and normalises it in place: NFC, canonical instants, short forms spelt out, members
 * that are null dropped. *value may be replaced (the reference it held is released). Reports every fault; true when
 * there was none. What has been normalised passes again, and stays as it is. Reference tables (countries, zones, codes)
 * are asked by reference.h. */
bool type_check(const struct type *type, json_t **value, const char *path, struct type_faults *faults);

/* Checks a result, strictly: every member named by the type, required members present, no others. For tests. */
bool type_check_result(const struct type *type, const json_t *value, const char *path, struct type_faults *faults);

/* What a value of the type is, as a phrase for people: "a whole number from 1 to 500". In the arena, or static. */
const char *type_words(struct arena *arena, const struct type *type);

/* The smallest and the largest TYPE_INTEGER that the type allows. */
void type_range(const struct type *type, json_int_t *low, json_int_t *high);

/* The basic types, without a name of their own. */
extern const struct type type_uuid, type_instant, type_day, type_moment, type_zone, type_country, type_workstream,
    type_objective, type_boolean, type_integer, type_number, type_text, type_line, type_slug, type_language,
    type_duration, type_hour, type_rule, type_any, type_country_list, type_slug_list, type_text_list, type_uuid_list,
    type_instant_list, type_language_list, type_principal_id, type_principal_id_list, type_organization_id,
    type_engagement_id;

#endif
