/* The brief: what stands on it for an engagement, a person and a country, in which language, for whose eyes; and that
 * it stays one page whatever there is to say. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY "019b1c00-ffff-7000-8000-000000000001"

/* What sql/api/brief.sql leaves on the page. */
enum {
	PEOPLE = 8,
	LAST = 5,
	NEXT = 3,
	EACH_WAY = 5,
	AGENDA = 6,
	NOTES = 3,
	CUT = 160,
	LINES = 75,
	PAGE = 16000,
	MANY = 14
};

static char *wang, *institute, *early, *late, *planned;

static void done(const char *method, json_t *params)
{
	json_decref(call(method, params));
}

static json_t *brief(const char *subject, const char *id, const char *language)
{
	json_t *params = json_of("{'%s':'%s'}", subject, id);
	if (language)
		json_object_set_new(params, "language", json_string(language));
	return call("brief.get", params);
}

static void expect(const json_t *record, const char *path, const char *value)
{
	if (strcmp(at_string(record, path), value) != 0)
		fail_msg("%s is %s, not %s", path, at_string(record, path), value);
}

static void expect_text(const json_t *record, const char *text, bool there)
{
	const char *page = at_string(record, "markdown");
	if ((strstr(page, text) != NULL) != there)
		fail_msg("\"%s\" %s on the page:\n%s", text, there ? "is missing" : "stands", page);
}

static size_t count(const json_t *record, const char *path)
{
	return json_array_size(at(record, path));
}

static char *met(const char *title, const char *on, const char *status)
{
	return made("engagement.log", json_of("{'title':'%s','kind':'track2-session','starts_on':'%s','status':'%s',"
	                                      "'countries':['CN','KR'],'workstreams':['1.3'],'readout':'What was said.',"
	                                      "'participants':[{'contact_id':'%s','role':'chair'}]}",
	                                      title, on, status, wang));
}

static int setup(void **state)
{
	single_setup(state);
	institute = made("organization.create", json_of("{'names':[{'text':'Institute','kind':'romanized','primary':true},"
	                                                "{'text':'연구소','kind':'native','language':'ko'}]}"));
	wang = made("contact.create",
	            json_of("{'names':[{'text':'왕밍','kind':'native','language':'ko'},{'text':'王明','kind':'hanja',"
	                    "'primary':true},{'text':'Wang Ming','kind':'romanized','system':'pinyin'},{'text':'Wang "
	                    "Old','kind':'former'}],'country':'CN','languages':['zh','ko'],'affiliations':["
	                    "{'organization_id':'%s','title':'Fellow','since':'2001-01-01','until':'2010-12-31'},"
	                    "{'organization_id':'%s','title':'Director','since':'2011-01-01'}]}",
	                    institute, institute));
	early = met("Early talk", "2005-03-01", "held");
	late = met("Late talk", "2015-03-01", "held");
	planned = met("Coming talk", "2099-03-01", "planned");
	return 0;
}

static int teardown(void **state)
{
	free(wang), free(institute), free(early), free(late), free(planned);
	return single_teardown(state);
}

/* The person with all names, and the posts held on the day that is spoken of. */
static void test_person(void **state)
{
	(void)state;
	json_t *page = brief("contact_id", wang, NULL);
	expect(page, "subject.title", "王明");
	expect(page, "people.items.0.names.0.text", "王明");
	expect(page, "people.items.0.names.1.kind", "native");
	expect(page, "people.items.0.names.2.system", "pinyin");
	assert_int_equal(count(page, "people.items.0.names"), 3);
	assert_int_equal(count(page, "people.items.0.titles"), 1);
	expect(page, "people.items.0.titles.0.title", "Director");
	expect(page, "people.items.0.last_met_on", "2015-03-01");
	assert_int_equal(count(page, "last"), 2);
	expect(page, "last.0.title", "Late talk");
	expect(page, "last.0.participants.0.titles.0.title", "Director");
	expect(page, "last.1.participants.0.titles.0.title", "Fellow");
	assert_int_equal(count(page, "next"), 1);
	expect(page, "next.0.when", "2099-03-01");
	expect(page, "workstreams.items.0.code", "1.3");
	expect(page, "workstreams.items.0.last_on", "2015-03-01");
	assert_true(json_is_null(at(page, "engagement")));
	assert_true(json_is_null(at(page, "cadence")));
	expect_text(page, "# Brief: 王明\n", true);
	expect_text(
	    page, "- **王明** · 왕밍 (native), Wang Ming (romanized, pinyin) · China · Director, Institute · speaks zh, ko",
	    true);
	expect_text(page, "- 2005-03-01 **Early talk** · Track 2 session · 王明 (Fellow, Institute) · What was said.\n",
	            true);
	expect_text(page, "- 2099-03-01 **Coming talk** · Track 2 session · planned · ", true);
	expect_text(page, "Wang Old", false);
	json_decref(page);
	/* Of that engagement's day, and what came before it. */
	page = brief("engagement_id", early, NULL);
	expect(page, "engagement.title", "Early talk");
	expect(page, "people.items.0.titles.0.title", "Fellow");
	expect(page, "people.items.0.role", "chair");
	assert_int_equal(count(page, "last"), 0);
	assert_int_equal(count(page, "next"), 1);
	json_decref(page);
	page = brief("engagement_id", planned, NULL);
	assert_int_equal(count(page, "last"), 2);
	assert_int_equal(count(page, "next"), 0);
	expect_text(page, "## Next planned\n\n- none\n", true);
	json_decref(page);
	page = brief("country", "CN", NULL);
	expect(page, "subject.title", "China");
	expect(page, "people.items.0.contact_id", wang);
	assert_int_equal(count(page, "last"), 2);
	json_decref(page);
}

