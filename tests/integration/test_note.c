/* What belongs to somebody: notes are their author's and the named readers', the last administrator stays one; and what
 * is promised, measured and put off comes in its order. */
#include "single.h"

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
#define PLACED "'title':'A talk','kind':'meeting','starts_on':'2020-05-01','countries':['KP'],'workstreams':['1.2']"

enum { ANSWER_MS = 20000, SILENT_MS = 300, PROMISES = 23, VALUES = 17, RACES = 20 };

static void done(const char *method, json_t *params)
{
	json_decref(call(method, params));
}

static void refuse(const char *method, json_t *params, int code, const char *data_code)
{
	long rows = checked_rows(harness);
	json_decref(checked_error(&client, method, params, code, data_code));
	assert_int_equal(checked_rows(harness), rows);
}

/* The test's own user is from now on the principal of this id; NULL: of none, and so the administrator again. */
static void become(const char *principal)
{
	const struct passwd *user = getpwuid(getuid());
	long long until = harness_now_ms() + ANSWER_MS;
	char sql[400];
	assert_non_null(user);
	snprintf(sql, sizeof sql,
	         "UPDATE store.principal SET unix_user = NULL WHERE unix_user = '%s'; UPDATE store.principal SET unix_user "
	         "= '%s'"
	         " WHERE id::text = '%s'; NOTIFY tracktwo, 'principal'",
	         user->pw_name, user->pw_name, principal ? principal : "");
	free(harness_query(harness, sql));
	for (bool known = false; !known;) {
		json_t *me = client_call(&client, "principal.get", NULL);
		const char *id = json_string_value(at(me, "result.id"));
		known = id && strcmp(id, principal ? principal : ADMINISTRATOR) == 0;
		assert_true(known || harness_now_ms() < until);
		json_decref(me);
	}
}

static long note_count(const char *about, const char *id)
{
	json_t *page = about ? call("note.list", json_of("{'about':{'%s':'%s'}}", about, id)) : call("note.list", NULL);
	long count = (long)json_array_size(at(page, "items"));
	json_decref(page);
	return count;
}

