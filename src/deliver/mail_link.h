/* Mail link: one connection to an SMTP server, and the dialogue of one mail after another over it (RFC 5321).
 *
 * The connection is made when the first mail needs it. A link that a mail was refused on, or that broke, is of no
 * further use: free it. */
#ifndef TRACKTWO_DELIVER_MAIL_LINK_H
#define TRACKTWO_DELIVER_MAIL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "deliver/curl_loop.h"

struct mail_link;

enum mail_link_end {
	MAIL_LINK_TAKEN,   /* the server has the mail; the link may be used again */
	MAIL_LINK_REPLIED, /* it answered a command of the mail with an error */
	MAIL_LINK_FAILED,  /* no connection, no login, or it broke */
};

struct mail_link_result {
	enum mail_link_end end;
	bool unheard;     /* the server said nothing to this mail, or that it closes: another connection may do better */
	long status;      /* of the last reply, 0 for none */
	const char *text; /* of it; or what failed; `length` raw bytes, valid while the callback runs */
	size_t length;
};

struct mail_link_events {
	/* The mail's end; from the loop, once for each mail_link_send(). The link may be freed here. */
	void (*on_end)(struct mail_link *link, const struct mail_link_result *result, void *context);
	/* An idle connection has been closed, by this side or the other. The callee frees the link. */
	void (*on_gone)(struct mail_link *link, void *context);
};

/* `server` and `events` are borrowed and outlive the link. After `idle_ms` without a mail the link closes. */
struct mail_link *mail_link_new(struct event_base *base, struct curl_loop *loop, const struct curl_loop_server *server,
                                const struct mail_link_events *events, long idle_ms);
/* Says QUIT when nothing is under way, waits for nothing, and closes. No callback runs. */
void mail_link_free(struct mail_link *link);

/* True once a mail has been taken over it. */
bool mail_link_used(const struct mail_link *link);

/* Whom both callbacks are given. */
void mail_link_set_context(struct mail_link *link, void *context);

/* The addresses are checked, the message has CRLF line ends and no line that begins with a dot; all three are borrowed
 * until on_end. */
void mail_link_send(struct mail_link *link, const char *from, const char *to, const char *message, size_t length);

#endif
