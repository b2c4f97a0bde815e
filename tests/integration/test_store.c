/* Store: what the database itself makes impossible, for whoever writes, and what follows a record by itself. */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An engagement: SQL expressions; what is NULL has a valid default, and the defaults together are a valid row. */
struct row {
	const char *title, *kind, *status, *starts_at, *ends_at, *timezone, *starts_on, *ends_on, *precision, *countries,
	    *workstreams, *topics, *sensitivity, *id;
};

static char *insert_engagement(struct row row)
{
#define OR(member, standard) (row.member ? row.member : (standard))
	return printed(
	    "INSERT INTO store.engagement (id, title, kind, status, starts_at, ends_at, timezone, starts_on, ends_on, "
	    "precision, countries, workstreams, topics, sensitivity, logged_by) VALUES (%s, %s, %s, %s, %s, %s, %s, "
	    "%s, %s, %s, %s, %s, %s, %s, '" ADMINISTRATOR "')",
	    OR(id, "store.uuid7()"), OR(title, "'A meeting'"), OR(kind, "'meeting'"), OR(status, "'held'"),
	    OR(starts_at, "'2026-03-01T10:00:00+09:00'"), OR(ends_at, "NULL"), OR(timezone, "NULL"), OR(starts_on, "NULL"),
	    OR(ends_on, "NULL"), OR(precision, "NULL"), OR(countries, "'{CN}'"), OR(workstreams, "'[{\"code\": \"1.3\"}]'"),
	    OR(topics, "'{}'"), OR(sensitivity, "1"));
#undef OR
}

static void refuse_engagement(struct row row, const char *state)
{
	char *sql = insert_engagement(row);
	expect_refused(database, sql, state);
	free(sql);
}

static void take_engagement(struct row row)
{
	char *sql = insert_engagement(row);
	expect_done(database, sql);
	free(sql);
}

static void test_engagement_needs_countries(void **state)
{
	(void)state;
	take_engagement((struct row){0});
	take_engagement((struct row){.countries = "'{US,KP,KR}'"});
	refuse_engagement((struct row){.countries = "NULL"}, NOT_NULL);
	refuse_engagement((struct row){.countries = "'{}'"}, CHECKED);
	refuse_engagement((struct row){.countries = "'{NULL}'"}, NOT_NULL);
	refuse_engagement((struct row){.countries = "'{XX}'"}, FOREIGN);
	refuse_engagement((struct row){.countries = "'{CN,cn}'"}, FOREIGN);
	refuse_engagement((struct row){.countries = "'{CN,CN}'"}, UNIQUE);
	take_engagement((struct row){.id = "'00000000-0000-7000-8000-00000000e001'"});
	expect_refused(database, "UPDATE store.engagement SET countries = '{}'", CHECKED);
	expect_refused(database,
	               "UPDATE store.engagement SET countries = '{ZZ}' WHERE id = '00000000-0000-7000-8000-00000000e001'",
	               FOREIGN);
	expect_refused(database, "UPDATE store.engagement SET id = store.uuid7()", FOREIGN);
}

static void test_engagement_needs_workstreams(void **state)
{
	(void)state;
	take_engagement(
	    (struct row){.workstreams = "'[{\"code\": \"1.1\", \"objective\": \"1.1.3\"}, {\"code\": \"3.4\"}]'"});
	refuse_engagement((struct row){.workstreams = "NULL"}, NOT_NULL);
	static const char *const shapeless[] = {"'[]'",
	                                        "'{}'",
	                                        "'null'",
	                                        "'\"1.1\"'",
	                                        "'[\"1.1\"]'",
	                                        "'[{}]'",
	                                        "'[null]'",
	                                        "'[{\"code\": null}]'",
	                                        "'[{\"code\": 1.1}]'",
	                                        "'[{\"objective\": \"1.1.1\"}]'",
	                                        "'[{\"code\": \"1.1\"}, {}]'"};
	for (size_t i = 0; i < sizeof shapeless / sizeof *shapeless; i++)
		refuse_engagement((struct row){.workstreams = shapeless[i]}, CHECKED);
	refuse_engagement((struct row){.workstreams = "'[[{\"code\": \"1.1\"}]]'"}, NOT_NULL);
	refuse_engagement((struct row){.workstreams = "'[{\"code\": \"4.1\"}]'"}, FOREIGN);
	refuse_engagement((struct row){.workstreams = "'[{\"code\": \"1.1\"}, {\"code\": \"1.9\"}]'"}, FOREIGN);
	refuse_engagement((struct row){.workstreams = "'[{\"code\": \"1.1\", \"objective\": \"1.1.9\"}]'"}, FOREIGN);
	/* It exists, and belongs to another workstream. */
	refuse_engagement((struct row){.workstreams = "'[{\"code\": \"1.1\", \"objective\": \"2.1.1\"}]'"}, FOREIGN);
	expect_refused(database, "UPDATE store.engagement SET workstreams = '[]'", CHECKED);
	expect_refused(database, "DELETE FROM store.workstream WHERE code = '1.1'", FOREIGN);
	expect_refused(database, "DELETE FROM store.objective WHERE code = '1.1.3'", FOREIGN);
	expect_refused(database, "UPDATE store.objective SET workstream = '2.1' WHERE code = '1.1.3'", FOREIGN);
}

