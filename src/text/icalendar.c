/* Icalendar: one function knows how a content line is folded, one how text is escaped; all else is the order of lines.
 *
 * Invariant: what goes through put_text() cannot end its line, whatever it holds, so no value can forge a property. */
#include "text/icalendar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/time.h"

enum {
	FEED_REFRESH_MINUTES = 15,
	LAST_DAY = 2932896, /* 9999-12-31: the day behind it has no four digits */
	STAMP_SIZE = 17,
};

/* Folds: a line goes on behind CRLF and a space, which counts; never within a character. */
static void put_line(FILE *out, const char *line)
{
	size_t left = strlen(line), room = ICALENDAR_LINE_OCTETS;

	while (left > room) {
		size_t cut = room;
		while (room - cut < 3 && (line[cut] & 0xC0) == 0x80)
			cut--;
		fwrite(line, 1, cut, out);
		fputs("\r\n ", out);
		line += cut;
		left -= cut;
		room = ICALENDAR_LINE_OCTETS - 1;
	}
	fwrite(line, 1, left, out);
	fputs("\r\n", out);
}

static void put(struct arena *arena, FILE *out, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(struct arena *arena, FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(out, arena_vprintf(arena, format, args));
	va_end(args);
}

/* RFC 5545 section 3.3.11. A control character has no place in TEXT, escaped or not: a space stands for it. */
static const char *escape(struct arena *arena, const char *text)
{
	char *escaped = arena_alloc(arena, 2 * strlen(text) + 1), *to = escaped;

	for (const char *from = text; *from; from++) {
		unsigned char byte = (unsigned char)*from;
		if (byte == '\r' && from[1] == '\n')
			continue;
		if (byte == '\n' || byte == '\r') {
			*to++ = '\\';
			*to++ = 'n';
			continue;
		}
		if (strchr("\\;,", byte))
			*to++ = '\\';
		*to++ = (byte < 0x20 && byte != '\t') || byte == 0x7F ? ' ' : *from;
	}
	*to = '\0';
	return escaped;
}

static void put_text(struct arena *arena, FILE *out, const char *name, const char *text)
{
	if (text)
		put(arena, out, "%s:%s", name, escape(arena, text));
}

/* Section 3.3.5, form 2: 20261127T000000Z. */
static void stamp_of(int64_t micros, char stamp[static STAMP_SIZE])
{
	char text[TIME_INSTANT_SIZE];
	size_t length = 0;

	time_format_instant(micros, text);
	for (const char *at = text; length < STAMP_SIZE - 2; at++)
		if (*at != '-' && *at != ':')
			stamp[length++] = *at;
	memcpy(stamp + length, "Z", 2);
}

static void put_instant(struct arena *arena, FILE *out, const char *name, int64_t micros)
{
	char stamp[STAMP_SIZE];

	stamp_of(micros, stamp);
	put(arena, out, "%s:%s", name, stamp);
}

static void put_day(struct arena *arena, FILE *out, const char *name, int32_t day)
{
	char text[TIME_DAY_SIZE];

	time_format_day(day, text);
	put(arena, out, "%s;VALUE=DATE:%.4s%.2s%.2s", name, text, text + 5, text + 8);
}

static void put_categories(struct arena *arena, FILE *out, const char *const *categories)
{
	const char *list = NULL;

	for (size_t i = 0; categories && categories[i]; i++)
		list = arena_printf(arena, "%s%s%s", list ? list : "", list ? "," : "", escape(arena, categories[i]));
	if (list)
		put(arena, out, "CATEGORIES:%s", list);
}

/* DTEND is the first moment behind the event, and must lie behind DTSTART (section 3.8.2.2): left out where none can be
 * said, and then an event of days lasts one, any other takes no time. */
static void put_event_times(struct arena *arena, FILE *out, const struct icalendar_item *item)
{
	char starts[STAMP_SIZE], ends[STAMP_SIZE];

	if (item->all_day) {
		int32_t behind = item->last_day < LAST_DAY ? item->last_day + 1 : LAST_DAY;
		put_day(arena, out, "DTSTART", item->first_day);
		if (behind > item->first_day)
			put_day(arena, out, "DTEND", behind);
		put(arena, out, "TRANSP:TRANSPARENT");
		return;
	}
	stamp_of(item->starts_us, starts);
	stamp_of(item->ends_us, ends);
	put(arena, out, "DTSTART:%s", starts);
	if (strcmp(ends, starts) > 0)
		put(arena, out, "DTEND:%s", ends);
}

static void put_todo_times(struct arena *arena, FILE *out, const struct icalendar_item *item)
{
	put_instant(arena, out, "DUE", item->due_us);
	if (strcmp(item->status, "COMPLETED") == 0)
		put_instant(arena, out, "COMPLETED", item->updated_us);
}

/* An instant of its own: a trigger relative to DUE is what readers get wrong. */
static void put_alarm(struct arena *arena, FILE *out, const struct icalendar_item *item)
{
	put(arena, out, "BEGIN:VALARM");
	put(arena, out, "ACTION:DISPLAY");
	put_instant(arena, out, "TRIGGER;VALUE=DATE-TIME", item->due_us);
	put_text(arena, out, "DESCRIPTION", item->summary);
	put(arena, out, "END:VALARM");
}

static void put_item(struct arena *arena, FILE *out, const struct icalendar_item *item)
{
	const char *component = item->kind == ICALENDAR_EVENT ? "VEVENT" : "VTODO";

	put(arena, out, "BEGIN:%s", component);
	put_text(arena, out, "UID", item->uid);
	put_instant(arena, out, "DTSTAMP", item->updated_us);
	put_instant(arena, out, "CREATED", item->created_us);
	put_instant(arena, out, "LAST-MODIFIED", item->updated_us);
	put(arena, out, "SEQUENCE:%ld", item->sequence);
	(item->kind == ICALENDAR_EVENT ? put_event_times : put_todo_times)(arena, out, item);
	put(arena, out, "STATUS:%s", item->status);
	put_text(arena, out, "SUMMARY", item->summary);
	put_text(arena, out, "LOCATION", item->location);
	put_text(arena, out, "DESCRIPTION", item->description);
	put_categories(arena, out, item->categories);
	if (item->alarm && item->kind == ICALENDAR_TODO)
		put_alarm(arena, out, item);
	put(arena, out, "END:%s", component);
}

/* NAME and REFRESH-INTERVAL are of RFC 7986; what begins with X- is what many readers know instead. */
static void put_head(struct arena *arena, FILE *out, const struct icalendar_head *head)
{
	put(arena, out, "BEGIN:VCALENDAR");
	put(arena, out, "VERSION:2.0");
	put(arena, out, "PRODID:-//tracktwo//tracktwo//EN");
	put(arena, out, "CALSCALE:GREGORIAN");
	put_text(arena, out, "METHOD", head->method);
	put_text(arena, out, "NAME", head->name);
	put_text(arena, out, "X-WR-CALNAME", head->name);
	put_text(arena, out, "DESCRIPTION", head->description);
	put_text(arena, out, "X-WR-CALDESC", head->description);
	if (head->refresh_minutes > 0) {
		put(arena, out, "REFRESH-INTERVAL;VALUE=DURATION:PT%uM", head->refresh_minutes);
		put(arena, out, "X-PUBLISHED-TTL:PT%uM", head->refresh_minutes);
	}
}

const char *icalendar_write(struct arena *arena, const struct icalendar_head *head, const struct icalendar_item *items,
                            size_t count)
{
	struct arena scratch = {0};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	put_head(&scratch, out, head);
	for (size_t i = 0; i < count; i++) {
		put_item(&scratch, out, &items[i]);
		arena_release(&scratch);
	}
	put(&scratch, out, "END:VCALENDAR");
	if (fclose(out) != 0)
		abort();
	const char *copy = arena_copy(arena, text, length);
	free(text);
	arena_release(&scratch);
	return copy;
}

/* What calendar.export calls a state, and what RFC 5545 does. A postponed event has its old time until it is given
 * another one, so nobody should count on it; a reminder that was seen is being seen to. */
static const struct {
	enum icalendar_kind kind;
	const char *ours, *theirs;
	bool alarm;
} statuses[] = {
    {ICALENDAR_EVENT, "tentative", "TENTATIVE", false},    {ICALENDAR_EVENT, "planned", "CONFIRMED", false},
    {ICALENDAR_EVENT, "postponed", "TENTATIVE", false},    {ICALENDAR_EVENT, "held", "CONFIRMED", false},
    {ICALENDAR_EVENT, "cancelled", "CANCELLED", false},    {ICALENDAR_TODO, "pending", "NEEDS-ACTION", true},
    {ICALENDAR_TODO, "due", "NEEDS-ACTION", true},         {ICALENDAR_TODO, "failed", "NEEDS-ACTION", true},
    {ICALENDAR_TODO, "acknowledged", "IN-PROCESS", false}, {ICALENDAR_TODO, "done", "COMPLETED", false},
    {ICALENDAR_TODO, "cancelled", "CANCELLED", false},
};

static bool read_status(const json_t *json, struct icalendar_item *item, struct err *err)
{
	const char *status = json_string_value(json_object_get(json, "status"));

	for (size_t i = 0; status && i < sizeof statuses / sizeof *statuses; i++) {
		if (statuses[i].kind != item->kind || strcmp(statuses[i].ours, status) != 0)
			continue;
		item->status = statuses[i].theirs;
		item->alarm = statuses[i].alarm;
		return true;
	}
	return err_set(err, "a calendar's item has a status that this version does not know");
}

static bool read_instant(const json_t *json, const char *name, int64_t *micros, struct err *err)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text ? time_parse_instant(text, micros, err) : err_set(err, "a calendar's item has no %s", name);
}

