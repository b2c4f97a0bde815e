/* Sight: who may see and do what in the database: the owner nothing without an identity, others no note that is not
 * theirs, the run-time role nothing but the functions of the api. */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define READER "00000000-0000-7000-8000-0000000000c0"
#define CONCERN "00000000-0000-7000-8000-00000000c001"

static void fill_every_table(const struct harness *harness)
{
	struct client client;
	client_open(&client, harness);
	json_t *dialogue =
	    client_result(&client, "dialogue.create",
	                  json_pack("{s:s, s:[s], s:[s]}", "title", "A dialogue", "countries", "RU", "workstreams", "2.3"));
	json_t *engagement = client_result(
	    &client, "engagement.log",
	    json_pack("{s:s, s:s, s:s, s:[s], s:[{s:s, s:s}], s:[s], s:s, s:[{s:{s:s, s:s, s:[{s:s, s:s}], s:[{s:s}]}}],"
	              " s:[{s:s, s:s}], s:{s:s, s:s}}",
	              "title", "With everything", "kind", "visit", "starts_on", "2026-02-03", "countries", "RU",
	              "workstreams", "code", "2.3", "objective", "2.3.1", "topics", "energy", "private_notes",
	              "For me only", "participants", "contact", "name", "Ivan Petrov", "country", "RU", "channels", "kind",
	              "email", "value", "ivan@example.org", "affiliations", "organization", "An institute", "commitments",
	              "by", "RU", "text", "A paper", "follow_up", "due_at", "2026-02-10T00:00:00Z", "note", "Ask"));
	json_t *subscription = client_result(&client, "reminder.subscribe", NULL);
	json_t *due = client_read(&client, 5000);
	client_close(&client);
	char *sql = printed(
	    "INSERT INTO store.principal (id, name, role) VALUES ('" OTHER "', 'Other', 'officer'), ('" READER
	    "', 'Reader', 'viewer');"
	    "INSERT INTO store.token (id, principal_id, hash, created_by) VALUES (store.uuid7(), '" OTHER
	    "', sha256('x'), '" OTHER "');"
	    "INSERT INTO store.concern (id, country, body, created_by) VALUES ('" CONCERN "', 'RU', 'A worry', '" OTHER
	    "');"
	    "INSERT INTO store.concern_raised (id, concern_id, raised_on, recorded_by) VALUES (store.uuid7(), '" CONCERN
	    "', '2026-01-01', '" OTHER "');"
	    "INSERT INTO store.concern_answer (id, concern_id, answered_on, body, by_id, recorded_by) VALUES "
	    "(store.uuid7(), '" CONCERN "', '2026-01-02', 'No', '" OTHER "', '" OTHER "');"
	    "INSERT INTO store.webhook (id, principal_id, url, secret, created_by) VALUES (store.uuid7(), '" OTHER
	    "', 'https://example.org/', sha256('x'), '" OTHER "');"
	    "INSERT INTO store.reminder_occurrence SELECT id, due_at FROM store.reminder;"
	    "INSERT INTO store.calendar (id, principal_id, hash, scope, name, created_by) VALUES (store.uuid7(), '" OTHER
	    "', sha256('x'), 'person', 'Mine', '" OTHER "');"
	    "INSERT INTO store.note_reader VALUES ('%s', '" READER "');"
	    "INSERT INTO store.dialogue_member (id, dialogue_id, principal_id) VALUES (store.uuid7(), '%s', '" OTHER "');"
	    "INSERT INTO store.indicator_value (id, indicator, value, as_of, source, recorded_by) VALUES "
	    "(store.uuid7(), '1.1/support', 55, '2026-01-01', 'A poll', '" OTHER "')",
	    at_string(engagement, "created.note_id"), at_string(dialogue, "id"));
	expect_done(database, sql);
	free(sql);
	json_decref(dialogue), json_decref(engagement), json_decref(subscription), json_decref(due);
}

#define EACH_TABLE(condition)                                                                                          \
	"SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'store'::regnamespace AND c.relkind = 'r' AND " condition \
	" ORDER BY 1"

