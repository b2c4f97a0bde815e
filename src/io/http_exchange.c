/* Http, exchanges: which requests are taken, and how they are answered.
 *
 * Invariant: a request belongs to its exchange from evhttp's callback to its answer. evhttp lets go of a request whose
 * connection dies meanwhile, and frees it when it is answered all the same; so every exchange is answered once, and the
 * connection is reached through its link only, which says when it is gone. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "http_link.h"
#include "text/time.h"

static unsigned long last_number;

static size_t count_headers(const struct evkeyvalq *headers, const char *name, const char **value)
{
	const struct evkeyval *header;
	size_t count = 0;
	*value = NULL;
	TAILQ_FOREACH(header, headers, next) {
		if (strcasecmp(header->key, name) != 0)
			continue;
		*value = header->value;
		count++;
	}
	return count;
}

/* Two of these could be read two ways (RFC 9112 sections 3.2 and 6.3): by us, and by whoever stands before us. */
static const char *doubled_header(const struct evkeyvalq *headers)
{
	static const char *const single[] = {"Content-Length", "Transfer-Encoding", "Host", "Authorization",
	                                     "Origin",         "Content-Type",      NULL};
	const char *value, *length, *encoding;
	for (size_t i = 0; single[i]; i++)
		if (count_headers(headers, single[i], &value) > 1)
			return "a header stands twice that may stand once";
	if (count_headers(headers, "Transfer-Encoding", &encoding) > 0) {
		if (count_headers(headers, "Content-Length", &length) > 0)
			return "Transfer-Encoding and Content-Length exclude each other";
		if (strcasecmp(encoding, "chunked") != 0)
			return "the only Transfer-Encoding taken is chunked";
	}
	if (count_headers(headers, "Content-Length", &length) > 0 && strspn(length, "0123456789") != strlen(length))
		return "Content-Length must be a number";
	return NULL;
}

/* evhttp reads no body behind HEAD, and would take it for the next request; what frames a body does not depend on the
 * verb (RFC 9112 section 6.3). */
static bool body_is_lost(struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *length, *encoding;

	return evhttp_request_get_command(request) == EVHTTP_REQ_HEAD &&
	       (count_headers(headers, "Transfer-Encoding", &encoding) > 0 ||
	        (count_headers(headers, "Content-Length", &length) > 0 && strspn(length, "0") != strlen(length)));
}

/* What is wrong with the form of a request; NULL for nothing. */
static const char *form_fault(const struct http_link *link, struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *host, *fault = doubled_header(headers);

	if (link->scan.fault)
		return link->scan.fault;
	if (fault)
		return fault;
	if (body_is_lost(request))
		return "HEAD has no body";
	if (request->major != 1 || request->minor > 1)
		return "the version must be HTTP/1.0 or HTTP/1.1";
	if (count_headers(headers, "Host", &host) == 0 && request->minor == 1)
		return "HTTP/1.1 needs a Host header";
	if (evhttp_request_get_uri(request)[0] != '/')
		return "the request's target must be a path";
	return NULL;
}

/* A page of some other site that runs in a browser here may reach this machine: by a name of its own that resolves to
 * 127.0.0.1, or from its own origin. On a Unix socket there are no browsers. */
static const char *origin_fault(const struct http_server *server, struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *host, *origin;

	if (server->is_unix)
		return NULL;
	if (count_headers(headers, "Host", &host) > 0 && !address_host_is_loopback(host))
		return "the Host header names another machine";
	if (count_headers(headers, "Origin", &origin) > 0 &&
	    !(host && strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0))
		return "pages of other origins may not call";
	return NULL;
}

static struct http_exchange *exchange_new(struct http_server *server, struct evhttp_request *request,
                                          struct http_link *link)
{
	struct http_exchange *exchange = calloc(1, sizeof *exchange);
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	const char *uri = evhttp_request_get_uri(request);
	size_t path = uri ? strcspn(uri, "?#") : 0;

