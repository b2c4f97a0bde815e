/* Upgrade: the embedded PostgreSQL's next major version, by a backup and its restore into a new cluster beside the old.
 *
 * Invariant: the data directory's name is exchanged with the new one's in one system call, after the new one was
 * compared; so it is whole at every moment, and the old one is kept under a name that says so. From the backup's end to
 * that moment no daemon can begin: what it would acknowledge would be left behind.
 *
 * A dump and its restore, not pg_upgrade: it takes minutes for the largest store that one secretariat fills, needs
 * nothing that a restore does not need, and is proven by the same comparison. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/place.h"
#include "internal.h"
#include "measure.h"
#include "text/language.h"

#define BEFORE "data.before-"

struct upgrade {
	struct cluster_look look;
	const char *old_bin, *new_bin; /* folders of programs */
	int new_version;
	const char *beside, *new_data; /* the new cluster's state folder, and its data directory */
	const char *made;              /* the backup */
	const char *before;            /* the name that the old data directory keeps */
};

static bool has_server(const char *bin)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/postgres", bin);
	return access(path, X_OK) == 0;
}

ERR_CHECKED static bool choose(struct keep *keep, struct upgrade *upgrade, struct err *err)
{
	const struct cluster_look *look = &upgrade->look;
	const char *configured = keep->config->postgres_bin;
	if (strcmp(keep->config->dsn, "embedded") != 0)
		return err_set(err, "the database is a server of your own: upgrade it as its manual says");
	if (!cluster_look(keep->config->state_dir, &upgrade->look, err))
		return false;
	if (look->data_version == 0)
		return err_set(err, "there is no cluster in %.300s yet; the daemon makes one of PostgreSQL %d when it starts",
		               look->root, look->newest_version);
	upgrade->old_bin = arena_printf(&keep->arena, CLUSTER_INSTALLED "/%d/bin", look->data_version);
	upgrade->new_bin =
	    *configured ? configured : arena_printf(&keep->arena, CLUSTER_INSTALLED "/%d/bin", look->newest_version);
	/* Where the folder does not tell the version, the cluster that it makes will. */
	upgrade->new_version = *configured ? 0 : look->newest_version;
	if (*configured && !has_server(upgrade->old_bin))
		upgrade->old_bin = configured;
	if (!has_server(upgrade->old_bin))
		return err_set(err,
		               "the data is PostgreSQL %d's, which is not installed, and only it can read them; install the "
		               "package postgresql-%d beside the newer one",
		               look->data_version, look->data_version);
	if (!keep->remake && upgrade->new_version != 0 && upgrade->new_version <= look->data_version)
		return err_set(err,
		               "there is nothing to do: the data is PostgreSQL %d's, and no newer one is installed; "
		               "--same-version makes the cluster anew",
		               look->data_version);
	if (look->served)
		return err_set(err, "a daemon uses %.300s; stop it first", look->root);
	return true;
}

/* The dump is smaller than the data, and the new data about as large. */
ERR_CHECKED static bool check_room(struct keep_store *store, const char *folder, struct err *err)
{
	struct statvfs room;
	PGresult *result =
	    migrate_db_query(&store->db, "looking at the size", "SELECT pg_database_size(current_database())", 0, NULL);
	if (!result)
		return false;
	double needed = 1.2 * atof(PQgetvalue(result, 0, 0)) + 200e6;
	PQclear(result);
	if (statvfs(folder, &room) != 0)
		return err_set_errno(err, errno, "cannot look at %s", folder);
	double there = (double)room.f_bavail * (double)room.f_frsize;
	return there >= needed ||
	       err_set(err, "%s has %.0f MB left, and the new cluster needs %.0f", folder, there / 1e6, needed / 1e6);
}

/* The old cluster, dumped by the new version's programs, which read both. */
ERR_CHECKED static bool back_up(struct keep *keep, struct upgrade *upgrade, struct err *err)
{
	struct keep_store store;
	const char *folder = keep_folder(keep, err);
	if (!folder)
		return false;
	keep->doing = SAID("starting the old cluster");
	bool done = keep_store_make(keep, &store, keep->config->state_dir, upgrade->old_bin, err) &&
	            check_room(&store, keep->config->state_dir, err);
	if (done) {
		store.programs = arena_printf(&keep->arena, "%s/", upgrade->new_bin);
		done = keep_dump(keep, &store, folder, NULL, &upgrade->made, err);
	}
	keep_store_close(&store);
	if (done)
		keep_say(keep, "backed up as %s", upgrade->made);
	return done;
}

/* Settings of one's own go along. */
ERR_CHECKED static bool copy_settings(struct keep *keep, const struct upgrade *upgrade, struct err *err)
{
	const char *from = arena_printf(&keep->arena, "%s/local.conf", upgrade->look.data);
	const char *to = arena_printf(&keep->arena, "%s/local.conf", upgrade->new_data);
	char bytes[65536];
	FILE *in = fopen(from, "re");
	if (!in)
		return errno == ENOENT ? true : err_set_errno(err, errno, "cannot read %s", from);
	size_t length = fread(bytes, 1, sizeof bytes, in);
	fclose(in);
	if (length == sizeof bytes)
		return err_set(err, "%s is longer than a settings file; move it away", from);
	FILE *out = fopen(to, "we");
	bool done = out && fwrite(bytes, 1, length, out) == length && fflush(out) == 0 && fsync(fileno(out)) == 0;
	if (out && fclose(out) != 0)
		done = false;
	return done || err_set_errno(err, errno, "cannot write %s", to);
}

