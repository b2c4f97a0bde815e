/* Subscriptions: who is told of which reminders over an open connection.
 *
 * Invariant: a subscription is in the list exactly as long as its session lasts and its caller may listen. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

struct subscription *subscription_find(struct subscription *list, const char *id)
{
	while (list && strcmp(list->id, id) != 0)
		list = list->next;
	return list;
}

static void subscription_free(struct subscription *subscription)
{
	free(subscription->after);
	free(subscription);
}

void subscription_end(struct subscription **list, const char *id, enum error_kind kind, const char *message)
{
	while (*list && strcmp((*list)->id, id) != 0)
		list = &(*list)->next;
	struct subscription *subscription = *list;
	if (!subscription)
		return;
	*list = subscription->next;
	struct call *call = subscription->call;
	subscription_free(subscription);
	if (call)
		call_refuse(call, kind, message);
}

static size_t subscriptions_of(const struct subscription *list, const struct rpc_session *session)
{
	size_t count = 0;
	for (; list; list = list->next)
		count += list->session == session;
	return count;
}

void subscription_take(struct subscription **list, struct call *call)
{
	const char *assignee = json_string_value(json_object_get(call_params(call), "assignee"));
	struct rpc_session *session = call_session(call);
	struct subscription *subscription;

	assignee = assignee ? assignee : call_caller(call);
	if (strcmp(assignee, call_caller(call)) != 0 && call_role(call) < ROLE_DIRECTOR) {
		call_refuse(call, ERROR_FORBIDDEN, "only a director or an administrator subscribes to the reminders of others");
		return;
	}
	if (session && !rpc_session_lasts(session)) {
		call_refuse(call, ERROR_INVALID_REQUEST,
		            "nothing can be pushed to a single request; over HTTP open GET /events");
		return;
	}
	if (!session || subscriptions_of(*list, session) >= ENGINE_SUBSCRIPTIONS_MOST) {
		call_refuse(call, ERROR_RATE_LIMITED,
		            "a connection may have 16 subscriptions; one serves all reminders of a person");
		return;
	}
	subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		abort();
	*subscription = (struct subscription){.session = session, .call = call, .fresh = true};
	uuid_make(subscription->id);
	memcpy(subscription->assignee, assignee, UUID_TEXT_SIZE);
	memcpy(subscription->caller, call_caller(call), UUID_TEXT_SIZE);
	while (*list)
		list = &(*list)->next;
	*list = subscription;
}

const char *subscription_ids(const struct subscription *list, struct arena *arena, bool callers)
{
	size_t count = 0, length = 1;
	for (const struct subscription *at = list; at; at = at->next)
		count++;
	char *ids = arena_alloc(arena, count * UUID_TEXT_SIZE + 3);
	ids[0] = '{';
	for (const struct subscription *at = list; at; at = at->next) {
		const char *id = callers ? at->caller : at->assignee;
		ids[length] = '\0';
		if (strstr(ids, id))
			continue;
		memcpy(ids + length, id, UUID_TEXT_SIZE - 1);
		length += UUID_TEXT_SIZE;
		ids[length - 1] = ',';
	}
	ids[length > 1 ? length - 1 : length] = '}';
	ids[length > 1 ? length : length + 1] = '\0';
	return ids;
}

static void push_one(struct subscription *subscription, struct arena *arena, const json_t *delivery,
                     const char *reminder)
{
	if (rpc_session_expired(subscription->session)) {
		rpc_session_close(subscription->session);
		return;
	}
	rpc_notify(subscription->session, "reminder.due",
	           arena_printf(arena, "{\"subscription\":\"%s\",\"delivery_id\":\"%s\",\"reason\":\"%s\",\"reminder\":%s}",
	                        subscription->id, json_string_value(json_object_get(delivery, "delivery_id")),
	                        json_string_value(json_object_get(delivery, "reason")), reminder));
}

void subscription_push(struct subscription *list, const json_t *delivery, struct subscription *reader)
{
	struct arena arena = {0};
	const char *assignee = json_string_value(json_object_get(delivery, "assignee"));
	const char *reminder = json_string_value(json_object_get(delivery, "reminder"));

	for (struct subscription *at = list; at; at = at->next)
		if (at == reader || (!reader && !at->fresh && strcmp(at->assignee, assignee) == 0))
			push_one(at, &arena, delivery, reminder);
	arena_release(&arena);
}

void subscription_check(struct subscription **list, const json_t *roles)
{
	for (struct subscription *at = *list, *next; at; at = next) {
		const char *role = json_string_value(json_object_get(roles, at->caller));
		next = at->next;
		bool judged = at->judged;
		at->judged = false;
		if (!judged)
			continue;
		if (role && (strcmp(at->caller, at->assignee) == 0 || method_role_of(role) >= ROLE_DIRECTOR))
			continue;
		log_info("", "a subscription ends: its subscriber may no longer listen");
		if (!at->call)
			rpc_session_unsubscribed(at->session);
		subscription_end(list, at->id, ERROR_FORBIDDEN, "the caller may no longer listen");
	}
}
