/* Country: names are folded and compared, first with our own table, then with ICU's names in each language.
 *
 * Invariant: two names are the same exactly when their folds are: compatibility forms made plain, case folded, letters
 * parted from their accents, and only letters and digits kept (UAX #15 and section 3.13 of the Unicode Standard). */
#include "text/country.h"

#include <stdio.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uldnames.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "text/nearest.h"
#include "text/utf8.h"

enum { WORD_BYTES = 200, FOLD_UNITS = 1024, FOLD_BYTES = 3 * FOLD_UNITS + 1, SHOWN_BYTES = 60 };

struct alias {
	const char *name, *code;
};

static const struct alias aliases[] = {
#include "country_names.inc"
};

/* What stands for two countries, each of which has to be named. */
static const struct {
	const char *name, *one, *other;
} ambiguous[] = {
    {"Korea", "KR", "KP"},  {"Корея", "KR", "KP"},        {"Virgin Islands", "VG", "VI"},
    {"Samoas", "WS", "AS"}, {"Saint Martin", "MF", "SX"},
};

/* ICU knows more regions than are assigned. */
static bool is_assigned(const char *code)
{
	static const char *const reserved[] = {"DG", "EA", "IC", "XK"};
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcmp(code, reserved[i]) == 0)
			return false;
	return true;
}

/* False when the text is no text, too long, or holds nothing that a name is made of. */
static bool fold(const char *text, char folded[static FOLD_BYTES])
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *case_fold = unorm2_getNFKCCasefoldInstance(&status), *parts = unorm2_getNFKDInstance(&status);
	UChar units[FOLD_UNITS], plain[FOLD_UNITS], apart[FOLD_UNITS];
	int32_t count = 0, kept = 0;
	if (strlen(text) > WORD_BYTES)
		return false;
	u_strFromUTF8(units, FOLD_UNITS, &count, text, -1, &status);
	count = unorm2_normalize(case_fold, units, count, plain, FOLD_UNITS, &status);
	count = unorm2_normalize(parts, plain, count, apart, FOLD_UNITS, &status);
	if (U_FAILURE(status))
		return false;
	for (int32_t at = 0, step; at < count; at += step) {
		bool pair = (apart[at] & 0xFC00) == 0xD800 && at + 1 < count;
		UChar32 point = pair ? 0x10000 + ((apart[at] - 0xD800) << 10) + (apart[at + 1] - 0xDC00) : apart[at];
		step = pair ? 2 : 1;
		if (point == '&' && kept + 3 < FOLD_UNITS) {
			u_memcpy(units + kept, u"and", 3);
			kept += 3;
		} else if (u_isalnum(point) && kept + step < FOLD_UNITS) {
			u_memcpy(units + kept, apart + at, step);
			kept += step;
		}
	}
	u_strToUTF8(folded, FOLD_BYTES, NULL, units, kept, &status);
	return U_SUCCESS(status) && kept > 0;
}

static bool name_of(const char *code, const char *locale, UDisplayContext length, char name[static FOLD_BYTES])
{
	UErrorCode status = U_ZERO_ERROR;
	UChar units[FOLD_UNITS];
	UDisplayContext contexts[] = {length, UDISPCTX_NO_SUBSTITUTE};
	ULocaleDisplayNames *names = uldn_openForContext(locale, contexts, 2, &status);
	int32_t count = U_SUCCESS(status) ? uldn_regionDisplayName(names, code, units, FOLD_UNITS, &status) : 0;
	if (count > 0)
		u_strToUTF8(name, FOLD_BYTES, NULL, units, count, &status);
	uldn_close(names);
	return U_SUCCESS(status) && count > 0;
}

/* The language that most people speak in a country, by ICU's likely subtags. */
static void own_locale(const char *code, char locale[static ULOC_FULLNAME_CAPACITY])
{
	char region[16];
	UErrorCode status = U_ZERO_ERROR;
	snprintf(region, sizeof region, "und_%s", code);
	uloc_addLikelySubtags(region, locale, ULOC_FULLNAME_CAPACITY, &status);
	if (U_FAILURE(status))
		strcpy(locale, "en");
}

static bool bears_name(const char *code, const char *locale, const char *folded)
{
	static const UDisplayContext lengths[] = {UDISPCTX_LENGTH_FULL, UDISPCTX_LENGTH_SHORT};
	char name[FOLD_BYTES], other[FOLD_BYTES];
	for (size_t i = 0; i < 2; i++)
		if (name_of(code, locale, lengths[i], name) && fold(name, other) && strcmp(folded, other) == 0)
			return true;
	return false;
}

