/* Pg link: one non-blocking connection in pipeline mode.
 *
 * The list `sent` mirrors the pipeline: groups of requests, each group followed by one sync. Each request owes one
 * result (two when it was prepared along), so what arrives always belongs to the first of the list that is owed
 * something; a sync settles the first group, which is one transaction. A group is of one lane, and of requests that run
 * for the first time and are prepared already: what a failure takes with it can then simply run again, alone. Few
 * groups are on their way at a time, so that under load what waits makes whole groups, and without load nothing waits.
 * libpq alone decides when something arrived; this file never waits. */
#include "pg_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "text/time.h"

/* PQconnectPoll() has no time limit of its own: connect_timeout is for the blocking functions. */
enum { BACKOFF_FIRST_MS = 50, BACKOFF_MOST_MS = 5000, CONNECT_MOST_MS = 10000 };

/* Requests under one sync: the first of them is answered when the last one is done. And syncs on their way: one for the
 * server to work on, one to find when it is done. */
enum { GROUP_MOST = 8, GROUPS_MOST = 2 };

static void link_on_socket(int fd, short what, void *context);

static struct timeval after_ms(long ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* Between half and one and a half of `ms`, so that many daemons do not come back in step. */
static long jittered(long ms)
{
	unsigned short random = 0;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = 0x8000;
	return ms / 2 + ms * random / 0xffff;
}

static void link_close(struct pg_link *link)
{
	if (link->socket >= 0) {
		event_del(&link->read_event);
		event_del(&link->write_event);
		link->socket = -1;
	}
	if (link->connection)
		PQfinish(link->connection);
	link->connection = NULL;
	link->state = LINK_DOWN;
	link->newest = link->reading = NULL;
	link->open = link->groups = 0;
	link->renewing = false;
}

void pg_link_drop(struct pg_link *link, const char *why)
{
	struct pg_pool *pool = link->pool;
	bool was_ready = link->state == LINK_READY;
	struct timeval delay = after_ms(jittered(link->backoff_ms));

	event_del(&link->retry_timer);
	log_line(was_ready ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, link->subject,
	         "not connected (%s); trying again in %ld ms", why, (long)(delay.tv_sec * 1000 + delay.tv_usec / 1000));
	link_close(link);
	for (struct pg_request *request = link->sent.first; request; request = request->next) {
		PQclear(request->result);
		request->result = NULL;
		request->queued_us = time_monotonic_micros();
	}
	pg_list_prepend(&pool->queue, &link->sent);
	event_add(&link->retry_timer, &delay);
	link->backoff_ms = link->backoff_ms * 2 < BACKOFF_MOST_MS ? link->backoff_ms * 2 : BACKOFF_MOST_MS;
	pg_pool_on_link(pool);
}

/* libpq may replace its socket while connecting, so the events follow it. */
static void link_watch(struct pg_link *link, bool reading, bool writing)
{
	int socket = PQsocket(link->connection);
	if (socket != link->socket) {
		if (link->socket >= 0) {
			event_del(&link->read_event);
			event_del(&link->write_event);
		}
		event_assign(&link->read_event, link->pool->base, socket, EV_READ | EV_PERSIST, link_on_socket, link);
		event_assign(&link->write_event, link->pool->base, socket, EV_WRITE | EV_PERSIST, link_on_socket, link);
		link->socket = socket;
	}
	if (reading)
		event_add(&link->read_event, NULL);
	else
		event_del(&link->read_event);
	if (writing)
		event_add(&link->write_event, NULL);
	else
		event_del(&link->write_event);
}

/* Ends the open group. */
static bool link_sync(struct pg_link *link)
{
	if (link->open == 0)
		return true;
	link->newest->closes = true;
	link->open = 0;
	link->groups++;
	return PQpipelineSync(link->connection);
}

void pg_link_flush(struct pg_link *link)
{
	int pending = 0;
	if (link->connection)
		pending = link_sync(link) ? PQflush(link->connection) : -1;
	if (pending < 0)
		pg_link_drop(link, "writing failed");
	else if (link->connection)
		link_watch(link, true, pending > 0);
}

/* By parameters, so that nothing has to be quoted. */
static bool link_send_settings(struct pg_link *link)
{
	char timeout[32];
	const char *values[] = {timeout};

	link->timeout_ms = link->pool->options.statement_timeout_ms;
	snprintf(timeout, sizeof timeout, "%ld", link->timeout_ms);
	return PQsendQueryParams(link->connection,
	                         "SELECT set_config('statement_timeout', $1, false), set_config('timezone', 'UTC', false), "
	                         "set_config('datestyle', 'ISO, YMD', false), set_config('intervalstyle', 'iso_8601', "
	                         "false), set_config('jit', 'off', false), "
	                         "set_config('idle_session_timeout', '0', false)",
	                         1, NULL, values, NULL, NULL, 0) &&
	       PQpipelineSync(link->connection);
}

/* Settings of the session; a listener then listens. */
static bool link_set_up(struct pg_link *link)
{
	char command[256];

	link->state = LINK_SETTING_UP;
	PQsetnonblocking(link->connection, 1);
	if (link->listener) {
		char *channel = PQescapeIdentifier(link->connection, link->pool->options.listen_channel,
		                                   strlen(link->pool->options.listen_channel));
		if (!channel)
			return false;
		snprintf(command, sizeof command,
		         "SELECT pg_advisory_lock_shared(%lld), pg_advisory_lock_shared(%lld); LISTEN %s",
		         link->pool->options.advisory_keys[0], link->pool->options.advisory_keys[1], channel);
		PQfreemem(channel);
		return PQsendQuery(link->connection, command);
	}
	return PQenterPipelineMode(link->connection) && link_send_settings(link);
}

bool pg_link_is_stale(const struct pg_link *link)
{
	return link->state == LINK_READY && !link->listener && link->timeout_ms != link->pool->options.statement_timeout_ms;
}

void pg_link_renew(struct pg_link *link)
{
	link->renewing = true;
	if (link->sent.first)
		return;
	link->state = LINK_SETTING_UP;
	struct timeval deadline = after_ms(CONNECT_MOST_MS);
	event_add(&link->retry_timer, &deadline);
	if (link_send_settings(link))
		pg_link_flush(link);
	else
		pg_link_drop(link, "the session's settings could not be sent");
}

static void link_on_ready(struct pg_link *link)
{
	struct pg_pool *pool = link->pool;

	event_del(&link->retry_timer);
	if (link->renewing) {
		link->renewing = false;
		link->state = LINK_READY;
		pg_pool_on_link(pool);
		pg_pool_renew(pool);
		return;
	}
	link->state = LINK_READY;
	link->backoff_ms = BACKOFF_FIRST_MS;
	if (link->prepared)
		memset(link->prepared, 0, link->prepared_size);
	pool->server_version = PQserverVersion(link->connection);
	log_info(link->subject, link->listener ? "listening" : "connected");
	if (!link->listener) {
		pg_pool_on_link(pool);
		pg_pool_renew(pool);
	} else if (pool->options.on_notify) {
		pool->options.on_notify(NULL, pool->options.context);
	}
}

static void link_connect_step(struct pg_link *link)
{
	switch (PQconnectPoll(link->connection)) {
	case PGRES_POLLING_READING:
		link_watch(link, true, false);
		break;
	case PGRES_POLLING_WRITING:
		link_watch(link, false, true);
		break;
	case PGRES_POLLING_OK:
		if (link_set_up(link))
			pg_link_flush(link);
		else
			pg_link_drop(link, "the session's settings could not be sent");
		break;
	default:
		pg_link_drop(link, "the server does not answer, or refuses us");
	}
}

static bool is_error(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED;
}

/* Until the listener's or session's first statements are answered. True while the link stands. */
static bool link_setup_result(struct pg_link *link, PGresult *result)
{
	bool failed = is_error(result);
	bool finished = link->listener ? false : PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	PQclear(result);
	if (failed) {
		pg_link_drop(link, "the session's settings were refused");
		return false;
	}
	if (finished)
		link_on_ready(link);
	return true;
}

/* The first group's sync is back, so all of it is settled. A callback may drop the link: the group is off its list by
 * then. */
static void link_group_done(struct pg_link *link)
{
	struct pg_list group;
	struct pg_request *request = link->sent.first;
	bool failed = false, undone;

	for (; request && request->owed == 0; request = request->next) {
		failed = failed || is_error(request->result);
		if (request->closes)
			break;
	}
	if (!request || request->owed > 0) {
		pg_link_drop(link, "its answers are out of step");
		return;
	}
	link->groups--;
	pg_list_init(&group);
	do {
		request = pg_list_take(&link->sent);
		pg_list_append(&group, request);
	} while (!request->closes);
	/* What was read is as true as if the neighbour had not failed. */
	undone = failed && group.count > 1 && request->statement->lane == PG_WRITE;
	while ((request = pg_list_take(&group)))
		pg_pool_on_result(link->pool, link, request, undone);
}

/* The first error is the one that counts; a statement's own result replaces that of its preparation. */
static void link_request_result(struct pg_link *link, PGresult *result)
{
	struct pg_request *request = link->reading;

	if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
		PQclear(result);
		link_group_done(link);
		return;
	}
	if (!request) {
		PQclear(result);
		pg_link_drop(link, "the server said something unasked");
		return;
	}
	if (request->result && is_error(request->result)) {
		PQclear(result);
	} else {
		PQclear(request->result);
		request->result = result;
	}
	if (--request->owed == 0)
		link->reading = request->next;
}

