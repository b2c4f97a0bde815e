/* Pg: the pool: what waits, what goes where, and what is run again.
 *
 * A request is in exactly one place: the queue, the list of the link that carries it, or its callback. What arrived
 * during one turn of the loop is handed out together by one deferred event. */
#include "io/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pg_link.h"
#include "text/time.h"

enum {
	ATTEMPTS_MOST = 6, /* of one request: it may be what kills the server */
	EXPIRY_MS = 100,
};

/* What another run may cure: lost races (40001, 40P01, 55P03), a unique key that somebody else took meanwhile (23505:
 * the next run sees it), and plans or statements that the server forgot. */
static const char *const retried_states[] = {"40001", "40P01", "55P03", "23505", "26000", "0A000", NULL};

/* The server is going or coming: 57P0x, connection exceptions, and a standby that was our primary. */
static const char *const departed_states[] = {"57P01", "57P02", "57P03", "57P05", "08", "25006", NULL};

static bool state_in(const char *const *list, const char *state)
{
	for (; *list; list++)
		if (strncmp(state, *list, strlen(*list)) == 0)
			return true;
	return false;
}

void pg_list_init(struct pg_list *list)
{
	*list = (struct pg_list){.end = &list->first};
}

void pg_list_append(struct pg_list *list, struct pg_request *request)
{
	request->next = NULL;
	*list->end = request;
	list->end = &request->next;
	list->count++;
}

struct pg_request *pg_list_take(struct pg_list *list)
{
	struct pg_request *request = list->first;
	if (!request)
		return NULL;
	list->first = request->next;
	if (!list->first)
		list->end = &list->first;
	list->count--;
	return request;
}

void pg_list_prepend(struct pg_list *list, struct pg_list *front)
{
	if (!front->first)
		return;
	*front->end = list->first;
	if (!list->first)
		list->end = front->end;
	list->first = front->first;
	list->count += front->count;
	pg_list_init(front);
}

static void request_finish(struct pg_request *request, const struct pg_result *result)
{
	request->callback(result, request->context);
	PQclear(request->result);
	free(request);
}

static void request_fail(struct pg_request *request, enum pg_status status)
{
	request_finish(request, &(struct pg_result){.status = status, .message = "", .attempts = request->attempts});
}

static void pool_wake(struct pg_pool *pool)
{
	event_active(&pool->dispatch_event, EV_TIMEOUT, 0);
}

static void request_again(struct pg_pool *pool, struct pg_request *request)
{
	PQclear(request->result);
	request->result = NULL;
	request->queued_us = time_monotonic_micros();
	pg_list_append(&pool->queue, request);
	pool_wake(pool);
}

/* Another one of the same group may have done so already. */
static void link_leave(struct pg_link *link, const char *why)
{
	if (link->connection)
		pg_link_drop(link, why);
}

static void request_raised(struct pg_request *request, const char *state)
{
	struct pg_result result = {.status = PG_RAISED, .message = "", .attempts = request->attempts};
	const char *message = PQresultErrorField(request->result, PG_DIAG_MESSAGE_PRIMARY);

	memcpy(result.sqlstate, state, strnlen(state, 5));
	if (strncmp(state, "T2", 2) == 0 && message)
		result.message = message;
	request_finish(request, &result);
}

void pg_pool_on_result(struct pg_pool *pool, struct pg_link *link, struct pg_request *request, bool undone)
{
	const PGresult *result = request->result;
	const char *field = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	char state[6] = "";

	/* A copy: the result goes when the request runs again. */
	memcpy(state, field ? field : "", field ? strnlen(field, 5) : 0);
	if (undone && strcmp(state, "57014") != 0) {
		/* Also the one that failed: it may have seen what its neighbours wrote. Only time is lost for good. */
		request_again(pool, request);
	} else if (result && PQresultStatus(result) == PGRES_TUPLES_OK) {
		bool present = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
		request_finish(request, &(struct pg_result){.status = PG_OK,
		                                            .text = present ? PQgetvalue(result, 0, 0) : NULL,
		                                            .length = present ? (size_t)PQgetlength(result, 0, 0) : 0,
		                                            .message = "",
		                                            .attempts = request->attempts});
	} else if (result && PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
		/* Its neighbour failed before it was reached. */
		request_again(pool, request);
	} else if (!*state || state_in(departed_states, state)) {
		request_again(pool, request);
		link_leave(link, "the server is going away");
	} else if (state_in(retried_states, state) && request->attempts < ATTEMPTS_MOST) {
		log_debug(link->subject, "a request runs again after SQLSTATE %s", state);
		request_again(pool, request);
		/* What was prepared is no longer what the server has: begin anew. */
		if (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0)
			link_leave(link, "its prepared statements are stale");
	} else if (strcmp(state, "57014") == 0) {
		request_fail(request, PG_TIMEOUT);
	} else if (strncmp(state, "53", 2) == 0) {
		log_error(link->subject, "the database has run out of room or connections (SQLSTATE %s)", state);
		request_fail(request, PG_UNAVAILABLE);
	} else {
		log_debug(link->subject, "a statement failed with SQLSTATE %s", state);
		request_raised(request, state);
	}
	if (pool->queue.first)
		pool_wake(pool);
}

