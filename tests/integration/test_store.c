/* Store: what the database itself makes impossible, for whoever writes; who sees what; the roadmap; and the ways of
 * history through its indexes. Most statements here are a superuser's: what stops them stops everybody. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ADMINISTRATOR "00000000-0000-7000-8000-000000000001"
#define OTHER "00000000-0000-7000-8000-0000000000b0"
#define READER "00000000-0000-7000-8000-0000000000c0"

static PGconn *database;
static char schema[64];

static char *printed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	assert_true(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	return text;
}

static void expect_done(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	PQclear(result);
}

/* Refused with this SQLSTATE, and nothing else will do. */
static void expect_refused(PGconn *connection, const char *sql, const char *state)
{
	PGresult *result = PQexec(connection, sql);
	const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!found)
		fail_msg("this was done, and ought to be refused: %s", sql);
	if (strcmp(found, state) != 0)
		fail_msg("%s: SQLSTATE %s instead of %s: %s", sql, found, state, PQresultErrorMessage(result));
	PQclear(result);
}

static char *value(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	char *text;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	text = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return text;
}

static void expect_found(PGconn *connection, const char *sql, const char *expected)
{
	char *found = value(connection, sql);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", sql, found, expected);
	free(found);
}

static PGconn *connect_as(const struct harness *harness, const char *user)
{
	char *dsn = printed("host=%s/postgres/socket dbname=tracktwo user=%s connect_timeout=10", harness->state, user);
	PGconn *connection = PQconnectdb(dsn);
	if (PQstatus(connection) != CONNECTION_OK)
		fail_msg("%s: %s", user, PQerrorMessage(connection));
	free(dsn);
	return connection;
}

/* A session of the owner, without an identity. */
static PGconn *connect_as_owner(const struct harness *harness)
{
	PGconn *connection = connect_as(harness, "tracktwo_admin");
	expect_done(connection, "SET ROLE tracktwo_owner");
	return connection;
}

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

#define NOT_NULL "23502"
#define FOREIGN "23503"
#define UNIQUE "23505"
#define CHECKED "23514"
#define FORBIDDEN "42501"
#define APPEND_ONLY "T2001"
#define FOLLOWS "T2002"

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
	static const char *const tables[] = {
	    "dialogue_country",     "dialogue_workstream", "engagement_country", "engagement_workstream",
	    "engagement_objective", "engagement_topic",    "contact_key"};
	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		char *insert = printed("INSERT INTO store.%s DEFAULT VALUES", tables[i]);
		char *delete = printed("DELETE FROM store.%s", tables[i]);
		char *truncate = printed("TRUNCATE store.%s", tables[i]);
		char *name =
		    printed("SELECT attname FROM pg_attribute WHERE attrelid = 'store.%s'::regclass AND attnum = 1", tables[i]);
		char *column = value(database, name);
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
	expect_found(database,
	             "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = "
	             "'store'::regnamespace AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)",
	             "contact_key country crosswalk indicator migration objective objective_edition phase roadmap_version "
	             "secret topic "
	             "workstream workstream_edition workstream_now");
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

static void test_roadmap_counts(void **state)
{
	struct client client;
	size_t phases = 0, workstreams = 0, objectives = 0, i, j, k;
	json_t *phase, *workstream, *objective;
	char code[64];
	client_open(&client, *state);
	json_t *roadmap = client_result(&client, "roadmap.get", NULL);
	assert_int_equal(at_integer(roadmap, "version"), 1);
	json_array_foreach(at(roadmap, "phases"), i, phase)
	{
		assert_int_equal(at_integer(phase, "number"), ++phases);
		json_array_foreach(at(phase, "workstreams"), j, workstream)
		{
			workstreams++;
			snprintf(code, sizeof code, "%zu.%zu", i + 1, j + 1);
			assert_string_equal(at_string(workstream, "code"), code);
			json_array_foreach(at(workstream, "objectives"), k, objective)
			{
				objectives++;
				snprintf(code, sizeof code, "%zu.%zu.%zu", i + 1, j + 1, k + 1);
				assert_string_equal(at_string(objective, "code"), code);
			}
		}
	}
	assert_int_equal(phases, 3);
	assert_int_equal(workstreams, 10);
	assert_int_equal(objectives, 23);
	json_t *indicators = at(roadmap, "phases.0.workstreams.0.indicators");
	assert_int_equal(json_array_size(indicators), 1);
	assert_true(json_number_value(at(indicators, "0.target")) == 60.0);
	assert_string_equal(at_string(indicators, "0.direction"), "at-least");
	json_decref(roadmap);
	client_close(&client);
}

/* shared/roadmap.txt beside the checkout; NULL when it is not there. */
static FILE *roadmap_text(void)
{
	char path[4200];
	ssize_t length = readlink("/proc/self/exe", path, 4096);
	assert_true(length > 0);
	path[length] = '\0';
	for (char *slash; (slash = strrchr(path, '/')) && slash > path;) {
		strcpy(slash, "/shared/roadmap.txt");
		FILE *file = fopen(path, "r");
		if (file)
			return file;
		*slash = '\0';
	}
	return NULL;
}

