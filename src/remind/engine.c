/* Engine: one timer, and two questions to the database at a time at most.
 *
 * What is claimed is claimed by one question and read by another, so that the next claim is made while the last one is
 * read and sent; a few deliveries come along with the claim. The invariant: beside a reading there is no page, and no
 * claim before what was claimed last is being read; when an answer is in, the next question is the most urgent of what
 * is wanted, in the order of `questions`. A fresh subscription is passed over by everything but its own pages; they are
 * read in the order of due time from the database, which has whatever it was passed over for. A question whose answer
 * was lost may have claimed something all the same: then every subscription is fresh again, and a few reminders come
 * twice; a message is claimed again when its lease ends. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"
#include "text/json.h"

enum { IDLE_FIRST_MS = 100, IDLE_MOST_MS = 5000, CONGESTED_MS = 50, LOST_MS = 1000, SEND_AT_ONCE = 50 };

const struct migrate_function engine_functions[] = {
    {"access_roles", "p_caller uuid, p_principals uuid[]", false},
    {"reminder_catch_up",
     "p_caller uuid, p_daemon uuid, p_assignee uuid, p_after text, p_lease_s integer, p_limit integer", true},
    {"reminder_claim",
     "p_caller uuid, p_daemon uuid, p_assignees uuid[], p_able text[], p_room integer, p_lease_s integer, "
     "p_message_lease_s integer, p_limit integer",
     true},
    {"reminder_deliveries", "p_caller uuid, p_daemon uuid, p_assignees uuid[], p_deliveries uuid[]", false},
    {"delivery_report", "p_caller uuid, p_results jsonb, p_first_s integer, p_most integer", true},
    {"holidays_fill", "p_caller uuid, p_days jsonb", true},
    {"stock_wanted", "p_caller uuid, p_limit integer", false},
    {"stock_fill", "p_caller uuid, p_stock jsonb", true},
};
const size_t engine_function_count = sizeof engine_functions / sizeof *engine_functions;

enum question {
	ASK_READING,
	ASK_ROLES,
	ASK_PAGE,
	ASK_REPORT,
	ASK_HOLIDAYS,
	ASK_STOCK,
	ASK_FILL,
	ASK_CLAIM,
	ASK_NOTHING
};
enum { PARAMETERS_MOST = 8 };

struct engine {
	struct engine_options options;
	struct dispatch *dispatch;
	struct arena arena;
	struct pg_statement statements[ASK_NOTHING];
	struct subscription *subscriptions;
	struct event timer, step, send;
	json_t *sending;                /* deliveries that have been read; NULL when all of them have been sent */
	size_t sent;                    /* of those */
	enum question asking;           /* of all but ASK_READING */
	enum question raised;           /* the last question raised: it waits for the others once; ASK_NOTHING for none */
	char asked_for[UUID_TEXT_SIZE]; /* ASK_PAGE: the subscription */
	bool ready;                     /* the database was in reach when last asked */
	bool stopped;                   /* nothing new is begun */
	bool claim_wanted, roles_wanted, stock_wanted, holidays_wanted;
	long idle_ms;         /* how long to wait after a claim that found something due and could not have it */
	char *claimed;        /* ids of deliveries that are to be read, comma-separated; NULL for none */
	char *elsewhere;      /* the same, of what other daemons claimed */
	char *reading;        /* those that are being read; NULL: ASK_READING is free */
	struct arena filling; /* owns `fill` */
	const char *fill;     /* occurrences to be written; NULL for none */
	char message_lease_s[24], retry_first_s[24], attempts_most[24]; /* as text */
};

static void engine_on_answer(const struct pg_result *result, void *context);
static void engine_on_reading(const struct pg_result *result, void *context);

static void engine_next(struct engine *engine)
{
	event_active(&engine->step, EV_TIMEOUT, 0);
}

void engine_wake(struct engine *engine)
{
	/* Rules before claims: what has not been worked out does not fire. */
	engine->stock_wanted = engine->claim_wanted = true;
	engine_next(engine);
}

void engine_on_principals(struct engine *engine)
{
	/* A session that has become nobody, for its token was revoked, is ended whole; the roles say of the rest who may.
	 */
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		rpc_session_recheck(at->session);
	engine->roles_wanted = engine->subscriptions != NULL;
	engine_next(engine);
}

static void engine_sleep(struct engine *engine, double due_in_us)
{
	double most = engine->ready ? ENGINE_RECHECK_S * 1e6 : LOST_MS * 1e3;
	long us = (long)(due_in_us < 0 ? 0 : due_in_us < most ? due_in_us : most);
	event_add(&engine->timer, &(struct timeval){.tv_sec = us / 1000000, .tv_usec = us % 1000000});
}

