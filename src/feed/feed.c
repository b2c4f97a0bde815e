/* Feed: looks for those who listen, and what is sent to them.
 *
 * Invariant: a subscription's mark is behind the last change that was handed to its connection, and moves with it; so
 * whatever is lost on the way, a hint, an answer of the database or the connection, costs time and never a change. A
 * subscription is asked for by one look at a time, and is `due` when something may have been written since that began.
 */
#include "feed/feed.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/uuid.h"
#include "text/json.h"
#include "text/time.h"

enum { CONGESTED_MS = 50, LOST_MS = 1000 };

const struct migrate_function feed_functions[] = {
    {"change_tell", "p_caller uuid, p_word text, p_daemon uuid", true},
};
const size_t feed_function_count = sizeof feed_functions / sizeof *feed_functions;

struct subscription {
	TAILQ_ENTRY(subscription) all;
	struct feed *feed;
	struct rpc_session *session; /* NULL: it has ended, and waits for the answer to its look */
	struct call *call;           /* change.subscribe, until it is answered */
	char id[UUID_TEXT_SIZE], caller[UUID_TEXT_SIZE];
	json_t *filter; /* parameters of change.list */
	char *after;    /* its mark; NULL until the database has said where now is */
	bool due, asking;
	int64_t next_us, scan_us; /* on the monotonic clock: not before; and at the latest */
};

struct feed {
	struct feed_options options;
	struct arena arena;
	const struct method *list;
	struct pg_statement look, tell;
	TAILQ_HEAD(, subscription) subscriptions; /* who was asked for longest ago comes first */
	struct event step;
	size_t asking;
	bool telling, tell_due, announce_due;
	int64_t tell_us, announce_us; /* not before; and next */
	int64_t others_until_us;      /* so long somebody listens elsewhere, as far as known */
};

static void feed_step_in(struct feed *feed, int64_t us)
{
	us = us < 0 ? 0 : us;
	event_add(&feed->step, &(struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000});
}

static void feed_wake(struct feed *feed)
{
	struct subscription *at;
	TAILQ_FOREACH(at, &feed->subscriptions, all)
		at->due = true;
	event_active(&feed->step, EV_TIMEOUT, 0);
}

static void subscription_free(struct subscription *subscription)
{
	json_decref(subscription->filter);
	free(subscription->after);
	free(subscription);
}

/* Out of the list; `refusal` is the error's text for a call that has had no answer. */
static void subscription_end(struct subscription *subscription, const char *refusal)
{
	struct call *call = subscription->call;

	TAILQ_REMOVE(&subscription->feed->subscriptions, subscription, all);
	subscription->call = NULL;
	subscription->session = NULL;
	if (!subscription->asking)
		subscription_free(subscription);
	if (call)
		call_refuse_as(call, refusal);
}

static void subscription_end_for(struct subscription *subscription, enum error_kind kind, const char *message)
{
	struct arena arena = {0};
	subscription_end(subscription, error_text(&arena, kind, message, NULL));
	arena_release(&arena);
}

void feed_forget(struct feed *feed, const struct rpc_session *session)
{
	for (struct subscription *at = TAILQ_FIRST(&feed->subscriptions), *next; at; at = next) {
		next = TAILQ_NEXT(at, all);
		if (at->session == session)
			subscription_end_for(at, ERROR_UNAVAILABLE, "the client has gone");
	}
}

static size_t subscriptions_of(const struct feed *feed, const struct rpc_session *session)
{
	const struct subscription *at;
	size_t count = 0;
	TAILQ_FOREACH(at, &feed->subscriptions, all)
		count += at->session == session;
	return count;
}

void feed_on_subscribe(struct call *call, void *context)
{
	struct feed *feed = context;
	struct rpc_session *session = call_session(call);
	const char *after = json_string_value(json_object_get(call_params(call), "after"));

	if (session && !rpc_session_lasts(session)) {
		call_refuse(call, ERROR_INVALID_REQUEST,
		            "nothing can be pushed to a single request; over HTTP open GET /events?changes=true");
		return;
	}
	if (!session || subscriptions_of(feed, session) >= FEED_SUBSCRIPTIONS_MOST) {
		call_refuse(call, ERROR_RATE_LIMITED, "a connection may have 16 subscriptions to changes; open another one");
		return;
	}
	struct subscription *subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		abort();
	*subscription = (struct subscription){.feed = feed, .session = session, .call = call, .due = true};
	uuid_make(subscription->id);
	memcpy(subscription->caller, call_caller(call), UUID_TEXT_SIZE);
	subscription->after = after ? strdup(after) : NULL;
	subscription->filter = json_deep_copy(call_params(call));
	json_object_del(subscription->filter, "after");
	feed->announce_due = feed->announce_due || TAILQ_EMPTY(&feed->subscriptions);
	TAILQ_INSERT_HEAD(&feed->subscriptions, subscription, all);
	event_active(&feed->step, EV_TIMEOUT, 0);
}

