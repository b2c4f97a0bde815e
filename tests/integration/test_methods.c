/* The contract of the parameters and results: each limit of API.md at, below and above; all faults told at once; what
 * is refused leaves no trace in the store; and every method's live answer is what its row promises. */
#include "checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWER_MS = 20000 };

/* The least that engagement.log takes, without its end. */
#define LEAST "'title':'A talk','kind':'meeting','starts_on':'2020-05-01'"
#define PLACED LEAST ",'countries':['KP'],'workstreams':['1.2']"

static struct client client;

static int open_client(void **state)
{
	client_open(&client, *state);
	return 0;
}

static int close_client(void **state)
{
	(void)state;
	client_close(&client);
	return 0;
}

static void test_five_faults(void **state)
{
	long before = checked_rows(*state);
	checked_faults(
	    &client, "engagement.log",
	    json_of("{'title':'A talk','kind':'meeting','starts_on':'2020-05-02','ends_on':'2020-05-01',"
	            "'countries':['XX'],'commitments':[{'by':'KP','text':'x','due_on':'2020-02-30'}],'colour':'red'}"),
	    "workstreams countries[0] commitments[0].due_on ends_on colour");
	checked_faults(&client, "engagement.log", json_of("{}"), "title kind starts_at countries workstreams");
	checked_faults(&client, "engagement.log",
	               json_of("{" PLACED ",'participants':[{'contact':{'country':'XX','nmae':'A'},'role':'chairman'},{},"
	                       "{'contact_id':'1','side':'ZZ'}]}"),
	               "participants[0].contact.country participants[0].contact.nmae participants[0].contact.name "
	               "participants[0].role participants[1].contact_id participants[2].contact_id participants[2].side");
	assert_int_equal(checked_rows(*state), before);
}

static void test_bad_moments(void **state)
{
	static const char *const instants[] = {"now",
	                                       "today",
	                                       "infinity",
	                                       "-infinity",
	                                       "epoch",
	                                       "",
	                                       "2026-11-20",
	                                       "2026-11-20T24:00:00Z",
	                                       "2026-02-30T10:00:00Z",
	                                       "2025-02-29T10:00:00Z",
	                                       "2026-11-20T12:30:00",
	                                       "2026-11-20T12:30:60Z",
	                                       "2016-12-31T23:59:60Z",
	                                       "2026-11-20 12:30:00Z",
	                                       "2026-13-01T00:00:00Z",
	                                       "2026-00-01T00:00:00Z",
	                                       "2026-01-00T00:00:00Z",
	                                       "2026-11-20T12:60:00Z",
	                                       "2026-11-20T12:30Z",
	                                       "20261120T123000Z",
	                                       "2026-11-20T12:30:00+24:00",
	                                       "2026-11-20T12:30:00+0900",
	                                       "2026-11-20T12:30:00+09",
	                                       "2026-11-20T12:30:00.Z",
	                                       "2026-11-20T12:30:00Z ",
	                                       " 2026-11-20T12:30:00Z",
	                                       "0000-01-01T00:00:00Z",
	                                       "10000-01-01T00:00:00Z",
	                                       "+2026-11-20T12:30:00Z",
	                                       "0001-01-01T00:00:00+09:00",
	                                       "9999-12-31T23:59:59-09:00",
	                                       "2026-11-20T12:30:00 Asia/Seoul",
	                                       "1763609400",
	                                       "2026-11-20T12:30:00,5Z"};
	static const char *const days[] = {"now",
	                                   "today",
	                                   "tomorrow",
	                                   "infinity",
	                                   "",
	                                   "2026-02-30",
	                                   "2025-02-29",
	                                   "1900-02-29",
	                                   "2026-2-3",
	                                   "26-02-03",
	                                   "2026-11-20T00:00:00Z",
	                                   "0000-01-01",
	                                   "10000-01-01",
	                                   "2026-00-10",
	                                   "2026-13-10",
	                                   "2026-01-32",
	                                   "20261120",
	                                   "2026/11/20",
	                                   "2026-11-20 ",
	                                   "J2451187",
	                                   "-2026-01-01"};
	static const char *const others[] = {"20261120", "true", "[]", "{}", "1.5"};
	long before = checked_rows(*state);
	for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
		checked_faults(&client, "engagement.log",
		               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],'starts_at':'%s'}",
		                       instants[i]),
		               "starts_at");
		if (strcmp(instants[i], "2026-11-20") != 0)
			checked_faults(&client, "engagement.history", json_of("{'since':'%s'}", instants[i]), "since");
	}
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		checked_faults(
		    &client, "engagement.log",
		    json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],'starts_on':'%s'}", days[i]),
		    "starts_on");
		checked_faults(&client, "report.coverage", json_of("{'until':'%s'}", days[i]), "until");
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		checked_faults(&client, "engagement.log",
		               json_of("{" PLACED ",'follow_up':{'note':'x','due_at':%s}}", others[i]), "follow_up.due_at");
	assert_int_equal(checked_rows(*state), before);
}

