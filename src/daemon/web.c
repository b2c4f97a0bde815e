/* Web: routes. A row says which verb a path takes and who serves it; what is no route is 404, another verb 405.
 *
 * A post stands as long as its session holds it: its calls are under way, or its message is being read. Its answer goes
 * out when the session sends it; when the last hold ends without one, there were only notifications. */
#include "daemon/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "keep/folder.h"
#include "rpc/metrics.h"
#include "text/json.h"
#include "text/time.h"
#include "web_link.h"

enum { REMINDERS_AGE_MICROS = 5 * 1000 * 1000, BACKUPS_INTERVAL_MS = 60 * 1000 };

const struct migrate_function web_functions[] = {{"metrics_reminders", "p_caller uuid", false},
                                                 {"calendar_feed", "p_caller uuid, p_hash text", false}};
const size_t web_function_count = sizeof web_functions / sizeof *web_functions;

struct web_post {
	struct http_exchange *exchange; /* NULL once answered */
	struct rpc_session *session;
	unsigned holds;
	char subject[32];
};

static const char *post_subject(const void *peer)
{
	return ((const struct web_post *)peer)->subject;
}

static void post_send(void *peer, const struct conn_piece *pieces, size_t count)
{
	struct web_post *post = peer;
	if (post->exchange && rpc_session_known(post->session))
		http_prefer(post->exchange);
	if (post->exchange)
		http_reply(post->exchange, 200, "application/json", pieces, count);
	post->exchange = NULL;
}

static void post_hold(void *peer)
{
	((struct web_post *)peer)->holds++;
}

static void post_release(void *peer)
{
	struct web_post *post = peer;
	if (--post->holds > 0)
		return;
	if (post->exchange)
		http_reply(post->exchange, 204, NULL, NULL, 0);
	rpc_session_end(post->session);
	free(post);
}

/* A post is one message: there is nothing more to hold back, and its end is near. */
static void post_flow(void *peer)
{
	(void)peer;
}

static bool post_congested(void *peer)
{
	(void)peer;
	return false;
}

static const struct rpc_transport transport = {
    .name = "http",
    .single = true,
    .subject = post_subject,
    .send = post_send,
    .hold = post_hold,
    .release = post_release,
    .pause = post_flow,
    .resume = post_flow,
    .congested = post_congested,
    .end = post_flow,
};

struct rpc_session *web_session(struct web *web, struct http_exchange *exchange, const struct rpc_transport *how,
                                void *peer)
{
	static const char scheme[] = "Bearer ";
	const char *authorization = http_header(exchange, "Authorization");
	struct rpc_session *session = rpc_session_new(web->options.rpc, how, peer, http_uid(exchange));

	if (authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0)
		rpc_session_show_token(session,
		                       authorization + sizeof scheme - 1 + strspn(authorization + sizeof scheme - 1, " "));
	return session;
}

/* application/json, or what drafts of JSON-RPC over HTTP called it and clients still send; of parameters only
 * charset=utf-8 (RFC 8259 section 11 defines none). */
static bool is_json(const char *type)
{
	static const char *const names[] = {"application/json", "application/json-rpc", "application/jsonrequest", NULL};
	static const char charset[] = "charset=";
	size_t length = type ? strcspn(type, "; \t") : 0;
	bool named = false;

	for (size_t i = 0; names[i]; i++)
		named = named || (length == strlen(names[i]) && strncasecmp(type, names[i], length) == 0);
	if (!named)
		return false;
	type += length;
	type += strspn(type, " \t");
	if (*type == '\0')
		return true;
	if (*type++ != ';')
		return false;
	type += strspn(type, " \t");
	if (strncasecmp(type, charset, sizeof charset - 1) != 0)
		return false;
	type += sizeof charset - 1;
	return strcasecmp(type, "utf-8") == 0 || strcasecmp(type, "\"utf-8\"") == 0;
}

