/* Logging an engagement with all that belongs to it: what is stored is what was said, a person is made once, and what
 * is refused leaves no trace. Also finding contacts by their names. */
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

static json_t *logged(const char *members)
{
	return call("engagement.log", json_of("{" PLACED ",%s}", members));
}

/* That a record has these members, as they are here; objects within objects likewise. */
static void check_members(const json_t *record, json_t *expected)
{
	const char *name;
	json_t *value;
	json_object_foreach(expected, name, value)
		if (!json_equal(value, json_object_get(record, name)))
			fail_msg("%s is %s, not %s", name,
			         json_dumps(json_object_get(record, name), JSON_COMPACT | JSON_ENCODE_ANY),
			         json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
	json_decref(expected);
}

/* What is stored
 * ---------------------------------------------------------------------------------------------------------- */

/* What was made along is there, and about the engagement. */
static void check_made_along(const json_t *record)
{
	const char *id = at_string(record, "id");
	json_t *reminder = call("reminder.get", json_of("{'id':'%s'}", at_string(record, "created.reminder_id")));
	json_t *contact = call("contact.get", json_of("{'id':'%s'}", at_string(record, "created.contacts.0")));
	char sql[400];

	check_members(reminder,
	              json_of("{'about':{'engagement_id':'%s'},'note':'Send the paper','assignee':'" ADMINISTRATOR "',"
	                      "'due_at':'2099-11-27T00:00:00Z','timezone':'Asia/Seoul','status':'pending',"
	                      "'channels':['push']}",
	                      id));
	check_members(contact,
	              json_of("{'name':'Choe Ryong Hae','country':'KP','sector':'government','status':'active','names':["
	                      "{'text':'최룡해','kind':'native','language':'ko-KP','system':null,'primary':false},"
	                      "{'text':'Choe Ryong Hae','kind':'romanized','language':null,'system':'dprk','primary':true},"
	                      "{'text':'崔龍海','kind':'hanja','language':null,'system':null,'primary':false},"
	                      "{'text':'Чхве Рён Хэ','kind':'cyrillic','language':null,'system':null,'primary':false}]}"));
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM store.note WHERE id = '%s' AND engagement_id = '%s' AND author_id = '" ADMINISTRATOR
	         "' AND body = '그는 피곤해 보였다'",
	         at_string(record, "created.note_id"), id);
	/* As its author: notes are hidden from everyone else, the system included. */
	char *own = malloc(strlen(sql) + 200);
	sprintf(own, "SELECT set_config('tracktwo.caller', '" ADMINISTRATOR "', false); %s", sql);
	assert_int_equal(harness_count(harness, own), 1);
	free(own);
	json_decref(reminder);
	json_decref(contact);
}