/* One fault each, in an engagement that is right otherwise. */
static void test_bad_members(void **state)
{
	static const char *const faults[][2] = {
	    {"'countries':['XX'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':['kp'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':['KP','KP'],'workstreams':['1.2']", "countries[1]"},
	    {"'countries':['PRK'],'workstreams':['1.2']", "countries[0]"},
	    {"'countries':[],'workstreams':['1.2']", "countries"},
	    {"'countries':'KP','workstreams':['1.2']", "countries"},
	    {"'workstreams':['1.2']", "countries"},
	    {"'countries':['KP']", "workstreams"},
	    {"'countries':['KP'],'workstreams':[]", "workstreams"},
	    {"'countries':['KP'],'workstreams':['1.4']", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':['1.2.1']", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':[1.2]", "workstreams[0]"},
	    {"'countries':['KP'],'workstreams':['1.2','1.2']", "workstreams[1]"},
	    {"'countries':['KP'],'workstreams':['1.2',{'code':'1.2'}]", "workstreams[1]"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.2','objective':'1.2.9'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.2','objective':'1.3.1'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'code':'1.1','objective':'1.2.1'}]", "workstreams[0].objective"},
	    {"'countries':['KP'],'workstreams':[{'objective':'1.2.1'}]", "workstreams[0].code"},
	    {"'countries':['KP'],'workstreams':['1.2'],'starts_at':'2020-05-01T10:00:00Z'", "starts_at"},
	    {"'countries':['KP'],'workstreams':['1.2'],'ends_at':'2020-05-01T10:00:00Z'", "ends_at"},
	    {"'countries':['KP'],'workstreams':['1.2'],'timezone':'Asia/Seoul'", "timezone"},
	    {"'countries':['KP'],'workstreams':['1.2'],'ends_on':'2020-04-30'", "ends_on"},
	    {"'countries':['KP'],'workstreams':['1.2'],'topics':['Sanctions Relief']", "topics[0]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'topics':['a','a']", "topics[1]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'languages':['korean!']", "languages[0]"},
	    {"'countries':['KP'],'workstreams':['1.2'],'audience':{'headcount':-1}", "audience.headcount"},
	    {"'countries':['KP'],'workstreams':['1.2'],'agenda':[{'text':'x','status':'agreed'}]", "agenda[0].status"},
	    {"'countries':['KP'],'workstreams':['1.2'],'readout':'  '", "readout"},
	    {"'countries':['KP'],'workstreams':['1.2'],'id':'7'", "id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'request_id':'7'", "request_id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'request_id':7", "request_id"},
	    {"'countries':['KP'],'workstreams':['1.2'],'participants':[{'principal_id':'00000000-0000-7000-8000-"
	     "000000000001',"
	     "'on_match':'use'}]",
	     "participants[0].on_match"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':'kp','text':'x'}]", "commitments[0].by"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':{},'text':'x'}]", "commitments[0].by.country"},
	    {"'countries':['KP'],'workstreams':['1.2'],'commitments':[{'by':{'country':'KP','party':'US'},'text':'x'}]",
	     "commitments[0].by"},
	};
	long before = checked_rows(*state);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		checked_faults(&client, "engagement.log", json_of("{" LEAST ",%s}", faults[i][0]), faults[i][1]);
	checked_faults(
	    &client, "engagement.log",
	    json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],"
	            "'starts_at':'2020-05-01T10:00:00+09:00','ends_at':'2020-05-01T00:59:59Z','timezone':'Seoul'}"),
	    "ends_at timezone");
	checked_faults(&client, "engagement.log",
	               json_of("{'title':'A','kind':'call','countries':['KP'],'workstreams':['1.2'],"
	                       "'starts_at':'2020-05-01T10:00:00+09:00','ends_on':'2020-05-01','precision':'day'}"),
	               "ends_on precision");
	checked_faults(&client, "engagement.history", json_of("{'since':'2020-01-02','until':'2020-01-01'}"), "until");
	checked_faults(&client, "report.coverage", json_of("{'since':'2020-01-02','until':'2020-01-01'}"), "until");
	assert_int_equal(checked_rows(*state), before);
}