static void on_rpc(struct web *web, struct http_exchange *exchange)
{
	struct web_post *post;
	size_t length;
	char *body = http_body(exchange, &length), *text;

	if (!is_json(http_header(exchange, "Content-Type"))) {
		http_reply_text(exchange, 415, "send application/json, in UTF-8");
		return;
	}
	post = calloc(1, sizeof *post);
	/* The body goes with the exchange, and an answer may come while it is being read. */
	text = malloc(length + 1);
	if (!post || !text)
		abort();
	memcpy(text, body, length + 1);
	post->exchange = exchange;
	memcpy(post->subject, http_subject(exchange), strnlen(http_subject(exchange), sizeof post->subject - 1));
	post->session = web_session(web, exchange, &transport, post);
	post->holds++;
	rpc_receive(post->session, text, length);
	post_release(post);
	free(text);
}

static void on_openrpc(struct web *web, struct http_exchange *exchange)
{
	http_reply(exchange, 200, "application/json",
	           &(struct conn_piece){web->options.openrpc, strlen(web->options.openrpc)}, 1);
}

static void on_health(struct web *web, struct http_exchange *exchange)
{
	(void)web;
	http_reply_text(exchange, 200, "alive");
}

/* Ready means that the migrations were found to match, too: the pool is started after that. */
static void on_ready(struct web *web, struct http_exchange *exchange)
{
	if (!rpc_ready(web->options.rpc))
		http_reply_text(exchange, 503, "not ready: starting or stopping");
	else if (!pg_pool_usable(web->options.pool))
		http_reply_text(exchange, 503, "not ready: the database is out of reach");
	else
		http_reply_text(exchange, 200, "ready");
}

static double age_s(int64_t made_s)
{
	int64_t now_s = time_now_micros() / 1000000;
	return made_s == 0 ? -1 : made_s > now_s ? 0 : (double)(now_s - made_s);
}

static void scrape(struct web *web, struct http_exchange *exchange)
{
	struct metrics_gauges gauges = {.version = web->options.version,
	                                .started_s = (double)web->started_us / 1e6,
	                                .in_flight = rpc_pending(web->options.rpc),
	                                .pool = pg_pool_stats(web->options.pool),
	                                .backup_age_s = age_s(backups_seen(web->backups)->newest_s),
	                                .backup_verified_age_s = age_s(backups_seen(web->backups)->verified_s),
	                                .reminders = pg_pool_usable(web->options.pool) ? web->reminders : NULL};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	metrics_write(rpc_metrics(web->options.rpc), &gauges, out);
	if (fclose(out) != 0)
		abort();
	http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &(struct conn_piece){text, length}, 1);
	free(text);
}

static void on_reminders(const struct pg_result *result, void *context)
{
	struct web *web = context;
	struct web_scrape *waiting = web->scrapes;

	web->asking = false;
	web->scrapes = NULL;
	json_decref(web->reminders);
	web->reminders = NULL;
	if (result->status == PG_OK && result->text && json_parse(result->text, result->length, &web->reminders, NULL))
		web->reminders_us = time_monotonic_micros();
	while (waiting) {
		struct web_scrape *next = waiting->next;
		scrape(web, waiting->exchange);
		free(waiting);
		waiting = next;
	}
}

/* Counting reminders costs the database something, and anybody on this machine may scrape: once in five seconds. */
static void on_metrics(struct web *web, struct http_exchange *exchange)
{
	bool fresh = web->reminders && time_monotonic_micros() - web->reminders_us < REMINDERS_AGE_MICROS;
	struct web_scrape *waiting;

	if (fresh || !rpc_ready(web->options.rpc) || !pg_pool_usable(web->options.pool)) {
		scrape(web, exchange);
		return;
	}
	waiting = malloc(sizeof *waiting);
	if (!waiting)
		abort();
	*waiting = (struct web_scrape){web->scrapes, exchange};
	web->scrapes = waiting;
	if (web->asking)
		return;
	web->asking = true;
	pg_submit(web->options.pool, &web->reminders_statement, (const char *const[]){rpc_system_caller}, on_reminders,
	          web);
}

