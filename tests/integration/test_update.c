/* Updates: what is not sent stays as it was, null clears, lists change by their members, and what is refused leaves
 * everything as it was. */
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

/* How a record of each kind is read again: by get, or from the list that holds it. */
static json_t *read_again(const char *noun, const char *id)
{
	char method[64];
	bool listed = strcmp(noun, "note") == 0 || strcmp(noun, "commitment") == 0;
	json_t *page, *item, *found = NULL;
	size_t i;
	snprintf(method, sizeof method, "%s.%s", noun, listed ? "list" : "get");
	if (!listed)
		return call(method, json_of("{'id':'%s'}", id));
	page = call(method, json_of("{'limit':500}"));
	json_array_foreach(at(page, "items"), i, item)
		if (strcmp(at_string(item, "id"), id) == 0)
			found = json_incref(item);
	assert_non_null(found);
	json_decref(page);
	return found;
}

/* The record but for what every change moves. */
static json_t *unmoved(const json_t *record)
{
	json_t *copy = json_deep_copy(record);
	json_object_del(copy, "version");
	json_object_del(copy, "updated_at");
	return copy;
}

static void check_equal(const char *what, json_t *found, json_t *expected)
{
	if (!json_equal(found, expected))
		fail_msg("%s: %s, not %s", what, json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS),
		         json_dumps(expected, JSON_COMPACT | JSON_SORT_KEYS));
	json_decref(found);
	json_decref(expected);
}

/* Sends `changes` (stolen) as an update of `record`, and expects exactly `expected` (stolen) to be otherwise
 * afterwards, in the answer and when read again. Returns the record as it is now; releases the one before. */
static json_t *change(const char *noun, json_t *record, json_t *changes, json_t *expected)
{
	char method[64];
	const char *id = at_string(record, "id");
	json_t *wanted = unmoved(record), *now;
	snprintf(method, sizeof method, "%s.update", noun);
	json_object_set_new(changes, "id", json_string(id));
	json_object_set(changes, "version", at(record, "version"));
	json_object_update(wanted, expected);
	now = call(method, changes);
	assert_int_equal(at_integer(now, "version"), at_integer(record, "version") + 1);
	check_equal(method, unmoved(now), wanted);
	check_equal("read again", read_again(noun, id), json_incref(now));
	json_decref(expected);
	json_decref(record);
	return now;
}

/* An update that is refused: the error's field, and that record and rows are as before. */
static void refuse(const char *noun, const json_t *record, json_t *changes, int code, const char *data_code,
                   const char *field)
{
	char method[64];
	long rows = checked_rows(harness);
	snprintf(method, sizeof method, "%s.update", noun);
	json_object_set_new(changes, "id", json_string(at_string(record, "id")));
	json_object_set(changes, "version", at(record, "version"));
	checked_refused(&client, method, changes, code, data_code, field);
	assert_int_equal(checked_rows(harness), rows);
	check_equal("after a refusal", read_again(noun, at_string(record, "id")), json_deep_copy(record));
}

static char *new_contact(const char *name)
{
	return made("contact.create", json_of("{'name':'%s','country':'KP'}", name));
}

/* A record of each kind with every member set, and what null clears of it. */
struct fullness {
	const char *noun;
	json_t *(*make)(void);
	const char *nulls, *cleared;
};

static json_t *make_principal(void)
{
	char *contact = new_contact("One of ours");
	json_t *record =
	    call("principal.create",
	         json_of("{'name':'박 과장','role':'officer','desks':['CN'],'clearance':'secret','contact_id':'%s',"
	                 "'language':'ko','timezone':'Asia/Tokyo','email':'p@example.org','unix_user':'no-such-%s'}",
	                 contact, contact + 30));
	free(contact);
	return record;
}

