/* Rpc: the envelope: from a message to calls, and from their answers to a message.
 *
 * Every request that is owed an answer holds its session's transport until the answer is written, and a batch counts as
 * one. A session stands as long as its client or any of its calls. */
#include "rpc/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"
#include "rpc/reference.h"
#include "text/json.h"

const char rpc_system_caller[] = "00000000-0000-0000-0000-000000000000";

const struct migrate_function rpc_functions[] = {
    {"access_token", "p_caller uuid, p_hash text", false},
    {"access_unix_user", "p_caller uuid, p_user text, p_privileged boolean", false},
    {"reference_load", "p_caller uuid, p_stamp text", false},
};
const size_t rpc_function_count = sizeof rpc_functions / sizeof *rpc_functions;

struct rpc *rpc_new(const struct rpc_options *options)
{
	size_t count = registry_count(options->registry);
	struct rpc *rpc = calloc(1, sizeof *rpc);
	if (!rpc || !(rpc->routes = calloc(count, sizeof *rpc->routes)))
		abort();
	rpc->options = *options;
	rpc->unasked_end = &rpc->unasked;
	for (size_t i = 0; i < count; i++) {
		struct rpc_route *route = &rpc->routes[i];
		route->method = registry_at(options->registry, i);
		if (route->method->kind == METHOD_LOCAL)
			continue;
		route->statement = (struct pg_statement){
		    .sql = method_statement(&rpc->arena, route->method, options->api_schema),
		    .parameters = method_value_count(route->method),
		    .lane = route->method->kind == METHOD_WRITE ? PG_WRITE : PG_READ,
		};
		pg_statement_add(options->pool, &route->statement);
	}
	rpc->metrics = metrics_new(options->registry);
	rpc->cache = access_cache_new();
	rpc->token_statement = (struct pg_statement){
	    .sql = arena_printf(&rpc->arena, "SELECT %s.access_token($1::uuid, $2::text)::text", options->api_schema),
	    .parameters = 2};
	rpc->user_statement = (struct pg_statement){
	    .sql = arena_printf(&rpc->arena, "SELECT %s.access_unix_user($1::uuid, $2::text, $3::boolean)::text",
	                        options->api_schema),
	    .parameters = 3};
	rpc->reference_statement = (struct pg_statement){
	    .sql = arena_printf(&rpc->arena, "SELECT %s.reference_load($1::uuid, $2::text)::text", options->api_schema),
	    .parameters = 2};
	pg_statement_add(options->pool, &rpc->user_statement);
	pg_statement_add(options->pool, &rpc->token_statement);
	pg_statement_add(options->pool, &rpc->reference_statement);
	if (rpc_route_find(rpc, "session.login"))
		rpc_bind(rpc, "session.login", access_on_login, NULL);
	if (rpc_route_find(rpc, "session.whoami"))
		rpc_bind(rpc, "session.whoami", access_on_whoami, NULL);
	return rpc;
}

void rpc_free(struct rpc *rpc)
{
	if (!rpc)
		return;
	metrics_free(rpc->metrics);
	access_cache_free(rpc);
	arena_release(&rpc->arena);
	free(rpc->routes);
	free(rpc);
}

