/* Concerns: what a side raised, how often, and whether it was answered, through all that may happen to them; and the
 * list of them, in one order while they are raised again. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADMINISTRATOR "00000000-0000-7000-8000-000000000001"
#define NOBODY "019b1c00-ffff-7000-8000-000000000001"

enum { CONCERNS = 31, PAGE = 4, RACES = 30, ANSWER_MS = 20000 };

/* A day so many days from today in Seoul. */
static const char *day(int from_today)
{
	static char days[4][11];
	static unsigned last;
	char sql[100];
	snprintf(sql, sizeof sql, "SELECT (now() AT TIME ZONE 'Asia/Seoul')::date + %d", from_today);
	char *text = harness_query(harness, sql);
	snprintf(days[++last % 4], sizeof days[0], "%.10s", text);
	free(text);
	return days[last % 4];
}

static char *engaged(const char *on)
{
	return made("engagement.log",
	            json_of("{'title':'A talk','kind':'meeting','starts_on':'%s','status':'held','countries':['MN'],"
	                    "'workstreams':['1.3']}",
	                    on));
}

static void refuse_rule(const char *method, json_t *params, const char *rule)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, method, params, 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), rule);
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

/* What a concern shows: its status, and how often it was raised and answered. */
static void expect(json_t *concern, const char *status, long raised, long answered)
{
	assert_string_equal(at_string(concern, "status"), status);
	assert_int_equal(at_integer(concern, "times_raised"), raised);
	assert_int_equal(at_integer(concern, "times_answered"), answered);
	json_decref(concern);
}

static void test_raise(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Батбаяр','country':'MN'}")),
	     *there = engaged("2020-05-01");
	(void)state;
	checked_faults(&client, "concern.raise", json_of("{'text':'t'}"), "country");
	checked_faults(&client, "concern.raise", json_of("{'text':'t','country':'MN','contact_id':'%s'}", contact),
	               "country");
	checked_faults(&client, "concern.raise", json_of("{'country':'MN'}"), "text");
	checked_refused(&client, "concern.raise", json_of("{'text':'t','contact_id':'" NOBODY "'}"), 404, "not_found",
	                "contact_id");
	checked_refused(&client, "concern.raise", json_of("{'text':'t','country':'MN','to':'" NOBODY "'}"), 404,
	                "not_found", "to");
	checked_refused(&client, "concern.raise", json_of("{'text':'t','country':'MN','engagement_id':'" NOBODY "'}"), 404,
	                "not_found", "engagement_id");
	/* Today may be, tomorrow not, be it named or the engagement's. */
	refuse_rule("concern.raise", json_of("{'text':'t','country':'MN','raised_on':'%s'}", day(1)), "not_yet");
	char *ahead = engaged(day(1));
	refuse_rule("concern.raise", json_of("{'text':'t','country':'MN','engagement_id':'%s'}", ahead), "not_yet");
	json_decref(call("concern.raise", json_of("{'text':'t','country':'MN','raised_on':'%s'}", day(0))));
	json_t *concern = call("concern.raise", json_of("{'text':'t','country':'MN'}"));
	assert_string_equal(at_string(concern, "first_raised_on"), day(0));
	json_decref(concern);
	concern =
	    call("concern.raise", json_of("{'text':'무엇보다 안전','contact_id':'%s','to':'KR','topic':'gers-and-yaks',"
	                                  "'engagement_id':'%s'}",
	                                  contact, there));
	assert_string_equal(at_string(concern, "country"), "MN");
	assert_string_equal(at_string(concern, "name"), "Батбаяр");
	assert_string_equal(at_string(concern, "to.country"), "KR");
	assert_string_equal(at_string(concern, "topic"), "gers-and-yaks");
	assert_string_equal(at_string(concern, "last_raised_on"), "2020-05-01");
	assert_string_equal(at_string(concern, "raised.0.engagement_id"), there);
	json_t *same = call("concern.get", json_of("{'id':'%s'}", at_string(concern, "id")));
	assert_true(json_equal(same, concern));
	json_decref(same);
	checked_refused(&client, "concern.get", json_of("{'id':'" NOBODY "'}"), 404, "not_found", "id");
	expect(concern, "open", 1, 0);
	free(contact), free(there), free(ahead);
}

