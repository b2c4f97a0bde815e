/* Access: who stands behind a session, asked of the database once and kept until principals or tokens change.
 *
 * A token that was shown decides; else, on a Unix socket, the peer's user as the kernel tells it: root and the daemon's
 * own user are the administrator of the first hour where no principal bears their name. While the question is on its
 * way the session's calls wait in order.
 *
 * A token is looked up by its SHA-256, here and in the database, and never compared itself: how long a lookup takes
 * tells at most about digests, from which nobody can work out a token. So nothing here needs a comparison in constant
 * time. */
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
	unsigned generation;
	struct shown shown;
};

static struct shown shown_token(const char *token)
{
	struct shown shown = {.uid = RPC_NOBODY};
	digest_of(token, strlen(token), shown.token);
	return shown;
}

/* Not by `expires_us`: what is left of a token's time comes out a little different each time it is asked for, and the
 * newest word counts for all who showed that token. */
static bool identity_same(const struct identity *one, const struct identity *other)
{
	return one->state == other->state && one->generation == other->generation && one->shown.uid == other->shown.uid &&
	       strcmp(one->shown.token, other->shown.token) == 0 &&
	       (one->session == other->session || json_equal(one->session, other->session));
}

static struct identity *identity_take(struct rpc *rpc, const struct identity *wanted)
{
	struct identity *identity = rpc->identities;

	while (identity && !identity_same(identity, wanted))
		identity = identity->next;
	if (!identity) {
		identity = malloc(sizeof *identity);
		if (!identity)
			abort();
		*identity = *wanted;
		identity->rpc = rpc;
		identity->references = 0;
		json_incref(identity->session);
		identity->next = rpc->identities;
		rpc->identities = identity;
	}
	identity->expires_us = wanted->expires_us;
	identity->references++;
	return identity;
}

void identity_release(struct identity *identity)
{
	struct identity **link = &identity->rpc->identities;

	if (--identity->references > 0)
		return;
	while (*link != identity)
		link = &(*link)->next;
	*link = identity->next;
	json_decref(identity->session);
	free(identity);
}

static void access_become(struct rpc_session *session, const struct identity *wanted)
{
	struct identity *old = session->identity;
	session->identity = identity_take(old->rpc, wanted);
	identity_release(old);
}

void access_begin(struct rpc *rpc, struct rpc_session *session, long uid)
{
	session->identity = identity_take(rpc, &(struct identity){.shown = {.uid = uid}});
}

void access_end(struct rpc_session *session)
{
	identity_release(session->identity);
}

static bool is_waiting(const struct rpc_session *session)
{
	return session->access && (session->access->question || session->access->logins > 0);
}

/* False when the database must be asked first. */
static bool is_settled(const struct rpc_session *session)
{
	const struct identity *identity = session->identity;
	if (identity->shown.uid == RPC_NOBODY && !identity->shown.token[0])
		return true;
	return identity->state != IDENTITY_UNKNOWN && identity->generation == identity->rpc->generation &&
	       !rpc_session_expired(session);
}

static struct call *access_take_waiting(struct access *access)
{
	struct call *first = access->first;
	access->first = NULL;
	access->end = &access->first;
	return first;
}

static void access_identify(struct call *call);

static void access_settle(struct access *access)
{
	struct call *call = access_take_waiting(access);
	while (call) {
		struct call *next = call->next;
		access_identify(call);
		call = next;
	}
}

