/* Migrate_api: the functions of this binary, in a schema named by the digest of their text.
 *
 * Invariant: a schema of this name is either absent or whole. It is loaded, sealed (SECURITY DEFINER, a fixed
 * search_path, closed to PUBLIC, open to the run-time role for the methods' functions only) and compared with the
 * methods in one transaction; so a daemon that finds the schema may use it, and two daemons of one version share it. */
#include "io/migrate_db.h"

#include <stdlib.h>
#include <string.h>

#include "text/digest.h"

#define DAEMON_ROLE "tracktwo_daemon"
#define VERSION_FUNCTION "schema_version"

/* One function of the schema, as the catalogue has it; valid as long as the result it was read from. */
struct found {
	const char *name, *arguments, *first, *result, *volatility;
	bool executable, definer, fixed_path, set;
};

const char *migrate_api_schema(void)
{
	static char name[sizeof "api_" + 16];
	if (name[0])
		return name;
	struct digest *digest = digest_new();
	for (const struct migrate_file *file = migrate_api; file->name; file++) {
		digest_add(digest, file->name, strlen(file->name) + 1);
		digest_add(digest, file->text, strlen(file->text) + 1);
	}
	char hex[DIGEST_HEX_SIZE];
	digest_finish(digest, hex);
	snprintf(name, sizeof name, "api_%.16s", hex);
	return name;
}

long long migrate_api_lock(void)
{
	return migrate_db_key(migrate_api_schema());
}

static PGresult *list_functions(struct migrate_db *db, const char *role)
{
	const char *values[] = {migrate_api_schema(), role ? role : DAEMON_ROLE};
	return migrate_db_query(
	    db, "reading the api's functions",
	    "SELECT p.proname, pg_get_function_identity_arguments(p.oid), coalesce(p.proargnames[1], ''),"
	    " p.prorettype::regtype, p.provolatile, has_function_privilege($2, p.oid, 'EXECUTE'),"
	    " p.prosecdef, EXISTS (SELECT FROM unnest(p.proconfig) AS s WHERE starts_with(s, 'search_path=' || $1 || ',')),"
	    " p.proretset FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
	    " WHERE n.nspname = $1 ORDER BY 1, 2",
	    2, values);
}

static struct found found_at(const PGresult *result, int row)
{
	return (struct found){
	    .name = PQgetvalue(result, row, 0),
	    .arguments = PQgetvalue(result, row, 1),
	    .first = PQgetvalue(result, row, 2),
	    .result = PQgetvalue(result, row, 3),
	    .volatility = PQgetvalue(result, row, 4),
	    .executable = PQgetvalue(result, row, 5)[0] == 't',
	    .definer = PQgetvalue(result, row, 6)[0] == 't',
	    .fixed_path = PQgetvalue(result, row, 7)[0] == 't',
	    .set = PQgetvalue(result, row, 8)[0] == 't',
	};
}

/* Says one difference, and keeps the first for the error. */
static void differ(struct migrate_db *db, size_t *differences, const char *function, const char *arguments,
                   const char *what, const char *detail)
{
	char text[400];
	snprintf(text, sizeof text, "%s(%s) %s%s", function, arguments, what, detail);
	migrate_db_say(db, "%s", text);
	if ((*differences)++ == 0)
		migrate_db_refuse(db, "%s", text);
}

static void compare_one(struct migrate_db *db, const struct migrate_function *wanted, const struct found *found,
                        bool check_grants, size_t *differences)
{
	const char *name = wanted->name, *arguments = wanted->arguments;
	if (strcmp(found->first, "p_caller") != 0)
		differ(db, differences, name, arguments, "does not take p_caller first", "");
	if (strcmp(found->result, "jsonb") != 0 && strcmp(found->result, "text") != 0)
		differ(db, differences, name, arguments, "must return jsonb or text, not ", found->result);
	if (found->set)
		differ(db, differences, name, arguments, "must return one value, not a set", "");
	if (wanted->writes && found->volatility[0] != 'v')
		differ(db, differences, name, arguments, "writes, and so must be VOLATILE", "");
	if (!wanted->writes && found->volatility[0] == 'i')
		differ(db, differences, name, arguments, "reads, and so must be STABLE or VOLATILE", "");
	if (!found->definer || !found->fixed_path)
		differ(db, differences, name, arguments, "is not SECURITY DEFINER with a fixed search_path", "");
	if (check_grants && !found->executable)
		differ(db, differences, name, arguments, "may not be executed by the run-time role", "");
}

