/* Language: one table of rows, and an index over it that is sorted when it is first asked.
 *
 * Invariant: a text that no row holds comes back as it is, so that a missing row shows English and never nothing. */
#include "text/language.h"

#include <stdlib.h>
#include <string.h>

static const struct language_row rows[] = {
#include "korean_view.inc"
#include "korean_rows.inc"
#include "korean_rows_errors.inc"
#include "korean_when.inc"
#include "korean_desk.inc"
#include "korean_tail.inc"
#include "korean_keep.inc"
#include "korean_admin.inc"
    {"", ""},
};
/* Apart, because in a message such a word is a name to be typed. */
static const struct language_row headings[] = {
#include "korean_rows_members.inc"
#include "korean_desk_fields.inc"
};
enum { HEADING_COUNT = sizeof headings / sizeof *headings };
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static bool korean;
static const struct language_row *sorted[ROW_COUNT];

static bool is_language(const char *code, const char *language)
{
	size_t length = strlen(language);
	return strncmp(code, language, length) == 0 && (code[length] == '\0' || strchr("_-.@", code[length]));
}

bool language_choose(const char *code)
{
	static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	if (code) {
		if (!is_language(code, "ko") && !is_language(code, "en"))
			return false;
		korean = is_language(code, "ko");
		return true;
	}
	korean = false;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *locale = getenv(variables[i]);
		if (locale && *locale) {
			korean = is_language(locale, "ko");
			break;
		}
	}
	return true;
}

const char *language_code(void)
{
	return korean ? "ko" : "en";
}

static int compare_rows(const void *one, const void *other)
{
	const struct language_row *const *left = one, *const *right = other;
	return strcmp((*left)->english, (*right)->english);
}

const char *say(const char *english)
{
	if (!korean)
		return english;
	if (!sorted[0]) {
		for (size_t i = 0; i < ROW_COUNT; i++)
			sorted[i] = &rows[i];
		qsort(sorted, ROW_COUNT, sizeof *sorted, compare_rows);
	}
	const struct language_row key = {english, NULL}, *wanted = &key;
	const struct language_row *const *found = bsearch(&wanted, sorted, ROW_COUNT, sizeof *sorted, compare_rows);
	return found ? (*found)->korean : english;
}

/* What printf puts in a format's place ends here, or *format is no place. */
static size_t place_length(const char *format)
{
	if (format[0] != '%')
		return 0;
	size_t flags = 1 + strspn(format + 1, "-.*0123456789lz");
	return format[flags] && strchr("sducf", format[flags]) ? flags + 1 : 0;
}

enum { PLACES = 6, DEPTH = 6 };

struct places {
	const char *texts[PLACES];
	size_t lengths[PLACES];
	size_t count;
};

/* Whether `text` is what printf makes of `format`; the shortest text that fits goes into each place but the last. */
static bool match_format(const char *format, const char *text, struct places *places)
{
	for (; *format; format++, text++) {
		size_t place = place_length(format);
		if (place == 0) {
			format += format[0] == '%' && format[1] == '%';
			if (*format != *text)
				return false;
			continue;
		}
		if (places->count == PLACES)
			return false;
		size_t index = places->count++;
		for (size_t length = 1; length <= strlen(text); length++) {
			struct places rest = *places;
			rest.texts[index] = text;
			rest.lengths[index] = length;
			if (match_format(format + place, text + length, &rest)) {
				*places = rest;
				return true;
			}
		}
		return false;
	}
	return *text == '\0';
}

/* What stands between two texts that were put together: err.h puts the first, and a format may end with it before its
 * last place; lists of findings have the second. */
static const char *const joints[] = {": ", "; "};
enum { JOINTS = sizeof joints / sizeof *joints };

