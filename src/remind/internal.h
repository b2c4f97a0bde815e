/* The inside of the reminder room: one engine, and who of its files does what with it. */
#ifndef TRACKTWO_SRC_REMIND_INTERNAL_H
#define TRACKTWO_SRC_REMIND_INTERNAL_H

#include <jansson.h>

#include "base/uuid.h"
#include "remind/engine.h"

struct subscription {
	struct subscription *next;
	struct rpc_session *session;
	struct call *call; /* reminder.subscribe, until it is answered */
	char id[UUID_TEXT_SIZE];
	char assignee[UUID_TEXT_SIZE], caller[UUID_TEXT_SIZE];
	bool fresh;  /* has not had all of what was due when it came */
	bool judged; /* its caller's role is being asked for */
	char *after; /* where its next page begins; NULL for the first */
};

/* subscription.c: who listens, and the sending of pushes. The list is the engine's. */
struct subscription *subscription_find(struct subscription *list, const char *id);
/* Takes it out of the list and frees it; its call, when it is still unanswered, is refused so. */
void subscription_end(struct subscription **list, const char *id, enum error_kind kind, const char *message);
/* The distinct ids of their assignees, or of their callers, as an array literal in the arena. */
const char *subscription_ids(const struct subscription *list, struct arena *arena, bool callers);
/* Adds the subscription that a call of reminder.subscribe asks for, or refuses the call. */
void subscription_take(struct subscription **list, struct call *call);
/* One delivery to `reader` alone, or with NULL to all who listen for its assignee and are not fresh. Its reminder is a
 * string, the finished text of one. */
void subscription_push(struct subscription *list, const json_t *delivery, struct subscription *reader);
/* Ends what no longer may be, of those that are judged: `roles` is {principal: role} of their callers who are active.
 */
void subscription_check(struct subscription **list, const json_t *roles);

/* ids.c: lists of ids, comma-separated; NULL is the empty one. Appends `more`, which is not NULL, and takes it over. */
void ids_append(char **list, char *more);
/* Those of a JSON array of strings that is not empty; the caller's to free. */
char *ids_of(const json_t *array);

/* stock.c: the holidays of the last year, this one and the next ten, as holidays_fill() takes them; in the arena. */
const char *stock_holidays(struct arena *arena);
/* The occurrences of the rules that stock_wanted() lists, as stock_fill() takes them, in the arena;
 * NULL when there are none. */
const char *stock_of(struct arena *arena, const json_t *wanted);

/* dispatch.c: messages on their way by mail and to webhooks, and what came of them. */
struct dispatch;
/* `options` are borrowed. `on_outcome` is called from the loop whenever there is a result to report. */
struct dispatch *dispatch_new(const struct engine_options *options, void (*on_outcome)(void *context), void *context);
void dispatch_free(struct dispatch *dispatch);
/* The channels that this daemon can send on, as an array literal; static. */
const char *dispatch_able(const struct dispatch *dispatch);
/* How many messages more it takes. */
size_t dispatch_room(const struct dispatch *dispatch);
size_t dispatch_pending(const struct dispatch *dispatch);
/* A delivery as reminder_claim() gives it. What cannot be sent has its outcome at once. */
void dispatch_send(struct dispatch *dispatch, const json_t *delivery);
/* What delivery_report() takes, in the arena, NULL when there is nothing; the results are kept until the database has
 * said that it has them, or that it may not. */
const char *dispatch_results(struct dispatch *dispatch, struct arena *arena);
void dispatch_reported(struct dispatch *dispatch);
void dispatch_unreported(struct dispatch *dispatch);

/* message.c: what a person is written. `delivery` as reminder_claim() gives it; the texts are in the arena. */
struct message {
	const char *subject, *text, *calendar; /* calendar NULL: none goes along */
};
void message_of(struct arena *arena, const json_t *delivery, struct message *message);
/* The body of a post: {type, timestamp, data: {delivery_id, reason, reminder}}. */
const char *message_post(struct arena *arena, const json_t *delivery, int64_t now_us);

#endif