void engine_forget(struct engine *engine, const struct rpc_session *session)
{
	for (struct subscription *at = engine->subscriptions, *next; at; at = next) {
		next = at->next;
		if (at->session == session)
			subscription_end(&engine->subscriptions, at->id, ERROR_UNAVAILABLE, "the client has gone");
	}
}

void engine_on_subscribe(struct call *call, void *context)
{
	struct engine *engine = context;
	subscription_take(&engine->subscriptions, call);
	engine_next(engine);
}

static const char number_lease[] = "60", number_most[] = "400";
_Static_assert(ENGINE_LEASE_S == 60 && ENGINE_CLAIM_MOST == 400, "the two as text");

/* Each question: whether it is wanted, and then its parameters. */
static bool want_roles(struct engine *engine, struct arena *arena, const char **values)
{
	bool wanted = engine->roles_wanted;
	engine->roles_wanted = false;
	for (struct subscription *at = engine->subscriptions; at; at = at->next)
		at->judged = wanted;
	values[1] = subscription_ids(engine->subscriptions, arena, true);
	return wanted;
}

/* The first whose page can be asked for; *congested tells of one that is passed over until it has read what it got. */
static struct subscription *fresh_reader(const struct engine *engine, bool *congested)
{
	struct subscription *at = engine->subscriptions;
	*congested = false;
	while (at && (!at->fresh || rpc_congested(at->session))) {
		*congested = *congested || at->fresh;
		at = at->next;
	}
	return at;
}

static bool want_page(struct engine *engine, struct arena *arena, const char **values)
{
	bool congested;
	struct subscription *at = fresh_reader(engine, &congested);
	(void)arena;
	if (!at && congested)
		engine_sleep(engine, CONGESTED_MS * 1e3);
	if (!at)
		return false;
	memcpy(engine->asked_for, at->id, sizeof engine->asked_for);
	values[1] = engine->options.daemon_id;
	values[2] = at->assignee;
	values[3] = at->after;
	values[4] = number_lease;
	values[5] = number_most;
	return true;
}

static bool want_reading(struct engine *engine, struct arena *arena, const char **values)
{
	if (engine->elsewhere)
		ids_append(&engine->claimed, engine->elsewhere);
	engine->elsewhere = NULL;
	engine->reading = engine->claimed;
	engine->claimed = NULL;
	values[1] = engine->options.daemon_id;
	values[2] = subscription_ids(engine->subscriptions, arena, false);
	values[3] = arena_printf(arena, "{%s}", engine->reading);
	return true;
}

static bool want_report(struct engine *engine, struct arena *arena, const char **values)
{
	values[1] = dispatch_results(engine->dispatch, arena);
	values[2] = engine->retry_first_s;
	values[3] = engine->attempts_most;
	return values[1] != NULL;
}

static bool want_holidays(struct engine *engine, struct arena *arena, const char **values)
{
	bool wanted = engine->holidays_wanted;
	engine->holidays_wanted = false;
	if (wanted)
		values[1] = stock_holidays(arena);
	return wanted;
}

static bool want_stock(struct engine *engine, struct arena *arena, const char **values)
{
	(void)arena;
	bool wanted = engine->stock_wanted && !engine->stopped;
	engine->stock_wanted = false;
	values[1] = number_most;
	return wanted;
}

static bool want_fill(struct engine *engine, struct arena *arena, const char **values)
{
	(void)arena;
	values[1] = engine->fill;
	return engine->fill != NULL;
}

static bool want_claim(struct engine *engine, struct arena *arena, const char **values)
{
	bool wanted = engine->claim_wanted && !engine->stopped;
	engine->claim_wanted = false;
	values[1] = engine->options.daemon_id;
	values[2] = subscription_ids(engine->subscriptions, arena, false);
	values[3] = dispatch_able(engine->dispatch);
	values[4] = arena_printf(arena, "%zu", dispatch_room(engine->dispatch));
	values[5] = number_lease;
	values[6] = engine->message_lease_s;
	values[7] = number_most;
	return wanted;
}

