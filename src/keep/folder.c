/* Folder: names carry the time, so that a listing is one reading of the folder and no file is opened.
 *
 * Invariant: what has a backup's name was whole, and synced, when it got it. */
#include "keep/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/time.h"

#define PREFIX "tracktwo-"
#define ENDING ".backup"
#define VERIFIED ".verified"
#define PARTIAL ".partial-"

enum { STAMP = sizeof "20261124T021500Z" - 1, ENTRIES_MAX = 100000 };

const char *folder_configured(struct arena *arena, const struct config *config)
{
	return *config->backup_directory ? arena_strdup(arena, config->backup_directory)
	                                 : arena_printf(arena, "%s/backups", config->state_dir);
}

static bool ends_with(const char *text, const char *ending)
{
	size_t length = strlen(text), behind = strlen(ending);
	return length >= behind && strcmp(text + length - behind, ending) == 0;
}

/* tracktwo-20261124T021500Z.backup, or with -2 before the ending for a second one of the same second. */
static bool read_name(const char *name, int64_t *made_s)
{
	char text[] = "YYYY-MM-DDTHH:MM:SSZ";
	const char *at = name + sizeof PREFIX - 1;
	int64_t micros;
	struct err ignored;
	if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0 || strlen(at) < STAMP || !ends_with(name, ENDING) ||
	    (at[STAMP] != '.' && at[STAMP] != '-'))
		return false;
	snprintf(text, sizeof text, "%.4s-%.2s-%.5s:%.2s:%.3s", at, at + 4, at + 6, at + 11, at + 13);
	if (!time_parse_instant(text, &micros, &ignored))
		return false;
	*made_s = micros / 1000000;
	return true;
}

static int by_age(const void *left, const void *right)
{
	const struct folder_entry *a = left, *b = right;
	if (a->made_s != b->made_s)
		return a->made_s < b->made_s ? -1 : 1;
	/* "-10" is younger than "-2". */
	size_t lengths[] = {strlen(a->name), strlen(b->name)};
	return lengths[0] != lengths[1] ? (lengths[0] < lengths[1] ? -1 : 1) : strcmp(a->name, b->name);
}

