/* Store: how a PostgreSQL is reached, and by whom.
 *
 * Invariant: a store that is open has a session that reads every row: as a superuser, or as the owner with the identity
 * of one who makes a backup (sql/migrations/0014_backup.sql). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "internal.h"
#include "measure.h"

enum { REACH_TRIES = 20, REACH_PAUSE_MS = 500 };

static bool is_embedded(const struct keep *keep)
{
	return strcmp(keep->config->dsn, "embedded") == 0;
}

/* One that a daemon is just starting is waited for. */
ERR_CHECKED static bool reach(struct keep_store *store, enum keep_way way, struct err *err)
{
	for (int i = 1;; i++) {
		store->db = (struct migrate_db){.err = err};
		if (migrate_db_open(&store->db, store->dsn, NULL))
			return true;
		if (way == KEEP_OWN || store->db.outcome != MIGRATE_UNREACHABLE || i == REACH_TRIES)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = REACH_PAUSE_MS * 1000000L}, NULL);
	}
}

ERR_CHECKED static bool set_up(struct keep *keep, struct keep_store *store, enum keep_way way, const char *bin,
                               struct err *err)
{
	if (!reach(store, way, err))
		return false;
	PGresult *result =
	    migrate_db_query(&store->db, "looking at the server",
	                     "SELECT rolsuper OR rolbypassrls, rolsuper OR coalesce(pg_has_role(session_user,"
	                     " (SELECT oid FROM pg_roles WHERE rolname = 'tracktwo_owner'), 'MEMBER'), false), rolsuper"
	                     " FROM pg_roles WHERE rolname = session_user",
	                     0, NULL);
	if (!result)
		return false;
	store->mighty = PQgetvalue(result, 0, 0)[0] == 't';
	bool fit = PQgetvalue(result, 0, 1)[0] == 't';
	store->superuser = !store->hold && PQgetvalue(result, 0, 2)[0] == 't';
	PQclear(result);
	if (!fit)
		return err_set(err,
		               "the role %s is no member of tracktwo_owner, and so cannot keep or bring back its tables; "
		               "name one that is as [database] admin_dsn",
		               PQuser(store->db.connection));
	if (!store->mighty && !migrate_db_run(&store->db, "becoming tracktwo_owner", "SET ROLE tracktwo_owner"))
		return false;
	store->server_major = PQserverVersion(store->db.connection) / 10000;
	store->programs = child_find_programs(&keep->arena, bin, store->server_major, err);
	return store->programs && measure_prepare(&store->db);
}

ERR_CHECKED static bool open_embedded(struct keep *keep, struct keep_store *store, enum keep_way way,
                                      const char *state_dir, const char *bin, struct err *err)
{
	store->hold = way == KEEP_VISIT ? cluster_hold_visit(state_dir, bin, err) : cluster_hold_open(state_dir, bin, err);
	if (!store->hold)
		return false;
	if (way == KEEP_OWN && migrate_bootstrap(cluster_hold_superuser_dsn(store->hold), err) != MIGRATE_DONE)
		return false;
	store->dsn = cluster_hold_store_dsn(store->hold);
	store->load_dsn = cluster_hold_admin_dsn(store->hold);
	if (set_up(keep, store, way, bin, err))
		return true;
	if (way == KEEP_VISIT && store->db.outcome == MIGRATE_UNREACHABLE)
		err_prefix(err, "the embedded PostgreSQL runs as long as the daemon does, and does not answer; start the "
		                "daemon, or add --offline while it is stopped");
	return false;
}

bool keep_store_open(struct keep *keep, struct keep_store *store, enum keep_way way, struct err *err)
{
	*store = (struct keep_store){0};
	if (is_embedded(keep))
		return open_embedded(keep, store, way, keep->config->state_dir, keep->config->postgres_bin, err);
	if (!*keep->config->admin_dsn)
		return err_set(err, "set [database] admin_dsn, the connection of a member of tracktwo_owner: the daemon's own "
		                    "role can read no table");
	return keep_store_reach(keep, store, keep->config->admin_dsn, err);
}

bool keep_store_make(struct keep *keep, struct keep_store *store, const char *state_dir, const char *bin,
                     struct err *err)
{
	*store = (struct keep_store){0};
	return open_embedded(keep, store, KEEP_OWN, state_dir, bin, err);
}

bool keep_store_reach(struct keep *keep, struct keep_store *store, const char *dsn, struct err *err)
{
	*store = (struct keep_store){.dsn = dsn, .load_dsn = dsn};
	return set_up(keep, store, KEEP_OWN, keep->config->postgres_bin, err);
}

void keep_store_close(struct keep_store *store)
{
	if (store->db.connection)
		migrate_db_close(&store->db);
	cluster_hold_close(store->hold);
	*store = (struct keep_store){0};
}

/* A daemon holds the lock of the api schema that it serves from, shared, whatever its version; one that is about to
 * begin, of whatever release, takes that of migrations first, and so does whoever else brings a store back. */
bool keep_store_unserved(struct keep_store *store, struct err *err)
{
	PGresult *result = migrate_db_query(&store->db, "looking for daemons",
	                                    "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'"
	                                    " UNION ALL SELECT '" MIGRATE_DB_LOCK "'",
	                                    0, NULL);
	bool free = result != NULL;
	for (int row = 0; free && row < PQntuples(result); row++) {
		char key[24];
		snprintf(key, sizeof key, "%lld", migrate_db_key(PQgetvalue(result, row, 0)));
		const char *value = key;
		PGresult *got =
		    migrate_db_query(&store->db, "looking for daemons", "SELECT pg_try_advisory_lock($1::bigint)", 1, &value);
		free = got && PQgetvalue(got, 0, 0)[0] == 't';
		if (got && !free)
			(void)err_set(err, "a daemon serves from this database, or another restore is under way; stop it, and "
			                   "every other one, first");
		PQclear(got);
	}
	PQclear(result);
	return free;
}