static void test_notes(void **state)
{
	char *viewer = made("principal.create", json_of("{'name':'Viewer','role':'viewer'}"));
	char *officer = made("principal.create", json_of("{'name':'Officer','role':'officer'}"));
	/* Without another administrator the privileged user of this test would stay one. */
	char *chief = made("principal.create", json_of("{'name':'Chief','role':'administrator'}"));
	char *ids[] = {made("contact.create", json_of("{'name':'C','country':'KP'}")),
	               made("organization.create", json_of("{'name':'O'}")),
	               made("dialogue.create", json_of("{'title':'D','countries':['KP'],'workstreams':['1.2']}")),
	               made("engagement.log", json_of("{" PLACED ",'private_notes':'of the log'}"))};
	static const char *const abouts[] = {"contact_id", "organization_id", "dialogue_id", "engagement_id"};
	char *notes[4];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		notes[i] = made("note.add", json_of("{'about':{'%s':'%s'},'text':'note %zu'}", abouts[i], ids[i], i));
		refuse("note.add", json_of("{'about':{'%s':'" NOBODY "'},'text':'n'}", abouts[i]), 404, "not_found");
		assert_int_equal(note_count(abouts[i], ids[i]), i == 3 ? 2 : 1);
	}
	checked_refused(&client, "note.add",
	                json_of("{'about':{'contact_id':'%s'},'text':'n','readers':['%s','" NOBODY "']}", ids[0], viewer),
	                404, "not_found", "readers[1]");
	checked_refused(&client, "note.update", json_of("{'id':'%s','version':1,'readers_add':['" NOBODY "']}", notes[0]),
	                404, "not_found", "readers_add[0]");
	assert_int_equal(note_count(NULL, NULL), 5);
	/* To others they do not exist. */
	become(viewer);
	assert_int_equal(note_count(NULL, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(note_count(abouts[i], ids[i]), 0);
		refuse("note.update", json_of("{'id':'%s','version':1,'text':'mine'}", notes[i]), 404, "not_found");
		refuse("note.update", json_of("{'id':'%s','version':7,'readers_add':['%s']}", notes[i], viewer), 404,
		       "not_found");
	}
	/* A viewer has notes too, which an administrator does not see; and an id in use tells nothing of whose it is. */
	char *own = made("note.add", json_of("{'about':{'contact_id':'%s'},'text':'mine','readers':['%s','%s']}", ids[0],
	                                     officer, viewer));
	json_t *page = call("note.list", NULL);
	assert_int_equal(json_array_size(at(page, "items.0.readers")), 1);
	assert_string_equal(at_string(page, "items.0.author"), viewer);
	json_decref(page);
	refuse("note.add", json_of("{'id':'%s','about':{'contact_id':'%s'},'text':'n'}", notes[0], ids[0]), 409,
	       "id_reused");
	become(chief);
	assert_int_equal(note_count(NULL, NULL), 0);
	/* Readers read, and change nothing. */
	become(officer);
	page = call("note.list", NULL);
	assert_int_equal(json_array_size(at(page, "items")), 1);
	assert_string_equal(at_string(page, "items.0.id"), own);
	json_decref(page);
	refuse("note.update", json_of("{'id':'%s','version':1,'text':'theirs'}", own), 403, "forbidden");
	refuse("note.update", json_of("{'id':'%s','version':1,'readers_add':['%s']}", own, chief), 403, "forbidden");
	refuse("note.update", json_of("{'id':'%s','version':9,'readers_remove':['%s']}", own, officer), 403, "forbidden");
	/* Readers come and go by the author's word. */
	become(viewer);
	done("note.update", json_of("{'id':'%s','version':1,'readers_add':['%s','%s'],'readers_remove':['%s']}", own, chief,
	                            viewer, officer));
	page = call("note.list", NULL);
	assert_int_equal(at_integer(page, "items.0.version"), 2);
	assert_string_equal(at_string(page, "items.0.text"), "mine");
	assert_int_equal(json_array_size(at(page, "items.0.readers")), 1);
	assert_string_equal(at_string(page, "items.0.readers.0"), chief);
	json_decref(page);
	become(officer);
	assert_int_equal(note_count(NULL, NULL), 0);
	refuse("note.update", json_of("{'id':'%s','version':2,'text':'theirs'}", own), 404, "not_found");
	become(chief);
	assert_int_equal(note_count("contact_id", ids[0]), 1);
	become(NULL);
	assert_int_equal(note_count(NULL, NULL), 5);
	/* Newest first, each once, page by page. */
	page = call("note.list", json_of("{'limit':2}"));
	for (size_t i = 0; i < 5; i++) {
		char text[20] = "of the log", place[32];
		if (i < 4)
			snprintf(text, sizeof text, "note %zu", 3 - i);
		snprintf(place, sizeof place, "items.%zu.text", i % 2);
		assert_string_equal(at_string(page, place), text);
		if (i % 2 == 1) {
			json_t *next = call("note.list", json_of("{'limit':2,'cursor':'%s'}", at_string(page, "next_cursor")));
			json_decref(page);
			page = next;
		}
	}
	assert_true(json_is_null(at(page, "next_cursor")));
	json_decref(page);
	for (size_t i = 0; i < 4; i++)
		free(notes[i]), free(ids[i]);
	done("principal.update", json_of("{'id':'%s','version':1,'status':'retired'}", chief));
	free(viewer), free(officer), free(chief), free(own);
}

static void check_last(const char *id, long version, const char *change)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, "principal.update",
	                              json_of("{'id':'%s','version':%ld,%s}", id, version, change), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "last_administrator");
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

static long version_of(const char *noun, const char *id)
{
	char method[40];
	snprintf(method, sizeof method, "%s.get", noun);
	json_t *record = call(method, json_of("{'id':'%s'}", id));
	long version = at_integer(record, "version");
	json_decref(record);
	return version;
}

static void send_call(struct client *by, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:s, s:o, s:i}", "jsonrpc", "2.0", "method", method, "params", params, "id", 1);
	char *text = json_dumps(request, JSON_COMPACT);
	assert_true(client_send_line(by, text));
	free(text);
	json_decref(request);
}

