/* Web, calendars: GET /calendar/TOKEN.ics. The token in the path is all that a phone shows, so it is looked up by its
 * SHA-256 as a bearer's is, whatever it looks like; nothing is answered before the database has said whether it knows
 * it, and what is unknown, revoked or its principal's no more gets one and the same answer. Neither path nor token is
 * ever logged. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text/digest.h"
#include "text/icalendar.h"
#include "text/json.h"
#include "text/time.h"
#include "web_link.h"

static const char suffix[] = ".ics";

/* RFC 9110 section 13.1.2: does the list of If-None-Match hold the tag, compared weakly? */
static bool is_listed(const char *list, const char *tag)
{
	size_t length = strlen(tag);

	while (list && *list) {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (strncmp(list, tag, length) == 0)
			return true;
		/* An opaque tag ends with its quote, and may hold commas. */
		const char *end = *list == '"' ? strchr(list + 1, '"') : NULL;
		list = end ? end + 1 : list + strcspn(list, ",");
	}
	return false;
}

/* When the latest of what is shown was changed. Nothing is concluded from If-Modified-Since: an entry that has gone
 * leaves no later time behind. */
static void add_last_modified(struct http_exchange *exchange, const json_t *feed)
{
	const json_t *items = json_object_get(feed, "items");
	const char *latest = json_string_value(json_object_get(feed, "updated_at"));
	int64_t last = 0, micros;
	char text[64];
	struct tm broken;

	if (!latest || !time_parse_instant(latest, &last, NULL))
		last = 0;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *updated = json_string_value(json_object_get(json_array_get(items, i), "updated_at"));
		if (updated && time_parse_instant(updated, &micros, NULL) && micros > last)
			last = micros;
	}
	if (gmtime_r(&(time_t){last / 1000000}, &broken) &&
	    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken) > 0)
		http_add_header(exchange, "Last-Modified", text);
}

static void reply(struct http_exchange *exchange, const json_t *feed, const char *text)
{
	char hex[DIGEST_HEX_SIZE], tag[DIGEST_HEX_SIZE + 2];
	size_t length = strlen(text);

	digest_of(text, length, hex);
	tag[0] = '"';
	memcpy(tag + 1, hex, DIGEST_HEX_SIZE - 1);
	memcpy(tag + DIGEST_HEX_SIZE, "\"", 2);
	http_add_header(exchange, "ETag", tag);
	http_add_header(exchange, "Cache-Control", "private, no-cache");
	add_last_modified(exchange, feed);
	if (is_listed(http_header(exchange, "If-None-Match"), tag))
		http_reply(exchange, 304, NULL, NULL, 0);
	else
		http_reply(exchange, 200, "text/calendar; charset=utf-8", &(struct conn_piece){text, length}, 1);
}

static void on_feed(const struct pg_result *result, void *context)
{
	struct http_exchange *exchange = context;
	struct arena arena = {0};
	json_t *feed = NULL;
	const char *text;

	if (result->status == PG_OK && !result->text)
		web_reply_nothing(exchange);
	else if (result->status == PG_OK && json_parse(result->text, result->length, &feed, NULL) &&
	         icalendar_write_export(&arena, feed, &text, NULL))
		reply(exchange, feed, text);
	else if (result->status == PG_OK || result->status == PG_RAISED)
		http_reply_text(exchange, 500, "a fault of the daemon's own");
	else
		http_reply_text(exchange, 503, "the database is out of reach; try again in a while");
	json_decref(feed);
	arena_release(&arena);
}

void web_on_calendar(struct web *web, struct http_exchange *exchange)
{
	const char *token = http_path(exchange) + sizeof WEB_CALENDAR - 1;
	size_t length = strlen(token);
	char hex[DIGEST_HEX_SIZE];

	if (length < sizeof suffix || strcmp(token + length - (sizeof suffix - 1), suffix) != 0) {
		web_reply_nothing(exchange);
		return;
	}
	if (!rpc_ready(web->options.rpc)) {
		http_reply_text(exchange, 503, "not ready: starting or stopping");
		return;
	}
	digest_of(token, length - (sizeof suffix - 1), hex);
	pg_submit(web->options.pool, &web->calendar_statement, (const char *const[]){rpc_system_caller, hex}, on_feed,
	          exchange);
}
