/* Error: what can go wrong with a call, as API.md section 2 lists it: one table from which answers and the OpenRPC
 * document are made, and the table that maps the project's own SQLSTATEs to it. */
#ifndef TRACKTWO_RPC_ERROR_H
#define TRACKTWO_RPC_ERROR_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"

enum error_kind {
	ERROR_PARSE,
	ERROR_INVALID_REQUEST,
	ERROR_METHOD_NOT_FOUND,
	ERROR_INVALID_PARAMS,
	ERROR_INTERNAL,
	ERROR_TOO_LARGE,
	ERROR_UNAUTHENTICATED,
	ERROR_FORBIDDEN,
	ERROR_NOT_FOUND,
	ERROR_STALE_VERSION,
	ERROR_ID_REUSED,
	ERROR_DUPLICATE,
	ERROR_CHANGED_SINCE,
	ERROR_RULE,
	ERROR_RATE_LIMITED,
	ERROR_BUSY,
	ERROR_UNAVAILABLE,
	ERROR_KINDS,
};

struct error_row {
	int code;
	const char *name; /* data.code */
	bool retryable;
	const char *meaning; /* one sentence, for documents */
};
extern const struct error_row error_rows[ERROR_KINDS];

/* The error object as text, in the arena: {"code", "message", "data": {"code", "retryable", …}}. `errors` NULL, or the
 * list of {field, message} of an invalid_params (borrowed). */
const char *error_text(struct arena *arena, enum error_kind kind, const char *message, json_t *errors);

/* The same from what an api function refused with: the text {"refused": {…}}; NULL when it is no such text. */
const char *error_refused(struct arena *arena, const char *text, size_t length);

/* The kind for a raised SQLSTATE; ERROR_INTERNAL when it is not one of the project's own. */
enum error_kind error_of_sqlstate(const char *sqlstate);

#endif