static bool read_day(const json_t *json, const char *name, int32_t *day, struct err *err)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text ? time_parse_day(text, day, err) : err_set(err, "a calendar's item has no %s", name);
}

static bool read_times(const json_t *json, struct icalendar_item *item, struct err *err)
{
	if (item->kind == ICALENDAR_TODO)
		return read_instant(json, "due_at", &item->due_us, err);
	item->all_day = json_is_string(json_object_get(json, "starts_on"));
	if (item->all_day)
		return read_day(json, "starts_on", &item->first_day, err) && read_day(json, "ends_on", &item->last_day, err);
	if (!read_instant(json, "starts_at", &item->starts_us, err))
		return false;
	item->ends_us = item->starts_us;
	return !json_is_string(json_object_get(json, "ends_at")) || read_instant(json, "ends_at", &item->ends_us, err);
}

/* "Countries: CN, KR", and each of them to the categories. */
static const char *read_codes(struct arena *arena, const json_t *json, const char *name, const char *title,
                              const char **categories, size_t *count)
{
	const json_t *list = json_object_get(json, name);
	const char *line = NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *code = json_string_value(json_array_get(list, i));
		if (!code)
			continue;
		categories[(*count)++] = code;
		line = line ? arena_printf(arena, "%s, %s", line, code) : arena_printf(arena, "\n%s: %s", title, code);
	}
	return line ? line : "";
}

