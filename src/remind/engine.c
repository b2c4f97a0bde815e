/* Engine: subscriptions, one timer, and one question to the database at a time.
 *
 * The invariant: while `asking`, nothing else is asked; when an answer is in, the next question is the most urgent of what
 * is wanted: the backlog of a fresh subscriber, then what other daemons claimed, then a claim. A fresh subscriber is passed
 * over by claims until its backlog has been sent, and the backlog, asked after the claims, holds what it was passed over
 * for. */
#include "remind/engine.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "text/json.h"

const struct migrate_function engine_functions[] = {
    {"reminder_backlog", "p_caller uuid, p_assignees uuid[], p_deliveries uuid[]", false},
    {"reminder_claim", "p_caller uuid, p_daemon uuid, p_assignees uuid[], p_lease_s integer, p_limit integer", true},
};
const size_t engine_function_count = sizeof engine_functions / sizeof *engine_functions;

struct subscription {
	struct subscription *next;
	struct rpc_session *session;
	char id[UUID_TEXT_SIZE];
	char assignee[UUID_TEXT_SIZE];
	bool fresh; /* has not had its backlog */
};

enum question { ASK_NOTHING, ASK_BACKLOG, ASK_ELSEWHERE, ASK_CLAIM };

struct engine {
	struct event_base *base;
	struct pg_pool *pool;
	const char *daemon_id;
	struct arena arena;
	struct pg_statement claim, backlog;
	struct subscription *subscriptions;
	struct event timer, step;
	enum question asking;
	char asked_for[UUID_TEXT_SIZE]; /* ASK_BACKLOG: the subscription */
	bool claim_wanted;
	char *elsewhere; /* ids that other daemons claimed, comma-separated; NULL for none */
};

static void engine_on_answer(const struct pg_result *result, void *context);

void engine_wake(struct engine *engine)
{
	engine->claim_wanted = true;
	event_active(&engine->step, EV_TIMEOUT, 0);
}