static void test_last_administrator(void **state)
{
	char *second =
	    made("principal.create", json_of("{'name':'Second','role':'director','unix_user':'nobody-like-this'}"));
	struct client other;
	(void)state;
	check_last(ADMINISTRATOR, 1, "'role':'director'");
	check_last(ADMINISTRATOR, 1, "'status':'retired'");
	check_last(ADMINISTRATOR, 1, "'role':'viewer','status':'active','name':'X'");
	done("principal.update",
	     json_of("{'id':'" ADMINISTRATOR "','version':1,'role':'administrator','status':'active'}"));
	refuse("principal.update", json_of("{'id':'" ADMINISTRATOR "','version':2,'unix_user':'nobody-like-this'}"), 422,
	       "rule");
	refuse("principal.update", json_of("{'id':'" ADMINISTRATOR "','version':2,'contact_id':'" NOBODY "'}"), 404,
	       "not_found");
	/* A retired administrator is none; one who is active lets the other go. */
	done("principal.update", json_of("{'id':'%s','version':1,'role':'administrator','status':'retired'}", second));
	check_last(ADMINISTRATOR, 2, "'status':'retired'");
	done("principal.update", json_of("{'id':'%s','version':2,'status':'active'}", second));
	done("principal.update", json_of("{'id':'%s','version':3,'role':'viewer'}", second));
	check_last(ADMINISTRATOR, 2, "'role':'officer'");
	/* Two who end each other at the same time: one stays. */
	client_open(&other, harness);
	for (int round = 0; round < RACES; round++) {
		become(NULL);
		done("principal.update",
		     json_of("{'id':'%s','version':%ld,'role':'administrator'}", second, version_of("principal", second)));
		long first_version = version_of("principal", ADMINISTRATOR), second_version = version_of("principal", second);
		send_call(&client, "principal.update",
		          json_of("{'id':'" ADMINISTRATOR "','version':%ld,'role':'director'}", first_version));
		send_call(&other, "principal.update",
		          json_of("{'id':'%s','version':%ld,'role':'director'}", second, second_version));
		json_t *one = client_read(&client, ANSWER_MS), *two = client_read(&other, ANSWER_MS);
		/* Whoever came second was refused, be it for the rule or for being no administrator any more. */
		assert_true((at(one, "result") != NULL) != (at(two, "result") != NULL));
		assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.principal WHERE role = 'administrator'"
		                                        " AND status = 'active'"),
		                 1);
		free(harness_query(
		    harness,
		    "UPDATE store.principal SET role = 'administrator' WHERE bootstrap; NOTIFY tracktwo, 'principal'"));
		json_decref(one), json_decref(two);
	}
	client_close(&other);
	free(second);
}

