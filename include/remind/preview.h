/* Preview: what a rule means, before anything is set. */
#ifndef TRACKTWO_REMIND_PREVIEW_H
#define TRACKTWO_REMIND_PREVIEW_H

#include "io/migrate.h"
#include "io/pg.h"
#include "rpc/call.h"

struct preview;

/* Registers its statement with the pool. */
struct preview *preview_new(struct pg_pool *pool, const char *api_schema);
void preview_free(struct preview *preview);

/* The handler of reminder.preview; its context is the preview. Working days are asked of the database, all else is
 * answered at once. */
void preview_on_call(struct call *call, void *preview);

extern const struct migrate_function preview_functions[];
extern const size_t preview_function_count;

#endif
