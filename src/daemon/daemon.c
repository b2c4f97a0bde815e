/* Daemon: who is started when, and how all of it ends.
 *
 * Up: the socket first, so that clients hear `unavailable` instead of nothing; the cluster, where it is ours; the child
 * that brings the database into order; the pool; the reference tables; ready. Down, in the other order: no new client,
 * no new call, what is under way is answered, connections are flushed, the cluster stops, the loop ends. Each step
 * begins in the callback that ends the one before, and the phase says which one it is. */
#include "daemon/daemon.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/log.h"
#include "base/uuid.h"
#include "cluster/cluster.h"
#include "daemon/peer.h"
#include "daemon/startup.h"
#include "deliver/mailer.h"
#include "deliver/webhook.h"
#include "daemon/web.h"
#include "io/conn.h"
#include "io/http.h"
#include "io/pg.h"
#include "remind/engine.h"
#include "remind/preview.h"
#include "rpc/describe.h"
#include "rpc/reference.h"
#include "rpc/rpc.h"
#include "text/json.h"
#include "text/time.h"

const char daemon_version[] = TRACKTWO_VERSION;

enum {
	STARTUP_RETRY_MS = 500,
	DRAIN_STEP_MS = 10,
	MAIL_IDLE_MS = 30000,
	QUEUE_MAX = 10000,
	OUTPUT_MAX = 8 * 1024 * 1024
};

enum phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_STOPPING };

struct daemon {
	const struct config *config;
	bool migrate_only;
	enum phase phase;
	int status;
	int64_t began_us, drain_began_us;
	char id[UUID_TEXT_SIZE];
	struct arena arena;
	struct event_base *base;
	struct event terminate, interrupt, child, step;
	struct registry *registry;
	struct cluster *cluster; /* NULL when the database is not ours */
	struct pg_pool *pool;
	struct rpc *rpc;
	struct engine *engine;
	struct preview *preview;
	struct mailer *mailer; /* NULL when there is no mail server */
	struct webhooks *webhooks;
	struct conn_listener *listener, *tcp; /* tcp NULL when it is off */
	struct web *web;                      /* NULL when HTTP is off */
	struct startup startup;
	pid_t startup_child; /* 0 when none runs */
	const char *openrpc;
	size_t openrpc_length;
};

static void daemon_stop(struct daemon *daemon, int status);