static void test_commitments(void **state)
{
	static const char *const dues[] = {"2031-02-03", NULL, "2000-01-01", "2031-02-03", NULL, "2030-12-31"};
	char *contact = made("contact.create", json_of("{'name':'Promiser','country':'RU'}"));
	char *engagement = made("engagement.log", json_of("{" PLACED "}")), *cursor = NULL;
	json_t *seen = json_object(), *page, *item;
	const char *last = "";
	size_t i, pages = 0;
	(void)state;
	for (i = 0; i < PROMISES; i++) {
		json_t *params = json_of("{'by':'%s','to':'MN','text':'t'}", i % 2 ? "RU" : contact);
		if (dues[i % 6])
			json_object_set_new(params, "due_on", json_string(dues[i % 6]));
		if (i == 0)
			json_object_set_new(params, "engagement_id", json_string(engagement));
		done("commitment.create", params);
	}
	done("commitment.create", json_of("{'by':'MN','to':'%s','text':'t'}", contact));
	refuse("commitment.create", json_of("{'by':'" NOBODY "','text':'t'}"), 404, "not_found");
	refuse("commitment.create", json_of("{'by':'KP','to':'" NOBODY "','text':'t'}"), 404, "not_found");
	refuse("commitment.create", json_of("{'by':'KP','text':'t','engagement_id':'" NOBODY "'}"), 404, "not_found");
	/* A country's own promises and its people's, due first, those without a day last, each once. */
	do {
		json_t *params = json_of("{'by':'RU','limit':4}");
		if (cursor)
			json_object_set_new(params, "cursor", json_string(cursor));
		page = call("commitment.list", params);
		free(cursor);
		cursor = json_is_null(at(page, "next_cursor")) ? NULL : strdup(at_string(page, "next_cursor"));
		json_array_foreach(at(page, "items"), i, item) {
			const char *due = json_string_value(at(item, "due_on"));
			due = due ? due : "without";
			assert_true(strcmp(due, last) >= 0);
			assert_null(json_object_get(seen, at_string(item, "id")));
			assert_int_equal(json_is_true(at(item, "overdue")), strcmp(due, "2000-01-01") == 0);
			json_object_set_new(seen, at_string(item, "id"), json_true());
			last = strcmp(due, "2031-02-03") == 0   ? "2031-02-03"
			       : strcmp(due, "2030-12-31") == 0 ? "2030-12-31"
			       : strcmp(due, "without") == 0    ? "without"
			                                        : "2000-01-01";
		}
		pages++;
		/* One that comes in meanwhile, before the mark, moves nothing. */
		done("commitment.create", json_of("{'by':'RU','text':'t','due_on':'1990-01-01','to':'JP'}"));
		json_decref(page);
	} while (cursor);
	assert_int_equal(json_object_size(seen), PROMISES);
	assert_int_equal(pages, (PROMISES + 3) / 4);
	static const struct {
		const char *params;
		size_t count;
	} filters[] = {{"{'to':'MN'}", PROMISES},
	               {"{'to':'RU'}", 1},
	               {"{'by':'RU','to':'MN','due_before':'2030-12-31'}", 4},
	               {"{'by':'RU','to':'JP'}", 6},
	               {"{'status':'lapsed','by':'RU'}", 0},
	               {"{'by':'RU','to':'MN','status':'open','due_before':'2000-01-01'}", 0}};
	for (i = 0; i < sizeof filters / sizeof *filters; i++) {
		page = call("commitment.list", json_of("%s", filters[i].params));
		assert_int_equal(json_array_size(at(page, "items")), filters[i].count);
		json_decref(page);
	}
	/* What is fulfilled is overdue no more, nor open. */
	page = call("commitment.list", json_of("{'engagement_id':'%s'}", engagement));
	assert_int_equal(json_array_size(at(page, "items")), 1);
	json_t *kept = call("commitment.update",
	                    json_of("{'id':'%s','version':1,'due_on':'2001-01-01'}", at_string(page, "items.0.id")));
	assert_true(json_is_true(at(kept, "overdue")));
	json_decref(kept);
	kept = call("commitment.update",
	            json_of("{'id':'%s','version':2,'status':'fulfilled'}", at_string(page, "items.0.id")));
	assert_false(json_is_true(at(kept, "overdue")));
	json_decref(kept);
	json_decref(page);
	page = call("engagement.history", json_of("{'limit':500}"));
	json_array_foreach(at(page, "items"), i, item)
		if (strcmp(at_string(item, "id"), engagement) == 0)
			assert_int_equal(at_integer(item, "open_commitments"), 0);
	json_decref(page);
	json_decref(seen);
	free(contact), free(engagement);
}

/* The texts of a page of the ledger, in order, without their ends. */
static void expect_ledger(const char *params, const char *texts)
{
	json_t *page = call("commitment.list", json_of("{'limit':100,%s}", params)), *item;
	char found[400] = "";
	size_t i;
	json_array_foreach(at(page, "items"), i, item) {
		strcat(found, i > 0 ? " " : "");
		strcat(found, at_string(item, "text"));
	}
	if (strcmp(found, texts) != 0)
		fail_msg("%s: %s, not %s", params, found, texts);
	json_decref(page);
}

static void promise(const char *by, const char *to, const char *text, const char *due_on, const char *status)
{
	json_t *params = json_of("{'by':'%s','to':'%s','text':'%s'}", by, to, text);
	if (due_on)
		json_object_set_new(params, "due_on", json_string(due_on));
	char *id = made("commitment.create", params);
	if (status)
		done("commitment.update", json_of("{'id':'%s','version':1,'status':'%s'}", id, status));
	free(id);
}

