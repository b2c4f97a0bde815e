/* Recurrence, the rule as text: one table says what each part may hold; the only file that includes libical.
 *
 * libical reads the lists and writes the canonical text, but takes much that RFC 5545 section 3.3.10 refuses (parts it
 * does not know, numbers cut to a byte, spaces, INTERVAL=1 twice), so every value is looked at here first. Its iterator
 * is not used: by measurement it departs from the RFC wherever BYSETPOS, several times a day or numbers from the end
 * meet, and a rule that hardly ever comes true holds it for seconds, which a daemon of one thread cannot give.
 *
 * Invariant: what libical gets is upper case and has passed the table. */
#include "text/recurrence.h"

#include <assert.h>
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "recurrence_rule.h"
#include "text/nearest.h"
#include "text/time.h"

static_assert(RECURRENCE_INTERVAL_MAX <= INT16_MAX, "libical keeps the interval in a short");

struct reading {
	char text[RECURRENCE_RULE_MAX + 1]; /* upper case, without the prefix */
	unsigned seen;                      /* a bit for each row of `parts` */
	struct recurrence_rule *rule;
};

struct part {
	const char *name;
	bool (*check)(struct reading *, const struct part *, char *value, struct err *);
	int lowest, highest;
	bool from_end;           /* -1 … -highest, too; then no 0 */
	bool list;               /* several, with commas */
	unsigned never_with;     /* frequencies, a bit each */
	const char *never_words; /* the same in words */
};