/* `count` times `character`. */
static json_t *text_of(const char *character, size_t count)
{
	size_t length = strlen(character);
	char *text = malloc(count * length + 1);
	json_t *value;
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, character, length);
	text[count * length] = '\0';
	value = json_string(text);
	free(text);
	return value;
}

static json_t *titled(json_t *title)
{
	json_t *params = json_of("{" PLACED "}");
	json_object_set_new(params, "title", title);
	return params;
}

static void test_title_length(void **state)
{
	/* One character each once it is stored: ASCII, a syllable, the same decomposed, an emoji. */
	static const char *const characters[] = {"a", "한", "\u1112\u1161\u11AB", "😀"};
	long before;
	for (size_t i = 0; i < 4; i++) {
		json_t *logged = checked_result(&client, "engagement.log", titled(text_of(characters[i], 500)));
		json_t *title = text_of(i == 2 ? "한" : characters[i], 500);
		assert_true(json_equal(title, at(logged, "title")));
		json_decref(title);
		json_decref(logged);
		json_decref(checked_result(&client, "engagement.log", titled(text_of(characters[i], 499))));
		json_decref(checked_result(&client, "engagement.log", titled(text_of(characters[i], 1))));
	}
	before = checked_rows(*state);
	for (size_t i = 0; i < 4; i++)
		checked_faults(&client, "engagement.log", titled(text_of(characters[i], 501)), "title");
	checked_faults(&client, "engagement.log", titled(json_string("")), "title");
	checked_faults(&client, "engagement.log", titled(json_string(" \t　")), "title");
	checked_faults(&client, "engagement.log", titled(json_string("two\nlines")), "title");
	checked_faults(&client, "engagement.log", titled(json_string("a\x1b[2J")), "title");
	checked_faults(&client, "engagement.log", titled(json_integer(5)), "title");
	checked_faults(&client, "engagement.log", titled(json_null()), "title");
	assert_int_equal(checked_rows(*state), before);
}

static const struct type_member *member_of(const struct method *method, const char *name)
{
	for (size_t i = 0; i < method->params.member_count; i++)
		if (strcmp(method->params.members[i].name, name) == 0)
			return &method->params.members[i];
	return NULL;
}

/* The params of a page of a method, with what that method requires. */
static json_t *paged_of(const char *method, const char *contact, const char *members)
{
	json_t *params = json_of("%s", members);
	if (strcmp(method, "contact.history") == 0)
		json_object_set_new(params, "id", json_string(contact));
	if (strcmp(method, "indicator.series") == 0)
		json_object_set_new(params, "indicator", json_string("1.1/support"));
	return params;
}

static void test_page_limits(void **state)
{
	static const char *const right[] = {"{'limit':1}", "{'limit':500}", "{'limit':null,'cursor':null}"};
	static const char *const wrong[] = {"{'limit':0}",    "{'limit':501}", "{'limit':-1}",
	                                    "{'limit':'50'}", "{'limit':1.5}", "{'limit':9223372036854775807}"};
	size_t paged = 0;
	json_t *contact = checked_result(&client, "contact.create", json_of("{'name':'Paged','country':'MN'}"));
	const char *id = at_string(contact, "id");
	(void)state;
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		if (!member_of(method, "limit"))
			continue;
		paged++;
		for (size_t j = 0; j < sizeof right / sizeof *right; j++)
			json_decref(checked_result(&client, method->name, paged_of(method->name, id, right[j])));
		for (size_t j = 0; j < sizeof wrong / sizeof *wrong; j++)
			checked_faults(&client, method->name, paged_of(method->name, id, wrong[j]), "limit");
		checked_faults(&client, method->name, paged_of(method->name, id, "{'cursor':''}"), "cursor");
	}
	json_decref(contact);
	assert_true(paged >= 10);
}