bool folder_read(struct folder *folder, struct arena *arena, const char *path, struct err *err)
{
	size_t room = 0;
	*folder = (struct folder){.path = path};
	DIR *stream = opendir(path);
	if (!stream)
		return errno == ENOENT ? true : err_set_errno(err, errno, "cannot read the folder %s", path);
	for (const struct dirent *entry; folder->count < ENTRIES_MAX && (entry = readdir(stream)) != NULL;) {
		int64_t made_s;
		struct stat status;
		if (!read_name(entry->d_name, &made_s) ||
		    fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
			continue;
		if (folder->count == room) {
			struct folder_entry *more = arena_alloc(arena, (2 * room + 16) * sizeof *more);
			if (room)
				memcpy(more, folder->entries, room * sizeof *more);
			folder->entries = more;
			room = 2 * room + 16;
		}
		const char *name = arena_strdup(arena, entry->d_name);
		bool verified = faccessat(dirfd(stream), arena_printf(arena, "%s" VERIFIED, name), F_OK, 0) == 0;
		folder->entries[folder->count++] = (struct folder_entry){name, made_s, verified};
	}
	closedir(stream);
	if (folder->count)
		qsort(folder->entries, folder->count, sizeof *folder->entries, by_age);
	return true;
}

int64_t folder_newest(const struct folder *folder, bool verified)
{
	for (size_t i = folder->count; i-- > 0;)
		if (!verified || folder->entries[i].verified)
			return folder->entries[i].made_s;
	return 0;
}

bool folder_rotate(struct arena *arena, const char *path, const char *made, size_t keep, size_t *deleted,
                   struct err *err)
{
	struct folder folder;
	*deleted = 0;
	if (keep == 0)
		return true;
	if (!folder_read(&folder, arena, path, err))
		return false;
	size_t proven = folder.count;
	for (size_t i = 0; i < folder.count; i++)
		if (folder.entries[i].verified)
			proven = i;
	for (size_t i = 0; i + keep < folder.count; i++) {
		const char *file = arena_printf(arena, "%s/%s", path, folder.entries[i].name);
		if (i == proven || strcmp(file, made) == 0)
			continue;
		if (unlink(file) != 0)
			return err_set_errno(err, errno, "cannot delete %s", file);
		unlink(arena_printf(arena, "%s" VERIFIED, file));
		++*deleted;
	}
	return true;
}

/* Whoever holds the lock is the only one who makes partial files. */
static void remove_partial(struct arena *arena, const char *path)
{
	DIR *stream = opendir(path);
	for (const struct dirent *entry; stream && (entry = readdir(stream)) != NULL;)
		if (strncmp(entry->d_name, PARTIAL, sizeof PARTIAL - 1) == 0)
			unlink(arena_printf(arena, "%s/%s", path, entry->d_name));
	if (stream)
		closedir(stream);
}

bool folder_begin(struct folder_draft *draft, struct arena *arena, const char *path, struct err *err)
{
	*draft = (struct folder_draft){.path = path, .fd = -1};
	draft->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (draft->lock < 0)
		return err_set_errno(err, errno, "cannot write in the folder %s", path);
	if (flock(draft->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? err_set(err, "another backup is being made in %s; wait for its end", path)
		                            : err_set_errno(err, errno, "cannot take the folder %s", path);
	remove_partial(arena, path);
	draft->temporary = arena_printf(arena, "%s/" PARTIAL "XXXXXX", path);
	draft->fd = mkostemp(draft->temporary, O_CLOEXEC);
	if (draft->fd >= 0)
		return true;
	draft->temporary = NULL;
	return err_set_errno(err, errno, "the user that the daemon runs as cannot write in the folder %s", path);
}

/* The first number of a backup's name that is behind all others of its second: names that rotation has freed are not
 * used again, or the order of names would not be that of their making. */
static int first_number(struct arena *arena, const char *path, int64_t made_s)
{
	struct folder folder;
	int number = 1;
	if (!folder_read(&folder, arena, path, NULL))
		return number;
	for (size_t i = 0; i < folder.count; i++)
		if (folder.entries[i].made_s == made_s) {
			const char *behind = folder.entries[i].name + sizeof PREFIX - 1 + STAMP;
			number = *behind == '-' ? atoi(behind + 1) + 1 : 2;
		}
	return number;
}

bool folder_finish(struct folder_draft *draft, struct arena *arena, const char *name, int64_t made_s, const char **made,
                   struct err *err)
{
	char at[TIME_INSTANT_SIZE];
	time_format_instant(made_s * 1000000, at);
	const char *stamp = arena_printf(arena, PREFIX "%.4s%.2s%.5s%.2s%.3s", at, at + 5, at + 8, at + 14, at + 17);
	int number = first_number(arena, draft->path, made_s);
	*made = name          ? arena_printf(arena, "%s/%s", draft->path, name)
	        : number == 1 ? arena_printf(arena, "%s/%s" ENDING, draft->path, stamp)
	                      : arena_printf(arena, "%s/%s-%d" ENDING, draft->path, stamp, number);
	if (renameat2(AT_FDCWD, draft->temporary, AT_FDCWD, *made, RENAME_NOREPLACE) != 0)
		return errno == EEXIST ? err_set(err, "%s is there already, and a backup never replaces a file", *made)
		                       : err_set_errno(err, errno, "the backup cannot be given its name %s", *made);
	draft->temporary = NULL;
	if (fsync(draft->lock) != 0)
		return err_set_errno(err, errno, "cannot sync the folder %s", draft->path);
	return true;
}

void folder_end(struct folder_draft *draft)
{
	if (draft->temporary)
		unlink(draft->temporary);
	if (draft->fd >= 0)
		close(draft->fd);
	if (draft->lock >= 0)
		close(draft->lock);
	*draft = (struct folder_draft){.fd = -1, .lock = -1};
}

bool folder_mark_verified(const char *file, const char *sha256, struct err *err)
{
	char path[4200], draft[4208], at[TIME_INSTANT_SIZE];
	if (snprintf(path, sizeof path, "%s" VERIFIED, file) >= (int)sizeof path)
		return err_set(err, "the path is too long: %.100s…", file);
	snprintf(draft, sizeof draft, "%s.new", path);
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		return err_set_errno(err, errno, "the backup is right, and cannot be marked so: %s", draft);
	time_format_instant(time_now_micros(), at);
	fprintf(out, "{\"verified_at\": \"%s\", \"dump_sha256\": \"%s\"}\n", at, sha256);
	bool written = fflush(out) == 0 && fsync(fd) == 0;
	written = fclose(out) == 0 && written && rename(draft, path) == 0;
	return written || err_set_errno(err, errno, "the backup is right, and cannot be marked so: %s", path);
}
