/* Call: the steps of every request after its envelope: find, authorise, validate, submit, reply.
 *
 * Each step either hands the call to the next one or ends it; there is one place where a call ends, call_end(). */
#include "rpc/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"
#include "rpc/reference.h"
#include "text/digest.h"
#include "text/json.h"
#include "text/time.h"

struct arena *call_arena(struct call *call)
{
	return &call->arena;
}

const json_t *call_params(const struct call *call)
{
	return call->params;
}

struct rpc_session *call_session(const struct call *call)
{
	return call->session->peer ? call->session : NULL;
}

const char *call_caller(const struct call *call)
{
	return call->caller;
}

enum method_role call_role(const struct call *call)
{
	return call->role;
}

/* `outcome`: "ok", or data.code of the error. */
static void call_end(struct call *call, const char *outcome, const char *member, const char *json, size_t length)
{
	struct rpc_session *session = call->session;

	metrics_count(call->rpc->metrics, call->route ? call->route->method : NULL, outcome,
	              time_monotonic_micros() - call->began_us);
	rpc_answer(session, call->batch, call->place, call->id, member, json, length);
	json_decref(call->params);
	arena_release(&call->arena);
	free(call);
	rpc_call_ended(session);
}

void call_reply(struct call *call, const char *json, size_t length)
{
	call_end(call, "ok", "result", json, length);
}

static void call_refuse_errors(struct call *call, enum error_kind kind, const char *message, json_t *errors)
{
	const char *text = error_text(&call->arena, kind, message, errors);
	call_end(call, error_rows[kind].name, "error", text, strlen(text));
}

void call_refuse_as(struct call *call, const char *refusal)
{
	json_t *error = NULL;
	const char *outcome = NULL;

	if (json_parse(refusal, strlen(refusal), &error, NULL))
		outcome = json_string_value(json_object_get(json_object_get(error, "data"), "code"));
	outcome = arena_strdup(&call->arena, outcome ? outcome : error_rows[ERROR_INTERNAL].name);
	json_decref(error);
	call_end(call, outcome, "error", refusal, strlen(refusal));
}

/* Nobody knows whether a write that was sent and not answered has been carried out. Who repeats it must do so under the
 * same request_id, so the error says which one it was, also when the daemon made it. */
static void call_refuse_unanswered(struct call *call, enum error_kind kind, const char *message, unsigned attempts)
{
	const char *text = error_text(&call->arena, kind, message, NULL);
	size_t length = strlen(text);

	if (call->request_id && attempts > 0)
		text = arena_printf(&call->arena, "%.*s,\"request_id\":\"%s\"}}", (int)length - 2, text, call->request_id);
	call_end(call, error_rows[kind].name, "error", text, strlen(text));
}

void call_refuse(struct call *call, enum error_kind kind, const char *message)
{
	call_refuse_errors(call, kind, message, NULL);
}

/* What came of a call that the database carried out. */
static void call_take(struct call *call, const char *text, size_t length)
{
	struct rpc *rpc = call->rpc;

	if (call->route->method->kind == METHOD_WRITE && rpc->options.on_written)
		rpc->options.on_written(rpc->options.context);
	call_reply(call, text, length);
}

/* Both numbers, for log lines; valid until the next call of this function. */
static const char *call_subject(const struct call *call)
{
	static char subject[96];
	snprintf(subject, sizeof subject, "%s call %lu", rpc_session_subject(call->session), call->number);
	return subject;
}

static void call_on_result(const struct pg_result *result, void *context)
{
	struct call *call = context;
	const char *refusal;

	switch (result->status) {
	case PG_OK:
		/* The database tells of it, too, but that may come behind the answer. */
		if (call->route->method->identities)
			rpc_forget_identities(call->rpc);
		refusal = result->text ? error_refused(&call->arena, result->text, result->length) : NULL;
		if (refusal)
			call_refuse_as(call, refusal);
		else if (result->text)
			call_take(call, result->text, result->length);
		else
			call_refuse(call, ERROR_INTERNAL, "the database gave no answer; the journal may say why");
		break;
	case PG_RAISED: {
		enum error_kind kind = error_of_sqlstate(result->sqlstate);
		log_error(call_subject(call), "%s raised SQLSTATE %s", call->route->method->name, result->sqlstate);
		call_refuse(call, kind,
		            kind == ERROR_INTERNAL ? "a fault of the daemon's own; its journal names the call"
		            : *result->message     ? arena_strdup(&call->arena, result->message)
		                                   : "the answer would be too large; ask for fewer records at a time");
		break;
	}
	case PG_TIMEOUT:
		call_refuse(call, ERROR_BUSY, "the database took too long; ask for less, or try again later");
		break;
	case PG_BUSY:
		call_refuse_unanswered(call, ERROR_BUSY, "too much is waiting for the database; try again later",
		                       result->attempts);
		break;
	case PG_UNAVAILABLE:
		call_refuse_unanswered(
		    call, ERROR_UNAVAILABLE,
		    result->attempts > 0 && call->request_id
		        ? "the database went out of reach; try again with this request_id, it may have been done"
		        : "the database is out of reach; try again in a while",
		    result->attempts);
		break;
	}
}

