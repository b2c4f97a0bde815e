/* Mailer: mail by SMTP (RFC 5321), on the loop.
 *
 * Connections are kept for a while and used again. Only an answer to the mail itself, to MAIL, RCPT, DATA or its text,
 * refuses it for good, and only one of 5xx; whatever fails before, a server that is not there, a certificate, a
 * password, is the house's own fault to mend, and the mail is tried again meanwhile. */
#ifndef TRACKTWO_DELIVER_MAILER_H
#define TRACKTWO_DELIVER_MAILER_H

#include <stddef.h>

#include "base/err.h"
#include "deliver/curl_loop.h"
#include "deliver/outcome.h"
#include "text/mail.h"

struct event_base;
struct mailer;

struct mailer_options {
	const char *server;        /* smtp://host[:port] or smtps://host[:port] */
	const char *from;          /* "local@domain" or "Name <local@domain>": every mail's sender */
	enum curl_loop_tls tls;    /* anything but required only to a loopback address */
	const char *user;          /* "" for none */
	const char *password_file; /* its first line; readable by no others; "" for none */
	const char *ca_file;       /* "" for the system's */
	long timeout_ms;           /* for one mail, from when it begins */
	long idle_ms;              /* after which a connection without work is closed */
	long most;                 /* mails at once, each over a connection of its own */
};

/* All is copied; the password file is read here. */
struct mailer *mailer_new(struct event_base *base, const struct mailer_options *options, struct err *err);
/* Ends what is under way or waits as OUTCOME_LATER, from within; nothing may be sent from those callbacks. Not to
 * be called from a callback itself. */
void mailer_free(struct mailer *mailer);

/* `mail` is copied; its sender is set here. What cannot be composed has the outcome OUTCOME_REFUSED. */
void mailer_send(struct mailer *mailer, const struct mail *mail,
                 void (*on_outcome)(const struct outcome *outcome, void *context), void *context);

/* Mails that have no outcome yet. */
size_t mailer_count(const struct mailer *mailer);

#endif