static void test_engagement_stands_in_time(void **state)
{
	(void)state;
	take_engagement((struct row){.ends_at = "'2026-03-01T10:00:00+09:00'", .timezone = "'Asia/Seoul'"});
	take_engagement((struct row){.starts_at = "NULL", .starts_on = "'1953-07-27'", .precision = "'day'"});
	refuse_engagement((struct row){.ends_at = "'2026-03-01T09:59:59+09:00'"}, CHECKED);
	refuse_engagement((struct row){.starts_at = "NULL"}, NOT_NULL);
	refuse_engagement((struct row){.starts_on = "'2026-03-01'", .precision = "'day'"}, CHECKED);
	refuse_engagement((struct row){.starts_at = "'infinity'"}, CHECKED);
	refuse_engagement((struct row){.starts_at = "'-infinity'"}, CHECKED);
	refuse_engagement((struct row){.ends_on = "'2026-03-02'"}, CHECKED);
	struct row day = {.starts_at = "NULL", .starts_on = "'2026-03-01'"};
	refuse_engagement(day, CHECKED);
	day.precision = "'week'";
	refuse_engagement(day, CHECKED);
	day.precision = "'day'";
	day.ends_on = "'2026-02-28'";
	refuse_engagement(day, CHECKED);
	day.ends_on = NULL;
	day.timezone = "'Asia/Seoul'";
	refuse_engagement(day, CHECKED);
	day.timezone = NULL;
	day.ends_at = "'2026-03-01T10:00:00+09:00'";
	refuse_engagement(day, CHECKED);
	day.ends_at = NULL;
	day.starts_on = "'infinity'";
	refuse_engagement(day, CHECKED);
	refuse_engagement((struct row){.ends_at = "'infinity'"}, CHECKED);
	refuse_engagement(
	    (struct row){.starts_at = "NULL", .starts_on = "'2026-03-01'", .precision = "'day'", .ends_on = "'infinity'"},
	    CHECKED);
}

static void test_engagement_words(void **state)
{
	(void)state;
	refuse_engagement((struct row){.title = "''"}, CHECKED);
	refuse_engagement((struct row){.title = "repeat('x', 501)"}, CHECKED);
	take_engagement((struct row){.title = "repeat('회', 500)"});
	refuse_engagement((struct row){.kind = "'party'"}, CHECKED);
	refuse_engagement((struct row){.status = "'over'"}, CHECKED);
	refuse_engagement((struct row){.sensitivity = "4"}, CHECKED);
	refuse_engagement((struct row){.topics = "'{never-heard-of}'"}, FOREIGN);
	expect_refused(database, "UPDATE store.engagement SET voided_at = now()", CHECKED);
	expect_refused(database, "UPDATE store.engagement SET parent_id = id", CHECKED);
	expect_refused(database, "INSERT INTO store.topic (slug) VALUES ('Not A Slug')", CHECKED);
}