/* Cursors that this daemon did not make: noise, and JSON of the right form and the wrong content. */
static void test_bad_cursors(void **state)
{
	static const char *const cursors[] = {
	    "x", "????", "AAAA", "한글", "bnVsbA", "W10", "eyJhIjogMX0",
	    /* ["2020-13-45 00:00:00", uuid], ["infinity", uuid], ["x", uuid] and [null, uuid] */
	    "WyIyMDIwLTEzLTQ1IDAwOjAwOjAwIiwgIjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd",
	    "WyJpbmZpbml0eSIsICIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ",
	    "WyJ4IiwgIjAwMDAwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJd",
	    "W251bGwsICIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ",
	    /* ["2020-01-01 00:00:00", "x"], ["2020-01-01 00:00:00"] */
	    "WyIyMDIwLTAxLTAxIDAwOjAwOjAwIiwgIngiXQ", "WyIyMDIwLTAxLTAxIDAwOjAwOjAwIl0"};
	static const char *const by_time[] = {"engagement.history", "contact.history", "reminder.list", "note.list"};
	static const char *const by_text[] = {"contact.search", "organization.search", "dialogue.list", "principal.list"};
	static const char *const by_day[] = {"indicator.series"};
	/* These have more in their keys than any of the marks has. */
	static const char *const by_more[] = {"commitment.list", "concern.list"};
	json_t *contact = checked_result(&client, "contact.create", json_of("{'name':'Cursed','country':'MN'}"));
	(void)state;
	for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
		char members[200];
		snprintf(members, sizeof members, "{'cursor':'%s'}", cursors[i]);
		for (size_t j = 0; j < 4; j++)
			checked_faults(&client, by_time[j], paged_of(by_time[j], at_string(contact, "id"), members), "cursor");
		/* Of those sorted by text, ["x", uuid] and the like may be cursors; of those by day, ["infinity", uuid]. */
		for (size_t j = 0; j < 4 && (i < 7 || i >= 10); j++)
			checked_faults(&client, by_text[j], paged_of(by_text[j], NULL, members), "cursor");
		for (size_t j = 0; j < 1 && i != 8; j++)
			checked_faults(&client, by_day[j], paged_of(by_day[j], NULL, members), "cursor");
		for (size_t j = 0; j < 2; j++)
			checked_faults(&client, by_more[j], paged_of(by_more[j], NULL, members), "cursor");
	}
	json_decref(contact);
}

/* What every method refuses alike. */
static void test_every_method_refuses(void **state)
{
	long before = checked_rows(*state);
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		json_t *error = checked_error(&client, method->name, json_of("{'colour':1}"), -32602, "invalid_params");
		json_t *fault, *list = at(error, "data.errors");
		bool named = false;
		size_t j;
		json_array_foreach(list, j, fault)
			named = named || strcmp(at_string(fault, "field"), "colour") == 0;
		assert_true(named);
		json_decref(error);
		json_decref(checked_error(&client, method->name, json_pack("[i]", 1), -32602, "invalid_params"));
		for (j = 0; j < method->params.member_count; j++) {
			const struct type_member *member = &method->params.members[j];
			json_t *params = json_object();
			bool found = false;
			size_t k;
			if (member->type->kind == TYPE_ANY)
				continue;
			/* No parameter takes true but a boolean, and no boolean takes a list. */
			json_object_set_new(params, member->name, member->type->kind == TYPE_BOOLEAN ? json_array() : json_true());
			error = checked_error(&client, method->name, params, -32602, "invalid_params");
			json_array_foreach(at(error, "data.errors"), k, fault)
				found = found || strcmp(at_string(fault, "field"), member->name) == 0;
			assert_true(found);
			json_decref(error);
		}
		if (method->kind == METHOD_WRITE)
			continue;
		/* Only writes are repeated. */
		json_decref(checked_error(&client, method->name, json_of("{'request_id':'%s'}", checked_id()), -32602,
		                          "invalid_params"));
	}
	assert_int_equal(checked_rows(*state), before);
}

static char contact_id[40], organization_id[40], dialogue_id[40], engagement_id[40], reminder_id[40], principal_id[40];
static const char undone_id[] = "019b1c00-eeee-7000-8000-000000000001";
static char note_id[40], commitment_id[40], held_id[40], concern_id[40];

static void keep_id(char *id, json_t *record)
{
	snprintf(id, 40, "%s", at_string(record, "id"));
	json_decref(record);
}

static void call(const char *method, json_t *params)
{
	json_decref(checked_result(&client, method, params));
}

