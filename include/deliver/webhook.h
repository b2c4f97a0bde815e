/* Webhook: signed POSTs to URLs that people have named, by the Standard Webhooks specification 1.0.0.
 *
 * The specification knows two answers that settle a matter: 2xx, it has come, and 410, nothing more is wanted. Any
 * other status is a failed attempt of a schedule of attempts, a redirect too, which is never followed; so are a
 * timeout, a connection that fails and a certificate that is wrong. Refused for good is only what was never sent: a
 * URL, a secret or an id that is none, and a host all of whose addresses the guard refuses. The guard sees the very
 * address that is connected to, so that a name that resolves to another one a moment later does not come past it. */
#ifndef TRACKTWO_DELIVER_WEBHOOK_H
#define TRACKTWO_DELIVER_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "deliver/outcome.h"
#include "text/signature.h"

struct event_base;
struct webhooks;

enum {
	WEBHOOK_URL_MOST = 2048,            /* bytes */
	WEBHOOK_RETRY_AFTER_MOST_S = 86400, /* a receiver that asks for more gets no more */
};

struct webhook_options {
	bool allow_http;     /* beside https */
	bool allow_private;  /* no guard */
	const char *ca_file; /* "" for the system's */
	long timeout_ms;     /* for one POST, from when it begins */
	long most;           /* POSTs at once; to one host at most half of them */
};

struct webhook_message {
	const char *url;
	const char *id;                              /* the same on every repeat; as signature_check_id() wants it */
	const char *secrets[SIGNATURE_SECRETS_MOST]; /* NULL for none; at least one */
	const char *body;                            /* JSON */
	size_t length;
};

/* All is copied. Never fails. */
struct webhooks *webhook_new(struct event_base *base, const struct webhook_options *options);
/* Ends what is under way or waits as OUTCOME_LATER, from within; nothing may be sent from those callbacks. Not to
 * be called from a callback itself. */
void webhook_free(struct webhooks *webhooks);

/* Whether a message to it could be sent; for whoever stores it. */
ERR_CHECKED bool webhook_check_url(const char *url, bool allow_http, struct err *err);

/* `message` is copied. The time stamp that is signed is that of the attempt. */
void webhook_send(struct webhooks *webhooks, const struct webhook_message *message,
                  void (*on_outcome)(const struct outcome *outcome, void *context), void *context);

/* Messages that have no outcome yet. */
size_t webhook_count(const struct webhooks *webhooks);

#endif
