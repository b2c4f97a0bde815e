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
	/* Calls with unknown codes: those that the load under way is for, and those that wait for the next. */
	struct call *asking, *unasked, **unasked_end;
	size_t pending;
	unsigned long next_call;
	unsigned generation;         /* of what is known of principals: counts rpc_forget_identities() */
	struct identity *identities; /* those that a session or the cache holds */
	struct access_cache *cache;
	bool ready;
};

/* What a client shows for itself: the digest of a token, or else its user. */
struct shown {
	long uid;                    /* RPC_NOBODY when the kernel tells none, and beside a token */
	char token[DIGEST_HEX_SIZE]; /* SHA-256, "" for none */
};

enum identity_state { IDENTITY_UNKNOWN, IDENTITY_NOBODY, IDENTITY_KNOWN };

/* Who somebody is: what was shown, and what the database made of it. All sessions that showed and heard the
 * same share one; nothing of it changes but expires_us. */
struct identity {
	struct identity *next; /* in rpc->identities */
	struct rpc *rpc;
	size_t references;
	struct shown shown;
	enum identity_state state;
	unsigned generation; /* rpc->generation when the database was asked; 0 while unknown */
	/* When known: */
	int64_t expires_us; /* on the monotonic clock, 0 for never */
	json_t *session;    /* as session.whoami shows it; NULL unless known */
	char principal[UUID_TEXT_SIZE];
	enum method_role role;
};

/* What a session has while the database is asked about it. */
struct access {
	unsigned questions;               /* on their way, logins and stale ones included */
	unsigned logins;                  /* of them */
	struct access_question *question; /* whose answer says who it is: NULL when only a login or a stale one is left */
	struct call *first, **end;        /* calls that wait for the answer */
};

/* Freed when its client is gone and no call points at it. Ten thousand idle ones are usual: what is particular to a
 * moment stands elsewhere. */
struct rpc_session {
	const struct rpc_transport *transport;
	void *peer;                /* NULL once the client is gone */
	struct identity *identity; /* never NULL */
	struct access *access;     /* NULL while nothing is asked */
	unsigned references;
	unsigned inflight : 30;
	bool full : 1;    /* paused, for as much is under way as may be */
	bool recheck : 1; /* rpc_session_recheck() has had no answer yet */
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
	struct call *next; /* while it waits for access, or for the reference tables */
	bool referenced;   /* has waited for them */
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
/* Goes on once rpc_await_reference() is over. */
void call_referenced(struct call *call, bool loaded);

/* access.c: decides who calls, then call_admitted() or a refusal; perhaps later. */
void access_decide(struct call *call);
/* A new session shows its user; an ended one lets go of its identity. */
void access_begin(struct rpc *rpc, struct rpc_session *session, long uid);
void access_end(struct rpc_session *session);
void identity_release(struct identity *identity);
/* The handlers of session.login and session.whoami. */
void access_on_login(struct call *call, void *context);
void access_on_whoami(struct call *call, void *context);

/* access_cache.c: whom the database has made known in the last ACCESS_CACHE_S seconds, by what they showed for
 * themselves, for sessions of one message. Nobody is in it who is not known. */
enum { ACCESS_CACHE_S = 10, ACCESS_CACHE_SIZE = 256 };
struct access_cache *access_cache_new(void);
void access_cache_free(struct rpc *rpc);
/* Keeps it, which is known, until identities are forgotten, its token expires, or the time is over. */
void access_cache_keep(struct rpc *rpc, struct identity *identity);
/* Who shows that, as known from there; NULL when the database must be asked. The cache's own. */
const struct identity *access_cache_find(struct rpc *rpc, const struct shown *shown);

/* rpc.c */
struct rpc_route *rpc_route_find(struct rpc *rpc, const char *method);
void rpc_session_unref(struct rpc_session *session);
/* Its name in log lines; valid until the next call of this function. */
const char *rpc_session_subject(const struct rpc_session *session);
/* One answer, alone or at its place in its batch. `member` is "result" or "error". */
void rpc_answer(struct rpc_session *session, struct rpc_batch *batch, size_t place, const char *id, const char *member,
                const char *json, size_t length);
/* Another daemon, or this one's latest write, may have added the code that the call names: asks the database whether
 * there are newer tables than those loaded, then call_referenced(). However many calls ask, one question is under way,
 * and it costs next to nothing while there are none; that is all the limit there is on asking. */
void rpc_await_reference(struct call *call);
/* A call of the session ends. */
void rpc_call_ended(struct rpc_session *session);

#endif