static void test_everything(void **state)
{
	char *officer = made("principal.create", json_of("{'name':'박 과장','role':'officer'}"));
	char *wang = made("contact.create", json_of("{'name':'王毅','country':'CN','sensitivity':'open'}"));
	char *visit = made("engagement.log", json_of("{" PLACED "}"));
	json_t *record = call(
	    "engagement.log",
	    json_of("{'title':'제재 완화 오찬','kind':'track2-session','track':'2','starts_at':'2020-11-20T12:30:00+09:00',"
	            "'ends_at':'2020-11-20T14:00:00.25+09:00','timezone':'Asia/Seoul','location':'서울, "
	            "한식당','format':'in-person',"
	            "'countries':['CN','KP'],'workstreams':['1.3',{'code':'1.2','objective':'1.2.1','contribution':'a "
	            "first word'}],"
	            "'topics':['sanctions-relief','a-word-never-used-before'],'participants':["
	            "{'contact_id':'%s','role':'chair','capacity':'official','attendance':'attended','side':'CN'},"
	            "{'principal_id':'%s','role':'interpreter'},"
	            "{'contact':{'names':[{'text':'최룡해','kind':'native','language':'ko-KP'},{'text':'Choe Ryong "
	            "Hae','kind':'romanized',"
	            "'system':'dprk','primary':true},{'text':'崔龍海','kind':'hanja'},{'text':'Чхве Рён "
	            "Хэ','kind':'cyrillic'}],"
	            "'country':'KP','sector':'government'},'capacity':'former-official'}],"
	            "'audience':{'headcount':12,'groups':['students']},'parent_id':'%s','languages':['ko','zh-Hant'],"
	            "'attribution':'chatham-house','agenda':['tea',{'text':'sanctions','status':'no-consensus'}],'readout':"
	            "'Frank.\\nLong.',"
	            "'private_notes':'그는 피곤해 보였다','outcomes':['a second "
	            "lunch'],'sources':['https://example.org/1'],'owner':'%s',"
	            "'commitments':[{'by':'%s','to':'KR','text':'a list of names','due_on':'2020-12-01'},"
	            "{'by':{'country':'KR'},'to':{'contact_id':'%s'},'text':'a paper'}],"
	            "'follow_up':{'due_at':'2099-11-27T09:00:00+09:00','note':'Send the paper'}}",
	            wang, officer, visit, officer, wang, wang));
	json_t *again = call("engagement.get", json_of("{'id':'%s'}", at_string(record, "id")));
	(void)state;

	check_members(
	    record,
	    json_of(
	        "{'version':1,'title':'제재 완화 "
	        "오찬','kind':'track2-session','track':'2','status':'held','starts_at':'2020-11-20T03:30:00Z',"
	        "'ends_at':'2020-11-20T05:00:00.250000Z','timezone':'Asia/"
	        "Seoul','starts_on':null,'ends_on':null,'precision':null,"
	        "'location':'서울, 한식당','format':'in-person','countries':['CN','KP'],'workstreams':[{'code':'1.3'},"
	        "{'code':'1.2','objective':'1.2.1','contribution':'a first "
	        "word'}],'topics':['sanctions-relief','a-word-never-used-before'],"
	        "'audience':{'headcount':12,'groups':['students']},'dialogue_id':null,'parent_id':'%s','languages':['ko','"
	        "zh-Hant'],"
	        "'attribution':'chatham-house','sensitivity':'internal','agenda':[{'text':'tea'},"
	        "{'text':'sanctions','status':'no-consensus'}],'readout':'Frank.\\nLong.','outcomes':['a second lunch'],"
	        "'sources':['https://example.org/1'],'owner':'%s','logged_by':'" ADMINISTRATOR "','voided_at':null}",
	        visit, officer));
	assert_int_equal(json_array_size(at(record, "participants")), 3);
	check_members(at(record, "participants.0"),
	              json_of("{'contact_id':'%s','principal_id':null,'name':'王毅','country':'CN',"
	                      "'role':'chair','capacity':'official','attendance':'attended','side':'CN'}",
	                      wang));
	check_members(at(record, "participants.1"),
	              json_of("{'contact_id':null,'principal_id':'%s','name':'박 과장','country':null,"
	                      "'role':'interpreter','capacity':null,'attendance':null,'side':null}",
	                      officer));
	check_members(at(record, "participants.2"), json_of("{'contact_id':'%s','name':'Choe Ryong Hae','country':'KP',"
	                                                    "'role':'participant','capacity':'former-official'}",
	                                                    at_string(record, "created.contacts.0")));
	assert_int_equal(json_array_size(at(record, "created.contacts")), 1);
	assert_int_equal(json_array_size(at(record, "commitments")), 2);
	check_members(at(record, "commitments.0"),
	              json_of("{'by':{'contact_id':'%s','name':'王毅'},'to':{'country':'KR'},"
	                      "'text':'a list of names','due_on':'2020-12-01','status':'open'}",
	                      wang));
	check_members(at(record, "commitments.1"), json_of("{'by':{'country':'KR'},'to':{'contact_id':'%s','name':'王毅'},"
	                                                   "'text':'a paper','due_on':null}",
	                                                   wang));
	assert_int_equal(json_array_size(at(record, "created.commitments")), 2);
	check_made_along(record);
	/* Read again it is the same, without what came into being along with it. */
	json_object_del(record, "created");
	assert_true(json_equal(record, again));
	json_decref(record);
	json_decref(again);
	free(officer);
	free(wang);
	free(visit);
}

