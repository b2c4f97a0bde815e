/* Senders: what carries reminders out of the house, mail and webhooks, as the configuration has it.
 *
 * A new configuration makes new senders; those before it send what they have begun, and then go. */
#ifndef TRACKTWO_DAEMON_SENDERS_H
#define TRACKTWO_DAEMON_SENDERS_H

#include <stdbool.h>

#include "base/err.h"
#include "text/config.h"

struct event_base;
struct senders_retired;

struct senders {
	struct event_base *base;
	struct mailer *mailer; /* NULL when there is no mail server */
	struct webhooks *webhooks;
	struct senders_retired *retired;
};

/* Makes both anew; what senders->base says stays. The password is read here. On failure all is as before. Whoever holds
 * the old pointers must be given the new ones before anything more is sent. Not from inside an outcome's callback. */
ERR_CHECKED bool senders_configure(struct senders *senders, const struct config *config, struct err *err);
/* Whether senders_configure() would take this, the password's file included. */
ERR_CHECKED bool senders_check(const struct config *config, struct err *err);
/* Frees those that have nothing to send any more. Not from inside an outcome's callback either. */
void senders_sweep(struct senders *senders);
/* All of them, as mailer_free() and webhook_free() do. */
void senders_release(struct senders *senders);

#endif
