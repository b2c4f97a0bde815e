/* Access, cache: a client of one message after the other shows its token with each; the database need not look it up
 * each time.
 *
 * Invariant: an entry is used only while it says what the database would: it was asked for behind the last change that
 * is known of (rpc->generation), its token has not expired, and it is younger than ACCESS_CACHE_S, which bounds how
 * long a change may go unnoticed while the link that tells of changes is down. A place holds one entry, the last one
 * kept, so nothing has to be searched or thrown out. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "text/time.h"

struct entry {
	struct identity *identity; /* NULL for an empty place */
	int64_t until_us;
};

struct access_cache {
	struct entry entries[ACCESS_CACHE_SIZE];
};

static struct entry *place_of(struct rpc *rpc, const struct shown *shown)
{
	size_t sum = (size_t)shown->uid;
	for (const char *at = shown->token; *at; at++)
		sum = sum * 31 + (unsigned char)*at;
	return &rpc->cache->entries[sum % ACCESS_CACHE_SIZE];
}

static void entry_clear(struct entry *entry)
{
	if (entry->identity)
		identity_release(entry->identity);
	entry->identity = NULL;
}

struct access_cache *access_cache_new(void)
{
	struct access_cache *cache = calloc(1, sizeof *cache);
	if (!cache)
		abort();
	return cache;
}

void access_cache_free(struct rpc *rpc)
{
	for (size_t i = 0; i < ACCESS_CACHE_SIZE; i++)
		entry_clear(&rpc->cache->entries[i]);
	free(rpc->cache);
}

void access_cache_keep(struct rpc *rpc, struct identity *identity)
{
	struct entry *entry = place_of(rpc, &identity->shown);

	identity->references++;
	entry_clear(entry);
	entry->identity = identity;
	entry->until_us = time_monotonic_micros() + ACCESS_CACHE_S * 1000000LL;
	if (identity->expires_us != 0 && identity->expires_us < entry->until_us)
		entry->until_us = identity->expires_us;
}

const struct identity *access_cache_find(struct rpc *rpc, const struct shown *shown)
{
	struct entry *entry = place_of(rpc, shown);

	if (!entry->identity || entry->identity->shown.uid != shown->uid ||
	    strcmp(entry->identity->shown.token, shown->token) != 0)
		return NULL;
	if (entry->identity->generation != rpc->generation || time_monotonic_micros() >= entry->until_us)
		entry_clear(entry);
	return entry->identity;
}
