/* Listeners: each door is either handed over or bound, and from then on the same. */
#include "daemon/listeners.h"

#include <string.h>

#include "base/log.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "daemon/web.h"
#include "io/conn.h"

static const char handed_over[] = "what was handed over";

static struct conn_limits limits_of(const struct config *config)
{
	static const char refusal[] =
	    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":429,\"message\":\"too many clients are connected; "
	    "try again later\",\"data\":{\"code\":\"busy\",\"retryable\":true}},\"id\":null}";
	return (struct conn_limits){.max_line_bytes = (size_t)config->max_line_bytes,
	                            .max_clients = (size_t)config->max_clients,
	                            .max_output_bytes = LISTENERS_OUTPUT_MAX,
	                            .refusal = refusal};
}

static bool open_tcp(struct listeners *listeners, const struct listeners_options *options, struct err *err)
{
	const struct conn_limits limits = limits_of(options->config);
	const char *where = options->config->tcp;
	int inherited = service_take_descriptor("tcp");
	struct address address;

	listeners->tcp_place = inherited > 0 ? handed_over : where;
	if (inherited > 0)
		listeners->tcp = conn_listen_inherited(options->base, inherited, false, &limits, &peer_tcp, options->rpc, err);
	else if (strcmp(where, "off") == 0)
		return true;
	else if (address_parse(where, &address, err))
		listeners->tcp = conn_listen_tcp(options->base, &address, &limits, &peer_tcp, options->rpc, err);
	return listeners->tcp || err_prefix(err, "tcp");
}

static bool open_web(struct listeners *listeners, const struct listeners_options *options, struct err *err)
{
	const struct config *config = options->config;
	int inherited = service_take_descriptor("http");

	listeners->web_place = inherited > 0 ? handed_over : config->http;
	if (inherited == 0 && strcmp(config->http, "off") == 0)
		return true;
	listeners->web = web_new(&(struct web_options){.base = options->base,
	                                               .config = config,
	                                               .rpc = options->rpc,
	                                               .pool = options->pool,
	                                               .api_schema = options->api_schema,
	                                               .version = options->version,
	                                               .openrpc = options->openrpc,
	                                               .where = config->http,
	                                               .group = config->socket_group,
	                                               .max_body_bytes = (size_t)config->max_line_bytes,
	                                               .max_clients = (size_t)config->max_clients,
	                                               .max_stream_bytes = LISTENERS_OUTPUT_MAX,
	                                               .inherited = inherited},
	                         err);
	/* Where nobody asked for it, somebody else's port is no reason not to serve: two checkouts may run side by side. */
	if (!listeners->web && inherited == 0 && strcmp(config->http, config_http_default) == 0) {
		log_warning("", "%s; going on without http, name another place as [daemon] http", err->message);
		listeners->web_place = "off";
		return true;
	}
	return listeners->web || err_prefix(err, "http");
}

static bool open_socket(struct listeners *listeners, const struct listeners_options *options, struct err *err)
{
	const struct conn_limits limits = limits_of(options->config);
	const struct config *config = options->config;
	int inherited = service_take_descriptor("socket");

	listeners->socket_place = inherited > 0 ? handed_over : config->socket;
	listeners->socket =
	    inherited > 0 ? conn_listen_inherited(options->base, inherited, true, &limits, &peer_unix, options->rpc, err)
	                  : conn_listen_unix(options->base, config->socket, config->socket_group, &limits, &peer_unix,
	                                     options->rpc, err);
	return listeners->socket || err_prefix(err, "socket");
}

bool listeners_open(struct listeners *listeners, const struct listeners_options *options, struct err *err)
{
	return open_tcp(listeners, options, err) && open_web(listeners, options, err) &&
	       open_socket(listeners, options, err);
}

void listeners_set_limits(const struct listeners *listeners, const struct config *config)
{
	const struct conn_limits limits = limits_of(config);
	if (listeners->socket)
		conn_listener_set_limits(listeners->socket, &limits);
	if (listeners->tcp)
		conn_listener_set_limits(listeners->tcp, &limits);
	if (listeners->web)
		web_set_limits(listeners->web, limits.max_line_bytes, limits.max_clients);
}

static void stop_one(struct conn_listener *listener)
{
	if (!listener)
		return;
	conn_listener_stop(listener);
	conn_listener_drain(listener, false);
}

void listeners_stop(const struct listeners *listeners)
{
	stop_one(listeners->socket);
	stop_one(listeners->tcp);
	if (listeners->web)
		web_stop(listeners->web);
}

size_t listeners_count(const struct listeners *listeners)
{
	return (listeners->socket ? conn_listener_count(listeners->socket) : 0) +
	       (listeners->tcp ? conn_listener_count(listeners->tcp) : 0) +
	       (listeners->web ? web_count(listeners->web) : 0);
}

void listeners_close(struct listeners *listeners)
{
	if (listeners->socket)
		conn_listener_free(listeners->socket);
	if (listeners->tcp)
		conn_listener_free(listeners->tcp);
	web_free(listeners->web);
	*listeners = (struct listeners){0};
}
