/* Error: the table of what a client may be told. Raw text of the database is never part of it. */
#include "rpc/error.h"

#include <string.h>

#include "text/json.h"

const struct error_row error_rows[ERROR_KINDS] = {
    [ERROR_PARSE] = {-32700, "parse_error", false, "What came is not JSON, or not JSON that is accepted."},
    [ERROR_INVALID_REQUEST] = {-32600, "invalid_request", false, "JSON, but not a JSON-RPC 2.0 request."},
    [ERROR_METHOD_NOT_FOUND] = {-32601, "method_not_found", false, "There is no such method; rpc.discover lists all."},
    [ERROR_INVALID_PARAMS] = {-32602, "invalid_params", false, "Parameters are wrong; data.errors names each of them."},
    [ERROR_INTERNAL] = {-32603, "internal", false, "A fault of the daemon's own; its journal says which."},
    [ERROR_TOO_LARGE] = {-32600, "too_large", false, "The message is longer than the daemon takes."},
    [ERROR_UNAUTHENTICATED] = {401, "unauthenticated", false, "The caller is not known."},
    [ERROR_FORBIDDEN] = {403, "forbidden", false, "The caller's role does not allow it."},
    [ERROR_NOT_FOUND] = {404, "not_found", false, "There is no such record, as far as the caller may know."},
    [ERROR_STALE_VERSION] = {409, "stale_version", false, "The record has changed since it was read."},
    [ERROR_ID_REUSED] = {409, "id_reused", false, "The id or request_id was used before with other content."},
    [ERROR_DUPLICATE] = {409, "duplicate", false, "It may be there already; data.candidates lists what it may be."},
    [ERROR_CHANGED_SINCE] = {409, "changed_since", false,
                             "What is to be undone has been changed since; data.fields and data.changes say how."},
    [ERROR_RULE] = {422, "rule", false, "A rule that depends on what is stored is broken; data.rule names it."},
    [ERROR_RATE_LIMITED] = {429, "rate_limited", true, "Too much at once from this caller."},
    [ERROR_BUSY] = {429, "busy", true, "The daemon has too much to do; try again later."},
    [ERROR_UNAVAILABLE] = {503, "unavailable", true, "The database is out of reach; try again later."},
};

/* The project's own SQLSTATEs, class T2; and what a page of very large records raises. */
static const struct {
	const char *state;
	enum error_kind kind;
} states[] = {{"T2001", ERROR_RULE}, {"T2002", ERROR_RULE}, {"54000", ERROR_BUSY}};

enum error_kind error_of_sqlstate(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i].state, sqlstate) == 0)
			return states[i].kind;
	return ERROR_INTERNAL;
}

const char *error_text(struct arena *arena, enum error_kind kind, const char *message, json_t *errors)
{
	const struct error_row *row = &error_rows[kind];
	return arena_printf(arena, "{\"code\":%d,\"message\":%s,\"data\":{\"code\":\"%s\",\"retryable\":%s%s%s}}",
	                    row->code, json_quote(arena, message), row->name, row->retryable ? "true" : "false",
	                    errors ? ",\"errors\":" : "", errors ? json_text(arena, errors) : "");
}

const char *error_refused(struct arena *arena, const char *text, size_t length)
{
	static const char opening[] = "{\"refused\": ";
	size_t skip = sizeof opening - 1;
	/* A refusal is an object of one member, so its value ends one brace before the text does. */
	if (length <= skip || strncmp(text, opening, skip) != 0)
		return NULL;
	return arena_copy(arena, text + skip, length - skip - 1);
}
