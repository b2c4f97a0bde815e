/* Migrate: every step looks at what is there and adds what is missing, so any run may follow any other, also one that
 * was cut off in the middle.
 *
 * Invariant: a row in store.migration and what its file did are one transaction; the rows, in order, are a beginning of
 * the files compiled in, with the same checksums, or nothing is touched. One advisory lock, held by the session, keeps
 * two runs apart. */
#include "io/migrate.h"

#include <stdlib.h>
#include <string.h>

#include "io/migrate_db.h"
#include "text/digest.h"

int migrate_version(void)
{
	int version = 0;
	for (const struct migrate_file *file = migrate_migrations; file->name; file++)
		version = atoi(file->name);
	return version;
}

static enum migrate_outcome finish(struct migrate_db *db, bool done)
{
	migrate_db_close(db);
	return done ? MIGRATE_DONE : db->outcome;
}

/* True with *exists when `query` gives a row for `name`. */
ERR_CHECKED static bool look_for(struct migrate_db *db, const char *query, const char *name, bool *exists)
{
	PGresult *result = migrate_db_query(db, name, query, 1, &name);
	if (!result)
		return false;
	*exists = PQntuples(result) > 0;
	PQclear(result);
	return true;
}

ERR_CHECKED static bool create_if_absent(struct migrate_db *db, const char *query, const char *name, const char *create)
{
	bool exists;
	return look_for(db, query, name, &exists) && (exists || migrate_db_run(db, name, create));
}

#define ROLE_QUERY "SELECT 1 FROM pg_roles WHERE rolname = $1"
#define CREATE_OWNER "CREATE ROLE tracktwo_owner NOLOGIN NOSUPERUSER NOBYPASSRLS"
#define CREATE_DAEMON "CREATE ROLE tracktwo_daemon LOGIN NOSUPERUSER NOBYPASSRLS"

/* Errors that the run-time role's statements raise reach the daemon, which knows what may be logged of them; in the
 * server's log their text could hold a parameter. */
#define QUIET_DAEMON "ALTER ROLE tracktwo_daemon SET log_min_messages = 'log'"

/* By default anybody may create large objects. Only where that is so still: a revocation rewrites the catalogue. */
#define CLOSE_LARGE_OBJECTS                                                                                            \
	"DO $$ DECLARE made regprocedure; BEGIN FOR made IN SELECT oid FROM pg_proc WHERE pronamespace = "                 \
	"'pg_catalog'::regnamespace AND proname IN ('lo_create', 'lo_creat', 'lo_from_bytea') AND (proacl IS NULL OR "     \
	"EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0)) LOOP "                                                 \
	"EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', made); END LOOP; END $$"

ERR_CHECKED static bool make_roles_and_database(struct migrate_db *db)
{
	return create_if_absent(db, ROLE_QUERY, "tracktwo_owner", CREATE_OWNER) &&
	       create_if_absent(db, ROLE_QUERY, "tracktwo_admin",
	                        "CREATE ROLE tracktwo_admin LOGIN NOINHERIT IN ROLE tracktwo_owner") &&
	       create_if_absent(db, ROLE_QUERY, "tracktwo_daemon", CREATE_DAEMON) &&
	       migrate_db_run(db, "setting up tracktwo_daemon", QUIET_DAEMON) &&
	       create_if_absent(db, "SELECT 1 FROM pg_database WHERE datname = $1", "tracktwo",
	                        "CREATE DATABASE tracktwo OWNER tracktwo_owner ENCODING 'UTF8' TEMPLATE template0"
	                        " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'") &&
	       migrate_db_run(db, "closing the database",
	                      "REVOKE ALL ON DATABASE tracktwo FROM PUBLIC;"
	                      "GRANT CONNECT ON DATABASE tracktwo TO tracktwo_admin, tracktwo_daemon");
}

enum migrate_outcome migrate_bootstrap(const char *superuser_dsn, struct err *err)
{
	struct migrate_db db = {.err = err};
	bool done = migrate_db_open(&db, superuser_dsn, NULL) && make_roles_and_database(&db);
	if (!done)
		return finish(&db, false);
	migrate_db_close(&db);
	done = migrate_db_open(&db, superuser_dsn, "tracktwo") &&
	       migrate_db_run(&db, "closing the schema public", "REVOKE CREATE ON SCHEMA public FROM PUBLIC") &&
	       migrate_db_run(&db, "closing large objects", CLOSE_LARGE_OBJECTS);
	return finish(&db, done);
}