static void write_everything(void)
{
	keep_id(
	    organization_id,
	    checked_result(
	        &client, "organization.create",
	        json_of("{'names':[{'text':'Institute','kind':'romanized','language':'en','system':'x','primary':true}],"
	                "'country':'KR','kind':'think-tank','website':'https://example.org','description':'d'}")));
	call("organization.create", json_of("{'name':'Its part','parent_id':'%s'}", organization_id));
	keep_id(
	    contact_id,
	    checked_result(
	        &client, "contact.create",
	        json_of("{'names':[{'text':'김민준','kind':'native'},{'text':'Kim','kind':'romanized','language':'ko-Latn',"
	                "'system':'revised','primary':true}],'country':'KR','sector':'academia','status':'retired','"
	                "affiliations':"
	                "[{'organization_id':'%s','title':'Fellow','since':'2001-01-01','until':'2002-01-01'},{'"
	                "organization':'New'}],"
	                "'languages':['ko'],'channels':[{'kind':'email','value':'k@example.org','preferred':true},"
	                "{'kind':'phone','value':'1'}],'timezone':'Asia/Seoul','tags':['a'],'influence':5,'interest':1,"
	                "'sensitivity':'restricted','owner':'00000000-0000-7000-8000-000000000001','notes':'n'}",
	                organization_id)));
	call("contact.create", json_of("{'name':'Bare','country':'US'}"));
	keep_id(principal_id,
	        checked_result(&client, "principal.create",
	                       json_of("{'name':'Officer','role':'officer','desks':['CN','JP'],'clearance':'secret','"
	                               "contact_id':'%s','language':'ko',"
	                               "'timezone':'Asia/Tokyo','email':'o@example.org','unix_user':'nobody-of-this-name'}",
	                               contact_id)));
	call("principal.create", json_of("{'name':'Bare','role':'viewer'}"));
	keep_id(dialogue_id, checked_result(&client, "dialogue.create",
	                                    json_of("{'title':'D','track':'1.5','countries':['US','CN'],'workstreams':['2."
	                                            "3',{'code':'1.3','objective':'1.3.1'}],"
	                                            "'status':'paused','attribution':'background','languages':['en'],'"
	                                            "members':[{'contact_id':'%s','role':'chair',"
	                                            "'since':'2001-01-01','until':'2001-01-01'},{'principal_id':'%s'}],'"
	                                            "convenor_id':'%s','description':'d'}",
	                                            contact_id, principal_id, organization_id)));
	call("dialogue.create", json_of("{'title':'Bare','countries':['RU'],'workstreams':['2.3']}"));
	keep_id(engagement_id,
	        checked_result(
	            &client, "engagement.log",
	            json_of("{'title':'E','kind':'meeting','starts_at':'2001-02-03T04:05:06.7+09:00','ends_at':'2001-02-"
	                    "03T05:00:00+09:00',"
	                    "'timezone':'Asia/"
	                    "Seoul','location':'Seoul','format':'hybrid','dialogue_id':'%s','topics':['x'],'participants':"
	                    "[{'contact_id':'%s','role':'chair','capacity':'personal','attendance':'attended','side':'KR'},"
	                    "{'principal_id':'%s'},{'contact':{'name':'Инна','country':'RU'}}],'audience':{'headcount':3,'"
	                    "groups':['g']},"
	                    "'agenda':['a',{'text':'b','status':'open'}],'readout':'r','private_notes':'p','outcomes':['o']"
	                    ",'sources':['s'],"
	                    "'owner':'%s','commitments':[{'by':'US','to':'%s','text':'t','due_on':'2001-03-01'},{'by':'%s',"
	                    "'text':'u'}],"
	                    "'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n'}}",
	                    dialogue_id, contact_id, principal_id, principal_id, contact_id, principal_id)));
	call("engagement.log",
	     json_of("{" PLACED ",'precision':'month','audience':{'headcount':0},'parent_id':'%s'}", engagement_id));
}

