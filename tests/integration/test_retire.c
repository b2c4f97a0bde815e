/* Retirement: one who leaves may do nothing any more, all that waits for them waits for another, what they did stays
 * theirs; all of it or none, whatever is killed meanwhile. */
#include "single.h"

#include <assert.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ADMINISTRATOR "00000000-0000-7000-8000-000000000001"
#define NOBODY "019b1c00-ffff-7000-8000-000000000001"
#define TALK "'title':'A talk','kind':'meeting','countries':['KP'],'workstreams':['1.2']"

enum { ANSWER_MS = 20000, CRASHES = 16, BURDEN = 150 };

static void done(const char *method, json_t *params)
{
	json_decref(call(method, params));
}

static void open_as(struct client *as, const char *principal)
{
	json_t *token = call("token.create", json_of("{'principal_id':'%s'}", principal));
	client_open(as, harness);
	json_decref(checked_result(as, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
	json_decref(token);
}

/* The reminder that comes next, or that does not. */
static json_t *pushed(struct client *subscriber, const char *note)
{
	json_t *message = client_read(subscriber, ANSWER_MS);
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(message, "params.reminder.note"), note);
	return message;
}

static void expect_member(const char *method, const char *id, const char *member, const char *value)
{
	json_t *record = call(method, json_of("{'id':'%s'}", id));
	if (strcmp(at_string(record, member), value) != 0)
		fail_msg("%s: %s is not %s", method, member, value);
	json_decref(record);
}

static void refuse_rule(json_t *params, const char *rule)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, "principal.retire", params, 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), rule);
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

static char *reminder(const char *assignee, const char *note, const char *due_at)
{
	return made("reminder.create", json_of("{'note':'%s','due_at':'%s','assignee':'%s'}", note, due_at, assignee));
}

/* Three reminders come, in any order: the first under its old delivery, which was out; the others, which were seen or
 * sent in another way, under new ones. */
static void expect_arrivals(struct client *subscriber, const char *const ids[3], const char *delivery)
{
	json_t *messages[3];
	unsigned came = 0;
	for (size_t i = 0; i < 3; i++)
		messages[i] = client_read(subscriber, ANSWER_MS);
	for (size_t i = 0; i < 3; i++) {
		const char *found = at_string(messages[i], "params.delivery_id");
		for (unsigned j = 0; j < 3; j++)
			came |= strcmp(at_string(messages[i], "params.reminder.id"), ids[j]) == 0 ? 1u << j : 0;
		assert_int_equal(strcmp(at_string(messages[i], "params.reminder.id"), ids[0]) == 0,
		                 strcmp(found, delivery) == 0);
		json_decref(checked_result(subscriber, "reminder.acknowledge", json_of("{'delivery_id':'%s'}", found)));
		json_decref(messages[i]);
	}
	assert_int_equal(came, 7);
}

