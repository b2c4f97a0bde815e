/* Plans: a page of history walks an index in its order, whatever it is filtered by, and every reference to a record can
 * be followed backwards. */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *plan;

/* What the wanted statement ends with: it finds the keys of a page, or looks a piece of a text up. */
static const char page_statement[] = "AS page", piece_statement[] = "AS hits";
static const char *wanted = page_statement;

/* Keeps the plan of the last wanted statement; the expression that makes it is told before it. */
static void on_notice(void *context, const char *message)
{
	(void)context;
	if (strstr(message, "Query Text") && strstr(message, wanted)) {
		free(plan);
		plan = strdup(message);
	}
}

/* The plan of one page of history, of the very statement that the function runs. */
static const char *history_plan(PGconn *connection, const char *filter, const char *value_text, const char *order)
{
	static const char *const names[] = {
	    "country", "countries_all", "workstream", "objective",       "phase", "topic", "kind",  "track",
	    "status",  "dialogue_id",   "contact_id", "organization_id", "owner", "since", "until", "text",
	    "order",   "cursor",        "limit"};
	char sql[2048];
	size_t length = (size_t)snprintf(sql, sizeof sql, "SELECT length(%s.engagement_history(p_caller => '%s'", schema,
	                                 ADMINISTRATOR);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = strcmp(names[i], filter) == 0 ? value_text : strcmp(names[i], "order") == 0 ? order : "NULL";
		length += (size_t)snprintf(sql + length, sizeof sql - length, ", p_%s => %s", names[i], text);
	}
	snprintf(sql + length, sizeof sql - length, ")::text)");
	free(plan);
	plan = NULL;
	expect_done(connection, sql);
	if (!plan)
		fail_msg("no plan was seen for %s", filter);
	return plan;
}

static void expect_walk(PGconn *connection, const char *filter, const char *value_text, const char *index)
{
	for (int oldest = 0; oldest < 2; oldest++) {
		const char *text = history_plan(connection, filter, value_text, oldest ? "'oldest'" : "'newest'");
		char scan[128];
		snprintf(scan, sizeof scan, "Scan%s using %s ", oldest ? "" : " Backward", index);
		if (strstr(text, "Sort") || strstr(text, "Seq Scan") || !strstr(text, scan))
			fail_msg("history by %s does not walk %s:\n%s", filter, index, text);
	}
}