static void check_one(const char *members, const char *expected)
{
	json_t *record = call("engagement.log",
	                      json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],%s}", members));
	check_members(record, json_of("{%s}", expected));
	json_decref(record);
}

static void test_times_and_status(void **state)
{
	(void)state;
	check_one("'starts_at':'2001-02-03T04:05:06Z'", "'status':'held','starts_at':'2001-02-03T04:05:06Z'");
	check_one("'starts_at':'2099-02-03T04:05:06Z'", "'status':'planned'");
	check_one("'starts_on':'2001-02-03'",
	          "'status':'held','starts_on':'2001-02-03','precision':'day','starts_at':null");
	check_one("'starts_on':'2099-02-03'", "'status':'planned'");
	check_one("'starts_on':'2099-02-03','status':'tentative'", "'status':'tentative'");
	check_one("'starts_on':'2099-02-03','status':'held'", "'status':'held'");
	check_one("'starts_on':'2001-02-03','status':'cancelled'", "'status':'cancelled'");
	check_one("'starts_on':'2001-02-03','status':null,'readout':null,'participants':null",
	          "'status':'held','readout':null");
	check_one("'starts_on':'1971-07-09','ends_on':'1971-07-11'", "'starts_on':'1971-07-09','ends_on':'1971-07-11'");
	check_one("'starts_on':'1971-07-09','ends_on':'1971-07-09'", "'ends_on':'1971-07-09'");
	check_one("'starts_on':'1971-07-09','precision':'month'", "'starts_on':'1971-07-01','precision':'month'");
	check_one("'starts_on':'1971-07-09','precision':'year'", "'starts_on':'1971-01-01','precision':'year'");
	check_one("'starts_on':'0001-01-01'", "'starts_on':'0001-01-01','status':'held'");
	check_one("'starts_at':'0001-01-01T00:00:00Z'", "'starts_at':'0001-01-01T00:00:00Z'");
	check_one("'starts_at':'9999-12-31T23:59:59.999999Z'",
	          "'starts_at':'9999-12-31T23:59:59.999999Z','status':'planned'");
	check_one("'starts_at':'2001-02-03T04:05:06.1234567+00:30'", "'starts_at':'2001-02-03T03:35:06.123456Z'");
	check_one("'starts_at':'2001-02-03t04:05:06z','ends_at':'2001-02-03T04:05:06Z'",
	          "'ends_at':'2001-02-03T04:05:06Z'");
}

/* Decomposed Hangul, a combining accent, and a compatibility ideograph: stored composed. */
static void test_nfc(void **state)
{
	json_t *record =
	    call("engagement.log", json_of("{'title':'\u1112\u1161\u11AB\u1100\u1173\u11AF "
	                                   "Shinzo\u0304','kind':'call','starts_on':'2001-01-01','countries':['KR'],"
	                                   "'workstreams':['1.1'],'participants':[{'contact':{'name':'\u1100\u1175\u11B7 "
	                                   "cafe\u0301','country':'KR'}}],"
	                                   "'readout':'\u1100\u1161','agenda':['\u1100\u1161'],'outcomes':['\uF90A'],'"
	                                   "commitments':[{'by':'KR','text':'\u1100\u1161'}]}"));
	(void)state;
	check_members(
	    record, json_of("{'title':'한글 Shinz\u014D','readout':'가','agenda':[{'text':'가'}],'outcomes':['\u91D1']}"));
	assert_string_equal(at_string(record, "participants.0.name"), "김 caf\u00E9");
	assert_string_equal(at_string(record, "commitments.0.text"), "가");
	json_decref(record);
	/* The same person, however the name was typed. */
	json_decref(checked_error(
	    &client, "engagement.log",
	    json_of("{" PLACED ",'participants':[{'contact':{'name':'김 caf\u00E9','country':'KR'}}]}"), 409, "duplicate"));
}