/* What comes after, of what write_everything() made: all at version 1. */
static void change_everything(void)
{
	call("organization.update",
	     json_of("{'id':'%s','version':1,'country':null,'kind':null,'website':null,'description':null}",
	             organization_id));
	call("contact.update",
	     json_of("{'id':'%s','version':1,'sector':null,'timezone':null,'influence':null,'interest':null,"
	             "'owner':null,'notes':null,'tags':[],'channels':[],'languages':[]}",
	             contact_id));
	call("dialogue.update",
	     json_of("{'id':'%s','version':1,'track':null,'attribution':null,'convenor_id':null,'description':null}",
	             dialogue_id));
	call("principal.update", json_of("{'id':'%s','version':1,'contact_id':null,'language':null,'email':null,'unix_user'"
	                                 ":null}",
	                                 principal_id));
	call("engagement.update",
	     json_of("{'id':'%s','version':1,'starts_on':'2001-02-01','precision':'month','audience':null,"
	             "'readout':null,'track':null,'owner':null,'dialogue_id':null,'attribution':null}",
	             engagement_id));
	call("principal.retire",
	     json_of("{'id':'%s','version':2,'hand_over_to':'00000000-0000-7000-8000-000000000001','desks':['JP']}",
	             principal_id));
	keep_id(held_id, checked_result(&client, "engagement.log", json_of("{" PLACED ",'status':'planned'}")));
	call("engagement.hold", json_of("{'id':'%s','version':1,'readout':'r','commitments':[{'by':'US','text':'t'}],"
	                                "'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n'}}",
	                                held_id));
	call("engagement.void", json_of("{'id':'%s','version':2,'reason':'logged twice'}", held_id));
	keep_id(note_id, checked_result(&client, "note.add",
	                                json_of("{'about':{'organization_id':'%s'},'text':'n','readers':['%s']}",
	                                        organization_id, principal_id)));
	call("note.update", json_of("{'id':'%s','version':1,'text':'m','readers_remove':['%s']}", note_id, principal_id));
	call("commitment.create", json_of("{'by':'%s','text':'Bare'}", contact_id));
	keep_id(commitment_id,
	        checked_result(&client, "commitment.create",
	                       json_of("{'engagement_id':'%s','by':'KP','to':'%s','text':'t','due_on':'2020-01-01'}",
	                               engagement_id, contact_id)));
	call("commitment.update", json_of("{'id':'%s','version':1,'due_on':null,'status':'lapsed'}", commitment_id));
	call("concern.raise", json_of("{'contact_id':'%s','text':'Bare'}", contact_id));
	keep_id(concern_id, checked_result(&client, "concern.raise",
	                                   json_of("{'country':'CN','to':'%s','topic':'x','text':'t','engagement_id':'%s',"
	                                           "'raised_on':'2001-02-03'}",
	                                           principal_id, engagement_id)));
	call("concern.repeat", json_of("{'id':'%s','text':'again','raised_on':'2002-02-03'}", concern_id));
	call("concern.answer",
	     json_of("{'id':'%s','version':2,'text':'a','answered_on':'2003-02-03','by':'%s'}", concern_id, principal_id));
	call("concern.update", json_of("{'id':'%s','version':3,'topic':null,'withdrawn':true}", concern_id));
	call("indicator.record", json_of("{'indicator':'1.1/support','value':41.5,'as_of':'2020-01-01','source':'A survey',"
	                                 "'sample_size':1000,'margin':3.1,'question':'Do you?'}"));
	call("indicator.record", json_of("{'indicator':'1.1/support','value':0,'as_of':'2020-02-01','source':'Bare'}"));
	call("commitment.update",
	     json_of("{'id':'%s','version':2,'due_on':'2020-01-01','request_id':'%s'}", commitment_id, undone_id));
	call("commitment.get", json_of("{'id':'%s'}", commitment_id));
	call("change.undo", json_of("{'id':'%s'}", undone_id));
	call("change.list", json_of("{'about_id':'%s'}", commitment_id));
}

/* Last: the roadmap is another one afterwards. */
static void revise(void)
{
	call("roadmap.revise",
	     json_of(
	         "{'based_on':1,'adopted_on':'2030-01-01','note':'n','changes':[{'phase':4,'title':'Four','title_ko':'넷',"
	         "'estimate_years':{'min':5}},{'workstream':'2.3','retire':true},{'workstream':'4.1','in_phase':4,'title':'"
	         "W',"
	         "'title_ko':'더블유'},{'objective':'4.1.1','text':'O','text_ko':'오'}],'crosswalk':[{'from':'2.3','to':'4."
	         "1'}]}"));
	call("roadmap.get", NULL);
	call("roadmap.progress", NULL);
}