/* What may be open to its owner, since it is about nobody. Everything else must be forced under row-level security. */
static void test_owner_without_identity_sees_nothing(void **state)
{
	PGconn *owner = connect_as_owner(*state);
	fill_every_table(*state);
	expect_found(
	    database,
	    "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = "
	    "'store'::regnamespace AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)",
	    "change_origin contact_key country crosswalk dialogue_key engagement_key holiday indicator migration objective "
	    "objective_edition phase roadmap_version secret topic workstream workstream_edition workstream_now");
	PGresult *tables = PQexec(database, EACH_TABLE("relrowsecurity"));
	assert_true(PQntuples(tables) > 20);
	for (int i = 0; i < PQntuples(tables); i++) {
		char *some = printed("SELECT count(*) > 0 FROM store.%s", PQgetvalue(tables, i, 0));
		char *none = printed("SELECT count(*) FROM store.%s", PQgetvalue(tables, i, 0));
		expect_found(database, some, "t");
		expect_done(owner, "RESET tracktwo.caller");
		expect_found(owner, none, "0");
		expect_done(owner, "SET tracktwo.caller = ''");
		expect_found(owner, none, "0");
		free(some), free(none);
	}
	PQclear(tables);
	expect_refused(owner, "INSERT INTO store.principal (id, name, role) VALUES (store.uuid7(), 'X', 'viewer')",
	               FORBIDDEN);
	expect_done(owner, "SET tracktwo.caller = '" OTHER "'");
	expect_found(owner, "SELECT count(*) > 0 FROM store.engagement", "t");
	PQfinish(owner);
}

static void expect_notes(PGconn *owner, const char *caller, const char *count)
{
	char *set = printed("SET tracktwo.caller = '%s'", caller);
	expect_done(owner, set);
	expect_found(owner, "SELECT count(*) FROM store.note", count);
	free(set);
}

static void test_private_notes(void **state)
{
	PGconn *owner = connect_as_owner(*state);
	expect_found(database, "SELECT count(*) FROM store.note", "1");
	expect_notes(owner, ADMINISTRATOR, "1");
	expect_notes(owner, READER, "1");
	expect_notes(owner, OTHER, "0");
	/* The system's identity is nobody's licence to read them. */
	expect_notes(owner, "00000000-0000-0000-0000-000000000000", "0");
	expect_done(owner, "SET tracktwo.caller = '" OTHER "'");
	expect_refused(owner,
	               "INSERT INTO store.note (id, author_id, engagement_id, body) SELECT store.uuid7(), "
	               "'" ADMINISTRATOR "', id, 'Not by me' FROM store.engagement LIMIT 1",
	               FORBIDDEN);
	PQfinish(owner);
}