static void test_participants_and_parties(void **state)
{
	(void)state;
	take_engagement((struct row){.id = "'00000000-0000-7000-8000-00000000e002'"});
#define PARTICIPANT                                                                                                    \
	"INSERT INTO store.engagement_participant (id, engagement_id, position, role, contact_id, principal_id) "          \
	"VALUES (store.uuid7(), '00000000-0000-7000-8000-00000000e002', 1, "
	expect_refused(database, PARTICIPANT "'chair', NULL, NULL)", CHECKED);
	expect_done(database, PARTICIPANT "'chair', NULL, '" ADMINISTRATOR "')");
	expect_refused(database, PARTICIPANT "'observer', NULL, '" ADMINISTRATOR "')", UNIQUE);
	expect_refused(database, PARTICIPANT "'spy', NULL, '" OTHER "')", CHECKED);
	expect_refused(database, PARTICIPANT "'chair', store.uuid7(), NULL)", FOREIGN);
#define COMMITMENT                                                                                                     \
	"INSERT INTO store.commitment (id, body, created_by, by_country, by_principal_id, to_country, "                    \
	"to_principal_id, due_on) VALUES (store.uuid7(), 'Something', '" ADMINISTRATOR "', "
	expect_done(database, COMMITMENT "'KP', NULL, NULL, NULL, NULL)");
	expect_done(database, COMMITMENT "NULL, '" ADMINISTRATOR "', 'KP', NULL, '2026-12-01')");
	expect_refused(database, COMMITMENT "NULL, NULL, NULL, NULL, NULL)", CHECKED);
	expect_refused(database, COMMITMENT "'KP', '" ADMINISTRATOR "', NULL, NULL, NULL)", CHECKED);
	expect_refused(database, COMMITMENT "'KP', NULL, 'KR', '" ADMINISTRATOR "', NULL)", CHECKED);
	expect_refused(database, COMMITMENT "'XX', NULL, NULL, NULL, NULL)", FOREIGN);
	expect_refused(database, COMMITMENT "'KP', NULL, NULL, NULL, 'infinity')", CHECKED);
	expect_refused(database,
	               "INSERT INTO store.note (id, author_id, body) VALUES (store.uuid7(), '" ADMINISTRATOR "', 'x')",
	               CHECKED);
	expect_refused(database,
	               "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) VALUES (store.uuid7(), "
	               "'x', 'infinity', '" ADMINISTRATOR "', '" ADMINISTRATOR "')",
	               CHECKED);
	expect_refused(database,
	               "INSERT INTO store.principal (id, name, role) VALUES "
	               "('00000000-0000-0000-0000-000000000000', 'System', 'administrator')",
	               CHECKED);
	expect_refused(database,
	               "INSERT INTO store.principal (id, name, role, bootstrap) VALUES "
	               "(store.uuid7(), 'Another first', 'administrator', true)",
	               UNIQUE);
}

static void test_trail_is_kept(void **state)
{
	struct client client;
	(void)state;
	client_open(&client, *state);
	json_decref(client_result(&client, "engagement.log",
	                          json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "title", "For the trail", "kind", "call",
	                                    "starts_on", "2026-01-02", "countries", "JP", "workstreams", "1.3")));
	client_close(&client);
	expect_refused(database, "UPDATE store.change SET method = 'none'", APPEND_ONLY);
	expect_refused(database, "DELETE FROM store.change", APPEND_ONLY);
	expect_refused(database, "TRUNCATE store.change CASCADE", APPEND_ONLY);
	expect_refused(database, "DELETE FROM store.engagement", APPEND_ONLY);
	expect_refused(database, "DELETE FROM store.engagement WHERE false", APPEND_ONLY);
	expect_refused(database, "TRUNCATE store.engagement CASCADE", APPEND_ONLY);
	expect_refused(database,
	               "INSERT INTO store.change (principal_id, request_id, method, record_id, record_version, content) "
	               "SELECT principal_id, request_id, method, record_id, record_version, content FROM store.change",
	               UNIQUE);
}

static void test_link_tables_follow(void **state)
{
	static const char *const tables[] = {"dialogue_country",      "dialogue_workstream",  "engagement_country",
	                                     "engagement_workstream", "engagement_objective", "engagement_topic",
	                                     "contact_key",           "engagement_key",       "dialogue_key"};
	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		char *insert = printed("INSERT INTO store.%s DEFAULT VALUES", tables[i]);
		char *delete = printed("DELETE FROM store.%s", tables[i]);
		char *truncate = printed("TRUNCATE store.%s", tables[i]);
		char *name =
		    printed("SELECT attname FROM pg_attribute WHERE attrelid = 'store.%s'::regclass AND attnum = 1", tables[i]);
		char *column = query_value(database, name);
		char *update = printed("UPDATE store.%s SET %s = %s", tables[i], column, column);
		expect_refused(database, insert, FOLLOWS);
		expect_refused(database, update, FOLLOWS);
		expect_refused(database, delete, FOLLOWS);
		expect_refused(database, truncate, FOLLOWS);
		free(insert), free(delete), free(truncate), free(name), free(column), free(update);
	}
}

#define ME "'00000000-0000-7000-8000-00000000e003'"

