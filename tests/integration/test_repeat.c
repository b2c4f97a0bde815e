/* Repeats: whatever is sent twice, with the same request_id or the same id, is done once and answered alike, for every
 * write method there is; other content under a used id is refused; and it holds when the two arrive at the same time.
 */
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
/* What engagement.log needs, without braces. */
#define PLACED "'title':'A talk','kind':'meeting','starts_on':'2020-05-01','countries':['KP'],'workstreams':['1.2']"

enum { ANSWER_MS = 20000, RACES = 50 };

/* What a call of each write method may say, and what else. %s is an id that `prepare` leaves. */
struct repeatable {
	const char *method, *content, *other;
	char *(*prepare)(void);
};

static char *prepare_reminder(void)
{
	return made("reminder.create", json_of("{'note':'x','due_at':'2099-01-01T00:00:00Z'}"));
}

/* A delivery that is out. */
static char *prepare_delivery(void)
{
	struct client subscriber;
	char *reminder = made("reminder.create", json_of("{'note':'x','due_at':'2001-01-01T00:00:00Z'}")), *id = NULL;
	client_open(&subscriber, harness);
	json_decref(checked_result(&subscriber, "reminder.subscribe", NULL));
	while (!id) {
		json_t *message = client_read(&subscriber, ANSWER_MS);
		if (strcmp(at_string(message, "params.reminder.id"), reminder) == 0)
			id = strdup(at_string(message, "params.delivery_id"));
		json_decref(message);
	}
	client_close(&subscriber);
	free(reminder);
	return id;
}

static char *prepare_token(void)
{
	return made("token.create", json_of("{'principal_id':'" ADMINISTRATOR "'}"));
}

static char *prepare_calendar(void)
{
	return made("calendar.create", json_of("{}"));
}

static char *prepare_principal(void)
{
	return made("principal.create", json_of("{'name':'P','role':'viewer'}"));
}

static char *prepare_organization(void)
{
	return made("organization.create", json_of("{'name':'Prepared','country':'KR'}"));
}

static char *prepare_contact(void)
{
	return made("contact.create", json_of("{'name':'Prepared','country':'KR'}"));
}

static char *prepare_dialogue(void)
{
	return made("dialogue.create", json_of("{'title':'D','countries':['KR'],'workstreams':['1.1']}"));
}

/* One that was to take place. */
static char *prepare_engagement(void)
{
	return made("engagement.log", json_of("{" PLACED ",'status':'planned'}"));
}

static char *prepare_note(void)
{
	char *contact = prepare_contact(),
	     *id = made("note.add", json_of("{'about':{'contact_id':'%s'},'text':'n'}", contact));
	free(contact);
	return id;
}

static char *prepare_commitment(void)
{
	return made("commitment.create", json_of("{'by':'KP','text':'t'}"));
}

static char *prepare_concern(void)
{
	return made("concern.raise", json_of("{'country':'CN','text':'t','raised_on':'2020-01-01'}"));
}

/* No id, but what a revision is based on. */
static char *prepare_version(void)
{
	return harness_query(harness, "SELECT max(version) FROM store.roadmap_version");
}

static char *prepare_webhook(void)
{
	return made("webhook.create", json_of("{'url':'https://prepared.invalid/'}"));
}

/* No id, but a day. */
static char *prepare_holiday(void)
{
	json_decref(call("holiday.set", json_of("{'country':'JP','day':'2098-02-02','name_en':'N'}")));
	return strdup("2098-02-02");
}

/* A reminder that could not be delivered. */
static char *prepare_failed(void)
{
	char *id = prepare_reminder(), sql[512];
	snprintf(
	    sql, sizeof sql,
	    "INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, due_at, late, lease_until, ended_at, "
	    "outcome) "
	    "SELECT store.uuid7(), id, assignee_id, 'email', due_at, false, now(), now(), 'failed' FROM store.reminder "
	    "WHERE id = '%s'",
	    id);
	free(harness_query(harness, sql));
	return id;
}