static const struct {
	const char *call; /* behind the schema's name */
	size_t parameters;
	enum pg_lane lane;
	bool (*want)(struct engine *engine, struct arena *arena, const char **values);
} questions[] = {
    [ASK_READING] = {"reminder_deliveries($1::uuid, $2::uuid, $3::uuid[], $4::uuid[])", 4, PG_READ, want_reading},
    [ASK_ROLES] = {"access_roles($1::uuid, $2::uuid[])", 2, PG_READ, want_roles},
    [ASK_PAGE] = {"reminder_catch_up($1::uuid, $2::uuid, $3::uuid, $4::text, $5::integer, $6::integer)", 6, PG_WRITE,
                  want_page},
    [ASK_REPORT] = {"delivery_report($1::uuid, $2::jsonb, $3::integer, $4::integer)", 4, PG_WRITE, want_report},
    [ASK_HOLIDAYS] = {"holidays_fill($1::uuid, $2::jsonb)", 2, PG_WRITE, want_holidays},
    [ASK_STOCK] = {"stock_wanted($1::uuid, $2::integer)", 2, PG_READ, want_stock},
    [ASK_FILL] = {"stock_fill($1::uuid, $2::jsonb)", 2, PG_WRITE, want_fill},
    [ASK_CLAIM] = {"reminder_claim($1::uuid, $2::uuid, $3::uuid[], $4::text[], $5::integer, $6::integer, $7::integer, "
                   "$8::integer)",
                   8, PG_WRITE, want_claim},
};

/* What is read goes out to all who are not fresh, so a page is not read beside it; what others claimed waits for pages.
 */
static bool may_ask(const struct engine *engine, enum question question)
{
	bool congested, page = fresh_reader(engine, &congested) != NULL;
	switch (question) {
	case ASK_READING:
		return !engine->reading && engine->asking != ASK_PAGE && (engine->claimed || (engine->elsewhere && !page));
	case ASK_PAGE:
		return engine->asking == ASK_NOTHING && !engine->reading && !engine->claimed && !engine->sending;
	case ASK_CLAIM:
		return engine->asking == ASK_NOTHING && !engine->claimed && !page;
	default:
		return engine->asking == ASK_NOTHING;
	}
}

static void engine_step(struct engine *engine)
{
	struct arena arena = {0};
	const char *values[PARAMETERS_MOST] = {rpc_system_caller};

	for (enum question question = 0; question < ASK_NOTHING && engine->ready; question++) {
		if (question == engine->raised || !may_ask(engine, question) ||
		    !questions[question].want(engine, &arena, values))
			continue;
		if (question != ASK_READING)
			engine->asking = question;
		pg_submit(engine->options.pool, &engine->statements[question], values,
		          question == ASK_READING ? engine_on_reading : engine_on_answer, engine);
	}
	if (engine->ready)
		engine->raised = ASK_NOTHING;
	arena_release(&arena);
}

static bool is_among(const json_t *ids, const char *id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (strcmp(json_string_value(json_array_get(ids, i)), id) == 0)
			return true;
	return false;
}

/* Pushes to who listens, messages to their channels: a few at a time, so that nobody else waits for a crowd. */
static void on_send(int fd, short what, void *context)
{
	struct engine *engine = context;
	size_t count = json_array_size(engine->sending);
	(void)fd;
	(void)what;
	for (size_t end = engine->sent + SEND_AT_ONCE; engine->sent < count && engine->sent < end; engine->sent++) {
		const json_t *delivery = json_array_get(engine->sending, engine->sent);
		if (strcmp(json_string_value(json_object_get(delivery, "channel")), "push") == 0)
			subscription_push(engine->subscriptions, delivery, NULL);
		else
			dispatch_send(engine->dispatch, delivery);
	}
	event_active(engine->sent < count ? &engine->send : &engine->step, EV_TIMEOUT, 0);
	if (engine->sent < count)
		return;
	json_decref(engine->sending);
	engine->sending = NULL;
	engine->sent = 0;
}

static void engine_send(struct engine *engine, json_t *deliveries)
{
	if (!engine->sending)
		engine->sending = json_array();
	json_array_extend(engine->sending, deliveries);
	event_active(&engine->send, EV_TIMEOUT, 0);
}

static void on_page(struct engine *engine, const json_t *answer)
{
	struct subscription *reader = subscription_find(engine->subscriptions, engine->asked_for);
	const char *after = json_string_value(json_object_get(answer, "after"));
	struct call *call = reader ? reader->call : NULL;
	const json_t *made = json_object_get(answer, "made");
	json_t *delivery;
	size_t i;

	if (call && json_object_get(answer, "refused")) {
		subscription_end(&engine->subscriptions, reader->id, ERROR_NOT_FOUND,
		                 "no such principal; principal.list has all");
		return;
	}
	if (call) {
		const char *text = arena_printf(call_arena(call), "{\"subscription\":\"%s\"}", reader->id);
		reader->call = NULL;
		call_reply(call, text, strlen(text));
	}
	json_array_foreach(json_object_get(answer, "deliveries"), i, delivery) {
		if (reader)
			subscription_push(engine->subscriptions, delivery, reader);
		/* What the page claimed is news to others, also when its reader has gone meanwhile. */
		if (is_among(made, json_string_value(json_object_get(delivery, "delivery_id"))))
			subscription_push(engine->subscriptions, delivery, NULL);
	}
	/* What fired along may have other channels, and the timer does not know of this subscription yet. */
	engine->claim_wanted = engine->claim_wanted || !after;
	if (!reader)
		return;
	free(reader->after);
	reader->after = after ? strdup(after) : NULL;
	reader->fresh = after != NULL;
}