void web_reply_nothing(struct http_exchange *exchange)
{
	http_reply_text(exchange, 404, "there is nothing here; calls go to POST /rpc");
}

/* A path that ends with a slash stands for all that begins with it; "/" itself does not. */
static bool is_path(const char *route, const char *path)
{
	size_t length = strlen(route);
	return length > 1 && route[length - 1] == '/' ? strncmp(route, path, length) == 0 : strcmp(route, path) == 0;
}

static const struct {
	const char *path;
	enum http_verb verb;
	void (*serve)(struct web *web, struct http_exchange *exchange);
} routes[] = {
    /* Some clients over a Unix socket have no place for a path. */
    {"/", HTTP_POST, on_rpc},
    {"/rpc", HTTP_POST, on_rpc},
    {"/openrpc.json", HTTP_GET, on_openrpc},
    {"/healthz", HTTP_GET, on_health},
    {"/readyz", HTTP_GET, on_ready},
    {"/metrics", HTTP_GET, on_metrics},
    {"/events", HTTP_GET, web_on_events},
    {WEB_CALENDAR, HTTP_GET, web_on_calendar},
};

static void on_request(struct http_exchange *exchange, void *context)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (!is_path(routes[i].path, http_path(exchange)))
			continue;
		if (http_verb(exchange) == routes[i].verb) {
			routes[i].serve(context, exchange);
			return;
		}
		http_add_header(exchange, "Allow", routes[i].verb == HTTP_POST ? "POST" : "GET, HEAD");
		http_reply_text(exchange, 405, routes[i].verb == HTTP_POST ? "POST it" : "GET it");
		return;
	}
	web_reply_nothing(exchange);
}

struct web *web_new(const struct web_options *options, struct err *err)
{
	struct web *web = calloc(1, sizeof *web);

	if (!web)
		abort();
	web->options = *options;
	web->started_us = time_now_micros();
	web->reminders_statement = (struct pg_statement){
	    .sql = arena_printf(&web->arena, "SELECT %s.metrics_reminders($1::uuid)::text", options->api_schema),
	    .parameters = 1};
	pg_statement_add(options->pool, &web->reminders_statement);
	web->calendar_statement = (struct pg_statement){
	    .sql = arena_printf(&web->arena, "SELECT %s.calendar_feed($1::uuid, $2)::text", options->api_schema),
	    .parameters = 2};
	pg_statement_add(options->pool, &web->calendar_statement);
	web->backups = backups_new(options->base, folder_configured(&web->arena, options->config), BACKUPS_INTERVAL_MS);
	web->http = http_listen(options->base, options->where, options->group,
	                        &(struct http_options){.max_body_bytes = options->max_body_bytes,
	                                               .max_clients = options->max_clients,
	                                               .max_stream_bytes = options->max_stream_bytes,
	                                               .inherited = options->inherited,
	                                               .keep_alive = ": still here\n\n",
	                                               .on_request = on_request,
	                                               .on_gone = web_on_gone,
	                                               .context = web},
	                        err);
	if (web->http)
		return web;
	web_free(web);
	return NULL;
}

static void end_streams(struct web *web)
{
	while (!LIST_EMPTY(&web->streams))
		web_stream_end(LIST_FIRST(&web->streams));
}

void web_set_limits(struct web *web, size_t max_body_bytes, size_t max_clients)
{
	http_set_limits(web->http, max_body_bytes, max_clients);
}

void web_stop(struct web *web)
{
	http_stop(web->http);
	end_streams(web);
}

size_t web_count(const struct web *web)
{
	return http_count(web->http);
}

void web_free(struct web *web)
{
	if (!web)
		return;
	end_streams(web);
	http_free(web->http);
	backups_free(web->backups);
	json_decref(web->reminders);
	arena_release(&web->arena);
	free(web);
}
