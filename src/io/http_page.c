/* Http, pages: what evhttp says by itself, or cannot say, gets our headers.
 *
 * Where evhttp cannot read a request it answers with a page of HTML that no callback sees and no header can be added
 * to. It writes that page between two turns of the loop, as it writes all: so a link watches its output, and a status
 * of an error that comes while no exchange is there is a page of evhttp's, in whose place one of ours is put before the
 * loop sends it. */
#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http_link.h"

enum { PAGE_SIZE = 512, STATUS_LENGTH = 12 };

static const struct {
	int status;
	const char *phrase, *text;
} pages[] = {
    {400, "Bad Request", "this cannot be read as a request of HTTP/1.1"},
    {413, "Content Too Large", "the body is too large; split it, or raise max_line_bytes"},
    {417, "Expectation Failed", "nothing can be expected but 100-continue"},
    {431, "Request Header Fields Too Large", "the request's line and headers are too long"},
    {501, "Not Implemented", "this is not served"},
    {503, "Service Unavailable", "try later"},
};

/* Its length. */
static size_t compose(char page[static PAGE_SIZE], int status, const char *text)
{
	const char *phrase = "Error", *said = "this cannot be served";

	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		if (pages[i].status != status)
			continue;
		phrase = pages[i].phrase;
		said = pages[i].text;
	}
	said = text ? text : said;
	snprintf(page, PAGE_SIZE,
	         "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
	         "Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s\n",
	         status, phrase, status == 503 ? "Retry-After: 1\r\n" : "", strlen(said) + 1, said);
	return strlen(page);
}

/* A status line is the first piece of an answer that evhttp writes. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *context)
{
	struct http_link *link = context;
	char line[STATUS_LENGTH + 1] = "";
	struct evbuffer_ptr at;
	int status = 0;

	if (info->n_added == 0 || link->exchange || link->answering || link->page_status != 0)
		return;
	evbuffer_ptr_set(output, &at, info->orig_size, EVBUFFER_PTR_SET);
	if (evbuffer_copyout_from(output, &at, line, STATUS_LENGTH) != STATUS_LENGTH ||
	    sscanf(line, "HTTP/1.%*1d %3d", &status) != 1 || status < 400)
		return;
	link->page_status = link->scan.head_length > HTTP_HEADER_BYTES ? 431 : status;
	LIST_INSERT_HEAD(&link->server->pages, link, paged);
	event_active(&link->server->turn, 0, 0);
}

void http_page_watch(struct http_link *link)
{
	evbuffer_add_cb(bufferevent_get_output(link->bev), on_output, link);
}

static void unlist(struct http_link *link)
{
	if (link->page_status != 0)
		LIST_REMOVE(link, paged);
	link->page_status = 0;
}

void http_page_unwatch(struct http_link *link)
{
	evbuffer_remove_cb(bufferevent_get_output(link->bev), on_output, link);
	unlist(link);
}

void http_page_replace(struct http_server *server)
{
	struct http_link *link;
	char page[PAGE_SIZE];

	while ((link = LIST_FIRST(&server->pages))) {
		struct evbuffer *output = bufferevent_get_output(link->bev);
		size_t length = compose(page, link->page_status, link->scan.fault);

		/* The beginning of the output is the socket's alone; nothing of this page has gone there yet. */
		if (evbuffer_unfreeze(output, 1) == 0 && evbuffer_drain(output, evbuffer_get_length(output)) == 0)
			evbuffer_add(output, page, length);
		evbuffer_freeze(output, 1);
		unlist(link);
	}
}

void http_page_refuse(struct http_link *link, int status, const char *text)
{
	char page[PAGE_SIZE];
	size_t length = compose(page, status, text);

	link->refused = true;
	if (send(link->fd, page, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("", "a refused client was gone already: %s", strerror(errno));
	http_link_cut(link);
}