static void on_claim(struct engine *engine, const json_t *answer)
{
	const json_t *claimed = json_object_get(answer, "claimed"), *due_in = json_object_get(answer, "due_in_us");
	double us = json_is_number(due_in) ? json_number_value(due_in) : ENGINE_RECHECK_S * 1e6;

	json_t *deliveries = json_object_get(answer, "deliveries");
	/* Not before what is being read, which came due earlier. */
	if (json_is_array(deliveries) && !engine->reading)
		engine_send(engine, deliveries);
	else if (json_array_size(claimed) > 0)
		ids_append(&engine->claimed, ids_of(claimed));
	engine->stock_wanted = engine->stock_wanted || json_is_true(json_object_get(answer, "stock"));
	if (json_array_size(claimed) > 0 || us > 0) {
		engine->idle_ms = IDLE_FIRST_MS;
	} else if (json_integer_value(json_object_get(answer, "fired")) > 0) {
		/* Nothing of it is for this daemon, and more is due. */
		us = 0;
	} else {
		/* Something is due and somebody else has it locked. */
		us = (double)engine->idle_ms * 1e3;
		engine->idle_ms = engine->idle_ms < IDLE_MOST_MS / 2 ? engine->idle_ms * 2 : IDLE_MOST_MS;
	}
	if (us <= 0)
		engine->claim_wanted = true;
	else
		engine_sleep(engine, us);
}

static void on_roles(struct engine *engine, const json_t *roles)
{
	subscription_check(&engine->subscriptions, roles);
}

static void on_reading(struct engine *engine, const json_t *answer)
{
	engine_send(engine, json_object_get(answer, "deliveries"));
}

static void on_report(struct engine *engine, const json_t *answer)
{
	size_t i;
	json_t *id;
	json_array_foreach(json_object_get(answer, "failed"), i, id)
		log_error("", "delivery %s has failed for good; reminder.list with status failed shows what it was",
		          json_string_value(id));
	dispatch_reported(engine->dispatch);
	engine->claim_wanted = true;
}

static void on_holidays(struct engine *engine, const json_t *answer)
{
	(void)engine;
	(void)answer;
}

static void on_stock(struct engine *engine, const json_t *answer)
{
	if (json_array_size(answer) > 0)
		engine->fill = stock_of(&engine->filling, answer);
}

static void engine_drop_fill(struct engine *engine)
{
	arena_release(&engine->filling);
	engine->fill = NULL;
}

static void on_fill(struct engine *engine, const json_t *answer)
{
	(void)answer;
	engine_drop_fill(engine);
	engine->stock_wanted = engine->claim_wanted = true;
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
			subscription_end(&engine->subscriptions, at->id, ERROR_UNAVAILABLE,
			                 "the database is out of reach; try again in a while");
	}
	engine->roles_wanted = engine->subscriptions != NULL;
	engine_sleep(engine, LOST_MS * 1e3);
}

static void engine_take(struct engine *engine, enum question asked, const struct pg_result *result)
{
	static void (*const readers[])(struct engine * engine, const json_t *answer) = {
	    [ASK_READING] = on_reading,   [ASK_ROLES] = on_roles, [ASK_PAGE] = on_page, [ASK_REPORT] = on_report,
	    [ASK_HOLIDAYS] = on_holidays, [ASK_STOCK] = on_stock, [ASK_FILL] = on_fill, [ASK_CLAIM] = on_claim};
	json_t *answer = NULL;

	if (result->status != PG_OK || !result->text || !json_parse(result->text, result->length, &answer, NULL)) {
		if (result->status == PG_RAISED) {
			log_error("", "a question about reminders raised SQLSTATE %s", result->sqlstate);
			engine->raised = asked;
			/* Asked again from the start, not with what the database would not have. */
			if (asked == ASK_FILL)
				engine_drop_fill(engine);
		}
		/* Whatever was asked, and whatever waited for it, is wanted still. */
		engine->claim_wanted = engine->stock_wanted = true;
		engine->holidays_wanted = engine->holidays_wanted || asked == ASK_HOLIDAYS;
		log_warning("", "reminders could not be asked for; trying again in a second");
		dispatch_unreported(engine->dispatch);
		engine->ready = false;
		engine_on_loss(engine);
		return;
	}
	readers[asked](engine, answer);
	json_decref(answer);
	/* Sent twice, it may have claimed at the first time what it did not find at the second. */
	if (result->attempts > 1 && (asked == ASK_CLAIM || asked == ASK_PAGE))
		engine_on_loss(engine);
	engine_next(engine);
}