/* Without the blanks around it, no-break spaces included. */
static char *trimmed(char *line)
{
	char *end = line + strlen(line);
	for (;;) {
		if (end > line && strchr(" \t\r\n", end[-1]))
			*--end = '\0';
		else if (end > line + 1 && memcmp(end - 2, "\u00a0", 2) == 0)
			*(end -= 2) = '\0';
		else
			return line + strspn(line, " \t");
	}
}

/* Read as people read it: a phase's line, a workstream's line ending in a colon, the objectives behind bullets. */
static void test_roadmap_word_for_word(void **state)
{
	static const char bullet[] = "• ";
	char buffer[1024], title[512];
	int phase = -1, workstream = -1, objective = 0, compared = 0;
	struct client client;
	FILE *file = roadmap_text();
	if (!file)
		return;
	client_open(&client, *state);
	json_t *roadmap = client_result(&client, "roadmap.get", NULL);
	while (fgets(buffer, sizeof buffer, file) && !strstr(buffer, "Long-Term Process")) {
		char *line = trimmed(buffer), path[96];
		size_t length = strlen(line);
		int number, least, most, read = 0;
		if (sscanf(line, "Phase %d: %511[^(](Estimated timeframe: %d%n", &number, title, &least, &read) == 3 && read) {
			assert_int_equal(number, ++phase + 1);
			workstream = -1;
			snprintf(path, sizeof path, "phases.%d", phase);
			json_t *found = at(roadmap, path);
			assert_string_equal(at_string(found, "title"), trimmed(title));
			assert_int_equal(at_integer(found, "estimate_years.min"), least);
			if (sscanf(line + read, "-%d years)", &most) == 1)
				assert_int_equal(at_integer(found, "estimate_years.max"), most);
			else
				assert_true(strcmp(line + read, "+ years)") == 0 && json_is_null(at(found, "estimate_years.max")));
		} else if (phase >= 0 && strncmp(line, bullet, strlen(bullet)) == 0) {
			snprintf(path, sizeof path, "phases.%d.workstreams.%d.objectives.%d.text", phase, workstream, objective++);
			assert_string_equal(at_string(roadmap, path), line + strlen(bullet));
			compared++;
		} else if (phase >= 0 && length > 1 && line[length - 1] == ':') {
			line[length - 1] = '\0';
			workstream++;
			objective = 0;
			snprintf(path, sizeof path, "phases.%d.workstreams.%d.title", phase, workstream);
			assert_string_equal(at_string(roadmap, path), line);
			compared++;
		} else if (phase >= 0 && length > 0) {
			fail_msg("a line that is neither phase nor workstream nor objective: %s", line);
		}
	}
	fclose(file);
	assert_int_equal(phase, 2);
	assert_int_equal(compared, 10 + 23);
	json_decref(roadmap);
	client_close(&client);
}

static char *plan;

/* Keeps the plan of the statement that finds the keys of a page. */
static void on_notice(void *context, const char *message)
{
	(void)context;
	if (strstr(message, "Query Text") && strstr(message, "AS page")) {
		free(plan);
		plan = strdup(message);
	}
}

/* The plan of one page of history, of the very statement that the function runs. */
static const char *history_plan(PGconn *connection, const char *filter, const char *value_text, const char *order)
{
	static const char *const names[] = {
	    "country",     "countries_all", "workstream",      "objective", "phase", "topic", "kind",  "track",  "status",
	    "dialogue_id", "contact_id",    "organization_id", "owner",     "since", "until", "order", "cursor", "limit"};
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

static void test_history_walks_indexes(void **state)
{
	PGconn *connection = harness_database(*state);
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

static int open_store(void **state)
{
	if (harness_group_setup(state) != 0)
		return -1;
	database = harness_database(*state);
	expect_done(database, "SET client_min_messages = warning");
	char *name = value(database, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$'");
	snprintf(schema, sizeof schema, "%s", name);
	free(name);
	return 0;
}

static int close_store(void **state)
{
	PQfinish(database);
	return harness_group_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_engagement_needs_countries),
	    cmocka_unit_test(test_engagement_needs_workstreams),
	    cmocka_unit_test(test_engagement_stands_in_time),
	    cmocka_unit_test(test_engagement_words),
	    cmocka_unit_test(test_participants_and_parties),
	    cmocka_unit_test(test_trail_is_kept),
	    cmocka_unit_test(test_link_tables_follow),
	    cmocka_unit_test(test_links_follow_updates),
	    cmocka_unit_test(test_owner_without_identity_sees_nothing),
	    cmocka_unit_test(test_private_notes),
	    cmocka_unit_test(test_run_time_role),
	    cmocka_unit_test(test_granted_functions),
	    cmocka_unit_test(test_roadmap_counts),
	    cmocka_unit_test(test_roadmap_word_for_word),
	    cmocka_unit_test(test_history_walks_indexes),
	    cmocka_unit_test(test_record_references_are_indexed),
	};
	return cmocka_run_group_tests_name("store", tests, open_store, close_store);
}