static json_t *make_organization(void)
{
	char *parent = made("organization.create", json_of("{'name':'The whole'}"));
	json_t *record =
	    call("organization.create",
	         json_of("{'names':[{'text':'통일연구원','kind':'native'},{'text':'KINU','kind':'alias','primary':true}],"
	                 "'country':'KR','kind':'think-tank','parent_id':'%s','website':'w','description':'d'}",
	                 parent));
	free(parent);
	return record;
}

static json_t *make_contact(void)
{
	return call(
	    "contact.create",
	    json_of("{'names':[{'text':'최룡해','kind':'native'},{'text':'Choe','kind':'alias'}],'country':'KP',"
	            "'sector':'government','status':'retired','affiliations':[{'organization':'WPK','title':'t',"
	            "'since':'2001-01-01','until':'2002-01-01'},{'organization':'SPA'}],'languages':['ko'],"
	            "'channels':[{'kind':'email','value':'c@example.org'}],'timezone':'Asia/Pyongyang','tags':['a'],"
	            "'influence':5,'interest':1,'sensitivity':'restricted','owner':'" ADMINISTRATOR
	            "','notes':'n','cadence':{'ideal':'P90D','maximum':'P180D'}}"));
}

static json_t *make_dialogue(void)
{
	char *contact = new_contact("A member"), *convenor = made("organization.create", json_of("{'name':'Convenor'}"));
	json_t *record =
	    call("dialogue.create",
	         json_of("{'title':'D','track':'1.5','countries':['KP','US'],'workstreams':['2.3',{'code':'1.2',"
	                 "'objective':'1.2.1'}],'status':'paused','attribution':'background','languages':['en'],"
	                 "'members':[{'contact_id':'%s','role':'chair','since':'2001-01-01','until':'2002-01-01'},"
	                 "{'principal_id':'" ADMINISTRATOR "'}],'convenor_id':'%s','description':'d','cadence':'P30D'}",
	                 contact, convenor));
	free(contact);
	free(convenor);
	return record;
}

static json_t *make_engagement(void)
{
	char *contact = new_contact("A guest"), *visit = made("engagement.log", json_of("{" PLACED "}"));
	char *dialogue = made("dialogue.create", json_of("{'title':'E','countries':['KP'],'workstreams':['1.2']}"));
	json_t *logged = call(
	    "engagement.log",
	    json_of("{'title':'T','kind':'meeting','track':'1','status':'held','starts_at':'2020-01-01T00:00:00Z',"
	            "'ends_at':'2020-01-01T01:00:00Z','timezone':'Asia/Seoul','location':'l','format':'hybrid',"
	            "'countries':['KP','KR'],'workstreams':['1.2',{'code':'2.1','objective':'2.1.1','contribution':'c'}],"
	            "'topics':['x'],'participants':[{'contact_id':'%s','role':'chair','capacity':'official',"
	            "'attendance':'attended','side':'KP'},{'principal_id':'" ADMINISTRATOR "'}],'audience':{'headcount':3,"
	            "'groups':['g']},'dialogue_id':'%s','parent_id':'%s','languages':['ko'],'attribution':'background',"
	            "'sensitivity':'restricted','agenda':['a',{'text':'b','status':'open'}],'readout':'r','outcomes':['o'],"
	            "'sources':['s'],'owner':'" ADMINISTRATOR "','commitments':[{'by':'KP','text':'c'}]}",
	            contact, dialogue, visit));
	json_t *record = call("engagement.get", json_of("{'id':'%s'}", at_string(logged, "id")));
	json_decref(logged);
	free(contact);
	free(visit);
	free(dialogue);
	return record;
}

static json_t *make_note(void)
{
	char *contact = new_contact("Of a note");
	json_t *record = call("note.add", json_of("{'about':{'contact_id':'%s'},'text':'n'}", contact));
	free(contact);
	return record;
}

static json_t *make_commitment(void)
{
	return call("commitment.create", json_of("{'by':'KP','to':'KR','text':'c','due_on':'2000-01-01'}"));
}