struct rpc_route *rpc_route_find(struct rpc *rpc, const char *method)
{
	size_t low = 0, high = registry_count(rpc->options.registry);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(method, rpc->routes[middle].method->name);
		if (order == 0)
			return &rpc->routes[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void rpc_bind(struct rpc *rpc, const char *method, call_handler *handler, void *context)
{
	struct rpc_route *route = rpc_route_find(rpc, method);
	if (!route)
		log_fatal(70, "the handler of %s has no row", method);
	route->handler = handler;
	route->context = context;
}

const char *rpc_missing_handler(const struct rpc *rpc)
{
	for (size_t i = 0; i < registry_count(rpc->options.registry); i++)
		if (rpc->routes[i].method->kind == METHOD_LOCAL && !rpc->routes[i].handler)
			return rpc->routes[i].method->name;
	return NULL;
}

void rpc_set_limits(struct rpc *rpc, size_t max_inflight, size_t max_line_bytes)
{
	rpc->options.max_inflight = max_inflight;
	rpc->options.max_line_bytes = max_line_bytes;
}

void rpc_set_ready(struct rpc *rpc, bool ready)
{
	rpc->ready = ready;
}

bool rpc_ready(const struct rpc *rpc)
{
	return rpc->ready;
}

void rpc_forget_identities(struct rpc *rpc)
{
	rpc->generation++;
}

size_t rpc_pending(const struct rpc *rpc)
{
	return rpc->pending;
}

struct rpc_session *rpc_session_new(struct rpc *rpc, const struct rpc_transport *transport, void *peer, long uid)
{
	struct rpc_session *session = calloc(1, sizeof *session);
	if (!session)
		abort();
	*session = (struct rpc_session){.transport = transport, .peer = peer, .references = 1};
	access_begin(rpc, session, uid);
	metrics_client(rpc->metrics, transport->name, 1);
	return session;
}

bool rpc_session_lasts(const struct rpc_session *session)
{
	return !session->transport->single;
}

bool rpc_session_known(const struct rpc_session *session)
{
	return session->identity->state == IDENTITY_KNOWN;
}

struct metrics *rpc_metrics(struct rpc *rpc)
{
	return rpc->metrics;
}

void rpc_session_unref(struct rpc_session *session)
{
	if (--session->references > 0)
		return;
	access_end(session);
	free(session);
}

void rpc_session_close(struct rpc_session *session)
{
	if (session->peer)
		session->transport->end(session->peer);
}

void rpc_session_unsubscribed(struct rpc_session *session)
{
	if (session->transport->listens)
		rpc_session_close(session);
}

const char *rpc_session_subject(const struct rpc_session *session)
{
	return session->peer ? session->transport->subject(session->peer) : "a client that has gone";
}

void rpc_session_end(struct rpc_session *session)
{
	struct rpc *rpc = session->identity->rpc;
	if (rpc->options.on_session_end)
		rpc->options.on_session_end(session, rpc->options.context);
	metrics_client(rpc->metrics, session->transport->name, -1);
	session->peer = NULL;
	rpc_session_unref(session);
}

static void session_began(struct rpc_session *session)
{
	struct rpc *rpc = session->identity->rpc;
	session->references++;
	rpc->pending++;
	session->transport->hold(session->peer);
	/* Paused while at the limit or, by a batch or a new limit, over it. */
	if (++session->inflight < rpc->options.max_inflight || session->full)
		return;
	session->full = true;
	session->transport->pause(session->peer);
}

void rpc_call_ended(struct rpc_session *session)
{
	struct rpc *rpc = session->identity->rpc;
	rpc->pending--;
	if (--session->inflight < rpc->options.max_inflight && session->full) {
		session->full = false;
		if (session->peer)
			session->transport->resume(session->peer);
	}
	if (session->peer)
		session->transport->release(session->peer);
	rpc_session_unref(session);
}

/* A message around a document that is not touched: its head, the document, its tail. */
enum { ENVELOPE_PIECES = 3 };

static void envelope(struct arena *arena, const char *id, const char *member, const char *json, size_t length,
                     struct conn_piece pieces[static ENVELOPE_PIECES])
{
	const char *head = arena_printf(arena, "{\"jsonrpc\":\"2.0\",\"%s\":", member);
	const char *tail = arena_printf(arena, ",\"id\":%s}", id);
	pieces[0] = (struct conn_piece){head, strlen(head)};
	pieces[1] = (struct conn_piece){json, length};
	pieces[2] = (struct conn_piece){tail, strlen(tail)};
}

static void batch_end(struct rpc_session *session, struct rpc_batch *batch)
{
	struct conn_piece *pieces = arena_alloc(&batch->arena, (2 * batch->count + 1) * sizeof *pieces);
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->answers[i])
			continue;
		pieces[count] = (struct conn_piece){count == 0 ? "[" : ",", 1};
		pieces[count + 1] = (struct conn_piece){batch->answers[i], strlen(batch->answers[i])};
		count += 2;
	}
	if (count > 0 && session->peer) {
		pieces[count] = (struct conn_piece){"]", 1};
		session->transport->send(session->peer, pieces, count + 1);
	}
	arena_release(&batch->arena);
	free(batch);
}