static void test_run_time_role(void **state)
{
	PGconn *runtime = connect_as(*state, "tracktwo_daemon");
	PGresult *tables = PQexec(database, EACH_TABLE("true"));
	for (int i = 0; i < PQntuples(tables); i++) {
		static const char *const tries[] = {"SELECT FROM store.%s", "INSERT INTO store.%s DEFAULT VALUES",
		                                    "DELETE FROM store.%s", "TRUNCATE store.%s", "COPY store.%s TO STDOUT"};
		for (size_t k = 0; k < sizeof tries / sizeof *tries; k++) {
			char sql[256];
			const char *mark = strchr(tries[k], '%');
			snprintf(sql, sizeof sql, "%.*s%s%s", (int)(mark - tries[k]), tries[k], PQgetvalue(tables, i, 0), mark + 2);
			expect_refused(runtime, sql, FORBIDDEN);
		}
		/* No right at all, should the schema ever be opened. */
		char *rights =
		    printed("SELECT has_any_column_privilege('tracktwo_daemon', 'store.%s', 'SELECT, INSERT, UPDATE') OR "
		            "has_table_privilege('tracktwo_daemon', 'store.%s', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, "
		            "REFERENCES, TRIGGER')",
		            PQgetvalue(tables, i, 0), PQgetvalue(tables, i, 0));
		expect_found(database, rights, "f");
		free(rights);
	}
	PQclear(tables);
	static const char *const refused[] = {"CREATE TABLE public.t ()",
	                                      "CREATE TEMPORARY TABLE t ()",
	                                      "CREATE SCHEMA s",
	                                      "CREATE TABLE store.t ()",
	                                      "CREATE ROLE r",
	                                      "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
	                                      "CREATE DATABASE d",
	                                      "SET ROLE tracktwo_owner",
	                                      "SET ROLE tracktwo_admin",
	                                      "SET ROLE postgres",
	                                      "SELECT store.uuid7()",
	                                      "SELECT store.fold('x')",
	                                      "COPY (SELECT 1) TO PROGRAM 'true'",
	                                      "SELECT pg_read_file('PG_VERSION')",
	                                      "ALTER SYSTEM SET fsync = off",
	                                      "CREATE EXTENSION file_fdw"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		expect_refused(runtime, refused[i], FORBIDDEN);
	char *inner = printed("SELECT %s.set_caller(NULL)", schema), *table = printed("CREATE TABLE %s.t ()", schema),
	     *drop = printed("DROP FUNCTION %s.schema_version()", schema);
	expect_refused(runtime, inner, FORBIDDEN);
	expect_refused(runtime, table, FORBIDDEN);
	expect_refused(runtime, drop, FORBIDDEN);
	free(inner), free(table), free(drop);
	/* What it holds by name is nothing either: an identity that it sets opens no table. */
	expect_done(runtime, "SET tracktwo.caller = '" ADMINISTRATOR "'");
	expect_refused(runtime, "SELECT FROM store.note", FORBIDDEN);
	PQfinish(runtime);
}

static void test_granted_functions(void **state)
{
	(void)state;
#define API "FROM pg_proc p WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$')"
	expect_found(database,
	             "SELECT count(*) > 20 " API " AND has_function_privilege('tracktwo_daemon', p.oid, 'EXECUTE')", "t");
	expect_found(database,
	             "SELECT coalesce(string_agg(proname, ' ' ORDER BY proname), '') " API
	             " AND has_function_privilege('tracktwo_daemon', p.oid, 'EXECUTE') "
	             "AND (p.proargnames[1] IS DISTINCT FROM 'p_caller' OR p.proargtypes[0] <> 'uuid'::regtype)",
	             "schema_version");
	expect_found(
	    database,
	    "SELECT count(*) " API " AND has_function_privilege('tracktwo_daemon', p.oid, 'EXECUTE') AND "
	    "(NOT p.prosecdef OR p.proowner <> 'tracktwo_owner'::regrole OR p.prolang <> (SELECT oid FROM pg_language "
	    "WHERE lanname = 'plpgsql') OR p.prorettype NOT IN ('jsonb'::regtype, 'text'::regtype) AND "
	    "p.proname <> 'schema_version')",
	    "0");
	expect_found(database,
	             "SELECT count(*) FROM pg_proc WHERE pronamespace = 'store'::regnamespace AND "
	             "has_schema_privilege('tracktwo_daemon', pronamespace, 'USAGE')",
	             "0");
	expect_found(
	    database,
	    "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR EXISTS ("
	    "SELECT FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r WHERE rolname = 'tracktwo_daemon'",
	    "f");
	expect_found(database,
	             "SELECT rolsuper OR rolbypassrls OR rolcanlogin FROM pg_roles WHERE rolname = 'tracktwo_owner'", "f");
	expect_found(database,
	             "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
	             "WHERE (n.nspname = 'store' OR n.nspname LIKE 'api\\_%') AND p.proowner <> 'tracktwo_owner'::regrole",
	             "0");
	expect_found(database,
	             "SELECT count(*) FROM pg_class WHERE relnamespace = 'store'::regnamespace AND "
	             "relowner <> 'tracktwo_owner'::regrole",
	             "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_owner_without_identity_sees_nothing),
	    cmocka_unit_test(test_private_notes),
	    cmocka_unit_test(test_run_time_role),
	    cmocka_unit_test(test_granted_functions),
	};
	return cmocka_run_group_tests_name("sight", tests, store_setup, store_teardown);
}