static json_t *make_reminder(void)
{
	char *contact = new_contact("Of a reminder"),
	     *assignee = made("principal.create", json_of("{'name':'Reminded','role':'officer'}"));
	json_t *record =
	    call("reminder.create", json_of("{'about':{'contact_id':'%s'},'note':'n','due_at':'2099-01-01T00:00:00Z',"
	                                    "'timezone':'Asia/Tokyo','rrule':'FREQ=DAILY','workdays':'next',"
	                                    "'escalate_after':'PT1H','assignee':'%s'}",
	                                    contact, assignee));
	free(contact);
	free(assignee);
	return record;
}

static const struct fullness kinds[] = {
    {"principal", make_principal, "{'contact_id':null,'language':null,'email':null,'unix_user':null,'digest_at':null}",
     NULL},
    {"organization", make_organization,
     "{'country':null,'kind':null,'parent_id':null,'website':null,'description':null}", NULL},
    {"contact", make_contact,
     "{'sector':null,'timezone':null,'influence':null,'interest':null,'owner':null,'notes':null,'cadence':null}", NULL},
    {"dialogue", make_dialogue,
     "{'track':null,'attribution':null,'convenor_id':null,'description':null,'cadence':null}", NULL},
    {"engagement", make_engagement,
     "{'track':null,'ends_at':null,'timezone':null,'location':null,'format':null,'audience':null,'dialogue_id':null,"
     "'parent_id':null,'attribution':null,'readout':null,'owner':null}",
     NULL},
    {"note", make_note, "{}", NULL},
    {"commitment", make_commitment, "{'due_on':null}", "{'due_on':null,'overdue':false}"},
    {"reminder", make_reminder, "{'about':null,'rrule':null,'workdays':null,'escalate_after':null}",
     "{'about':null,'rrule':null,'workdays':null,'escalate_after':null,'escalate_to':null}"},
};

/* Every member whose type lets null in is among those that are cleared above. */
static void check_all_cleared(const struct fullness *kind, const json_t *nulls)
{
	char name[64];
	snprintf(name, sizeof name, "%s.update", kind->noun);
	const struct method *method = registry_find(checked_registry(), name);
	size_t clearable = 0;
	for (size_t i = 0; i < method->params.member_count; i++) {
		const struct type_member *member = &method->params.members[i];
		/* There are no days beside the instant here; see test_moments. */
		if (!(member->flags & MEMBER_NULLABLE) || strcmp(member->name, "ends_on") == 0)
			continue;
		clearable++;
		assert_true(json_is_null(json_object_get(nulls, member->name)));
	}
	assert_int_equal(json_object_size(nulls), clearable);
}

static void test_absent_and_null(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct fullness *kind = &kinds[i];
		json_t *record = kind->make(), *nulls = json_of("%s", kind->nulls);
		const struct method *method;
		const char *member;
		json_t *null, *all = json_object();
		char name[64];
		check_all_cleared(kind, nulls);
		json_object_foreach(nulls, member, null)
			assert_false(json_is_null(json_object_get(record, member)));
		record = change(kind->noun, record, json_object(), json_object());
		/* Null of what cannot be cleared is absence. */
		snprintf(name, sizeof name, "%s.update", kind->noun);
		method = registry_find(checked_registry(), name);
		for (size_t m = 2; m < method->params.member_count; m++)
			if (!(method->params.members[m].flags & MEMBER_NULLABLE))
				json_object_set_new(all, method->params.members[m].name, json_null());
		record = change(kind->noun, record, all, json_object());
		record = change(kind->noun, record, json_deep_copy(nulls),
		                kind->cleared ? json_of("%s", kind->cleared) : json_deep_copy(nulls));
		record = change(kind->noun, record, json_object(), json_object());
		json_decref(nulls);
		json_decref(record);
	}
}

/* For each kind: a version that was not read, before and after; and an id of nothing, or of a record of another kind.
 */