static void test_reminders_move(void **state)
{
	char *old = made("principal.create", json_of("{'name':'Leaving','role':'officer'}"));
	char *new = made("principal.create", json_of("{'name':'Taking over','role':'officer'}"));
	struct client theirs, others;
	(void)state;
	open_as(&theirs, old);
	open_as(&others, new);
	json_decref(checked_result(&theirs, "reminder.subscribe", NULL));
	json_decref(checked_result(&others, "reminder.subscribe", NULL));
	char *seen = reminder(old, "seen", "2020-01-01T00:00:00Z");
	json_t *first = pushed(&theirs, "seen");
	json_decref(checked_result(&theirs, "reminder.acknowledge",
	                           json_of("{'delivery_id':'%s'}", at_string(first, "params.delivery_id"))));
	char *out = reminder(old, "out", "2020-01-02T00:00:00Z");
	json_t *second = pushed(&theirs, "out");
	char *later = reminder(old, "later", "2099-01-01T00:00:00Z"),
	     *ended = reminder(old, "ended", "2099-01-01T00:00:00Z");
	char *mine = reminder(ADMINISTRATOR, "mine", "2099-01-01T00:00:00Z");
	done("reminder.cancel", json_of("{'id':'%s'}", ended));
	char *mailed = reminder(old, "mailed", "2099-01-01T00:00:00Z"), *sql;
	free(harness_query(harness,
	                   "UPDATE store.reminder SET status = 'due', due_at = '2020-01-03' WHERE note = 'mailed'"));
	assert_true(asprintf(&sql, "UPDATE store.reminder SET escalate_to = '%s', escalate_after = 'PT1H' WHERE id = '%s'",
	                     old, mine) > 0);
	free(harness_query(harness, sql));
	json_t *answer = call("principal.retire", json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", old, new));
	assert_int_equal(at_integer(answer, "moved.reminders"), 4);
	assert_int_equal(at_integer(answer, "moved.tokens_revoked"), 1);
	assert_string_equal(at_string(answer, "status"), "retired");
	assert_string_equal(at_string(answer, "handed_over_to"), new);
	json_decref(answer);
	expect_arrivals(&others, (const char *const[]){out, seen, mailed}, at_string(second, "params.delivery_id"));
	expect_member("reminder.get", seen, "assignee", new);
	expect_member("reminder.get", seen, "status", "acknowledged");
	expect_member("reminder.get", out, "assignee", new);
	expect_member("reminder.get", later, "assignee", new);
	expect_member("reminder.get", ended, "assignee", old);
	free(sql);
	assert_true(asprintf(&sql, "SELECT escalate_to FROM store.reminder WHERE id = '%s'", mine) > 0);
	char *escalated = harness_query(harness, sql);
	assert_string_equal(escalated, new);
	/* The one who left is nobody now, on the connection that was open too, and would have to ask for a new token. */
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.token t JOIN store.principal p ON p.id = "
	                                        "t.principal_id WHERE p.name = 'Leaving' AND t.revoked_at IS NULL"),
	                 0);
	json_t *message = client_call(&theirs, "system.info", NULL);
	assert_true(!message || at_integer(message, "error.code") == 401);
	json_decref(message);
	client_close(&theirs);
	client_close(&others);
	json_decref(first), json_decref(second);
	free(old), free(new), free(seen), free(out), free(later), free(ended), free(mine), free(mailed), free(sql),
	    free(escalated);
}

