/* Type, basic: what single strings must be; the part of the type room that knows no tree. */
#ifndef TRACKTWO_RPC_TYPE_BASIC_H
#define TRACKTWO_RPC_TYPE_BASIC_H

#include "rpc/type.h"

/* True for the kinds whose JSON value is a string. */
bool type_basic_is_string(enum type_kind kind);

/* Checks `*text` by a type of such a kind. Returns NULL when it is right, and has then put the canonical text into
 * *text (the same pointer when nothing changed, else in the arena); otherwise the message for its writer. */
const char *type_basic_check(const struct type *type, struct arena *arena, const char **text);

#endif
