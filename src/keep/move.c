/* Move: from the embedded cluster to a server of one's own.
 *
 * Invariant: the daemon's lock is held from before the copy until the cluster is marked as moved, so nothing can be
 * written here that is not there: what was acknowledged before is in the copy, and nothing is acknowledged after. */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "measure.h"
#include "text/language.h"

enum { OLDEST_SERVER = 15 };

ERR_CHECKED static bool check_target(struct keep_store *target, const struct keep_store *source, struct err *err)
{
	if (target->server_major < OLDEST_SERVER || target->server_major < source->server_major)
		return err_set(err, "the server is PostgreSQL %d; it takes %d or newer", target->server_major,
		               source->server_major > OLDEST_SERVER ? source->server_major : OLDEST_SERVER);
	json_t *identity = measure_identity(&target->db);
	bool empty = json_is_null(identity);
	if (identity && !empty)
		(void)err_set(err, "there is a store in that database already; name an empty one");
	json_decref(identity);
	return empty;
}

/* The same place for the daemon's own role, which has a way of its own to log in. */
static const char *daemon_dsn(struct keep *keep, const char *admin_dsn)
{
	PQconninfoOption *parsed = PQconninfoParse(admin_dsn, NULL);
	const char *text = "";
	for (const PQconninfoOption *option = parsed; option && option->keyword; option++) {
		if (!option->val || strcmp(option->keyword, "user") == 0 || strcmp(option->keyword, "password") == 0)
			continue;
		char *value = arena_alloc(&keep->arena, 2 * strlen(option->val) + 1), *to = value;
		for (const char *from = option->val; *from; from++) {
			if (*from == '\'' || *from == '\\')
				*to++ = '\\';
			*to++ = *from;
		}
		text = arena_printf(&keep->arena, "%s%s='%s' ", text, option->keyword, value);
	}
	PQconninfoFree(parsed);
	return arena_printf(&keep->arena, "%suser=tracktwo_daemon", text);
}

ERR_CHECKED static bool copy(struct keep *keep, struct keep_store *source, struct keep_store *target, struct err *err)
{
	const char *folder = keep_folder(keep, err), *made;
	struct archive archive = {.fd = -1};
	if (!folder || !keep_dump(keep, source, folder, NULL, &made, err))
		return false;
	keep_say(keep, "backed up as %s", made);
	bool done = keep_archive_open(keep, &archive, made, err) && keep_load(keep, target, &archive, NULL, err);
	archive_close(&archive);
	return done;
}

/* What a process was started with stands open to everybody on the machine, and in a shell's history. */
ERR_CHECKED static bool check_words(const char *dsn, struct err *err)
{
	PQconninfoOption *parsed = PQconninfoParse(dsn, NULL);
	bool open = false;
	for (const PQconninfoOption *option = parsed; option && option->keyword; option++)
		open = open || (strcmp(option->keyword, "password") == 0 && option->val);
	bool read = parsed != NULL;
	PQconninfoFree(parsed);
	/* libpq's own words would quote what may be a password. */
	if (!read)
		return err_set(err, "what --to names is no connection string");
	return !open || err_set(err, "everybody on this machine can read a command's words: leave the password out, and "
	                             "name a file that holds it, by passfile=… or PGPASSFILE");
}

/* Before anything of the embedded cluster is touched. Roles are not made: a login on a server of one's own needs a
 * password or a rule of that server's, which only its administrator can give. */
ERR_CHECKED static bool open_target(struct keep *keep, struct keep_store *target, struct err *err)
{
	struct migrate_db db = {.err = err};
	bool fit = migrate_db_open(&db, keep->to, NULL) && migrate_db_check_locale(&db) && migrate_db_check_roles(&db);
	if (db.connection)
		migrate_db_close(&db);
	return fit && keep_store_reach(keep, target, keep->to, err);
}

bool keep_move(struct keep *keep, struct err *err)
{
	struct keep_store source = {0}, target = {0};
	struct cluster_look look;
	if (strcmp(keep->config->dsn, "embedded") != 0)
		return err_set(err,
		               "the database is on a server of your own already; a backup and its restore take it to another");
	if (!check_words(keep->to, err) || !cluster_look(keep->config->state_dir, &look, err))
		return false;
	if (look.data_version == 0)
		return err_set(err, "there is no embedded cluster in %.300s to move", look.root);
	keep->doing = SAID("looking at both servers");
	bool done = open_target(keep, &target, err) && keep_store_open(keep, &source, KEEP_OWN, err) &&
	            check_target(&target, &source, err) && copy(keep, &source, &target, err);
	const char *dsn = done ? daemon_dsn(keep, keep->to) : "";
	const char *lines = arena_printf(&keep->arena, "[database]\ndsn = %s\nadmin_dsn = %s\n", dsn, keep->to);
	if (done)
		done = cluster_mark_moved(look.root, lines, err);
	keep_store_close(&target);
	keep_store_close(&source);
	if (!done)
		return false;
	keep_say(keep, "moved, and every table compared. Put this into the configuration, and start the daemon:\n\n%s",
	         lines);
	keep_say(keep,
	         "The embedded cluster is left as it was, and no daemon serves it any more; once all is well, remove %s.",
	         look.root);
	return true;
}
