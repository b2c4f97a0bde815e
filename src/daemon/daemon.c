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
#include "daemon/listeners.h"
#include "daemon/reload.h"
#include "daemon/senders.h"
#include "daemon/service.h"
#include "daemon/startup.h"
#include "daemon/web.h"
#include "feed/feed.h"
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
	QUEUE_MAX = 10000,
	BEAT_MICROS = 10 * 1000 * 1000, /* at most */
	BEATS = 3                       /* in the time after which the service manager gives a silent daemon up */
};

enum phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING, PHASE_STOPPING };

struct daemon {
	const struct daemon_options *options;
	const struct config *config; /* as it began; what reloads is of `running` */
	struct config running;       /* as it was last read, but for what takes a restart */
	bool migrate_only;
	bool terminal; /* it was started at one */
	enum phase phase;
	int status;
	int64_t began_us, drain_began_us;
	char id[UUID_TEXT_SIZE];
	struct arena arena;
	struct event_base *base;
	struct event terminate, interrupt, hangup, child, step, beat;
	struct registry *registry;
	struct cluster *cluster; /* NULL when the database is not ours */
	struct pg_pool *pool;
	struct rpc *rpc;
	struct engine *engine;
	struct preview *preview;
	struct feed *feed;
	struct senders senders;
	struct listeners listeners;
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
	struct daemon *daemon = context;
	engine_forget(daemon->engine, session);
	feed_forget(daemon->feed, session);
}

static void on_written(void *context)
{
	feed_on_written(((struct daemon *)context)->feed);
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
	log_info("", "ready on %s; tcp %s; http %s", daemon->listeners.socket_place, daemon->listeners.tcp_place,
	         daemon->listeners.web_place);
	service_notify("READY=1\nSTATUS=Serving");
}