static void link_on_notifications(struct pg_link *link)
{
	PGnotify *notification;
	while (link->connection && (notification = PQnotifies(link->connection))) {
		if (link->pool->options.on_notify)
			link->pool->options.on_notify(notification->extra, link->pool->options.context);
		PQfreemem(notification);
	}
}

static bool link_expects(const struct pg_link *link)
{
	return link->state == LINK_SETTING_UP || link->sent.first;
}

static void link_read(struct pg_link *link)
{
	link->heard_us = time_monotonic_micros();
	if (!PQconsumeInput(link->connection)) {
		pg_link_drop(link, "the connection is lost");
		return;
	}
	bool ended = false;
	while (link->connection && link_expects(link) && !PQisBusy(link->connection)) {
		PGresult *result = PQgetResult(link->connection);
		if (!result && link->listener) {
			link_on_ready(link);
			break;
		}
		/* NULL ends one query of the pipeline; the next one's results follow. Two in a row mean that nothing does. */
		if (!result && ended)
			break;
		ended = !result;
		if (ended)
			continue;
		if (link->state == LINK_SETTING_UP) {
			if (!link_setup_result(link, result))
				return;
		} else {
			link_request_result(link, result);
		}
	}
	if (link->connection && PQstatus(link->connection) == CONNECTION_BAD)
		pg_link_drop(link, "the connection is lost");
	else if (link->listener)
		link_on_notifications(link);
}