static void read_everything(void)
{
	static const char *const plain[] = {
	    "country.list",       "roadmap.get",         "principal.get",   "principal.list", "contact.search",
	    "engagement.history", "reminder.list",       "report.coverage", "system.ping",    "system.info",
	    "rpc.discover",       "organization.search", "dialogue.list",   "note.list",      "commitment.list",
	    "roadmap.progress",   "concern.list"};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		call(plain[i], NULL);
	call("record.find", json_of("{'text':'%.13s'}", engagement_id));
	call("principal.get", json_of("{'id':'%s'}", principal_id));
	call("organization.get", json_of("{'id':'%s'}", organization_id));
	call("contact.get", json_of("{'id':'%s'}", contact_id));
	call("dialogue.get", json_of("{'id':'%s'}", dialogue_id));
	call("engagement.get", json_of("{'id':'%s'}", engagement_id));
	call("engagement.readout", json_of("{'id':'%s','audience':'internal'}", engagement_id));
	call("report.coverage", json_of("{'since':'2001-01-01','until':'2002-01-01'}"));
	call("report.neglected", json_of("{'days':1}"));
	call("report.today", NULL);
	call("report.today", json_of("{'days':1}"));
	call("report.today", json_of("{'days':366}"));
	call("report.neglected", json_of("{'days':36500}"));
	call("report.activity", json_of("{'group_by':['month','country','kind','track','topic','sector']}"));
	call("report.activity", json_of("{'group_by':['track'],'since':'2001-01-01','until':'2001-01-01','country':'CN',"
	                                "'workstream':'2.3'}"));
	call("contact.history", json_of("{'id':'%s','since':'2001-01-01','order':'oldest'}", contact_id));
	call("organization.search", json_of("{'text':'inst','country':'KR','kind':'think-tank'}"));
	call("dialogue.list", json_of("{'country':'CN','workstream':'2.3','status':'paused','track':'1.5'}"));
	call("note.list", json_of("{'about':{'engagement_id':'%s'}}", engagement_id));
	call(
	    "commitment.list",
	    json_of("{'by':'KP','to':'KR','status':'open','engagement_id':'%s','due_before':'2030-01-01'}", engagement_id));
	call("commitment.list", json_of("{'by':'%s','to':'%s','overdue':true}", contact_id, principal_id));
	call("indicator.series", json_of("{'indicator':'1.1/support','since':'2020-01-01','until':'2021-01-01'}"));
	call("concern.list",
	     json_of("{'country':'CN','topic':'x','status':'open','never_answered':true,'engagement_id':'%s',"
	             "'since':'2001-01-01','until':'2002-01-01'}",
	             engagement_id));
	if (concern_id[0])
		call("concern.get", json_of("{'id':'%s'}", concern_id));
	call("brief.get", json_of("{'engagement_id':'%s'}", engagement_id));
	call("brief.get", json_of("{'contact_id':'%s','language':'ko'}", contact_id));
	call("brief.get", json_of("{'country':'RU','language':'en'}"));
	call("calendar.export", json_of("{'country':'CN'}"));
}

/* A reminder on its whole way: due, pushed, acknowledged, done. */
static void remind(const struct harness *harness)
{
	json_t *message;
	keep_id(
	    reminder_id,
	    checked_result(
	        &client, "reminder.create",
	        json_of(
	            "{'about':{'engagement_id':'%s'},'note':'n','due_at':'2020-01-01T00:00:00Z','timezone':'Europe/Moscow',"
	            "'channels':['push']}",
	            engagement_id)));
	call("reminder.subscribe", NULL);
	/* Past those that follow from what was logged before. */
	message = client_read(&client, ANSWER_MS);
	while (strcmp(at_string(message, "params.reminder.kind"), "set") != 0) {
		json_decref(message);
		message = client_read(&client, ANSWER_MS);
	}
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(message, "params.reminder.id"), reminder_id);
	assert_non_null(at(message, "params.subscription"));
	checked_value("reminder.get", at(message, "params.reminder"));
	call("reminder.get", json_of("{'id':'%s'}", reminder_id));
	call("reminder.list", json_of("{'status':'due','country':'CN','due_before':'2030-01-01T00:00:00Z'}"));
	call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(message, "params.delivery_id")));
	json_decref(message);
	call("change.subscribe", NULL);
	call("reminder.complete", json_of("{'id':'%s','note':'done'}", reminder_id));
	call("reminder.get", json_of("{'id':'%s'}", reminder_id));
	keep_id(reminder_id,
	        checked_result(&client, "reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}")));
	call("reminder.update",
	     json_of("{'id':'%s','version':1,'about':{'contact_id':'%s'},'note':'m','timezone':'Asia/Tokyo',"
	             "'due_at':'2098-01-01T00:00:00Z'}",
	             reminder_id, contact_id));
	call("reminder.update", json_of("{'id':'%s','version':2,'about':null}", reminder_id));
	call("reminder.snooze", json_of("{'id':'%s','until':'2097-01-01T00:00:00Z'}", reminder_id));
	char sql[400];
	snprintf(sql, sizeof sql,
	         "INSERT INTO store.delivery (id, reminder_id, assignee_id, channel, due_at, late, lease_until, ended_at, "
	         "outcome) SELECT store.uuid7(), id, assignee_id, 'email', due_at, false, now(), now(), 'failed' "
	         "FROM store.reminder WHERE id = '%s'",
	         reminder_id);
	free(harness_query(harness, sql));
	call("reminder.redeliver", json_of("{'id':'%s'}", reminder_id));
	call("reminder.preview", json_of("{'due_at':'2026-01-31T09:00:00+09:00','rrule':'FREQ=MONTHLY','count':3}"));
	call("reminder.cancel", json_of("{'id':'%s'}", reminder_id));
}