	if (!exchange)
		abort();
	exchange->server = server;
	exchange->request = request;
	exchange->link = link;
	exchange->uid = link->uid;
	link->exchange = exchange;
	snprintf(exchange->subject, sizeof exchange->subject, "http %lu", ++last_number);
	/* A longer path is none of ours either. */
	if (path > 0 && path < sizeof exchange->path)
		memcpy(exchange->path, uri, path);
	exchange->body_length = evbuffer_get_length(input);
	if (evbuffer_add(input, "", 1) != 0 || !(exchange->body = (char *)evbuffer_pullup(input, -1)))
		abort();
	return exchange;
}

void http_on_request(struct evhttp_request *request, void *context)
{
	struct http_server *server = context;
	struct http_link *link = http_link_of(server, request);
	struct http_exchange *exchange;
	const char *fault;

	if (!link) {
		evhttp_send_error(request, HTTP_BADREQUEST, NULL);
		return;
	}
	exchange = exchange_new(server, request, link);
	bool long_head = link->scan.head_length > HTTP_HEADER_BYTES;
	fault = form_fault(link, request);
	http_link_expect(link, 0);
	http_link_queue(link, NULL);
	http_link_was_read(link);
	if (long_head)
		http_reply_text(exchange, 431, "the request's line and headers are too long");
	else if (fault)
		http_reply_text(exchange, 400, fault);
	else if ((fault = origin_fault(server, request)))
		http_reply_text(exchange, 403, fault);
	else
		server->options.on_request(exchange, server->options.context);
}

/* on_gone is called for it, unless it ends before. */
static void tell_gone(struct http_exchange *exchange)
{
	exchange->is_gone = true;
	LIST_INSERT_HEAD(&exchange->server->gone, exchange, gone);
	event_active(&exchange->server->turn, 0, 0);
}

void http_exchange_detach(struct http_exchange *exchange)
{
	exchange->link = NULL;
	if (exchange->stream)
		tell_gone(exchange);
}

enum http_verb http_verb(const struct http_exchange *exchange)
{
	switch (evhttp_request_get_command(exchange->request)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		return HTTP_GET;
	case EVHTTP_REQ_POST:
		return HTTP_POST;
	default:
		return HTTP_ANOTHER;
	}
}

const char *http_path(const struct http_exchange *exchange)
{
	return exchange->path;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(exchange->request), name);
}

const char *http_query(const struct http_exchange *exchange, struct arena *arena, const char *name)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(exchange->request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct evkeyvalq pairs = {0};
	const char *value;

	if (!query || evhttp_parse_query_str(query, &pairs) != 0)
		return NULL;
	value = arena_strdup(arena, evhttp_find_header(&pairs, name));
	evhttp_clear_headers(&pairs);
	return value;
}

char *http_body(const struct http_exchange *exchange, size_t *length)
{
	*length = exchange->body_length;
	return exchange->body;
}

long http_uid(const struct http_exchange *exchange)
{
	return exchange->uid;
}

const char *http_subject(const struct http_exchange *exchange)
{
	return exchange->subject;
}

void http_set_user(struct http_exchange *exchange, void *user)
{
	exchange->user = user;
}

void *http_user(const struct http_exchange *exchange)
{
	return exchange->user;
}

void http_prefer(struct http_exchange *exchange)
{
	struct http_link *link = exchange->link;
	if (link && !link->known)
		link->known = bufferevent_priority_set(link->bev, event_base_get_npriorities(link->server->base) / 2) == 0;
}

void http_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(exchange->request), name, value);
}

/* The answer is out: the connection waits for its next request, which may lie there already. */
static void on_complete(struct evhttp_request *request, void *context)
{
	struct http_link *link = context;
	(void)request;
	link->answering = false;
	http_link_owes(link, 0);
	http_link_queue(link, link->known ? &link->server->known : &link->server->strangers);
	http_link_expect(link, link->begun ? HTTP_READ_S : HTTP_IDLE_S);
	if (link->server->stopping)
		http_link_cut(link);
}

static void begin_answer(struct http_exchange *exchange, int status, const char *type)
{
	if (type)
		http_add_header(exchange, "Content-Type", type);
	http_add_header(exchange, "X-Content-Type-Options", "nosniff");
	if (!evhttp_find_header(evhttp_request_get_output_headers(exchange->request), "Cache-Control"))
		http_add_header(exchange, "Cache-Control", "no-store");
	http_add_header(exchange, "Cross-Origin-Resource-Policy", "same-origin");
	if (status >= 400 || exchange->server->stopping)
		http_add_header(exchange, "Connection", "close");
}