/* Who would have been told is now reminded: when nobody hears that either, it is told of as any other is. */
static void test_told_becomes_reminded(void **state)
{
	char *old = made("principal.create", json_of("{'name':'Unheard','role':'officer'}"));
	char *new = made("principal.create", json_of("{'name':'Told','role':'officer'}"));
	(void)state;
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2020-01-01T00:00:00Z','assignee':'%s',"
	                                           "'escalate_after':'PT4H','escalate_to':'%s'}",
	                                           old, new));
	await("due", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	done("principal.retire", json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", old, new));
	await("t",
	      "SELECT escalate_to IS NULL AND escalate_at BETWEEN now() + interval '23 hours' AND now() + interval '24 "
	      "hours' "
	      "FROM store.reminder WHERE id = '%s'",
	      id);
	free(old), free(new), free(id);
}

/* Logs an engagement as somebody else; its id, to be freed. */
static char *logged_by(struct client *who, const char *on)
{
	json_t *record = checked_result(who, "engagement.log", json_of("{" TALK ",'starts_on':'%s'}", on));
	char *id = strdup(at_string(record, "id"));
	json_decref(record);
	return id;
}

static void test_all_else_moves(void **state)
{
	char *old = made("principal.create", json_of("{'name':'Kim','role':'officer','desks':['CN','JP','RU']}"));
	char *new = made("principal.create", json_of("{'name':'Lee','role':'officer','desks':['JP']}"));
	struct client theirs;
	(void)state;
	open_as(&theirs, old);
	char *contact = made("contact.create", json_of("{'name':'Kept','country':'KP','owner':'%s'}", old));
	char *open = made("commitment.create", json_of("{'by':'%s','text':'t'}", old));
	char *owed = made("commitment.create", json_of("{'by':'CN','to':'%s','text':'t'}", old));
	char *kept = made("commitment.create", json_of("{'by':'%s','text':'t'}", old));
	done("commitment.update", json_of("{'id':'%s','version':1,'status':'fulfilled'}", kept));
	char *held = made("engagement.log", json_of("{" TALK ",'starts_on':'2020-01-01','owner':'%s','participants':"
	                                            "[{'principal_id':'%s'}]}",
	                                            old, old));
	char *planned = logged_by(&theirs, "2099-01-01"), *past = logged_by(&theirs, "2019-01-01");
	char *seat =
	    made("engagement.log", json_of("{" TALK ",'starts_on':'2099-01-01','participants':[{'principal_id':'%s',"
	                                   "'role':'chair','attendance':'accepted'}]}",
	                                   old));
	char *both =
	    made("engagement.log", json_of("{" TALK ",'starts_on':'2099-01-01','owner':'" ADMINISTRATOR "','participants':"
	                                   "[{'principal_id':'%s'},{'principal_id':'%s'}]}",
	                                   old, new));
	char *void_one = made("engagement.log", json_of("{" TALK ",'starts_on':'2099-01-01','owner':'%s'}", old));
	done("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", void_one));
	char request[40];
	snprintf(request, sizeof request, "%s", checked_id());
	long changes = harness_count(harness, "SELECT count(*) FROM store.change");
	json_t *params =
	    json_of("{'id':'%s','version':1,'hand_over_to':'%s','desks':['CN','JP'],'request_id':'%s'}", old, new, request);
	json_t *answer = call("principal.retire", json_incref(params));
	assert_int_equal(at_integer(answer, "moved.contacts"), 1);
	assert_int_equal(at_integer(answer, "moved.commitments"), 2);
	assert_int_equal(at_integer(answer, "moved.engagements"), 4);
	/* The one that asks how the planned one went. */
	assert_int_equal(at_integer(answer, "moved.reminders"), 1);
	assert_int_equal(json_array_size(at(answer, "moved.desks")), 2);
	assert_string_equal(at_string(answer, "desks.0"), "RU");
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change"), changes + 1);
	/* Sent again it is answered alike, and nothing moves twice. */
	json_t *again = call("principal.retire", params);
	assert_true(json_equal(again, answer));
	json_decref(again), json_decref(answer);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change"), changes + 1);
	expect_member("contact.get", contact, "owner", new);
	expect_member("engagement.get", held, "owner", new);
	expect_member("engagement.get", held, "participants.0.principal_id", old);
	expect_member("engagement.get", planned, "owner", new);
	expect_member("engagement.get", planned, "logged_by", old);
	expect_member("engagement.get", seat, "participants.0.principal_id", new);
	expect_member("engagement.get", seat, "participants.0.attendance", "invited");
	expect_member("engagement.get", both, "owner", ADMINISTRATOR);
	expect_member("engagement.get", both, "participants.0.attendance", "declined");
	expect_member("engagement.get", both, "participants.1.principal_id", new);
	expect_member("engagement.get", void_one, "owner", old);
	expect_member("principal.get", new, "desks.1", "CN");
	json_t *engagement = call("engagement.get", json_of("{'id':'%s'}", past));
	assert_true(json_is_null(at(engagement, "owner")));
	assert_int_equal(at_integer(engagement, "version"), 1);
	json_decref(engagement);
	json_t *page = call("commitment.list", json_of("{'by':'%s'}", new));
	assert_int_equal(json_array_size(at(page, "items")), 1);
	assert_string_equal(at_string(page, "items.0.id"), open);
	json_decref(page);
	page = call("commitment.list", json_of("{'to':'%s'}", new));
	assert_int_equal(json_array_size(at(page, "items")), 1);
	assert_string_equal(at_string(page, "items.0.id"), owed);
	json_decref(page);
	client_close(&theirs);
	free(old), free(new), free(contact), free(open), free(owed), free(kept), free(held), free(planned), free(past),
	    free(seat);
	free(both), free(void_one);
}

