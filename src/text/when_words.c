/* When's words: one dictionary for both languages, of which the longest entry that stands at a place is taken.
 *
 * So Korean needs no spaces between words (다음주금요일), and a phrase of several English words is one entry.
 * Invariant: what is looked up is NFC, in lower case, of half width, with one space where there were several. */
#include "when_parts.h"

#include <string.h>

#include "text/names.h"
#include "text/nearest.h"
#include "text/utf8.h"

struct entry {
	const char *text;
	enum word_kind kind;
	int value;
	enum when_unit unit;
};

static const struct entry entries[] = {
    {"on", WORD_FILLER, 0, 0},
    {"at", WORD_FILLER, 0, 0},
    {"the", WORD_FILLER, 0, 0},
    {"of", WORD_FILLER, 0, 0},
    {"t", WORD_FILLER, 0, 0},
    {"o'clock", WORD_FILLER, 0, 0},
    {"에", WORD_FILLER, 0, 0},
    {"의", WORD_FILLER, 0, 0},
    {"까지", WORD_FILLER, 0, 0},
    {"부터", WORD_FILLER, 0, 0},

    {"now", WORD_NOW, 0, 0},
    {"지금", WORD_NOW, 0, 0},
    {"현재", WORD_NOW, 0, 0},

    {"day before yesterday", WORD_DAY, -2, 0},
    {"yesterday", WORD_DAY, -1, 0},
    {"today", WORD_DAY, 0, 0},
    {"tomorrow", WORD_DAY, 1, 0},
    {"day after tomorrow", WORD_DAY, 2, 0},
    {"그끄저께", WORD_DAY, -3, 0},
    {"그저께", WORD_DAY, -2, 0},
    {"그제", WORD_DAY, -2, 0},
    {"어제", WORD_DAY, -1, 0},
    {"오늘", WORD_DAY, 0, 0},
    {"내일", WORD_DAY, 1, 0},
    {"모레", WORD_DAY, 2, 0},
    {"내일모레", WORD_DAY, 2, 0},
    {"내일 모레", WORD_DAY, 2, 0},
    {"글피", WORD_DAY, 3, 0},

    {"monday", WORD_WEEKDAY, 0, 0},
    {"mon", WORD_WEEKDAY, 0, 0},
    {"월요일", WORD_WEEKDAY, 0, 0},
    {"tuesday", WORD_WEEKDAY, 1, 0},
    {"tue", WORD_WEEKDAY, 1, 0},
    {"화요일", WORD_WEEKDAY, 1, 0},
    {"wednesday", WORD_WEEKDAY, 2, 0},
    {"wed", WORD_WEEKDAY, 2, 0},
    {"수요일", WORD_WEEKDAY, 2, 0},
    {"thursday", WORD_WEEKDAY, 3, 0},
    {"thu", WORD_WEEKDAY, 3, 0},
    {"목요일", WORD_WEEKDAY, 3, 0},
    {"friday", WORD_WEEKDAY, 4, 0},
    {"fri", WORD_WEEKDAY, 4, 0},
    {"금요일", WORD_WEEKDAY, 4, 0},
    {"saturday", WORD_WEEKDAY, 5, 0},
    {"sat", WORD_WEEKDAY, 5, 0},
    {"토요일", WORD_WEEKDAY, 5, 0},
    {"sunday", WORD_WEEKDAY, 6, 0},
    {"sun", WORD_WEEKDAY, 6, 0},
    {"일요일", WORD_WEEKDAY, 6, 0},

    {"january", WORD_MONTH, 1, 0},
    {"jan", WORD_MONTH, 1, 0},
    {"february", WORD_MONTH, 2, 0},
    {"feb", WORD_MONTH, 2, 0},
    {"march", WORD_MONTH, 3, 0},
    {"mar", WORD_MONTH, 3, 0},
    {"april", WORD_MONTH, 4, 0},
    {"apr", WORD_MONTH, 4, 0},
    {"may", WORD_MONTH, 5, 0},
    {"june", WORD_MONTH, 6, 0},
    {"jun", WORD_MONTH, 6, 0},
    {"july", WORD_MONTH, 7, 0},
    {"jul", WORD_MONTH, 7, 0},
    {"august", WORD_MONTH, 8, 0},
    {"aug", WORD_MONTH, 8, 0},
    {"september", WORD_MONTH, 9, 0},
    {"sep", WORD_MONTH, 9, 0},
    {"sept", WORD_MONTH, 9, 0},
    {"october", WORD_MONTH, 10, 0},
    {"oct", WORD_MONTH, 10, 0},
    {"november", WORD_MONTH, 11, 0},
    {"nov", WORD_MONTH, 11, 0},
    {"december", WORD_MONTH, 12, 0},
    {"dec", WORD_MONTH, 12, 0},

    {"this", WORD_SIDE, 0, 0},
    {"next", WORD_SIDE, 1, 0},
    {"last", WORD_SIDE, -1, 0},
    {"past", WORD_SIDE, -1, 0},
    {"이번", WORD_SIDE, 0, 0},
    {"다음", WORD_SIDE, 1, 0},
    {"다다음", WORD_SIDE, 2, 0},
    {"지난", WORD_SIDE, -1, 0},
    {"저번", WORD_SIDE, -1, 0},
    {"지지난", WORD_SIDE, -2, 0},
    {"최근", WORD_SIDE, -1, 0},

    {"금주", WORD_PERIOD, 0, UNIT_WEEK},
    {"이달", WORD_PERIOD, 0, UNIT_MONTH},
    {"내달", WORD_PERIOD, 1, UNIT_MONTH},
    {"올해", WORD_PERIOD, 0, UNIT_YEAR},
    {"금년", WORD_PERIOD, 0, UNIT_YEAR},
    {"내년", WORD_PERIOD, 1, UNIT_YEAR},
    {"내후년", WORD_PERIOD, 2, UNIT_YEAR},
    {"작년", WORD_PERIOD, -1, UNIT_YEAR},
    {"지난해", WORD_PERIOD, -1, UNIT_YEAR},
    {"재작년", WORD_PERIOD, -2, UNIT_YEAR},

    {"start", WORD_EDGE, 0, 0},
    {"beginning", WORD_EDGE, 0, 0},
    {"first day", WORD_EDGE, 0, 0},
    {"월초", WORD_EDGE, 0, UNIT_MONTH},
    {"연초", WORD_EDGE, 0, UNIT_YEAR},
    {"end", WORD_EDGE, 1, 0},
    {"last day", WORD_EDGE, 1, 0},
    {"말", WORD_EDGE, 1, 0},
    {"말일", WORD_EDGE, 1, 0},
    {"마지막 날", WORD_EDGE, 1, 0},
    {"월말", WORD_EDGE, 1, UNIT_MONTH},
    {"연말", WORD_EDGE, 1, UNIT_YEAR},

    {"ago", WORD_SIGN, -1, 0},
    {"전", WORD_SIGN, -1, 0},
    {"in", WORD_SIGN, 1, 0},
    {"later", WORD_SIGN, 1, 0},
    {"from now", WORD_SIGN, 1, 0},
    {"from today", WORD_SIGN, 1, 0},
    {"후", WORD_SIGN, 1, 0},
    {"뒤", WORD_SIGN, 1, 0},

    {"am", WORD_HALF_OF_DAY, 0, 0},
    {"a.m.", WORD_HALF_OF_DAY, 0, 0},
    {"오전", WORD_HALF_OF_DAY, 0, 0},
    {"새벽", WORD_HALF_OF_DAY, 0, 0},
    {"아침", WORD_HALF_OF_DAY, 0, 0},
    {"pm", WORD_HALF_OF_DAY, 1, 0},
    {"p.m.", WORD_HALF_OF_DAY, 1, 0},
    {"오후", WORD_HALF_OF_DAY, 1, 0},
    {"낮", WORD_HALF_OF_DAY, 3, 0},
    {"저녁", WORD_HALF_OF_DAY, 4, 0},
    {"밤", WORD_HALF_OF_DAY, 2, 0},

    {"noon", WORD_CLOCK, 12, 0},
    {"정오", WORD_CLOCK, 12, 0},
    {"midnight", WORD_CLOCK, 0, 0},
    {"자정", WORD_CLOCK, 0, 0},
    {"반", WORD_HALF, 30, 0},
    {"z", WORD_UTC, 0, 0},
    {"utc", WORD_UTC, 0, 0},

    {"a", WORD_NUMBER, 1, 0},
    {"an", WORD_NUMBER, 1, 0},
    {"one", WORD_NUMBER, 1, 0},
    {"two", WORD_NUMBER, 2, 0},
    {"three", WORD_NUMBER, 3, 0},
    {"four", WORD_NUMBER, 4, 0},
    {"five", WORD_NUMBER, 5, 0},
    {"six", WORD_NUMBER, 6, 0},
    {"seven", WORD_NUMBER, 7, 0},
    {"eight", WORD_NUMBER, 8, 0},
    {"nine", WORD_NUMBER, 9, 0},
    {"ten", WORD_NUMBER, 10, 0},
    {"eleven", WORD_NUMBER, 11, 0},
    {"twelve", WORD_NUMBER, 12, 0},
    {"한", WORD_NUMBER, 1, 0},
    {"두", WORD_NUMBER, 2, 0},
    {"세", WORD_NUMBER, 3, 0},
    {"석", WORD_NUMBER, 3, 0},
    {"네", WORD_NUMBER, 4, 0},
    {"넉", WORD_NUMBER, 4, 0},
    {"다섯", WORD_NUMBER, 5, 0},
    {"여섯", WORD_NUMBER, 6, 0},
    {"일곱", WORD_NUMBER, 7, 0},
    {"여덟", WORD_NUMBER, 8, 0},
    {"아홉", WORD_NUMBER, 9, 0},
    {"열", WORD_NUMBER, 10, 0},
    {"열한", WORD_NUMBER, 11, 0},
    {"열두", WORD_NUMBER, 12, 0},

    {"하루", WORD_AMOUNT, 1, UNIT_DAY},
    {"이틀", WORD_AMOUNT, 2, UNIT_DAY},
    {"사흘", WORD_AMOUNT, 3, UNIT_DAY},
    {"나흘", WORD_AMOUNT, 4, UNIT_DAY},
    {"닷새", WORD_AMOUNT, 5, UNIT_DAY},
    {"엿새", WORD_AMOUNT, 6, UNIT_DAY},
    {"이레", WORD_AMOUNT, 7, UNIT_DAY},
    {"여드레", WORD_AMOUNT, 8, UNIT_DAY},
    {"아흐레", WORD_AMOUNT, 9, UNIT_DAY},
    {"열흘", WORD_AMOUNT, 10, UNIT_DAY},
    {"보름", WORD_AMOUNT, 15, UNIT_DAY},
    {"일주일", WORD_AMOUNT, 1, UNIT_WEEK},
    {"반년", WORD_AMOUNT, 6, UNIT_MONTH},

    {"s", WORD_UNIT, 0, UNIT_SECOND},
    {"sec", WORD_UNIT, 0, UNIT_SECOND},
    {"second", WORD_UNIT, 0, UNIT_SECOND},
    {"seconds", WORD_UNIT, 0, UNIT_SECOND},
    {"m", WORD_M, 0, UNIT_MINUTE},
    {"min", WORD_UNIT, 0, UNIT_MINUTE},
    {"mins", WORD_UNIT, 0, UNIT_MINUTE},
    {"minute", WORD_UNIT, 0, UNIT_MINUTE},
    {"minutes", WORD_UNIT, 0, UNIT_MINUTE},
    {"h", WORD_UNIT, 0, UNIT_HOUR},
    {"hour", WORD_UNIT, 0, UNIT_HOUR},
    {"hours", WORD_UNIT, 0, UNIT_HOUR},
    {"시간", WORD_UNIT, 0, UNIT_HOUR},
    {"d", WORD_UNIT, 0, UNIT_DAY},
    {"day", WORD_UNIT, 0, UNIT_DAY},
    {"days", WORD_UNIT, 0, UNIT_DAY},
    {"일간", WORD_UNIT, 0, UNIT_DAY},
    {"w", WORD_UNIT, 0, UNIT_WEEK},
    {"week", WORD_UNIT, 0, UNIT_WEEK},
    {"weeks", WORD_UNIT, 0, UNIT_WEEK},
    {"주", WORD_UNIT, 0, UNIT_WEEK},
    {"주일", WORD_UNIT, 0, UNIT_WEEK},
    {"주간", WORD_UNIT, 0, UNIT_WEEK},
    {"mo", WORD_UNIT, 0, UNIT_MONTH},
    {"month", WORD_UNIT, 0, UNIT_MONTH},
    {"months", WORD_UNIT, 0, UNIT_MONTH},
    {"달", WORD_UNIT, 0, UNIT_MONTH},
    {"개월", WORD_UNIT, 0, UNIT_MONTH},
    {"개월간", WORD_UNIT, 0, UNIT_MONTH},
    {"y", WORD_UNIT, 0, UNIT_YEAR},
    {"year", WORD_UNIT, 0, UNIT_YEAR},
    {"years", WORD_UNIT, 0, UNIT_YEAR},
    {"해", WORD_UNIT, 0, UNIT_YEAR},
    {"년간", WORD_UNIT, 0, UNIT_YEAR},

    {"st", WORD_ORDINAL, 0, 0},
    {"nd", WORD_ORDINAL, 0, 0},
    {"rd", WORD_ORDINAL, 0, 0},
    {"th", WORD_ORDINAL, 0, 0},
    {"년", WORD_YEAR_OF, 0, 0},
    {"월", WORD_MONTH_OF, 0, 0},
    {"일", WORD_DAY_OF, 0, 0},
    {"시", WORD_HOUR_OF, 0, 0},
    {"분", WORD_MINUTE_OF, 0, 0},
    {"초", WORD_SECOND_OF, 0, 0},
    {"weekend", WORD_WEEKEND, 0, 0},
    {"주말", WORD_WEEKEND, 0, 0},
};

