/* Groups: calls that share a transaction on their way to the database do not share their failures.
 *
 * The daemon lets nothing down that raises, so faults are planted in the store; a batch reaches the pool in one turn of
 * the loop, and is long enough for whole groups on every connection. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CALLS = 96, FAULT_EVERY = 11 };

static bool is_faulty(size_t number)
{
	return number % FAULT_EVERY == 5;
}

/* Sends the batch (stolen); answers[i] is the answer with id i, borrowed from what is returned. */
static json_t *exchange(struct harness *harness, json_t *batch, json_t *answers[static CALLS])
{
	struct client client;
	char *text = json_dumps(batch, JSON_COMPACT);
	json_t *list, *answer;
	size_t i;

	client_open(&client, harness);
	assert_true(client_send_line(&client, text));
	list = client_read(&client, 20000);
	client_close(&client);
	free(text);
	json_decref(batch);
	assert_int_equal(json_array_size(list), CALLS);
	memset(answers, 0, CALLS * sizeof *answers);
	json_array_foreach(list, i, answer)
		answers[at_integer(answer, "id")] = answer;
	return list;
}

static json_t *request(size_t id, const char *method, json_t *params)
{
	return json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", (int)id, "method", method, "params", params);
}

static void log_all(struct harness *harness, const char *fault, char ids[static CALLS][37], size_t faults)
{
	json_t *batch = json_array(), *answers[CALLS], *list;
	size_t failed = 0;

	for (size_t i = 0; i < CALLS; i++)
		json_array_append_new(
		    batch,
		    request(i, "engagement.log",
		            json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "title", is_faulty(i) ? fault : "a neighbour", "kind",
		                      "call", "starts_on", "2026-03-01", "countries", "JP", "workstreams", "1.3")));
	list = exchange(harness, batch, answers);
	for (size_t i = 0; i < CALLS; i++) {
		bool error = json_object_get(answers[i], "error") != NULL;
		assert_int_equal(error, faults > 0 && is_faulty(i));
		failed += error;
		snprintf(ids[i], 37, "%s", error ? "" : at_string(answers[i], "result.id"));
	}
	assert_int_equal(failed, faults);
	json_decref(list);
}

static void plant(struct harness *harness, const char *sql)
{
	free(harness_query(harness, sql));
}

static void test_writes(void **state)
{
	struct harness *harness = *state;
	char ids[CALLS][37];
	size_t faults = 0;

	for (size_t i = 0; i < CALLS; i++)
		faults += is_faulty(i);
	plant(harness, "ALTER TABLE store.engagement ADD CONSTRAINT planted CHECK (title <> 'it fails')");
	for (int round = 0; round < 3; round++)
		log_all(harness, "it fails", ids, faults);
	for (size_t i = 0; i < CALLS; i++) {
		char sql[200 + sizeof *ids];
		if (!ids[i][0])
			continue;
		snprintf(sql, sizeof sql,
		         "SELECT count(*) FROM store.engagement e JOIN store.change c ON c.record_id = e.id "
		         "WHERE e.id = '%.36s'",
		         ids[i]);
		assert_int_equal(harness_count(harness, sql), 1);
	}
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.engagement"), 3 * (CALLS - faults));
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change"), 3 * (CALLS - faults));
	plant(harness, "ALTER TABLE store.engagement DROP CONSTRAINT planted");
}

static void test_reads(void **state)
{
	struct harness *harness = *state;
	char ids[CALLS][37];

	log_all(harness, "cannot be read", ids, 0);
	plant(harness, "CREATE POLICY planted ON store.engagement AS RESTRICTIVE FOR SELECT "
	               "USING (CASE WHEN title = 'cannot be read' THEN 1 / (length(title) - 14) = 1 ELSE true END)");
	for (int round = 0; round < 3; round++) {
		json_t *batch = json_array(), *answers[CALLS], *list;
		for (size_t i = 0; i < CALLS; i++)
			json_array_append_new(batch, request(i, "engagement.get", json_pack("{s:s}", "id", ids[i])));
		list = exchange(harness, batch, answers);
		for (size_t i = 0; i < CALLS; i++) {
			if (is_faulty(i))
				assert_string_equal(at_string(answers[i], "error.data.code"), "internal");
			else
				assert_string_equal(at_string(answers[i], "result.id"), ids[i]);
		}
		json_decref(list);
	}
	plant(harness, "DROP POLICY planted ON store.engagement");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_writes),
	    cmocka_unit_test(test_reads),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