static void test_stale_and_unknown(void **state)
{
	char *contact = new_contact("Of another kind"),
	     *organization = made("organization.create", json_of("{'name':'Other'}"));
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		json_t *record = change(kinds[i].noun, kinds[i].make(), json_object(), json_object());
		const char *ids[] = {NOBODY, strcmp(kinds[i].noun, "contact") == 0 ? organization : contact};
		long rows = checked_rows(harness);
		char method[64];
		snprintf(method, sizeof method, "%s.update", kinds[i].noun);
		for (int version = 1; version <= 3; version += 2) {
			json_t *error =
			    checked_error(&client, method, json_of("{'id':'%s','version':%d}", at_string(record, "id"), version),
			                  409, "stale_version");
			assert_int_equal(at_integer(error, "data.version"), 2);
			json_decref(error);
		}
		for (size_t j = 0; j < 2; j++)
			checked_refused(&client, method, json_of("{'id':'%s','version':1}", ids[j]), 404, "not_found", "id");
		assert_int_equal(checked_rows(harness), rows);
		check_equal(method, read_again(kinds[i].noun, at_string(record, "id")), json_incref(record));
		json_decref(record);
	}
	/* hold and void likewise. */
	json_t *engagement = make_engagement();
	checked_refused(&client, "engagement.hold", json_of("{'id':'" NOBODY "','version':1}"), 404, "not_found", "id");
	checked_refused(&client, "engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", contact), 404,
	                "not_found", "id");
	json_decref(checked_error(&client, "engagement.hold",
	                          json_of("{'id':'%s','version':2}", at_string(engagement, "id")), 409, "stale_version"));
	json_decref(checked_error(&client, "engagement.void",
	                          json_of("{'id':'%s','version':2,'reason':'r'}", at_string(engagement, "id")), 409,
	                          "stale_version"));
	check_equal("refused", call("engagement.get", json_of("{'id':'%s'}", at_string(engagement, "id"))), engagement);
	free(contact);
	free(organization);
}

/* Lists that go whole, and single values. */
static void test_values(void **state)
{
	json_t *record = make_engagement();
	(void)state;
	record = change(
	    "engagement", record,
	    json_of(
	        "{'title':'새 제목','kind':'visit','status':'cancelled','topics':['y','x'],'languages':[],'outcomes':[],"
	        "'sources':['t'],'agenda':[],'audience':{'headcount':0},'countries':['JP'],'workstreams':['1.1']}"),
	    json_of(
	        "{'title':'새 제목','kind':'visit','status':'cancelled','topics':['y','x'],'languages':[],'outcomes':[],"
	        "'sources':['t'],'agenda':[],'audience':{'headcount':0,'groups':null},'countries':['JP'],"
	        "'workstreams':[{'code':'1.1'}]}"));
	/* What is found by them follows. */
	json_t *page = call("engagement.history", json_of("{'country':'JP','topic':'y','workstream':'1.1'}"));
	assert_string_equal(at_string(page, "items.0.id"), at_string(record, "id"));
	json_decref(page);
	refuse("engagement", record, json_of("{'title':'x','dialogue_id':'" NOBODY "'}"), 404, "not_found", "dialogue_id");
	refuse("engagement", record, json_of("{'title':'x','parent_id':'" NOBODY "'}"), 404, "not_found", "parent_id");
	refuse("engagement", record, json_of("{'title':'x','owner':'" NOBODY "'}"), 404, "not_found", "owner");
	refuse("engagement", record, json_of("{'parent_id':'%s'}", at_string(record, "id")), 422, "rule", "parent_id");
	json_t *part = call("engagement.log", json_of("{" PLACED ",'parent_id':'%s'}", at_string(record, "id")));
	refuse("engagement", record, json_of("{'parent_id':'%s'}", at_string(part, "id")), 422, "rule", "parent_id");
	json_decref(part);
	json_decref(record);

	record = make_contact();
	record =
	    change("contact", record, json_of("{'name':'Choe Ryong Hae','status':'active','channels':[],'tags':['b','a']}"),
	           json_of("{'name':'Choe Ryong Hae','names':[{'text':'Choe Ryong Hae','kind':'romanized','language':null,"
	                   "'system':null,'primary':true}],'status':'active','channels':[],'tags':['b','a']}"));
	page = call("contact.search", json_of("{'text':'choe ryong h','tag':'b'}"));
	assert_string_equal(at_string(page, "items.0.id"), at_string(record, "id"));
	json_decref(page);
	refuse("contact", record, json_of("{'notes':'x','owner':'" NOBODY "'}"), 404, "not_found", "owner");
	json_decref(record);

	record = make_organization();
	json_t *below = call("organization.create", json_of("{'name':'Below','parent_id':'%s'}", at_string(record, "id")));
	refuse("organization", record, json_of("{'parent_id':'%s'}", at_string(record, "id")), 422, "rule", "parent_id");
	refuse("organization", record, json_of("{'name':'x','parent_id':'%s'}", at_string(below, "id")), 422, "rule",
	       "parent_id");
	refuse("organization", record, json_of("{'name':'x','parent_id':'" NOBODY "'}"), 404, "not_found", "parent_id");
	json_decref(below);
	json_decref(record);
}

