/* Access: who stands behind a session, asked of the database once and kept until principals or tokens change.
 *
 * A token that was shown decides; else, on a Unix socket, the peer's user as the kernel tells it: root and the daemon's
 * own user are the administrator of the first hour where no principal bears their name. While the question is on its
 * way the session's calls wait in order.
 *
 * A token is looked up by its SHA-256, and never compared with anything: how long the lookup takes tells at most about
 * digests, from which nobody can work out a token. So nothing here needs a comparison in constant time. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "internal.h"
#include "text/json.h"
#include "text/time.h"

/* A question, and what it was asked for: the session's calls that wait, or one session.login. */
struct access_question {
	struct rpc_session *session;
	struct call *login; /* NULL when the calls of the session wait */
	unsigned number;
	unsigned identities;
	char token[DIGEST_HEX_SIZE];
};

void access_release(struct rpc *rpc, struct access *access)
{
	struct identity *identity = access->identity, **link = &rpc->shown;

	access->identity = NULL;
	if (!identity || --identity->references > 0)
		return;
	while (*link != identity)
		link = &(*link)->next;
	*link = identity->next;
	json_decref(identity->session);
	free(identity);
}

/* The identity that these words tell of, shared with whoever heard the same. */
static struct identity *identity_take(struct rpc *rpc, const char *text, size_t length, json_t *session)
{
	struct identity *identity = rpc->shown;

	while (identity && (identity->length != length || memcmp(identity->text, text, length) != 0))
		identity = identity->next;
	if (!identity) {
		identity = calloc(1, sizeof *identity + length);
		if (!identity)
			abort();
		identity->session = json_incref(session);
		identity->length = length;
		memcpy(identity->text, text, length);
		identity->next = rpc->shown;
		rpc->shown = identity;
	}
	identity->references++;
	return identity;
}

void access_copy(struct rpc *rpc, struct access *to, const struct access *from)
{
	access_release(rpc, to);
	to->identity = from->identity;
	to->identity->references++;
	to->state = ACCESS_KNOWN;
	to->identities = from->identities;
	to->expires_us = from->expires_us;
	to->role = from->role;
	memcpy(to->principal, from->principal, sizeof to->principal);
}

static struct call *access_take_waiting(struct access *access)
{
	struct call *first = access->first;
	access->first = NULL;
	access->end = &access->first;
	return first;
}

static void access_settle(struct rpc_session *session)
{
	struct call *call = access_take_waiting(&session->access);
	while (call) {
		struct call *next = call->next;
		access_decide(call);
		call = next;
	}
}