/* {request_id, digest, method} of a write. The digest covers the method and all parameters but the request_id, in their
 * normalised form, so that the same content has the same digest however it was spelt. */
static const char *call_request(struct call *call)
{
	const char *method = call->route->method->name;
	const char *content = json_canonical(&call->arena, call->params);
	char hex[DIGEST_HEX_SIZE];
	struct digest *digest = digest_new();

	digest_add(digest, method, strlen(method) + 1);
	digest_add(digest, content, strlen(content));
	digest_finish(digest, hex);
	return arena_printf(&call->arena, "{\"request_id\":\"%s\",\"digest\":\"%s\",\"method\":\"%s\"}", call->request_id,
	                    hex, method);
}

static void call_submit(struct call *call)
{
	const struct method *method = call->route->method;
	const char **values = arena_alloc(&call->arena, method_value_count(method) * sizeof *values);
	const char *request = method->kind == METHOD_WRITE ? call_request(call) : NULL;

	method_values(&call->arena, method, call->caller, request, call->params, values);
	pg_submit(call->rpc->options.pool, &call->route->statement, values, call_on_result, call);
}

/* Every write carries a request_id; what the client leaves out the daemon makes, so that a statement whose connection
 * broke can be sent again. Removed from the parameters. */
static void call_take_request_id(struct call *call)
{
	json_t *given = json_object_get(call->params, "request_id");
	char made[UUID_TEXT_SIZE];

	if (given && !json_is_null(given)) {
		call->request_id = arena_strdup(&call->arena, json_is_string(given) ? json_string_value(given) : "");
	} else {
		uuid_make(made);
		call->request_id = arena_strdup(&call->arena, made);
	}
	json_object_del(call->params, "request_id");
}

static void call_refuse_faults(struct call *call, json_t *faults)
{
	json_t *first = json_array_get(faults, 0);
	const char *message = arena_printf(&call->arena, "%s %s%s", json_string_value(json_object_get(first, "field")),
	                                   json_string_value(json_object_get(first, "message")),
	                                   json_array_size(faults) > 1 ? "; data.errors lists the other faults" : "");
	call_refuse_errors(call, ERROR_INVALID_PARAMS, message, faults);
}

static void call_check(struct call *call)
{
	const struct method *method = call->route->method;
	struct type_faults faults = {.arena = &call->arena};
	unsigned long misses = reference_misses();

	if (call->request_id && !uuid_valid(call->request_id))
		type_fault(&faults, "request_id", "must be a UUID");
	type_check(&method->params, &call->params, "", &faults);
	if (faults.list && reference_misses() != misses && !call->referenced && method->kind != METHOD_LOCAL)
		rpc_await_reference(call);
	else if (faults.list)
		call_refuse_faults(call, faults.list);
	else if (method->kind == METHOD_LOCAL)
		call->route->handler(call, call->route->context);
	else
		call_submit(call);
	json_decref(faults.list);
}

void call_admitted(struct call *call)
{
	const struct method *method = call->route->method;

	if (method->kind == METHOD_WRITE)
		call_take_request_id(call);
	call_check(call);
}

void call_referenced(struct call *call, bool loaded)
{
	call->referenced = true;
	if (loaded)
		call_check(call);
	else
		call_refuse(call, ERROR_UNAVAILABLE, "whether its codes are known could not be asked; try again in a while");
}

void call_start(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id, const char *method,
                json_t *params)
{
	struct rpc *rpc = session->identity->rpc;
	struct call *call = calloc(1, sizeof *call);

	if (!call)
		abort();
	call->rpc = rpc;
	call->session = session;
	call->batch = batch;
	call->place = place;
	call->id = arena_strdup(&call->arena, id);
	call->params = params;
	/* A list without elements names nothing by its place. */
	if (!params || (json_is_array(params) && json_array_size(params) == 0)) {
		json_decref(params);
		call->params = json_object();
	}
	call->number = ++rpc->next_call;
	call->began_us = time_monotonic_micros();
	call->route = rpc_route_find(rpc, method);
	log_debug(call_subject(call), "%s", call->route ? call->route->method->name : "unknown method");
	if (!call->route)
		call_refuse(call, ERROR_METHOD_NOT_FOUND, "there is no such method; rpc.discover lists all");
	else if (!json_is_object(call->params))
		call_refuse(call, ERROR_INVALID_PARAMS, "params are given by name, as an object");
	else
		access_decide(call);
}