/* On a server of the user's own, an administrator has to do what migrate_bootstrap() does for an embedded one. */
bool migrate_db_check_roles(struct migrate_db *db)
{
	/* pg_has_role and has_database_privilege raise for a role that does not exist, hence the oids. */
	PGresult *result = migrate_db_query(
	    db, "looking for the roles",
	    "SELECT o.oid IS NOT NULL, d.oid IS NOT NULL, coalesce(pg_has_role(session_user, o.oid, 'MEMBER'), false),"
	    " coalesce(has_database_privilege(o.oid, current_database(), 'CREATE'), false), quote_ident(session_user),"
	    " quote_ident(current_database()) FROM (SELECT) AS one"
	    " LEFT JOIN pg_roles o ON o.rolname = 'tracktwo_owner' LEFT JOIN pg_roles d ON d.rolname = 'tracktwo_daemon'",
	    0, NULL);
	if (!result)
		return false;
	bool owner = PQgetvalue(result, 0, 0)[0] == 't', daemon = PQgetvalue(result, 0, 1)[0] == 't';
	bool member = PQgetvalue(result, 0, 2)[0] == 't', create = PQgetvalue(result, 0, 3)[0] == 't';
	bool fit = owner && daemon && member && create;
	char grant_member[160], grant_create[160];
	snprintf(grant_member, sizeof grant_member, "GRANT tracktwo_owner TO %.100s; ", PQgetvalue(result, 0, 4));
	snprintf(grant_create, sizeof grant_create, "GRANT CREATE ON DATABASE %.100s TO tracktwo_owner;",
	         PQgetvalue(result, 0, 5));
	if (!fit) {
		migrate_db_refuse(db, "%s%s%s%s", owner ? "" : CREATE_OWNER "; ", daemon ? "" : CREATE_DAEMON "; ",
		                  member ? "" : grant_member, create ? "" : grant_create);
		err_prefix(db->err, "the server is not prepared; as its administrator run");
	}
	PQclear(result);
	return fit;
}

ERR_CHECKED static bool lock(struct migrate_db *db)
{
	char key[24];
	snprintf(key, sizeof key, "%lld", migrate_db_key(MIGRATE_DB_LOCK));
	const char *value = key;
	PGresult *result = migrate_db_query(db, "taking the lock", "SELECT pg_try_advisory_lock($1::bigint)", 1, &value);
	if (!result)
		return false;
	bool got = PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (got)
		return true;
	migrate_db_say(db, "waiting for another migration to end");
	result = migrate_db_query(db, "waiting for the lock", "SELECT pg_advisory_lock($1::bigint)", 1, &value);
	PQclear(result);
	return result != NULL;
}

ERR_CHECKED static bool prepare_store(struct migrate_db *db)
{
	bool exists;
	if (!look_for(db, "SELECT 1 WHERE to_regclass($1) IS NOT NULL", "store.migration", &exists))
		return false;
	if (exists)
		return true;
	return migrate_db_run(db, "creating the schema store",
	                      "BEGIN; CREATE SCHEMA IF NOT EXISTS store; REVOKE ALL ON SCHEMA store FROM PUBLIC;"
	                      "CREATE TABLE store.migration (version integer PRIMARY KEY, name text NOT NULL,"
	                      " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); COMMIT");
}

ERR_CHECKED static bool check_row(struct migrate_db *db, const struct migrate_file *file, int version, const char *name,
                                  const char *checksum)
{
	int last = migrate_version();
	if (version > last)
		return migrate_db_refuse(
		    db,
		    "the database is at migration %d (%s) and this binary knows %d: it is newer than this binary; "
		    "install the release that it belongs to",
		    version, name, last);
	if (!file->name || atoi(file->name) != version)
		return migrate_db_refuse(
		    db,
		    "migration %d (%s) was applied to the database out of the order of this binary's files; this "
		    "binary and the database do not belong together",
		    version, name);
	char hex[DIGEST_HEX_SIZE];
	digest_of(file->text, strlen(file->text), hex);
	if (strcmp(hex, checksum) != 0)
		return migrate_db_refuse(
		    db,
		    "%s was changed after it was applied to the database; restore it as it was, and put the "
		    "change into a new migration",
		    file->name);
	return true;
}

/* *next becomes the first file that is not applied yet. */
ERR_CHECKED static bool check_applied(struct migrate_db *db, const struct migrate_file **next)
{
	PGresult *result = migrate_db_query(
	    db, "reading store.migration", "SELECT version, name, checksum FROM store.migration ORDER BY version", 0, NULL);
	if (!result)
		return false;
	bool fit = true;
	*next = migrate_migrations;
	int rows = PQntuples(result);
	/* The newest first: that the database is newer explains whatever else is found. */
	if (rows > 0 && atoi(PQgetvalue(result, rows - 1, 0)) > migrate_version())
		fit = check_row(db, *next, atoi(PQgetvalue(result, rows - 1, 0)), PQgetvalue(result, rows - 1, 1), "");
	for (int row = 0; fit && row < rows; row++) {
		fit = check_row(db, *next, atoi(PQgetvalue(result, row, 0)), PQgetvalue(result, row, 1),
		                PQgetvalue(result, row, 2));
		if (fit)
			++*next;
	}
	PQclear(result);
	return fit;
}