static void on_notify(const char *payload, void *context)
{
	struct daemon *daemon = context;
	bool everything = payload == NULL;

	if (everything || strcmp(payload, "principal") == 0) {
		rpc_forget_identities(daemon->rpc);
		engine_on_principals(daemon->engine);
		feed_on_principals(daemon->feed);
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
	feed_on_notify(daemon->feed, payload);
}

static void on_pool_state(bool usable, void *context)
{
	struct daemon *daemon = context;
	log_info("", usable ? "the database is in reach" : "the database is out of reach");
	if (daemon->phase == PHASE_SERVING)
		service_notify("STATUS=%s", usable ? "Serving" : "The database is out of reach; calls wait, or are refused");
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
		service_notify("STATUS=The database is out of reach; trying again");
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

static void drain_step(struct daemon *daemon)
{
	int64_t waited_ms = (time_monotonic_micros() - daemon->drain_began_us) / 1000;
	bool late = waited_ms >= daemon->running.drain_timeout_ms;
	size_t clients = listeners_count(&daemon->listeners), messages = engine_pending(daemon->engine);

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
	service_notify("STOPPING=1\nSTATUS=Answering what is under way, then stopping");
	rpc_set_ready(daemon->rpc, false);
	engine_stop(daemon->engine);
	if (daemon->migrate_only) {
		stop_database(daemon);
	} else {
		listeners_stop(&daemon->listeners);
		step_in(daemon, 0);
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
	             {feed_functions, feed_function_count},
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

static struct engine_options engine_options(const struct daemon *daemon)
{
	const struct config *config = &daemon->running;
	/* A message may wait behind others for its receiver's share of the connections, and its outcome for the database.
	 */
	long message_lease_s = 2 * config->delivery_timeout_ms / 1000 + 30;

	return (struct engine_options){.base = daemon->base,
	                               .pool = daemon->pool,
	                               .api_schema = migrate_api_schema(),
	                               .daemon_id = daemon->id,
	                               .mailer = daemon->senders.mailer,
	                               .mail_from = config->mail_from,
	                               .webhooks = daemon->senders.webhooks,
	                               .at_once = (size_t)config->delivery_at_once,
	                               .message_lease_s = message_lease_s,
	                               .retry_first_s = config->delivery_retry_first_s,
	                               .attempts_most = config->delivery_attempts};
}

static bool make_rpc(struct daemon *daemon, struct err *err)
{
	json_t *document = describe_openrpc(daemon->registry, daemon_version);
	struct engine_options options = engine_options(daemon);
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
	                                            .on_written = on_written,
	                                            .context = daemon});
	daemon->engine = engine_new(&options);
	daemon->preview = preview_new(daemon->pool, migrate_api_schema());
	daemon->feed = feed_new(&(struct feed_options){.base = daemon->base,
	                                               .pool = daemon->pool,
	                                               .registry = daemon->registry,
	                                               .api_schema = migrate_api_schema(),
	                                               .daemon_id = daemon->id});
	rpc_bind(daemon->rpc, "system.ping", on_ping, daemon);
	rpc_bind(daemon->rpc, "system.info", on_info, daemon);
	rpc_bind(daemon->rpc, "rpc.discover", on_discover, daemon);
	rpc_bind(daemon->rpc, "reminder.subscribe", engine_on_subscribe, daemon->engine);
	rpc_bind(daemon->rpc, "reminder.preview", preview_on_call, daemon->preview);
	rpc_bind(daemon->rpc, "change.subscribe", feed_on_subscribe, daemon->feed);
	missing = rpc_missing_handler(daemon->rpc);
	return !missing || err_set(err, "%s has no handler", missing);
}

static void apply(struct daemon *daemon)
{
	const struct config *running = &daemon->running;
	struct engine_options options = engine_options(daemon);

	log_set_level((enum log_level)running->log_level);
	pg_pool_set_timeouts(daemon->pool, running->statement_timeout_ms, running->wait_ms);
	rpc_set_limits(daemon->rpc, (size_t)running->max_inflight, (size_t)running->max_line_bytes);
	listeners_set_limits(&daemon->listeners, running);
	engine_configure(daemon->engine, &options);
	engine_wake(daemon->engine);
}

static void reload(struct daemon *daemon)
{
	struct config before = daemon->running, fresh;
	struct err err = {{0}};
	bool right = daemon->options->read(&fresh, daemon->options->context, &err) &&
	             senders_configure(&daemon->senders, &fresh, &err);

	if (!right) {
		config_release(&fresh);
		log_error("", "the configuration stays as it was: %s", err.message);
		return;
	}
	reload_settle(&fresh, &before);
	daemon->running = fresh;
	apply(daemon);
	config_release(&before);
}

/* A hangup asks for the configuration to be read again; from a terminal that is gone, it says that nobody is there. */
static void on_hangup(int number, short what, void *context)
{
	struct daemon *daemon = context;
	bool serving = daemon->phase == PHASE_SERVING;
	(void)number;
	(void)what;
	if (daemon->terminal && !isatty(STDERR_FILENO)) {
		daemon_stop(daemon, EX_OK);
		return;
	}
	if (daemon->phase > PHASE_SERVING || daemon->migrate_only)
		return;
	if (serving)
		service_notify_reloading();
	reload(daemon);
	if (serving)
		service_notify("READY=1");
}

/* A sign of life from the loop itself: where the loop hangs, none is given. */
static void on_beat(int fd, short what, void *context)
{
	struct daemon *daemon = context;
	(void)fd;
	(void)what;
	if (daemon->phase == PHASE_STARTING || daemon->phase > PHASE_SERVING)
		service_notify("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%d", BEATS * BEAT_MICROS);
	else
		service_notify("WATCHDOG=1");
	senders_sweep(&daemon->senders);
}

static bool make_listeners(struct daemon *daemon, struct err *err)
{
	return daemon->migrate_only || listeners_open(&daemon->listeners,
	                                              &(struct listeners_options){.base = daemon->base,
	                                                                          .config = daemon->config,
	                                                                          .rpc = daemon->rpc,
	                                                                          .pool = daemon->pool,
	                                                                          .api_schema = migrate_api_schema(),
	                                                                          .version = daemon_version,
	                                                                          .openrpc = daemon->openrpc},
	                                              err);
}

static void make_events(struct daemon *daemon)
{
	int64_t watchdog = service_watchdog_micros();
	int64_t beat = watchdog > 0 && watchdog / BEATS < BEAT_MICROS ? watchdog / BEATS : BEAT_MICROS;

	signal(SIGPIPE, SIG_IGN);
	evsignal_assign(&daemon->terminate, daemon->base, SIGTERM, on_signal, daemon);
	evsignal_assign(&daemon->interrupt, daemon->base, SIGINT, on_signal, daemon);
	evsignal_assign(&daemon->hangup, daemon->base, SIGHUP, on_hangup, daemon);
	evsignal_assign(&daemon->child, daemon->base, SIGCHLD, on_child, daemon);
	evtimer_assign(&daemon->step, daemon->base, on_step, daemon);
	event_assign(&daemon->beat, daemon->base, -1, EV_PERSIST, on_beat, daemon);
	event_add(&daemon->terminate, NULL);
	event_add(&daemon->interrupt, NULL);
	event_add(&daemon->hangup, NULL);
	event_add(&daemon->child, NULL);
	event_add(&daemon->beat, &(struct timeval){.tv_sec = beat / 1000000, .tv_usec = beat % 1000000});
}

static void unmake(struct daemon *daemon)
{
	if (daemon->startup_child)
		waitpid(daemon->startup_child, NULL, 0);
	/* The pool first: it ends the calls that are still under way, while their connections stand. */
	pg_pool_free(daemon->pool);
	listeners_close(&daemon->listeners);
	senders_release(&daemon->senders);
	engine_free(daemon->engine);
	preview_free(daemon->preview);
	feed_free(daemon->feed);
	rpc_free(daemon->rpc);
	if (daemon->cluster)
		cluster_free(daemon->cluster);
	registry_free(daemon->registry);
	reference_release();
	if (daemon->base) {
		event_del(&daemon->terminate);
		event_del(&daemon->interrupt);
		event_del(&daemon->hangup);
		event_del(&daemon->child);
		event_del(&daemon->step);
		event_del(&daemon->beat);
		event_base_free(daemon->base);
	}
	config_release(&daemon->running);
	arena_release(&daemon->arena);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon daemon = {.options = options,
	                        .config = options->config,
	                        .migrate_only = options->migrate_only,
	                        .terminal = isatty(STDERR_FILENO),
	                        .began_us = time_monotonic_micros()};
	struct err err;

	config_copy(&daemon.running, options->as_read);
	uuid_make(daemon.id);
	daemon.registry = api_registry();
	daemon.base = daemon.senders.base = http_loop_new();
	make_events(&daemon);
	daemon.startup.functions = daemon_functions(&daemon.arena, daemon.registry, &daemon.startup.function_count);
	if (!make_database(&daemon, &err) || !senders_configure(&daemon.senders, &daemon.running, &err) ||
	    !make_rpc(&daemon, &err) || !make_listeners(&daemon, &err)) {
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
