/* Races: of two who change the same engagement at the same time one learns that the other was first, and nothing of
 * what either adds is lost. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What engagement.log needs, without braces. */
#define PLACED "'title':'A talk','kind':'meeting','starts_on':'2020-05-01','countries':['KP'],'workstreams':['1.2']"

enum { ANSWER_MS = 20000, RACES = 100, GATHERINGS = 50 };

/* Sends the same call with a member of its own over each connection at the same time; the answers in that order. */
static void race(struct client *other, const char *method, json_t *const params[2], json_t *answers[2])
{
	struct client *clients[2] = {&client, other};
	for (size_t i = 0; i < 2; i++) {
		json_t *request =
		    json_pack("{s:s, s:s, s:O, s:i}", "jsonrpc", "2.0", "method", method, "params", params[i], "id", 1);
		char *text = json_dumps(request, JSON_COMPACT);
		assert_true(client_send_line(clients[i], text));
		free(text);
		json_decref(request);
	}
	for (size_t i = 0; i < 2; i++)
		answers[i] = client_read(clients[i], ANSWER_MS);
}

static void test_two_at_once(void **state)
{
	struct client other;
	char *id = made("engagement.log", json_of("{" PLACED "}"));
	(void)state;
	client_open(&other, harness);
	for (long version = 1; version <= RACES; version++) {
		json_t *answers[2],
		    *params[2] = {json_of("{'id':'%s','version':%ld,'readout':'one %ld'}", id, version, version),
		                  json_of("{'id':'%s','version':%ld,'readout':'two %ld'}", id, version, version)};
		race(&other, "engagement.update", params, answers);
		size_t winner = at(answers[0], "result") ? 0 : 1;
		assert_int_equal(at_integer(answers[winner], "result.version"), version + 1);
		assert_int_equal(at_integer(answers[1 - winner], "error.code"), 409);
		assert_string_equal(at_string(answers[1 - winner], "error.data.code"), "stale_version");
		assert_int_equal(at_integer(answers[1 - winner], "error.data.version"), version + 1);
		json_t *now = call("engagement.get", json_of("{'id':'%s'}", id));
		assert_true(json_equal(at(answers[winner], "result"), now));
		assert_string_equal(at_string(now, "readout"), at_string(params[winner], "readout"));
		json_decref(now);
		for (size_t i = 0; i < 2; i++)
			json_decref(answers[i]), json_decref(params[i]);
	}
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT count(DISTINCT record_version) FROM store.change WHERE record_id = '%s'", id);
	assert_int_equal(harness_count(harness, sql), RACES + 1);
	client_close(&other);
	free(id);
}

/* Each client adds people of its own until the answer says that they are in: nobody's are lost. */
static void test_nobody_is_lost(void **state)
{
	struct client other;
	char *id = made("engagement.log", json_of("{" PLACED "}"));
	(void)state;
	client_open(&other, harness);
	long version = 1, tries = 0;
	for (size_t round = 0; round < GATHERINGS; round++) {
		bool in[2] = {false, false};
		for (; !in[0] || !in[1]; tries++) {
			json_t *answers[2], *params[2], *now;
			for (size_t i = 0; i < 2; i++)
				params[i] =
				    in[i]
				        ? json_of("{'id':'%s','version':%ld,'title':'A talk'}", id, version)
				        : json_of("{'id':'%s','version':%ld,'participants_add':[{'contact':{'name':'Guest %zu of %zu',"
				                  "'country':'US'}}]}",
				                  id, version, round, i);
			race(&other, "engagement.update", params, answers);
			for (size_t i = 0; i < 2; i++) {
				if (at(answers[i], "result"))
					in[i] = true;
				else
					assert_string_equal(at_string(answers[i], "error.data.code"), "stale_version");
				json_decref(answers[i]);
				json_decref(params[i]);
			}
			now = call("engagement.get", json_of("{'id':'%s'}", id));
			version = at_integer(now, "version");
			json_decref(now);
		}
	}
	assert_true(tries >= GATHERINGS * 2);
	json_t *now = call("engagement.get", json_of("{'id':'%s'}", id));
	assert_int_equal(json_array_size(at(now, "participants")), GATHERINGS * 2);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.contact WHERE name ~ '^Guest \\d+ of \\d$'"),
	                 GATHERINGS * 2);
	json_decref(now);
	client_close(&other);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_nobody_is_lost)};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
