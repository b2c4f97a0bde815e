/* Feed: tells whoever subscribed what is written, as it is.
 *
 * The trail in the database is the queue: a subscription is a mark in it, and the daemon holds nothing that it has not
 * sent. Hints say when to look: this daemon's own writes, a word from another daemon, and a clock for what no hint told
 * of. Each look is change.list, oldest first, as the subscriber would call it, so that what may be seen is decided
 * there and anew each time. Who does not read is not read for: what waits on their connection stays below a page and
 * the transport's mark, and they go on from where they were. */
#ifndef TRACKTWO_FEED_FEED_H
#define TRACKTWO_FEED_FEED_H

#include "io/migrate.h"
#include "io/pg.h"
#include "rpc/call.h"
#include "rpc/rpc.h"

struct event_base;
struct feed;

enum {
	FEED_PAGE = 100,              /* changes of one look */
	FEED_AT_ONCE = 4,             /* looks under way */
	FEED_PACE_MS = 5,             /* between two looks for one subscription, and between two words to other daemons */
	FEED_SCAN_MS = 2000,          /* the longest time without a look */
	FEED_ANNOUNCE_S = 30,         /* how often other daemons are told that somebody listens here */
	FEED_SUBSCRIPTIONS_MOST = 16, /* of one connection */
};

/* All borrowed, for as long as the feed lives. */
struct feed_options {
	struct event_base *base;
	struct pg_pool *pool;
	const struct registry *registry; /* has change.list */
	const char *api_schema;
	const char *daemon_id;
};

/* Registers its statements with the pool. */
struct feed *feed_new(const struct feed_options *options);
/* Pending calls are refused. After the pool is stopped. */
void feed_free(struct feed *feed);

/* The handler of change.subscribe; its context is the feed. Answers when the subscription stands; then come the
 * notifications. */
void feed_on_subscribe(struct call *call, void *feed);

/* A session ends: its subscriptions go. */
void feed_forget(struct feed *feed, const struct rpc_session *session);

/* Principals have changed: a session that is nobody's any more ends, and the next look decides of the rest. */
void feed_on_principals(struct feed *feed);

/* A call of this daemon's has written. Costs nothing while nobody listens, here or elsewhere. */
void feed_on_written(struct feed *feed);

/* A notification for daemons: "change DAEMON", somebody has written there; "listen DAEMON", somebody listens there;
 * NULL: any may have been missed. Others are passed over. */
void feed_on_notify(struct feed *feed, const char *payload);

/* The api functions that the feed calls beside the methods'. */
extern const struct migrate_function feed_functions[];
extern const size_t feed_function_count;

#endif