static void test_dialogue_defaults(void **state)
{
	char *dialogue = made(
	    "dialogue.create",
	    json_of(
	        "{'title':'Northeast Asia','track':'1.5','countries':['US','CN','RU'],'workstreams':['2.3',{'code':'1.3',"
	        "'objective':'1.3.2'}],'attribution':'off-record','languages':['en','ru']}"));
	char *bare = made("dialogue.create", json_of("{'title':'Bare','countries':['JP'],'workstreams':['2.1']}"));
	json_t *record =
	    call("engagement.log",
	         json_of("{'title':'A','kind':'conference','starts_on':'2001-01-01','dialogue_id':'%s'}", dialogue));
	(void)state;
	check_members(
	    record, json_of("{'dialogue_id':'%s','track':'1.5','countries':['US','CN','RU'],'workstreams':[{'code':'2.3'},"
	                    "{'code':'1.3','objective':'1.3.2'}],'attribution':'off-record','languages':['en','ru']}",
	                    dialogue));
	json_decref(record);
	record = logged("'track':'3','attribution':'on-record','languages':['ko']");
	json_decref(record);
	/* What is given stands, whatever the dialogue says. */
	record =
	    call("engagement.log",
	         json_of("{" PLACED ",'track':'3','attribution':'on-record','languages':[],'dialogue_id':'%s'}", dialogue));
	check_members(record,
	              json_of("{'track':'3','countries':['KP'],'workstreams':[{'code':'1.2'}],'attribution':'on-record',"
	                      "'languages':[]}"));
	json_decref(record);
	record = call("engagement.log",
	              json_of("{'title':'A','kind':'call','starts_on':'2001-01-01','dialogue_id':'%s'}", bare));
	check_members(record, json_of("{'track':null,'attribution':null,'languages':[],'countries':['JP']}"));
	json_decref(record);
	free(dialogue);
	free(bare);
}

static void test_sensitivity(void **state)
{
	static const char *const levels[] = {"open", "internal", "restricted", "secret"};
	(void)state;
	check_one("'starts_on':'2001-01-01'", "'sensitivity':'internal'");
	check_one("'starts_on':'2001-01-01','sensitivity':'open'", "'sensitivity':'open'");
	for (size_t i = 0; i < 4; i++) {
		char *person =
		    made("contact.create", json_of("{'name':'Level %zu','country':'US','sensitivity':'%s'}", i, levels[i]));
		char members[300], expected[100];
		snprintf(members, sizeof members,
		         "'starts_on':'2001-01-01','participants':[{'contact_id':'%s'},{'principal_id':'" ADMINISTRATOR "'}]",
		         person);
		snprintf(expected, sizeof expected, "'sensitivity':'%s'", levels[i > 1 ? i : 1]);
		check_one(members, expected);
		for (size_t j = 0; j < 4; j++) {
			json_t *params =
			    json_of("{" PLACED ",'sensitivity':'%s','participants':[{'contact_id':'%s'}]}", levels[j], person);
			if (j >= i) {
				json_decref(call("engagement.log", params));
				continue;
			}
			long before = checked_rows(harness);
			json_t *error = checked_error(&client, "engagement.log", params, 422, "rule");
			assert_string_equal(at_string(error, "data.rule"), "sensitivity_of_contacts");
			assert_string_equal(at_string(error, "data.field"), "sensitivity");
			assert_int_equal(checked_rows(harness), before);
			json_decref(error);
		}
		free(person);
	}
	/* Also of those who are made along, and of those found by their name; without one they get the engagement's. */
	json_decref(checked_error(&client, "engagement.log",
	                          json_of("{" PLACED ",'sensitivity':'internal','participants':[{'contact':"
	                                  "{'name':'New and secret','country':'US','sensitivity':'secret'}}]}"),
	                          422, "rule"));
	json_decref(checked_error(&client, "engagement.log",
	                          json_of("{" PLACED ",'sensitivity':'internal','participants':[{'contact':"
	                                  "{'name':'Level 3','country':'US'},'on_match':'use'}]}"),
	                          422, "rule"));
	check_one(
	    "'starts_on':'2001-01-01','participants':[{'contact':{'name':'Level 2','country':'US'},'on_match':'use'}]",
	    "'sensitivity':'restricted'");
	check_one("'starts_on':'2001-01-01','participants':[{'contact':{'name':'New and "
	          "secret','country':'US','sensitivity':'secret'}}]",
	          "'sensitivity':'secret'");
	json_t *record = logged("'sensitivity':'secret','participants':[{'contact':{'name':'Made along','country':'US'}}]");
	json_t *contact = call("contact.get", json_of("{'id':'%s'}", at_string(record, "created.contacts.0")));
	assert_string_equal(at_string(contact, "sensitivity"), "secret");
	json_decref(contact);
	json_decref(record);
}