static void compare_wanted(struct migrate_db *db, const PGresult *result, const struct migrate_function *wanted,
                           bool *matched, bool check_grants, size_t *differences)
{
	const char *other = NULL;
	for (int row = 0; row < PQntuples(result); row++) {
		struct found found = found_at(result, row);
		if (strcmp(found.name, wanted->name) != 0)
			continue;
		other = found.arguments;
		if (strcmp(found.arguments, wanted->arguments) != 0)
			continue;
		matched[row] = true;
		compare_one(db, wanted, &found, check_grants, differences);
		return;
	}
	if (other)
		differ(db, differences, wanted->name, wanted->arguments, "has other arguments in the database: ", other);
	else
		differ(db, differences, wanted->name, wanted->arguments, "is missing in the database", "");
}

bool migrate_api_compare(struct migrate_db *db, const struct migrate_function *functions, size_t count,
                         const char *role)
{
	PGresult *result = list_functions(db, role);
	if (!result)
		return false;
	size_t differences = 0;
	bool *matched = calloc((size_t)PQntuples(result) + 1, sizeof *matched);
	if (!matched)
		abort();
	for (size_t i = 0; i < count; i++)
		compare_wanted(db, result, &functions[i], matched, role != NULL, &differences);
	bool version = false;
	for (int row = 0; row < PQntuples(result); row++) {
		struct found found = found_at(result, row);
		if (strcmp(found.name, VERSION_FUNCTION) == 0 && !found.arguments[0])
			version = !role || found.executable;
		else if (role && !matched[row] && found.executable)
			differ(db, &differences, found.name, found.arguments, "is no method's, and must not be executable", "");
	}
	if (role && !version)
		differ(db, &differences, VERSION_FUNCTION, "", "is missing, or may not be executed by the run-time role", "");
	free(matched);
	PQclear(result);
	if (differences > 1 && db->err) {
		char first[400];
		snprintf(first, sizeof first, "%.390s", db->err->message);
		migrate_db_refuse(db, "%s (and %zu more differences)", first, differences - 1);
	}
	if (differences > 0)
		err_prefix(db->err, "the database's functions and this binary's methods do not agree");
	return differences == 0;
}

ERR_CHECKED static bool seal_function(struct migrate_db *db, const char *name, const char *arguments)
{
	const char *schema = migrate_api_schema();
	return migrate_db_runf(db, name,
	                       "ALTER FUNCTION %s.%s(%s) SECURITY DEFINER SET search_path = %s, store, pg_catalog, pg_temp;"
	                       "GRANT EXECUTE ON FUNCTION %s.%s(%s) TO " DAEMON_ROLE,
	                       schema, name, arguments, schema, schema, name, arguments);
}

static bool is_wanted(const struct found *found, const struct migrate_function *functions, size_t count)
{
	if (strcmp(found->name, VERSION_FUNCTION) == 0 && !found->arguments[0])
		return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(found->name, functions[i].name) == 0 && strcmp(found->arguments, functions[i].arguments) == 0)
			return true;
	return false;
}

/* What the methods want and the files do not hold is left to the comparison, which names all of it at once. */
ERR_CHECKED static bool seal(struct migrate_db *db, const struct migrate_function *functions, size_t count)
{
	const char *schema = migrate_api_schema();
	if (!migrate_db_runf(db, "closing the api to the public",
	                     "SET LOCAL search_path = pg_catalog; REVOKE ALL ON SCHEMA %s FROM PUBLIC;"
	                     "REVOKE ALL ON ALL ROUTINES IN SCHEMA %s FROM PUBLIC, " DAEMON_ROLE ";"
	                     "GRANT USAGE ON SCHEMA %s TO " DAEMON_ROLE,
	                     schema, schema, schema))
		return false;
	PGresult *result = list_functions(db, NULL);
	bool done = result != NULL;
	for (int row = 0; done && row < PQntuples(result); row++) {
		struct found found = found_at(result, row);
		if (is_wanted(&found, functions, count))
			done = seal_function(db, found.name, found.arguments);
	}
	PQclear(result);
	return done && migrate_api_compare(db, functions, count, DAEMON_ROLE);
}

ERR_CHECKED static bool load_files(struct migrate_db *db)
{
	const char *schema = migrate_api_schema();
	if (!migrate_db_runf(db, "creating the api's schema",
	                     "CREATE SCHEMA %s; SET LOCAL search_path = %s, store, pg_catalog", schema, schema))
		return false;
	for (const struct migrate_file *file = migrate_api; file->name; file++) {
		if (!migrate_db_run(db, file->name, file->text))
			return false;
		if (PQtransactionStatus(db->connection) != PQTRANS_INTRANS)
			return migrate_db_refuse(db, "%s must not end its transaction", file->name);
	}
	return true;
}