/* The request_id of a write. */
static char *prepare_change(void)
{
	char request[40];
	snprintf(request, sizeof request, "%s", checked_id());
	json_decref(call("engagement.log", json_of("{" PLACED ",'request_id':'%s'}", request)));
	return strdup(request);
}

static const struct repeatable repeatables[] = {
    {"change.undo", "{'id':'%s','reason':'r'}", "{'id':'%s'}", prepare_change},
    {"principal.create", "{'name':'P','role':'viewer'}", "{'name':'P','role':'officer'}", NULL},
    {"token.create", "{'principal_id':'" ADMINISTRATOR "'}", "{'principal_id':'" ADMINISTRATOR "','scopes':['a.b']}",
     NULL},
    {"token.revoke", "{'id':'%s'}", "{'id':'" NOBODY "'}", prepare_token},
    {"calendar.create", "{'country':'CN'}", "{'country':'CN','name':'N'}", NULL},
    {"calendar.revoke", "{'id':'%s'}", "{'id':'" NOBODY "'}", prepare_calendar},
    {"organization.create", "{'name':'O','country':'KR'}", "{'name':'O','country':'KP'}", NULL},
    {"contact.create", "{'name':'C','country':'KR','tags':['a','b']}", "{'name':'C','country':'KR','tags':['b','a']}",
     NULL},
    {"dialogue.create", "{'title':'D','countries':['KR'],'workstreams':['1.1']}",
     "{'title':'D','countries':['KR'],'workstreams':['1.1'],'status':'paused'}", NULL},
    {"engagement.log",
     "{" PLACED ",'participants':[{'contact':{'name':'Once only','country':'KR'},'on_match':'create'}],"
     "'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'x'},'commitments':[{'by':'KR','text':'x'}],'private_notes':'"
     "n'}",
     "{" PLACED "}", NULL},
    {"reminder.create", "{'note':'R','due_at':'2099-01-01T00:00:00Z'}", "{'note':'R','due_at':'2099-01-01T00:00:01Z'}",
     NULL},
    {"note.add", "{'about':{'contact_id':'%s'},'text':'n'}", "{'about':{'contact_id':'%s'},'text':'m'}",
     prepare_contact},
    {"commitment.create", "{'by':'KP','text':'t','due_on':'2020-01-01'}", "{'by':'KP','text':'t'}", NULL},
    {"concern.raise", "{'country':'CN','text':'t','topic':'new-topic','raised_on':'2020-01-01'}",
     "{'country':'CN','text':'t','topic':'new-topic','raised_on':'2020-01-02'}", NULL},
    {"concern.repeat", "{'id':'%s','raised_on':'2020-01-02'}", "{'id':'%s','raised_on':'2020-01-03'}", prepare_concern},
    {"concern.answer", "{'id':'%s','version':1,'text':'a'}", "{'id':'%s','version':1,'text':'b'}", prepare_concern},
    {"concern.update", "{'id':'%s','version':1,'withdrawn':true}", "{'id':'%s','version':1,'withdrawn':false}",
     prepare_concern},
    {"principal.retire", "{'id':'%s','version':1,'hand_over_to':'" ADMINISTRATOR "'}",
     "{'id':'%s','version':1,'hand_over_to':'" ADMINISTRATOR "','desks':[]}", prepare_principal},
    {"indicator.record", "{'indicator':'1.1/support','value':40,'as_of':'2020-01-01','source':'s'}",
     "{'indicator':'1.1/support','value':40.5,'as_of':'2020-01-01','source':'s'}", NULL},
    {"roadmap.revise", "{'based_on':%s,'changes':[{'workstream':'1.1','title':'T'}]}",
     "{'based_on':%s,'changes':[{'workstream':'1.1','title':'U'}]}", prepare_version},
    {"principal.update", "{'id':'%s','version':1,'email':null}", "{'id':'%s','version':1}", prepare_principal},
    {"organization.update", "{'id':'%s','version':1,'country':null}", "{'id':'%s','version':1}", prepare_organization},
    {"contact.update",
     "{'id':'%s','version':1,'notes':'n','affiliations_add':[{'organization':'Added once','title':'t'}]}",
     "{'id':'%s','version':1,'notes':null}", prepare_contact},
    {"dialogue.update", "{'id':'%s','version':1,'countries_add':['KP']}",
     "{'id':'%s','version':1,'countries_add':['JP']}", prepare_dialogue},
    {"engagement.update",
     "{'id':'%s','version':1,'participants_add':[{'contact':{'name':'Added','country':'KR'},'on_match':'create'}]}",
     "{'id':'%s','version':1}", prepare_engagement},
    {"engagement.hold",
     "{'id':'%s','version':1,'commitments':[{'by':'KP','text':'t'}],'follow_up':{'due_at':'2099-01-01T00:00:00Z','note'"
     ":'n'}}",
     "{'id':'%s','version':1}", prepare_engagement},
    {"engagement.void", "{'id':'%s','version':1,'reason':'r'}", "{'id':'%s','version':1,'reason':'s'}",
     prepare_engagement},
    {"note.update", "{'id':'%s','version':1,'text':'m'}", "{'id':'%s','version':1,'text':'o'}", prepare_note},
    {"commitment.update", "{'id':'%s','version':1,'status':'fulfilled'}", "{'id':'%s','version':1,'status':'lapsed'}",
     prepare_commitment},
    {"reminder.update", "{'id':'%s','version':1,'due_at':'2098-01-01T00:00:00Z'}", "{'id':'%s','version':1}",
     prepare_reminder},
    {"reminder.snooze", "{'id':'%s','until':'2097-01-01T00:00:00Z'}", "{'id':'%s','until':'2098-01-01T00:00:00Z'}",
     prepare_reminder},
    {"reminder.complete", "{'id':'%s'}", "{'id':'%s','note':'x'}", prepare_reminder},
    {"reminder.cancel", "{'id':'%s'}", "{'id':'" NOBODY "'}", prepare_reminder},
    {"reminder.redeliver", "{'id':'%s'}", "{'id':'" NOBODY "'}", prepare_failed},
    {"webhook.create", "{'url':'https://a.invalid/'}", "{'url':'https://b.invalid/'}", NULL},
    {"webhook.update", "{'id':'%s','version':1,'status':'disabled'}", "{'id':'%s','version':1}", prepare_webhook},
    {"webhook.rotate", "{'id':'%s'}", "{'id':'%s','keep':'PT1H'}", prepare_webhook},
    {"webhook.test", "{'id':'%s'}", "{'id':'" NOBODY "'}", prepare_webhook},
    {"holiday.set", "{'country':'JP','day':'2098-01-02','name_en':'N'}",
     "{'country':'JP','day':'2098-01-03','name_en':'N'}", NULL},
    {"holiday.remove", "{'country':'JP','day':'%s'}", "{'country':'JP','day':'2098-01-01'}", prepare_holiday},
    {"reminder.acknowledge", "{'delivery_id':'%s'}", "{'delivery_id':'" NOBODY "'}", prepare_delivery},
};

