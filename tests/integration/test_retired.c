/* Retired: what becomes of all that named a workstream when a revision retires it: dialogues hand on what stands for
 * it, indicators stay on the roadmap; and codes are known to every daemon as soon as a revision is answered. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWER_MS = 20000, ROUNDS = 20, ASKING = 200 };

#define GONE(code) "{'workstream':'" code "','retire':true}"
#define NEW(code, phase) "{'workstream':'" code "','in_phase':" phase ",'title':'T','title_ko':'제목'}"
#define STEP(one, two) "{'from':'" one "','to':'" two "'}"

static long version = 1;

static void revise(const char *changes, const char *crosswalk)
{
	json_t *roadmap = call("roadmap.revise",
	                       json_of("{'based_on':%ld,'changes':[%s],'crosswalk':[%s]}", version, changes, crosswalk));
	assert_int_equal(at_integer(roadmap, "version"), ++version);
	json_decref(roadmap);
}

static json_t *log_in(const char *dialogue, const char *more)
{
	return json_of("{'title':'t','kind':'call','starts_on':'2020-01-01','dialogue_id':'%s'%s}", dialogue, more);
}

static void expect_links(const char *dialogue, const char *more, const char *links)
{
	json_t *record = call("engagement.log", log_in(dialogue, more)), *wanted = json_of("%s", links);
	if (!json_equal(at(record, "workstreams"), wanted))
		fail_msg("%s, not %s", json_dumps(at(record, "workstreams"), 0), links);
	json_decref(wanted);
	json_decref(record);
}

static void expect_retired(const char *dialogue, const char *more, const char *named)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, "engagement.log", log_in(dialogue, more), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "workstream_retired");
	assert_string_equal(at_string(error, "data.field"), "workstreams");
	assert_non_null(strstr(at_string(error, "message"), named));
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

static void test_dialogues_hand_on(void **state)
{
	char *dialogue = made("dialogue.create",
	                      json_of("{'title':'d','countries':['KP'],'workstreams':[{'code':'2.3','objective':'2.3.1',"
	                              "'contribution':'c'},'1.2',{'code':'2.1','objective':'2.1.2'}]}"));
	char *split = made("dialogue.create", json_of("{'title':'s','countries':['KP'],'workstreams':['1.2','3.3']}"));
	(void)state;
#define KEPT "{'code':'1.2'},{'code':'2.1','objective':'2.1.2'}]"
	expect_links(dialogue, "", "[{'code':'2.3','objective':'2.3.1','contribution':'c'}," KEPT);
	/* One successor stands for it; the objective was the old one's. */
	revise(GONE("2.3") "," NEW("2.4", "2") "," GONE("3.3") "," NEW("3.5", "3") "," NEW("3.6", "3"),
	       STEP("2.3", "2.4") "," STEP("3.3", "3.5") "," STEP("3.3", "3.6"));
	expect_links(dialogue, "", "[{'code':'2.4','contribution':'c'}," KEPT);
	/* Two do: somebody has to choose, and may. */
	expect_retired(split, "", "workstream 3.3 is no longer on the roadmap; use 3.5 or 3.6");
	expect_links(split, ",'workstreams':['3.6']", "[{'code':'3.6'}]");
	expect_retired(split, ",'workstreams':['3.3']", "3.5 or 3.6");
	expect_retired(dialogue, ",'workstreams':['2.3']", "use 2.4");
	/* Two that become one are one; and older steps lead on. */
	char *both = made("dialogue.create", json_of("{'title':'b','countries':['KP'],'workstreams':['2.4','2.2']}"));
	revise(GONE("2.4") "," GONE("3.5"), STEP("2.4", "2.2") "," STEP("3.5", "3.6"));
	expect_links(both, "", "[{'code':'2.2'}]");
	expect_links(dialogue, "", "[{'code':'2.2','contribution':'c'}," KEPT);
	expect_links(split, "", "[{'code':'1.2'},{'code':'3.6'}]");
	free(both), free(dialogue), free(split);
}

/* Where an indicator stands on a version of the roadmap: the codes of its workstreams. */
static void expect_indicator(long of, const char *codes)
{
	json_t *roadmap = call("roadmap.get", json_of("{'version':%ld}", of)), *phase, *workstream, *indicator;
	char found[100] = "";
	size_t i, j, k;
	json_array_foreach(at(roadmap, "phases"), i, phase)
		json_array_foreach(at(phase, "workstreams"), j, workstream)
			json_array_foreach(at(workstream, "indicators"), k, indicator) {
				assert_string_equal(at_string(indicator, "code"), "1.1/support");
				strcat(found, *found ? " " : "");
				strcat(found, at_string(workstream, "code"));
			}
	assert_string_equal(found, codes);
	json_decref(roadmap);
}

static void expect_progress(const char *codes)
{
	json_t *progress = call("roadmap.progress", NULL), *item;
	char found[100] = "";
	size_t i;
	json_array_foreach(at(progress, "items"), i, item)
		if (json_array_size(at(item, "indicators")) > 0) {
			assert_string_equal(at_string(item, "indicators.0.latest.as_of"), "2020-03-01");
			strcat(found, *found ? " " : "");
			strcat(found, at_string(item, "code"));
		}
	assert_string_equal(found, codes);
	json_decref(progress);
}