ERR_CHECKED static bool apply_in_transaction(struct migrate_db *db, const struct migrate_file *file)
{
	if (!migrate_db_run(db, file->name, "BEGIN; SET LOCAL search_path = store, pg_catalog") ||
	    !migrate_db_run(db, file->name, file->text))
		return false;
	if (PQtransactionStatus(db->connection) != PQTRANS_INTRANS)
		return migrate_db_refuse(db, "%s must not end its transaction", file->name);
	char hex[DIGEST_HEX_SIZE], version[16];
	digest_of(file->text, strlen(file->text), hex);
	snprintf(version, sizeof version, "%d", atoi(file->name));
	const char *values[] = {version, file->name, hex};
	PGresult *result = migrate_db_query(db, file->name,
	                                    "INSERT INTO store.migration (version, name, checksum)"
	                                    " VALUES ($1::integer, $2, $3)",
	                                    3, values);
	PQclear(result);
	return result && migrate_db_run(db, file->name, "COMMIT");
}

ERR_CHECKED static bool apply_missing(struct migrate_db *db, const struct migrate_file *file)
{
	for (; file->name; file++) {
		bool done = apply_in_transaction(db, file);
		migrate_db_rollback(db);
		if (!done)
			return false;
		migrate_db_say(db, "applied %s", file->name);
	}
	return true;
}

/* What data that came from another cluster needs, where a migration has said so. */
ERR_CHECKED static bool settle(struct migrate_db *db)
{
	bool exists;
	return look_for(db, "SELECT 1 WHERE to_regprocedure($1) IS NOT NULL", "store.settle()", &exists) &&
	       (!exists || migrate_db_run(db, "store.settle()", "SELECT store.settle()"));
}

ERR_CHECKED static bool apply_all(struct migrate_db *db, const struct migrate_function *functions, size_t count)
{
	const struct migrate_file *next;
	return migrate_db_check_locale(db) && migrate_db_check_roles(db) &&
	       migrate_db_run(db, "becoming tracktwo_owner", "SET ROLE tracktwo_owner") && lock(db) && prepare_store(db) &&
	       check_applied(db, &next) && apply_missing(db, next) && settle(db) &&
	       migrate_api_load(db, functions, count) && migrate_api_drop_stale(db);
}

enum migrate_outcome migrate_apply(const char *admin_dsn, const struct migrate_function *functions, size_t count,
                                   FILE *progress, struct err *err)
{
	struct migrate_db db = {.err = err, .progress = progress};
	return finish(&db, migrate_db_open(&db, admin_dsn, NULL) && apply_all(&db, functions, count));
}

/* Row-level security does not bind a superuser, and the owner could do anything. */
ERR_CHECKED static bool check_own_role(struct migrate_db *db)
{
	PGresult *result =
	    migrate_db_query(db, "looking at the role of the dsn",
	                     "SELECT r.rolsuper OR r.rolbypassrls OR coalesce(pg_has_role(r.oid, o.oid, 'MEMBER'),"
	                     " false) FROM pg_roles r LEFT JOIN pg_roles o ON o.rolname = 'tracktwo_owner'"
	                     " WHERE r.rolname = current_user",
	                     0, NULL);
	if (!result)
		return false;
	bool mighty = PQntuples(result) > 0 && PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (mighty)
		return migrate_db_refuse(
		    db, "the role %s of the dsn could read what nobody is cleared for; connect as tracktwo_daemon",
		    PQuser(db->connection));
	return true;
}

ERR_CHECKED static bool check_schema(struct migrate_db *db)
{
	const char *schema = migrate_api_schema();
	PGresult *result =
	    migrate_db_query(db, "looking for the api's schema",
	                     "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1", 1, &schema);
	if (!result)
		return false;
	bool exists = PQntuples(result) > 0, usable = exists && PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (!exists)
		return migrate_db_refuse(db, "the database lacks this binary's functions (%s); run tracktwod --migrate",
		                         schema);
	if (!usable)
		return migrate_db_refuse(db, "the role of the dsn may not use %s; connect as tracktwo_daemon", schema);
	return true;
}

ERR_CHECKED static bool check_version(struct migrate_db *db)
{
	char sql[96];
	snprintf(sql, sizeof sql, "SELECT %s.schema_version()", migrate_api_schema());
	PGresult *result = migrate_db_query(db, "reading the last migration", sql, 0, NULL);
	if (!result)
		return false;
	int version = atoi(PQgetvalue(result, 0, 0)), wanted = migrate_version();
	PQclear(result);
	if (version == wanted)
		return true;
	return migrate_db_refuse(db, "the database is at migration %d, this binary needs %d; %s", version, wanted,
	                         version < wanted ? "run tracktwod --migrate" : "install the release that it belongs to");
}

enum migrate_outcome migrate_check(const char *dsn, const struct migrate_function *functions, size_t count,
                                   FILE *progress, struct err *err)
{
	struct migrate_db db = {.err = err, .progress = progress};
	bool done =
	    migrate_db_open(&db, dsn, NULL) && migrate_db_check_locale(&db) && check_own_role(&db) && check_schema(&db);
	if (!done)
		return finish(&db, false);
	const char *role = PQuser(db.connection);
	done = migrate_api_compare(&db, functions, count, role) && check_version(&db);
	return finish(&db, done);
}
