/* Web's inside: what the routes (web.c), the event streams (web_events.c) and the calendars (web_calendar.c) share. */
#ifndef TRACKTWO_SRC_DAEMON_WEB_LINK_H
#define TRACKTWO_SRC_DAEMON_WEB_LINK_H

#include <sys/queue.h>

#include "daemon/backups.h"
#include "daemon/web.h"
#include "io/http.h"

struct web_stream;
LIST_HEAD(web_streams, web_stream);

/* A scrape that waits for the database. */
struct web_scrape {
	struct web_scrape *next;
	struct http_exchange *exchange;
};

struct web {
	struct web_options options;
	struct http_server *http;
	struct backups *backups;
	struct arena arena;
	struct web_streams streams;
	struct pg_statement reminders_statement, calendar_statement;
	json_t *reminders; /* {state: count}; NULL while the database has not told */
	int64_t reminders_us, started_us;
	bool asking;
	struct web_scrape *scrapes;
};

/* A session for the client of an exchange, known by its token, or by its user. */
struct rpc_session *web_session(struct web *web, struct http_exchange *exchange, const struct rpc_transport *transport,
                                void *peer);

/* 404, in the words of every path that is no route. */
void web_reply_nothing(struct http_exchange *exchange);

#define WEB_CALENDAR "/calendar/"
/* GET of what lies below it. */
void web_on_calendar(struct web *web, struct http_exchange *exchange);

/* GET /events. */
void web_on_events(struct web *web, struct http_exchange *exchange);
/* http's on_gone, for streams. */
void web_on_gone(struct http_exchange *exchange, void *context);
/* Ends the stream and its session. */
void web_stream_end(struct web_stream *stream);

#endif