static void test_participants(void **state)
{
	json_t *record = make_engagement(), *other = make_engagement(), *found;
	char *guest = new_contact("Guest"), *first = strdup(at_string(record, "participants.0.id")),
	     *second = strdup(at_string(record, "participants.1.id"));
	const char *stranger = at_string(other, "participants.0.id");
	(void)state;
	found = json_deep_copy(at(record, "participants"));
	json_object_update_new(json_array_get(found, 0),
	                       json_of("{'role':'observer','capacity':null,'attendance':'absent','side':null}"));
	record = change(
	    "engagement", record,
	    json_of(
	        "{'participants_change':[{'id':'%s','role':'observer','capacity':null,'attendance':'absent','side':null},"
	        "{'id':'%s'}]}",
	        first, second),
	    json_pack("{s:o}", "participants", found));
	/* Every way to be wrong, each beside something right that must not be done. */
#define RIGHT "'title':'x','participants_add':[{'contact':{'name':'Never made','country':'US'}},{'contact_id':'%s'}]"
	refuse("engagement", record, json_of("{" RIGHT ",'participants_remove':['%s','%s']}", guest, first, stranger), 404,
	       "not_found", "participants_remove[1]");
	refuse("engagement", record, json_of("{" RIGHT ",'participants_remove':['" NOBODY "']}", guest), 404, "not_found",
	       "participants_remove[0]");
	refuse("engagement", record,
	       json_of("{" RIGHT ",'participants_change':[{'id':'%s','side':'US'},{'id':'%s','side':'US'}]}", guest, first,
	               stranger),
	       404, "not_found", "participants_change[1].id");
	refuse("engagement", record,
	       json_of("{'participants_remove':['%s'],'participants_add':[{'contact_id':'" NOBODY "'}]}", first), 404,
	       "not_found", "participants_add[0].contact_id");
	refuse("engagement", record,
	       json_of("{'participants_add':[{'contact_id':'%s'},{'principal_id':'" ADMINISTRATOR "'}]}", guest), 422,
	       "rule", "participants_add[1]");
	refuse("engagement", record, json_of("{" RIGHT ",'sensitivity':'open'}", guest), 422, "rule", "sensitivity");
	refuse("engagement", record, json_of("{" RIGHT ",'countries_remove':['KP','KR']}", guest), 422, "rule",
	       "countries_remove");
	refuse("engagement", record, json_of("{" RIGHT ",'owner':'" NOBODY "'}", guest), 404, "not_found", "owner");
#undef RIGHT
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.contact WHERE name = 'Never made'"), 0);
	check_equal("the other", read_again("engagement", at_string(other, "id")), json_incref(other));
	/* One goes, is added again in another part, and others come: they stand after those who are there. */
	json_t *now =
	    call("engagement.update",
	         json_of("{'id':'%s','version':%ld,'participants_remove':['%s'],'participants_add':[{'contact_id':'%s',"
	                 "'role':'interpreter'},{'contact':{'name':'New guest','country':'US'},'side':'US'},"
	                 "{'contact_id':'%s'}]}",
	                 at_string(record, "id"), at_integer(record, "version"), first, guest,
	                 at_string(record, "participants.0.contact_id")));
	assert_int_equal(json_array_size(at(now, "participants")), 4);
	assert_string_equal(at_string(now, "participants.0.id"), second);
	assert_string_equal(at_string(now, "participants.1.contact_id"), guest);
	assert_string_equal(at_string(now, "participants.1.role"), "interpreter");
	assert_string_equal(at_string(now, "participants.2.name"), "New guest");
	assert_string_equal(at_string(now, "participants.3.contact_id"), at_string(record, "participants.0.contact_id"));
	assert_string_not_equal(at_string(now, "participants.3.id"), first);
	json_t *error =
	    checked_error(&client, "engagement.update",
	                  json_of("{'id':'%s','version':%ld,'participants_add':[{'contact':{'name':'New guest','country':"
	                          "'US'}}]}",
	                          at_string(now, "id"), at_integer(now, "version")),
	                  409, "duplicate");
	assert_string_equal(at_string(error, "data.field"), "participants_add[0].contact");
	json_decref(error);
	json_decref(now);
	json_decref(record);
	json_decref(other);
	free(guest);
	free(first);
	free(second);
}

