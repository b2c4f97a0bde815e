/* Language: one table of rows, and an index over it that is sorted when it is first asked.
 *
 * Invariant: a text that no row holds comes back as it is, so that a missing row shows English and never nothing. */
#include "cli/language.h"

#include <stdlib.h>
#include <string.h>

static const struct language_row rows[] = {
#include "korean_view.inc"
#include "korean_rows.inc"
#include "korean_when.inc"
#include "korean_desk.inc"
#include "korean_tail.inc"
#include "korean_service.inc"
#include "korean_keep.inc"
    {"", ""},
};
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

const struct language_row *language_rows(size_t *count)
{
	*count = ROW_COUNT - 1;
	return rows;
}