enum { ENTRIES = sizeof entries / sizeof *entries, NUMBER_DIGITS = 6, SHOWN_BYTES = 40 };

/* What is written in another width, or is another sign for the same: to what a dictionary of ASCII signs holds. */
static const struct {
	const char *from, *to;
} signs[] = {
    {"０", "0"},     {"１", "1"},     {"２", "2"}, {"３", "3"}, {"４", "4"}, {"５", "5"}, {"６", "6"}, {"７", "7"},
    {"８", "8"},     {"９", "9"},     {"：", ":"}, {"－", "-"}, {"／", "/"}, {"＋", "+"}, {"．", "."}, {"，", " "},
    {"\u3000", " "}, {"\u00A0", " "}, {"−", "-"},  {"’", "'"},  {",", " "},  {"(", " "},  {")", " "},  {"\t", " "},
};

/* NULL when the text is no text. */
static const char *plain_of(struct arena *arena, const char *text)
{
	size_t length = strlen(text), written = 0;
	for (size_t at = 0, step; at < length; at += step) {
		step = utf8_length(text + at, length - at);
		if (step == 0)
			return NULL;
	}
	text = names_nfc(arena, text);
	char *plain = arena_alloc(arena, strlen(text) + 1);
	while (*text) {
		const char *sign = NULL;
		size_t step = utf8_length(text, strlen(text));
		for (size_t i = 0; i < sizeof signs / sizeof *signs && !sign; i++)
			if (strlen(signs[i].from) == step && strncmp(text, signs[i].from, step) == 0)
				sign = signs[i].to;
		char byte = sign ? *sign : *text;
		if (byte == ' ' && (written == 0 || plain[written - 1] == ' '))
			; /* one is enough */
		else if (sign || step == 1)
			plain[written++] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
		else
			for (size_t i = 0; i < step; i++)
				plain[written++] = text[i];
		text += step;
	}
	return plain;
}