static const struct repeatable *repeatable_of(const char *method)
{
	for (size_t i = 0; i < sizeof repeatables / sizeof *repeatables; i++)
		if (strcmp(repeatables[i].method, method) == 0)
			return &repeatables[i];
	fail_msg("nothing is known here to call %s with: add it", method);
	return NULL;
}

/* The params of a row, with one more member. */
static json_t *filled(const char *format, const char *id, const char *member, const char *value)
{
	const char *hole = strstr(format, "%s");
	char text[2000];
	snprintf(text, sizeof text, "%.*s%s%s", (int)(hole ? hole - format : 0), format, hole ? id : "",
	         hole ? hole + 2 : format);
	json_t *params = json_of("%s", text);
	json_object_set_new(params, member, json_string(value));
	return params;
}

/* A secret is shown by the first answer only: this makes the first one like the others. */
static void hide_secrets(char *answer)
{
	static const char *const shown[] = {"\"token\": \"tt_", "\"secret\": \"whsec_", "\"token\": \"tc_",
	                                    "\"path\": \"/calendar/tc_"};
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		char *value = strstr(answer, shown[i]);
		if (!value)
			continue;
		value = strchr(value, ' ') + 1;
		char *end = strchr(value + 1, '"') + 1;
		memcpy(value, "null", 4);
		memmove(value + 4, end, strlen(end) + 1);
	}
}