/* What each side owes: people stand on their country's side, our own on the home side; overdue by the day in Seoul. */
static void test_ledger(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Owing','country':'LA'}"));
	char *officer = made("principal.create", json_of("{'name':'Owing','role':'officer'}"));
	char *today = harness_query(harness, "SELECT (now() AT TIME ZONE 'Asia/Seoul')::date"), params[200];
	char *yesterday = harness_query(harness, "SELECT (now() AT TIME ZONE 'Asia/Seoul')::date - 1");
	(void)state;
	promise("LA", "KR", "none", NULL, NULL);
	promise("LA", officer, "late", "2001-01-01", NULL);
	promise(contact, officer, "yesterday", yesterday, NULL);
	promise(contact, "KR", "today", today, NULL);
	promise("LA", "KR", "kept", "2000-01-01", "fulfilled");
	promise(officer, contact, "ours", "2002-01-01", NULL);
	promise("KR", "LA", "too", "2099-01-01", NULL);
	/* An engagement that is void takes its promises along. */
	char *void_one = made("engagement.log", json_of("{" PLACED ",'commitments':[{'by':'LA','text':'void'}]}"));
	expect_ledger("'by':'LA'", "late yesterday today none void kept");
	done("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", void_one));
	expect_ledger("'by':'LA'", "late yesterday today none kept");
	expect_ledger("'by':'LA','status':'open'", "late yesterday today none");
	expect_ledger("'by':'LA','overdue':true", "late yesterday");
	expect_ledger("'by':'LA','overdue':false", "today none kept");
	expect_ledger("'by':'KR','to':'LA'", "ours too");
	expect_ledger("'to':'KR','by':'LA','due_before':'2001-01-02'", "late kept");
	expect_ledger("'to':'LA','overdue':true", "ours");
	const char *const people[][3] = {{"by", contact, "yesterday today"},
	                                 {"to", contact, "ours"},
	                                 {"by", officer, "ours"},
	                                 {"to", officer, "late yesterday"}};
	for (size_t i = 0; i < 4; i++) {
		snprintf(params, sizeof params, "'%s':'%s'", people[i][0], people[i][1]);
		expect_ledger(params, people[i][2]);
	}
	checked_refused(&client, "commitment.list", json_of("{'by':'" NOBODY "'}"), 404, "not_found", "by");
	checked_refused(&client, "commitment.list", json_of("{'by':'LA','to':'" NOBODY "'}"), 404, "not_found", "to");
	checked_faults(&client, "commitment.list", json_of("{'by':'XX','to':'kr'}"), "by to");
	/* The sums of all pages stand on the first one, the side that is most overdue first. */
	json_t *page = call("commitment.list", json_of("{'by':'LA','limit':2}"));
	assert_int_equal(json_array_size(at(page, "sides")), 1);
	assert_string_equal(at_string(page, "sides.0.side"), "LA");
	assert_int_equal(at_integer(page, "sides.0.owes"), 4);
	assert_int_equal(at_integer(page, "sides.0.overdue"), 2);
	assert_string_equal(at_string(page, "items.1.side"), "LA");
	assert_string_equal(at_string(page, "items.1.by.contact_id"), contact);
	json_t *next =
	    call("commitment.list", json_of("{'by':'LA','limit':2,'cursor':'%s'}", at_string(page, "next_cursor")));
	assert_true(json_is_null(at(next, "sides")));
	assert_string_equal(at_string(next, "items.0.text"), "today");
	json_decref(next), json_decref(page);
	page = call("commitment.list", json_of("{'by':'%s'}", officer));
	assert_string_equal(at_string(page, "items.0.side"), "KR");
	assert_string_equal(at_string(page, "sides.0.side"), "KR");
	assert_int_equal(at_integer(page, "sides.0.overdue"), 1);
	json_decref(page);
	page = call("commitment.list", json_of("{'by':'LA','status':'fulfilled'}"));
	assert_int_equal(json_array_size(at(page, "sides")), 0);
	json_decref(page);
	free(contact), free(officer), free(today), free(yesterday), free(void_one);
}