static void read_description(struct arena *arena, const json_t *json, struct icalendar_item *item)
{
	const json_t *countries = json_object_get(json, "countries"), *workstreams = json_object_get(json, "workstreams");
	size_t most = json_array_size(countries) + json_array_size(workstreams), count = 0;
	const char **categories = arena_alloc(arena, (most + 1) * sizeof *categories);
	const char *first = read_codes(arena, json, "countries", "Countries", categories, &count);
	const char *second = read_codes(arena, json, "workstreams", "Workstreams", categories, &count);

	item->categories = categories;
	item->location = json_string_value(json_object_get(json, "location"));
	if (item->kind == ICALENDAR_EVENT)
		item->description =
		    arena_printf(arena, "Status: %s%s%s", json_string_value(json_object_get(json, "status")), first, second);
}

bool icalendar_read_item(struct arena *arena, const json_t *json, struct icalendar_item *item, struct err *err)
{
	const char *kind = json_string_value(json_object_get(json, "kind"));
	json_int_t version = json_integer_value(json_object_get(json, "version"));

	*item = (struct icalendar_item){.kind = kind && strcmp(kind, "todo") == 0 ? ICALENDAR_TODO : ICALENDAR_EVENT};
	item->uid = json_string_value(json_object_get(json, "id"));
	item->summary = json_string_value(json_object_get(json, "title"));
	item->sequence = version > 0 ? (long)version - 1 : 0;
	if (!kind || !item->uid || !item->summary)
		return err_set(err, "a calendar's item has no kind, id or title");
	if (!read_status(json, item, err) || !read_times(json, item, err) ||
	    !read_instant(json, "created_at", &item->created_us, err) ||
	    !read_instant(json, "updated_at", &item->updated_us, err))
		return false;
	read_description(arena, json, item);
	return true;
}

bool icalendar_write_export(struct arena *arena, const json_t *export, const char **text, struct err *err)
{
	const json_t *list = json_object_get(export, "items");
	json_int_t left_out = json_integer_value(json_object_get(export, "left_out"));
	size_t count = json_array_size(list);
	struct arena scratch = {0};
	struct icalendar_item *items = arena_alloc(&scratch, count * sizeof *items);
	struct icalendar_head head = {.name = json_string_value(json_object_get(export, "name")),
	                              .refresh_minutes = FEED_REFRESH_MINUTES};
	bool read = json_is_array(list) || err_set(err, "there are no items to make a calendar of");

	if (left_out > 0)
		head.description = arena_printf(&scratch, "%lld more entries are left out.", (long long)left_out);
	for (size_t i = 0; i < count && read; i++)
		read = icalendar_read_item(&scratch, json_array_get(list, i), &items[i], err);
	if (read)
		*text = icalendar_write(arena, &head, items, count);
	arena_release(&scratch);
	return read;
}
