/* Conn, accepting: clients are taken off a listening socket, as many a turn as leave time for those that are there, and
 * turned away over the limit. Without descriptors to be had, accepting rests: an enabled listener would spin, for its
 * event stays ready. What becomes of a connection is conn.c's. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "conn_address.h"
#include "conn_inherit.h"
#include "conn_link.h"
#include "text/time.h"

enum {
	ACCEPTS_A_TURN = 64,
	REST_MICROS = 500 * 1000,
	REST_LOG_MICROS = 60 * 1000 * 1000,
};

/* Over TCP the kernel knows nothing of the peer; answers are small and awaited, so they must not wait for each other.
 */
static bool peer_of(const struct conn_listener *listener, int fd, struct ucred *peer)
{
	socklen_t size = sizeof *peer;
	int one = 1;
	*peer = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
	if (listener->tcp)
		return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0;
}

static void greet_client(struct conn_listener *listener, int fd)
{
	struct ucred peer;
	if (peer_of(listener, fd, &peer)) {
		conn_open(listener, fd, &peer);
		return;
	}
	log_warning("", "a client without credentials was turned away: %s", strerror(errno));
	close(fd);
}

static void refuse_client(const struct conn_listener *listener, int fd)
{
	const char *text = listener->limits.refusal ? listener->limits.refusal : "";
	char newline = '\n';
	struct iovec pieces[] = {{(void *)(uintptr_t)text, strlen(text)}, {&newline, 1}};
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
	if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("", "a refused client was gone already: %s", strerror(errno));
	close(fd);
}

static void rest_from_accepting(struct conn_listener *listener, int errnum)
{
	int64_t now = time_monotonic_micros();
	if (listener->rest_logged == 0 || now - listener->rest_logged >= REST_LOG_MICROS) {
		listener->rest_logged = now;
		log_warning("", "cannot accept clients: %s; new ones wait (said once a minute)", strerror(errnum));
	}
	event_del(&listener->accepting);
	event_add(&listener->rest, &(struct timeval){0, REST_MICROS});
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
	struct conn_listener *listener = context;
	(void)fd;
	(void)what;
	if (listener->fd >= 0)
		event_add(&listener->accepting, NULL);
}

static void on_accept(evutil_socket_t listening, short what, void *context)
{
	struct conn_listener *listener = context;
	(void)what;
	/* on_open may stop the listener. */
	for (int i = 0; i < ACCEPTS_A_TURN && listener->fd >= 0; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && listener->count < listener->limits.max_clients)
			greet_client(listener, fd);
		else if (fd >= 0)
			refuse_client(listener, fd);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		else if (errno != EINTR && errno != ECONNABORTED) {
			rest_from_accepting(listener, errno);
			return;
		}
	}
}

static struct conn_listener *listener_new(struct event_base *base, const struct conn_limits *limits,
                                          const struct conn_callbacks *callbacks, void *context)
{
	struct conn_listener *listener = calloc(1, sizeof *listener);
	if (!listener)
		abort();
	listener->base = base;
	listener->limits = *limits;
	listener->callbacks = *callbacks;
	listener->context = context;
	conn_begin(listener);
	event_assign(&listener->rest, base, -1, 0, on_rested, listener);
	return listener;
}

/* On `fd`, or the end of the listener when there is none. */
static struct conn_listener *listener_begin(struct conn_listener *listener, int fd)
{
	listener->fd = fd;
	event_assign(&listener->accepting, listener->base, fd, EV_READ | EV_PERSIST, on_accept, listener);
	if (fd < 0) {
		conn_listener_free(listener);
		return NULL;
	}
	event_add(&listener->accepting, NULL);
	return listener;
}

struct conn_listener *conn_listen_unix(struct event_base *base, const char *path, const char *group,
                                       const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                       void *context, struct err *err)
{
	struct conn_listener *listener = listener_new(base, limits, callbacks, context);
	return listener_begin(listener, conn_path_bind(&listener->path, path, group, err));
}

struct conn_listener *conn_listen_tcp(struct event_base *base, const struct address *address,
                                      const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                      void *context, struct err *err)
{
	struct conn_listener *listener = listener_new(base, limits, callbacks, context);
	listener->tcp = true;
	return listener_begin(listener, conn_address_bind(address, err));
}

struct conn_listener *conn_listen_inherited(struct event_base *base, int fd, bool is_unix,
                                            const struct conn_limits *limits, const struct conn_callbacks *callbacks,
                                            void *context, struct err *err)
{
	struct conn_listener *listener;
	bool found_unix;
	if (!conn_inherit(fd, &found_unix, err))
		return NULL;
	if (found_unix != is_unix) {
		err_set(err, "the socket that was handed over must be %s", is_unix ? "a Unix one" : "one of TCP");
		return NULL;
	}
	listener = listener_new(base, limits, callbacks, context);
	listener->tcp = !is_unix;
	return listener_begin(listener, fd);
}

void conn_listener_set_limits(struct conn_listener *listener, const struct conn_limits *limits)
{
	listener->limits = *limits;
}

void conn_listener_stop(struct conn_listener *listener)
{
	if (listener->fd < 0)
		return;
	event_del(&listener->accepting);
	event_del(&listener->rest);
	close(listener->fd);
	listener->fd = -1;
	conn_path_remove(&listener->path);
}

void conn_listener_drain(struct conn_listener *listener, bool now)
{
	conn_drain(listener, now);
}

size_t conn_listener_count(const struct conn_listener *listener)
{
	return listener->count;
}

void conn_listener_free(struct conn_listener *listener)
{
	conn_listener_stop(listener);
	conn_finish(listener);
	free(listener);
}