static bool is_letter(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* Letters of a word of English do not end in the middle of another. */
static bool begins_with(const char *at, const char *text)
{
	size_t length = strlen(text);
	return strncmp(at, text, length) == 0 && !(is_letter(at[length - 1]) && is_letter(at[length]));
}

static const struct entry *longest_entry(const char *at)
{
	const struct entry *longest = NULL;
	for (size_t i = 0; i < ENTRIES; i++)
		if (begins_with(at, entries[i].text) && (!longest || strlen(entries[i].text) > strlen(longest->text)))
			longest = &entries[i];
	return longest;
}

/* A number of any length is one word; what is too long for a number stays too large. */
static size_t take_digits(const char *at, struct word *word)
{
	size_t digits = strspn(at, "0123456789");
	*word = (struct word){.kind = WORD_NUMBER, .digits = digits};
	for (size_t i = 0; i < digits && i <= NUMBER_DIGITS; i++)
		word->value = word->value * 10 + (at[i] - '0');
	return digits;
}

static bool fault_unknown(struct arena *arena, const char *at, struct err *err)
{
	size_t length = 0, total = strlen(at);
	while (length < total && at[length] != ' ' && !is_digit(at[length]) && length < SHOWN_BYTES)
		length += utf8_length(at + length, total - length);
	char *shown = arena_copy(arena, at, length);
	/* What steers a terminal is no word either. */
	for (char *byte = shown; *byte; byte++)
		*byte = (unsigned char)*byte < ' ' || *byte == 0x7F ? '?' : *byte;
	struct nearest nearest = {.word = shown};
	for (size_t i = 0; i < ENTRIES; i++)
		if (strlen(entries[i].text) > 2)
			nearest_offer(&nearest, entries[i].text);
	if (nearest.name)
		return err_set(err, "\"%s\" is no word about time; did you mean \"%s\"?", shown, nearest.name);
	return err_set(err,
	               "\"%s\" is no word about time; write, for example, \"yesterday 12:30\", \"in 3 days\", "
	               "\"next friday 3pm\", 2026-11-20 or \"내일 오후 3시\"",
	               shown);
}

bool when_split(struct arena *arena, const char *text, struct words *words, struct err *err)
{
	*words = (struct words){0};
	if (strlen(text) > WHEN_BYTES_MAX)
		return err_set(err, "a time of more than %d bytes is none", WHEN_BYTES_MAX);
	const char *at = plain_of(arena, text);
	if (!at)
		return err_set(err, "a time must be text in UTF-8");
	bool joined = false;
	while (*at) {
		struct word *word = &words->list[words->count];
		if (*at == ' ') {
			joined = false;
			at++;
			continue;
		}
		if (words->count == WORDS_MAX)
			return err_set(err, "that is too long for one time");
		if (is_digit(*at)) {
			at += take_digits(at, word);
		} else if (strchr("+-/.:", *at)) {
			*word = (struct word){.kind = WORD_MARK, .value = *at++};
		} else {
			const struct entry *entry = longest_entry(at);
			if (!entry)
				return fault_unknown(arena, at, err);
			*word = (struct word){.kind = entry->kind, .value = entry->value, .unit = entry->unit};
			at += strlen(entry->text);
		}
		word->joined = joined;
		joined = true;
		words->count += word->kind != WORD_FILLER;
	}
	words->list[words->count] = (struct word){0};
	return true;
}