static void engine_sleep(struct engine *engine, double due_in_ms)
{
	double most = ENGINE_RECHECK_S * 1000.0;
	long ms = (long)(due_in_ms < 0 ? 0 : due_in_ms < most ? due_in_ms : most);
	event_add(&engine->timer, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

/* The assignees that somebody here listens for, as an array literal; NULL when nobody does. `one` restricts it. */
static const char *assignees(struct engine *engine, struct arena *arena, const struct subscription *one)
{
	const char *list = NULL;
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		if ((!one || at == one) && !(list && strstr(list, at->assignee)))
			list = arena_printf(arena, "%s%s%s", list ? list : "{", list ? "," : "", at->assignee);
	return list ? arena_printf(arena, "%s}", list) : NULL;
}

static struct subscription *subscription_fresh(struct engine *engine)
{
	struct subscription *found = NULL;
	/* The newest stands first; the oldest fresh one is served first. */
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		if (at->fresh)
			found = at;
	return found;
}

void engine_forget(struct engine *engine, const struct rpc_session *session)
{
	struct subscription **link = &engine->subscriptions;
	while (*link) {
		struct subscription *subscription = *link;
		if (subscription->session != session) {
			link = &subscription->next;
			continue;
		}
		*link = subscription->next;
		free(subscription);
	}
}

void engine_recheck(struct engine *engine)
{
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		rpc_session_recheck(at->session);
}

void engine_on_subscribe(struct call *call, void *context)
{
	struct engine *engine = context;
	const char *assignee = json_string_value(json_object_get(call_params(call), "assignee"));
	struct rpc_session *session = call_session(call);
	struct subscription *subscription;
	const char *answer;

	assignee = assignee ? assignee : call_caller(call);
	if (strcasecmp(assignee, call_caller(call)) != 0 && call_role(call) < ROLE_DIRECTOR) {
		call_refuse(call, ERROR_FORBIDDEN, "only a director or an administrator subscribes to the reminders of others");
		return;
	}
	if (session && !rpc_session_lasts(session)) {
		call_refuse(call, ERROR_INVALID_REQUEST, "nothing can be pushed to a single request; over HTTP open GET /events");
		return;
	}
	answer = NULL;
	if (session) {
		subscription = calloc(1, sizeof *subscription);
		if (!subscription)
			abort();
		*subscription = (struct subscription){.next = engine->subscriptions, .session = session, .fresh = true};
		uuid_make(subscription->id);
		for (size_t i = 0; i < sizeof subscription->assignee - 1; i++)
			subscription->assignee[i] = (char)(assignee[i] | (assignee[i] == '-' ? 0 : 0x20));
		engine->subscriptions = subscription;
		answer = arena_printf(call_arena(call), "{\"subscription\":\"%s\"}", subscription->id);
		engine_wake(engine);
	}
	call_reply(call, answer ? answer : "null", answer ? strlen(answer) : 4);
}

static void ask(struct engine *engine, enum question question, const struct pg_statement *statement,
                const char *const *values)
{
	engine->asking = question;
	pg_submit(engine->pool, statement, values, engine_on_answer, engine);
}

static void ask_backlog(struct engine *engine, struct arena *arena, const struct subscription *subscription)
{
	memcpy(engine->asked_for, subscription->id, sizeof engine->asked_for);
	ask(engine, ASK_BACKLOG, &engine->backlog,
	    (const char *const[]){rpc_system_caller, assignees(engine, arena, subscription), NULL});
}

static void ask_claim(struct engine *engine, const char *list)
{
	char lease[16], most[16];
	snprintf(lease, sizeof lease, "%d", ENGINE_LEASE_S);
	snprintf(most, sizeof most, "%d", ENGINE_CLAIM_MOST);
	engine->claim_wanted = false;
	ask(engine, ASK_CLAIM, &engine->claim,
	    (const char *const[]){rpc_system_caller, engine->daemon_id, list, lease, most});
}

static void ask_elsewhere(struct engine *engine, struct arena *arena, const char *list)
{
	const char *deliveries = arena_printf(arena, "{%s}", engine->elsewhere);
	free(engine->elsewhere);
	engine->elsewhere = NULL;
	ask(engine, ASK_ELSEWHERE, &engine->backlog, (const char *const[]){rpc_system_caller, list, deliveries});
}

/* Claims go first: a fresh subscriber's backlog is to hold what they find. */
static void engine_step(struct engine *engine)
{
	struct arena arena = {0};
	const char *list = assignees(engine, &arena, NULL);
	const struct subscription *fresh = subscription_fresh(engine);

	if (engine->asking == ASK_NOTHING && list) {
		if (engine->claim_wanted)
			ask_claim(engine, list);
		else if (fresh)
			ask_backlog(engine, &arena, fresh);
		else if (engine->elsewhere)
			ask_elsewhere(engine, &arena, list);
	}
	arena_release(&arena);
}

static void deliver_one(struct subscription *subscription, struct arena *arena, const char *delivery, const char *reminder)
{
	if (rpc_session_expired(subscription->session)) {
		rpc_session_close(subscription->session);
		return;
	}
	rpc_notify(subscription->session, "reminder.due",
	           arena_printf(arena, "{\"subscription\":\"%s\",\"delivery_id\":\"%s\",\"reminder\":%s}", subscription->id,
	                        delivery, reminder));
}

/* To everyone who listens for the assignee and has had its backlog; or only to `only`. */
static void deliver(struct engine *engine, const json_t *deliveries, const struct subscription *only)
{
	struct arena arena = {0};
	size_t i;
	json_t *item;

	json_array_foreach(deliveries, i, item)
	{
		const char *delivery = json_string_value(json_object_get(item, "delivery_id"));
		const char *assignee = json_string_value(json_object_get(item, "assignee"));
		const char *reminder = json_text(&arena, json_object_get(item, "reminder"));
		for (struct subscription *at = engine->subscriptions; at; at = at->next)
			if ((only ? at == only : !at->fresh) && assignee && delivery && strcmp(at->assignee, assignee) == 0)
				deliver_one(at, &arena, delivery, reminder);
	}
	arena_release(&arena);
}

static void on_backlog(struct engine *engine, const json_t *deliveries)
{
	for (struct subscription *at = engine->subscriptions; at; at = at->next) {
		if (strcmp(at->id, engine->asked_for) != 0)
			continue;
		at->fresh = false;
		deliver(engine, deliveries, at);
		return;
	}
}

static void engine_on_answer(const struct pg_result *result, void *context)
{
	struct engine *engine = context;
	enum question asked = engine->asking;
	json_t *answer = NULL, *deliveries, *due_in;

	engine->asking = ASK_NOTHING;
	if (result->status != PG_OK || !result->text || !json_parse(result->text, result->length, &answer, NULL)) {
		/* Nothing is lost: what was claimed comes again when its lease ends. */
		log_warning("", "reminders could not be asked for; trying again in a second");
		engine->claim_wanted = true;
		engine_sleep(engine, 1000);
		return;
	}
	deliveries = json_object_get(answer, "deliveries");
	due_in = json_object_get(answer, "due_in_ms");
	if (asked == ASK_BACKLOG)
		on_backlog(engine, deliveries);
	else
		deliver(engine, deliveries, NULL);
	if (asked == ASK_CLAIM && json_array_size(deliveries) >= ENGINE_CLAIM_MOST)
		engine->claim_wanted = true;
	else if (asked == ASK_CLAIM)
		engine_sleep(engine, json_is_number(due_in) ? json_number_value(due_in) : ENGINE_RECHECK_S * 1000.0);
	json_decref(answer);
	event_active(&engine->step, EV_TIMEOUT, 0);
}

void engine_on_claimed_elsewhere(struct engine *engine, const char *payload)
{
	const char *daemon = strchr(payload, ' ');
	const char *ids = daemon ? strchr(daemon + 1, ' ') : NULL;
	char *joined;

	if (!ids || !engine->subscriptions || strncmp(daemon + 1, engine->daemon_id, strlen(engine->daemon_id)) == 0)
		return;
	if (asprintf(&joined, "%s%s%s", engine->elsewhere ? engine->elsewhere : "", engine->elsewhere ? "," : "", ids + 1) < 0)
		abort();
	free(engine->elsewhere);
	engine->elsewhere = joined;
	event_active(&engine->step, EV_TIMEOUT, 0);
}

static void on_timer(int fd, short what, void *context)
{
	(void)fd;
	(void)what;
	engine_wake(context);
}

static void on_step(int fd, short what, void *context)
{
	(void)fd;
	(void)what;
	engine_step(context);
}

struct engine *engine_new(struct event_base *base, struct pg_pool *pool, const char *api_schema, const char *daemon_id)
{
	struct engine *engine = calloc(1, sizeof *engine);
	if (!engine)
		abort();
	engine->base = base;
	engine->pool = pool;
	engine->daemon_id = daemon_id;
	engine->claim = (struct pg_statement){
	    .sql = arena_printf(&engine->arena,
	                        "SELECT %s.reminder_claim($1::uuid, $2::uuid, $3::uuid[], $4::integer, $5::integer)::text",
	                        api_schema),
	    .parameters = 5,
	    .lane = PG_WRITE};
	engine->backlog = (struct pg_statement){
	    .sql = arena_printf(&engine->arena, "SELECT %s.reminder_backlog($1::uuid, $2::uuid[], $3::uuid[])::text", api_schema),
	    .parameters = 3};
	pg_statement_add(pool, &engine->claim);
	pg_statement_add(pool, &engine->backlog);
	evtimer_assign(&engine->timer, base, on_timer, engine);
	evtimer_assign(&engine->step, base, on_step, engine);
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	event_del(&engine->timer);
	event_del(&engine->step);
	while (engine->subscriptions) {
		struct subscription *next = engine->subscriptions->next;
		free(engine->subscriptions);
		engine->subscriptions = next;
	}
	free(engine->elsewhere);
	arena_release(&engine->arena);
	free(engine);
}
