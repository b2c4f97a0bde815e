/* Access, cache: a client of one message after the other shows its token with each; the database need not look it up
 * each time.
 *
 * Invariant: an entry is used only while it says what the database would: it was asked for behind the last change that
 * is known of (rpc->identities), its token has not expired, and it is younger than ACCESS_CACHE_S, which bounds how
 * long a change may go unnoticed while the link that tells of changes is down. A place holds one entry, the last one
 * kept, so nothing has to be searched or thrown out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "text/time.h"

struct entry {
	char key[DIGEST_HEX_SIZE]; /* "" for an empty place */
	int64_t until_us;
	struct access access; /* only what access_copy() copies */
};

struct access_cache {
	struct entry entries[ACCESS_CACHE_SIZE];
};

/* A token's SHA-256, or what is none: a user's number. */
static void key_of(const struct access *access, char key[static DIGEST_HEX_SIZE])
{
	if (access->token[0])
		memcpy(key, access->token, DIGEST_HEX_SIZE);
	else
		snprintf(key, DIGEST_HEX_SIZE, "user %ld", access->uid);
}

static struct entry *place_of(struct rpc *rpc, const char *key)
{
	size_t sum = 0;
	for (; *key; key++)
		sum = sum * 31 + (unsigned char)*key;
	return &rpc->cache->entries[sum % ACCESS_CACHE_SIZE];
}

static void entry_clear(struct rpc *rpc, struct entry *entry)
{
	access_release(rpc, &entry->access);
	entry->key[0] = '\0';
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
		entry_clear(rpc, &rpc->cache->entries[i]);
	free(rpc->cache);
}

void access_cache_keep(struct rpc *rpc, const struct access *access)
{
	char key[DIGEST_HEX_SIZE];
	struct entry *entry;

	key_of(access, key);
	entry = place_of(rpc, key);
	access_copy(rpc, &entry->access, access);
	memcpy(entry->key, key, sizeof key);
	entry->until_us = time_monotonic_micros() + ACCESS_CACHE_S * 1000000LL;
	if (access->expires_us != 0 && access->expires_us < entry->until_us)
		entry->until_us = access->expires_us;
}

bool access_cache_find(struct rpc *rpc, struct access *access)
{
	char key[DIGEST_HEX_SIZE];
	struct entry *entry;

	key_of(access, key);
	entry = place_of(rpc, key);
	if (strcmp(entry->key, key) != 0)
		return false;
	if (entry->access.identities != rpc->identities || time_monotonic_micros() >= entry->until_us) {
		entry_clear(rpc, entry);
		return false;
	}
	access_copy(rpc, access, &entry->access);
	return true;
}