static void link_on_socket(int fd, short what, void *context)
{
	struct pg_link *link = context;
	(void)fd;
	if (link->state == LINK_CONNECTING) {
		link_connect_step(link);
		return;
	}
	if (what & EV_READ)
		link_read(link);
	if (link->connection && link->state == LINK_READY && link->renewing && !link->sent.first)
		pg_link_renew(link);
	else if (link->connection && link->state != LINK_CONNECTING)
		pg_link_flush(link);
}

/* Notices may quote data; nothing of them is kept. */
static void link_on_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

void pg_link_start(struct pg_link *link)
{
	/* Names are resolved by the library at once, so a host in the connection string is better an address. Defaults
	 * stand before the connection string, so that it wins; what must hold stands behind it. */
	const char *keywords[] = {"keepalives_idle", "tcp_user_timeout", "dbname",
	                          "client_encoding", "application_name", NULL};
	const char *values[] = {"30", "30000", link->pool->options.dsn, "UTF8", link->pool->options.application, NULL};

	link->connection = PQconnectStartParams(keywords, values, 1);
	if (!link->connection || PQstatus(link->connection) == CONNECTION_BAD) {
		pg_link_drop(link, "the server cannot be reached");
		return;
	}
	PQsetNoticeProcessor(link->connection, link_on_notice, NULL);
	struct timeval deadline = after_ms(CONNECT_MOST_MS);
	event_add(&link->retry_timer, &deadline);
	link->state = LINK_CONNECTING;
	link_watch(link, false, true);
}