/* People and parties
 * ------------------------------------------------------------------------------------------------------ */

static json_t *with_person(const char *name, const char *on_match)
{
	return json_of("{" PLACED ",'participants':[{'contact':{'name':'%s','country':'JP'}%s%s%s}]}", name,
	               on_match ? ",'on_match':'" : "", on_match ? on_match : "", on_match ? "'" : "");
}

/* `on_match` NULL: refuse, as when it is absent. */
static void expect_duplicate(const char *name, const char *on_match, size_t candidates)
{
	long before = checked_rows(harness);
	json_t *error = checked_error(&client, "engagement.log", with_person(name, on_match), 409, "duplicate");
	assert_string_equal(at_string(error, "data.field"), "participants[0].contact");
	assert_int_equal(json_array_size(at(error, "data.candidates")), candidates);
	for (size_t i = 0; i < candidates; i++) {
		json_t *candidate = json_array_get(at(error, "data.candidates"), i);
		json_t *contact = call("contact.get", json_of("{'id':'%s'}", at_string(candidate, "contact_id")));
		assert_string_equal(at_string(candidate, "name"), at_string(contact, "name"));
		assert_string_equal(at_string(candidate, "country"), "JP");
		json_decref(contact);
	}
	json_decref(error);
	assert_int_equal(checked_rows(harness), before);
}

/* Logs, and says how many contacts that made. */
static size_t contacts_made(json_t *params)
{
	json_t *record = call("engagement.log", params);
	size_t count = json_array_size(at(record, "created.contacts"));
	json_decref(record);
	return count;
}

static void test_on_match(void **state)
{
	(void)state;
	assert_int_equal(contacts_made(with_person("石破茂", "use")), 1);
	assert_int_equal(contacts_made(with_person("石破茂", "use")), 0);
	expect_duplicate("石破茂", NULL, 1);
	expect_duplicate("石破茂", "refuse", 1);
	/* The same name in another country is another person. */
	assert_int_equal(
	    contacts_made(json_of("{" PLACED ",'participants':[{'contact':{'name':'石破茂','country':'CN'}}]}")), 1);
	assert_int_equal(contacts_made(with_person("石破茂", "create")), 1);
	expect_duplicate("石破茂", NULL, 2);
	expect_duplicate("石破茂", "use", 2);
	assert_int_equal(contacts_made(with_person("石破茂", "create")), 1);
	/* By any of the names that a contact bears, and exactly. */
	free(made("contact.create",
	          json_of("{'names':[{'text':'岩屋毅','kind':'native'},{'text':'Iwaya Takeshi','kind':'romanized'}],"
	                  "'country':'JP'}")));
	expect_duplicate("Iwaya Takeshi", NULL, 1);
	assert_int_equal(contacts_made(with_person("Iwaya Takeshi", "use")), 0);
	assert_int_equal(contacts_made(with_person("Iwaya", NULL)), 1);
	/* contact.create never asks. */
	free(made("contact.create", json_of("{'name':'石破茂','country':'JP'}")));
}