/* Of the links that take it. What none takes waits in the queue, where any can take it. */
static struct pg_link *pool_idlest(struct pg_pool *pool, const struct pg_request *request)
{
	struct pg_link *best = NULL;
	for (size_t i = 0; i < pool->link_count; i++) {
		struct pg_link *link = &pool->links[i];
		if (pg_link_takes(link, request) && (!best || link->sent.count < best->sent.count))
			best = link;
	}
	return best;
}

static void pool_refuse(struct pg_pool *pool)
{
	struct pg_request *request;
	while ((request = pg_list_take(&pool->refused)))
		request_fail(request, pool->started ? PG_BUSY : PG_UNAVAILABLE);
}

static void pool_on_dispatch(int fd, short what, void *context)
{
	struct pg_pool *pool = context;
	struct pg_link *link;
	struct timeval expiry = {.tv_usec = EXPIRY_MS * 1000};

	(void)fd;
	(void)what;
	pool_refuse(pool);
	while (pool->queue.first && (link = pool_idlest(pool, pool->queue.first))) {
		struct pg_request *request = pg_list_take(&pool->queue);
		if (request->attempts >= ATTEMPTS_MOST)
			request_fail(request, PG_UNAVAILABLE);
		else if (!pg_link_send(link, request))
			pg_list_append(&pool->queue, request);
	}
	for (size_t i = 0; i < pool->link_count; i++)
		if (pool->links[i].state == LINK_READY && pool->links[i].sent.first)
			pg_link_flush(&pool->links[i]);
	if (pg_pool_pending(pool) > 0 && !evtimer_pending(&pool->expiry_timer, NULL))
		event_add(&pool->expiry_timer, &expiry);
}

/* A server that is there and silent looks like a slow one until its own timeout ought to have struck. */
static void pool_drop_silent(struct pg_pool *pool, int64_t now)
{
	int64_t patience = (pool->options.statement_timeout_ms + pool->options.wait_ms) * 1000;
	for (size_t i = 0; i < pool->link_count; i++) {
		struct pg_link *link = &pool->links[i];
		if (link->sent.first && now - link->heard_us > patience)
			pg_link_drop(link, "the server is silent");
	}
}

static void pool_on_expiry(int fd, short what, void *context)
{
	struct pg_pool *pool = context;
	struct pg_list waiting = pool->queue;
	int64_t now = time_monotonic_micros();
	struct pg_request *request;

	(void)fd;
	(void)what;
	if (!waiting.first)
		waiting.end = &waiting.first;
	pg_list_init(&pool->queue);
	while ((request = pg_list_take(&waiting))) {
		if (now - request->queued_us > pool->options.wait_ms * 1000 && !pool_idlest(pool, request))
			request_fail(request, pool->usable ? PG_BUSY : PG_UNAVAILABLE);
		else
			pg_list_append(&pool->queue, request);
	}
	pool_drop_silent(pool, now);
	/* Looks again as long as anything is under way. */
	if (pg_pool_pending(pool) > 0)
		pool_wake(pool);
}

void pg_pool_on_link(struct pg_pool *pool)
{
	bool usable = false;
	for (size_t i = 0; i < pool->link_count; i++)
		usable = usable || (!pool->links[i].listener && pool->links[i].state == LINK_READY);
	if (usable != pool->usable) {
		pool->usable = usable;
		if (pool->options.on_state)
			pool->options.on_state(usable, pool->options.context);
	}
	if (pool->queue.first)
		pool_wake(pool);
}

static char *copied(const char *string)
{
	char *copy = string ? strdup(string) : NULL;
	if (string && !copy)
		abort();
	return copy;
}

struct pg_pool *pg_pool_new(struct event_base *base, const struct pg_options *options)
{
	struct pg_pool *pool = calloc(1, sizeof *pool);
	if (!pool)
		abort();
	pool->base = base;
	pool->options = *options;
	pool->options.dsn = copied(options->dsn);
	pool->options.application = copied(options->application);
	pool->options.listen_channel = copied(options->listen_channel);
	pool->link_count = options->connections + (options->listen_channel != NULL);
	pool->links = calloc(pool->link_count, sizeof *pool->links);
	if (!pool->links)
		abort();
	pg_list_init(&pool->queue);
	pg_list_init(&pool->refused);
	for (size_t i = 0; i < pool->link_count; i++)
		pg_link_init(&pool->links[i], pool, i + 1, i == options->connections);
	evtimer_assign(&pool->dispatch_event, base, pool_on_dispatch, pool);
	evtimer_assign(&pool->expiry_timer, base, pool_on_expiry, pool);
	return pool;
}

