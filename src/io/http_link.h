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
#include "http_scan.h"
#include "io/http.h"

TAILQ_HEAD(http_queue, http_link);

/* One connection, from bevcb to closecb. */
struct http_link {
	LIST_ENTRY(http_link) all;     /* in server->links, or in server->fresh until it is adopted */
	TAILQ_ENTRY(http_link) queued; /* in `queue` */
	LIST_ENTRY(http_link) paged;   /* in server->pages, while page_status is not 0 */
	struct http_queue *queue;      /* NULL while it is not the client that is waited for */
	struct http_server *server;
	struct bufferevent *bev;
	struct http_exchange *exchange; /* under way; NULL between requests */
	int64_t deadline_us;            /* 0 while nothing is awaited of the client */
	int fd;                         /* -1 until adopted */
	long uid;
	bool answering;        /* an answer is on its way out, and its exchange is gone */
	bool known;            /* http_prefer() */
	bool begun, refused;   /* bytes of a request have come; the client has been turned away */
	int page_status;       /* of the page that evhttp has just written by itself; 0 for none */
	size_t unsent;         /* bytes of the answer on its way out */
	struct http_scan scan; /* of the request under way */
};

struct http_exchange {
	LIST_ENTRY(http_exchange) gone; /* in server->gone, while is_gone */
	struct http_server *server;
	struct evhttp_request *request;
	struct http_link *link; /* NULL once the client is gone */
	void *user;
	char *body;
	size_t body_length;
	int64_t quiet_since_us; /* of a stream */
	long uid;
	bool stream, is_gone;
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
	struct event turn, sweep, rest, more;
	struct http_options options;
	struct http_links fresh, links, pages;
	struct http_queue strangers, known,
	    taking;        /* whose request, and who takes an answer, is waited for; longest first */
	size_t unsent;     /* of all links */
	unsigned accepted; /* since the last `more` */
	struct http_exchanges gone;
	struct http_link **by_fd;
	size_t by_fd_size, count;
	int64_t rest_logged_us;
	struct conn_path path; /* of a Unix socket */
	bool is_unix, stopping;
};

/* http.c */
struct http_link *http_link_of(struct http_server *server, struct evhttp_request *request);
/* Has the connection end soon, behind the callback under way. */
void http_link_cut(struct http_link *link);
/* The request under way has been read whole; what is left in the buffer begins the next one. */
void http_link_was_read(struct http_link *link);
/* So many seconds from now; 0 for no deadline. */
void http_link_expect(struct http_link *link, long seconds);

/* Puts it at the end of a queue; NULL for none. */
void http_link_queue(struct http_link *link, struct http_queue *queue);
/* `bytes` of an answer are on their way out; 0 when they are out. */
void http_link_owes(struct http_link *link, size_t bytes);

/* http_page.c: watches what evhttp writes by itself. */
void http_page_watch(struct http_link *link);
/* No more than that, before the link goes. */
void http_page_unwatch(struct http_link *link);
/* Puts a page of ours in the place of each that evhttp has written since. */
void http_page_replace(struct http_server *server);
/* Answers past evhttp, and cuts the connection: for a client that evhttp should hear nothing more of. */
void http_page_refuse(struct http_link *link, int status, const char *text);

/* http_exchange.c: evhttp's callback for whole requests; `context` is the server. */
void http_on_request(struct evhttp_request *request, void *context);
/* The link of the exchange goes. */
void http_exchange_detach(struct http_exchange *exchange);

#endif
