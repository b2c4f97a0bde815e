/* Restore: a backup becomes the store, and what stood there is kept under another name.
 *
 * Invariant: there is one moment, the commit of keep_load(), before which the old store is the store, untouched, and
 * after which the restored one is. */
#include <string.h>

#include "base/place.h"
#include "internal.h"
#include "measure.h"
#include "text/language.h"

#define ASIDE "store_before_"

/* In one schema or one server's life; a dump from a newer one may hold what this one does not know. */
ERR_CHECKED static bool check_ages(const struct archive *archive, const struct keep_store *store, struct err *err)
{
	if (archive_number(archive, "schema_version") > migrate_version())
		return err_set(
		    err, "the backup is of schema %ld, and this release knows %d; install the release that made it, %s",
		    archive_number(archive, "schema_version"), migrate_version(), archive_text(archive, "tool_version"));
	if (archive_number(archive, "server_major") > store->server_major)
		return err_set(err,
		               "the backup is from PostgreSQL %s, and the server is %d, which is older; restore into the same "
		               "major version or a newer one",
		               archive_text(archive, "server_version"), store->server_major);
	return true;
}

/* A store in which nobody has done anything yet belongs to nobody; any other may be replaced by its own backups. */
ERR_CHECKED static bool check_place(struct keep *keep, const struct archive *archive, struct keep_store *store,
                                    bool *occupied, struct err *err)
{
	json_t *identity = measure_identity(&store->db);
	const char *id = json_string_value(json_object_get(identity, "database_id"));
	bool same = id && strcmp(id, archive_text(archive, "database_id")) == 0;
	bool used = json_integer_value(json_object_get(identity, "rows")) > 0, fit = identity != NULL;
	*occupied = json_is_object(identity);
	if (fit && *occupied && !keep->replace)
		fit =
		    err_set(err, "there is a store in this database; with --replace it is set aside, and kept, and the backup "
		                 "takes its place");
	else if (fit && used && !same && !keep->another)
		fit = err_set(err,
		              "this backup is of another store than the one that stands here; add --another if that is meant");
	json_decref(identity);
	return fit;
}

/* By the time, and by a number where that second has its store already. No other restore is under way that could take
 * it. NULL on failure. */
static const char *name_aside(struct keep *keep, struct keep_store *store, struct err *err)
{
	const char *stamp = arena_printf(&keep->arena, ASIDE "%s", keep_stamp(keep));
	/* Unquoted names are folded. */
	PGresult *result = migrate_db_query(
	    &store->db, "naming what stands here",
	    "SELECT name FROM (SELECT n, lower($1) || CASE n WHEN 1 THEN '' ELSE '_' || n END AS name"
	    " FROM generate_series(1, 1000) AS n) AS names WHERE to_regnamespace(name) IS NULL ORDER BY n LIMIT 1",
	    1, &stamp);
	const char *name = result && PQntuples(result) == 1 ? arena_strdup(&keep->arena, PQgetvalue(result, 0, 0)) : NULL;
	if (result && !name)
		(void)err_set(err, "1,000 stores are kept under the name %s; the clock of this machine stands still", stamp);
	PQclear(result);
	return name;
}

bool keep_restore(struct keep *keep, struct err *err)
{
	struct archive archive;
	struct keep_store store = {0};
	bool occupied = false;
	const char *aside = NULL;
	if (!keep_archive_open(keep, &archive, keep->file, err))
		goto failed;
	keep->doing = SAID("looking for the database");
	if (!keep_store_open(keep, &store, KEEP_OWN, err) || !keep_store_unserved(&store, err) ||
	    !migrate_db_check_locale(&store.db) || !check_ages(&archive, &store, err) ||
	    !check_place(keep, &archive, &store, &occupied, err) ||
	    (occupied && !(aside = name_aside(keep, &store, err))) || !keep_load(keep, &store, &archive, aside, err))
		goto failed;
	keep_say(keep, "restored, and every table compared; start the daemon");
	if (occupied)
		keep_say(keep, "what stood here is kept as %s: \"tracktwo admin kept --drop %s\" deletes it", aside, aside);
	keep_store_close(&store);
	archive_close(&archive);
	return true;
failed:
	keep_store_close(&store);
	archive_close(&archive);
	return false;
}

/* Schemas of this name are made by a restore and by nothing else. */
ERR_CHECKED static bool list_schemas(struct keep *keep, struct keep_store *store, bool *found, struct err *err)
{
	PGresult *result = migrate_db_query(
	    &store->db, "looking for what was kept",
	    "SELECT nspname, pg_size_pretty(coalesce((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
	    " WHERE c.relnamespace = n.oid AND c.relkind = 'r'), 0)) FROM pg_namespace n WHERE nspname ~ '^" ASIDE "'"
	    " ORDER BY 1",
	    0, NULL);
	bool done = result != NULL;
	for (int row = 0; done && row < PQntuples(result); row++) {
		const char *name = PQgetvalue(result, row, 0);
		if (!keep->drop) {
			keep_say(keep, "%s\t%s", name, PQgetvalue(result, row, 1));
		} else if (strcmp(keep->drop, name) == 0) {
			*found = true;
			/* Nothing outside hangs on it: the api that did went when it was set aside. */
			done = migrate_db_runf(&store->db, name, "DROP SCHEMA %s CASCADE", name);
		}
	}
	PQclear(result);
	if (!done)
		(void)err_prefix(err, "what was kept");
	return done;
}

bool keep_kept(struct keep *keep, struct err *err)
{
	struct keep_store store;
	bool found = false, done = keep_kept_folders(keep, &found, err);
	if (!done || (keep->drop && found))
		return done;
	if (keep->drop && strncmp(keep->drop, ASIDE, sizeof ASIDE - 1) != 0)
		return err_set(err, "nothing is kept under the name %s; \"tracktwo admin kept\" lists what is", keep->drop);
	enum keep_way way = KEEP_VISIT;
	if (strcmp(keep->config->dsn, "embedded") == 0) {
		struct cluster_look look;
		if (!cluster_look(keep->config->state_dir, &look, err))
			return false;
		/* Without a cluster there is no store either, and none is made for a question. */
		if (!look.served && look.data_version == 0)
			return !keep->drop || err_set(err, "nothing is kept here");
		way = look.served ? KEEP_VISIT : KEEP_OWN;
	}
	done = keep_store_open(keep, &store, way, err) && list_schemas(keep, &store, &found, err);
	keep_store_close(&store);
	if (done && keep->drop && !found)
		done = err_set(err, "nothing is kept under the name %s; \"tracktwo admin kept\" lists what is", keep->drop);
	return done;
}
