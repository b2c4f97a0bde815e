/* Type, basic: the checks of single strings, one function a kind in one table, and the basic types themselves.
 *
 * Invariant: a string that passes is NFC and canonical, so that equal content is equal text wherever it is compared. */
#include "type_basic.h"

#include <stdint.h>
#include <string.h>

#include "base/uuid.h"
#include "rpc/reference.h"
#include "text/names.h"
#include "text/nearest.h"
#include "text/recurrence.h"
#include "text/time.h"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code point at *at, which moves on; the text is valid UTF-8. */
static uint32_t next_character(const unsigned char **at)
{
	uint32_t character = *(*at)++;
	if (character < 0x80)
		return character;
	unsigned more = character >= 0xF0 ? 3 : character >= 0xE0 ? 2 : 1;
	character &= 0x3Fu >> more;
	while (more-- > 0)
		character = character << 6 | (*(*at)++ & 0x3Fu);
	return character;
}

/* White_Space of Unicode, and the marks of no width that a paste leaves behind. */
static bool is_blank(uint32_t character)
{
	return character <= 0x20 || character == 0x85 || character == 0xA0 || character == 0x1680 ||
	       (character >= 0x2000 && character <= 0x200D) || character == 0x2028 || character == 0x2029 ||
	       character == 0x202F || character == 0x205F || character == 0x2060 || character == 0x3000 ||
	       character == 0xFEFF;
}

static bool is_newline(uint32_t character)
{
	return character == '\n' || character == '\r' || character == 0x2028 || character == 0x2029;
}

static bool is_control(uint32_t character)
{
	return (character < 0x20 && character != '\n' && character != '\r' && character != '\t') ||
	       (character >= 0x7F && character < 0xA0);
}