/* Raised and answered by turns; returns its id, at version 4, to be freed. */
static char *raised_and_answered(const char *first, const char *second)
{
	char *officer = made("principal.create", json_of("{'name':'Answering','role':'officer'}"));
	char *id = made("concern.raise", json_of("{'text':'t','country':'MN','engagement_id':'%s'}", first));
	/* An answer comes after the concern, on the same day at the earliest. */
	refuse_rule("concern.answer", json_of("{'id':'%s','version':1,'text':'a','answered_on':'2020-04-30'}", id),
	            "answered_before_raised");
	refuse_rule("concern.answer", json_of("{'id':'%s','version':1,'text':'a','answered_on':'%s'}", id, day(1)),
	            "not_yet");
	checked_refused(&client, "concern.answer", json_of("{'id':'%s','version':1,'text':'a','by':'" NOBODY "'}", id), 404,
	                "not_found", "by");
	checked_refused(&client, "concern.answer", json_of("{'id':'" NOBODY "','version':1,'text':'a'}"), 404, "not_found",
	                "id");
	json_t *concern =
	    call("concern.answer",
	         json_of("{'id':'%s','version':1,'text':'a','engagement_id':'%s','by':'%s'}", id, first, officer));
	assert_string_equal(at_string(concern, "answers.0.answered_on"), "2020-05-01");
	assert_string_equal(at_string(concern, "answers.0.by"), officer);
	assert_string_equal(at_string(concern, "answers.0.recorded_by"), ADMINISTRATOR);
	assert_int_equal(at_integer(concern, "version"), 2);
	expect(concern, "answered", 1, 1);
	json_decref(checked_error(&client, "concern.answer", json_of("{'id':'%s','version':1,'text':'b'}", id), 409,
	                          "stale_version"));
	/* Raised again it is open again, once an engagement; answered again it is answered. */
	refuse_rule("concern.repeat", json_of("{'id':'%s','engagement_id':'%s'}", id, first), "raised_there");
	checked_refused(&client, "concern.repeat", json_of("{'id':'" NOBODY "'}"), 404, "not_found", "id");
	concern = call("concern.repeat", json_of("{'id':'%s','engagement_id':'%s','text':'louder'}", id, second));
	assert_string_equal(at_string(concern, "first_raised_on"), "2020-05-01");
	assert_string_equal(at_string(concern, "last_raised_on"), "2020-06-01");
	assert_string_equal(at_string(concern, "raised.1.text"), "louder");
	expect(concern, "open", 2, 1);
	expect(call("concern.answer", json_of("{'id':'%s','version':3,'text':'b'}", id)), "answered", 2, 2);
	free(officer);
	return id;
}