static void engine_on_answer(const struct pg_result *result, void *context)
{
	struct engine *engine = context;
	enum question asked = engine->asking;
	engine->asking = ASK_NOTHING;
	engine_take(engine, asked, result);
}

static void engine_on_reading(const struct pg_result *result, void *context)
{
	struct engine *engine = context;
	char *ids = engine->reading;
	engine->reading = NULL;
	/* What was not read is read again; what the database would not read comes back when its leases end. */
	if (result->status == PG_OK || result->status == PG_RAISED)
		free(ids);
	else
		ids_append(&engine->claimed, ids);
	engine_take(engine, ASK_READING, result);
}

void engine_on_claimed_elsewhere(struct engine *engine, const char *payload)
{
	const char *daemon = strchr(payload, ' ');
	const char *ids = daemon ? strchr(daemon + 1, ' ') : NULL;

	if (!ids || !engine->subscriptions ||
	    strncmp(daemon + 1, engine->options.daemon_id, strlen(engine->options.daemon_id)) == 0)
		return;
	ids_append(&engine->elsewhere, strdup(ids + 1));
	engine_next(engine);
}

static void on_timer(int fd, short what, void *context)
{
	struct engine *engine = context;
	(void)fd;
	(void)what;
	engine->ready = engine->claim_wanted = true;
	engine_next(engine);
}

static void on_step(int fd, short what, void *context)
{
	(void)fd;
	(void)what;
	engine_step(context);
}

static void on_outcome(void *context)
{
	engine_next(context);
}

void engine_start(struct engine *engine)
{
	engine->ready = true;
	engine->stock_wanted = engine->holidays_wanted = true;
	engine_wake(engine);
}

void engine_stop(struct engine *engine)
{
	engine->stopped = true;
}

size_t engine_pending(const struct engine *engine)
{
	/* What a claim that is under way brings will be sent, too. */
	return dispatch_pending(engine->dispatch) + (engine->asking == ASK_CLAIM) + (engine->claimed != NULL) +
	       (engine->reading != NULL) + (engine->sending != NULL);
}

void engine_configure(struct engine *engine, const struct engine_options *options)
{
	engine->options = *options;
	snprintf(engine->message_lease_s, sizeof engine->message_lease_s, "%ld", options->message_lease_s);
	snprintf(engine->retry_first_s, sizeof engine->retry_first_s, "%ld", options->retry_first_s);
	snprintf(engine->attempts_most, sizeof engine->attempts_most, "%ld", options->attempts_most);
}

struct engine *engine_new(const struct engine_options *options)
{
	struct engine *engine = calloc(1, sizeof *engine);
	if (!engine)
		abort();
	engine_configure(engine, options);
	engine->dispatch = dispatch_new(&engine->options, on_outcome, engine);
	engine->asking = engine->raised = ASK_NOTHING;
	engine->idle_ms = IDLE_FIRST_MS;
	for (enum question question = 0; question < ASK_NOTHING; question++) {
		engine->statements[question] = (struct pg_statement){
		    .sql = arena_printf(&engine->arena, "SELECT %s.%s::text", options->api_schema, questions[question].call),
		    .parameters = questions[question].parameters,
		    .lane = questions[question].lane,
		};
		pg_statement_add(options->pool, &engine->statements[question]);
	}
	evtimer_assign(&engine->timer, options->base, on_timer, engine);
	evtimer_assign(&engine->step, options->base, on_step, engine);
	evtimer_assign(&engine->send, options->base, on_send, engine);
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	event_del(&engine->timer);
	event_del(&engine->step);
	event_del(&engine->send);
	json_decref(engine->sending);
	while (engine->subscriptions)
		subscription_end(&engine->subscriptions, engine->subscriptions->id, ERROR_UNAVAILABLE, "the daemon stops");
	dispatch_free(engine->dispatch);
	free(engine->claimed);
	free(engine->elsewhere);
	free(engine->reading);
	arena_release(&engine->filling);
	arena_release(&engine->arena);
	free(engine);
}