static void test_refusals(void **state)
{
	char *void_one = met("Void talk", "2016-03-01", "held");
	(void)state;
	checked_faults(&client, "brief.get", json_of("{}"), "engagement_id");
	checked_faults(&client, "brief.get", json_of("{'country':'CN','contact_id':'%s'}", wang), "engagement_id");
	checked_faults(&client, "brief.get", json_of("{'country':'XX','language':'fr'}"), "country language");
	checked_refused(&client, "brief.get", json_of("{'contact_id':'" NOBODY "'}"), 404, "not_found", "contact_id");
	checked_refused(&client, "brief.get", json_of("{'engagement_id':'" NOBODY "'}"), 404, "not_found", "engagement_id");
	done("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", void_one));
	checked_refused(&client, "brief.get", json_of("{'engagement_id':'%s'}", void_one), 404, "not_found",
	                "engagement_id");
	json_t *page = brief("contact_id", wang, NULL);
	expect_text(page, "Void talk", false);
	json_decref(page);
	free(void_one);
}

static void promise(const char *by, const char *to, const char *text, const char *due_on)
{
	json_t *params = json_of("{'by':'%s','text':'%s'}", by, text);
	if (to)
		json_object_set_new(params, "to", json_string(to));
	if (due_on)
		json_object_set_new(params, "due_on", json_string(due_on));
	done("commitment.create", params);
}

/* The first item of a section, and how many there are. */
static void expect_way(const json_t *page, const char *section, size_t items, const char *first)
{
	char path[80];
	snprintf(path, sizeof path, "%s.items", section);
	if (count(page, path) != items)
		fail_msg("%s: %zu", section, count(page, path));
	snprintf(path, sizeof path, "%s.items.0.text", section);
	if (first)
		expect(page, path, first);
}

/* Both ways: theirs, ours, and what is neither. */
static void test_both_ways(void **state)
{
	char *me = made("principal.create", json_of("{'name':'Desk','role':'officer'}"));
	char *li = made("contact.create", json_of("{'name':'李','country':'CN'}"));
	(void)state;
	promise("CN", "KR", "china later", "2098-01-01");
	promise(wang, NULL, "wang late", "2001-01-01");
	promise(li, me, "li without", NULL);
	promise(me, wang, "to wang", "2001-01-01");
	promise("KR", "CN", "to china", NULL);
	promise("US", "CN", "a third side", "2001-01-01");
	promise("KR", "US", "elsewhere", "2001-01-01");
	done("commitment.create",
	     json_of("{'by':'KR','text':'said there','engagement_id':'%s','due_on':'2097-01-01'}", late));
	done("commitment.create", json_of("{'by':'CN','text':'china there','engagement_id':'%s'}", late));
	json_t *old = call("commitment.create", json_of("{'by':'CN','text':'kept','due_on':'2000-01-01'}"));
	done("commitment.update", json_of("{'id':'%s','version':1,'status':'fulfilled'}", at_string(old, "id")));
	json_decref(old);
	char *twice = made("concern.raise", json_of("{'country':'CN','text':'raised twice','raised_on':'2010-01-01'}"));
	done("concern.repeat", json_of("{'id':'%s','raised_on':'2011-01-01'}", twice));
	done("concern.raise", json_of("{'contact_id':'%s','text':'of wang','raised_on':'2001-01-01'}", wang));
	done("concern.raise", json_of("{'country':'KR','to':'CN','text':'ours to china','raised_on':'2001-01-01'}"));
	done("concern.raise", json_of("{'country':'KR','text':'ours there','engagement_id':'%s'}", late));
	done("concern.raise", json_of("{'country':'US','to':'CN','text':'a third worry'}"));
	char *answered = made("concern.raise", json_of("{'country':'CN','text':'answered','raised_on':'2001-01-01'}"));
	done("concern.answer", json_of("{'id':'%s','version':1,'text':'a'}", answered));
	json_t *page = brief("country", "CN", NULL);
	expect_way(page, "commitments.theirs", 4, "wang late");
	assert_true(json_is_true(at(page, "commitments.theirs.items.0.overdue")));
	expect(page, "commitments.theirs.items.1.text", "china later");
	expect_way(page, "commitments.ours", 3, "to wang");
	expect_way(page, "concerns.theirs", 2, "raised twice");
	expect_way(page, "concerns.ours", 2, "ours to china");
	expect_text(
	    page, "\n## They owe\n\n- wang late · 王明 · **overdue** 2001-01-01\n- china later · China · due 2098-01-01\n",
	    true);
	expect_text(page,
	            "- raised twice · China · raised 2 times, last on 2011-01-01\n- of wang · 王明 · raised once, on "
	            "2001-01-01\n",
	            true);
	expect_text(page, "third", false);
	expect_text(page, "elsewhere", false);
	json_decref(page);
	/* Of a person: the person's own, and what the two sides said in the person's presence. */
	page = brief("contact_id", wang, NULL);
	expect_way(page, "commitments.theirs", 2, "wang late");
	expect_way(page, "commitments.ours", 2, "to wang");
	expect_way(page, "concerns.theirs", 1, "of wang");
	expect_way(page, "concerns.ours", 1, "ours there");
	json_decref(page);
	page = brief("engagement_id", planned, NULL);
	expect_way(page, "commitments.theirs", 4, "wang late");
	expect_way(page, "concerns.ours", 2, "ours to china");
	json_decref(page);
	page = brief("country", "US", NULL);
	expect_way(page, "commitments.ours", 1, "elsewhere");
	expect_way(page, "concerns.theirs", 1, "a third worry");
	json_decref(page);
	free(me), free(li), free(twice), free(answered);
}

