/* Dispatch: messages on their way, and what came of them.
 *
 * Invariant: every delivery that was taken has one result, reported at least once. Results wait in `results` until they
 * are asked for, then in `reporting` until the database has them. */
#include <stdlib.h>
#include <string.h>

#include "deliver/mailer.h"
#include "deliver/webhook.h"
#include "internal.h"
#include "text/json.h"
#include "text/time.h"

struct dispatch {
	const struct engine_options *options;
	void (*on_outcome)(void *context);
	void *context;
	size_t under_way;
	json_t *results, *reporting;
};

struct sending {
	struct dispatch *dispatch;
	char delivery[UUID_TEXT_SIZE];
	long attempt;
};

struct dispatch *dispatch_new(const struct engine_options *options, void (*on_outcome)(void *context), void *context)
{
	struct dispatch *dispatch = calloc(1, sizeof *dispatch);
	if (!dispatch)
		abort();
	*dispatch = (struct dispatch){options, on_outcome, context, 0, json_array(), json_array()};
	return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
	json_decref(dispatch->results);
	json_decref(dispatch->reporting);
	free(dispatch);
}

const char *dispatch_able(const struct dispatch *dispatch)
{
	return dispatch->options->mailer ? "{email,webhook}" : "{webhook}";
}

size_t dispatch_pending(const struct dispatch *dispatch)
{
	return dispatch->under_way + json_array_size(dispatch->results) + json_array_size(dispatch->reporting);
}

size_t dispatch_room(const struct dispatch *dispatch)
{
	size_t pending = dispatch_pending(dispatch);
	return pending < dispatch->options->at_once ? dispatch->options->at_once - pending : 0;
}

static void on_outcome(const struct outcome *outcome, void *context)
{
	static const char *const kinds[] = {
	    [OUTCOME_SENT] = "sent", [OUTCOME_LATER] = "retry", [OUTCOME_REFUSED] = "refused", [OUTCOME_GONE] = "gone"};
	struct sending *sending = context;
	struct dispatch *dispatch = sending->dispatch;

	json_array_append_new(dispatch->results,
	                      json_pack("{s:s, s:I, s:s, s:s, s:I}", "delivery_id", sending->delivery, "attempt",
	                                (json_int_t)sending->attempt, "outcome", kinds[outcome->kind], "answer",
	                                outcome->answer, "retry_after_s", (json_int_t)outcome->retry_after_s));
	dispatch->under_way--;
	free(sending);
	dispatch->on_outcome(dispatch->context);
}

/* It is not sent at all; why stands in the ledger. */
static void refuse(struct sending *sending, enum outcome_kind kind, const char *why)
{
	struct outcome outcome = {.kind = kind};
	outcome_set_answer(&outcome, 0, why, strlen(why));
	on_outcome(&outcome, sending);
}

static void send_mail(struct sending *sending, struct arena *arena, const json_t *delivery)
{
	struct dispatch *dispatch = sending->dispatch;
	const json_t *to = json_object_get(json_object_get(delivery, "message"), "to");
	const char *address = json_string_value(json_object_get(to, "email"));
	struct message message;
	struct mail_address from;
	struct err err;

	if (!dispatch->options->mailer) {
		refuse(sending, OUTCOME_LATER, "this daemon has no mail server: set [mail] server");
		return;
	}
	if (!address) {
		refuse(sending, OUTCOME_REFUSED, "the person has no e-mail address");
		return;
	}
	if (!mail_parse_address(arena, dispatch->options->mail_from, &from, &err)) {
		refuse(sending, OUTCOME_LATER, err.message);
		return;
	}
	message_of(arena, delivery, &message);
	mailer_send(dispatch->options->mailer,
	            &(struct mail){.to = {json_string_value(json_object_get(to, "name")), address},
	                           .subject = message.subject,
	                           .message_id = arena_printf(arena, "%s%s", sending->delivery, strrchr(from.address, '@')),
	                           .date_s = time_now_micros() / 1000000,
	                           .text = message.text,
	                           .calendar = message.calendar,
	                           .method = message.calendar ? "PUBLISH" : NULL,
	                           .file = message.calendar ? "reminder.ics" : NULL},
	            on_outcome, sending);
}

static void send_post(struct sending *sending, struct arena *arena, const json_t *delivery)
{
	const json_t *webhook = json_object_get(json_object_get(delivery, "message"), "webhook");
	const json_t *secrets = json_object_get(webhook, "secrets");
	const char *body = message_post(arena, delivery, time_now_micros());

	if (!json_is_object(webhook)) {
		refuse(sending, OUTCOME_REFUSED, "the person has no active webhook");
		return;
	}
	webhook_send(sending->dispatch->options->webhooks,
	             &(struct webhook_message){.url = json_string_value(json_object_get(webhook, "url")),
	                                       .id = sending->delivery,
	                                       .secrets = {json_string_value(json_array_get(secrets, 0)),
	                                                   json_string_value(json_array_get(secrets, 1))},
	                                       .body = body,
	                                       .length = strlen(body)},
	             on_outcome, sending);
}

void dispatch_send(struct dispatch *dispatch, const json_t *delivery)
{
	struct arena arena = {0};
	struct sending *sending = calloc(1, sizeof *sending);
	const char *id = json_string_value(json_object_get(delivery, "delivery_id"));
	const json_t *attempt = json_object_get(json_object_get(delivery, "message"), "attempt");

	if (!sending)
		abort();
	sending->dispatch = dispatch;
	sending->attempt = (long)json_integer_value(attempt);
	memcpy(sending->delivery, id, UUID_TEXT_SIZE);
	dispatch->under_way++;
	if (strcmp(json_string_value(json_object_get(delivery, "channel")), "email") == 0)
		send_mail(sending, &arena, delivery);
	else
		send_post(sending, &arena, delivery);
	arena_release(&arena);
}

const char *dispatch_results(struct dispatch *dispatch, struct arena *arena)
{
	if (json_array_size(dispatch->results) == 0)
		return NULL;
	json_array_extend(dispatch->reporting, dispatch->results);
	json_array_clear(dispatch->results);
	return json_text(arena, dispatch->reporting);
}

void dispatch_reported(struct dispatch *dispatch)
{
	json_array_clear(dispatch->reporting);
}

void dispatch_unreported(struct dispatch *dispatch)
{
	json_array_extend(dispatch->results, dispatch->reporting);
	json_array_clear(dispatch->reporting);
}
