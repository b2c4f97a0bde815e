/* Backup: the commands that make backups and prove them. */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/place.h"
#include "internal.h"
#include "keep/folder.h"
#include "text/language.h"

/* Where --to points: a file's name when it ends as a backup's does and is no folder, else a folder. */
ERR_CHECKED static bool choose(struct keep *keep, const char **folder, const char **name, struct err *err)
{
	static const char ending[] = ".backup";
	struct stat status;
	*name = NULL;
	*folder = keep->to;
	if (!keep->to)
		return (*folder = keep_folder(keep, err)) != NULL;
	size_t length = strlen(keep->to);
	bool is_folder = stat(keep->to, &status) == 0 && S_ISDIR(status.st_mode);
	if (!is_folder && length > sizeof ending - 1 && strcmp(keep->to + length - (sizeof ending - 1), ending) == 0) {
		const char *slash = strrchr(keep->to, '/');
		*name = slash ? slash + 1 : keep->to;
		*folder = !slash              ? "."
		          : slash == keep->to ? "/"
		                              : arena_copy(&keep->arena, keep->to, (size_t)(slash - keep->to));
	}
	return place_make_directories(*folder, 0700, err);
}

bool keep_backup(struct keep *keep, struct err *err)
{
	const char *folder, *name, *made;
	struct keep_store store;
	size_t deleted = 0;
	/* Elsewhere than in its own folder nothing is deleted unasked. */
	long most = keep->keep >= 0 ? keep->keep : keep->to ? 0 : keep->config->backup_keep;
	if (!choose(keep, &folder, &name, err))
		return false;
	keep->doing = SAID("looking for the database");
	bool done = keep_store_open(keep, &store, keep->offline ? KEEP_OWN : KEEP_VISIT, err) &&
	            keep_dump(keep, &store, folder, name, &made, err);
	keep_store_close(&store);
	if (!done)
		return false;
	keep_say(keep, "%s", made);
	keep->file = made;
	/* Before older ones go. */
	if (keep->verify && !keep_verify(keep, err))
		return err_prefix(err, "the backup was made, and is not verified");
	if (!folder_rotate(&keep->arena, folder, made, (size_t)most, &deleted, err))
		return err_prefix(err, "the backup was made, and older ones cannot go");
	if (deleted)
		keep_say(keep, "deleted %zu older", deleted);
	return true;
}

bool keep_archive_open(struct keep *keep, struct archive *archive, const char *path, struct err *err)
{
	keep->doing = SAID("reading");
	if (!archive_open(archive, path, err))
		return false;
	keep_say(keep, "backup of %s, by tracktwo %s from PostgreSQL %s, schema %ld", archive_text(archive, "made_at"),
	         archive_text(archive, "tool_version"), archive_text(archive, "server_version"),
	         archive_number(archive, "schema_version"));
	return archive_check(archive, keep_progress, keep, err);
}

static json_int_t rows_of(const struct archive *archive)
{
	json_int_t sum = 0;
	size_t index;
	json_t *item;
	json_array_foreach(json_object_get(archive->manifest, "items"), index, item)
		if (strncmp(json_string_value(json_object_get(item, "item")), "catalogue ", 10) != 0)
			sum += json_integer_value(json_object_get(item, "rows"));
	return sum;
}

/* Its server has ended, or is about to, and the server's log process after it. */
ERR_CHECKED static bool drop_scratch(const char *folder, struct err *err)
{
	bool dropped = false;
	for (int i = 0; i < 50 && !dropped; i++) {
		if (i > 0)
			usleep(100000);
		dropped = place_remove_tree(folder, err);
	}
	return dropped;
}

/* The lock outlives the folder that it is about. */
ERR_CHECKED static int take_scratch(struct keep *keep, const char *folder, struct err *err)
{
	const char *path = arena_printf(&keep->arena, "%s.lock", folder);
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (lock >= 0 && errno == EWOULDBLOCK)
			(void)err_set(err, "another backup is being verified; wait for its end");
		else
			(void)err_set_errno(err, errno, "cannot open %s", path);
		if (lock >= 0)
			close(lock);
		return -1;
	}
	/* What a check that was killed has left. */
	if (drop_scratch(folder, err) && place_make_directories(folder, 0700, err))
		return lock;
	close(lock);
	return -1;
}

/* A cluster that lives for this check, beside the state it shares nothing with. */
ERR_CHECKED static bool restore_to_scratch(struct keep *keep, const struct archive *archive, struct err *err)
{
	const char *folder = arena_printf(&keep->arena, "%s/verify", keep->config->state_dir);
	struct keep_store store;
	struct err ignored;
	int lock = take_scratch(keep, folder, err);
	if (lock < 0)
		return false;
	keep->doing = SAID("making a cluster for the check");
	keep_progress(0, 0, keep);
	bool done = keep_store_make(keep, &store, folder, keep->config->postgres_bin, err) &&
	            keep_load(keep, &store, archive, NULL, err);
	keep_store_close(&store);
	if (!drop_scratch(folder, done ? err : &ignored))
		done = false;
	close(lock);
	return done;
}

bool keep_verify(struct keep *keep, struct err *err)
{
	struct archive archive;
	bool done = keep_archive_open(keep, &archive, keep->file, err) && restore_to_scratch(keep, &archive, err);
	if (done) {
		keep_say(keep, "right: restored, and all of its %zu tables and lists compared, %lld rows",
		         json_array_size(json_object_get(archive.manifest, "items")), (long long)rows_of(&archive));
		done = folder_mark_verified(keep->file, archive_text(&archive, "dump_sha256"), err);
	}
	archive_close(&archive);
	return done;
}
