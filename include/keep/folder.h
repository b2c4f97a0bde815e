/* Folder: where backups lie, each a file tracktwo-YYYYMMDDTHHMMSSZ.backup named by the moment whose state it holds,
 * with a file of the same name and ".verified" beside it once it was restored and compared. */
#ifndef TRACKTWO_KEEP_FOLDER_H
#define TRACKTWO_KEEP_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/config.h"

struct folder_entry {
	const char *name; /* in the folder */
	int64_t made_s;   /* since 1970 */
	bool verified;
};

/* Backups, oldest first. */
struct folder {
	const char *path;
	struct folder_entry *entries;
	size_t count;
};

/* The configured folder, in the arena. */
const char *folder_configured(struct arena *arena, const struct config *config);

/* Lists files, not links, that have a backup's name; a folder that does not exist is an empty one. */
ERR_CHECKED bool folder_read(struct folder *folder, struct arena *arena, const char *path, struct err *err);

/* When the newest backup, and the newest verified one, were made; 0 when there is none. */
int64_t folder_newest(const struct folder *folder, bool verified);

/* Deletes the oldest until `keep` are left; the newest verified one stays besides, and so does the file `made`, which a
 * clock that was set back may have named as the oldest. 0 keeps all. *deleted counts. */
ERR_CHECKED bool folder_rotate(struct arena *arena, const char *path, const char *made, size_t keep, size_t *deleted,
                               struct err *err);

/* A backup under way in `path`, an existing folder: at most one at a time. */
struct folder_draft {
	const char *path;
	char *temporary; /* its name until it is whole; in the arena */
	int fd, lock;
};

/* Takes the folder, removes what broken-off backups left, and makes the file, 0600. */
ERR_CHECKED bool folder_begin(struct folder_draft *draft, struct arena *arena, const char *path, struct err *err);
/* Gives it its name and syncs the folder; never replaces another file. `name` NULL: by `made_s`; *made is the path. */
ERR_CHECKED bool folder_finish(struct folder_draft *draft, struct arena *arena, const char *name, int64_t made_s,
                               const char **made, struct err *err);
/* Removes what is there of it; nothing after folder_finish(). Gives the folder back. */
void folder_end(struct folder_draft *draft);

/* Writes FILE.verified. */
ERR_CHECKED bool folder_mark_verified(const char *file, const char *sha256, struct err *err);

#endif