static const char *const weekdays[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
static const char *const freqs[] = {
    [RECURRENCE_SECONDLY] = "SECONDLY", [RECURRENCE_MINUTELY] = "MINUTELY", [RECURRENCE_HOURLY] = "HOURLY",
    [RECURRENCE_DAILY] = "DAILY",       [RECURRENCE_WEEKLY] = "WEEKLY",     [RECURRENCE_MONTHLY] = "MONTHLY",
    [RECURRENCE_YEARLY] = "YEARLY",
};

static int index_of(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

/* One to five digits; moves on behind them. */
static bool take_number(const char **at, int *number)
{
	size_t digits = strspn(*at, "0123456789");
	if (digits < 1 || digits > 5)
		return false;
	*number = atoi(*at);
	*at += digits;
	return true;
}

static bool check_number(const struct part *part, const char *text, struct err *err)
{
	int number;
	const char *at = text;
	at += part->from_end && (*at == '+' || *at == '-');
	if (take_number(&at, &number) && *at == '\0' && number >= part->lowest && number <= part->highest)
		return true;
	if (part->from_end)
		return err_set(err, "%s takes %d to %d, or -%d to -%d counted from the end", part->name, part->lowest,
		               part->highest, part->highest, part->lowest);
	return err_set(err, "%s takes %s%d to %d", part->name, part->list ? "" : "one number of ", part->lowest,
	               part->highest);
}

static bool check_numbers(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	(void)reading;
	if (!part->list)
		return check_number(part, value, err);
	/* libical has room for each number once. */
	int count = 0, most = part->highest - part->lowest + 1;
	for (char *item; (item = strsep(&value, ",")); count++)
		if (!check_number(part, item, err))
			return false;
	return count <= most || err_set(err, "%s takes at most %d numbers: name each once", part->name, most);
}

static bool check_freq(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	(void)part;
	int freq = index_of(freqs, sizeof freqs / sizeof freqs[0], value);
	if (freq < 0)
		return err_set(err, "FREQ takes YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY");
	reading->rule->freq = (enum recurrence_freq)freq;
	return true;
}

static bool check_weekday(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	reading->rule->week_start = index_of(weekdays, 7, value);
	if (reading->rule->week_start < 0)
		return err_set(err, "%s takes one day of the week: MO, TU, WE, TH, FR, SA or SU", part->name);
	return true;
}

static bool check_days(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	struct recurrence_rule *rule = reading->rule;
	for (char *item; (item = strsep(&value, ","));) {
		const char *at = item;
		bool from_end = *at == '-', numbered = *at == '-' || *at == '+' || (*at >= '0' && *at <= '9');
		int nth = 0;
		at += *at == '-' || *at == '+';
		bool is_number = !numbered || (take_number(&at, &nth) && nth >= part->lowest && nth <= part->highest);
		int weekday = index_of(weekdays, 7, at);
		if (!is_number || weekday < 0)
			return err_set(
			    err, "BYDAY takes days of the week, such as MO,TH; where FREQ is MONTHLY or YEARLY also numbered ones, "
			         "such as 2TU or -1FR, up to 53");
		if (!numbered)
			rule->weekdays |= (uint8_t)(1 << weekday);
		else {
			rule->numbered[rule->numbered_count].nth = (int8_t)(from_end ? -nth : nth);
			rule->numbered[rule->numbered_count++].weekday = (int8_t)weekday;
		}
	}
	return true;
}

/* YYYYMMDD, or with Thhmmss, or with Z behind that, read as what text/time.h reads. */
static bool check_until(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	struct recurrence_rule *rule = reading->rule;
	size_t length = strlen(value);
	char day[sizeof "YYYY-MM-DD"], instant[sizeof "YYYY-MM-DDThh:mm:ssZ"];
	int32_t days;
	int64_t micros;
	if (length != 8 && length != 15 && !(length == 16 && value[15] == 'Z'))
		return err_set(err, "%s takes a day such as 20261231, or a time such as 20261231T090000 or 20261231T000000Z",
		               part->name);
	snprintf(day, sizeof day, "%.4s-%.2s-%.2s", value, value + 4, value + 6);
	if (!time_parse_day(day, &days, err))
		return err_prefix(err, "%s", part->name);
	rule->until = length == 16 ? RECURRENCE_UNTIL_INSTANT : RECURRENCE_UNTIL_LOCAL;
	rule->until_s = (days + 1) * INT64_C(86400) - 1;
	if (length == 8)
		return true;
	snprintf(instant, sizeof instant, "%s%c%.2s:%.2s:%.2sZ", day, value[8], value + 9, value + 11, value + 13);
	if (!time_parse_instant(instant, &micros, err))
		return err_prefix(err, "%s", part->name);
	rule->until_s = micros / 1000000 - (micros % 1000000 < 0);
	return true;
}

static bool refuse_lunar(struct reading *reading, const struct part *part, char *value, struct err *err)
{
	(void)reading;
	(void)value;
	return err_set(err, "%s (RFC 7529) is not supported: leave it out, and give lunar days as single dates",
	               part->name);
}

enum { PART_FREQ, PART_INTERVAL, PART_COUNT, PART_UNTIL, PART_WKST, PART_BYDAY, PART_BYSETPOS, PART_BYWEEKNO };
enum {
	WITH_WEEKLY = 1 << RECURRENCE_WEEKLY,
	WITH_DAILY_TO_MONTHLY = 1 << RECURRENCE_DAILY | WITH_WEEKLY | 1 << RECURRENCE_MONTHLY,
	WITH_ALL_BUT_YEARLY = (1 << RECURRENCE_YEARLY) - 1,
};

static const struct part parts[] = {
    [PART_FREQ] = {.name = "FREQ", .check = check_freq},
    [PART_INTERVAL] = {"INTERVAL", check_numbers, 1, RECURRENCE_INTERVAL_MAX, false, false, 0, NULL},
    [PART_COUNT] = {"COUNT", check_numbers, 1, RECURRENCE_COUNT_MAX, false, false, 0, NULL},
    [PART_UNTIL] = {.name = "UNTIL", .check = check_until},
    [PART_WKST] = {.name = "WKST", .check = check_weekday},
    [PART_BYDAY] = {"BYDAY", check_days, 1, 53, false, false, 0, NULL},
    [PART_BYSETPOS] = {"BYSETPOS", check_numbers, 1, 366, true, true, 0, NULL},
    [PART_BYWEEKNO] = {"BYWEEKNO", check_numbers, 1, 53, true, true, WITH_ALL_BUT_YEARLY, "goes with FREQ=YEARLY only"},
    {"BYSECOND", check_numbers, 0, 60, false, true, 0, NULL},
    {"BYMINUTE", check_numbers, 0, 59, false, true, 0, NULL},
    {"BYHOUR", check_numbers, 0, 23, false, true, 0, NULL},
    {"BYMONTHDAY", check_numbers, 1, 31, true, true, WITH_WEEKLY, "does not go with FREQ=WEEKLY: use MONTHLY"},
    {"BYYEARDAY", check_numbers, 1, 366, true, true, WITH_DAILY_TO_MONTHLY,
     "does not go with FREQ=DAILY, WEEKLY or MONTHLY: use YEARLY"},
    {"BYMONTH", check_numbers, 1, 12, false, true, 0, NULL},
    {.name = "RSCALE", .check = refuse_lunar},
    {.name = "SKIP", .check = refuse_lunar},
};
enum { PART_COUNT_OF = sizeof parts / sizeof parts[0] };

static bool saw(const struct reading *reading, int part)
{
	return reading->seen >> part & 1;
}

static bool check_part(struct reading *reading, char *text, struct err *err)
{
	char *value = strchr(text, '=');
	if (!value || value == text)
		return err_set(
		    err, "a rule is made of parts such as FREQ=MONTHLY;BYMONTHDAY=15, with nothing between or behind them");
	*value++ = '\0';
	struct nearest nearest = {.word = text};
	for (int i = 0; i < PART_COUNT_OF; i++) {
		nearest_offer(&nearest, parts[i].name);
		if (strcmp(parts[i].name, text) != 0)
			continue;
		if (saw(reading, i))
			return err_set(err, "%s stands there twice: write it once", parts[i].name);
		reading->seen |= 1U << i;
		return parts[i].check(reading, &parts[i], value, err);
	}
	if (nearest.name)
		return err_set(err, "a rule has no such part: is %s meant?", nearest.name);
	return err_set(err,
	               "a rule has no such part; it has FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYWEEKNO, BYYEARDAY, "
	               "BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE, BYSECOND and BYSETPOS");
}

static bool check_together(const struct reading *reading, struct err *err)
{
	const struct recurrence_rule *rule = reading->rule;
	const unsigned no_by =
	    1U << PART_FREQ | 1U << PART_INTERVAL | 1U << PART_COUNT | 1U << PART_UNTIL | 1U << PART_WKST;
	if (!saw(reading, PART_FREQ))
		return err_set(err, "the rule lacks FREQ: begin with FREQ=YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY");
	if (saw(reading, PART_COUNT) && saw(reading, PART_UNTIL))
		return err_set(err, "COUNT and UNTIL do not go together: leave out one");
	if (saw(reading, PART_BYSETPOS) && (reading->seen & ~(no_by | 1U << PART_BYSETPOS)) == 0)
		return err_set(err, "BYSETPOS picks among what another BY part names: add one, such as BYDAY=MO,TU,WE,TH,FR");
	for (int i = 0; i < PART_COUNT_OF; i++)
		if (saw(reading, i) && parts[i].never_with >> rule->freq & 1)
			return err_set(err, "%s %s", parts[i].name, parts[i].never_words);
	if (rule->numbered_count > 0 && rule->freq < RECURRENCE_MONTHLY)
		return err_set(err, "a numbered BYDAY such as 2TU goes with FREQ=MONTHLY or YEARLY only: leave out the number");
	if (rule->numbered_count > 0 && saw(reading, PART_BYWEEKNO))
		return err_set(err, "a numbered BYDAY such as 2TU does not go with BYWEEKNO: leave out the number");
	return true;
}

static void take_bits(struct recurrence_bits *bits, const short *list, int highest)
{
	for (; *list != ICAL_RECURRENCE_ARRAY_MAX; list++) {
		int number = abs(*list) < highest ? abs(*list) : highest;
		*(*list < 0 ? &bits->from_end : &bits->from_start) |= UINT64_C(1) << number;
	}
}

static void take_lists(struct recurrence_rule *rule, const struct icalrecurrencetype *read)
{
	rule->interval = read->interval;
	rule->count = read->count;
	take_bits(&rule->months, read->by_month, 12);
	take_bits(&rule->month_days, read->by_month_day, 31);
	take_bits(&rule->weeks, read->by_week_no, 53);
	take_bits(&rule->hours, read->by_hour, 23);
	take_bits(&rule->minutes, read->by_minute, 59);
	/* Section 3.3.12: whoever does not count leap seconds reads the second 60 as 59. */
	take_bits(&rule->seconds, read->by_second, 59);
	for (const short *day = read->by_year_day; *day != ICAL_RECURRENCE_ARRAY_MAX; day++) {
		uint8_t *days = *day < 0 ? rule->year_days_from_end : rule->year_days;
		days[abs(*day) / 8] |= (uint8_t)(1 << abs(*day) % 8);
		rule->has_year_days = true;
	}
	for (const short *place = read->by_set_pos; *place != ICAL_RECURRENCE_ARRAY_MAX; place++)
		rule->positions[rule->position_count++] = *place;
}

static bool copy_upper(const char *text, char upper[static RECURRENCE_RULE_MAX + 1], struct err *err)
{
	static const char prefix[] = "RRULE:";
	if (strncasecmp(text, prefix, sizeof prefix - 1) == 0)
		text += sizeof prefix - 1;
	size_t length = strlen(text);
	if (length > RECURRENCE_RULE_MAX)
		return err_set(err, "a rule has at most %d characters", RECURRENCE_RULE_MAX);
	for (size_t i = 0; i <= length; i++)
		upper[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
	return true;
}

static bool read_rule(const char *text, struct recurrence_rule *rule, struct icalrecurrencetype *read, struct err *err)
{
	struct reading reading = {.rule = rule};
	char whole[RECURRENCE_RULE_MAX + 1];
	memset(rule, 0, sizeof *rule);
	if (!copy_upper(text, whole, err))
		return false;
	memcpy(reading.text, whole, sizeof whole);
	for (char *rest = reading.text, *part; (part = strsep(&rest, ";"));)
		if (!check_part(&reading, part, err))
			return false;
	if (!check_together(&reading, err))
		return false;
	*read = icalrecurrencetype_from_string(whole);
	if (read->freq == ICAL_NO_RECURRENCE)
		return err_set(err, "the rule cannot be read: write it as RFC 5545 section 3.3.10 has it");
	take_lists(rule, read);
	return true;
}

bool recurrence_rule_read(const char *text, struct recurrence_rule *rule, struct err *err)
{
	struct icalrecurrencetype read;
	return read_rule(text, rule, &read, err);
}

bool recurrence_check(struct arena *arena, const char *text, const char **canonical, struct err *err)
{
	struct recurrence_rule rule;
	struct icalrecurrencetype read;
	if (!read_rule(text, &rule, &read, err))
		return false;
	if (rule.freq < RECURRENCE_HOURLY)
		return err_set(err, "FREQ=%s is too often for a reminder: HOURLY is the shortest", freqs[rule.freq]);
	char *written = icalrecurrencetype_as_string_r(&read);
	if (!written)
		return err_set(err, "the rule cannot be written: use fewer parts");
	*canonical = arena_strdup(arena, written);
	icalmemory_free_buffer(written);
	return true;
}