static void access_fail(struct rpc_session *session)
{
	struct call *call = access_take_waiting(&session->access);
	session->access.state = ACCESS_UNKNOWN;
	while (call) {
		struct call *next = call->next;
		call_refuse(call, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
		call = next;
	}
}

/* {session: {principal_id, role, …}, expires_in_ms: null | number}, or nothing when nobody is known. */
static void access_read(struct rpc *rpc, struct access *access, const char *text, size_t length)
{
	json_t *answer = NULL, *session;
	const json_t *expires;
	const char *id, *role;

	access_release(rpc, access);
	access->state = ACCESS_NOBODY;
	access->expires_us = 0;
	if (!text || !json_parse(text, length, &answer, NULL))
		return;
	expires = json_object_get(answer, "expires_in_ms");
	session = json_object_get(answer, "session");
	id = json_string_value(json_object_get(session, "principal_id"));
	role = json_string_value(json_object_get(session, "role"));
	if (id && role && strlen(id) < sizeof access->principal) {
		memcpy(access->principal, id, strlen(id) + 1);
		access->role = method_role_of(role);
		access->state = ACCESS_KNOWN;
		access->identity = identity_take(rpc, text, length, session);
		if (json_is_number(expires))
			access->expires_us = time_monotonic_micros() + (int64_t)(json_number_value(expires) * 1000) + 1;
	}
	json_decref(answer);
}

static void access_reply(struct call *call)
{
	const char *text = json_text(call_arena(call), call->session->access.identity->session);
	call_reply(call, text, strlen(text));
}

/* A login that fails leaves the session who it was. */
static void access_finish_login(const struct pg_result *result, const struct access_question *question)
{
	struct rpc_session *session = question->session;
	struct access *access = &session->access;

	access->logins--;
	if (result->status != PG_OK) {
		call_refuse(question->login, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
	} else if (!result->text) {
		call_refuse(question->login, ERROR_UNAUTHENTICATED,
		            "this token is unknown, expired or revoked; ask an administrator for another one");
	} else {
		memcpy(access->token, question->token, sizeof access->token);
		access->asked++; /* an answer about who it was before comes too late */
		access->identities = question->identities;
		access_read(session->rpc, access, result->text, result->length);
		if (access->state == ACCESS_KNOWN)
			access_reply(question->login);
		else
			call_refuse(question->login, ERROR_INTERNAL, "the database gave no answer; the journal may say why");
	}
	access_settle(session);
}

static void access_on_answer(const struct pg_result *result, void *context)
{
	struct access_question question = *(struct access_question *)context;
	struct access *access = &question.session->access;

	free(context);
	if (question.login) {
		access_finish_login(result, &question);
	} else if (question.number == access->asked) {
		if (result->status == PG_OK) {
			access_read(question.session->rpc, access, result->text, result->length);
			if (access->state == ACCESS_NOBODY)
				log_info(question.session->subject,
				         access->token[0] ? "the token is not known" : "user %ld is not known", access->uid);
			if (access->state == ACCESS_NOBODY && question.session->peer && access->recheck)
				question.session->transport->end(question.session->peer);
			access->recheck = false;
			if (access->state == ACCESS_KNOWN && question.session->transport->single)
				access_cache_keep(question.session->rpc, access);
			access_settle(question.session);
		} else {
			access_fail(question.session);
		}
	}
	rpc_session_unref(question.session);
}

static struct access_question *access_question_new(struct rpc_session *session, struct call *login)
{
	struct access_question *question = calloc(1, sizeof *question);
	if (!question)
		abort();
	session->references++;
	question->session = session;
	question->login = login;
	question->identities = session->rpc->identities;
	return question;
}

static void access_ask_token(struct access_question *question, const char *token)
{
	struct rpc *rpc = question->session->rpc;
	pg_submit(rpc->options.pool, &rpc->token_statement, (const char *const[]){rpc_system_caller, token},
	          access_on_answer, question);
}

static void access_ask(struct rpc_session *session)
{
	struct rpc *rpc = session->rpc;
	struct access *access = &session->access;
	struct access_question *question = access_question_new(session, NULL);
	struct passwd entry, *user = NULL;
	char buffer[4096];

	access->state = ACCESS_ASKED;
	access->identities = rpc->identities;
	question->number = ++access->asked;
	if (access->token[0]) {
		access_ask_token(question, access->token);
		return;
	}
	/* NULL for a user without a name: only privilege can make it known. */
	getpwuid_r((uid_t)access->uid, &entry, buffer, sizeof buffer, &user);
	bool privileged = access->uid == 0 || access->uid == (long)geteuid();
	pg_submit(rpc->options.pool, &rpc->user_statement,
	          (const char *const[]){rpc_system_caller, user ? user->pw_name : NULL, privileged ? "true" : "false"},
	          access_on_answer, question);
}

void rpc_session_recheck(struct rpc_session *session)
{
	session->access.recheck = true;
	if (session->access.state != ACCESS_ASKED)
		access_ask(session);
}

bool rpc_session_expired(const struct rpc_session *session)
{
	return session->access.expires_us != 0 && time_monotonic_micros() >= session->access.expires_us;
}

void rpc_session_show_token(struct rpc_session *session, const char *token)
{
	digest_of(token, strlen(token), session->access.token);
	session->access.asked++;
	session->access.state = ACCESS_UNKNOWN;
}

void access_on_login(struct call *call, void *context)
{
	const char *token = json_string_value(json_object_get(call->params, "token"));
	struct access_question *question;

	(void)context;
	if (!rpc_ready(call->rpc)) {
		call_refuse(call, ERROR_UNAVAILABLE, "the database is not ready yet; try again in a while");
		return;
	}
	question = access_question_new(call->session, call);
	digest_of(token, strlen(token), question->token);
	call->session->access.logins++;
	access_ask_token(question, question->token);
}

void access_on_whoami(struct call *call, void *context)
{
	(void)context;
	access_reply(call);
}

/* The scopes of a token: names of methods, or "noun.*". Without any it may do what its principal may. */
static bool in_scope(const json_t *scopes, const char *method)
{
	size_t i;
	json_t *item;

	if (!json_is_array(scopes))
		return true;
	json_array_foreach(scopes, i, item)
	{
		const char *scope = json_string_value(item);
		size_t length = scope ? strlen(scope) : 0;
		if (length > 2 && strcmp(scope + length - 2, ".*") == 0 ? strncmp(scope, method, length - 1) == 0
		                                                        : scope && strcmp(scope, method) == 0)
			return true;
	}
	return false;
}

static const char *who_is_missing(const struct access *access)
{
	if (access->token[0])
		return "this token is unknown, expired or revoked; ask an administrator for another one";
	if (access->uid == RPC_NOBODY)
		return "nobody is known here without a token; give it by session.login, over HTTP as Authorization: Bearer";
	return "this user is not known; an administrator adds it by principal.create with unix_user";
}

static void access_judge(struct call *call, const struct access *access)
{
	const struct method *method = call->route->method;

	if (access->state == ACCESS_NOBODY) {
		call_refuse(call, ERROR_UNAUTHENTICATED, who_is_missing(access));
	} else if (access->role < method->role) {
		call_refuse(call, ERROR_FORBIDDEN,
		            arena_printf(&call->arena, "this needs the role %s; the caller is %s",
		                         method_role_name(method->role), method_role_name(access->role)));
	} else if (!in_scope(json_object_get(access->identity->session, "scopes"), method->name)) {
		call_refuse(call, ERROR_FORBIDDEN, "the token's scopes do not hold this method; session.whoami shows them");
	} else {
		memcpy(call->caller, access->principal, sizeof call->caller);
		call->role = access->role;
		call_admitted(call);
	}
}

void access_decide(struct call *call)
{
	struct access *access = &call->session->access;

	if (call->route->method->role == ROLE_ANYONE) {
		call_admitted(call);
		return;
	}
	if (!rpc_ready(call->rpc)) {
		call_refuse(call, ERROR_UNAVAILABLE, "the database is not ready yet; try again in a while");
		return;
	}
	if (access->state == ACCESS_KNOWN && rpc_session_expired(call->session))
		access->state = ACCESS_UNKNOWN;
	if (access->state != ACCESS_ASKED && access->identities != call->rpc->identities)
		access->state = ACCESS_UNKNOWN;
	if (access->state == ACCESS_UNKNOWN && access->uid == RPC_NOBODY && !access->token[0]) {
		access->state = ACCESS_NOBODY;
		access->identities = call->rpc->identities;
	}
	if (access->state == ACCESS_UNKNOWN && access->logins == 0 &&
	    !(call->session->transport->single && access_cache_find(call->rpc, access)))
		access_ask(call->session);
	if (access->state == ACCESS_ASKED || access->logins > 0) {
		call->next = NULL;
		*access->end = call;
		access->end = &call->next;
	} else {
		access_judge(call, access);
	}
}