static const char *joined(struct arena *arena, const struct conn_piece *pieces, size_t count)
{
	size_t length = 0, at = 0;
	for (size_t i = 0; i < count; i++)
		length += pieces[i].length;
	char *text = arena_alloc(arena, length + 1);
	for (size_t i = 0; i < count; i++) {
		memcpy(text + at, pieces[i].bytes, pieces[i].length);
		at += pieces[i].length;
	}
	return text;
}

void rpc_answer(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id, const char *member,
                const char *json, size_t length)
{
	struct arena arena = {0};
	struct conn_piece pieces[ENVELOPE_PIECES];

	if (batch && batch->bytes > RPC_BATCH_BYTES_MAX) {
		member = "error";
		json = error_text(&arena, ERROR_BUSY, "the answers of one batch have grown too long; ask for this one alone",
		                  NULL);
		length = strlen(json);
	}
	if (id && (batch || session->peer)) {
		envelope(batch ? &batch->arena : &arena, id, member, json, length, pieces);
		if (batch) {
			batch->answers[place] = joined(&batch->arena, pieces, ENVELOPE_PIECES);
			batch->bytes += length;
		} else {
			session->transport->send(session->peer, pieces, ENVELOPE_PIECES);
		}
	}
	if (batch && --batch->pending == 0)
		batch_end(session, batch);
	arena_release(&arena);
}

void rpc_notify(struct rpc_session *session, const char *method, const char *params)
{
	static const char before[] = "{\"jsonrpc\":\"2.0\",\"method\":\"", between[] = "\",\"params\":";
	if (session->peer)
		session->transport->send(session->peer,
		                         (const struct conn_piece[]){{before, sizeof before - 1},
		                                                     {method, strlen(method)},
		                                                     {between, sizeof between - 1},
		                                                     {params, strlen(params)},
		                                                     {"}", 1}},
		                         5);
}

bool rpc_congested(const struct rpc_session *session)
{
	return session->peer && session->transport->congested(session->peer);
}

static void refuse(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id,
                   enum error_kind kind, const char *message)
{
	struct arena arena = {0};
	const char *text = error_text(&arena, kind, message, NULL);
	metrics_count(session->identity->rpc->metrics, NULL, error_rows[kind].name, 0);
	rpc_answer(session, batch, place, id, "error", text, strlen(text));
	arena_release(&arena);
}

void rpc_refuse_length(struct rpc_session *session)
{
	struct arena arena = {0};
	refuse(session, NULL, 0, "null", ERROR_TOO_LARGE,
	       arena_printf(&arena, "a message may have %zu bytes; split it, or raise max_line_bytes",
	                    session->identity->rpc->options.max_line_bytes));
	arena_release(&arena);
}

/* JSON-RPC 2.0 section 4: a string, a number or null. */
static bool id_allowed(const char *id)
{
	return *id == '"' || *id == '-' || (*id >= '0' && *id <= '9') || strcmp(id, "null") == 0;
}

/* One request: what is wrong with its envelope, or NULL. */
static const char *envelope_fault(const json_t *request, const char *id)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const json_t *params = json_object_get(request, "params");

	if (!json_is_object(request))
		return "a request is an object";
	if (!version || strcmp(version, "2.0") != 0)
		return "jsonrpc must be \"2.0\"";
	if (!json_is_string(json_object_get(request, "method")))
		return "method must be a string";
	if (params && !json_is_object(params) && !json_is_array(params))
		return "params must be an object";
	if (id && !id_allowed(id))
		return "id must be a string, a number or null";
	return NULL;
}