/* One list names each person once, but for namesakes who are said to be such. */
static void test_person_twice(void **state)
{
	char *person = made("contact.create", json_of("{'name':'Twice','country':'RU'}"));
	static const char *const twins[] = {
	    "{'contact':{'name':'Twin','country':'RU'}},{'contact':{'name':'Twin','country':'RU'}}",
	    "{'contact':{'name':'Twin','country':'RU'},'on_match':'use'},{'contact':{'name':'Twin','country':'RU'},'on_"
	    "match':'use'}",
	    "{'principal_id':'" ADMINISTRATOR "'},{'principal_id':'" ADMINISTRATOR "'}",
	    "{'contact':{'name':'Twice','country':'RU'},'on_match':'use'},{'contact':{'name':'Twice','country':'RU'},'on_"
	    "match':'use'}"};
	long before = checked_rows(harness);
	(void)state;
	for (size_t i = 0; i < 4; i++)
		checked_faults(&client, "engagement.log", json_of("{" PLACED ",'participants':[%s]}", twins[i]),
		               "participants[1]");
	checked_faults(&client, "engagement.log",
	               json_of("{" PLACED ",'participants':[{'contact_id':'%s'},"
	                       "{'contact':{'name':'Twice','country':'RU'},'on_match':'use'}]}",
	                       person),
	               "participants[1]");
	assert_int_equal(checked_rows(harness), before);
	assert_int_equal(contacts_made(json_of("{" PLACED ",'participants':[{'contact':{'name':'Twin','country':'RU'}},"
	                                       "{'contact':{'name':'Twin','country':'RU'},'on_match':'create'},{'contact':{"
	                                       "'name':'Twin','country':'US'}}]}")),
	                 3);
	free(person);
}

static void test_parties(void **state)
{
	char *person = made("contact.create", json_of("{'name':'Party','country':'RU'}"));
	json_t *record = call(
	    "engagement.log",
	    json_of("{" PLACED ",'commitments':["
	            "{'by':'US','text':'0','due_on':'2001-01-01'},{'by':{'country':'US'},'text':'1','due_on':'2001-01-02'},"
	            "{'by':'%s','to':'" ADMINISTRATOR "','text':'2','due_on':'2001-01-03'},"
	            "{'by':{'contact_id':'%s'},'to':{'principal_id':'" ADMINISTRATOR
	            "'},'text':'3','due_on':'2001-01-04'}]}",
	            person, person));
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char path[32];
		snprintf(path, sizeof path, "commitments.%zu", i);
		check_members(at(record, path),
		              i < 2 ? json_of("{'text':'%zu','by':{'country':'US'},'to':null}", i)
		                    : json_of("{'text':'%zu','by':{'contact_id':'%s','name':'Party'},"
		                              "'to':{'principal_id':'" ADMINISTRATOR "','name':'Administrator'}}",
		                              i, person));
	}
	json_decref(record);
	free(person);
}