/* The whole line that answers a call with the id 1, so that answers can be compared byte by byte; free() it. */
static char *answer_line(const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:s, s:o, s:i}", "jsonrpc", "2.0", "method", method, "params", params, "id", 1);
	char *text = json_dumps(request, JSON_COMPACT), *answer = checked_exchange(&client, text);
	free(text);
	json_decref(request);
	hide_secrets(answer);
	return answer;
}

static void check_trail(const char *method, const char *request_id)
{
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM store.change c JOIN store.answer a ON a.change_id = c.id WHERE c.method = '%s'"
	         " AND c.request_id = '%s' AND c.principal_id = '" ADMINISTRATOR "'",
	         method, request_id);
	assert_int_equal(harness_count(harness, sql), 1);
}

static void repeat_request(const struct method *method)
{
	const struct repeatable *row = repeatable_of(method->name);
	char *id = row->prepare ? row->prepare() : strdup(""), request_id[40], upper[40];
	long changes = harness_count(harness, "SELECT count(*) FROM store.change");
	snprintf(request_id, sizeof request_id, "%s", checked_id());
	for (size_t i = 0; i < sizeof upper; i++)
		upper[i] = (char)(request_id[i] >= 'a' && request_id[i] <= 'f' ? request_id[i] - 32 : request_id[i]);
	char *first = answer_line(method->name, filled(row->content, id, "request_id", request_id));
	long before = checked_rows(harness);
	if (!strstr(first, "\"result\""))
		fail_msg("%s: %s", method->name, first);
	/* One row of the trail for one write. */
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change"), changes + 1);
	check_trail(method->name, request_id);
	for (size_t i = 0; i < 3; i++) {
		char *again = answer_line(method->name, filled(row->content, id, "request_id", i == 2 ? upper : request_id));
		assert_string_equal(again, first);
		free(again);
	}
	checked_refused(&client, method->name, filled(row->other, id, "request_id", request_id), 409, "id_reused",
	                "request_id");
	/* Another method is other content. */
	const char *another = strcmp(method->name, "organization.create") == 0 ? "contact.create" : "organization.create";
	checked_refused(&client, another, filled(repeatable_of(another)->content, "", "request_id", request_id), 409,
	                "id_reused", "request_id");
	assert_int_equal(checked_rows(harness), before);
	free(first);
	free(id);
}

static const struct type_member *member_of(const struct type *object, const char *name)
{
	for (size_t i = 0; i < object->member_count; i++)
		if (strcmp(object->members[i].name, name) == 0)
			return &object->members[i];
	return NULL;
}

static void repeat_create(const struct method *method)
{
	const struct repeatable *row = repeatable_of(method->name);
	char *prepared = row->prepare ? row->prepare() : strdup(""), id[40];
	snprintf(id, sizeof id, "%s", checked_id());
	char *first = answer_line(method->name, filled(row->content, prepared, "id", id));
	long before = checked_rows(harness);
	assert_true(strstr(first, id) || !member_of(method->result, "id"));
	assert_non_null(strstr(first, "\"result\""));
	for (size_t i = 0; i < 3; i++) {
		json_t *params = filled(row->content, prepared, "id", id);
		if (i == 1)
			json_object_set_new(params, "request_id", json_string(checked_id()));
		char *again = answer_line(method->name, params);
		assert_string_equal(again, first);
		free(again);
	}
	checked_refused(&client, method->name, filled(row->other, prepared, "id", id), 409, "id_reused", "id");
	assert_int_equal(checked_rows(harness), before);
	free(prepared);
	free(first);
}

static void test_repeats(void **state)
{
	size_t creates = 0;
	(void)state;
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		const struct type_member *id = member_of(&method->params, "id");
		if (method->kind != METHOD_WRITE)
			continue;
		repeat_request(method);
		/* A create is a write whose id may be left out. */
		if (id && id->flags & MEMBER_OPTIONAL) {
			repeat_create(method);
			creates++;
		}
	}
	assert_true(creates >= 10);
}

