/* Web, events: a subscription as server-sent events. The stream subscribes like any client, to reminders, or with
 * ?changes=true to changes, and turns the notifications that come of it into events. What an event's id is decides what
 * Last-Event-ID means: a delivery that has been seen is passed over when it comes by again; behind a cursor the changes
 * go on. */
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "text/json.h"
#include "web_link.h"

enum { CONGESTED_BYTES = 1024 * 1024 };

struct stream_kind {
	const char *method;
	const char *id;            /* the member of a notification that is the event's id */
	const char *last;          /* the parameter that Last-Event-ID becomes; NULL: it is passed over in the stream */
	const char *parameters[4]; /* of the query, as they stand; NULL-terminated */
};
static const struct stream_kind reminders = {"reminder.subscribe", "delivery_id", NULL, {"assignee", NULL}};
static const struct stream_kind changes = {"change.subscribe", "cursor", "after", {"country", "about_id", NULL}};

struct web_stream {
	const struct stream_kind *kind;
	LIST_ENTRY(web_stream) all;
	struct http_exchange *exchange; /* NULL once it has been answered with a refusal */
	struct rpc_session *session;
	unsigned holds;
	bool begun, ended;
	char last[UUID_TEXT_SIZE]; /* Last-Event-ID, until it has come by */
	char subject[32];
};

void web_stream_end(struct web_stream *stream)
{
	struct http_exchange *exchange = stream->exchange;

	LIST_REMOVE(stream, all);
	/* The session's end may end a call, whose answer finds nobody any more. */
	stream->exchange = NULL;
	stream->ended = true;
	if (exchange && stream->begun)
		http_stream_end(exchange);
	else if (exchange)
		http_reply_text(exchange, 503, "stopping; try again in a while");
	rpc_session_end(stream->session);
	free(stream);
}

void web_on_gone(struct http_exchange *exchange, void *context)
{
	(void)context;
	web_stream_end(http_user(exchange));
}

/* An EventSource hears of statuses only. */
static int status_of(const json_t *error)
{
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	return code == 401 || code == 403 || code == 429 || code == 503 ? (int)code : code == -32603 ? 500 : 400;
}

static void refuse(struct web_stream *stream, const json_t *message)
{
	struct http_exchange *exchange = stream->exchange;
	struct arena arena = {0};
	const char *text = json_text(&arena, message);

	stream->exchange = NULL;
	if (status_of(json_object_get(message, "error")) == 401)
		http_add_header(exchange, "WWW-Authenticate", "Bearer");
	http_reply(exchange, status_of(json_object_get(message, "error")), "application/json",
	           &(struct conn_piece){text, strlen(text)}, 1);
	arena_release(&arena);
}

static void send_event(struct web_stream *stream, const json_t *message)
{
	const json_t *params = json_object_get(message, "params");
	const char *method = json_string_value(json_object_get(message, "method"));
	const char *id = json_string_value(json_object_get(params, stream->kind->id));
	struct arena arena = {0};
	const char *text;

	if (!method || !id)
		return;
	if (strcmp(id, stream->last) == 0) {
		stream->last[0] = '\0';
		return;
	}
	text = arena_printf(&arena, "id: %s\nevent: %s\ndata: %s\n\n", id, method, json_text(&arena, params));
	http_stream_send(stream->exchange, text, strlen(text));
	arena_release(&arena);
}

static const char *stream_subject(const void *peer)
{
	return ((const struct web_stream *)peer)->subject;
}

/* The first message is the answer to the subscription. */
static void stream_send(void *peer, const struct conn_piece *pieces, size_t count)
{
	static const char opening[] = "retry: 2000\n\n";
	struct web_stream *stream = peer;
	struct arena arena = {0};
	const char *text = "";
	json_t *message = NULL;

	for (size_t i = 0; i < count; i++)
		text = arena_printf(&arena, "%s%.*s", text, (int)pieces[i].length, pieces[i].bytes);
	if (!stream->exchange || !json_parse(text, strlen(text), &message, NULL)) {
		arena_release(&arena);
		return;
	}
	if (stream->begun) {
		send_event(stream, message);
	} else if (json_object_get(message, "error")) {
		refuse(stream, message);
	} else {
		stream->begun = true;
		http_stream_begin(stream->exchange, "text/event-stream");
		http_stream_send(stream->exchange, opening, sizeof opening - 1);
	}
	json_decref(message);
	arena_release(&arena);
}

static void stream_hold(void *peer)
{
	((struct web_stream *)peer)->holds++;
}

static void stream_release(void *peer)
{
	struct web_stream *stream = peer;
	if (--stream->holds == 0 && !stream->exchange && !stream->ended)
		web_stream_end(stream);
}

static void stream_flow(void *peer)
{
	(void)peer;
}

static bool stream_congested(void *peer)
{
	struct web_stream *stream = peer;
	return stream->exchange && http_stream_pending(stream->exchange) > CONGESTED_BYTES;
}

/* Before it has begun the refusal of its own call says as much. */
static void stream_cut(void *peer)
{
	struct web_stream *stream = peer;
	if (stream->exchange && stream->begun)
		http_stream_cut(stream->exchange);
}

static const struct rpc_transport transport = {
    .name = "events",
    .listens = true,
    .subject = stream_subject,
    .send = stream_send,
    .hold = stream_hold,
    .release = stream_release,
    .pause = stream_flow,
    .resume = stream_flow,
    .congested = stream_congested,
    .end = stream_cut,
};

/* The parameters of the subscription, from the query and Last-Event-ID. */
static const char *stream_params(struct web_stream *stream, struct arena *arena, const char *last)
{
	json_t *params = json_object();

	for (const char *const *name = stream->kind->parameters; *name; name++) {
		const char *value = http_query(stream->exchange, arena, *name);
		if (value)
			json_object_set_new(params, *name, json_string(value));
	}
	if (last && stream->kind->last)
		json_object_set_new(params, stream->kind->last, json_string(last));
	const char *text = json_text(arena, params);
	json_decref(params);
	return text;
}

static bool wants_changes(struct http_exchange *exchange, struct arena *arena)
{
	const char *value = http_query(exchange, arena, "changes");
	return value && strcmp(value, "true") == 0;
}

void web_on_events(struct web *web, struct http_exchange *exchange)
{
	struct arena arena = {0};
	const char *last = http_header(exchange, "Last-Event-ID");
	struct web_stream *stream = calloc(1, sizeof *stream);
	char *request;

	if (!stream)
		abort();
	stream->exchange = exchange;
	stream->kind = wants_changes(exchange, &arena) ? &changes : &reminders;
	memcpy(stream->subject, http_subject(exchange), strnlen(http_subject(exchange), sizeof stream->subject - 1));
	if (last && !stream->kind->last && uuid_valid(last))
		for (size_t i = 0; i < sizeof stream->last - 1; i++)
			stream->last[i] = (char)(last[i] >= 'A' && last[i] <= 'F' ? last[i] + 'a' - 'A' : last[i]);
	http_set_user(exchange, stream);
	LIST_INSERT_HEAD(&web->streams, stream, all);
	stream->session = web_session(web, exchange, &transport, stream);
	request = arena_printf(&arena, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
	                       stream->kind->method, stream_params(stream, &arena, last));
	stream->holds++;
	rpc_receive(stream->session, request, strlen(request));
	stream_release(stream);
	arena_release(&arena);
}