static void send_change(struct subscription *subscription, struct arena *arena, json_t *change)
{
	const char *cursor = json_quote(arena, json_string_value(json_object_get(change, "cursor")));

	json_object_del(change, "cursor");
	rpc_notify(subscription->session, "change.made",
	           arena_printf(arena, "{\"subscription\":\"%s\",\"cursor\":%s,\"change\":%s}", subscription->id, cursor,
	                        json_text(arena, change)));
}

static void take_page(struct subscription *subscription, const json_t *page)
{
	struct arena arena = {0};
	bool began = subscription->after != NULL;
	const char *after = json_string_value(json_object_get(page, "after"));
	const json_t *items = json_object_get(page, "items");
	struct call *call = subscription->call;
	size_t i;
	json_t *change;

	subscription->call = NULL;
	if (call) {
		const char *text = arena_printf(&arena, "{\"subscription\":\"%s\",\"cursor\":%s}", subscription->id,
		                                json_quote(&arena, began ? subscription->after : after));
		call_reply(call, text, strlen(text));
	}
	free(subscription->after);
	subscription->after = strdup(after);
	if (began && json_is_string(json_object_get(page, "next_cursor")))
		subscription->due = true;
	/* Where the mark was not known yet, the page only told it. */
	if (began)
		json_array_foreach(items, i, change)
			if (subscription->session)
				send_change(subscription, &arena, change);
	arena_release(&arena);
}

/* Refused before it stood, it has not begun; behind that, its caller may no longer listen. */
static void take_refusal(struct subscription *subscription, const char *refusal)
{
	struct rpc_session *session = subscription->session;
	bool stood = !subscription->call;

	subscription_end(subscription, refusal);
	if (stood) {
		log_info("", "a subscription to changes ends: %s", refusal);
		rpc_session_unsubscribed(session);
	}
}

static void take_failure(struct subscription *subscription, const struct pg_result *result)
{
	if (result->status == PG_RAISED)
		log_error("", "a look for changes raised SQLSTATE %s", result->sqlstate);
	subscription->due = true;
	subscription->next_us = time_monotonic_micros() + LOST_MS * 1000;
	if (subscription->call)
		subscription_end_for(subscription, result->status == PG_RAISED ? ERROR_INTERNAL : ERROR_UNAVAILABLE,
		                     "changes could not be looked for; try again in a while");
}

static void on_look(const struct pg_result *result, void *context)
{
	struct subscription *subscription = context;
	struct feed *feed = subscription->feed;
	struct arena arena = {0};
	json_t *page = NULL;
	const char *refusal =
	    result->status == PG_OK && result->text ? error_refused(&arena, result->text, result->length) : NULL;

	feed->asking--;
	if (subscription->session && result->status == PG_OK && !refusal && result->text &&
	    json_parse(result->text, result->length, &page, NULL))
		take_page(subscription, page);
	/* Its session may have ended meanwhile, before this or by what was sent. */
	subscription->asking = false;
	if (!subscription->session)
		subscription_free(subscription);
	else if (refusal)
		take_refusal(subscription, refusal);
	else if (!page)
		take_failure(subscription, result);
	json_decref(page);
	arena_release(&arena);
	event_active(&feed->step, EV_TIMEOUT, 0);
}

static void look(struct subscription *subscription, int64_t now_us)
{
	struct feed *feed = subscription->feed;
	struct arena arena = {0};
	const char **values = arena_alloc(&arena, method_value_count(feed->list) * sizeof *values);
	json_t *params = json_deep_copy(subscription->filter);

	json_object_set_new(params, "order", json_string(subscription->after ? "oldest" : "newest"));
	json_object_set_new(params, "limit", json_integer(subscription->after ? FEED_PAGE : 1));
	if (subscription->after)
		json_object_set_new(params, "cursor", json_string(subscription->after));
	method_values(&arena, feed->list, subscription->caller, NULL, params, values);
	subscription->due = false;
	subscription->asking = true;
	subscription->next_us = now_us + FEED_PACE_MS * 1000;
	subscription->scan_us = now_us + FEED_SCAN_MS * 1000;
	feed->asking++;
	TAILQ_REMOVE(&feed->subscriptions, subscription, all);
	TAILQ_INSERT_TAIL(&feed->subscriptions, subscription, all);
	pg_submit(feed->options.pool, &feed->look, values, on_look, subscription);
	json_decref(params);
	arena_release(&arena);
}

/* When the subscription wants to be looked for. */
static int64_t wanted_us(const struct subscription *subscription, int64_t now_us)
{
	int64_t at_us = subscription->due ? subscription->next_us : subscription->scan_us;
	if (at_us <= now_us && rpc_congested(subscription->session))
		return now_us + CONGESTED_MS * 1000;
	return at_us;
}