static void test_indicators(void **state)
{
	static const char *const wrong[] = {"-0.1", "100.1", "-1", "101", "1e300"}, *const right[] = {"0", "100", "60.25",
	                                                                                              "1e-7"};
	char *cursor = NULL, last[11] = "";
	size_t i, found = 0;
	(void)state;
	for (i = 0; i < 5; i++) {
		json_t *error = checked_error(&client, "indicator.record",
		                              json_of("{'indicator':'1.1/support','value':%s,'as_of':'2020-01-01',"
		                                      "'source':'s'}",
		                                      wrong[i]),
		                              422, "rule");
		assert_string_equal(at_string(error, "data.rule"), "percent");
		json_decref(error);
	}
	refuse("indicator.record", json_of("{'indicator':'1.1/none','value':1,'as_of':'2020-01-01','source':'s'}"), 404,
	       "not_found");
	refuse("indicator.series", json_of("{'indicator':'1.1/none'}"), 404, "not_found");
	for (i = 0; i < VALUES; i++) {
		json_t *record = call("indicator.record",
		                      json_of("{'indicator':'1.1/support','value':%s,'as_of':'2020-01-%02zu','source':'s',"
		                              "'margin':0,'sample_size':1}",
		                              right[i % 4], 1 + (VALUES - i) / 2));
		assert_true(json_number_value(at(record, "value")) >= strtod(right[i % 4], NULL) - 1e-12);
		assert_true(json_number_value(at(record, "value")) <= strtod(right[i % 4], NULL) + 1e-12);
		json_decref(record);
	}
	do {
		json_t *params = json_of("{'indicator':'1.1/support','limit':3}"), *page, *item;
		if (cursor)
			json_object_set_new(params, "cursor", json_string(cursor));
		page = call("indicator.series", params);
		free(cursor);
		cursor = json_is_null(at(page, "next_cursor")) ? NULL : strdup(at_string(page, "next_cursor"));
		json_array_foreach(at(page, "items"), i, item) {
			assert_true(strcmp(at_string(item, "as_of"), last) >= 0);
			snprintf(last, sizeof last, "%s", at_string(item, "as_of"));
			found++;
		}
		json_decref(page);
	} while (cursor);
	assert_int_equal(found, VALUES);
	json_t *page =
	    call("indicator.series", json_of("{'indicator':'1.1/support','since':'2020-01-03','until':'2020-01-05'}"));
	assert_int_equal(json_array_size(at(page, "items")), 4);
	json_decref(page);
}

/* The next push of a reminder that somebody set; those that follow from records of other tests are passed over. */
static json_t *pushed(struct client *subscriber, const char *note)
{
	json_t *message = client_read(subscriber, ANSWER_MS);
	while (strcmp(at_string(message, "params.reminder.kind"), "set") != 0) {
		json_decref(message);
		message = client_read(subscriber, ANSWER_MS);
	}
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(message, "params.reminder.note"), note);
	return message;
}

static void expect_silence(struct client *subscriber)
{
	char *line = client_read_line(subscriber, SILENT_MS);
	if (line)
		fail_msg("something came that should not: %s", line);
}

/* An instant so many milliseconds from now. */
static const char *in_ms(long ms)
{
	static char text[40];
	struct timespec now;
	struct tm utc;
	char second[32];
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec += ms % 1000 * 1000000;
	now.tv_sec += ms / 1000 + now.tv_nsec / 1000000000;
	gmtime_r(&now.tv_sec, &utc);
	strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof text, "%s.%03ldZ", second, now.tv_nsec % 1000000000 / 1000000);
	return text;
}

/* A reminder that is due, out and unacknowledged; then put off, moved, or given to another: what was out is withdrawn,
 * and the new occurrence comes under another delivery, also when its time is the same. */