static void step_in(struct daemon *daemon, long ms)
{
	event_add(&daemon->step, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void on_session_end(struct rpc_session *session, void *context)
{
	engine_forget(((struct daemon *)context)->engine, session);
}

static void on_ping(struct call *call, void *context)
{
	char now[TIME_INSTANT_SIZE];
	const char *answer;
	(void)context;
	time_format_instant(time_now_micros(), now);
	answer = arena_printf(call_arena(call), "{\"pong\":true,\"time\":\"%s\"}", now);
	call_reply(call, answer, strlen(answer));
}

static void on_info(struct call *call, void *context)
{
	const struct daemon *daemon = context;
	const char *answer = arena_printf(
	    call_arena(call),
	    "{\"name\":\"tracktwod\",\"version\":\"%s\",\"schema_version\":%d,\"uptime_s\":%lld,\"roadmap_version\":%ld,"
	    "\"database\":\"%s\",\"database_version\":%d}",
	    daemon_version, migrate_version(), (long long)((time_monotonic_micros() - daemon->began_us) / 1000000),
	    reference_roadmap_version(), pg_pool_usable(daemon->pool) ? "ready" : "unavailable",
	    pg_pool_server_version(daemon->pool));
	call_reply(call, answer, strlen(answer));
}

static void on_discover(struct call *call, void *context)
{
	const struct daemon *daemon = context;
	call_reply(call, daemon->openrpc, daemon->openrpc_length);
}

static void startup_start(struct daemon *daemon)
{
	daemon->startup_child = startup_begin(&daemon->startup);
	if (daemon->startup_child < 0) {
		log_error("", "no process could be started for the migrations: %s", strerror(errno));
		daemon->startup_child = 0;
		step_in(daemon, STARTUP_RETRY_MS);
	}
}

static void on_reference(bool loaded, void *context)
{
	struct daemon *daemon = context;
	if (daemon->phase > PHASE_SERVING)
		return;
	if (!loaded) {
		step_in(daemon, STARTUP_RETRY_MS);
		return;
	}
	engine_start(daemon->engine);
	if (daemon->phase == PHASE_SERVING)
		return;
	daemon->phase = PHASE_SERVING;
	rpc_set_ready(daemon->rpc, true);
	log_info("", "ready on %s; tcp %s; http %s", daemon->config->socket, daemon->config->tcp,
	         daemon->web ? daemon->config->http : "off");
}

static void on_notify(const char *payload, void *context)
{
	struct daemon *daemon = context;
	bool everything = payload == NULL;

	if (everything || strcmp(payload, "principal") == 0) {
		rpc_forget_identities(daemon->rpc);
		engine_on_principals(daemon->engine);
	}
	if ((everything && daemon->phase == PHASE_SERVING) || (payload && strcmp(payload, "reference") == 0))
		rpc_load_reference(daemon->rpc, on_reference, daemon);
	/* Without a listener nobody held the lock of our api schema, and a newer daemon may have dropped it. */
	if (everything && daemon->phase == PHASE_SERVING && !daemon->startup_child)
		startup_start(daemon);
	if (everything || strcmp(payload, "reminder") == 0)
		engine_wake(daemon->engine);
	else if (strncmp(payload, "delivery ", 9) == 0)
		engine_on_claimed_elsewhere(daemon->engine, payload);
}

static void on_pool_state(bool usable, void *context)
{
	struct daemon *daemon = context;
	log_info("", usable ? "the database is in reach" : "the database is out of reach");
	if (usable && daemon->phase == PHASE_STARTING)
		rpc_load_reference(daemon->rpc, on_reference, daemon);
}

static void on_cluster_state(enum cluster_state state, const char *message, void *context)
{
	struct daemon *daemon = context;

	if (state == CLUSTER_FAILED) {
		log_error("", "the embedded PostgreSQL cannot be started: %s", message);
		daemon_stop(daemon, EX_UNAVAILABLE);
	} else if (state == CLUSTER_STOPPED) {
		event_base_loopbreak(daemon->base);
	} else if (state == CLUSTER_RUNNING && daemon->phase == PHASE_STARTING && !daemon->startup_child &&
	           !pg_pool_usable(daemon->pool)) {
		startup_start(daemon);
	}
}

static void on_startup_end(struct daemon *daemon, int status)
{
	if (daemon->phase != PHASE_STARTING) {
		if (daemon->phase == PHASE_SERVING && startup_outcome(status) != MIGRATE_DONE)
			log_error("", "the database is no longer as this daemon knows it; calls may fail until it is restarted");
		return;
	}
	switch (startup_outcome(status)) {
	case MIGRATE_DONE:
		if (daemon->migrate_only)
			daemon_stop(daemon, EX_OK);
		else
			pg_pool_start(daemon->pool);
		break;
	case MIGRATE_UNREACHABLE:
		step_in(daemon, STARTUP_RETRY_MS);
		break;
	case MIGRATE_REFUSED:
		log_error("", "this database cannot be served by this daemon; the lines above say why");
		daemon_stop(daemon, EX_CONFIG);
		break;
	}
}

static void on_child(int number, short what, void *context)
{
	struct daemon *daemon = context;
	int status;
	(void)number;
	(void)what;
	if (daemon->startup_child && waitpid(daemon->startup_child, &status, WNOHANG) == daemon->startup_child) {
		daemon->startup_child = 0;
		on_startup_end(daemon, status);
	}
}

static void stop_database(struct daemon *daemon)
{
	daemon->phase = PHASE_STOPPING;
	pg_pool_stop(daemon->pool);
	if (daemon->startup_child)
		kill(daemon->startup_child, SIGTERM);
	if (daemon->cluster)
		cluster_stop(daemon->cluster);
	else
		event_base_loopbreak(daemon->base);
}

static size_t clients_count(const struct daemon *daemon)
{
	return conn_listener_count(daemon->listener) + (daemon->tcp ? conn_listener_count(daemon->tcp) : 0) +
	       (daemon->web ? web_count(daemon->web) : 0);
}

static void drain_step(struct daemon *daemon)
{
	int64_t waited_ms = (time_monotonic_micros() - daemon->drain_began_us) / 1000;
	bool late = waited_ms >= daemon->config->drain_timeout_ms;
	size_t clients = clients_count(daemon), messages = engine_pending(daemon->engine);

	if (late && clients > 0)
		log_warning("", "%zu connections did not take their answers in time", clients);
	if ((clients == 0 && messages == 0) || late)
		stop_database(daemon);
	else
		step_in(daemon, DRAIN_STEP_MS);
}

static void daemon_stop(struct daemon *daemon, int status)
{
	if (daemon->phase >= PHASE_DRAINING)
		return;
	daemon->phase = PHASE_DRAINING;
	daemon->status = status;
	daemon->drain_began_us = time_monotonic_micros();
	log_info("", "stopping: %zu calls under way", rpc_pending(daemon->rpc));
	rpc_set_ready(daemon->rpc, false);
	engine_stop(daemon->engine);
	if (daemon->listener) {
		conn_listener_stop(daemon->listener);
		conn_listener_drain(daemon->listener, false);
		if (daemon->tcp) {
			conn_listener_stop(daemon->tcp);
			conn_listener_drain(daemon->tcp, false);
		}
		if (daemon->web)
			web_stop(daemon->web);
		step_in(daemon, 0);
	} else {
		stop_database(daemon);
	}
}

static void on_step(int fd, short what, void *context)
{
	struct daemon *daemon = context;
	(void)fd;
	(void)what;
	if (daemon->phase == PHASE_DRAINING)
		drain_step(daemon);
	else if (daemon->phase == PHASE_STARTING && pg_pool_usable(daemon->pool))
		rpc_load_reference(daemon->rpc, on_reference, daemon);
	else if (daemon->phase == PHASE_STARTING && !daemon->startup_child)
		startup_start(daemon);
	else if (daemon->phase == PHASE_SERVING)
		rpc_load_reference(daemon->rpc, on_reference, daemon);
}

/* A second signal does not wait for clients. */
static void on_signal(int number, short what, void *context)
{
	struct daemon *daemon = context;
	(void)number;
	(void)what;
	if (daemon->phase == PHASE_DRAINING)
		stop_database(daemon);
	else
		daemon_stop(daemon, EX_OK);
}

const struct migrate_function *daemon_functions(struct arena *arena, const struct registry *registry, size_t *count)
{
	const struct {
		const struct migrate_function *functions;
		size_t count;
	} rooms[] = {{rpc_functions, rpc_function_count},
	             {engine_functions, engine_function_count},
	             {preview_functions, preview_function_count},
	             {web_functions, web_function_count}};
	size_t rows = registry_count(registry), most = rows;
	struct migrate_function *list;

	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
		most += rooms[i].count;
	list = arena_alloc(arena, most * sizeof *list);
	*count = 0;
	for (size_t i = 0; i < rows; i++) {
		const struct method *method = registry_at(registry, i);
		if (method->kind != METHOD_LOCAL)
			list[(*count)++] = (struct migrate_function){method_function(arena, method),
			                                             method_arguments(arena, method), method->kind == METHOD_WRITE};
	}
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		memcpy(list + *count, rooms[i].functions, rooms[i].count * sizeof *list);
		*count += rooms[i].count;
	}
	return list;
}

/* Held for as long as this daemon is in touch with the database: the last eight bytes of its id, as
 * deliveries_abandoned() reckons. */
static long long life_lock(const char *id)
{
	char digits[17];
	snprintf(digits, sizeof digits, "%.4s%.12s", id + 19, id + 24);
	return (long long)strtoull(digits, NULL, 16);
}

static bool make_database(struct daemon *daemon, struct err *err)
{
	const struct config *config = daemon->config;

	daemon->startup.dsn = config->dsn;
	daemon->startup.admin_dsn = config->auto_migrate || daemon->migrate_only ? config->admin_dsn : NULL;
	if (strcmp(config->dsn, "embedded") == 0) {
		daemon->cluster = cluster_new(daemon->base,
		                              &(struct cluster_options){.state_dir = config->state_dir,
		                                                        .postgres_bin = config->postgres_bin,
		                                                        .on_state = on_cluster_state,
		                                                        .context = daemon},
		                              err);
		if (!daemon->cluster)
			return false;
		daemon->startup.dsn = cluster_dsn(daemon->cluster);
		daemon->startup.admin_dsn = cluster_admin_dsn(daemon->cluster);
		daemon->startup.superuser_dsn = cluster_superuser_dsn(daemon->cluster);
	} else if (daemon->migrate_only && !*config->admin_dsn) {
		return err_set(err, "--migrate needs [database] admin_dsn, the connection of the schema's owner");
	}
	daemon->pool =
	    pg_pool_new(daemon->base, &(struct pg_options){.dsn = daemon->startup.dsn,
	                                                   .application = "tracktwod",
	                                                   .connections = (size_t)config->connections,
	                                                   .max_queued = QUEUE_MAX,
	                                                   .statement_timeout_ms = config->statement_timeout_ms,
	                                                   .wait_ms = config->wait_ms,
	                                                   .listen_channel = "tracktwo",
	                                                   .advisory_keys = {migrate_api_lock(), life_lock(daemon->id)},
	                                                   .on_notify = on_notify,
	                                                   .on_state = on_pool_state,
	                                                   .context = daemon});
	return true;
}

static bool make_senders(struct daemon *daemon, struct err *err)
{
	const struct config *config = daemon->config;

	daemon->webhooks =
	    webhook_new(daemon->base, &(struct webhook_options){.allow_http = config->webhook_allow_http,
	                                                        .allow_private = config->webhook_allow_private,
	                                                        .ca_file = config->delivery_ca_file,
	                                                        .timeout_ms = config->delivery_timeout_ms,
	                                                        .most = config->delivery_at_once});
	if (!*config->mail_server)
		return true;
	if (!*config->mail_from)
		return err_set(err, "[mail] from must say who sends, beside [mail] server");
	daemon->mailer = mailer_new(daemon->base,
	                            &(struct mailer_options){.server = config->mail_server,
	                                                     .from = config->mail_from,
	                                                     .tls = (enum curl_loop_tls)config->mail_tls,
	                                                     .user = config->mail_user,
	                                                     .password_file = config->mail_password_file,
	                                                     .ca_file = config->delivery_ca_file,
	                                                     .timeout_ms = config->delivery_timeout_ms,
	                                                     .idle_ms = MAIL_IDLE_MS,
	                                                     .most = config->delivery_at_once},
	                            err);
	return daemon->mailer || err_prefix(err, "mail");
}

static struct engine *make_engine(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	/* A message may wait behind others for its receiver's share of the connections, and its outcome for the database.
	 */
	long message_lease_s = 2 * config->delivery_timeout_ms / 1000 + 30;

	return engine_new(&(struct engine_options){.base = daemon->base,
	                                           .pool = daemon->pool,
	                                           .api_schema = migrate_api_schema(),
	                                           .daemon_id = daemon->id,
	                                           .mailer = daemon->mailer,
	                                           .mail_from = config->mail_from,
	                                           .webhooks = daemon->webhooks,
	                                           .at_once = (size_t)config->delivery_at_once,
	                                           .message_lease_s = message_lease_s,
	                                           .retry_first_s = config->delivery_retry_first_s,
	                                           .attempts_most = config->delivery_attempts});
}

static bool make_rpc(struct daemon *daemon, struct err *err)
{
	json_t *document = describe_openrpc(daemon->registry, daemon_version);
	const char *missing;

	daemon->openrpc = json_text(&daemon->arena, document);
	daemon->openrpc_length = strlen(daemon->openrpc);
	json_decref(document);
	daemon->rpc = rpc_new(&(struct rpc_options){.registry = daemon->registry,
	                                            .pool = daemon->pool,
	                                            .api_schema = migrate_api_schema(),
	                                            .max_inflight = (size_t)daemon->config->max_inflight,
	                                            .max_line_bytes = (size_t)daemon->config->max_line_bytes,
	                                            .on_session_end = on_session_end,
	                                            .context = daemon});
	daemon->engine = make_engine(daemon);
	daemon->preview = preview_new(daemon->pool, migrate_api_schema());
	rpc_bind(daemon->rpc, "system.ping", on_ping, daemon);
	rpc_bind(daemon->rpc, "system.info", on_info, daemon);
	rpc_bind(daemon->rpc, "rpc.discover", on_discover, daemon);
	rpc_bind(daemon->rpc, "reminder.subscribe", engine_on_subscribe, daemon->engine);
	rpc_bind(daemon->rpc, "reminder.preview", preview_on_call, daemon->preview);
	missing = rpc_missing_handler(daemon->rpc);
	return !missing || err_set(err, "%s has no handler", missing);
}

static bool make_web(struct daemon *daemon, struct err *err)
{
	const struct config *config = daemon->config;

	if (strcmp(config->http, "off") == 0)
		return true;
	daemon->web = web_new(&(struct web_options){.base = daemon->base,
	                                            .rpc = daemon->rpc,
	                                            .pool = daemon->pool,
	                                            .api_schema = migrate_api_schema(),
	                                            .version = daemon_version,
	                                            .openrpc = daemon->openrpc,
	                                            .where = config->http,
	                                            .group = config->socket_group,
	                                            .max_body_bytes = (size_t)config->max_line_bytes,
	                                            .max_clients = (size_t)config->max_clients,
	                                            .max_stream_bytes = OUTPUT_MAX},
	                      err);
	/* Where nobody asked for it, somebody else's port is no reason not to serve: two checkouts may run side by side. */
	if (!daemon->web && strcmp(config->http, config_http_default) == 0) {
		log_warning("", "%s; going on without http, name another place as [daemon] http", err->message);
		return true;
	}
	return daemon->web || err_prefix(err, "http");
}

static bool make_listeners(struct daemon *daemon, struct err *err)
{
	static const char refusal[] =
	    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":429,\"message\":\"too many clients are connected; "
	    "try again later\",\"data\":{\"code\":\"busy\",\"retryable\":true}},\"id\":null}";
	const struct config *config = daemon->config;
	const struct conn_limits limits = {.max_line_bytes = (size_t)config->max_line_bytes,
	                                   .max_clients = (size_t)config->max_clients,
	                                   .max_output_bytes = OUTPUT_MAX,
	                                   .refusal = refusal};
	struct address address;

	if (daemon->migrate_only)
		return true;
	if (strcmp(config->tcp, "off") != 0) {
		if (!address_parse(config->tcp, &address, err))
			return err_prefix(err, "tcp");
		daemon->tcp = conn_listen_tcp(daemon->base, &address, &limits, &peer_tcp, daemon->rpc, err);
		if (!daemon->tcp)
			return err_prefix(err, "tcp");
	}
	if (!make_web(daemon, err))
		return false;
	daemon->listener =
	    conn_listen_unix(daemon->base, config->socket, config->socket_group, &limits, &peer_unix, daemon->rpc, err);
	return daemon->listener != NULL;
}

static void make_events(struct daemon *daemon)
{
	signal(SIGPIPE, SIG_IGN);
	evsignal_assign(&daemon->terminate, daemon->base, SIGTERM, on_signal, daemon);
	evsignal_assign(&daemon->interrupt, daemon->base, SIGINT, on_signal, daemon);
	evsignal_assign(&daemon->child, daemon->base, SIGCHLD, on_child, daemon);
	evtimer_assign(&daemon->step, daemon->base, on_step, daemon);
	event_add(&daemon->terminate, NULL);
	event_add(&daemon->interrupt, NULL);
	event_add(&daemon->child, NULL);
}

static void unmake(struct daemon *daemon)
{
	if (daemon->startup_child)
		waitpid(daemon->startup_child, NULL, 0);
	/* The pool first: it ends the calls that are still under way, while their connections stand. */
	pg_pool_free(daemon->pool);
	if (daemon->listener)
		conn_listener_free(daemon->listener);
	if (daemon->tcp)
		conn_listener_free(daemon->tcp);
	web_free(daemon->web);
	mailer_free(daemon->mailer);
	webhook_free(daemon->webhooks);
	engine_free(daemon->engine);
	preview_free(daemon->preview);
	rpc_free(daemon->rpc);
	if (daemon->cluster)
		cluster_free(daemon->cluster);
	registry_free(daemon->registry);
	reference_release();
	if (daemon->base) {
		event_del(&daemon->terminate);
		event_del(&daemon->interrupt);
		event_del(&daemon->child);
		event_del(&daemon->step);
		event_base_free(daemon->base);
	}
	arena_release(&daemon->arena);
}

int daemon_run(const struct config *config, bool migrate_only)
{
	struct daemon daemon = {.config = config, .migrate_only = migrate_only, .began_us = time_monotonic_micros()};
	struct err err;

	uuid_make(daemon.id);
	daemon.registry = api_registry();
	daemon.base = http_loop_new();
	make_events(&daemon);
	daemon.startup.functions = daemon_functions(&daemon.arena, daemon.registry, &daemon.startup.function_count);
	if (!make_database(&daemon, &err) || !make_senders(&daemon, &err) || !make_rpc(&daemon, &err) ||
	    !make_listeners(&daemon, &err)) {
		log_error("", "%s", err.message);
		unmake(&daemon);
		return EX_CONFIG;
	}
	if (daemon.cluster)
		cluster_start(daemon.cluster);
	else
		startup_start(&daemon);
	event_base_dispatch(daemon.base);
	unmake(&daemon);
	log_info("", "stopped");
	return daemon.status;
}