static void expect_links(const char *countries, const char *workstreams, const char *objectives, const char *topics,
                         const char *sort_at)
{
	expect_found(database,
	             "SELECT string_agg(country, ',' ORDER BY country) FROM store.engagement_country "
	             "WHERE engagement_id = " ME,
	             countries);
	expect_found(database,
	             "SELECT string_agg(workstream, ',' ORDER BY workstream) FROM store.engagement_workstream "
	             "WHERE engagement_id = " ME,
	             workstreams);
	expect_found(database,
	             "SELECT string_agg(workstream || '/' || objective, ',' ORDER BY objective) "
	             "FROM store.engagement_objective WHERE engagement_id = " ME,
	             objectives);
	expect_found(database,
	             "SELECT string_agg(topic, ',' ORDER BY topic) FROM store.engagement_topic "
	             "WHERE engagement_id = " ME,
	             topics);
	expect_found(database,
	             "SELECT string_agg(DISTINCT to_char(sort_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), ',') FROM ("
	             "SELECT sort_at FROM store.engagement_country WHERE engagement_id = " ME " UNION ALL "
	             "SELECT sort_at FROM store.engagement_workstream WHERE engagement_id = " ME " UNION ALL "
	             "SELECT sort_at FROM store.engagement_objective WHERE engagement_id = " ME " UNION ALL "
	             "SELECT sort_at FROM store.engagement_topic WHERE engagement_id = " ME " UNION ALL "
	             "SELECT sort_at FROM store.engagement_participant WHERE engagement_id = " ME " UNION ALL "
	             "SELECT sort_at FROM store.engagement WHERE id = " ME ") AS places",
	             sort_at);
}

static void test_links_follow_updates(void **state)
{
	(void)state;
	take_engagement(
	    (struct row){.id = ME,
	                 .countries = "'{US,CN}'",
	                 .topics = "'{kaesong,trade}'",
	                 .workstreams = "'[{\"code\": \"1.3\", \"objective\": \"1.3.2\"}, {\"code\": \"2.3\"}]'"});
	expect_done(database,
	            "INSERT INTO store.engagement_participant (id, engagement_id, position, principal_id, role, sort_at) "
	            "VALUES (store.uuid7(), " ME ", 1, '" ADMINISTRATOR "', 'chair', '1900-01-01Z')");
	expect_links("CN,US", "1.3,2.3", "1.3/1.3.2", "kaesong,trade", "2026-03-01 01:00");
	expect_done(database, "UPDATE store.engagement SET countries = '{JP,RU,US}' WHERE id = " ME);
	expect_links("JP,RU,US", "1.3,2.3", "1.3/1.3.2", "kaesong,trade", "2026-03-01 01:00");
	expect_done(database, "UPDATE store.engagement SET workstreams = '[{\"code\": \"2.3\", \"objective\": \"2.3.1\"}, "
	                      "{\"code\": \"2.3\", \"objective\": \"2.3.2\"}]' WHERE id = " ME);
	expect_links("JP,RU,US", "2.3", "2.3/2.3.1,2.3/2.3.2", "kaesong,trade", "2026-03-01 01:00");
	expect_done(database, "UPDATE store.engagement SET topics = '{energy}', title = 'Renamed' WHERE id = " ME);
	expect_links("JP,RU,US", "2.3", "2.3/2.3.1,2.3/2.3.2", "energy", "2026-03-01 01:00");
	expect_done(database, "UPDATE store.engagement SET starts_at = '2026-05-01T12:30:00Z' WHERE id = " ME);
	expect_links("JP,RU,US", "2.3", "2.3/2.3.1,2.3/2.3.2", "energy", "2026-05-01 12:30");
	/* Days begin in Seoul. */
	expect_done(database, "UPDATE store.engagement SET starts_at = NULL, starts_on = '2026-05-02', precision = 'day' "
	                      "WHERE id = " ME);
	expect_links("JP,RU,US", "2.3", "2.3/2.3.1,2.3/2.3.2", "energy", "2026-05-01 15:00");
	/* A refused change leaves everything as it was. */
	expect_refused(
	    database, "UPDATE store.engagement SET countries = '{KP}', topics = '{nothing-known}' WHERE id = " ME, FOREIGN);
	expect_links("JP,RU,US", "2.3", "2.3/2.3.1,2.3/2.3.2", "energy", "2026-05-01 15:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_engagement_needs_countries), cmocka_unit_test(test_engagement_needs_workstreams),
	    cmocka_unit_test(test_engagement_stands_in_time),  cmocka_unit_test(test_engagement_words),
	    cmocka_unit_test(test_participants_and_parties),   cmocka_unit_test(test_trail_is_kept),
	    cmocka_unit_test(test_link_tables_follow),         cmocka_unit_test(test_links_follow_updates),
	};
	return cmocka_run_group_tests_name("store", tests, store_setup, store_teardown);
}