static const char *find_by_icu(const char *folded)
{
	static const char *const locales[] = {"en", "ko", "zh", "zh_Hant", "ja", "ru", NULL /* its own */};
	const char *const *codes = uloc_getISOCountries();
	for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
		for (size_t k = 0; codes[k]; k++) {
			char own[ULOC_FULLNAME_CAPACITY];
			own_locale(codes[k], own);
			if (is_assigned(codes[k]) && bears_name(codes[k], locales[i] ? locales[i] : own, folded))
				return codes[k];
		}
	}
	return NULL;
}

static const char *find_code(const char *folded)
{
	const char *const *codes = uloc_getISOCountries();
	char upper[4] = "", region[16];
	if (strlen(folded) > 3)
		return NULL;
	for (size_t i = 0; folded[i]; i++)
		upper[i] = folded[i] >= 'a' && folded[i] <= 'z' ? (char)(folded[i] - 'a' + 'A') : folded[i];
	for (size_t i = 0; codes[i]; i++) {
		snprintf(region, sizeof region, "und_%s", codes[i]);
		if (is_assigned(codes[i]) && (strcmp(upper, codes[i]) == 0 || strcmp(upper, uloc_getISO3Country(region)) == 0))
			return codes[i];
	}
	return NULL;
}

static const char *find_alias(const char *folded)
{
	char other[FOLD_BYTES];
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (fold(aliases[i].name, other) && strcmp(folded, other) == 0)
			return aliases[i].code;
	return NULL;
}

/* What is shown of a word that is none: not what steers a terminal, and not all of a long one. */
static const char *shown_of(struct arena *arena, const char *word)
{
	char *shown = arena_alloc(arena, SHOWN_BYTES + 4);
	size_t length = strlen(word), at = 0;
	while (at < length && at < SHOWN_BYTES) {
		size_t step = utf8_length(word + at, length - at);
		bool plain = step > 1 || (step == 1 && word[at] >= ' ' && word[at] != 0x7F);
		memcpy(shown + at, plain ? word + at : "?", plain ? step : 1);
		at += step > 0 ? step : 1;
	}
	return shown;
}

static bool fault_unknown(const char *word, const char *folded, const char *(*say)(const char *), struct err *err)
{
	static const char *const locales[] = {"en", "ko"};
	struct arena arena = {0};
	const char *const *codes = uloc_getISOCountries(), *code = NULL, *shown = shown_of(&arena, word);
	struct nearest nearest = {.word = folded};
	char name[FOLD_BYTES], other[FOLD_BYTES];
	for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
		for (size_t k = 0; codes[k]; k++) {
			const char *before = nearest.name;
			if (!is_assigned(codes[k]) || !name_of(codes[k], locales[i], UDISPCTX_LENGTH_SHORT, name) ||
			    !fold(name, other))
				continue;
			nearest_offer(&nearest, other);
			if (nearest.name != before) {
				/* It is kept, so it must stay. */
				nearest.name = arena_strdup(&arena, name);
				code = codes[k];
			}
		}
	}
	if (code)
		(void)err_set(err, say("\"%s\" is no country known here; did you mean %s (%s)?"), shown, nearest.name, code);
	else
		(void)err_set(err, say("\"%s\" is no country known here; \"tracktwo country list\" shows all"), shown);
	arena_release(&arena);
	return false;
}

static const char *same(const char *english)
{
	return english;
}

bool country_find(const char *word, const char *(*say)(const char *english), const char **code, struct err *err)
{
	char folded[FOLD_BYTES], other[FOLD_BYTES];
	say = say ? say : same;
	*code = NULL;
	if (!fold(word, folded))
		folded[0] = '\0';
	for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++)
		if (fold(ambiguous[i].name, other) && strcmp(folded, other) == 0)
			return err_set(err, say("\"%s\" could be %s or %s; write one of them"), ambiguous[i].name, ambiguous[i].one,
			               ambiguous[i].other);
	if (*folded)
		*code = find_code(folded);
	if (*folded && !*code)
		*code = find_alias(folded);
	if (*folded && !*code)
		*code = find_by_icu(folded);
	return *code || fault_unknown(word, folded, say, err);
}

const char *country_name(struct arena *arena, const char *code, const char *language)
{
	char name[FOLD_BYTES];
	return arena_strdup(arena, name_of(code, language, UDISPCTX_LENGTH_SHORT, name) ? name : code);
}
