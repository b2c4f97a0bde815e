/* When's slots: what each word, by its kind, and the words behind it say. */
#include "when_parts.h"

enum { MINUTES_MAX = 59, AMOUNT_MOST = 999999 };

bool when_fault_twice(struct err *err)
{
	return err_set(err, "that says two things at once; write one day and one time");
}

bool when_put(struct reading *r, enum slot slot, int value, struct err *err)
{
	if (r->set[slot])
		return when_fault_twice(err);
	r->set[slot] = true;
	r->slot[slot] = value;
	return true;
}

static bool put_period(struct reading *r, enum when_unit unit, int ahead, struct err *err)
{
	r->period_unit = unit;
	return when_put(r, unit == UNIT_DAY ? SLOT_DAY : SLOT_PERIOD, ahead, err);
}

static bool add_amount(struct reading *r, enum when_unit unit, int count, struct err *err)
{
	if (count > AMOUNT_MOST || r->amount[unit] != 0)
		return err_set(err, "that amount of time is too large, or said twice");
	r->amount[unit] = count;
	r->has_amount = true;
	return true;
}

/* Words, one function a kind: each begins at r->at and moves it behind what it took. */

/* +09:00 right behind a time. */
static bool take_offset(struct reading *r, struct err *err)
{
	const struct word *w = r->at;
	if (w[0].kind != WORD_MARK || !w[0].joined || (w[0].value != '+' && w[0].value != '-'))
		return true;
	if (w[1].digits != 2 || w[2].value != ':' || w[3].digits != 2 || w[1].value > 23 || w[3].value > MINUTES_MAX)
		return err_set(err, "write an offset from UTC as +09:00");
	r->at += 4;
	int offset_s = w[1].value * 3600 + w[3].value * 60;
	return when_put(r, SLOT_OFFSET, w[0].value == '+' ? offset_s : -offset_s, err);
}

/* 12:30, 12:30:15, with r->at at the hour. */
static bool take_colons(struct reading *r, struct err *err)
{
	const struct word *w = r->at;
	bool seconds = w[3].kind == WORD_MARK && w[3].value == ':' && w[4].kind == WORD_NUMBER;
	if (w[2].digits != 2 || (seconds && w[4].digits != 2))
		return err_set(err, "write a time with two digits for minutes and seconds, such as 09:05");
	r->at += seconds ? 5 : 3;
	return when_put(r, SLOT_HOUR, w[0].value, err) && when_put(r, SLOT_MINUTE, w[2].value, err) &&
	       (!seconds || when_put(r, SLOT_SECOND, w[4].value, err)) && take_offset(r, err);
}

/* 2026-11-20, 2026-11, 11-20, 11/20, with r->at at the first number. */
static bool take_date(struct reading *r, struct err *err)
{
	const struct word *w = r->at;
	bool third =
	    w[3].kind == WORD_MARK && w[3].value == w[1].value && w[3].joined && w[4].kind == WORD_NUMBER && w[4].joined;
	bool year_first = w[0].digits == 4;
	if ((third && !year_first) || (!third && w[1].value == '.' && !year_first) || w[2].digits > 2)
		return err_set(err, "which is the day, and which the month? Write 2026-11-20 or 20 Nov");
	r->at += third ? 5 : 3;
	/* A Korean date may end in a point, too: 2026.11.20. */
	if (third && w[1].value == '.' && r->at->kind == WORD_MARK && r->at->value == '.')
		r->at++;
	if (!year_first)
		return when_put(r, SLOT_MONTH, w[0].value, err) && when_put(r, SLOT_MONTHDAY, w[2].value, err);
	return when_put(r, SLOT_YEAR, w[0].value, err) && when_put(r, SLOT_MONTH, w[2].value, err) &&
	       (!third || when_put(r, SLOT_MONTHDAY, w[4].value, err));
}