static void test_indicators_stay(void **state)
{
	(void)state;
	long first = version;
	json_decref(
	    call("indicator.record", json_of("{'indicator':'1.1/support','value':55,'as_of':'2020-03-01','source':'s'}")));
	expect_indicator(first, "1.1");
	revise(GONE("1.1") "," NEW("1.4", "1") "," NEW("1.5", "1"), STEP("1.1", "1.4") "," STEP("1.1", "1.5"));
	expect_indicator(version, "1.4 1.5");
	expect_progress("1.4 1.5");
	revise(GONE("1.5") "," NEW("2.5", "2"), STEP("1.5", "2.5"));
	expect_indicator(version, "1.4 2.5");
	expect_progress("1.4 2.5");
	/* Older versions say what they said. */
	expect_indicator(version - 1, "1.4 1.5");
	expect_indicator(first, "1.1");
	expect_indicator(1, "1.1");
}

static void expect_code(struct client *one, const char *code)
{
	json_decref(checked_result(one, "engagement.history", json_of("{'workstream':'%s'}", code)));
	json_decref(checked_result(one, "engagement.history", json_of("{'objective':'%s.1'}", code)));
}

/* Answered is known: by the daemon that carried it out, and by another one. */
static void test_new_codes_are_known(void **state)
{
	struct harness *first = *state, second;
	struct client other;
	char dsn[256], code[24];
	harness_init_empty(&second);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         first->state);
	second.settings[0] = dsn;
	harness_start(&second);
	harness_await(&second);
	client_open(&other, &second);
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(code, sizeof code, "7.%d", i + 1);
		json_decref(
		    call("roadmap.revise",
		         json_of("{'based_on':%ld,'changes':[{'workstream':'%s','in_phase':3,'title':'T','title_ko':'가'},"
		                 "{'objective':'%s.1','text':'t','text_ko':'가'}]}",
		                 version++, code, code)));
		expect_code(i % 2 ? &client : &other, code);
		expect_code(i % 2 ? &other : &client, code);
	}
	client_close(&other);
	harness_release(&second);
}

/* And when no daemon was ever told. */
static void add_code(const char *code)
{
	char sql[400];
	snprintf(sql, sizeof sql,
	         "INSERT INTO store.workstream VALUES ('%s'); INSERT INTO store.workstream_now VALUES ('%s', '%s');"
	         "INSERT INTO store.workstream_edition SELECT max(version), '%s', 3, 'T', '가' FROM store.roadmap_version",
	         code, code, code, code);
	free(harness_query(harness, sql));
}

static void test_codes_that_nobody_told(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'C','country':'KP'}"));
	(void)state;
	add_code("8.1");
	/* All else that is normalised by the first check passes the second: short forms, parties, times, the request's id.
	 */
	json_t *record = call(
	    "engagement.log",
	    json_of(
	        "{'request_id':'019b1c00-7777-7000-8000-000000000001','title':'t','kind':'call','starts_at':"
	        "'2020-01-01T09:00:00+09:00','countries':['KP'],'workstreams':['8.1'],'agenda':['short'],'location':null,"
	        "'commitments':[{'by':'%s','to':'KR','text':'t'},{'by':{'contact_id':'%s'},'text':'t'}]}",
	        contact, contact));
	assert_string_equal(at_string(record, "workstreams.0.code"), "8.1");
	assert_string_equal(at_string(record, "commitments.0.by.contact_id"), contact);
	assert_string_equal(at_string(record, "starts_at"), "2020-01-01T00:00:00Z");
	json_t *again = call("engagement.history", json_of("{'workstream':'8.1'}"));
	assert_int_equal(json_array_size(at(again, "items")), 1);
	/* What is wrong beside an unknown code is told once, with it. */
	checked_faults(
	    &client, "engagement.log",
	    json_of("{'request_id':'1','title':'t','kind':'call','starts_on':'2020-13-01','countries':['KP','XX'],"
	            "'workstreams':['8.2'],'commitments':[{'by':'%s','text':'t'}]}",
	            contact),
	    "request_id starts_on countries[1] workstreams[0].code");
	add_code("8.2");
	checked_faults(&client, "engagement.history", json_of("{'workstream':'8.2','limit':0}"), "limit");
	json_decref(again), json_decref(record);
	free(contact);
}

/* However many ask for what there is not, each is told so, in a batch at its place, and the daemon serves others. */
static void test_many_unknown(void **state)
{
	struct client many;
	(void)state;
	client_open(&many, harness);
	for (int i = 0; i < ASKING; i++) {
		char line[200];
		snprintf(line, sizeof line,
		         "[{\"jsonrpc\":\"2.0\",\"id\":\"a%d\",\"method\":\"engagement.history\",\"params\":{\"workstream\":"
		         "\"9.%d\"}},{\"jsonrpc\":\"2.0\",\"id\":\"b%d\",\"method\":\"system.ping\"}]",
		         i, i + 1, i);
		assert_true(client_send_line(&many, line));
	}
	json_decref(call("engagement.history", json_of("{'workstream':'1.2'}")));
	for (int i = 0; i < ASKING; i++) {
		json_t *answers = client_read(&many, ANSWER_MS);
		assert_int_equal(json_array_size(answers), 2);
		assert_string_equal(at_string(answers, "0.error.data.code"), "invalid_params");
		assert_string_equal(at_string(answers, "0.error.data.errors.0.field"), "workstream");
		assert_memory_equal(at_string(answers, "0.id"), "a", 1);
		assert_non_null(at(answers, "1.result.pong"));
		json_decref(answers);
	}
	client_close(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dialogues_hand_on),   cmocka_unit_test(test_indicators_stay),
	    cmocka_unit_test(test_new_codes_are_known), cmocka_unit_test(test_codes_that_nobody_told),
	    cmocka_unit_test(test_many_unknown),
	};
	return cmocka_run_group_tests_name("retired", tests, single_setup, single_teardown);
}
