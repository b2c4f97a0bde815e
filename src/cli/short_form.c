/* Short forms: texts are cut at marks, and the cut is moved until both halves make sense. */
#include "cli/short_form.h"

#include <stdio.h>
#include <string.h>

#include "api/types.h"
#include "text/language.h"
#include "text/time.h"

static const char *copy_trimmed(struct arena *arena, const char *from, const char *to)
{
	while (from < to && strchr(" \t", *from))
		from++;
	while (to > from && strchr(" \t", to[-1]))
		to--;
	return arena_copy(arena, from, (size_t)(to - from));
}

static bool is_when(const char *text, const struct when_clock *clock)
{
	struct when when;
	return *text && strlen(text) <= WHEN_BYTES_MAX && when_read(text, clock, &when, NULL);
}

bool short_form_due(struct arena *arena, const char *text, const struct when_clock *clock, const char **when,
                    const char **note, struct err *err)
{
	*when = NULL;
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		const char *words = copy_trimmed(arena, text, colon);
		if (!is_when(words, clock))
			continue;
		*when = words;
		*note = copy_trimmed(arena, colon + 1, text + strlen(text));
	}
	if (!*when)
		return err_set(err, say("must be WHEN:NOTE, such as +7d:\"send the paper\""));
	return **note || err_set(err, say("needs a note behind the time, such as +7d:\"send the paper\""));
}

bool short_form_side(struct arena *arena, const char *text, const char **title, const char **when, struct err *err)
{
	const char *mark = strrchr(text, '@');
	if (mark) {
		*title = copy_trimmed(arena, text, mark);
		*when = copy_trimmed(arena, mark + 1, text + strlen(text));
	}
	return (mark && **title && **when) || err_set(err, say("must be TITLE@WHEN, such as \"Lunch@12:30\""));
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);
	return length > tail && strcmp(text + length - tail, end) == 0;
}

/* Parts the day from the end of a promise: the longest reading wins. */
static void part_day(struct arena *arena, const char *text, const struct when_clock *clock, const char **promise,
                     const char **day)
{
	static const char until[] = "까지", by[] = " by ";
	*promise = text;
	*day = NULL;
	if (ends_with(text, until)) {
		const char *end = text + strlen(text) - strlen(until);
		for (const char *space = strchr(text, ' '); space && space < end && !*day; space = strchr(space + 1, ' ')) {
			const char *words = copy_trimmed(arena, space, end);
			if (!is_when(words, clock))
				continue;
			*promise = copy_trimmed(arena, text, space);
			*day = words;
		}
		return;
	}
	for (const char *at = strstr(text, by); at && !*day; at = strstr(at + 1, by)) {
		const char *words = copy_trimmed(arena, at + strlen(by), text + strlen(text));
		if (!is_when(words, clock))
			continue;
		*promise = copy_trimmed(arena, text, at);
		*day = words;
	}
}

bool short_form_promise(struct arena *arena, const char *text, const struct when_clock *clock, const char **who,
                        const char **promise, const char **day, struct err *err)
{
	const char *colon = strchr(text, ':');
	if (colon) {
		*who = copy_trimmed(arena, text, colon);
		part_day(arena, copy_trimmed(arena, colon + 1, text + strlen(text)), clock, promise, day);
	}
	return (colon && **who && **promise) ||
	       err_set(err, say("must be WHO: TEXT by DAY, such as \"them: the list of families by 1 Dec\""));
}

