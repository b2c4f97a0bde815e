/* Deliver: sends what one JSON document on standard input says, by the daemon's own modules, and prints how each of it
 * ended, for deliver.js.
 *
 * {"mailer": {server, tls, user, password_file, …}, "webhooks": {…}, "mails": […], "posts": […]}; the answer has the
 * same lists, of {kind, retry_after_s, answer}. */
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/mailer.h"
#include "deliver/webhook.h"

enum { SENT_MOST = 1000 };

struct sent {
	json_t *list; /* of the answer */
	size_t at;
	bool told;
};

static struct sent all[SENT_MOST];
static size_t count;

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "deliver: %s\n", why);
	exit(2);
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));
	return value ? value : "";
}

static const char *text_or_null(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static long number(const json_t *object, const char *name, long standard)
{
	const json_t *value = json_object_get(object, name);
	return value ? (long)json_integer_value(value) : standard;
}

static void on_outcome(const struct outcome *outcome, void *context)
{
	static const char *const kinds[] = {
	    [OUTCOME_SENT] = "sent", [OUTCOME_LATER] = "later", [OUTCOME_REFUSED] = "refused", [OUTCOME_GONE] = "gone"};
	struct sent *sent = context;
	if (sent->told)
		fail("an outcome came twice");
	sent->told = true;
	json_array_set_new(sent->list, sent->at,
	                   json_pack("{s:s, s:I, s:s}", "kind", kinds[outcome->kind], "retry_after_s",
	                             (json_int_t)outcome->retry_after_s, "answer", outcome->answer));
}

static struct sent *next(json_t *list)
{
	if (count == SENT_MOST)
		fail("too many");
	struct sent *sent = &all[count++];
	*sent = (struct sent){.list = list, .at = json_array_size(list)};
	json_array_append_new(list, json_null());
	return sent;
}

static struct mailer *make_mailer(struct event_base *base, const json_t *wanted)
{
	static const char *const levels[] = {"required", "opportunistic", "off"};
	struct mailer_options options = {.server = text(wanted, "server"),
	                                 .from = text(wanted, "from"),
	                                 .user = text(wanted, "user"),
	                                 .password_file = text(wanted, "password_file"),
	                                 .ca_file = text(wanted, "ca_file"),
	                                 .timeout_ms = number(wanted, "timeout_ms", 10000),
	                                 .idle_ms = number(wanted, "idle_ms", 30000),
	                                 .most = number(wanted, "most", 4)};
	struct err err;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(text(wanted, "tls"), levels[i]) == 0)
			options.tls = (enum curl_loop_tls)i;
	struct mailer *mailer = mailer_new(base, &options, &err);
	if (!mailer)
		fail(err.message);
	return mailer;
}

static void send_mails(struct mailer *mailer, const json_t *mails, json_t *list)
{
	size_t at;
	json_t *one;
	json_array_foreach(mails, at, one) {
		struct mail mail = {.to = {.name = text(one, "name"), .address = text(one, "to")},
		                    .subject = text(one, "subject"),
		                    .message_id = text(one, "id"),
		                    .date_s = number(one, "date_s", 0),
		                    .text = text(one, "text"),
		                    .calendar = text_or_null(one, "calendar"),
		                    .method = text_or_null(one, "method"),
		                    .file = text_or_null(one, "file")};
		mailer_send(mailer, &mail, on_outcome, next(list));
	}
}

static void send_posts(struct webhooks *webhooks, const json_t *posts, json_t *list)
{
	size_t at;
	json_t *one;
	json_array_foreach(posts, at, one) {
		const char *body = text(one, "body");
		struct webhook_message message = {.url = text(one, "url"),
		                                  .id = text(one, "id"),
		                                  .secrets = {text_or_null(one, "secret"), text_or_null(one, "old_secret")},
		                                  .body = body,
		                                  .length = strlen(body)};
		webhook_send(webhooks, &message, on_outcome, next(list));
	}
}

int main(void)
{
	struct event_base *base = event_base_new();
	json_error_t error;
	json_t *wanted = json_loadf(stdin, 0, &error), *mails = json_array(), *posts = json_array();
	if (!wanted)
		fail(error.text);
	signal(SIGPIPE, SIG_IGN);
	const json_t *hooks = json_object_get(wanted, "webhooks"), *mail = json_object_get(wanted, "mailer");
	struct mailer *mailer = mail ? make_mailer(base, mail) : NULL;
	struct webhooks *webhooks = webhook_new(
	    base, &(struct webhook_options){.allow_http = json_is_true(json_object_get(hooks, "allow_http")),
	                                    .allow_private = json_is_true(json_object_get(hooks, "allow_private")),
	                                    .ca_file = text(hooks, "ca_file"),
	                                    .timeout_ms = number(hooks, "timeout_ms", 10000),
	                                    .most = number(hooks, "most", 16)});
	if (mailer)
		send_mails(mailer, json_object_get(wanted, "mails"), mails);
	send_posts(webhooks, json_object_get(wanted, "posts"), posts);
	while ((mailer && mailer_count(mailer) > 0) || webhook_count(webhooks) > 0)
		event_base_loop(base, EVLOOP_ONCE);
	mailer_free(mailer);
	webhook_free(webhooks);
	json_t *answer = json_pack("{s:o, s:o}", "mails", mails, "posts", posts);
	json_dumpf(answer, stdout, 0);
	json_decref(answer);
	json_decref(wanted);
	event_base_free(base);
	return 0;
}