/* The same content in other words: short forms, other offsets, decomposed text, explicit nulls. */
static void test_same_content(void **state)
{
	char request[40];
	(void)state;
	snprintf(request, sizeof request, "%s", checked_id());
	char *first = answer_line("engagement.log",
	                          json_of("{'request_id':'%s','title':'같은 "
	                                  "말','kind':'call','starts_at':'2001-01-01T09:00:00+09:00','countries':['KP'],"
	                                  "'workstreams':['1.2'],'agenda':['a'],'commitments':[{'by':'KP','text':'x'}]}",
	                                  request));
	char *again =
	    answer_line("engagement.log",
	                json_of("{'commitments':[{'text':'x','by':{'country':'KP'}}],'readout':null,'agenda':[{'text':'a'}]"
	                        ",'workstreams':[{'code':'1.2'}],"
	                        "'countries':['KP'],'starts_at':'2001-01-01T00:00:00.000Z','kind':'call',"
	                        "'title':'\u1100\u1161\u11C0\u110B\u1173\u11AB \u1106\u1161\u11AF','request_id':'%s'}",
	                        request));
	assert_non_null(strstr(first, "\"result\""));
	assert_string_equal(first, again);
	free(first);
	free(again);
	/* A request that was refused has used nothing up. */
	snprintf(request, sizeof request, "%s", checked_id());
	json_decref(checked_error(&client, "engagement.log",
	                          json_of("{" PLACED ",'owner':'" NOBODY "','request_id':'%s'}", request), 404,
	                          "not_found"));
	json_decref(call("engagement.log", json_of("{" PLACED ",'request_id':'%s'}", request)));
}

/* Two connections send the same request at the same time. */
static void test_race(void **state)
{
	struct client other;
	(void)state;
	client_open(&other, harness);
	for (size_t i = 0; i < RACES; i++) {
		long before = harness_count(harness, "SELECT count(*) FROM store.engagement");
		json_t *params =
		    json_of("{" PLACED ",'%s':'%s','participants':[{'contact':{'name':'Raced %zu','country':'US'}}]}",
		            i % 2 ? "id" : "request_id", checked_id(), i);
		json_t *request =
		    json_pack("{s:s, s:s, s:o, s:i}", "jsonrpc", "2.0", "method", "engagement.log", "params", params, "id", 1);
		char *text = json_dumps(request, JSON_COMPACT), *one, *two;
		assert_true(client_send_line(&client, text) && client_send_line(&other, text));
		one = client_read_line(&client, ANSWER_MS);
		two = client_read_line(&other, ANSWER_MS);
		assert_non_null(one);
		assert_non_null(two);
		assert_non_null(strstr(one, "\"result\""));
		if (strcmp(one, two) != 0)
			fail_msg("two answers to one request: %.300s\nand %.300s", one, two);
		assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.engagement"), before + 1);
		free(one);
		free(two);
		free(text);
		json_decref(request);
	}
	/* And two requests that name the same new person make one contact of it. */
	for (size_t i = 0; i < RACES; i++) {
		char *text;
		assert_true(
		    asprintf(&text,
		             "{\"jsonrpc\":\"2.0\",\"method\":\"engagement.log\",\"id\":1,\"params\":{\"title\":\"A\",\"kind\":"
		             "\"call\",\"starts_on\":\"2001-01-01\",\"countries\":[\"US\"],\"workstreams\":[\"1.3\"],"
		             "\"participants\":"
		             "[{\"contact\":{\"name\":\"Shared %zu\",\"country\":\"US\"},\"on_match\":\"use\"}]}}",
		             i) > 0);
		assert_true(client_send_line(&client, text) && client_send_line(&other, text));
		json_t *one = client_read(&client, ANSWER_MS), *two = client_read(&other, ANSWER_MS);
		assert_string_equal(at_string(one, "result.participants.0.contact_id"),
		                    at_string(two, "result.participants.0.contact_id"));
		json_decref(one);
		json_decref(two);
		free(text);
	}
	client_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_repeats),
	    cmocka_unit_test(test_same_content),
	    cmocka_unit_test(test_race),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