/* 3시, 3시 30분, 3시 반, with r->at behind 시. */
static bool take_korean_hour(struct reading *r, int hour, struct err *err)
{
	const struct word *w = r->at;
	if (!when_put(r, SLOT_HOUR, hour, err))
		return false;
	if (w[0].kind == WORD_HALF) {
		r->at += 1;
		return when_put(r, SLOT_MINUTE, w[0].value, err);
	}
	if (w[0].kind == WORD_NUMBER && w[1].kind == WORD_MINUTE_OF) {
		r->at += 2;
		return when_put(r, SLOT_MINUTE, w[0].value, err);
	}
	return true;
}

static bool take_amount(struct reading *r, enum when_unit unit, int count, struct err *err)
{
	if (!add_amount(r, unit, count, err))
		return false;
	if (unit == UNIT_HOUR && r->at->kind == WORD_HALF) {
		r->at++;
		return add_amount(r, UNIT_MINUTE, 30, err);
	}
	return true;
}

static bool take_number_alone(struct reading *r, const struct word *word, struct err *err)
{
	/* "Nov 20", "20 Nov", "20th Nov" */
	if (word->digits <= 2 && word->value > 0 &&
	    (r->at->kind == WORD_MONTH || (word != r->words.list && word[-1].kind == WORD_MONTH)))
		return when_put(r, SLOT_MONTHDAY, word->value, err);
	if (word->digits == 4)
		return when_put(r, SLOT_YEAR, word->value, err);
	return err_set(err, "a number says too little; write what it counts, such as \"3 days ago\", 3pm or 20 Nov");
}

/* What a number before such a word fills; the rest has functions of its own. */
static const struct {
	enum word_kind kind;
	bool is_amount;
	enum slot slot;
	enum when_unit unit;
} counted[] = {
    {WORD_MONTH_OF, false, SLOT_MONTH, 0},   {WORD_DAY_OF, false, SLOT_MONTHDAY, 0},
    {WORD_ORDINAL, false, SLOT_MONTHDAY, 0}, {WORD_MINUTE_OF, true, 0, UNIT_MINUTE},
    {WORD_SECOND_OF, true, 0, UNIT_SECOND},
};

static bool take_counted(struct reading *r, const struct word *number, const struct word *what, struct err *err)
{
	for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
		if (counted[i].kind != what->kind)
			continue;
		r->at += 2;
		r->day_suffixed |= what->kind == WORD_DAY_OF;
		return counted[i].is_amount ? take_amount(r, counted[i].unit, number->value, err)
		                            : when_put(r, counted[i].slot, number->value, err);
	}
	r->at++;
	return take_number_alone(r, number, err);
}

static bool take_number(struct reading *r, struct err *err)
{
	const struct word *w = r->at;
	if (w[1].kind == WORD_MARK && w[1].joined && w[2].kind == WORD_NUMBER && w[2].joined && w[1].value != '+')
		return w[1].value == ':' ? take_colons(r, err) : take_date(r, err);
	if (w[1].kind == WORD_M && r->amount[UNIT_HOUR] == 0)
		return err_set(err, "does m stand for minutes or for months? Write min or mo");
	if (w[1].kind == WORD_UNIT || w[1].kind == WORD_M || (w[1].kind == WORD_YEAR_OF && w[0].value < 1000)) {
		r->at += 2;
		return take_amount(r, w[1].kind == WORD_YEAR_OF ? UNIT_YEAR : w[1].unit, w[0].value, err);
	}
	if (w[1].kind == WORD_YEAR_OF) {
		r->at += 2;
		return when_put(r, SLOT_YEAR, w[0].value, err);
	}
	if (w[1].kind == WORD_HOUR_OF) {
		r->at += 2;
		return take_korean_hour(r, w[0].value, err);
	}
	if (w[1].kind == WORD_HALF_OF_DAY) {
		r->at++;
		return when_put(r, SLOT_HOUR, w[0].value, err);
	}
	return take_counted(r, &w[0], &w[1], err);
}