static void test_way_of_a_concern(void **state)
{
	char *first = engaged("2020-05-01"), *second = engaged("2020-06-01"), *id = raised_and_answered(first, second);
	json_t *concern = call("concern.get", json_of("{'id':'%s'}", id));
	(void)state;
	char *answer = strdup(at_string(concern, "answers.1.id")), *raised = strdup(at_string(concern, "raised.1.id")),
	     *only = strdup(at_string(concern, "raised.0.id"));
	expect(concern, "answered", 2, 2);
	/* What is withdrawn counts no more, and stays on record. */
	checked_refused(&client, "concern.update",
	                json_of("{'id':'%s','version':4,'answers_remove':['%s','" NOBODY "']}", id, answer), 404,
	                "not_found", "answers_remove[1]");
	concern = call("concern.update", json_of("{'id':'%s','version':4,'answers_remove':['%s']}", id, answer));
	assert_int_equal(json_array_size(at(concern, "answers")), 2);
	assert_true(json_is_string(at(concern, "answers.1.withdrawn_at")));
	expect(concern, "open", 2, 1);
	checked_refused(&client, "concern.update", json_of("{'id':'%s','version':5,'answers_remove':['%s']}", id, answer),
	                404, "not_found", "answers_remove[0]");
	refuse_rule("concern.update", json_of("{'id':'%s','version':5,'raised_remove':['%s','%s']}", id, raised, only),
	            "at_least_once");
	expect(call("concern.update", json_of("{'id':'%s','version':5,'raised_remove':['%s']}", id, raised)), "answered", 1,
	       1);
	refuse_rule("concern.update", json_of("{'id':'%s','version':6,'raised_remove':['%s']}", id, only), "at_least_once");
	/* There it can be recorded anew now. */
	expect(call("concern.repeat", json_of("{'id':'%s','engagement_id':'%s'}", id, second)), "open", 2, 1);
	expect(call("concern.update", json_of("{'id':'%s','version':7,'withdrawn':true,'text':'u','topic':'yaks'}", id)),
	       "withdrawn", 2, 1);
	concern = call("concern.update", json_of("{'id':'%s','version':8,'withdrawn':false,'topic':null}", id));
	assert_string_equal(at_string(concern, "text"), "u");
	assert_true(json_is_null(at(concern, "topic")));
	expect(concern, "open", 2, 1);
	/* What took place at an engagement that is void did not take place. */
	json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", second)));
	expect(call("concern.get", json_of("{'id':'%s'}", id)), "answered", 1, 1);
	json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", first)));
	expect(call("concern.get", json_of("{'id':'%s'}", id)), "open", 0, 0);
	json_t *page = call("concern.list", json_of("{'engagement_id':'%s'}", first));
	assert_int_equal(json_array_size(at(page, "items")), 0);
	json_decref(page);
	free(first), free(second), free(id), free(answer), free(raised), free(only);
}

static void test_filters(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Listed','country':'KZ'}")), *there = engaged("2010-03-01");
	char *ids[4] = {
	    made("concern.raise", json_of("{'text':'one','country':'KZ','topic':'energy','raised_on':'2010-01-01'}")),
	    made("concern.raise", json_of("{'text':'two','contact_id':'%s','engagement_id':'%s'}", contact, there)),
	    made("concern.raise", json_of("{'text':'three','country':'KZ','raised_on':'2010-02-01'}")),
	    made("concern.raise", json_of("{'text':'four','country':'KZ','topic':'energy','raised_on':'2009-01-01'}"))};
	(void)state;
	json_decref(call("concern.repeat", json_of("{'id':'%s','raised_on':'2012-01-01'}", ids[2])));
	json_decref(
	    call("concern.answer", json_of("{'id':'%s','version':1,'text':'a','answered_on':'2010-05-01'}", ids[0])));
	json_decref(
	    call("concern.answer", json_of("{'id':'%s','version':2,'text':'a','answered_on':'2011-05-01'}", ids[2])));
	json_decref(call("concern.update", json_of("{'id':'%s','version':1,'withdrawn':true}", ids[3])));
	/* Each filter, and the texts it leaves, in their order: the most often raised, then the longest known. */
	const struct {
		const char *params, *texts;
	} filters[] = {{"'country':'KZ'", "three four one two "},
	               {"'country':'KZ','status':'open'", "three two "},
	               {"'country':'KZ','status':'answered'", "one "},
	               {"'country':'KZ','status':'withdrawn'", "four "},
	               {"'country':'KZ','never_answered':true", "four two "},
	               {"'country':'KZ','never_answered':false", "three one "},
	               {"'country':'KZ','topic':'energy'", "four one "},
	               {"'country':'KZ','topic':'kaesong'", ""},
	               {"'country':'KZ','since':'2012-01-01'", "three "},
	               {"'country':'KZ','since':'2012-01-02'", ""},
	               {"'country':'KZ','until':'2010-02-01'", "four one "},
	               {"'country':'KZ','until':'2010-02-02'", "three four one "},
	               {"'country':'KZ','since':'2010-01-01','until':'2010-02-01'", "one "}};
	for (size_t i = 0; i < sizeof filters / sizeof *filters + 2; i++) {
		bool by_filter = i < sizeof filters / sizeof *filters;
		json_t *item,
		    *page = call("concern.list", by_filter ? json_of("{%s}", filters[i].params)
		                                           : json_of("{'%s':'%s'}", i % 2 ? "contact_id" : "engagement_id",
		                                                     i % 2 ? contact : there));
		char texts[100] = "";
		size_t j;
		json_array_foreach(at(page, "items"), j, item) {
			strcat(texts, at_string(item, "text"));
			strcat(texts, " ");
		}
		assert_string_equal(texts, by_filter ? filters[i].texts : "two ");
		json_decref(page);
	}
	checked_faults(&client, "concern.list", json_of("{'since':'2010-01-02','until':'2010-01-01'}"), "until");
	for (size_t i = 0; i < 4; i++)
		free(ids[i]);
	free(contact), free(there);
}

