/* Senders: the pair in use, and a list of pairs that still have something to send. */
#include "daemon/senders.h"

#include <event2/event.h>
#include <stdlib.h>

#include "deliver/mailer.h"
#include "deliver/webhook.h"

enum { MAIL_IDLE_MS = 30000 };

struct senders_retired {
	struct senders_retired *next;
	struct mailer *mailer;
	struct webhooks *webhooks;
};

static bool make_mailer(struct event_base *base, const struct config *config, struct mailer **mailer, struct err *err)
{
	*mailer = NULL;
	if (!*config->mail_server)
		return true;
	if (!*config->mail_from)
		return err_set(err, "[mail] from must say who sends, beside [mail] server");
	*mailer = mailer_new(base,
	                     &(struct mailer_options){.server = config->mail_server,
	                                              .from = config->mail_from,
	                                              .tls = (enum curl_loop_tls)config->mail_tls,
	                                              .user = config->mail_user,
	                                              .password_file = config->mail_password_file,
	                                              .ca_file = config->delivery_ca_file,
	                                              .timeout_ms = config->delivery_timeout_ms,
	                                              .idle_ms = MAIL_IDLE_MS,
	                                              .most = config->delivery_at_once},
	                     err);
	return *mailer || err_prefix(err, "mail");
}

bool senders_configure(struct senders *senders, const struct config *config, struct err *err)
{
	struct senders_retired *before;
	struct mailer *mailer;

	if (!make_mailer(senders->base, config, &mailer, err))
		return false;
	before = calloc(1, sizeof *before);
	if (!before)
		abort();
	*before = (struct senders_retired){senders->retired, senders->mailer, senders->webhooks};
	senders->retired = before;
	senders->mailer = mailer;
	senders->webhooks =
	    webhook_new(senders->base, &(struct webhook_options){.allow_http = config->webhook_allow_http,
	                                                         .allow_private = config->webhook_allow_private,
	                                                         .ca_file = config->delivery_ca_file,
	                                                         .timeout_ms = config->delivery_timeout_ms,
	                                                         .most = config->delivery_at_once});
	senders_sweep(senders);
	return true;
}

bool senders_check(const struct config *config, struct err *err)
{
	struct senders senders = {.base = event_base_new()};
	if (!senders.base)
		abort();
	bool right = senders_configure(&senders, config, err);
	senders_release(&senders);
	event_base_free(senders.base);
	return right;
}

static bool busy(const struct senders_retired *retired)
{
	return (retired->mailer && mailer_count(retired->mailer) > 0) ||
	       (retired->webhooks && webhook_count(retired->webhooks) > 0);
}

static void sweep(struct senders *senders, bool all)
{
	struct senders_retired **at = &senders->retired;
	while (*at) {
		struct senders_retired *retired = *at;
		if (!all && busy(retired)) {
			at = &retired->next;
			continue;
		}
		*at = retired->next;
		mailer_free(retired->mailer);
		webhook_free(retired->webhooks);
		free(retired);
	}
}

void senders_sweep(struct senders *senders)
{
	sweep(senders, false);
}

void senders_release(struct senders *senders)
{
	mailer_free(senders->mailer);
	webhook_free(senders->webhooks);
	sweep(senders, true);
	senders->mailer = NULL;
	senders->webhooks = NULL;
}
