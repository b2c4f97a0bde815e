/* Rpc: JSON-RPC 2.0 (https://www.jsonrpc.org/specification) over any transport that carries messages.
 *
 * A session is one client: a connection tells it each message, and gets each answer by a function pointer. Between the
 * two stand the steps of every call: envelope, find, authorise, validate, submit, reply. This room knows neither
 * sockets nor what a method means. */
#ifndef TRACKTWO_RPC_RPC_H
#define TRACKTWO_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>

#include "io/conn.h"
#include "io/migrate.h"
#include "io/pg.h"
#include "rpc/call.h"

struct rpc;
struct rpc_session;

/* The most requests that one batch may hold, and the most bytes of its answers: behind them each answer is `busy`. */
enum { RPC_BATCH_MAX = 1000, RPC_BATCH_BYTES_MAX = 16 * 1024 * 1024 };

/* What a session needs of the connection beneath it. */
struct rpc_transport {
	const char *name; /* for metrics: "unix", "tcp", "http" */
	bool single;      /* the session lives for one message: nothing can be pushed to it later */
	bool listens;     /* the session is there for what is pushed to it, and ends with its subscription */
	/* The peer's name in log lines; valid until the next call of this function. */
	const char *(*subject)(const void *peer);
	/* One whole message in pieces, without a line's end. The bytes are copied. */
	void (*send)(void *peer, const struct conn_piece *pieces, size_t count);
	/* Answers are owed from the first to the second; nested. */
	void (*hold)(void *peer);
	void (*release)(void *peer);
	/* Too much is under way: deliver no more messages; and go on. */
	void (*pause)(void *peer);
	void (*resume)(void *peer);
	/* So much waits to be written that what can wait should. */
	bool (*congested)(void *peer);
	/* The client is no longer who it was: end its connection, soon. */
	void (*end)(void *peer);
};

struct rpc_options {
	const struct registry *registry;
	struct pg_pool *pool;
	const char *api_schema; /* where the functions are */
	size_t max_inflight;    /* of one session, before it is paused */
	size_t max_line_bytes;  /* as rpc_refuse_length() says it */
	/* A session is about to end: whoever keeps its pointer forgets it. */
	void (*on_session_end)(struct rpc_session *session, void *context);
	/* A write has been carried out, and is about to be answered. NULL: nobody wants to know. */
	void (*on_written)(void *context);
	void *context;
};

/* Registers a statement for every row with the pool. Strings are borrowed. */
struct rpc *rpc_new(const struct rpc_options *options);
void rpc_free(struct rpc *rpc);
/* From now on; a session that is over the new limit is paused at its next call. */
void rpc_set_limits(struct rpc *rpc, size_t max_inflight, size_t max_line_bytes);

/* Binds the handler of a METHOD_LOCAL. rpc_missing_handler() names the first without one, NULL when all have theirs. */
void rpc_bind(struct rpc *rpc, const char *method, call_handler *handler, void *context);
const char *rpc_missing_handler(const struct rpc *rpc);

/* Until true, calls that need the database are answered `unavailable`; true only once the reference tables are loaded.
 * What has come before it is false again is carried out. */
void rpc_set_ready(struct rpc *rpc, bool ready);
bool rpc_ready(const struct rpc *rpc);

/* Principals have changed: who stands behind each session is asked again at its next call. */
void rpc_forget_identities(struct rpc *rpc);

/* Calls under way, those of ended sessions included. */
size_t rpc_pending(const struct rpc *rpc);

/* What has been counted; for as long as the rpc. */
struct metrics *rpc_metrics(struct rpc *rpc);

/* The uid of a client that the kernel tells nothing of. */
enum { RPC_NOBODY = -1 };

/* A client. `peer` goes to the transport's functions; `uid` is the user at the other end of a Unix socket, or
 * RPC_NOBODY. */
struct rpc_session *rpc_session_new(struct rpc *rpc, const struct rpc_transport *transport, void *peer, long uid);

/* The client shows a token (not kept: only its digest is). From now on that is who it is, whatever its user. */
void rpc_session_show_token(struct rpc_session *session, const char *token);

/* Something is pushed to the session without its asking: find out anew who it is, and end it when that is nobody. */
void rpc_session_recheck(struct rpc_session *session);
/* Does the database know who it is? False until it has been asked. */
bool rpc_session_known(const struct rpc_session *session);

/* Its token was good for a while, and that is over. */
bool rpc_session_expired(const struct rpc_session *session);

/* A subscription of the session ends, not by its own doing. */
void rpc_session_unsubscribed(struct rpc_session *session);

/* Can notifications reach it after this message? */
bool rpc_session_lasts(const struct rpc_session *session);

/* Has the transport end the connection, soon; then comes the next. */
void rpc_session_close(struct rpc_session *session);
/* The client is gone: frees the session; its calls finish unheard. */
void rpc_session_end(struct rpc_session *session);

/* One message; `text` is overwritten while it is read, and free again on return. */
void rpc_receive(struct rpc_session *session, char *text, size_t length);

/* The answer to a message that was too long to be read. */
void rpc_refuse_length(struct rpc_session *session);

/* A notification: {"jsonrpc", "method", "params"}; `params` is JSON text. */
void rpc_notify(struct rpc_session *session, const char *method, const char *params);

/* True while what the session was sent has not gone out, by a good deal. */
bool rpc_congested(const struct rpc_session *session);

/* The principal that stands for the system itself in p_caller. */
extern const char rpc_system_caller[];

/* The api functions that this room calls beside the methods'. */
extern const struct migrate_function rpc_functions[];
extern const size_t rpc_function_count;

/* Loads the reference tables (reference.h); `done` hears whether it worked. */
void rpc_load_reference(struct rpc *rpc, void (*done)(bool loaded, void *context), void *context);

#endif