ERR_CHECKED static bool make_new(struct keep *keep, struct upgrade *upgrade, struct archive *archive, struct err *err)
{
	struct keep_store store;
	upgrade->beside = arena_printf(&keep->arena, "%s/upgrade", keep->config->state_dir);
	upgrade->new_data = arena_printf(&keep->arena, "%s/postgres/data", upgrade->beside);
	if (!keep_archive_open(keep, archive, upgrade->made, err) || !place_remove_tree(upgrade->beside, err) ||
	    !place_make_directories(upgrade->beside, 0700, err))
		return false;
	keep->doing = SAID("making the new cluster");
	keep_progress(0, 0, keep);
	bool done = keep_store_make(keep, &store, upgrade->beside, upgrade->new_bin, err) &&
	            keep_load(keep, &store, archive, NULL, err);
	upgrade->new_version = store.server_major;
	keep_store_close(&store);
	if (done && upgrade->new_version < upgrade->look.data_version)
		done = err_set(err, "[database] postgres_bin is PostgreSQL %d's, older than the data", upgrade->new_version);
	return done && copy_settings(keep, upgrade, err);
}

/* Under the name that the old one is to keep, the new one is a copy that nobody misses, until the two change places. */
ERR_CHECKED static bool bring_beside(struct keep *keep, struct upgrade *upgrade, struct err *err)
{
	upgrade->before = arena_printf(&keep->arena, BEFORE "%d-%s", upgrade->look.data_version, keep_stamp(keep));
	const char *path = arena_printf(&keep->arena, "%s/%s", upgrade->look.root, upgrade->before);
	if (rename(upgrade->new_data, path) != 0)
		return err_set_errno(err, errno, "cannot rename %s", upgrade->new_data);
	upgrade->new_data = path;
	return true;
}

ERR_CHECKED static bool exchange(const struct upgrade *upgrade, struct err *err)
{
	if (renameat2(AT_FDCWD, upgrade->new_data, AT_FDCWD, upgrade->look.data, RENAME_EXCHANGE) == 0)
		return true;
	return err_set_errno(err, errno,
	                     "the new cluster is ready, and this file system cannot exchange it with the old one");
}

/* As the daemon will start it: where it will lie, with the settings of one's own. */
ERR_CHECKED static bool prove(struct keep *keep, const struct upgrade *upgrade, const struct archive *archive,
                              struct err *err)
{
	struct keep_store store;
	bool done = keep_store_make(keep, &store, keep->config->state_dir, keep->config->postgres_bin, err);
	if (done) {
		migrate_db_rollback(&store.db);
		done = migrate_db_run(&store.db, "starting anew", "DISCARD TEMP; SET ROLE tracktwo_owner") &&
		       migrate_db_run(&store.db, "comparing",
		                      measure_compare(&keep->arena, json_object_get(archive->manifest, "items"),
		                                      upgrade->new_version == upgrade->look.data_version));
	}
	keep_store_close(&store);
	return done;
}

bool keep_upgrade(struct keep *keep, struct err *err)
{
	struct upgrade upgrade = {0};
	struct archive archive = {.fd = -1};
	struct err again;
	if (!choose(keep, &upgrade, err) || !back_up(keep, &upgrade, err))
		return false;
	int kept = cluster_keep(keep->config->state_dir, err);
	if (kept < 0)
		return false;
	bool done = make_new(keep, &upgrade, &archive, err) && bring_beside(keep, &upgrade, err) && exchange(&upgrade, err);
	if (done && !prove(keep, &upgrade, &archive, err)) {
		done = false;
		(void)(exchange(&upgrade, &again) ? err_prefix(err, "the old cluster stands as before; the new one failed")
		                                  : err_prefix(err, "%s; the new one failed", again.message));
	}
	archive_close(&archive);
	close(kept);
	/* It holds the new cluster's logs, which tell why it failed. */
	if (!done)
		return false;
	keep_say(keep, "the cluster is PostgreSQL %d's now, and every table was compared; start the daemon",
	         upgrade.new_version);
	keep_say(keep, "the old one is kept as %s: \"tracktwo admin kept --drop %s\" deletes it", upgrade.before,
	         upgrade.before);
	return place_remove_tree(upgrade.beside, err);
}

bool keep_kept_folders(struct keep *keep, bool *found, struct err *err)
{
	const char *root = arena_printf(&keep->arena, "%s/postgres", keep->config->state_dir);
	bool done = true;
	DIR *stream = opendir(root);
	for (const struct dirent *entry; done && stream && (entry = readdir(stream)) != NULL;) {
		if (strncmp(entry->d_name, BEFORE, sizeof BEFORE - 1) != 0)
			continue;
		if (!keep->drop) {
			keep_say(keep, "%s", entry->d_name);
		} else if (strcmp(keep->drop, entry->d_name) == 0) {
			*found = true;
			done = place_remove_tree(arena_printf(&keep->arena, "%s/%s", root, entry->d_name), err);
		}
	}
	if (stream)
		closedir(stream);
	return done;
}