void pg_pool_start(struct pg_pool *pool)
{
	if (pool->started)
		return;
	pool->started = true;
	for (size_t i = 0; i < pool->link_count; i++)
		pg_link_start(&pool->links[i]);
}

void pg_pool_set_timeouts(struct pg_pool *pool, long statement_timeout_ms, long wait_ms)
{
	pool->options.statement_timeout_ms = statement_timeout_ms;
	pool->options.wait_ms = wait_ms;
	pg_pool_renew(pool);
}

void pg_pool_renew(struct pg_pool *pool)
{
	struct pg_link *stale = NULL;
	for (size_t i = 0; i < pool->link_count; i++) {
		struct pg_link *link = &pool->links[i];
		if (link->renewing)
			return;
		if (!stale && pg_link_is_stale(link))
			stale = link;
	}
	if (stale)
		pg_link_renew(stale);
}

void pg_statement_add(struct pg_pool *pool, struct pg_statement *statement)
{
	statement->slot = pool->statement_count++;
}

/* The request with copies of its values behind it, in one allocation. */
static struct pg_request *request_new(const struct pg_statement *statement, const char *const *values)
{
	size_t size = sizeof(struct pg_request) + statement->parameters * sizeof(char *);
	size_t text = 0;
	for (size_t i = 0; i < statement->parameters; i++)
		text += values[i] ? strlen(values[i]) + 1 : 0;

	struct pg_request *request = calloc(1, size + text);
	if (!request)
		abort();
	char *at = (char *)request + size;
	for (size_t i = 0; i < statement->parameters; i++) {
		if (!values[i])
			continue;
		size_t length = strlen(values[i]) + 1;
		request->values[i] = memcpy(at, values[i], length);
		at += length;
	}
	request->statement = statement;
	request->queued_us = time_monotonic_micros();
	return request;
}

void pg_submit(struct pg_pool *pool, const struct pg_statement *statement, const char *const *values,
               pg_callback *callback, void *context)
{
	struct pg_request *request = request_new(statement, values);
	bool taken = pool->started && pool->queue.count < pool->options.max_queued;

	request->callback = callback;
	request->context = context;
	/* Refused ones wait for the loop's next turn too: a callback never runs inside this function. */
	pg_list_append(taken ? &pool->queue : &pool->refused, request);
	pool_wake(pool);
}

size_t pg_pool_pending(const struct pg_pool *pool)
{
	size_t pending = pool->queue.count + pool->refused.count;
	for (size_t i = 0; i < pool->link_count; i++)
		pending += pool->links[i].sent.count;
	return pending;
}

struct pg_stats pg_pool_stats(const struct pg_pool *pool)
{
	static const enum pg_connection_state states[] = {[LINK_DOWN] = PG_DOWN,
	                                                  [LINK_CONNECTING] = PG_CONNECTING,
	                                                  [LINK_SETTING_UP] = PG_SETTING_UP,
	                                                  [LINK_READY] = PG_READY};
	struct pg_stats stats = {.queued = pool->queue.count};
	for (size_t i = 0; i < pool->link_count; i++) {
		if (pool->links[i].listener)
			continue;
		stats.in_flight += pool->links[i].sent.count;
		stats.connections[states[pool->links[i].state]]++;
	}
	return stats;
}

bool pg_pool_usable(const struct pg_pool *pool)
{
	return pool->usable;
}

int pg_pool_server_version(const struct pg_pool *pool)
{
	return pool->server_version;
}

void pg_pool_stop(struct pg_pool *pool)
{
	struct pg_request *request;

	pool->started = pool->usable = false;
	for (size_t i = 0; i < pool->link_count; i++) {
		pg_list_prepend(&pool->queue, &pool->links[i].sent);
		pg_link_stop(&pool->links[i]);
	}
	while ((request = pg_list_take(&pool->queue)))
		request_fail(request, PG_UNAVAILABLE);
	pool_refuse(pool);
}

void pg_pool_free(struct pg_pool *pool)
{
	if (!pool)
		return;
	pg_pool_stop(pool);
	event_del(&pool->dispatch_event);
	event_del(&pool->expiry_timer);
	for (size_t i = 0; i < pool->link_count; i++)
		free(pool->links[i].prepared);
	free((char *)pool->options.dsn);
	free((char *)pool->options.application);
	free((char *)pool->options.listen_channel);
	free(pool->links);
	free(pool);
}
