/* Measure: one function in the session's own temporary schema, so that the figures of a backup and those of what was
 * restored from it come from the same text. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "text/language.h"

const char measure_session[] =
    "SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';"
    "SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex';"
    "SET row_security = on; SET idle_in_transaction_session_timeout = 0;"
    "SET tracktwo.caller = '00000000-0000-0000-0000-000000000000';"
    "SET tracktwo.backup = 'yes';";

/* PostgreSQL shows an expression with other parentheses once it has read its own text: they are left out.
 * A sum of digests is the same in any order, and, unlike an exclusive or, tells two equal rows from none. */
static const char function[] =
    "CREATE FUNCTION pg_temp.keep_sum(p_rows text) RETURNS TABLE (rows bigint, checksum text) LANGUAGE plpgsql AS "
    "$keep$\n"
    "BEGIN RETURN QUERY EXECUTE format('SELECT count(*), coalesce(sum((''x'' || substr(h, 1, 16))::bit(64)::bigint), 0)"
    " || ''/'' || coalesce(sum((''x'' || substr(h, 17, 16))::bit(64)::bigint), 0)"
    " FROM (SELECT encode(sha256(convert_to(r.line, ''UTF8'')), ''hex'') AS h FROM (%s) AS r(line)) AS hashed', "
    "p_rows);\n"
    "END $keep$;\n"
    "CREATE FUNCTION pg_temp.keep_measure() RETURNS TABLE (item text, rows bigint, checksum text) LANGUAGE plpgsql AS "
    "$keep$\n"
    "DECLARE v_item record;\n"
    "BEGIN\n"
    "FOR v_item IN SELECT c.relname AS name, format('SELECT (t.*)::text FROM store.%I AS t', c.relname) AS query"
    " FROM pg_class c WHERE c.relnamespace = 'store'::regnamespace AND c.relkind = 'r'"
    " UNION ALL VALUES"
    " ('catalogue columns', $q$SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),"
    "   a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) FROM pg_class c"
    "   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    "   WHERE c.relnamespace = 'store'::regnamespace AND c.relkind = 'r'$q$),"
    " ('catalogue constraints', $q$SELECT concat_ws(' ', conrelid::regclass, conname, convalidated,"
    "   pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'store'::regnamespace$q$),"
    " ('catalogue indexes', $q$SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = "
    "i.indrelid"
    "   WHERE c.relnamespace = 'store'::regnamespace$q$),"
    " ('catalogue triggers', $q$SELECT t.tgenabled::text || pg_get_triggerdef(t.oid) FROM pg_trigger t"
    "   JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relnamespace = 'store'::regnamespace$q$),"
    " ('catalogue policies', $q$SELECT concat_ws(' ', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive,"
    "   pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p"
    "   JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'store'::regnamespace$q$),"
    " ('catalogue security', $q$SELECT concat_ws(' ', relname, relkind, relrowsecurity, relforcerowsecurity,"
    "   pg_get_userbyid(relowner)) FROM pg_class WHERE relnamespace = 'store'::regnamespace AND relkind <> 'i'$q$),"
    " ('catalogue functions', $q$SELECT pg_get_functiondef(oid) FROM pg_proc"
    "   WHERE pronamespace = 'store'::regnamespace AND prokind IN ('f', 'p')$q$)\n"
    "LOOP\n"
    "IF v_item.name LIKE 'catalogue %' THEN v_item.query := format("
    "'SELECT translate(c.line, ''()'', '''') FROM (%s) AS c(line)', v_item.query); END IF;\n"
    "RETURN QUERY SELECT v_item.name::text, s.rows, s.checksum FROM pg_temp.keep_sum(v_item.query) AS s;\n"
    "END LOOP; END $keep$;\n";

bool measure_prepare(struct migrate_db *db)
{
	return migrate_db_run(db, "setting up the session", measure_session) &&
	       migrate_db_run(db, "preparing to measure", function);
}

