/* Engine: subscriptions, one timer, and one question to the database at a time.
 *
 * The invariant: while `asking`, nothing else is asked; when an answer is in, the next question is the most urgent of
 * what is wanted, in the order of `questions`. A fresh subscription is passed over by everything but its own pages;
 * they are read in the order of due time from the database, which has whatever it was passed over for. A question whose
 * answer was lost may have claimed something all the same: then every subscription is fresh again, and a few reminders
 * come twice. */
#include "remind/engine.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "text/json.h"

enum { IDLE_FIRST_MS = 100, CONGESTED_MS = 50 };

const struct migrate_function engine_functions[] = {
    {"access_roles", "p_caller uuid, p_principals uuid[]", false},
    {"reminder_catch_up",
     "p_caller uuid, p_daemon uuid, p_assignee uuid, p_after text, p_lease_s integer, p_limit integer", true},
    {"reminder_claim", "p_caller uuid, p_daemon uuid, p_assignees uuid[], p_lease_s integer, p_limit integer", true},
    {"reminder_deliveries", "p_caller uuid, p_assignees uuid[], p_deliveries uuid[]", false},
};
const size_t engine_function_count = sizeof engine_functions / sizeof *engine_functions;

struct subscription {
	struct subscription *next;
	struct rpc_session *session;
	struct call *call; /* reminder.subscribe, until it is answered */
	char id[UUID_TEXT_SIZE];
	char assignee[UUID_TEXT_SIZE], caller[UUID_TEXT_SIZE];
	bool fresh;  /* has not had all of what was due when it came */
	char *after; /* where its next page begins; NULL for the first */
};

enum question { ASK_ROLES, ASK_PAGE, ASK_ELSEWHERE, ASK_CLAIM, ASK_NOTHING };

struct engine {
	struct pg_pool *pool;
	const char *daemon_id;
	struct arena arena;
	struct pg_statement statements[ASK_NOTHING];
	struct subscription *subscriptions;
	struct event timer, step;
	enum question asking;
	char asked_for[UUID_TEXT_SIZE]; /* ASK_PAGE: the subscription */
	bool claim_wanted, roles_wanted;
	long idle_ms;    /* how long to wait after a claim that found something due and could not have it */
	char *elsewhere; /* ids that other daemons claimed, comma-separated; NULL for none */
};

static void engine_on_answer(const struct pg_result *result, void *context);

static void engine_next(struct engine *engine)
{
	event_active(&engine->step, EV_TIMEOUT, 0);
}

void engine_wake(struct engine *engine)
{
	engine->claim_wanted = true;
	engine_next(engine);
}

void engine_on_principals(struct engine *engine)
{
	/* A session that has become nobody, for its token was revoked, is ended whole; the roles say of the rest who may.
	 */
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		rpc_session_recheck(at->session);
	engine->roles_wanted = true;
	engine_next(engine);
}