/* Who was retired in another way may hand over still. */
static void test_retired_before(void **state)
{
	char *old = made("principal.create", json_of("{'name':'Before','role':'officer'}"));
	char *contact = made("contact.create", json_of("{'name':'Kept','country':'KP','owner':'%s'}", old));
	(void)state;
	done("principal.update", json_of("{'id':'%s','version':1,'status':'retired'}", old));
	json_t *answer =
	    call("principal.retire", json_of("{'id':'%s','version':2,'hand_over_to':'" ADMINISTRATOR "'}", old));
	assert_int_equal(at_integer(answer, "moved.contacts"), 1);
	json_decref(answer);
	free(old), free(contact);
}

static void test_refusals(void **state)
{
	char *leaving = made("principal.create", json_of("{'name':'L','role':'officer','desks':['CN']}"));
	char *gone = made("principal.create", json_of("{'name':'G','role':'officer'}"));
	struct client officer;
	(void)state;
	done("principal.update", json_of("{'id':'%s','version':1,'status':'retired'}", gone));
	checked_faults(&client, "principal.retire",
	               json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", leaving, leaving), "hand_over_to");
	checked_faults(&client, "principal.retire", json_of("{'id':'%s','version':1}", leaving), "hand_over_to");
	checked_refused(&client, "principal.retire",
	                json_of("{'id':'%s','version':1,'hand_over_to':'" NOBODY "'}", leaving), 404, "not_found",
	                "hand_over_to");
	checked_refused(&client, "principal.retire",
	                json_of("{'id':'" NOBODY "','version':1,'hand_over_to':'%s'}", leaving), 404, "not_found", "id");
	refuse_rule(json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", leaving, gone), "retired");
	refuse_rule(json_of("{'id':'%s','version':1,'hand_over_to':'" ADMINISTRATOR "','desks':['CN','JP']}", leaving),
	            "other_desk");
	json_t *me = call("principal.get", NULL);
	long version = at_integer(me, "version");
	json_decref(me);
	refuse_rule(json_of("{'id':'" ADMINISTRATOR "','version':%ld,'hand_over_to':'%s'}", version, leaving), "oneself");
	json_decref(checked_error(&client, "principal.retire",
	                          json_of("{'id':'%s','version':2,'hand_over_to':'" ADMINISTRATOR "'}", leaving), 409,
	                          "stale_version"));
	open_as(&officer, leaving);
	json_decref(checked_error(&officer, "principal.retire",
	                          json_of("{'id':'%s','version':1,'hand_over_to':'" ADMINISTRATOR "'}", gone), 403,
	                          "forbidden"));
	/* The last administrator stays, also before one who is an administrator by the machine's word alone. */
	char *here = made("principal.create",
	                  json_of("{'name':'Here','role':'viewer','unix_user':'%s'}", getpwuid(getuid())->pw_name));
	struct client second;
	client_open(&second, harness);
	me = checked_result(&second, "session.whoami", NULL);
	assert_string_equal(at_string(me, "principal_id"), here);
	json_decref(me);
	json_t *error = checked_error(
	    &second, "principal.retire",
	    json_of("{'id':'" ADMINISTRATOR "','version':%ld,'hand_over_to':'%s'}", version, leaving), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "last_administrator");
	json_decref(error);
	free(harness_query(harness, "UPDATE store.principal SET unix_user = NULL WHERE name = 'Here'; NOTIFY tracktwo, "
	                            "'principal'"));
	client_close(&officer);
	client_close(&second);
	free(leaving), free(gone), free(here);
}

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

/* How many of the principal's: open reminders, deliveries that are out, promises, contacts, engagements. */
static long burden_of(const char *principal)
{
	char sql[800];
	snprintf(
	    sql, sizeof sql,
	    "SELECT (SELECT count(*) FROM store.reminder WHERE assignee_id = p.id)"
	    " + (SELECT count(*) FROM store.delivery WHERE assignee_id = p.id AND ended_at IS NULL)"
	    " + (SELECT count(*) FROM store.commitment WHERE by_principal_id = p.id)"
	    " + (SELECT count(*) FROM store.contact WHERE owner_id = p.id)"
	    " + (SELECT count(*) FROM store.engagement WHERE owner_id = p.id) FROM store.principal p WHERE p.id = '%s'",
	    principal);
	return harness_count(harness, sql);
}

/* Gives the one who is called Old so many of each. */
#define EACH " FROM store.principal p, generate_series(1, 150) WHERE p.name = 'Old' AND p.status = 'active';"
static_assert(BURDEN == 150, "as EACH says");
static const char load[] =
    "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by)"
    " SELECT store.uuid7(), 'n', '2099-01-01', p.id, p.id" EACH
    "INSERT INTO store.commitment (id, body, by_principal_id, created_by)"
    " SELECT store.uuid7(), 'n', p.id, p.id" EACH "INSERT INTO store.contact (id, name, country, owner_id, created_by)"
    " SELECT store.uuid7(), 'n', 'KP', p.id, p.id" EACH
    "INSERT INTO store.engagement (id, title, kind, status, starts_on, precision, countries, workstreams, sensitivity,"
    " owner_id, logged_by) SELECT store.uuid7(), 'n', 'call', 'held', '2020-01-01', 'day', '{KP}',"
    " '[{\"code\": \"1.2\"}]', 1, p.id, p.id" EACH;

/* The daemon is killed at some moment of a retirement: it has happened whole, or not at all; and sent again it happens.
 */
static void test_crashes(void **state)
{
	long whole = 0, none = 0;
	(void)state;
	for (long round = 0; round < CRASHES; round++) {
		char *old = made("principal.create", json_of("{'name':'Old','role':'officer','desks':['CN']}"));
		char *new = made("principal.create", json_of("{'name':'New','role':'officer'}")), request[40];
		free(harness_query(harness, load));
		assert_int_equal(burden_of(old), 4 * BURDEN);
		snprintf(request, sizeof request, "%s", checked_id());
		json_t *params = json_of("{'id':'%s','version':1,'hand_over_to':'%s','request_id':'%s'}", old, new, request);
		json_t *message = json_pack("{s:s, s:s, s:O, s:i}", "jsonrpc", "2.0", "method", "principal.retire", "params",
		                            params, "id", 1);
		char *text = json_dumps(message, JSON_COMPACT);
		assert_true(client_send_line(&client, text));
		/* From before the statement has begun until after it has been answered. */
		sleep_us(round * 5000);
		if (round % 2)
			free(harness_query(harness, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = "
			                            "'client backend' AND pid <> pg_backend_pid()"));
		harness_kill(harness);
		client_close(&client);
		harness_start(harness);
		harness_await(harness);
		client_open(&client, harness);
		json_t *principal = call("principal.get", json_of("{'id':'%s'}", old));
		bool retired = strcmp(at_string(principal, "status"), "retired") == 0;
		assert_int_equal(burden_of(retired ? new : old), 4 * BURDEN);
		assert_int_equal(burden_of(retired ? old : new), 0);
		whole += retired, none += !retired;
		json_t *answer = call("principal.retire", params);
		assert_int_equal(at_integer(answer, "moved.reminders"), BURDEN);
		assert_int_equal(at_integer(answer, "moved.engagements"), BURDEN);
		assert_int_equal(burden_of(new), 4 * BURDEN);
		assert_int_equal(burden_of(old), 0);
		json_decref(answer), json_decref(principal), json_decref(message);
		free(text), free(old), free(new);
	}
	print_message("%ld had happened, %ld had not\n", whole, none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reminders_move), cmocka_unit_test(test_told_becomes_reminded),
	    cmocka_unit_test(test_all_else_moves), cmocka_unit_test(test_retired_before),
	    cmocka_unit_test(test_refusals),       cmocka_unit_test(test_crashes),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