/* Page by page, while those not yet seen are raised again and would come first now: each once, in the order of before.
 */
static void test_pages(void **state)
{
	char *ids[CONCERNS], *cursor = NULL;
	json_t *seen = json_object(), *item;
	long times = 1000;
	char first[11] = "";
	(void)state;
	for (int i = 0; i < CONCERNS; i++) {
		ids[i] = made("concern.raise", json_of("{'text':'t','country':'UZ','raised_on':'2001-01-%02d'}", 1 + i % 5));
		for (int j = 0; j < i % 3; j++)
			json_decref(call("concern.repeat", json_of("{'id':'%s','raised_on':'2002-01-%02d'}", ids[i], 1 + j)));
	}
	do {
		json_t *params = json_of("{'country':'UZ','limit':%d}", PAGE), *page;
		if (cursor)
			json_object_set_new(params, "cursor", json_string(cursor));
		page = call("concern.list", params);
		free(cursor);
		cursor = json_is_null(at(page, "next_cursor")) ? NULL : strdup(at_string(page, "next_cursor"));
		size_t i;
		json_array_foreach(at(page, "items"), i, item) {
			assert_null(json_object_get(seen, at_string(item, "id")));
			json_object_set_new(seen, at_string(item, "id"), json_true());
			if (json_object_size(seen) > PAGE)
				continue;
			/* The order shows on the first page. */
			assert_true(
			    at_integer(item, "times_raised") < times ||
			    (at_integer(item, "times_raised") == times && strcmp(at_string(item, "first_raised_on"), first) >= 0));
			times = at_integer(item, "times_raised");
			snprintf(first, sizeof first, "%s", at_string(item, "first_raised_on"));
		}
		for (i = 0; i < CONCERNS; i += 4)
			json_decref(call("concern.repeat", json_of("{'id':'%s','raised_on':'2000-01-01'}", ids[i])));
		json_decref(page);
	} while (cursor);
	assert_int_equal(json_object_size(seen), CONCERNS);
	json_decref(seen);
	for (size_t i = 0; i < CONCERNS; i++)
		free(ids[i]);
}

