/* Http: connections: who may have one, for how long, and what their bytes look like before evhttp sees them.
 *
 * evhttp 2.1 tells of a connection when its first request is whole; a cap and a deadline need to know of it sooner. It
 * asks for a bufferevent when it has accepted (bevcb), and keeps its connection as that bufferevent's context, so that
 * is where a link takes hold: it sets the close callback, and watches the input. A connection is ended by telling
 * evhttp of an error, a little later, which makes it clean up after itself.
 *
 * Invariant: a link exists from bevcb until closecb, and is found by its descriptor in between. */
#include "io/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "conn_address.h"
#include "conn_inherit.h"
#include "http_link.h"
#include "text/time.h"

enum {
	SWEEP_MICROS = 250 * 1000,
	REST_MICROS = 500 * 1000,
	REST_LOG_MICROS = 60 * 1000 * 1000,
	STRAY_BYTES = 64 * 1024, /* that a client may send while its answer is awaited */
	ACCEPTED_AT_ONCE = 8,
};

static LIST_HEAD(, http_server) servers;

static void must(const void *memory)
{
	if (memory)
		return;
	log_error("", "out of memory");
	abort();
}

void http_link_expect(struct http_link *link, long seconds)
{
	link->deadline_us = seconds ? time_monotonic_micros() + seconds * 1000000 : 0;
}