static void test_countries_and_workstreams(void **state)
{
	static const char *const nouns[] = {"engagement", "dialogue"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *record = i == 0 ? make_engagement() : make_dialogue();
		record = change(nouns[i], record, json_of("{'countries_add':['RU','KP'],'countries_remove':['KR','US','MN']}"),
		                json_of("{'countries':['KP','RU']}"));
		record = change(nouns[i], record,
		                json_of("{'workstreams_add':['3.1'],'workstreams_change':[{'code':'1.2','objective':'1.2.2'},"
		                        "{'code':'3.3'}],'workstreams_remove':['2.1','2.3']}"),
		                json_of("{'workstreams':[{'code':'1.2','objective':'1.2.2'},{'code':'3.1'}]}"));
		/* Adding what is there changes nothing. */
		record = change(nouns[i], record, json_of("{'workstreams_add':['3.1'],'countries_add':['KP']}"), json_object());
		refuse(nouns[i], record, json_of("{'title':'x','workstreams_remove':['1.2','3.1']}"), 422, "rule",
		       "workstreams_remove");
		refuse(nouns[i], record, json_of("{'title':'x','countries_remove':['KP','RU']}"), 422, "rule",
		       "countries_remove");
		char sql[200];
		snprintf(sql, sizeof sql,
		         "SELECT string_agg(workstream, ',' ORDER BY workstream) FROM store.%s_workstream"
		         " WHERE %s_id = '%s'",
		         nouns[i], nouns[i], at_string(record, "id"));
		char *links = harness_query(harness, sql);
		assert_string_equal(links, "1.2,3.1");
		free(links);
		json_decref(record);
	}
}

