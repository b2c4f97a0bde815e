/* Engine: sees to it that reminders arrive: as notifications to whoever subscribed, as mail, as posts to webhooks.
 *
 * One timer stands for whatever is to happen next; the database says how far away it is, by its own clock, and says so
 * again when a reminder changes (NOTIFY). The engine asks one question at a time, so that what it hears is in order: a
 * fresh subscriber gets what is already due, page by page, before anything newer. What nobody acknowledges comes again
 * when its lease ends, under the same delivery_id. Any number of daemons may run on one database. */
#ifndef TRACKTWO_REMIND_ENGINE_H
#define TRACKTWO_REMIND_ENGINE_H

#include "io/migrate.h"
#include "io/pg.h"
#include "rpc/call.h"
#include "rpc/rpc.h"

struct event_base;
struct engine;

enum {
	ENGINE_LEASE_S = 60,            /* until an unacknowledged delivery comes again */
	ENGINE_RECHECK_S = 30,          /* the longest sleep of the timer: a clock may have jumped */
	ENGINE_CLAIM_MOST = 400,        /* deliveries of one claim or page */
	ENGINE_SUBSCRIPTIONS_MOST = 16, /* of one connection */
};

/* All borrowed, for as long as the engine lives. */
struct engine_options {
	struct event_base *base;
	struct pg_pool *pool;
	const char *api_schema;
	const char *daemon_id; /* stands in the ledger as the claimer */
	struct mailer *mailer; /* NULL: this daemon sends no mail */
	const char *mail_from; /* "local@domain" or "Name <local@domain>"; its domain is that of Message-IDs */
	struct webhooks *webhooks;
	size_t at_once;       /* messages under way */
	long message_lease_s; /* longer than a message can be under way */
	long retry_first_s;   /* the first back-off of a message; it doubles from there */
	long attempts_most;   /* of a message, before it has failed */
};

/* Registers its statements with the pool; asks nothing before engine_start(). */
struct engine *engine_new(const struct engine_options *options);
/* Other senders, other numbers from now on; base, pool, api_schema and daemon_id stay as they were. */
void engine_configure(struct engine *engine, const struct engine_options *options);
/* Pending calls are refused. After the pool is stopped and the senders are freed. */
void engine_free(struct engine *engine);

/* The database is in reach, and knows the api. */
void engine_start(struct engine *engine);
/* Nothing new is claimed; what is under way ends, and is reported. */
void engine_stop(struct engine *engine);
/* Messages under way or about to be, and outcomes that are not reported yet. */
size_t engine_pending(const struct engine *engine);

/* The handler of reminder.subscribe; its context is the engine. Answers when the first page of what is due is there. */
void engine_on_subscribe(struct call *call, void *engine);

/* A session ends: its subscriptions go. */
void engine_forget(struct engine *engine, const struct rpc_session *session);

/* Principals have changed: whoever may no longer listen is cut off. */
void engine_on_principals(struct engine *engine);

/* Something may have come due, or be due earlier than the timer thinks. */
void engine_wake(struct engine *engine);

/* The notification "delivery DAEMON ID,ID…": another daemon claimed these, and this one has subscribers too. */
void engine_on_claimed_elsewhere(struct engine *engine, const char *payload);

/* The api functions that the engine calls. */
extern const struct migrate_function engine_functions[];
extern const size_t engine_function_count;

#endif