/* "next friday", "next week", "last 3 days" */
static bool take_side(struct reading *r, struct err *err)
{
	const struct word *w = r->at++;
	if (r->at->kind == WORD_NUMBER && (w->value == 1 || w->value == -1))
		return when_put(r, SLOT_SIGN, w->value, err);
	if (r->at->kind == WORD_WEEKDAY)
		return put_period(r, UNIT_WEEK, w->value, err);
	if (r->at->kind == WORD_UNIT && r->at->unit >= UNIT_DAY) {
		enum when_unit unit = r->at++->unit;
		return put_period(r, unit, w->value, err);
	}
	return err_set(err, "this, next and last go before a weekday, week, month or year");
}

static bool take_edge(struct reading *r, struct err *err)
{
	const struct word *w = r->at++;
	if (!when_put(r, SLOT_EDGE, w->kind == WORD_EDGE ? w->value : 0, err))
		return false;
	if (w->kind == WORD_EDGE && w->unit != UNIT_SECOND)
		return put_period(r, w->unit, 0, err);
	if (r->at->kind == WORD_UNIT && r->at->unit > UNIT_DAY) {
		enum when_unit unit = r->at++->unit;
		return put_period(r, unit, 0, err);
	}
	return true;
}

/* +7d, -90d */
static bool take_mark(struct reading *r, struct err *err)
{
	const struct word *w = r->at++;
	bool sign = (w->value == '+' || w->value == '-') && w == r->words.list && w[1].kind == WORD_NUMBER;
	if (!sign)
		return err_set(err, "\"%c\" stands in the wrong place; a sign goes before an amount, such as +7d", w->value);
	return when_put(r, SLOT_SIGN, w->value == '+' ? 1 : -1, err);
}

static bool take_simple(struct reading *r, struct err *err)
{
	static const enum slot slots[WORD_KINDS] = {
	    [WORD_NOW] = SLOT_NOW,
	    [WORD_DAY] = SLOT_DAY,
	    [WORD_WEEKDAY] = SLOT_WEEKDAY,
	    [WORD_MONTH] = SLOT_MONTH,
	    [WORD_SIGN] = SLOT_SIGN,
	    [WORD_CLOCK] = SLOT_HOUR,
	    [WORD_HALF_OF_DAY] = SLOT_HALF_OF_DAY,
	    [WORD_UTC] = SLOT_OFFSET,
	};
	const struct word *w = r->at++;
	return when_put(r, slots[w->kind], w->value, err);
}

static bool take_word_of_amount(struct reading *r, struct err *err)
{
	const struct word *w = r->at++;
	return add_amount(r, w->unit, w->value, err);
}

static bool take_word_of_period(struct reading *r, struct err *err)
{
	const struct word *w = r->at++;
	return put_period(r, w->unit, w->value, err);
}

static bool take_weekend(struct reading *r, struct err *err)
{
	(void)r;
	return err_set(err, "a weekend has two days; write saturday or sunday");
}

static bool (*const take[WORD_KINDS])(struct reading *r, struct err *err) = {
    [WORD_NUMBER] = take_number,
    [WORD_MARK] = take_mark,
    [WORD_AMOUNT] = take_word_of_amount,
    [WORD_NOW] = take_simple,
    [WORD_DAY] = take_simple,
    [WORD_WEEKDAY] = take_simple,
    [WORD_MONTH] = take_simple,
    [WORD_PERIOD] = take_word_of_period,
    [WORD_SIDE] = take_side,
    [WORD_EDGE] = take_edge,
    [WORD_SECOND_OF] = take_edge,
    [WORD_SIGN] = take_simple,
    [WORD_HALF_OF_DAY] = take_simple,
    [WORD_CLOCK] = take_simple,
    [WORD_UTC] = take_simple,
    [WORD_WEEKEND] = take_weekend,
};

bool when_take(struct reading *r, struct err *err)
{
	if (r->words.count == 0)
		return err_set(err, "no time is said; write, for example, tomorrow 3pm");
	r->at = r->words.list;
	while (r->at->kind != WORD_END) {
		if (!take[r->at->kind])
			return err_set(err, "a word that goes behind a number stands alone; write, for example, \"3 days "
			                    "ago\" or \"end of month\"");
		if (!take[r->at->kind](r, err))
			return false;
	}
	return true;
}