static void receive_one(struct rpc_session *session, struct rpc_batch *batch, size_t place, json_t *request,
                        const char *id)
{
	const char *fault = envelope_fault(request, id);

	if (fault) {
		refuse(session, batch, place, id && id_allowed(id) ? id : "null", ERROR_INVALID_REQUEST, fault);
		return;
	}
	session_began(session);
	call_start(session, batch, place, id, json_string_value(json_object_get(request, "method")),
	           json_incref(json_object_get(request, "params")));
}

static void receive_batch(struct rpc_session *session, json_t *requests, const struct json_ids *ids)
{
	size_t count = json_array_size(requests);
	struct rpc_batch *batch;

	if (count == 0 || count > RPC_BATCH_MAX) {
		refuse(session, NULL, 0, "null", count ? ERROR_TOO_LARGE : ERROR_INVALID_REQUEST,
		       count ? "a batch may have 1000 requests; send several" : "a batch must not be empty");
		return;
	}
	batch = calloc(1, sizeof *batch);
	if (!batch)
		abort();
	/* One more, so that it cannot end before its last request has begun. */
	batch->pending = count + 1;
	batch->count = count;
	batch->answers = arena_alloc(&batch->arena, count * sizeof *batch->answers);
	session->references++;
	for (size_t i = 0; i < count; i++)
		receive_one(session, batch, i, json_array_get(requests, i), i < ids->count ? ids->texts[i] : NULL);
	if (--batch->pending == 0)
		batch_end(session, batch);
	rpc_session_unref(session);
}

void rpc_receive(struct rpc_session *session, char *text, size_t length)
{
	struct arena arena = {0};
	struct json_ids ids = {0};
	struct err err;
	json_t *root = NULL;

	if (!json_scan(&arena, text, length, &ids, &err) || !json_parse(text, length, &root, &err))
		refuse(session, NULL, 0, "null", ERROR_PARSE, err.message);
	else if (json_is_array(root))
		receive_batch(session, root, &ids);
	else
		receive_one(session, NULL, 0, root, ids.count ? ids.texts[0] : NULL);
	json_decref(root);
	arena_release(&arena);
}

struct reference_load {
	void (*done)(bool loaded, void *context);
	void *context;
};

static void on_reference(const struct pg_result *result, void *context)
{
	struct reference_load load = *(struct reference_load *)context;
	struct err err;
	bool loaded = false;

	free(context);
	if (result->status == PG_OK) {
		loaded = !result->text || reference_load(result->text, &err);
		if (!loaded)
			log_error("", "the reference tables cannot be used: %s", err.message);
	} else {
		log_warning("", "the reference tables could not be read; trying again");
	}
	load.done(loaded, load.context);
}

void rpc_load_reference(struct rpc *rpc, void (*done)(bool loaded, void *context), void *context)
{
	struct reference_load *load = malloc(sizeof *load);
	if (!load)
		abort();
	*load = (struct reference_load){done, context};
	pg_submit(rpc->options.pool, &rpc->reference_statement, (const char *const[]){rpc_system_caller, reference_stamp()},
	          on_reference, load);
}

static void reference_ask(struct rpc *rpc);

/* Those whom this answer is for; who came while it was under way waits for the next, which sees what they might mean.
 */
static void on_reference_asked(bool loaded, void *context)
{
	struct rpc *rpc = context;
	struct call *call = rpc->asking;

	rpc->asking = NULL;
	reference_ask(rpc);
	while (call) {
		struct call *next = call->next;
		call_referenced(call, loaded);
		call = next;
	}
}

static void reference_ask(struct rpc *rpc)
{
	if (rpc->asking || !rpc->unasked)
		return;
	rpc->asking = rpc->unasked;
	rpc->unasked = NULL;
	rpc->unasked_end = &rpc->unasked;
	rpc_load_reference(rpc, on_reference_asked, rpc);
}

void rpc_await_reference(struct call *call)
{
	struct rpc *rpc = call->rpc;

	call->next = NULL;
	*rpc->unasked_end = call;
	rpc->unasked_end = &call->next;
	reference_ask(rpc);
}
