/* Archive: a backup is one file, a tar (POSIX.1-2017, pax, ustar) of two members: database.dump, as pg_dump's custom
 * format writes it, and behind it manifest.json, which says what the dump must hold.
 *
 * One file, so that the two cannot be parted; a tar, so that `tar xf` and pg_restore are enough where nothing else is
 * left. Every byte of the file is accounted for: by a SHA-256 in the manifest, by the manifest's own, by a header's
 * checksum, or by being zero. */
#ifndef TRACKTWO_SRC_KEEP_ARCHIVE_H
#define TRACKTWO_SRC_KEEP_ARCHIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Called with the bytes done so far. */
typedef void archive_progress(uint64_t done, uint64_t of, void *context);

/* Writing: a file that is being made has its name only once it is whole. */
struct archive_draft {
	int fd;
	uint64_t length; /* of the dump so far */
	struct digest *digest;
};

/* Begins in an empty file. */
ERR_CHECKED bool archive_begin(struct archive_draft *draft, int fd, struct err *err);
ERR_CHECKED bool archive_add(struct archive_draft *draft, const void *bytes, size_t length, struct err *err);
/* Adds to `manifest` the dump's size and digest and its own digest, writes it, and syncs. */
ERR_CHECKED bool archive_finish(struct archive_draft *draft, json_t *manifest, struct err *err);
void archive_abandon(struct archive_draft *draft);

struct archive {
	int fd; /* of the file */
	uint64_t dump_at, dump_length;
	json_t *manifest;
};

/* Opens `path`, reads the manifest and checks everything but the dump's digest. archive_close() also after a failure.
 */
ERR_CHECKED bool archive_open(struct archive *archive, const char *path, struct err *err);
/* Reads the dump once and compares its SHA-256. */
ERR_CHECKED bool archive_check(const struct archive *archive, archive_progress *progress, void *context,
                               struct err *err);
void archive_close(struct archive *archive);

/* The manifest's text member, or "". */
const char *archive_text(const struct archive *archive, const char *member);
long archive_number(const struct archive *archive, const char *member);

#endif