/* On a connection of its own: a login decides who it is from then on. */
static void identify(const struct harness *harness)
{
	struct client other;
	char id[40];
	json_t *token = checked_result(&client, "token.create", json_of("{'principal_id':'%s'}", principal_id));
	keep_id(id, json_incref(token));
	client_open(&other, harness);
	json_decref(checked_result(&other, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
	json_decref(checked_result(&other, "session.whoami", NULL));
	client_close(&other);
	json_decref(token);
	call("token.list", NULL);
	call("token.revoke", json_of("{'id':'%s'}", id));
	keep_id(id, checked_result(&client, "webhook.create", json_of("{'url':'https://hooks.example.invalid/'}")));
	call("webhook.test", json_of("{'id':'%s'}", id));
	call("webhook.rotate", json_of("{'id':'%s','keep':'PT1H'}", id));
	call("webhook.list", NULL);
	call("webhook.update", json_of("{'id':'%s','version':2,'status':'disabled'}", id));
	call("holiday.set", json_of("{'country':'JP','day':'2099-01-02','name_en':'N'}"));
	call("holiday.list", json_of("{'country':'JP'}"));
	call("holiday.remove", json_of("{'country':'JP','day':'2099-01-02'}"));
	keep_id(id, checked_result(&client, "calendar.create", json_of("{'workstream':'1.3','name':'N'}")));
	call("calendar.list", NULL);
	call("calendar.revoke", json_of("{'id':'%s'}", id));
	call("session.whoami", NULL);
	call("system.doctor", NULL);
}

static void test_every_method_answers(void **state)
{
	write_everything();
	read_everything();
	remind(*state);
	identify(*state);
	change_everything();
	read_everything();
	revise();
	for (size_t i = 0; i < registry_count(checked_registry()); i++)
		if (!checked_covered(registry_at(checked_registry(), i)->name))
			fail_msg("no live answer of %s was checked: add it here", registry_at(checked_registry(), i)->name);
}

/* The document that clients get lists every method, with its parameters and its result. */
static void test_discover(void **state)
{
	json_t *document = checked_result(&client, "rpc.discover", NULL), *methods = at(document, "methods"), *entry;
	(void)state;
	assert_int_equal(json_array_size(methods), registry_count(checked_registry()));
	for (size_t i = 0; i < registry_count(checked_registry()); i++) {
		const struct method *method = registry_at(checked_registry(), i);
		size_t j, found = 0;
		json_array_foreach(methods, j, entry) {
			if (strcmp(at_string(entry, "name"), method->name) != 0)
				continue;
			found++;
			assert_non_null(at(entry, "result.schema"));
			assert_true(json_array_size(at(entry, "params")) >= method->params.member_count);
		}
		assert_int_equal(found, 1);
	}
	json_decref(document);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_client, close_client)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_five_faults),          TEST(test_bad_moments),          TEST(test_bad_members),
	    TEST(test_title_length),         TEST(test_page_limits),          TEST(test_bad_cursors),
	    TEST(test_every_method_refuses), TEST(test_every_method_answers), TEST(test_discover),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
