/* Http's inside: what the connections (http.c) and the exchanges (http_exchange.c) share. Included by them only. */
#ifndef TRACKTWO_SRC_IO_HTTP_LINK_H
#define TRACKTWO_SRC_IO_HTTP_LINK_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conn_path.h"
#include "io/http.h"

/* One connection, from bevcb to closecb. */
struct http_link {
	LIST_ENTRY(http_link) all; /* in server->links, or in server->fresh until it is adopted */
	struct http_server *server;
	struct bufferevent *bev;
	struct http_exchange *exchange; /* under way; NULL between requests */
	int64_t deadline_us;            /* 0 while nothing is awaited of the client */
	int fd;                         /* -1 until adopted */
	long uid;
	bool answering; /* an answer is on its way out, and its exchange is gone */
	/* Where the bytes read so far stand in a request. */
	bool in_body, begun, refused;
	unsigned long lines; /* whole ones of the head */
	size_t line_length;  /* of the line under way */
	bool after_return;   /* the last byte was CR */
	const char *fault;   /* what evhttp would let pass; NULL for nothing */
};

struct http_exchange {
	LIST_ENTRY(http_exchange) gone; /* in server->gone */
	struct http_server *server;
	struct evhttp_request *request;
	struct http_link *link; /* NULL once the client is gone */
	void *user;
	char *body;
	size_t body_length;
	int64_t quiet_since_us; /* of a stream */
	long uid;
	bool stream;
	char path[128];
	char subject[32];
};

LIST_HEAD(http_links, http_link);
LIST_HEAD(http_exchanges, http_exchange);

struct http_server {
	LIST_ENTRY(http_server) others;
	struct event_base *base;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound; /* NULL when stopped */
	struct event turn, sweep, rest;
	struct http_options options;
	struct http_links fresh, links;
	struct http_exchanges gone;
	struct http_link **by_fd;
	size_t by_fd_size, count;
	int64_t rest_logged_us;
	struct conn_path path; /* of a Unix socket */
	bool is_unix, stopping;
};

/* http.c */
struct http_link *http_link_of(struct http_server *server, struct evhttp_request *request);
/* Has the connection end soon: evhttp reads an end of file. */
void http_link_cut(struct http_link *link);
/* The request under way has been read whole; what is left in the buffer begins the next one. */
void http_link_was_read(struct http_link *link);
/* So many seconds from now; 0 for no deadline. */
void http_link_expect(struct http_link *link, long seconds);

/* http_exchange.c: evhttp's callback for whole requests; `context` is the server. */
void http_on_request(struct evhttp_request *request, void *context);
/* The link of the exchange goes. */
void http_exchange_detach(struct http_exchange *exchange);

#endif