/* The last of the answer is queued. A client that has half-closed still wants it, and evhttp would take that end for
 * the end of all, so nothing is read meanwhile. */
static void end_answer(struct http_exchange *exchange)
{
	struct http_link *link = exchange->link;
	if (exchange->is_gone)
		LIST_REMOVE(exchange, gone);
	if (link) {
		link->exchange = NULL;
		link->answering = true;
		bufferevent_disable(link->bev, EV_READ);
	}
	free(exchange);
}

/* evhttp would send the content all the same, and the client take it for its next answer (RFC 9110 section 9.3.2). */
static void leave_out_content(struct http_exchange *exchange, struct evbuffer *body)
{
	char length[24];
	size_t bytes = evbuffer_get_length(body);

	if (evhttp_request_get_command(exchange->request) != EVHTTP_REQ_HEAD || bytes == 0)
		return;
	snprintf(length, sizeof length, "%zu", bytes);
	http_add_header(exchange, "Content-Length", length);
	evbuffer_drain(body, bytes);
}

void http_reply(struct http_exchange *exchange, int status, const char *type, const struct conn_piece *pieces,
                size_t count)
{
	struct evhttp_request *request = exchange->request;
	struct http_link *link = exchange->link;
	struct evbuffer *body = evbuffer_new();
	int failed = !body;

	for (size_t i = 0; i < count && !failed; i++)
		failed = evbuffer_add(body, pieces[i].bytes, pieces[i].length);
	if (failed)
		abort();
	log_debug(exchange->subject, "answered %d", status);
	begin_answer(exchange, status, type);
	leave_out_content(exchange, body);
	if (link) {
		http_link_expect(link, HTTP_WRITE_S);
		http_link_queue(link, &link->server->taking);
		http_link_owes(link, evbuffer_get_length(body));
		evhttp_request_set_on_complete_cb(request, on_complete, link);
	}
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
	end_answer(exchange);
}

void http_reply_text(struct http_exchange *exchange, int status, const char *text)
{
	http_reply(exchange, status, "text/plain; charset=utf-8",
	           (const struct conn_piece[]){{text, strlen(text)}, {"\n", 1}}, 2);
}

void http_stream_begin(struct http_exchange *exchange, const char *type)
{
	begin_answer(exchange, 200, type);
	/* What the client sends meanwhile is not looked at, so it begins nothing. */
	http_add_header(exchange, "Connection", "close");
	exchange->stream = true;
	exchange->quiet_since_us = time_monotonic_micros();
	if (exchange->link) {
		evhttp_send_reply_start(exchange->request, 200, NULL);
	} else {
		tell_gone(exchange);
	}
}

size_t http_stream_pending(const struct http_exchange *exchange)
{
	return exchange->link ? evbuffer_get_length(bufferevent_get_output(exchange->link->bev)) : 0;
}

void http_stream_send(struct http_exchange *exchange, const char *bytes, size_t length)
{
	struct evbuffer *chunk;

	if (!exchange->link)
		return;
	if (http_stream_pending(exchange) > exchange->server->options.max_stream_bytes) {
		log_warning(exchange->subject, "cut off: it does not read its events");
		http_link_cut(exchange->link);
		return;
	}
	chunk = evbuffer_new();
	if (!chunk || evbuffer_add(chunk, bytes, length) != 0)
		abort();
	exchange->quiet_since_us = time_monotonic_micros();
	evhttp_send_reply_chunk(exchange->request, chunk);
	evbuffer_free(chunk);
}

void http_stream_cut(struct http_exchange *exchange)
{
	if (exchange->link)
		http_link_cut(exchange->link);
}

void http_stream_end(struct http_exchange *exchange)
{
	struct evhttp_request *request = exchange->request;
	struct http_link *link = exchange->link;

	if (link) {
		http_link_expect(link, HTTP_WRITE_S);
		http_link_queue(link, &link->server->taking);
		evhttp_request_set_on_complete_cb(request, on_complete, link);
	}
	end_answer(exchange);
	/* It may complete at once, and take the link along. */
	evhttp_send_reply_end(request);
}
