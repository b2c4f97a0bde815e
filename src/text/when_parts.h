/* When's parts: a text about time cut into words, and the slots that the words fill. Of src/text/when*.c only. */
#ifndef TRACKTWO_TEXT_WHEN_PARTS_H
#define TRACKTWO_TEXT_WHEN_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/when.h"
#include "text/zone.h"

enum when_unit { UNIT_SECOND, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNITS };

enum word_kind {
	WORD_END, /* behind the last word */
	WORD_FILLER,
	WORD_NUMBER,
	WORD_MARK,   /* value: one of + - / . : */
	WORD_UNIT,   /* of amounts */
	WORD_AMOUNT, /* value times unit in one word: 사흘 */
	WORD_M,      /* "m": minutes behind hours, else minutes or months */
	WORD_NOW,
	WORD_DAY,         /* value: days from today */
	WORD_WEEKDAY,     /* value: 0 Monday to 6 */
	WORD_MONTH,       /* a month's name */
	WORD_PERIOD,      /* the unit that lies value units ahead: 작년 */
	WORD_SIDE,        /* this, next, last: value 0, 1, -1 */
	WORD_EDGE,        /* value 0 the first day, 1 the last; with a unit other than UNIT_SECOND, of this one */
	WORD_SIGN,        /* ago, later: value -1, 1 */
	WORD_HALF_OF_DAY, /* value 0 before noon, 1 after it, 2 at night, 3 about noon, 4 in the evening */
	WORD_CLOCK,       /* noon, midnight: value is the hour */
	WORD_HALF,        /* half past, behind an hour */
	WORD_ORDINAL,
	WORD_YEAR_OF, /* behind a number: 년, 월, 일, 시, 분, 초 */
	WORD_MONTH_OF,
	WORD_DAY_OF,
	WORD_HOUR_OF,
	WORD_MINUTE_OF,
	WORD_SECOND_OF, /* or, behind no number, the first days of a month */
	WORD_UTC,
	WORD_WEEKEND,
	WORD_KINDS,
};

struct word {
	enum word_kind kind;
	int value;
	enum when_unit unit;
	size_t digits; /* of a number that was written in digits, else 0 */
	bool joined;   /* nothing stands between it and the word before */
};

/* How many may stand in a text, and how many ends stand behind them, so that one may look ahead. */
enum { WORDS_MAX = 48, WORDS_AHEAD = 8 };

struct words {
	struct word list[WORDS_MAX + WORDS_AHEAD];
	size_t count;
};

/* Cuts a text of at most WHEN_BYTES_MAX, any bytes, into words; fails at what is none, naming it. */
ERR_CHECKED bool when_split(struct arena *arena, const char *text, struct words *words, struct err *err);

enum slot {
	SLOT_DAY, /* days from today */
	SLOT_WEEKDAY,
	SLOT_YEAR,
	SLOT_MONTH,
	SLOT_MONTHDAY,
	SLOT_PERIOD, /* how many of period_unit ahead */
	SLOT_EDGE,
	SLOT_SIGN,
	SLOT_HOUR,
	SLOT_MINUTE,
	SLOT_SECOND,
	SLOT_HALF_OF_DAY,
	SLOT_NOW,
	SLOT_OFFSET, /* seconds east of UTC */
	SLOTS,
};

struct reading {
	const struct when_clock *clock;
	const struct zone *zone;
	struct words words;
	const struct word *at;
	int32_t today;
	int64_t now_s, now_local_s;
	bool set[SLOTS];
	int slot[SLOTS];
	enum when_unit period_unit;
	bool day_suffixed; /* SLOT_MONTHDAY came from 일, which counts days, too */
	bool has_amount;
	int64_t amount[UNITS];
};

/* Fills a slot; fails when it is filled already. */
ERR_CHECKED bool when_put(struct reading *r, enum slot slot, int value, struct err *err);
/* Says so; false. */
bool when_fault_twice(struct err *err);

/* Fills the slots by all words. */
ERR_CHECKED bool when_take(struct reading *r, struct err *err);

#endif