void http_link_cut(struct http_link *link)
{
	if (link->fd < 0)
		return;
	shutdown(link->fd, SHUT_RDWR);
	/* evhttp would first read whatever had come. */
	bufferevent_trigger_event(link->bev, BEV_EVENT_READING | BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
}

static void scan(struct http_link *link, struct evbuffer *input, size_t fresh)
{
	struct evbuffer_ptr at;
	char bytes[4096];
	size_t from = evbuffer_get_length(input) - fresh;

	while (fresh > 0 && link->scan.state != HTTP_SCAN_BODY) {
		evbuffer_ptr_set(input, &at, from, EVBUFFER_PTR_SET);
		ssize_t got = evbuffer_copyout_from(input, &at, bytes, fresh < sizeof bytes ? fresh : sizeof bytes);
		if (got <= 0)
			return;
		http_scan_bytes(&link->scan, bytes, (size_t)got);
		from += (size_t)got;
		fresh -= (size_t)got;
	}
}

void http_link_was_read(struct http_link *link)
{
	struct evbuffer *input = bufferevent_get_input(link->bev);
	link->scan = (struct http_scan){0};
	link->begun = evbuffer_get_length(input) > 0;
	scan(link, input, evbuffer_get_length(input));
}

void http_link_queue(struct http_link *link, struct http_queue *queue)
{
	if (link->queue)
		TAILQ_REMOVE(link->queue, link, queued);
	link->queue = queue;
	if (queue)
		TAILQ_INSERT_TAIL(queue, link, queued);
}

/* Who has kept its answer waiting longest makes room. */
void http_link_owes(struct http_link *link, size_t bytes)
{
	struct http_server *server = link->server;
	struct http_link *slowest;

	server->unsent += bytes - link->unsent;
	link->unsent = bytes;
	while (server->unsent > HTTP_UNSENT_BYTES && (slowest = TAILQ_FIRST(&server->taking)) && slowest != link) {
		log_info("", "an HTTP client that does not take its answer is cut off: too much waits to be taken");
		server->unsent -= slowest->unsent;
		slowest->unsent = 0;
		http_link_queue(slowest, NULL);
		http_link_cut(slowest);
	}
}

static void link_free(struct http_link *link)
{
	LIST_REMOVE(link, all);
	free(link);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct http_link *link = context;

	if (info->n_added == 0)
		return;
	if (link->exchange || link->answering) {
		/* Nobody reads this before the answer is out. */
		if (evbuffer_get_length(input) > STRAY_BYTES)
			http_link_cut(link);
		return;
	}
	if (!link->begun) {
		link->begun = true;
		http_link_expect(link, HTTP_READ_S);
	}
	scan(link, input, info->n_added);
	/* evhttp would wait for what comes next, however much that is. */
	if (link->scan.broken && !link->refused)
		http_page_refuse(link, 400, link->scan.fault);
}

static void on_close(struct evhttp_connection *connection, void *context)
{
	struct http_link *link = context;
	struct http_server *server = link->server;

	(void)connection;
	evbuffer_remove_cb(bufferevent_get_input(link->bev), on_input, link);
	http_page_unwatch(link);
	http_link_queue(link, NULL);
	http_link_owes(link, 0);
	server->by_fd[link->fd] = NULL;
	server->count--;
	if (link->exchange)
		http_exchange_detach(link->exchange);
	link_free(link);
	if (server->count == 0 && LIST_EMPTY(&server->fresh))
		event_del(&server->sweep);
}

/* Who has owed a request longest makes room for one more client, strangers first; where all are being answered, the
 * new one is turned away. */
static void make_room(struct http_link *link)
{
	struct http_server *server = link->server;
	struct http_link *idle = TAILQ_FIRST(&server->strangers);

	if (!idle)
		idle = TAILQ_FIRST(&server->known);
	if (idle && !server->stopping) {
		http_link_queue(idle, NULL);
		http_link_cut(idle);
	} else {
		http_page_refuse(link, 503, server->stopping ? "stopping; try later" : "too many clients; try later");
	}
}

static void index_link(struct http_server *server, struct http_link *link)
{
	size_t fd = (size_t)link->fd;
	if (fd >= server->by_fd_size) {
		size_t size = (fd + 1) * 2;
		server->by_fd = realloc(server->by_fd, size * sizeof(struct http_link *));
		must(server->by_fd);
		memset(server->by_fd + server->by_fd_size, 0, (size - server->by_fd_size) * sizeof(struct http_link *));
		server->by_fd_size = size;
	}
	server->by_fd[fd] = link;
}

/* Behind evhttp's accepting: the descriptor and evhttp's connection are there now. The link held a reference, lest
 * evhttp gave the connection up at once. */
static void adopt(struct http_link *link)
{
	struct http_server *server = link->server;
	bufferevent_event_cb on_event;
	struct ucred peer;
	socklen_t size = sizeof peer;
	void *connection;

	bufferevent_getcb(link->bev, NULL, NULL, &on_event, &connection);
	link->fd = bufferevent_getfd(link->bev);
	if (!on_event || link->fd < 0) {
		bufferevent_decref(link->bev);
		link_free(link);
		return;
	}
	LIST_REMOVE(link, all);
	LIST_INSERT_HEAD(&server->links, link, all);
	server->count++;
	index_link(server, link);
	evhttp_connection_set_closecb(connection, on_close, link);
	http_link_expect(link, HTTP_IDLE_S);
	bufferevent_decref(link->bev);
	if (server->is_unix && getsockopt(link->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		link->uid = (long)peer.uid;
	/* Behind everybody else's, until the caller says that it is somebody. */
	bufferevent_priority_set(link->bev, event_base_get_npriorities(server->base) - 1);
	http_page_watch(link);
	if (server->count > server->options.max_clients || server->stopping)
		make_room(link);
	if (!link->refused)
		http_link_queue(link, &server->strangers);
}

static struct bufferevent *on_accepted(struct event_base *base, void *context)
{
	struct http_server *server = context;
	struct http_link *link = calloc(1, sizeof *link);

	must(link);
	link->server = server;
	link->fd = -1;
	link->uid = -1;
	link->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	must(link->bev);
	bufferevent_incref(link->bev);
	evbuffer_add_cb(bufferevent_get_input(link->bev), on_input, link);
	LIST_INSERT_HEAD(&server->fresh, link, all);
	event_active(&server->turn, 0, 0);
	if (++server->accepted >= ACCEPTED_AT_ONCE && server->bound) {
		evconnlistener_disable(evhttp_bound_socket_get_listener(server->bound));
		event_active(&server->more, 0, 0);
	}
	if (!event_pending(&server->sweep, EV_TIMEOUT, NULL))
		event_add(&server->sweep, &(struct timeval){0, SWEEP_MICROS});
	return link->bev;
}

/* Accepting has no priority of its own to give away, so it pauses until strangers have their turn. */
static void on_more(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;

	(void)fd;
	(void)what;
	server->accepted = 0;
	if (server->bound && !event_pending(&server->rest, EV_TIMEOUT, NULL))
		evconnlistener_enable(evhttp_bound_socket_get_listener(server->bound));
}

/* Activated while evhttp accepts, so it runs before any byte of the new connections is read; and while evhttp writes,
 * so it runs before that leaves. */
static void on_turn(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	struct http_exchange *exchange;

	(void)fd;
	(void)what;
	while (!LIST_EMPTY(&server->fresh))
		adopt(LIST_FIRST(&server->fresh));
	http_page_replace(server);
	while ((exchange = LIST_FIRST(&server->gone))) {
		LIST_REMOVE(exchange, gone);
		exchange->is_gone = false;
		server->options.on_gone(exchange, server->options.context);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	struct http_link *link;
	int64_t now = time_monotonic_micros();

	(void)fd;
	(void)what;
	LIST_FOREACH(link, &server->links, all) {
		struct http_exchange *exchange = link->exchange;
		if (link->deadline_us != 0 && now >= link->deadline_us)
			http_link_cut(link);
		else if (exchange && exchange->stream && now - exchange->quiet_since_us >= HTTP_QUIET_S * 1000000LL)
			http_stream_send(exchange, server->options.keep_alive, strlen(server->options.keep_alive));
	}
}

struct http_link *http_link_of(struct http_server *server, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct bufferevent *bev = connection ? evhttp_connection_get_bufferevent(connection) : NULL;
	evutil_socket_t fd = bev ? bufferevent_getfd(bev) : -1;
	struct http_link *link = fd >= 0 && (size_t)fd < server->by_fd_size ? server->by_fd[fd] : NULL;
	return link && link->bev == bev ? link : NULL;
}

/* Out of descriptors: an enabled listener would spin, for its socket stays ready. What comes as the context is evhttp's
 * own from the moment it takes the listener over, so the server is looked up. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	struct http_server *server;
	int64_t now = time_monotonic_micros();
	int errnum = errno;

	(void)context;
	LIST_FOREACH(server, &servers, others)
		if (server->bound && evhttp_bound_socket_get_listener(server->bound) == listener)
			break;
	if (!server)
		return;
	if (server->rest_logged_us == 0 || now - server->rest_logged_us >= REST_LOG_MICROS) {
		server->rest_logged_us = now;
		log_warning("", "cannot accept HTTP clients: %s; new ones wait (said once a minute)", strerror(errnum));
	}
	evconnlistener_disable(listener);
	event_add(&server->rest, &(struct timeval){0, REST_MICROS});
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
	struct http_server *server = context;
	(void)fd;
	(void)what;
	if (server->bound)
		evconnlistener_enable(evhttp_bound_socket_get_listener(server->bound));
}

/* All verbs come through, so that this room says 405; evhttp would say 501. */
static void set_limits(struct http_server *server)
{
	evhttp_set_max_headers_size(server->evhttp, HTTP_HEADER_BYTES);
	evhttp_set_max_body_size(server->evhttp, (ev_ssize_t)server->options.max_body_bytes);
	evhttp_set_default_content_type(server->evhttp, "text/plain; charset=utf-8");
	evhttp_set_allowed_methods(server->evhttp, (ev_uint16_t)0xFFFF);
	/* What is too long is read to its end and dropped, within the deadline, so that the 413 arrives. */
	evhttp_set_flags(server->evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_bevcb(server->evhttp, on_accepted, server);
	evhttp_set_gencb(server->evhttp, http_on_request, server);
}

struct event_base *http_loop_new(void)
{
	enum { PRIORITIES = 3, AT_ONCE = 4 };
	struct event_config *config = event_config_new();
	struct event_base *base;

	must(config);
	event_config_set_max_dispatch_interval(config, NULL, AT_ONCE, PRIORITIES - 1);
	/* A reminder is due to the microsecond; epoll's own time-outs are whole milliseconds, rounded up. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	must(base);
	event_base_priority_init(base, PRIORITIES);
	event_config_free(config);
	return base;
}

static int bind_somewhere(struct http_server *server, const char *where, const char *group, struct err *err)
{
	struct address address;
	int inherited = server->options.inherited;
	if (inherited > 0)
		return conn_inherit(inherited, &server->is_unix, err) ? inherited : -1;
	server->is_unix = *where == '/';
	if (server->is_unix)
		return conn_path_bind(&server->path, where, group, err);
	return address_parse(where, &address, err) ? conn_address_bind(&address, err) : -1;
}

struct http_server *http_listen(struct event_base *base, const char *where, const char *group,
                                const struct http_options *options, struct err *err)
{
	struct http_server *server = calloc(1, sizeof *server);
	must(server);
	server->base = base;
	server->options = *options;
	event_assign(&server->turn, base, -1, 0, on_turn, server);
	event_assign(&server->sweep, base, -1, EV_PERSIST, on_sweep, server);
	event_assign(&server->rest, base, -1, 0, on_rested, server);
	event_assign(&server->more, base, -1, 0, on_more, server);
	event_priority_set(&server->more, event_base_get_npriorities(base) - 1);
	TAILQ_INIT(&server->strangers);
	TAILQ_INIT(&server->known);
	TAILQ_INIT(&server->taking);
	LIST_INSERT_HEAD(&servers, server, others);
	server->evhttp = evhttp_new(base);
	must(server->evhttp);
	set_limits(server);
	int fd = bind_somewhere(server, where, group, err);
	if (fd < 0) {
		http_free(server);
		return NULL;
	}
	struct evconnlistener *listener =
	    evconnlistener_new(base, NULL, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	must(listener);
	server->bound = evhttp_bind_listener(server->evhttp, listener);
	must(server->bound);
	evconnlistener_set_error_cb(listener, on_accept_error);
	return server;
}

void http_set_limits(struct http_server *server, size_t max_body_bytes, size_t max_clients)
{
	server->options.max_body_bytes = max_body_bytes;
	server->options.max_clients = max_clients;
	evhttp_set_max_body_size(server->evhttp, (ev_ssize_t)max_body_bytes);
}

void http_stop(struct http_server *server)
{
	struct http_link *link;
	if (!server->bound)
		return;
	server->stopping = true;
	evhttp_del_accept_socket(server->evhttp, server->bound);
	server->bound = NULL;
	event_del(&server->rest);
	conn_path_remove(&server->path);
	LIST_FOREACH(link, &server->links, all)
		if (!link->exchange && !link->answering && !link->begun)
			http_link_cut(link);
}

size_t http_count(const struct http_server *server)
{
	return server->count;
}

void http_free(struct http_server *server)
{
	if (!server)
		return;
	if (server->bound)
		http_stop(server);
	while (!LIST_EMPTY(&server->fresh))
		adopt(LIST_FIRST(&server->fresh));
	evhttp_free(server->evhttp);
	event_del(&server->turn);
	event_del(&server->sweep);
	event_del(&server->rest);
	event_del(&server->more);
	LIST_REMOVE(server, others);
	free(server->by_fd);
	free(server);
}
