/* Call: one request on its way down to the database and up again.
 *
 * A call owns an arena and its parsed parameters; it ends exactly once, by call_reply() or call_refuse(), and is gone
 * then. It outlives its client: when the session ends first, the statement completes and its answer is dropped. */
#ifndef TRACKTWO_RPC_CALL_H
#define TRACKTWO_RPC_CALL_H

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"
#include "rpc/error.h"
#include "rpc/method.h"

struct call;
struct rpc;
struct rpc_session;

/* Answers a METHOD_LOCAL: must end the call, at once or later. Parameters are checked already. */
typedef void call_handler(struct call *call, void *context);

/* For handlers. The arena and the parameters (an object, never NULL) live as long as the call. */
struct arena *call_arena(struct call *call);
const json_t *call_params(const struct call *call);
/* NULL when the client has gone. */
struct rpc_session *call_session(const struct call *call);
/* The caller's principal, an id; "" for a call that needs no identity. */
const char *call_caller(const struct call *call);
enum method_role call_role(const struct call *call);

/* End the call: with a result, JSON text; or with an error. */
void call_reply(struct call *call, const char *json, size_t length);
void call_refuse(struct call *call, enum error_kind kind, const char *message);
/* Ends it with what an api function refused with: the error object that error_refused() gives, or error_text(). */
void call_refuse_as(struct call *call, const char *refusal);

#endif