/* In the caller's language; and the caller's own notes, which nobody else learns of. */
static void test_language_and_notes(void **state)
{
	static const struct {
		const char *language, *asked, *heading;
	} cases[] = {{"ko", NULL, "# 브리핑: 王明"}, {"ko-KR", NULL, "# 브리핑: 王明"}, {"ko", "en", "# Brief: 王明"},
	             {"ja", NULL, "# Brief: 王明"},  {"ja", "ko", "# 브리핑: 王明"},    {NULL, NULL, "# Brief: 王明"},
	             {"kok", NULL, "# Brief: 王明"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client theirs;
		json_t *params = json_of("{'name':'Reader','role':'viewer'}");
		if (cases[i].language)
			json_object_set_new(params, "language", json_string(cases[i].language));
		char *reader = made("principal.create", params);
		json_t *token = call("token.create", json_of("{'principal_id':'%s'}", reader));
		client_open(&theirs, harness);
		json_decref(checked_result(&theirs, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
		json_decref(checked_result(&theirs, "note.add",
		                           json_of("{'about':{'contact_id':'%s'},'text':'eyes only %zu'}", wang, i)));
		params = json_of("{'contact_id':'%s'}", wang);
		if (cases[i].asked)
			json_object_set_new(params, "language", json_string(cases[i].asked));
		json_t *page = checked_result(&theirs, "brief.get", params);
		char own[40];
		snprintf(own, sizeof own, "- eyes only %zu\n", i);
		expect_text(page, cases[i].heading, true);
		expect_text(page, own, true);
		assert_int_equal(count(page, "notes.items"), 1);
		assert_true(json_is_true(at(page, "notes.items.0.private")));
		if (strstr(cases[i].heading, "브리핑")) {
			expect(page, "language", "ko");
			expect(page, "workstreams.items.0.title", "국제적 지지를 위한 토대 마련");
			expect_text(page, "## 개인 메모", true);
			expect_text(page, "· 트랙 2 회의 · 王明 (Fellow, 연구소)", true);
			expect_text(page, "· 중국 ·", true);
			expect_text(page, "**기한 경과** 2001-01-01", true);
			/* No heading, and no word of the table, is left in English. */
			expect_text(page, "none", false);
			expect_text(page, "last on", false);
		} else {
			expect_text(page, "## Private notes", true);
		}
		json_decref(page);
		page = brief("contact_id", wang, NULL);
		expect_text(page, "eyes only", false);
		assert_int_equal(count(page, "notes.items"), 0);
		json_decref(page), json_decref(token);
		client_close(&theirs);
		free(reader);
	}
}

/* Much of everything, each of it as long as may be; the id of an engagement before which it is all of interest. */
static char *fill(const char *text)
{
	json_t *participants = json_array(), *agenda = json_array();
	for (int i = 0; i < MANY; i++) {
		json_t *names = json_array(), *posts = json_array();
		for (int j = 0; j < 12; j++) {
			json_array_append_new(names,
			                      json_of("{'text':'%.400s %d','kind':'romanized','system':'%.100s'}", text, j, text));
			json_array_append_new(posts, json_of("{'organization':'%.400s %d','title':'%.400s'}", text, j, text));
		}
		char *person = made("contact.create", json_pack("{s:o, s:s, s:o, s:s}", "names", names, "country", "MN",
		                                                "affiliations", posts, "notes", text));
		json_array_append_new(participants, json_of("{'contact_id':'%s'}", person));
		free(person);
		json_array_append_new(agenda, json_stringn(text, 500));
		promise("MN", "KR", text, "2001-01-01");
		promise("KR", "MN", text, "2001-01-01");
		done("concern.raise", json_of("{'country':'MN','text':'%s'}", text));
		done("concern.raise", json_of("{'country':'KR','to':'MN','text':'%s'}", text));
	}
	for (int i = 0; i < MANY; i++)
		done("engagement.log",
		     json_pack("{s:s#, s:s, s:s, s:[s], s:[s, s, s, s, s, s, s, s], s:O, s:s, s:s#}", "title", text,
		               (size_t)500, "kind", "call", "starts_on", i % 2 ? "2098-01-01" : "2001-01-01", "countries", "MN",
		               "workstreams", "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "participants",
		               participants, "readout", text, "location", text, (size_t)400));
	char *subject =
	    made("engagement.log", json_pack("{s:s#, s:s, s:s, s:[s], s:[s], s:O, s:o}", "title", text, (size_t)500, "kind",
	                                     "call", "starts_on", "2097-01-01", "countries", "MN", "workstreams", "1.1",
	                                     "participants", participants, "agenda", agenda));
	for (int i = 0; i < MANY; i++)
		done("note.add", json_of("{'about':{'engagement_id':'%s'},'text':'%s'}", subject, text));
	json_decref(participants);
	return subject;
}

static void expect_sections(const json_t *page)
{
	static const struct {
		const char *section;
		size_t items;
		long more;
	} sections[] = {{"people", PEOPLE, MANY - PEOPLE},
	                {"agenda", AGENDA, MANY - AGENDA},
	                {"commitments.theirs", EACH_WAY, MANY - EACH_WAY},
	                {"commitments.ours", EACH_WAY, MANY - EACH_WAY},
	                {"concerns.theirs", EACH_WAY, MANY - EACH_WAY},
	                {"concerns.ours", EACH_WAY, MANY - EACH_WAY},
	                {"workstreams", 6, 2},
	                {"notes", NOTES, MANY - NOTES}};
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		char path[80];
		snprintf(path, sizeof path, "%s.items", sections[i].section);
		if (count(page, path) != sections[i].items)
			fail_msg("%s: %zu", path, count(page, path));
		snprintf(path, sizeof path, "%s.more", sections[i].section);
		assert_int_equal(at_integer(page, path), sections[i].more);
	}
}

/* One page all the same, that says how much it leaves out. */
static void test_one_page(void **state)
{
	char text[20001];
	(void)state;
	memset(text, 'x', sizeof text - 1);
	for (size_t i = 0; i < sizeof text - 1; i += 7)
		text[i] = '*';
	text[sizeof text - 1] = '\0';
	char *subject = fill(text);
	json_t *page = brief("engagement_id", subject, "en");
	expect_sections(page);
	assert_int_equal(count(page, "last"), LAST);
	assert_int_equal(count(page, "next"), NEXT);
	assert_int_equal(strlen(at_string(page, "commitments.theirs.items.0.text")), CUT - 1 + strlen("…"));
	size_t lines = 0, letters = 0;
	for (const char *line = at_string(page, "markdown"); *line; line += strcspn(line, "\n") + 1)
		lines += *line != '\n';
	/* Not counting what keeps the letters from being marks. */
	for (const char *letter = at_string(page, "markdown"); *letter; letter++)
		letters += *letter != '\\';
	print_message("%zu lines, %zu bytes\n", lines, letters);
	assert_true(lines <= LINES);
	assert_true(letters <= PAGE);
	expect_text(page, "- and 6 more\n", true);
	json_decref(page);
	free(subject);
}

/* What people wrote is no Markdown of ours. */
static void test_marks(void **state)
{
	char *id = made("contact.create", json_of("{'name':'# A [b](c) <d> *e*','country':'BT','notes':'x\\ny'}"));
	json_t *page = brief("contact_id", id, NULL);
	(void)state;
	expect_text(page, "# Brief: \\# A \\[b\\](c) \\<d\\> \\*e\\*\n", true);
	expect_text(page, "x y", true);
	json_decref(page);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_person),    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_both_ways), cmocka_unit_test(test_language_and_notes),
	    cmocka_unit_test(test_one_page),  cmocka_unit_test(test_marks),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
