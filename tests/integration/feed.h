/* Feed: a daemon with HTTP and everything logged that can be, and calendars as those who hold their paths see them. */
#ifndef TRACKTWO_TESTS_FEED_H
#define TRACKTWO_TESTS_FEED_H

#include "single.h"
#include "web.h"

/* What most engagements here are made of, all on one country and one workstream. */
#define PLACED "'kind':'meeting','countries':['MN'],'workstreams':['2.3']"

extern const char bootstrap[]; /* the administrator's id */
extern int feed_port;          /* of HTTP */

/* cmocka group set-up and tear-down; single.h's client is the administrator. */
int feed_setup(void **state);
int feed_teardown(void **state);

struct feed {
	char id[37], token[80], path[128];
};

/* A connection of somebody new, of that role; `id` becomes the principal. */
void feed_open_as(struct client *somebody, const char *role, char id[37]);

/* calendar.create with these params, in the words of json_of(). */
struct feed feed_of(struct client *holder, const char *params);

/* A request of a path, on a connection of its own; `more` are header lines. web_answer_free() it. */
struct web_answer feed_ask(const char *verb, const char *path, const char *more);
int feed_status(const char *path);
/* The feed, which must be there. web_answer_free() it. */
struct web_answer feed_fetched(const struct feed *feed);
/* Does the feed show the record? */
bool feed_shows(const struct feed *feed, const char *id);

/* made() by another client. */
char *feed_made(struct client *writer, const char *method, json_t *params);

#endif