/* Its place in the list of what this session has prepared. */
static unsigned char *link_prepared(struct pg_link *link, const struct pg_statement *statement)
{
	if (statement->slot >= link->prepared_size) {
		size_t size = link->pool->statement_count;
		link->prepared = realloc(link->prepared, size);
		if (!link->prepared)
			abort();
		memset(link->prepared + link->prepared_size, 0, size - link->prepared_size);
		link->prepared_size = size;
	}
	return &link->prepared[statement->slot];
}

/* Puts the statement, and its preparation where `prepared` says that it is missing, behind what is queued. */
static bool link_queue(struct pg_link *link, const struct pg_request *request, unsigned char *prepared)
{
	const struct pg_statement *statement = request->statement;
	char name[24];

	snprintf(name, sizeof name, "s%zu", statement->slot);
	if (!*prepared && !PQsendPrepare(link->connection, name, statement->sql, 0, NULL))
		return false;
	*prepared = 1;
	return PQsendQueryPrepared(link->connection, name, (int)statement->parameters, request->values, NULL, NULL, 0);
}

static bool runs_alone(const struct pg_link *link, const struct pg_request *request)
{
	size_t slot = request->statement->slot;
	return request->attempts > 0 || slot >= link->prepared_size || !link->prepared[slot];
}

static bool joins(const struct pg_link *link, const struct pg_request *request)
{
	return link->open > 0 && link->newest->statement->lane == request->statement->lane && !runs_alone(link, request);
}

bool pg_link_takes(const struct pg_link *link, const struct pg_request *request)
{
	return link->state == LINK_READY && !link->listener && !link->renewing &&
	       (joins(link, request) || link->groups + (link->open > 0) < GROUPS_MOST);
}

bool pg_link_send(struct pg_link *link, struct pg_request *request)
{
	bool alone = runs_alone(link, request), joining = joins(link, request);
	unsigned char *prepared = link_prepared(link, request->statement);

	request->owed = *prepared ? 1 : 2;
	request->closes = false;
	if (!link->sent.first)
		link->heard_us = time_monotonic_micros();
	if ((!joining && !link_sync(link)) || !link_queue(link, request, prepared)) {
		pg_link_drop(link, "a request could not be sent");
		return false;
	}
	request->attempts++;
	pg_list_append(&link->sent, request);
	link->newest = request;
	if (!link->reading)
		link->reading = request;
	link->open++;
	if ((alone || link->open >= GROUP_MOST) && !link_sync(link))
		pg_link_drop(link, "a request could not be sent");
	return true;
}

static void link_on_retry(int fd, short what, void *context)
{
	struct pg_link *link = context;
	(void)fd;
	(void)what;
	if (link->state == LINK_DOWN)
		pg_link_start(link);
	else
		pg_link_drop(link, "the server does not answer in time");
}

void pg_link_init(struct pg_link *link, struct pg_pool *pool, size_t number, bool listener)
{
	*link = (struct pg_link){.pool = pool, .listener = listener, .socket = -1, .backoff_ms = BACKOFF_FIRST_MS};
	snprintf(link->subject, sizeof link->subject, "pg %zu", number);
	pg_list_init(&link->sent);
	evtimer_assign(&link->retry_timer, pool->base, link_on_retry, link);
}

void pg_link_stop(struct pg_link *link)
{
	link_close(link);
	event_del(&link->retry_timer);
}