/* Korean words for choices. */
static const char *const korean[][2] = {
    {"면담", "meeting"},
    {"회의", "meeting"},
    {"회담", "negotiation"},
    {"협상", "negotiation"},
    {"통화", "call"},
    {"전화", "call"},
    {"서신", "message"},
    {"연락", "message"},
    {"방문", "visit"},
    {"출장", "visit"},
    {"국제회의", "conference"},
    {"학술회의", "conference"},
    {"세미나", "workshop"},
    {"워크숍", "workshop"},
    {"다자회의", "multilateral"},
    {"문화교류", "cultural-exchange"},
    {"이산가족", "family-reunion"},
    {"인도지원", "humanitarian"},
    {"교육", "education"},
    {"연구", "research"},
    {"언론", "media"},
    {"기타", "other"},
    {"의장", "chair"},
    {"공동의장", "co-chair"},
    {"참석", "participant"},
    {"참관", "observer"},
    {"통역", "interpreter"},
    {"주최", "host"},
    {"주관", "convenor"},
    {"후원", "sponsor"},
    {"중개", "intermediary"},
    {"공식", "official"},
    {"개인", "personal"},
    {"전직", "former-official"},
    {"전문가", "expert"},
    {"초청", "invited"},
    {"수락", "accepted"},
    {"거절", "declined"},
    {"출석", "attended"},
    {"불참", "absent"},
    {"공개", "open"},
    {"내부", "internal"},
    {"제한", "restricted"},
    {"비밀", "secret"},
    {"실명", "on-record"},
    {"채텀하우스", "chatham-house"},
    {"배경", "background"},
    {"비보도", "off-record"},
};

const char *short_form_choice(const char *word)
{
	for (size_t i = 0; i < sizeof korean / sizeof *korean; i++)
		if (strcmp(word, korean[i][0]) == 0)
			return korean[i][1];
	return word;
}

static bool is_choice(const struct type *type, const char *word)
{
	for (size_t i = 0; type->choices[i]; i++)
		if (strcmp(type->choices[i], word) == 0)
			return true;
	return false;
}

static bool take_word(struct short_form_person *person, const char *word, struct err *err)
{
	const char *choice = short_form_choice(word);
	if (is_choice(&api_participant_role, choice))
		person->role = choice;
	else if (is_choice(&api_capacity, choice))
		person->capacity = choice;
	else if (is_choice(&api_attendance, choice))
		person->attendance = choice;
	else
		return err_set(err,
		               say("\"%s\" is no part in an event; write chair, interpreter, observer, personal, expert, "
		                   "absent or the like"),
		               word);
	return true;
}

/* [:WORD…][@SIDE], all of `text`. */
static bool take_words(struct arena *arena, const char *text, struct short_form_person *person, struct err *err)
{
	const char *side = strchr(text, '@'), *end = side ? side : text + strlen(text);
	if (side)
		person->side = copy_trimmed(arena, side + 1, text + strlen(text));
	while (text < end) {
		const char *from = text + 1, *to = from;
		while (to < end && *to != ':')
			to++;
		if (!take_word(person, copy_trimmed(arena, from, to), err))
			return false;
		text = to;
	}
	return true;
}

bool short_form_person(struct arena *arena, const char *text, struct short_form_person *person, struct err *err)
{
	size_t length = strcspn(text, ":@");
	*person = (struct short_form_person){.who = copy_trimmed(arena, text, text + length)};
	if (!*person->who)
		return err_set(err, say("must name somebody, such as 왕이:chair"));
	return take_words(arena, text + length, person, err);
}

bool short_form_contact(struct arena *arena, const char *text, struct short_form_contact *contact, struct err *err)
{
	const char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL;
	*contact = (struct short_form_contact){0};
	if (close) {
		const char *comma = open + strcspn(open, ",)");
		contact->name = copy_trimmed(arena, text, open);
		contact->country = copy_trimmed(arena, open + 1, comma);
		if (comma < close)
			contact->organization = copy_trimmed(arena, comma + 1, close);
	}
	if (!close || !*contact->name || !*contact->country || (contact->organization && !*contact->organization) ||
	    (close[1] && close[1] != ':' && close[1] != '@'))
		return err_set(err, say("must be NAME (COUNTRY, ORGANIZATION), such as \"김영철 (KP, Workers' Party)\""));
	contact->part.who = contact->name;
	return take_words(arena, close + 1, &contact->part, err);
}

const char *short_form_on_day(struct arena *arena, const char *words, int32_t day, const struct when_clock *clock)
{
	char text[TIME_DAY_SIZE];
	struct when when;
	time_format_day(day, text);
	const char *both = arena_printf(arena, "%s %s", text, words);
	return strlen(both) <= WHEN_BYTES_MAX && when_read(both, clock, &when, NULL) && when.kind == WHEN_INSTANT ? both
	                                                                                                          : NULL;
}
