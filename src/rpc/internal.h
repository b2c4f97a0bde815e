/* Rpc's inside: what the envelope (rpc.c), the call (call.c) and access (access.c) share. Included by them only. */
#ifndef TRACKTWO_RPC_INTERNAL_H
#define TRACKTWO_RPC_INTERNAL_H

#include "base/uuid.h"
#include "rpc/metrics.h"
#include "rpc/rpc.h"
#include "text/digest.h"

/* A method with what this process needs to carry it out. */
struct rpc_route {
	const struct method *method;
	struct pg_statement statement; /* of reads and writes */
	call_handler *handler;         /* of METHOD_LOCAL */
	void *context;
};

struct rpc {
	struct rpc_options options;
	struct arena arena;       /* statement texts */
	struct rpc_route *routes; /* as the registry orders them */
	struct pg_statement user_statement, token_statement, reference_statement;
	struct metrics *metrics;
	size_t pending;
	unsigned long next_call;
	unsigned identities;    /* counts rpc_forget_identities() */
	struct identity *shown; /* those that a session or the cache holds */
	struct access_cache *cache;
	bool ready;
};

enum access_state { ACCESS_UNKNOWN, ACCESS_ASKED, ACCESS_KNOWN, ACCESS_NOBODY };

/* Who somebody is, as the database said it. The connections of one person hear the same words and share one. */
struct identity {
	struct identity *next; /* in rpc->shown */
	size_t references;
	json_t *session; /* as session.whoami shows it */
	size_t length;
	char text[]; /* the database's answer, `length` bytes */
};

/* Who stands behind a session: what it shows for itself, and what the database makes of that. */
struct access {
	enum access_state state;
	long uid;                    /* RPC_NOBODY when the kernel tells none */
	char token[DIGEST_HEX_SIZE]; /* SHA-256 of the token shown; "" for none */
	unsigned asked;              /* counts questions: an answer to an older one is stale */
	unsigned identities;         /* rpc->identities when it was asked */
	unsigned logins;             /* on their way to the database */
	bool recheck;                /* the question on its way is rpc_session_recheck()'s */
	int64_t expires_us;          /* on the monotonic clock, 0 for never */
	struct identity *identity;   /* NULL unless known */
	char principal[UUID_TEXT_SIZE];
	enum method_role role;
	struct call *first, **end; /* calls that wait for the answer */
};

/* Freed when its client is gone and no call points at it. */
struct rpc_session {
	struct rpc *rpc;
	const struct rpc_transport *transport;
	void *peer; /* NULL once the client is gone */
	const char *subject;
	struct access access;
	size_t inflight, references;
	bool paused;
};

/* The answers of one batch, in the order of its requests: JSON-RPC 2.0 asks for none, and clients go by it. */
struct rpc_batch {
	struct arena arena;
	size_t pending, count, bytes;
	const char **answers; /* `count` of them, NULL where none is owed or has come */
};

struct call {
	struct arena arena;
	struct rpc *rpc;
	struct rpc_session *session;
	const struct rpc_route *route;
	struct rpc_batch *batch; /* NULL when the request came alone */
	size_t place;            /* in the batch */
	const char *id;          /* raw JSON text; NULL for a notification */
	const char *request_id;  /* of a write */
	json_t *params;
	struct call *next; /* while it waits for access */
	char caller[UUID_TEXT_SIZE];
	enum method_role role;
	unsigned long number;
	int64_t began_us;
};

/* call.c: takes one request that has been found to be well-formed through its steps. Takes `params` (may be NULL) over.
 */
void call_start(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id, const char *method,
                json_t *params);
/* Goes on once access is decided. */
void call_admitted(struct call *call);

/* access.c: decides who calls, then call_admitted() or a refusal; perhaps later. */
void access_decide(struct call *call);
void access_release(struct rpc *rpc, struct access *access);
/* Makes `to` who `from`, which is known, is; the two share the identity. */
void access_copy(struct rpc *rpc, struct access *to, const struct access *from);
/* The handlers of session.login and session.whoami. */
void access_on_login(struct call *call, void *context);
void access_on_whoami(struct call *call, void *context);

/* access_cache.c: whom the database has made known in the last ACCESS_CACHE_S seconds, by what they showed for
 * themselves, for sessions of one message. Nobody is in it who is not known. */
enum { ACCESS_CACHE_S = 10, ACCESS_CACHE_SIZE = 256 };
struct access_cache *access_cache_new(void);
void access_cache_free(struct rpc *rpc);
/* Keeps who a session is; until identities are forgotten, its token expires, or the time is over. */
void access_cache_keep(struct rpc *rpc, const struct access *access);
/* Whether the session, by what it shows, is known from there; it is then. */
bool access_cache_find(struct rpc *rpc, struct access *access);

/* rpc.c */
struct rpc_route *rpc_route_find(struct rpc *rpc, const char *method);
void rpc_session_unref(struct rpc_session *session);
/* One answer, alone or at its place in its batch. `member` is "result" or "error". */
void rpc_answer(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id, const char *member,
                const char *json, size_t length);
/* A call of the session ends. */
void rpc_call_ended(struct rpc_session *session);

#endif