static void test_unknown_ids(void **state)
{
	static const char *const unknown[][2] = {
	    {"'dialogue_id':'" NOBODY "'", "dialogue_id"},
	    {"'parent_id':'" NOBODY "'", "parent_id"},
	    {"'owner':'" NOBODY "'", "owner"},
	    {"'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'x','assignee':'" NOBODY "'}", "follow_up.assignee"},
	    {"'participants':[{'principal_id':'" ADMINISTRATOR "'},{'contact_id':'" NOBODY "'}]",
	     "participants[1].contact_id"},
	    {"'participants':[{'principal_id':'" NOBODY "'}]", "participants[0].principal_id"},
	    {"'participants':[{'contact_id':'" ADMINISTRATOR "'}]", "participants[0].contact_id"},
	    {"'participants':[{'contact':{'name':'Q','country':'RU','owner':'" NOBODY "'}}]",
	     "participants[0].contact.owner"},
	    {"'participants':[{'contact':{'name':'Q','country':'RU','affiliations':[{'organization':'Q'},"
	     "{'organization_id':'" NOBODY "'}]}}]",
	     "participants[0].contact.affiliations[1].organization_id"},
	    {"'commitments':[{'by':'" NOBODY "','text':'x'}]", "commitments[0].by"},
	    {"'commitments':[{'by':'US','text':'x'},{'by':'US','to':{'contact_id':'" NOBODY "'},'text':'x'}]",
	     "commitments[1].to"},
	    {"'commitments':[{'by':{'contact_id':'" ADMINISTRATOR "'},'text':'x'}]", "commitments[0].by"}};
	static const char *const gets[] = {"contact.get",  "organization.get", "dialogue.get",      "engagement.get",
	                                   "reminder.get", "principal.get",    "reminder.complete", "reminder.cancel"};
	long before = checked_rows(harness);
	(void)state;
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		checked_refused(&client, "engagement.log", json_of("{" PLACED ",%s}", unknown[i][0]), 404, "not_found",
		                unknown[i][1]);
	for (size_t i = 0; i < sizeof gets / sizeof *gets; i++)
		checked_refused(&client, gets[i], json_of("{'id':'" NOBODY "'}"), 404, "not_found", "id");
	checked_refused(&client, "reminder.acknowledge", json_of("{'delivery_id':'" NOBODY "'}"), 404, "not_found",
	                "delivery_id");
	checked_refused(&client, "contact.create", json_of("{'name':'Q','country':'RU','owner':'" NOBODY "'}"), 404,
	                "not_found", "owner");
	checked_refused(&client, "organization.create", json_of("{'name':'Q','parent_id':'" NOBODY "'}"), 404, "not_found",
	                "parent_id");
	checked_refused(&client, "principal.create", json_of("{'name':'Q','role':'viewer','contact_id':'" NOBODY "'}"), 404,
	                "not_found", "contact_id");
	checked_refused(&client, "dialogue.create",
	                json_of("{'title':'Q','countries':['RU'],'workstreams':['1.2'],'convenor_id':'" NOBODY "'}"), 404,
	                "not_found", "convenor_id");
	checked_refused(&client, "reminder.create",
	                json_of("{'note':'x','due_at':'2099-01-01T00:00:00Z','about':{'commitment_id':'" NOBODY "'}}"), 404,
	                "not_found", "about.commitment_id");
	json_decref(checked_error(&client, "roadmap.get", json_of("{'version':1000}"), 404, "not_found"));
	assert_int_equal(checked_rows(harness), before);
}

/* Repeats
 * ----------------------------------------------------------------------------------------------------------------- */