static void engine_sleep(struct engine *engine, double due_in_ms)
{
	double most = ENGINE_RECHECK_S * 1000.0;
	long ms = (long)(due_in_ms < 0 ? 0 : due_in_ms < most ? due_in_ms : most);
	event_add(&engine->timer, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void subscription_free(struct subscription *subscription)
{
	free(subscription->after);
	free(subscription);
}

/* Takes it out of the list; NULL when it is no longer there. */
static struct subscription *subscription_take(struct engine *engine, const char *id)
{
	for (struct subscription **link = &engine->subscriptions; *link; link = &(*link)->next) {
		struct subscription *subscription = *link;
		if (strcmp(subscription->id, id) != 0)
			continue;
		*link = subscription->next;
		return subscription;
	}
	return NULL;
}

static struct subscription *subscription_find(struct engine *engine, const char *id)
{
	struct subscription *at = engine->subscriptions;
	while (at && strcmp(at->id, id) != 0)
		at = at->next;
	return at;
}

/* A subscription whose call has not been answered ends with it. */
static void subscription_refuse(struct engine *engine, struct subscription *subscription, enum error_kind kind,
                                const char *message)
{
	struct call *call = subscription->call;
	subscription_free(subscription_take(engine, subscription->id));
	call_refuse(call, kind, message);
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
		if (subscription->call)
			call_refuse(subscription->call, ERROR_UNAVAILABLE, "the client has gone");
		subscription_free(subscription);
	}
}

static size_t subscriptions_of(const struct engine *engine, const struct rpc_session *session)
{
	size_t count = 0;
	for (const struct subscription *at = engine->subscriptions; at; at = at->next)
		count += at->session == session;
	return count;
}

void engine_on_subscribe(struct call *call, void *context)
{
	struct engine *engine = context;
	const char *assignee = json_string_value(json_object_get(call_params(call), "assignee"));
	struct rpc_session *session = call_session(call);
	struct subscription *subscription, **end = &engine->subscriptions;

	assignee = assignee ? assignee : call_caller(call);
	if (strcmp(assignee, call_caller(call)) != 0 && call_role(call) < ROLE_DIRECTOR) {
		call_refuse(call, ERROR_FORBIDDEN, "only a director or an administrator subscribes to the reminders of others");
		return;
	}
	if (session && !rpc_session_lasts(session)) {
		call_refuse(call, ERROR_INVALID_REQUEST,
		            "nothing can be pushed to a single request; over HTTP open GET /events");
		return;
	}
	if (!session || subscriptions_of(engine, session) >= ENGINE_SUBSCRIPTIONS_MOST) {
		call_refuse(call, ERROR_RATE_LIMITED,
		            "a connection may have 16 subscriptions; one serves all reminders of a person");
		return;
	}
	subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		abort();
	*subscription = (struct subscription){.session = session, .call = call, .fresh = true};
	uuid_make(subscription->id);
	memcpy(subscription->assignee, assignee, UUID_TEXT_SIZE);
	memcpy(subscription->caller, call_caller(call), UUID_TEXT_SIZE);
	while (*end)
		end = &(*end)->next;
	*end = subscription;
	engine_next(engine);
}

/* The distinct ids in the subscriptions, of their assignees or of their callers, as an array literal. */
static const char *ids_of(const struct engine *engine, struct arena *arena, bool callers)
{
	size_t count = 0, length = 1;
	for (const struct subscription *at = engine->subscriptions; at; at = at->next)
		count++;
	char *list = arena_alloc(arena, count * UUID_TEXT_SIZE + 2);
	list[0] = '{';
	for (const struct subscription *at = engine->subscriptions; at; at = at->next) {
		const char *id = callers ? at->caller : at->assignee;
		list[length] = '\0';
		if (strstr(list, id))
			continue;
		memcpy(list + length, id, UUID_TEXT_SIZE - 1);
		length += UUID_TEXT_SIZE;
		list[length - 1] = ',';
	}
	list[length > 1 ? length - 1 : length] = '}';
	list[length > 1 ? length : length + 1] = '\0';
	return list;
}

static const char number_lease[] = "60", number_most[] = "200";
_Static_assert(ENGINE_LEASE_S == 60 && ENGINE_CLAIM_MOST == 200, "the two as text");

/* Each question: whether it is wanted, and then its parameters. */
static bool want_roles(struct engine *engine, struct arena *arena, const char **values)
{
	bool wanted = engine->roles_wanted;
	engine->roles_wanted = false;
	values[1] = ids_of(engine, arena, true);
	return wanted;
}

static bool want_page(struct engine *engine, struct arena *arena, const char **values)
{
	struct subscription *at = engine->subscriptions;
	bool congested = false;
	(void)arena;
	while (at && (!at->fresh || rpc_congested(at->session))) {
		congested = congested || at->fresh;
		at = at->next;
	}
	if (!at && congested)
		engine_sleep(engine, CONGESTED_MS);
	if (!at)
		return false;
	memcpy(engine->asked_for, at->id, sizeof engine->asked_for);
	values[1] = engine->daemon_id;
	values[2] = at->assignee;
	values[3] = at->after;
	values[4] = number_lease;
	values[5] = number_most;
	return true;
}

static bool want_elsewhere(struct engine *engine, struct arena *arena, const char **values)
{
	if (!engine->elsewhere)
		return false;
	values[1] = ids_of(engine, arena, false);
	values[2] = arena_printf(arena, "{%s}", engine->elsewhere);
	free(engine->elsewhere);
	engine->elsewhere = NULL;
	return true;
}

static bool want_claim(struct engine *engine, struct arena *arena, const char **values)
{
	bool wanted = engine->claim_wanted;
	engine->claim_wanted = false;
	values[1] = engine->daemon_id;
	values[2] = ids_of(engine, arena, false);
	values[3] = number_lease;
	values[4] = number_most;
	return wanted;
}

static const struct {
	const char *call; /* behind the schema's name */
	size_t parameters;
	enum pg_lane lane;
	bool (*want)(struct engine *engine, struct arena *arena, const char **values);
} questions[] = {
    [ASK_ROLES] = {"access_roles($1::uuid, $2::uuid[])", 2, PG_READ, want_roles},
    [ASK_PAGE] = {"reminder_catch_up($1::uuid, $2::uuid, $3::uuid, $4::text, $5::integer, $6::integer)", 6, PG_WRITE,
                  want_page},
    [ASK_ELSEWHERE] = {"reminder_deliveries($1::uuid, $2::uuid[], $3::uuid[])", 3, PG_READ, want_elsewhere},
    [ASK_CLAIM] = {"reminder_claim($1::uuid, $2::uuid, $3::uuid[], $4::integer, $5::integer)", 5, PG_WRITE, want_claim},
};

static void engine_step(struct engine *engine)
{
	struct arena arena = {0};
	const char *values[6] = {rpc_system_caller};

	if (engine->asking != ASK_NOTHING || !engine->subscriptions)
		return;
	for (enum question question = 0; question < ASK_NOTHING && engine->asking == ASK_NOTHING; question++) {
		if (!questions[question].want(engine, &arena, values))
			continue;
		engine->asking = question;
		pg_submit(engine->pool, &engine->statements[question], values, engine_on_answer, engine);
	}
	arena_release(&arena);
}

static void deliver_one(struct subscription *subscription, struct arena *arena, const char *delivery,
                        const char *reminder)
{
	if (rpc_session_expired(subscription->session)) {
		rpc_session_close(subscription->session);
		return;
	}
	rpc_notify(subscription->session, "reminder.due",
	           arena_printf(arena, "{\"subscription\":\"%s\",\"delivery_id\":\"%s\",\"reminder\":%s}", subscription->id,
	                        delivery, reminder));
}

/* To everyone who listens for the assignee and is not fresh; and to `reader`, whose page it is. */
static void deliver(struct engine *engine, const json_t *deliveries, const json_t *made,
                    const struct subscription *reader)
{
	size_t i;
	json_t *item;

	json_array_foreach(deliveries, i, item)
	{
		struct arena arena = {0};
		const char *delivery = json_string_value(json_object_get(item, "delivery_id"));
		const char *assignee = json_string_value(json_object_get(item, "assignee"));
		const char *reminder = json_text(&arena, json_object_get(item, "reminder"));
		bool news = !reader;
		for (size_t m = 0; m < json_array_size(made) && !news; m++)
			news = delivery && strcmp(json_string_value(json_array_get(made, m)), delivery) == 0;
		for (struct subscription *at = engine->subscriptions; at; at = at->next)
			if (assignee && delivery && (at == reader || (news && !at->fresh && strcmp(at->assignee, assignee) == 0)))
				deliver_one(at, &arena, delivery, reminder);
		arena_release(&arena);
	}
}

static void on_page(struct engine *engine, const json_t *answer)
{
	struct subscription *reader = subscription_find(engine, engine->asked_for);
	const char *after = json_string_value(json_object_get(answer, "after"));
	struct call *call = reader ? reader->call : NULL;

	if (call && json_object_get(answer, "refused")) {
		subscription_refuse(engine, reader, ERROR_NOT_FOUND, "no such principal; principal.list has all");
		return;
	}
	if (call) {
		const char *text = arena_printf(call_arena(call), "{\"subscription\":\"%s\"}", reader->id);
		reader->call = NULL;
		call_reply(call, text, strlen(text));
	}
	/* What the page claimed is news to others, also when its reader has gone meanwhile. */
	deliver(engine, json_object_get(answer, "deliveries"), json_object_get(answer, "made"), reader);
	if (!reader)
		return;
	free(reader->after);
	reader->after = after ? strdup(after) : NULL;
	reader->fresh = after != NULL;
	/* The timer does not know of this subscription yet. */
	if (!after)
		engine->claim_wanted = true;
}

static void on_claim(struct engine *engine, const json_t *answer)
{
	const json_t *deliveries = json_object_get(answer, "deliveries"), *due_in = json_object_get(answer, "due_in_ms");
	double ms = json_is_number(due_in) ? json_number_value(due_in) : ENGINE_RECHECK_S * 1000.0;

	deliver(engine, deliveries, NULL, NULL);
	if (json_array_size(deliveries) > 0 || ms > 0) {
		engine->idle_ms = IDLE_FIRST_MS;
	} else {
		/* Something is due and somebody else has it locked. */
		ms = (double)engine->idle_ms;
		engine->idle_ms *= 2;
	}
	if (json_array_size(deliveries) >= ENGINE_CLAIM_MOST)
		engine->claim_wanted = true;
	else
		engine_sleep(engine, ms);
}

/* Who is no longer active, or no longer a director and listens for another, hears nothing more. */
static void on_roles(struct engine *engine, const json_t *roles)
{
	for (struct subscription *at = engine->subscriptions, *next; at; at = next) {
		const char *role = json_string_value(json_object_get(roles, at->caller));
		next = at->next;
		if (role && (strcmp(at->caller, at->assignee) == 0 || method_role_of(role) >= ROLE_DIRECTOR))
			continue;
		log_info("", "a subscription ends: its subscriber may no longer listen");
		if (at->call) {
			subscription_refuse(engine, at, ERROR_FORBIDDEN, "the caller may no longer listen");
			continue;
		}
		rpc_session_unsubscribed(at->session);
		subscription_free(subscription_take(engine, at->id));
	}
}

/* Nobody knows what was claimed: everybody reads again what is due. */
static void engine_on_loss(struct engine *engine)
{
	for (struct subscription *at = engine->subscriptions, *next; at; at = next) {
		next = at->next;
		at->fresh = true;
		free(at->after);
		at->after = NULL;
		if (at->call)
			subscription_refuse(engine, at, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
	}
	engine->roles_wanted = true;
	engine_sleep(engine, 1000);
}

static void engine_on_answer(const struct pg_result *result, void *context)
{
	static void (*const readers[])(struct engine * engine, const json_t *answer) = {
	    [ASK_ROLES] = on_roles, [ASK_PAGE] = on_page, [ASK_CLAIM] = on_claim};
	struct engine *engine = context;
	enum question asked = engine->asking;
	json_t *answer = NULL;

	engine->asking = ASK_NOTHING;
	if (result->status != PG_OK || !result->text || !json_parse(result->text, result->length, &answer, NULL)) {
		if (result->status == PG_RAISED)
			log_error("", "a question about reminders raised SQLSTATE %s", result->sqlstate);
		log_warning("", "reminders could not be asked for; trying again in a second");
		engine_on_loss(engine);
		return;
	}
	if (asked == ASK_ELSEWHERE)
		deliver(engine, json_object_get(answer, "deliveries"), NULL, NULL);
	else
		readers[asked](engine, answer);
	json_decref(answer);
	/* Sent twice, it may have claimed at the first time what it did not find at the second. */
	if (result->attempts > 1 && (asked == ASK_CLAIM || asked == ASK_PAGE))
		engine_on_loss(engine);
	engine_next(engine);
}

void engine_on_claimed_elsewhere(struct engine *engine, const char *payload)
{
	const char *daemon = strchr(payload, ' ');
	const char *ids = daemon ? strchr(daemon + 1, ' ') : NULL;
	char *joined;

	if (!ids || !engine->subscriptions || strncmp(daemon + 1, engine->daemon_id, strlen(engine->daemon_id)) == 0)
		return;
	if (asprintf(&joined, "%s%s%s", engine->elsewhere ? engine->elsewhere : "", engine->elsewhere ? "," : "", ids + 1) <
	    0)
		abort();
	free(engine->elsewhere);
	engine->elsewhere = joined;
	engine_next(engine);
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
	engine->pool = pool;
	engine->daemon_id = daemon_id;
	engine->asking = ASK_NOTHING;
	engine->idle_ms = IDLE_FIRST_MS;
	for (enum question question = 0; question < ASK_NOTHING; question++) {
		engine->statements[question] = (struct pg_statement){
		    .sql = arena_printf(&engine->arena, "SELECT %s.%s::text", api_schema, questions[question].call),
		    .parameters = questions[question].parameters,
		    .lane = questions[question].lane,
		};
		pg_statement_add(pool, &engine->statements[question]);
	}
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
		subscription_free(engine->subscriptions);
		engine->subscriptions = next;
	}
	free(engine->elsewhere);
	arena_release(&engine->arena);
	free(engine);
}
