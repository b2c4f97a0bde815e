/* Access: who stands behind a session, asked of the database once and kept until principals change.
 *
 * On a Unix socket the kernel tells the peer's user; root and the daemon's own user are the administrator of the first hour
 * where no principal bears their name. While the question is on its way the session's calls wait in order. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "internal.h"
#include "text/json.h"

static void access_settle(struct rpc_session *session)
{
	struct access *access = &session->access;
	struct call *call = access->first;

	access->first = NULL;
	access->end = &access->first;
	while (call) {
		struct call *next = call->next;
		access_decide(call);
		call = next;
	}
}

static void access_read(struct access *access, const char *text, size_t length)
{
	json_t *answer;
	const char *id, *role;

	access->state = ACCESS_NOBODY;
	if (!text || !json_parse(text, length, &answer, NULL))
		return;
	if (json_unpack(answer, "{s:s, s:s}", "id", &id, "role", &role) == 0 && strlen(id) < sizeof access->principal) {
		memcpy(access->principal, id, strlen(id) + 1);
		access->role = method_role_of(role);
		access->state = ACCESS_KNOWN;
	}
	json_decref(answer);
}

static void access_on_answer(const struct pg_result *result, void *context)
{
	struct rpc_session *session = context;
	struct access *access = &session->access;

	if (result->status == PG_OK) {
		access_read(access, result->text, result->length);
		if (access->state == ACCESS_NOBODY)
			log_info(session->subject, "user %u is not known", session->uid);
		access_settle(session);
	} else {
		struct call *call = access->first;
		access->state = ACCESS_UNKNOWN;
		access->first = NULL;
		access->end = &access->first;
		while (call) {
			struct call *next = call->next;
			call_refuse(call, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
			call = next;
		}
	}
	rpc_session_unref(session);
}

static void access_ask(struct rpc_session *session)
{
	struct rpc *rpc = session->rpc;
	struct passwd entry, *user = NULL;
	char buffer[4096];
	bool privileged = session->uid == 0 || session->uid == geteuid();

	/* NULL for a user without a name: only privilege can make it known. */
	getpwuid_r(session->uid, &entry, buffer, sizeof buffer, &user);
	session->access.state = ACCESS_ASKED;
	session->access.identities = rpc->identities;
	session->references++;
	pg_submit(rpc->options.pool, &rpc->access_statement,
	          (const char *const[]){rpc_system_caller, user ? user->pw_name : NULL, privileged ? "true" : "false"},
	          access_on_answer, session);
}

void access_decide(struct call *call)
{
	struct rpc_session *session = call->session;
	struct access *access = &session->access;
	enum method_role needed = call->route->method->role;

	if (needed == ROLE_ANYONE) {
		call_admitted(call);
		return;
	}
	if (!rpc_ready(call->rpc)) {
		call_refuse(call, ERROR_UNAVAILABLE, "the database is not ready yet; try again in a while");
		return;
	}
	if (access->state != ACCESS_ASKED && access->identities != call->rpc->identities)
		access->state = ACCESS_UNKNOWN;
	if (access->state == ACCESS_UNKNOWN)
		access_ask(session);
	if (access->state == ACCESS_ASKED) {
		call->next = NULL;
		*access->end = call;
		access->end = &call->next;
	} else if (access->state == ACCESS_NOBODY) {
		call_refuse(call, ERROR_UNAUTHENTICATED,
		            "this user is not known; an administrator adds it by principal.create with unix_user");
	} else if (access->role < needed) {
		call_refuse(call, ERROR_FORBIDDEN,
		            arena_printf(&call->arena, "this needs the role %s; the caller is %s", method_role_name(needed),
		                         method_role_name(access->role)));
	} else {
		memcpy(call->caller, access->principal, sizeof call->caller);
		call->role = access->role;
		call_admitted(call);
	}
}