static void test_reminders(void **state)
{
	struct client mine, theirs;
	char *officer = made("principal.create", json_of("{'name':'Reminded','role':'officer'}"));
	(void)state;
	client_open(&mine, harness);
	client_open(&theirs, harness);
	json_decref(checked_result(&mine, "reminder.subscribe", NULL));
	json_decref(checked_result(&theirs, "reminder.subscribe", json_of("{'assignee':'%s'}", officer)));
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2020-01-01T00:00:00Z'}"));
	json_t *first = pushed(&mine, "n"), *second, *record;
	checked_refused(&client, "reminder.snooze", json_of("{'id':'%s','until':'2020-01-02T00:00:00Z'}", id), 422, "rule",
	                "until");
	checked_refused(&client, "reminder.snooze", json_of("{'id':'" NOBODY "','until':'2099-01-02T00:00:00Z'}"), 404,
	                "not_found", "id");
	/* Put off. */
	record = call("reminder.snooze", json_of("{'id':'%s','until':'2099-01-01T00:00:00Z'}", id));
	assert_string_equal(at_string(record, "status"), "pending");
	assert_string_equal(at_string(record, "due_at"), "2099-01-01T00:00:00Z");
	assert_string_equal(at_string(record, "deliveries.0.outcome"), "withdrawn");
	assert_int_equal(json_array_size(at(record, "deliveries")), 1);
	json_decref(record);
	expect_silence(&mine);
	record = call("reminder.snooze", json_of("{'id':'%s','until':'%s'}", id, in_ms(200)));
	json_decref(record);
	second = pushed(&mine, "n");
	assert_string_not_equal(at_string(first, "params.delivery_id"), at_string(second, "params.delivery_id"));
	json_decref(first);
	/* Another note is no other time: what is out stays out. */
	record = call("reminder.update", json_of("{'id':'%s','version':%ld,'note':'m'}", id, version_of("reminder", id)));
	assert_string_equal(at_string(record, "status"), "due");
	assert_true(json_is_null(at(record, "deliveries.1.outcome")));
	json_decref(record);
	/* Another assignee gets it, at the time it was due. */
	record = call("reminder.update",
	              json_of("{'id':'%s','version':%ld,'assignee':'%s'}", id, version_of("reminder", id), officer));
	assert_string_equal(at_string(record, "deliveries.1.outcome"), "withdrawn");
	first = pushed(&theirs, "m");
	assert_string_not_equal(at_string(first, "params.delivery_id"), at_string(second, "params.delivery_id"));
	assert_string_equal(at_string(first, "params.reminder.due_at"), at_string(record, "due_at"));
	json_decref(record);
	json_decref(second);
	/* Acknowledged, and armed again for the very same time: it comes again. */
	done("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(first, "params.delivery_id")));
	done("reminder.update", json_of("{'id':'%s','version':%ld,'due_at':'%s'}", id, version_of("reminder", id),
	                                at_string(first, "params.reminder.due_at")));
	second = pushed(&theirs, "m");
	assert_string_not_equal(at_string(first, "params.delivery_id"), at_string(second, "params.delivery_id"));
	json_decref(first);
	json_decref(second);
	/* What has ended is not armed again. */
	done("reminder.complete", json_of("{'id':'%s'}", id));
	refuse("reminder.snooze", json_of("{'id':'%s','until':'2099-01-01T00:00:00Z'}", id), 422, "rule");
	refuse("reminder.update",
	       json_of("{'id':'%s','version':%ld,'due_at':'2099-01-01T00:00:00Z'}", id, version_of("reminder", id)), 422,
	       "rule");
	free(id);
	id = made("reminder.create", json_of("{'note':'o','due_at':'2099-01-01T00:00:00Z'}"));
	checked_refused(&client, "reminder.update",
	                json_of("{'id':'%s','version':1,'note':'x','assignee':'" NOBODY "'}", id), 404, "not_found",
	                "assignee");
	checked_refused(&client, "reminder.update",
	                json_of("{'id':'%s','version':1,'note':'x','about':{'contact_id':'" NOBODY "'}}", id), 404,
	                "not_found", "about.contact_id");
	done("reminder.update", json_of("{'id':'%s','version':1,'due_at':'%s'}", id, in_ms(100)));
	json_decref(pushed(&mine, "o"));
	expect_silence(&theirs);
	client_close(&mine);
	client_close(&theirs);
	free(id), free(officer);
}

/* Somebody else's reminder is neither put off nor changed. */
static void test_reminders_of_others(void **state)
{
	char *officer = made("principal.create", json_of("{'name':'Other','role':'officer'}"));
	char *chief = made("principal.create", json_of("{'name':'Chief again','role':'administrator'}"));
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}"));
	(void)state;
	become(officer);
	refuse("reminder.snooze", json_of("{'id':'%s','until':'2098-01-01T00:00:00Z'}", id), 403, "forbidden");
	refuse("reminder.update", json_of("{'id':'%s','version':1,'note':'x'}", id), 403, "forbidden");
	refuse("principal.update", json_of("{'id':'%s','version':1,'role':'administrator'}", officer), 403, "forbidden");
	refuse("roadmap.revise", json_of("{'based_on':1,'changes':[{'workstream':'1.1','title':'x'}]}"), 403, "forbidden");
	become(NULL);
	free(officer), free(chief), free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_notes),
	    cmocka_unit_test(test_last_administrator),
	    cmocka_unit_test(test_commitments),
	    cmocka_unit_test(test_ledger),
	    cmocka_unit_test(test_indicators),
	    cmocka_unit_test(test_reminders),
	    cmocka_unit_test(test_reminders_of_others),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