static void test_members_and_affiliations(void **state)
{
	json_t *record = make_dialogue(), *other = make_dialogue(), *now;
	/* Members come in no order of ours: the first is the contact. */
	const char *places[] = {"members.0.id", "members.1.id"};
	bool turned = json_is_null(at(record, "members.0.contact_id"));
	char *first = strdup(at_string(record, places[turned])), *second = strdup(at_string(record, places[!turned]));
	(void)state;
	refuse("dialogue", record,
	       json_of("{'title':'x','members_change':[{'id':'%s','role':'host'},{'id':'%s'}]}", first,
	               at_string(other, "members.0.id")),
	       404, "not_found", "members_change[1].id");
	refuse("dialogue", record,
	       json_of("{'members_change':[{'id':'%s','role':'host'}],'members_remove':['%s']}", first,
	               at_string(other, "members.1.id")),
	       404, "not_found", "members_remove[0]");
	refuse("dialogue", record,
	       json_of("{'members_change':[{'id':'%s','role':'host'},{'id':'%s','until':'2000-12-31',"
	               "'since':'2001-01-01'}]}",
	               first, second),
	       422, "rule", "members_change[1].until");
	refuse("dialogue", record, json_of("{'members_remove':['%s'],'members_add':[{'contact_id':'" NOBODY "'}]}", first),
	       404, "not_found", "members_add[0]");
	refuse("dialogue", record, json_of("{'title':'x','convenor_id':'" NOBODY "'}"), 404, "not_found", "convenor_id");
	now = call("dialogue.update",
	           json_of("{'id':'%s','version':1,'members_change':[{'id':'%s','role':null,'until':null}],"
	                   "'members_remove':['%s'],'members_add':[{'principal_id':'" ADMINISTRATOR "','role':'host'}]}",
	                   at_string(record, "id"), first, second));
	assert_int_equal(json_array_size(at(now, "members")), 2);
	assert_string_equal(at_string(now, "members.0.id"), first);
	assert_true(json_is_null(at(now, "members.0.role")) && json_is_null(at(now, "members.0.until")));
	assert_string_equal(at_string(now, "members.0.since"), "2001-01-01");
	assert_string_equal(at_string(now, "members.1.role"), "host");
	json_decref(now);
	json_decref(record);
	json_decref(other);
	free(first);
	free(second);

	record = make_contact();
	other = make_contact();
	first = strdup(at_string(record, "affiliations.0.id")), second = strdup(at_string(record, "affiliations.1.id"));
	refuse("contact", record,
	       json_of("{'notes':'x','affiliations_change':[{'id':'%s','title':'y'},{'id':'%s'}]}", first,
	               at_string(other, "affiliations.0.id")),
	       404, "not_found", "affiliations_change[1].id");
	refuse("contact", record,
	       json_of("{'notes':'x','affiliations_remove':['%s','%s']}", first, at_string(other, "affiliations.0.id")),
	       404, "not_found", "affiliations_remove[1]");
	refuse("contact", record, json_of("{'affiliations_change':[{'id':'%s','until':'2000-12-31'}]}", first), 422, "rule",
	       "affiliations_change[0].until");
	refuse("contact", record,
	       json_of("{'affiliations_remove':['%s'],'affiliations_add':[{'organization':'Never made too'},"
	               "{'organization_id':'" NOBODY "'}]}",
	               first),
	       404, "not_found", "affiliations_add[1].organization_id");
	now = call("contact.update",
	           json_of("{'id':'%s','version':1,'affiliations_change':[{'id':'%s','title':null,'until':null}],"
	                   "'affiliations_remove':['%s'],'affiliations_add':[{'organization':'WPK','since':'1999-01-01'}]}",
	                   at_string(record, "id"), first, second));
	assert_int_equal(json_array_size(at(now, "affiliations")), 2);
	assert_string_equal(at_string(now, "affiliations.0.id"), first);
	assert_true(json_is_null(at(now, "affiliations.0.title")) && json_is_null(at(now, "affiliations.0.until")));
	/* Named again, the organization is the same one. */
	assert_string_equal(at_string(now, "affiliations.1.organization_id"),
	                    at_string(now, "affiliations.0.organization_id"));
	json_decref(now);
	json_decref(record);
	json_decref(other);
	free(first);
	free(second);
}