/* Has an earlier run, for other methods but the same text, left other rights? Silent, unlike the comparison. */
ERR_CHECKED static bool is_sealed(struct migrate_db *db, const struct migrate_function *functions, size_t count,
                                  bool *sealed)
{
	struct migrate_db quiet = *db;
	quiet.progress = NULL;
	struct err ignored;
	quiet.err = &ignored;
	*sealed = migrate_api_compare(&quiet, functions, count, DAEMON_ROLE);
	if (!*sealed && quiet.outcome == MIGRATE_UNREACHABLE) {
		db->outcome = MIGRATE_UNREACHABLE;
		return err_set(db->err, "%s", ignored.message);
	}
	return true;
}

bool migrate_api_load(struct migrate_db *db, const struct migrate_function *functions, size_t count)
{
	const char *schema = migrate_api_schema();
	PGresult *result = migrate_db_query(db, "looking for the api's schema",
	                                    "SELECT 1 FROM pg_namespace WHERE nspname = $1", 1, &schema);
	if (!result)
		return false;
	bool exists = PQntuples(result) > 0, sealed = false;
	PQclear(result);
	if (exists && !is_sealed(db, functions, count, &sealed))
		return false;
	if (sealed)
		return true;
	bool done = migrate_db_run(db, "loading the api", "BEGIN") && (exists || load_files(db)) &&
	            seal(db, functions, count) && migrate_db_run(db, "loading the api", "COMMIT");
	migrate_db_rollback(db);
	if (done)
		migrate_db_say(db, "%s %s", exists ? "opened anew to the run-time role:" : "loaded", schema);
	return done;
}

/* In one statement, so that functions which refer to each other go together; never CASCADE. */
ERR_CHECKED static bool drop_functions(struct migrate_db *db, const char *schema)
{
	PGresult *result =
	    migrate_db_query(db, schema,
	                     "SELECT 'DROP ROUTINE ' || string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p"
	                     " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1",
	                     1, &schema);
	if (!result)
		return false;
	bool done = PQgetisnull(result, 0, 0) || migrate_db_run(db, schema, PQgetvalue(result, 0, 0));
	PQclear(result);
	return done;
}

/* Held by whoever drops, so that no daemon begins to serve from the schema meanwhile. */
ERR_CHECKED static bool drop_if_unused(struct migrate_db *db, const char *schema, bool *dropped)
{
	char key[24];
	snprintf(key, sizeof key, "%lld", migrate_db_key(schema));
	const char *value = key;
	PGresult *result = migrate_db_query(db, schema, "SELECT pg_try_advisory_xact_lock($1::bigint)", 1, &value);
	if (!result)
		return false;
	*dropped = PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	return !*dropped || (drop_functions(db, schema) && migrate_db_runf(db, schema, "DROP SCHEMA %s", schema));
}

/* What stands in the way of one schema's end must not keep a new version from starting. */
ERR_CHECKED static bool try_to_drop(struct migrate_db *db, const char *schema)
{
	struct migrate_db attempt = *db;
	struct err why;
	attempt.err = &why;
	bool dropped = false;
	bool done = migrate_db_run(&attempt, schema, "BEGIN") && drop_if_unused(&attempt, schema, &dropped) &&
	            migrate_db_run(&attempt, schema, "COMMIT");
	migrate_db_rollback(db);
	if (!done && attempt.outcome == MIGRATE_UNREACHABLE) {
		db->outcome = MIGRATE_UNREACHABLE;
		return err_set(db->err, "%s", why.message);
	}
	if (!done)
		migrate_db_say(db, "kept %s", why.message);
	else
		migrate_db_say(db, dropped ? "dropped %s: no daemon uses it" : "kept %s: a daemon uses it", schema);
	return true;
}

bool migrate_api_drop_stale(struct migrate_db *db)
{
	const char *current = migrate_api_schema();
	PGresult *result = migrate_db_query(db, "looking for old api schemas",
	                                    "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'"
	                                    " AND nspname <> $1 ORDER BY 1",
	                                    1, &current);
	bool done = result != NULL;
	for (int row = 0; done && row < PQntuples(result); row++)
		done = try_to_drop(db, PQgetvalue(result, row, 0));
	PQclear(result);
	return done;
}