/* Whether a place took in the start of another text. */
static bool swallows(const char *format, const struct places *places)
{
	const char *behind = strstr(format, ": %");
	bool open = behind && behind[2 + place_length(behind + 2)] == '\0';
	for (size_t i = 0; i + open < places->count; i++)
		for (size_t k = 0; k < JOINTS; k++)
			if (memmem(places->texts[i], places->lengths[i], joints[k], strlen(joints[k])))
				return true;
	return false;
}

/* The characters of a format that stand for themselves: the more of them, the surer a match is. */
static size_t plain_length(const char *format)
{
	size_t length = 0;
	for (; *format; format++) {
		size_t place = place_length(format);
		length += place == 0;
		format += place > 0 ? place - 1 : 0;
	}
	return length;
}

static const char *say_deeper(struct arena *arena, const char *english, int depth);

static const char *fill_places(struct arena *arena, const char *format, const struct places *places, int depth)
{
	const char *text = "";
	size_t used = 0;
	for (size_t plain = 0; *format; format += plain) {
		size_t place = place_length(format), length = strlen(text);
		if (place > 0 && used < places->count) {
			const char *filled = arena_copy(arena, places->texts[used], places->lengths[used]);
			/* In quotes or brackets stands a name to be typed. */
			bool name = length > 0 && strchr("\"[", text[length - 1]);
			text = arena_printf(arena, "%s%s", text, name ? filled : say_deeper(arena, filled, depth + 1));
			used++;
			plain = place;
			continue;
		}
		plain = 1 + (format[0] == '%' ? 0 : strcspn(format + 1, "%"));
		text = arena_printf(arena, "%s%.*s", text, (int)plain, format);
		plain += format[0] == '%' && format[1] == '%';
	}
	return text;
}

/* The row that fits best, filled; NULL when none fits. */
static const char *say_row(struct arena *arena, const char *english, bool swallowing, int depth)
{
	enum { LEAST_PLAIN = 6 };
	const struct language_row *best = NULL;
	struct places best_places = {0};
	for (size_t i = 0; i < ROW_COUNT; i++) {
		struct places places = {0};
		size_t plain = plain_length(rows[i].english);
		if (plain == strlen(rows[i].english) || plain < LEAST_PLAIN || (best && plain <= plain_length(best->english)))
			continue;
		if (match_format(rows[i].english, english, &places) && (swallowing || !swallows(rows[i].english, &places))) {
			best = &rows[i];
			best_places = places;
		}
	}
	return best ? fill_places(arena, best->korean, &best_places, depth) : NULL;
}

/* "cannot read FILE: Permission denied" is two texts. NULL when neither is known. */
static const char *say_halves(struct arena *arena, const char *english, int depth)
{
	for (size_t i = 0; i < JOINTS; i++) {
		const char *joint = strstr(english, joints[i]);
		if (!joint)
			continue;
		const char *first = arena_copy(arena, english, (size_t)(joint - english)), *second = joint + strlen(joints[i]);
		const char *one = say_deeper(arena, first, depth + 1), *other = say_deeper(arena, second, depth + 1);
		if (one != first || other != second)
			return arena_printf(arena, "%s%s%s", one, joints[i], other);
	}
	return NULL;
}

static const char *say_deeper(struct arena *arena, const char *english, int depth)
{
	const char *said = say(english);
	if (said != english || !korean || depth >= DEPTH)
		return said;
	if (!(said = say_row(arena, english, false, depth)) && !(said = say_halves(arena, english, depth)))
		said = say_row(arena, english, true, depth);
	return said ? said : english;
}

const char *say_message(struct arena *arena, const char *english)
{
	return say_deeper(arena, english, 0);
}

const struct language_row *language_rows(size_t *count)
{
	*count = ROW_COUNT - 1;
	return rows;
}

const char *say_heading(const char *member)
{
	for (size_t i = 0; korean && i < HEADING_COUNT; i++)
		if (strcmp(headings[i].english, member) == 0)
			return headings[i].korean;
	return member;
}

const struct language_row *language_headings(size_t *count)
{
	*count = HEADING_COUNT;
	return headings;
}