static void access_fail(struct access *access)
{
	struct call *call = access_take_waiting(access);
	while (call) {
		struct call *next = call->next;
		call_refuse(call, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
		call = next;
	}
}

/* {session: {principal_id, role, …}, expires_in_ms: null | number}, or nothing when nobody is known. */
static void access_read(const struct access_question *question, const struct pg_result *result)
{
	struct identity found = {.shown = question->shown, .state = IDENTITY_NOBODY, .generation = question->generation};
	json_t *answer = NULL, *session = NULL;
	const json_t *expires;
	const char *id, *role;

	if (result->text && json_parse(result->text, result->length, &answer, NULL))
		session = json_object_get(answer, "session");
	expires = json_object_get(answer, "expires_in_ms");
	id = json_string_value(json_object_get(session, "principal_id"));
	role = json_string_value(json_object_get(session, "role"));
	if (id && role && strlen(id) < sizeof found.principal) {
		memcpy(found.principal, id, strlen(id) + 1);
		found.role = method_role_of(role);
		found.state = IDENTITY_KNOWN;
		found.session = session;
		if (json_is_number(expires))
			found.expires_us = time_monotonic_micros() + (int64_t)(json_number_value(expires) * 1000) + 1;
	}
	access_become(question->session, &found);
	json_decref(answer);
}

static void access_reply(struct call *call)
{
	const char *text = json_text(call_arena(call), call->session->identity->session);
	call_reply(call, text, strlen(text));
}

/* A login that fails leaves the session who it was. */
static void access_finish_login(const struct pg_result *result, const struct access_question *question)
{
	struct rpc_session *session = question->session;

	session->access->logins--;
	if (result->status != PG_OK) {
		call_refuse(question->login, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
	} else if (!result->text) {
		call_refuse(question->login, ERROR_UNAUTHENTICATED,
		            "this token is unknown, expired or revoked; ask an administrator for another one");
	} else {
		session->access->question = NULL; /* an answer about who it was before comes too late */
		access_read(question, result);
		if (session->identity->state == IDENTITY_KNOWN)
			access_reply(question->login);
		else
			call_refuse(question->login, ERROR_INTERNAL, "the database gave no answer; the journal may say why");
	}
}

static void access_finish(const struct pg_result *result, const struct access_question *question)
{
	struct rpc_session *session = question->session;

	session->access->question = NULL;
	if (result->status != PG_OK) {
		access_fail(session->access);
		return;
	}
	access_read(question, result);
	if (session->identity->state == IDENTITY_NOBODY) {
		log_info(rpc_session_subject(session),
		         question->shown.token[0] ? "the token is not known" : "user %ld is not known", question->shown.uid);
		if (session->recheck)
			rpc_session_close(session);
	}
	session->recheck = false;
	if (session->identity->state == IDENTITY_KNOWN && session->transport->single)
		access_cache_keep(session->identity->rpc, session->identity);
}

static void access_on_answer(const struct pg_result *result, void *context)
{
	struct access_question *question = context;
	struct rpc_session *session = question->session;
	struct access *access = session->access;

	if (question->login)
		access_finish_login(result, question);
	else if (access->question == question)
		access_finish(result, question);
	free(question);
	access_settle(access);
	if (--access->questions == 0) {
		free(access);
		session->access = NULL;
	}
	rpc_session_unref(session);
}

static struct access_question *access_question_new(struct rpc_session *session, struct call *login,
                                                   const struct shown *shown)
{
	struct access_question *question = calloc(1, sizeof *question);

	if (!session->access) {
		session->access = calloc(1, sizeof *session->access);
		if (session->access)
			session->access->end = &session->access->first;
	}
	if (!question || !session->access)
		abort();
	session->references++;
	session->access->questions++;
	question->session = session;
	question->login = login;
	question->generation = session->identity->rpc->generation;
	question->shown = *shown;
	return question;
}

static void access_ask_token(struct access_question *question)
{
	struct rpc *rpc = question->session->identity->rpc;
	pg_submit(rpc->options.pool, &rpc->token_statement, (const char *const[]){rpc_system_caller, question->shown.token},
	          access_on_answer, question);
}

static void access_ask_user(struct access_question *question)
{
	struct rpc *rpc = question->session->identity->rpc;
	long uid = question->shown.uid;
	bool privileged = uid == 0 || uid == (long)geteuid();
	struct passwd entry, *user = NULL;
	char buffer[4096];

	/* NULL for a user without a name: only privilege can make it known. */
	getpwuid_r((uid_t)uid, &entry, buffer, sizeof buffer, &user);
	pg_submit(rpc->options.pool, &rpc->user_statement,
	          (const char *const[]){rpc_system_caller, user ? user->pw_name : NULL, privileged ? "true" : "false"},
	          access_on_answer, question);
}

static void access_ask(struct rpc_session *session)
{
	struct access_question *question = access_question_new(session, NULL, &session->identity->shown);
	session->access->question = question;
	if (question->shown.token[0])
		access_ask_token(question);
	else
		access_ask_user(question);
}

void rpc_session_recheck(struct rpc_session *session)
{
	session->recheck = true;
	if (!session->access || !session->access->question)
		access_ask(session);
}

bool rpc_session_expired(const struct rpc_session *session)
{
	int64_t expires_us = session->identity->expires_us;
	return expires_us != 0 && time_monotonic_micros() >= expires_us;
}

void rpc_session_show_token(struct rpc_session *session, const char *token)
{
	if (session->access)
		session->access->question = NULL; /* an answer about who it was before comes too late */
	access_become(session, &(struct identity){.shown = shown_token(token)});
}

void access_on_login(struct call *call, void *context)
{
	struct shown shown = shown_token(json_string_value(json_object_get(call->params, "token")));
	struct access_question *question;

	(void)context;
	if (!rpc_ready(call->rpc)) {
		call_refuse(call, ERROR_UNAVAILABLE, "the database is not ready yet; try again in a while");
		return;
	}
	question = access_question_new(call->session, call, &shown);
	call->session->access->logins++;
	access_ask_token(question);
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
	json_array_foreach(scopes, i, item) {
		const char *scope = json_string_value(item);
		size_t length = scope ? strlen(scope) : 0;
		if (length > 2 && strcmp(scope + length - 2, ".*") == 0 ? strncmp(scope, method, length - 1) == 0
		                                                        : scope && strcmp(scope, method) == 0)
			return true;
	}
	return false;
}

static const char *who_is_missing(const struct shown *shown)
{
	if (shown->token[0])
		return "this token is unknown, expired or revoked; ask an administrator for another one";
	if (shown->uid == RPC_NOBODY)
		return "nobody is known here without a token; give it by session.login, over HTTP as Authorization: Bearer";
	return "this user is not known; an administrator adds it by principal.create with unix_user";
}

static void access_judge(struct call *call, const struct identity *identity)
{
	const struct method *method = call->route->method;

	if (identity->state != IDENTITY_KNOWN) {
		call_refuse(call, ERROR_UNAUTHENTICATED, who_is_missing(&identity->shown));
	} else if (identity->role < method->role) {
		call_refuse(call, ERROR_FORBIDDEN,
		            arena_printf(&call->arena, "this needs the role %s; the caller is %s",
		                         method_role_name(method->role), method_role_name(identity->role)));
	} else if (!in_scope(json_object_get(identity->session, "scopes"), method->name)) {
		call_refuse(call, ERROR_FORBIDDEN, "the token's scopes do not hold this method; session.whoami shows them");
	} else {
		memcpy(call->caller, identity->principal, sizeof call->caller);
		call->role = identity->role;
		call_admitted(call);
	}
}

/* Judges the call, or lets it wait for who its session is. */
static void access_identify(struct call *call)
{
	struct rpc_session *session = call->session;
	const struct identity *cached = NULL;

	if (!is_waiting(session)) {
		if (!is_settled(session) && session->transport->single)
			cached = access_cache_find(call->rpc, &session->identity->shown);
		if (cached)
			access_become(session, cached);
		if (is_settled(session)) {
			access_judge(call, session->identity);
			return;
		}
		access_ask(session);
	}
	call->next = NULL;
	*session->access->end = call;
	session->access->end = &call->next;
}

void access_decide(struct call *call)
{
	if (call->route->method->role == ROLE_ANYONE)
		call_admitted(call);
	/* Asked once: what came while it was ready is carried out, however long its caller is looked up. */
	else if (!rpc_ready(call->rpc))
		call_refuse(call, ERROR_UNAVAILABLE, "the database is not ready yet; try again in a while");
	else
		access_identify(call);
}