/* Two who record the same engagement at the same time: it counts once. */
static void test_race(void **state)
{
	struct client other, *both[2] = {&client, &other};
	char *id = made("concern.raise", json_of("{'text':'t','country':'TM'}"));
	(void)state;
	client_open(&other, harness);
	for (long round = 1; round <= RACES; round++) {
		char *there = engaged("2020-05-01"), *text;
		long refused = 0;
		assert_true(asprintf(&text,
		                     "{\"jsonrpc\":\"2.0\",\"method\":\"concern.repeat\",\"id\":1,\"params\":{\"id\":\"%s\","
		                     "\"engagement_id\":\"%s\"}}",
		                     id, there) > 0);
		for (size_t i = 0; i < 2; i++)
			assert_true(client_send_line(both[i], text));
		for (size_t i = 0; i < 2; i++) {
			json_t *answer = client_read(both[i], ANSWER_MS);
			if (at(answer, "error")) {
				assert_string_equal(at_string(answer, "error.data.rule"), "raised_there");
				refused++;
			}
			json_decref(answer);
		}
		assert_int_equal(refused, 1);
		json_t *concern = call("concern.get", json_of("{'id':'%s'}", id));
		assert_int_equal(at_integer(concern, "version"), 1 + round);
		expect(concern, "open", 1 + round, 0);
		free(there), free(text);
	}
	client_close(&other);
	free(id);
}

/* What is wrong is wrong for everybody, psql included. */
static void test_constraints(void **state)
{
#define CONCERN                                                                                                        \
	"INSERT INTO store.concern (id, created_by, body, country, contact_id, to_country, to_principal_id) VALUES "
#define BY "(store.uuid7(), '" ADMINISTRATOR "', "
#define RAISED                                                                                                         \
	"INSERT INTO store.concern_raised (id, recorded_by, concern_id, raised_on, engagement_id) SELECT store.uuid7(), "  \
	"'" ADMINISTRATOR "', c.id, "
	static const struct {
		const char *sql, *state; /* "" when it is taken */
	} cases[] = {
	    {CONCERN BY "'t', 'MN', NULL, NULL, NULL)", ""},
	    {CONCERN BY "'t', 'MN', NULL, 'KR', NULL)", ""},
	    {CONCERN BY "'t', NULL, NULL, NULL, NULL)", "23514"},
	    {CONCERN BY "'t', 'MN', (SELECT id FROM store.contact LIMIT 1), NULL, NULL)", "23514"},
	    {CONCERN BY "'t', 'MN', NULL, 'KR', '" ADMINISTRATOR "')", "23514"},
	    {CONCERN BY "'', 'MN', NULL, NULL, NULL)", "23514"},
	    {CONCERN BY "'t', 'XX', NULL, NULL, NULL)", "23503"},
	    {RAISED "'2020-01-01', NULL FROM store.concern c LIMIT 1", ""},
	    {RAISED "'2020-01-01', NULL FROM store.concern c LIMIT 1", ""},
	    {RAISED "'infinity', NULL FROM store.concern c LIMIT 1", "23514"},
	    {RAISED "'2020-01-01', e.id FROM (SELECT min(id::text)::uuid AS id FROM store.concern) AS c, "
	            "(SELECT min(id::text)::uuid AS id FROM store.engagement) AS e, generate_series(1, 2)",
	     "23505"},
	    {RAISED "'2020-01-01', store.uuid7() FROM store.concern c LIMIT 1", "23503"},
	    {"INSERT INTO store.concern_answer (id, concern_id, answered_on, body, by_id, recorded_by) SELECT "
	     "store.uuid7(),"
	     " id, '-infinity', 't', created_by, created_by FROM store.concern LIMIT 1",
	     "23514"},
	    {"DELETE FROM store.concern WHERE id IN (SELECT concern_id FROM store.concern_raised)", "23503"},
	};
	PGconn *database = harness_database(harness);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PGresult *result = PQexec(database, cases[i].sql);
		const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		if (strcmp(found ? found : "", cases[i].state) != 0)
			fail_msg("%s: %s", cases[i].sql, PQresultErrorMessage(result));
		PQclear(result);
	}
	PQfinish(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_raise),   cmocka_unit_test(test_way_of_a_concern),
	    cmocka_unit_test(test_filters), cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_race),    cmocka_unit_test(test_constraints),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