static int64_t step_looks(struct feed *feed, int64_t now_us)
{
	int64_t soonest_us = INT64_MAX;

	for (struct subscription *at = TAILQ_FIRST(&feed->subscriptions), *next; at; at = next) {
		next = TAILQ_NEXT(at, all);
		if (at->asking)
			continue;
		if (rpc_session_expired(at->session)) {
			rpc_session_close(at->session);
			at->due = false;
			at->scan_us = now_us + FEED_SCAN_MS * 1000;
		}
		int64_t at_us = wanted_us(at, now_us);
		if (at_us > now_us)
			soonest_us = at_us < soonest_us ? at_us : soonest_us;
		else if (feed->asking < FEED_AT_ONCE)
			look(at, now_us);
	}
	return soonest_us;
}

static void on_told(const struct pg_result *result, void *context)
{
	struct feed *feed = context;
	/* A word that was lost is made up for by the clock of whoever listens. */
	(void)result;
	feed->telling = false;
	event_active(&feed->step, EV_TIMEOUT, 0);
}

static void tell(struct feed *feed, const char *word)
{
	feed->telling = true;
	pg_submit(feed->options.pool, &feed->tell, (const char *const[]){rpc_system_caller, word, feed->options.daemon_id},
	          on_told, feed);
}

static int64_t step_words(struct feed *feed, int64_t now_us)
{
	bool listens = !TAILQ_EMPTY(&feed->subscriptions);

	if (!feed->telling && listens && (feed->announce_due || now_us >= feed->announce_us)) {
		feed->announce_due = false;
		feed->announce_us = now_us + FEED_ANNOUNCE_S * 1000000LL;
		tell(feed, "listen");
	} else if (!feed->telling && feed->tell_due && now_us >= feed->tell_us) {
		feed->tell_due = false;
		feed->tell_us = now_us + FEED_PACE_MS * 1000;
		tell(feed, "change");
	}
	int64_t announce_us = listens ? feed->announce_us : INT64_MAX;
	return feed->tell_due && !feed->telling && feed->tell_us < announce_us ? feed->tell_us : announce_us;
}

static void on_step(int fd, short what, void *context)
{
	struct feed *feed = context;
	int64_t now_us = time_monotonic_micros();
	(void)fd;
	(void)what;
	int64_t looks_us = step_looks(feed, now_us), words_us = step_words(feed, now_us);
	int64_t soonest_us = looks_us < words_us ? looks_us : words_us;
	if (soonest_us != INT64_MAX)
		feed_step_in(feed, soonest_us - now_us);
}

void feed_on_written(struct feed *feed)
{
	if (!TAILQ_EMPTY(&feed->subscriptions))
		feed_wake(feed);
	if (feed->others_until_us && !feed->tell_due && time_monotonic_micros() < feed->others_until_us) {
		feed->tell_due = true;
		event_active(&feed->step, EV_TIMEOUT, 0);
	}
}

void feed_on_notify(struct feed *feed, const char *payload)
{
	const char *daemon = payload ? strchr(payload, ' ') : NULL;

	if (!payload) {
		feed->announce_due = !TAILQ_EMPTY(&feed->subscriptions);
		feed_wake(feed);
	} else if (!daemon || strcmp(daemon + 1, feed->options.daemon_id) == 0) {
		return;
	} else if (strncmp(payload, "change ", 7) == 0) {
		feed_wake(feed);
	} else if (strncmp(payload, "listen ", 7) == 0) {
		feed->others_until_us = time_monotonic_micros() + 5 * FEED_ANNOUNCE_S * 1000000LL / 2;
	}
}

void feed_on_principals(struct feed *feed)
{
	for (struct subscription *at = TAILQ_FIRST(&feed->subscriptions), *next; at; at = next) {
		next = TAILQ_NEXT(at, all);
		rpc_session_recheck(at->session);
	}
	feed_wake(feed);
}

struct feed *feed_new(const struct feed_options *options)
{
	struct feed *feed = calloc(1, sizeof *feed);
	if (!feed)
		abort();
	feed->options = *options;
	feed->list = registry_find(options->registry, "change.list");
	feed->look = (struct pg_statement){.sql = method_statement(&feed->arena, feed->list, options->api_schema),
	                                   .parameters = method_value_count(feed->list)};
	feed->tell = (struct pg_statement){.sql = arena_printf(&feed->arena,
	                                                       "SELECT %s.change_tell($1::uuid, $2::text, $3::uuid)::text",
	                                                       options->api_schema),
	                                   .parameters = 3};
	pg_statement_add(options->pool, &feed->look);
	pg_statement_add(options->pool, &feed->tell);
	TAILQ_INIT(&feed->subscriptions);
	evtimer_assign(&feed->step, options->base, on_step, feed);
	return feed;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	event_del(&feed->step);
	while (!TAILQ_EMPTY(&feed->subscriptions))
		subscription_end_for(TAILQ_FIRST(&feed->subscriptions), ERROR_UNAVAILABLE, "the daemon stops");
	arena_release(&feed->arena);
	free(feed);
}