/* Unicode's Bidi_Control: in one line they make it read as what it is not. */
static bool is_bidi_control(uint32_t character)
{
	return character == 0x061C || character == 0x200E || character == 0x200F ||
	       (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

static const char *check_length(const struct type *type, struct arena *arena, const char *text)
{
	size_t length = names_characters(text);
	if (length >= (size_t)type->min && (type->max == 0 || length <= (size_t)type->max))
		return NULL;
	if (type->max == 0)
		return arena_printf(arena, "must be at least %ld characters; this has %zu", type->min, length);
	return arena_printf(arena, "must be %ld to %ld characters; this has %zu", type->min, type->max, length);
}

static const char *check_text(const struct type *type, struct arena *arena, const char **text)
{
	*text = names_nfc(arena, *text);
	const char *fault = check_length(type, arena, *text);
	if (fault)
		return fault;
	bool blank = true;
	const unsigned char *at = (const unsigned char *)*text;
	while (*at) {
		uint32_t character = next_character(&at);
		if (is_control(character) || (type->line && is_bidi_control(character)))
			return arena_printf(arena, "must not hold the control character U+%04X", (unsigned)character);
		if (type->line && is_newline(character))
			return "must be one line";
		blank = blank && is_blank(character);
	}
	return blank && type->min >= 1 ? "must not be blank" : NULL;
}

static const char *check_uuid(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	if (!uuid_valid(*text))
		return "must be a UUID such as 019b1c00-1001-7000-8000-000000000001";
	/* It stands for the daemon itself, and for nothing that a client could mean. */
	if (strspn(*text, "0-") == strlen(*text))
		return "must not be the nil UUID";
	if (strpbrk(*text, "ABCDEF")) {
		char *lower = arena_strdup(arena, *text);
		for (char *at = lower; *at; at++)
			*at = (char)(is_upper(*at) ? *at + ('a' - 'A') : *at);
		*text = lower;
	}
	return NULL;
}

static void replace(struct arena *arena, const char **text, const char *canonical)
{
	if (strcmp(*text, canonical) != 0)
		*text = arena_strdup(arena, canonical);
}

static const char *check_instant(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	int64_t micros;
	struct err err;
	if (!time_parse_instant(*text, &micros, &err))
		return arena_printf(arena, "must be an instant with an offset: %s", err.message);
	char canonical[TIME_INSTANT_SIZE];
	time_format_instant(micros, canonical);
	replace(arena, text, canonical);
	return NULL;
}

static const char *check_day(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	int32_t days;
	struct err err;
	if (!time_parse_day(*text, &days, &err))
		return arena_printf(arena, "must be a day: %s", err.message);
	char canonical[TIME_DAY_SIZE];
	time_format_day(days, canonical);
	replace(arena, text, canonical);
	return NULL;
}

static const char *check_moment(const struct type *type, struct arena *arena, const char **text)
{
	return strlen(*text) < TIME_DAY_SIZE ? check_day(type, arena, text) : check_instant(type, arena, text);
}

static const char *check_zone(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	(void)arena;
	size_t length = strlen(*text);
	if (length == 0 || length > 64 || !reference_has(REFERENCE_ZONE, *text))
		return "must be the name of a time zone, such as Asia/Seoul";
	return NULL;
}

static const char *check_country(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	const char *code = *text;
	static const char shape[] = "must be the ISO 3166-1 code of a country, two letters such as KP";
	if (strlen(code) != 2 || !(is_upper(code[0]) || is_lower(code[0])) || !(is_upper(code[1]) || is_lower(code[1])))
		return shape;
	char upper[3] = {(char)(code[0] & ~0x20), (char)(code[1] & ~0x20), '\0'};
	if (!reference_has(REFERENCE_COUNTRY, upper))
		return arena_printf(arena, "must be the ISO 3166-1 code of a country; %s is assigned to none", upper);
	if (strcmp(code, upper) != 0)
		return arena_printf(arena, "must be in upper case: write %s in upper case", upper);
	return NULL;
}

/* Numbers joined by dots: `dots` of them. */
static bool is_code(const char *text, unsigned dots)
{
	unsigned seen = 0;
	for (const char *at = text; *at; at++) {
		if (*at == '.' && is_digit(at[1]) && at > text)
			seen++;
		else if (!is_digit(*at))
			return false;
	}
	return seen == dots && strlen(text) <= 16;
}

static const char *check_workstream(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	(void)arena;
	if (!is_code(*text, 1) || !reference_has(REFERENCE_WORKSTREAM, *text))
		return "must be the code of a workstream, such as 1.2; roadmap.get lists them";
	return NULL;
}

static const char *check_objective(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	(void)arena;
	if (!is_code(*text, 2) || !reference_has(REFERENCE_OBJECTIVE, *text))
		return "must be the code of an objective, such as 1.2.3; roadmap.get lists them";
	return NULL;
}

static const char *check_choice(const struct type *type, struct arena *arena, const char **text)
{
	struct nearest nearest = {.word = *text};
	for (const char *const *choice = type->choices; *choice; choice++) {
		if (strcmp(*choice, *text) == 0)
			return NULL;
		nearest_offer(&nearest, *choice);
	}
	const char *words = type_words(arena, type);
	return nearest.name ? arena_printf(arena, "must be %s; did you mean %s?", words, nearest.name)
	                    : arena_printf(arena, "must be %s", words);
}

static const char *check_slug(const struct type *type, struct arena *arena, const char **text)
{
	const char *at = *text;
	for (char before = '-'; *at; before = *at++)
		if (!is_lower(*at) && !is_digit(*at) && !(*at == '-' && before != '-'))
			break;
	if (*at || at == *text || at[-1] == '-')
		return "must be lower-case words joined by hyphens, such as sanctions-relief";
	return check_length(type, arena, *text);
}

struct subtag {
	const char *start;
	size_t length;
	bool letters; /* only letters */
	bool digits;  /* only digits */
};

/* Cuts the subtag at *at off; false at the end and where a subtag is empty, over 8 characters, or holds another
 * character. */
static bool next_subtag(const char **at, struct subtag *subtag)
{
	*subtag = (struct subtag){.start = *at, .letters = true, .digits = true};
	for (; **at && **at != '-'; (*at)++) {
		bool letter = is_upper(**at) || is_lower(**at);
		if (!letter && !is_digit(**at))
			return false;
		subtag->letters = subtag->letters && letter;
		subtag->digits = subtag->digits && !letter;
		subtag->length++;
	}
	if (subtag->length == 0 || subtag->length > 8)
		return false;
	if (**at == '-')
		(*at)++;
	return true;
}

/* RFC 5646 section 2.1: where a subtag may stand, in the order of the grammar; each place may be left out. */
enum place { PLACE_EXTENDED, PLACE_SCRIPT, PLACE_REGION, PLACE_VARIANT, PLACE_SINGLETON };

static bool subtag_place(const struct subtag *subtag, enum place *place)
{
	size_t length = subtag->length;
	if (length == 1)
		*place = PLACE_SINGLETON;
	else if (length == 3 && subtag->letters)
		*place = PLACE_EXTENDED;
	else if (length == 4 && subtag->letters)
		*place = PLACE_SCRIPT;
	else if ((length == 2 && subtag->letters) || (length == 3 && subtag->digits))
		*place = PLACE_REGION;
	else if (length >= 5 || (length == 4 && is_digit(*subtag->start)))
		*place = PLACE_VARIANT;
	else
		return false;
	return true;
}

static bool is_language(const char *text)
{
	struct subtag subtag;
	const char *end = text + strlen(text);
	if (end == text || end[-1] == '-' || !next_subtag(&text, &subtag) || !subtag.letters || subtag.length < 2)
		return false;
	enum place last = PLACE_EXTENDED, place;
	while (*text) {
		bool private_use = *text == 'x' || *text == 'X';
		if (!next_subtag(&text, &subtag) || !subtag_place(&subtag, &place) || place < last)
			return false;
		if (place == last && (place == PLACE_SCRIPT || place == PLACE_REGION))
			return false;
		last = place;
		if (place != PLACE_SINGLETON)
			continue;
		/* What follows a singleton is of its own kind up to the next one. */
		size_t least = private_use ? 1 : 2, count = 0;
		while (*text && (private_use || text[1] != '-')) {
			if (!next_subtag(&text, &subtag) || subtag.length < least)
				return false;
			count++;
		}
		if (count == 0)
			return false;
	}
	return true;
}

static const char *check_language(const struct type *type, struct arena *arena, const char **text)
{
	(void)type;
	(void)arena;
	return strlen(*text) <= 64 && is_language(*text) ? NULL : "must be a language tag of BCP 47, such as ko or zh-Hant";
}

static const char *check_duration(const struct type *type, struct arena *arena, const char **text)
{
	struct err err;
	(void)type;
	return time_check_duration(*text, &err) ? NULL : arena_printf(arena, "must be a duration: %s", err.message);
}

static const char *check_hour(const struct type *type, struct arena *arena, const char **text)
{
	const char *at = *text;
	(void)type;
	(void)arena;
	bool shaped =
	    strlen(at) == 5 && is_digit(at[0]) && is_digit(at[1]) && at[2] == ':' && is_digit(at[3]) && is_digit(at[4]);
	return shaped && memcmp(at, "24", 2) < 0 && at[3] < '6' ? NULL : "must be an hour of the day from 00:00 to 23:59";
}

static const char *check_rule(const struct type *type, struct arena *arena, const char **text)
{
	struct err err;
	const char *canonical;
	(void)type;
	if (!recurrence_check(arena, *text, &canonical, &err))
		return arena_printf(arena, "must be a recurrence rule: %s", err.message);
	replace(arena, text, canonical);
	return NULL;
}

static const char *(*const checks[])(const struct type *type, struct arena *arena, const char **text) = {
    [TYPE_TEXT] = check_text,           [TYPE_UUID] = check_uuid,
    [TYPE_INSTANT] = check_instant,     [TYPE_DAY] = check_day,
    [TYPE_MOMENT] = check_moment,       [TYPE_ZONE] = check_zone,
    [TYPE_COUNTRY] = check_country,     [TYPE_WORKSTREAM] = check_workstream,
    [TYPE_OBJECTIVE] = check_objective, [TYPE_CHOICE] = check_choice,
    [TYPE_SLUG] = check_slug,           [TYPE_LANGUAGE] = check_language,
    [TYPE_DURATION] = check_duration,   [TYPE_HOUR] = check_hour,
    [TYPE_RULE] = check_rule,           [TYPE_ANY] = NULL,
};

bool type_basic_is_string(enum type_kind kind)
{
	return checks[kind] != NULL;
}

const char *type_basic_check(const struct type *type, struct arena *arena, const char **text)
{
	return checks[type->kind](type, arena, text);
}

const struct type type_uuid = {.kind = TYPE_UUID};
const struct type type_principal_id = {.kind = TYPE_UUID, .refers = "principal"};
const struct type type_organization_id = {.kind = TYPE_UUID, .refers = "organization"};
const struct type type_engagement_id = {.kind = TYPE_UUID, .refers = "engagement"};
const struct type type_instant = {.kind = TYPE_INSTANT};
const struct type type_day = {.kind = TYPE_DAY};
const struct type type_moment = {.kind = TYPE_MOMENT};
const struct type type_zone = {.kind = TYPE_ZONE};
const struct type type_country = {.kind = TYPE_COUNTRY};
const struct type type_workstream = {.kind = TYPE_WORKSTREAM};
const struct type type_objective = {.kind = TYPE_OBJECTIVE};
const struct type type_boolean = {.kind = TYPE_BOOLEAN};
const struct type type_integer = {.kind = TYPE_INTEGER, .min = INT32_MIN, .max = INT32_MAX};
const struct type type_number = {.kind = TYPE_NUMBER};
const struct type type_text = {.kind = TYPE_TEXT, .min = 1, .max = 100000};
const struct type type_line = {.kind = TYPE_TEXT, .min = 1, .max = 500, .line = true};
const struct type type_slug = {.kind = TYPE_SLUG, .min = 1, .max = 100};
const struct type type_language = {.kind = TYPE_LANGUAGE};
const struct type type_duration = {.kind = TYPE_DURATION};
const struct type type_hour = {.kind = TYPE_HOUR};
const struct type type_rule = {.kind = TYPE_RULE};
const struct type type_any = {.kind = TYPE_ANY};
const struct type type_country_list = {
    .kind = TYPE_LIST, .element = &type_country, .min = 1, .max = 300, .unique = true};
const struct type type_slug_list = {.kind = TYPE_LIST, .element = &type_slug, .max = 500, .unique = true};
const struct type type_text_list = {.kind = TYPE_LIST, .element = &type_text, .max = 500};
const struct type type_uuid_list = {.kind = TYPE_LIST, .element = &type_uuid, .max = 500, .unique = true};
const struct type type_principal_id_list = {
    .kind = TYPE_LIST, .element = &type_principal_id, .max = 500, .unique = true};
const struct type type_instant_list = {.kind = TYPE_LIST, .element = &type_instant, .max = 1000, .unique = true};
const struct type type_language_list = {.kind = TYPE_LIST, .element = &type_language, .max = 100, .unique = true};