json_t *measure_take(struct migrate_db *db)
{
	PGresult *result = migrate_db_query(db, "measuring",
	                                    "SELECT item, rows, checksum FROM pg_temp.keep_measure() ORDER BY 1", 0, NULL);
	if (!result)
		return NULL;
	json_t *items = json_array();
	for (int row = 0; row < PQntuples(result); row++)
		json_array_append_new(items, json_pack("{s:s, s:I, s:s}", "item", PQgetvalue(result, row, 0), "rows",
		                                       (json_int_t)atoll(PQgetvalue(result, row, 1)), "checksum",
		                                       PQgetvalue(result, row, 2)));
	PQclear(result);
	return items;
}

/* As SQL writes a text: quotes doubled. */
static const char *quoted(struct arena *arena, const char *text)
{
	char *copy = arena_alloc(arena, 2 * strlen(text) + 3), *to = copy;
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			*to++ = '\'';
		*to++ = *text;
	}
	*to = '\'';
	return copy;
}

#define RESTORED_OTHERWISE SAID("what was restored is not what was backed up")

const char *measure_compare(struct arena *arena, const json_t *items, bool catalogue)
{
	char *text = json_dumps(items, JSON_COMPACT);
	if (!text)
		abort();
	/* A DO block takes no parameters. */
	const char *sql =
	    arena_printf(arena,
	                 "%s\n%sSELECT set_config('tracktwo.expected', %s, false);\n"
	                 "DO $keep$ DECLARE v_text text; BEGIN\n"
	                 "SELECT string_agg(CASE WHEN was.item IS NULL THEN format(%s, item)"
	                 " WHEN now.item IS NULL THEN format(%s, item)"
	                 " WHEN was.rows <> now.rows THEN format(%s, item, now.rows, was.rows)"
	                 " ELSE format(%s, item) END, '; ' ORDER BY item) INTO v_text"
	                 " FROM jsonb_to_recordset(current_setting('tracktwo.expected')::jsonb) AS was(item text, rows "
	                 "bigint, checksum text)"
	                 " FULL JOIN pg_temp.keep_measure() AS now USING (item)"
	                 " WHERE (%s OR item NOT LIKE 'catalogue %%')"
	                 " AND (was.rows, was.checksum) IS DISTINCT FROM (now.rows, now.checksum);\n"
	                 "IF v_text IS NOT NULL THEN RAISE EXCEPTION '" RESTORED_OTHERWISE ": %%', v_text; END IF;\n"
	                 "END $keep$;\n",
	                 measure_session, function, quoted(arena, text), quoted(arena, SAID("%s is there and was not")),
	                 quoted(arena, SAID("%s is missing")), quoted(arena, SAID("%s has %s rows and had %s")),
	                 quoted(arena, SAID("%s differs")), catalogue ? "true" : "false");
	free(text);
	return sql;
}

json_t *measure_identity(struct migrate_db *db)
{
	PGresult *result =
	    migrate_db_query(db, "looking for a store", "SELECT to_regclass('store.secret') IS NOT NULL", 0, NULL);
	if (!result)
		return NULL;
	bool exists = PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (!exists)
		return json_null();
	result = migrate_db_query(db, "reading the store's identity",
	                          "SELECT encode(substr(sha256('database id'::bytea || value), 1, 16), 'hex'),"
	                          " (SELECT max(version) FROM store.migration), (SELECT count(*) FROM store.change)"
	                          " FROM store.secret WHERE name = 'content'",
	                          0, NULL);
	if (!result)
		return NULL;
	json_t *identity = PQntuples(result) == 1 ? json_pack("{s:s, s:I, s:I}", "database_id", PQgetvalue(result, 0, 0),
	                                                      "schema_version", (json_int_t)atoll(PQgetvalue(result, 0, 1)),
	                                                      "rows", (json_int_t)atoll(PQgetvalue(result, 0, 2)))
	                                          : json_null();
	PQclear(result);
	return identity;
}