/* One piece in the way of the index: looked up where few hold it, tested on the way of the page where many do. */
static void expect_text_plans(PGconn *connection)
{
	static const char *const few = "'\"number 12345\"'", *const many = "'number'";
	const struct {
		const char *text, *statement, *scan;
	} cases[] = {
	    {few, piece_statement, "Bitmap Index Scan on engagement_key_bigrams"},
	    {few, piece_statement, "Bitmap Index Scan on contact_key_bigrams"},
	    {few, page_statement, "Scan using engagement_pkey"},
	    {many, page_statement, "Scan Backward using engagement_order"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		wanted = cases[i].statement;
		const char *text = history_plan(connection, "text", cases[i].text, "NULL");
		if (!strstr(text, cases[i].scan) || strstr(text, "Seq Scan on engagement"))
			fail_msg("text %s: no %s:\n%s", cases[i].text, cases[i].scan, text);
	}
	wanted = page_statement;
}

/* The first digits of an id are a range of a primary key, however many records there are. */
static void expect_id_plan(PGconn *connection)
{
	wanted = "e.id BETWEEN";
	char *sql =
	    printed("SELECT length(%s.record_find(p_caller => '%s', p_text => '0192ab', p_nouns => NULL, p_count => "
	            "10)::text)",
	            schema, ADMINISTRATOR);
	free(plan);
	plan = NULL;
	expect_done(connection, sql);
	free(sql);
	if (!plan || strstr(plan, "Seq Scan on engagement") || !strstr(plan, "engagement_pkey"))
		fail_msg("an id is not found by its key:\n%s", plan ? plan : "no plan");
	wanted = page_statement;
}

static void test_history_walks_indexes(void **state)
{
	PGconn *connection = harness_database(*state);
	expect_done(connection, "INSERT INTO store.principal (id, name, role) VALUES ('" OTHER "', 'Other', 'officer')");
	expect_done(connection,
	            "INSERT INTO store.dialogue (id, title, countries, workstreams, created_by) VALUES "
	            "('00000000-0000-7000-8000-00000000d001', 'Many', '{CN}', '[{\"code\": \"1.3\"}]', '" ADMINISTRATOR
	            "')");
	expect_done(connection,
	            "INSERT INTO store.contact (id, name, country, created_by) SELECT "
	            "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Contact ' || n, 'CN', '" ADMINISTRATOR
	            "' "
	            "FROM generate_series(61441, 61500) AS n");
	expect_done(
	    connection,
	    "INSERT INTO store.engagement (id, title, kind, status, starts_at, countries, workstreams, topics, "
	    "dialogue_id, owner_id, sensitivity, logged_by) SELECT store.uuid7(), 'Number ' || n, "
	    "CASE WHEN n % 200 = 1 THEN 'family-reunion' ELSE 'meeting' END, CASE WHEN n % 50 = 0 THEN 'planned' ELSE "
	    "'held' END, "
	    "'2000-01-01Z'::timestamptz + n * interval '11 hours', "
	    "CASE WHEN n % 200 = 0 THEN '{MN}' ELSE ARRAY[(ARRAY['US', 'CN', 'RU', 'JP', 'KP'])[n % 5 + 1], 'KR'] END, "
	    "jsonb_build_array(jsonb_build_object('code', '1.' || n % 3 + 1, 'objective', '1.' || n % 3 + 1 || '.1')), "
	    "ARRAY[(ARRAY['energy', 'trade', 'kaesong'])[n % 3 + 1]], "
	    "CASE WHEN n % 10 = 0 THEN '00000000-0000-7000-8000-00000000d001'::uuid END, "
	    "CASE WHEN n % 7 = 0 THEN '" OTHER "'::uuid END, 1, '" ADMINISTRATOR "' FROM generate_series(1, 20000) AS n");
	expect_done(
	    connection,
	    "INSERT INTO store.engagement_participant (id, engagement_id, position, contact_id, role, sort_at) "
	    "SELECT store.uuid7(), id, 1, ('00000000-0000-7000-8000-' || lpad(to_hex(61441 + (row_number() OVER ()) % 60), "
	    "12, '0'))::uuid, 'participant', sort_at FROM store.engagement WHERE title LIKE 'Number %'");
	expect_done(connection, "INSERT INTO store.contact_name (contact_id, position, body, kind) SELECT id, n, name || "
	                        "' alias ' || n, 'alias' FROM store.contact, generate_series(1, 200) AS n");
	expect_done(connection, "ANALYZE");
	expect_done(connection, "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; "
	                        "SET auto_explain.log_nested_statements = on; SET client_min_messages = log");
	PQsetNoticeProcessor(connection, on_notice, NULL);
	expect_walk(connection, "country", "'KP'", "engagement_country_history");
	/* One that is rare, and one that is not there at all. */
	expect_walk(connection, "country", "'MN'", "engagement_country_history");
	expect_walk(connection, "country", "'BT'", "engagement_country_history");
	expect_walk(connection, "workstream", "'1.2'", "engagement_workstream_history");
	expect_walk(connection, "objective", "'1.2.1'", "engagement_objective_history");
	expect_walk(connection, "topic", "'kaesong'", "engagement_topic_history");
	expect_walk(connection, "contact_id", "'00000000-0000-7000-8000-00000000f001'", "engagement_participant_history");
	expect_walk(connection, "dialogue_id", "'00000000-0000-7000-8000-00000000d001'", "engagement_dialogue");
	expect_walk(connection, "owner", "'" OTHER "'", "engagement_owner");
	expect_walk(connection, "kind", "'family-reunion'", "engagement_kind");
	expect_walk(connection, "limit", "50", "engagement_order");
	expect_text_plans(connection);
	expect_id_plan(connection);
	free(plan);
	plan = NULL;
	PQfinish(connection);
}

/* Every column of the store that names a record of people's comings and goings can be followed backwards. */
static void test_record_references_are_indexed(void **state)
{
	(void)state;
	expect_found(database,
	             "SELECT coalesce(string_agg(c.conrelid::regclass || '.' || a.attname, ' ' ORDER BY 1), '') "
	             "FROM (SELECT *, conkey[1] AS first FROM pg_constraint) AS c "
	             "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.first "
	             "WHERE c.contype = 'f' AND c.connamespace = 'store'::regnamespace AND c.confrelid IN "
	             "('store.engagement'::regclass, 'store.contact'::regclass, 'store.dialogue'::regclass, "
	             "'store.reminder'::regclass) AND c.conrelid::regclass::text ~ '^store.engagement|^store.delivery' "
	             "AND NOT EXISTS (SELECT FROM pg_index i "
	             "WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.first)",
	             "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_history_walks_indexes),
	    cmocka_unit_test(test_record_references_are_indexed),
	};
	return cmocka_run_group_tests_name("plans", tests, store_setup, store_teardown);
}
