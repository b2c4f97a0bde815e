/* JSON: what jansson does not do for a JSON-RPC server.
 *
 * jansson parses a message once; around it this file (1) checks the limits before the parse: depth, raw NUL, (2) keeps
 * each request's `id` byte for byte (RFC 8259 numbers may exceed any C type, and JSON-RPC 2.0 section 5 wants the id
 * back as it was sent), and (3) writes answers by joining text, so that a document that comes from the database is
 * never parsed or dumped. */
#ifndef TRACKTWO_TEXT_JSON_H
#define TRACKTWO_TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 64 };

/* One request's id as raw JSON text, zero-terminated; NULL when the member is absent. */
struct json_ids {
	bool batch;         /* the message is an array */
	size_t count;       /* 1, or the number of elements of the array */
	const char **texts; /* count entries; owned by the arena */
};

/* Scans one message in place: valid UTF-8, no raw NUL, nesting at most JSON_DEPTH_MAX (an object inside an array is 2).
 * The raw text of every top-level (or batch element's top-level) member "id" (also when its key is spelt with escapes)
 * goes to `ids`; when it is a syntactically valid number, its bytes in `text` are overwritten with a "0" padded by
 * spaces, so that jansson cannot refuse it for its size. What is no JSON at all may pass: json_parse() decides that.
 * With `ids.texts[i]` non-NULL the raw text is a JSON value of any type; the caller checks which. */
ERR_CHECKED bool json_scan(struct arena *arena, char *text, size_t length, struct json_ids *ids, struct err *err);

/* jansson with duplicate keys refused, scalars allowed. The caller owns *root (json_decref). The error says where. */
ERR_CHECKED bool json_parse(const char *text, size_t length, json_t **root, struct err *err);

/* One value as canonical text: sorted keys, compact, in the arena; equal content gives equal text. */
const char *json_canonical(struct arena *arena, const json_t *value);

/* Compact text in the order of insertion, in the arena. */
const char *json_text(struct arena *arena, const json_t *value);

/* A JSON string literal with quotes, in the arena. `utf8` must be valid UTF-8; invalid text becomes "?". */
const char *json_quote(struct arena *arena, const char *utf8);

#endif