static void test_moments(void **state)
{
	json_t *record = make_engagement();
	(void)state;
	refuse("engagement", record, json_of("{'ends_at':'2019-12-31T23:59:59Z'}"), 422, "rule", "ends_at");
	refuse("engagement", record, json_of("{'starts_at':'2020-01-01T01:00:01Z'}"), 422, "rule", "ends_at");
	refuse("engagement", record, json_of("{'precision':'month'}"), 422, "rule", "ends_on");
	refuse("engagement", record, json_of("{'ends_on':'2020-01-02'}"), 422, "rule", "ends_on");
	record = change(
	    "engagement", record, json_of("{'starts_on':'2018-04-27','ends_on':'2018-04-28'}"),
	    json_of("{'starts_at':null,'ends_at':null,'timezone':null,'starts_on':'2018-04-27','ends_on':'2018-04-28',"
	            "'precision':'day'}"));
	refuse("engagement", record, json_of("{'ends_at':'2018-05-01T00:00:00Z'}"), 422, "rule", "ends_at");
	refuse("engagement", record, json_of("{'timezone':'Asia/Seoul'}"), 422, "rule", "ends_at");
	refuse("engagement", record, json_of("{'ends_on':'2018-04-26'}"), 422, "rule", "ends_on");
	record = change("engagement", record, json_of("{'precision':'month','ends_on':null}"),
	                json_of("{'starts_on':'2018-04-01','precision':'month','ends_on':null}"));
	record = change("engagement", record, json_of("{'starts_on':'2017-11-30'}"), json_of("{'starts_on':'2017-11-01'}"));
	record = change("engagement", record, json_of("{'starts_at':'2016-02-29T23:30:00+09:00'}"),
	                json_of("{'starts_at':'2016-02-29T14:30:00Z','starts_on':null,'precision':null}"));
	record = change("engagement", record, json_of("{'ends_at':'2016-02-29T15:00:00Z','timezone':'Europe/Moscow'}"),
	                json_of("{'ends_at':'2016-02-29T15:00:00Z','timezone':'Europe/Moscow'}"));
	record = change(
	    "engagement", record, json_of("{'starts_on':'1972-07-04','precision':'year'}"),
	    json_of("{'starts_at':null,'ends_at':null,'timezone':null,'starts_on':'1972-01-01','precision':'year'}"));
	/* It is found where it stands now, and there only; participants' own order follows. */
	json_t *page = call("contact.history", json_of("{'id':'%s','since':'1972-01-01','until':'1972-01-02'}",
	                                               at_string(record, "participants.0.contact_id")));
	assert_int_equal(json_array_size(at(page, "items")), 1);
	json_decref(page);
	page = call("contact.history",
	            json_of("{'id':'%s','since':'1972-01-02'}", at_string(record, "participants.0.contact_id")));
	assert_int_equal(json_array_size(at(page, "items")), 0);
	json_decref(page);
	json_decref(record);
}

/* Members stand as they were added, also those of one call, whose ids tell no order. */
static void test_members_in_order(void **state)
{
	enum { MEMBERS = 40 };
	char names[2][MEMBERS * 50] = {"", ""};
	(void)state;
	for (size_t i = 0; i < MEMBERS; i++) {
		char *contact = new_contact("A member");
		snprintf(names[i % 2] + strlen(names[i % 2]), 60, "%s{'contact_id':'%s'}", *names[i % 2] ? "," : "", contact);
		free(contact);
	}
	json_t *record = call("dialogue.create",
	                      json_of("{'title':'D','countries':['KP'],'workstreams':['1.2'],'members':[%s]}", names[0]));
	json_t *both = call("dialogue.update",
	                    json_of("{'id':'%s','version':1,'members_add':[%s]}", at_string(record, "id"), names[1]));
	for (size_t half = 0; half < 2; half++) {
		json_t *given = json_of("[%s]", names[half]), *member;
		size_t i;
		json_array_foreach(given, i, member)
			assert_string_equal(at_string(json_array_get(at(both, "members"), half * MEMBERS / 2 + i), "contact_id"),
			                    at_string(member, "contact_id"));
		json_decref(given);
	}
	json_decref(both), json_decref(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_members_in_order),
	    cmocka_unit_test(test_absent_and_null),
	    cmocka_unit_test(test_stale_and_unknown),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_participants),
	    cmocka_unit_test(test_countries_and_workstreams),
	    cmocka_unit_test(test_members_and_affiliations),
	    cmocka_unit_test(test_moments),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