/* That a search finds exactly the contacts whose ids these are, in this order. */
static void expect_found(json_t *params, const char *const *ids, size_t count)
{
	char *text = json_dumps(params, JSON_COMPACT);
	json_t *page = call("contact.search", params);
	if (json_array_size(at(page, "items")) != count)
		fail_msg("%s: %zu found, not %zu", text, json_array_size(at(page, "items")), count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(at_string(json_array_get(at(page, "items"), i), "id"), ids[i]);
	free(text);
	json_decref(page);
}

static void test_search(void **state)
{
	char *kim =
	    made("contact.create",
	         json_of("{'names':[{'text':'김여정','kind':'native'},{'text':'Kim Yo Jong','kind':'romanized'},"
	                 "{'text':'金與正','kind':'hanja'}],'country':'ZW','sector':'political-party','tags':['pyongyang'],"
	                 "'affiliations':[{'organization':'Searched Party'}]}"));
	char *min = made("contact.create",
	                 json_of("{'names':[{'text':'Zoë STRAẞE','kind':'romanized'},{'text':'민','kind':'native'}],"
	                         "'country':'ZW','sector':'academia'}"));
	char *jong =
	    made("contact.create",
	         json_of("{'names':[{'text':'ｷﾑ　ヨジョン','kind':'kana'},{'text':'Сергей ЛАВРОВ','kind':'cyrillic'}],"
	                 "'country':'ZW'}"));
	/* In the order of their folded names: "zoë…", then kana, then Hangul. */
	const char *const all[] = {min, jong, kim}, *const one[] = {kim}, *const two[] = {min}, *const three[] = {jong};
	static const char *const finds[][2] = {/* in full, in part, by one syllable and by two, infix, decomposed */
	                                       {"김여정", "1"},
	                                       {"여정", "1"},
	                                       {"여", "1"},
	                                       {"김", "1"},
	                                       {"\u110B\u1167\u110C\u1165\u11BC", "1"},
	                                       {"Kim Yo", "1"},
	                                       {"金與", "1"},
	                                       /* case and width */
	                                       {"kim yo jong", "1"},
	                                       {"KIM YO", "1"},
	                                       {"ｋｉｍ　ＹＯ", "1"},
	                                       {"O JON", "1"},
	                                       {"  yo   JONG ", "1"},
	                                       {"민", "2"},
	                                       {"zoe\u0308", "2"},
	                                       {"ZOË", "2"},
	                                       {"キム", "3"},
	                                       {"ｷﾑ ﾖｼﾞｮﾝ", "3"},
	                                       {"лавров", "3"},
	                                       {"СЕРГЕЙ Л", "3"},
	                                       {"여김", "0"},
	                                       {"kimyo", "0"},
	                                       {"_", "0"},
	                                       {"%", "0"},
	                                       {"kim%jong", "0"},
	                                       {"\\\\", "0"},
	                                       {"nobody", "0"}};
	json_t *page;
	(void)state;
	for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
		const char *const *ids = finds[i][1][0] == '1' ? one : finds[i][1][0] == '2' ? two : three;
		expect_found(json_of("{'text':'%s','country':'ZW'}", finds[i][0]), ids, finds[i][1][0] == '0' ? 0 : 1);
	}
	expect_found(json_of("{'country':'ZW'}"), all, 3);
	expect_found(json_of("{'country':'ZW','sector':'academia'}"), two, 1);
	expect_found(json_of("{'tag':'pyongyang'}"), one, 1);
	expect_found(json_of("{'country':'ZW','tag':'seoul'}"), NULL, 0);
	page = call("contact.get", json_of("{'id':'%s'}", kim));
	expect_found(json_of("{'organization_id':'%s'}", at_string(page, "affiliations.0.organization_id")), one, 1);
	json_decref(page);
	expect_found(json_of("{'organization_id':'" NOBODY "'}"), NULL, 0);
	/* One after the other, by pages of one. */
	json_t *cursor = json_null();
	for (size_t i = 0; i < 3; i++) {
		json_t *params = json_of("{'country':'ZW','limit':1}");
		json_object_set(params, "cursor", cursor);
		page = call("contact.search", params);
		assert_int_equal(json_array_size(at(page, "items")), 1);
		assert_string_equal(at_string(page, "items.0.id"), all[i]);
		json_decref(cursor);
		cursor = json_incref(at(page, "next_cursor"));
		json_decref(page);
	}
	assert_true(json_is_null(cursor));
	json_decref(cursor);
	free(kim);
	free(min);
	free(jong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything),   cmocka_unit_test(test_times_and_status),
	    cmocka_unit_test(test_nfc),          cmocka_unit_test(test_dialogue_defaults),
	    cmocka_unit_test(test_sensitivity),  cmocka_unit_test(test_on_match),
	    cmocka_unit_test(test_person_twice), cmocka_unit_test(test_parties),
	    cmocka_unit_test(test_unknown_ids),  cmocka_unit_test(test_search),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
