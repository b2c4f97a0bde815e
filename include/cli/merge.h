/* Merge: what two people changed in one record, put together; pure functions.
 *
 * A record is flattened for it: {key: value}, where a list whose entries the update method adds, changes and removes
 * one by one has a key for each of them: "title", "countries/KP", "workstreams/1.3", "participants/01a2…". So two who
 * change different entries of one list are not in each other's way. */
#ifndef TRACKTWO_CLI_MERGE_H
#define TRACKTWO_CLI_MERGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "rpc/method.h"

/* The editable members of a record, as `update`, the method that changes it, takes them; a new object. Null where a
 * member has no value. */
json_t *merge_flatten(const struct method *update, const json_t *record);

/* The list that a key is an entry of, as its length in the key; 0 for a plain member. */
size_t merge_list_length(const char *key);

/* The key of an entry of `list`: its id or code, or itself; in the arena. NULL for a new one without either. */
const char *merge_key(struct arena *arena, const char *list, const json_t *entry);

struct merged {
	json_t *record;    /* flat: mine, with what only they changed */
	json_t *taken;     /* keys of what only they changed */
	json_t *conflicts; /* keys of what both changed, otherwise; in `record` they stand as mine */
};

/* Three flat records; the caller releases the members of *merged. */
void merge_three(const json_t *base, const json_t *mine, const json_t *theirs, struct merged *merged);

/* The parameters of `update` that make `to` of `from`, both flat, without id and version; a new object, empty when they
 * are equal. NULL with `err` where a member is emptied that cannot be. */
json_t *merge_patch(struct arena *arena, const struct method *update, const json_t *from, const json_t *to,
                    struct err *err);

/* The member of `update` of that name, or NULL; for a list that changes by entries the one that adds them. */
const struct type_member *merge_member(const struct method *update, const char *name);

#endif
