/* Readout: what may be shared of an engagement with whom: every attribution, sensitivity and audience; and that nothing
 * goes out that tells who was there where it may not, in no member and no text. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY "019b1c00-ffff-7000-8000-000000000001"

enum extent { NOTHING, UNNAMED, NAMED, EVERYTHING };

static const char *const attributions[] = {NULL, "chatham-house", "background", "on-record", "off-record"};
static const char *const levels[] = {"open", "internal", "restricted", "secret"};
static const char *const audiences[] = {"public", "partner", "internal"};
/* By attribution, as far as sensitivity lets it. */
static const enum extent outward[] = {UNNAMED, UNNAMED, UNNAMED, NAMED, NOTHING};
/* By audience. */
static const size_t most[] = {0, 1, 3};

static char *engagement;
static long version = 1;

static int readout_setup(void **state)
{
	single_setup(state);
	char *officer = made("principal.create", json_of("{'name':'Minsu Officer','role':'officer'}"));
	char *dialogue =
	    made("dialogue.create", json_of("{'title':'The Geneva series','countries':['CN'],'workstreams':['1.3']}"));
	engagement = made(
	    "engagement.log",
	    json_of(
	        "{'title':'Lunch with Wang Yi','kind':'meeting','track':'1.5','starts_at':'2026-03-01T20:30:00Z',"
	        "'ends_at':'2026-03-01T22:00:00Z','timezone':'Asia/Shanghai','location':'Beijing','format':'in-person',"
	        "'countries':['CN','KR'],'workstreams':['1.3'],'topics':['energy'],'sensitivity':'open',"
	        "'dialogue_id':'%s','audience':{'headcount':3},'participants':["
	        "{'contact':{'names':[{'text':'王毅','kind':'native'},{'text':'Wang Yi','kind':'romanized'},"
	        "{'text':'Ван И','kind':'cyrillic'}],'country':'CN','sensitivity':'open','affiliations':["
	        "{'organization':'中国外交部','title':'Foreign Minister','since':'2013-03-01'},"
	        "{'organization':'Old Embassy','title':'Attaché','until':'2010-01-01'}]},'role':'chair'},"
	        "{'contact':{'names':[{'text':'Лю "
	        "Петров','kind':'native'},{'text':'Li','kind':'romanized'}],'country':'CN',"
	        "'sensitivity':'open'}},{'principal_id':'%s','role':'interpreter'}],"
	        "'agenda':[{'text':'The paper of 王 毅','status':'consensus'},'Energy'],"
	        "'readout':'WANG YI, Li and Minsu Officer of 中国外交部 met. Then Wang said yes; a Petrov Петровым. "
	        "The foreign minister left with Wang-Yi. Wangari of Libya and Old Embassy stayed.',"
	        "'outcomes':['王毅가 동의했다','No name\\nin this'],'sources':['https://example.org/wang'],"
	        "'private_notes':'hidden away','commitments':[{'by':'CN','text':'A letter to him','due_on':'2026-04-01'}]}",
	        dialogue, officer));
	free(officer), free(dialogue);
	return 0;
}

static int readout_teardown(void **state)
{
	free(engagement);
	return single_teardown(state);
}

static void set_to(const char *attribution, const char *sensitivity)
{
	json_decref(
	    call("engagement.update", json_pack("{s:s, s:I, s:s?, s:s}", "id", engagement, "version", (json_int_t)version,
	                                        "attribution", attribution, "sensitivity", sensitivity)));
	version++;
}

static void expect_withheld(const json_t *readout, const char *kinds)
{
	char found[200] = "";
	json_t *kind;
	size_t i;
	json_array_foreach(at(readout, "withheld"), i, kind) {
		strcat(found, i ? " " : "");
		strcat(found, json_string_value(kind));
	}
	assert_string_equal(found, kinds);
}

static void expect_null(const json_t *readout, const char *const *members)
{
	for (size_t i = 0; members[i]; i++)
		if (!json_is_null(at(readout, members[i])))
			fail_msg("%s goes out", members[i]);
}

static void check_unnamed(const json_t *readout)
{
	static const char *const secrets[] = {"wang yi",  "Wang ",     "王",       "Ван",     "Li ",         "Петров",
	                                      "Minsu",    "Officer",   "外交部",   "Foreign", "foreign min", "Beijing",
	                                      "20:30",    "04:30",     "Shanghai", "Geneva",  "example.org", "letter",
	                                      "interpre", "\"chair\"", "hidden",   "1.3",     "headcount",   "Wang-Yi"};
	static const char *const gone[] = {"starts_at",    "ends_at",     "timezone", "location",
	                                   "participants", "listeners",   "sources",  "dialogue",
	                                   "workstreams",  "commitments", NULL};
	char *text = json_dumps(readout, JSON_COMPACT);
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (strcasestr(text, secrets[i]))
			fail_msg("%s goes out: %s", secrets[i], text);
	free(text);
	expect_null(readout, gone);
	expect_withheld(readout, "commitments dialogue listeners location names participants sources time workstreams");
	assert_string_equal(at_string(readout, "title"), "Lunch with [withheld]");
	/* The day where it was, which in Seoul is the same and in London the one before. */
	assert_string_equal(at_string(readout, "starts_on"), "2026-03-02");
	assert_string_equal(at_string(readout, "ends_on"), "2026-03-02");
	assert_string_equal(
	    at_string(readout, "readout"),
	    "[withheld] of [withheld] met. Then [withheld] said yes; a Petrov [withheld]ым. The [withheld] left "
	    "with [withheld]. Wangari of Libya and Old Embassy stayed.");
	assert_string_equal(at_string(readout, "agenda.0.text"), "The paper of [withheld]");
	assert_string_equal(at_string(readout, "agenda.0.status"), "consensus");
	assert_string_equal(at_string(readout, "agenda.1.text"), "Energy");
	assert_string_equal(at_string(readout, "outcomes.0"), "[withheld]가 동의했다");
	assert_string_equal(at_string(readout, "outcomes.1"), "No name\nin this");
	assert_string_equal(
	    at_string(readout, "markdown"),
	    "# Lunch with [withheld]\n\n2026-03-02 · meeting · CN, KR\n\n## Agenda\n\n"
	    "- The paper of [withheld] (consensus)\n- Energy\n\n## Readout\n\n"
	    "[withheld] of [withheld] met. Then [withheld] said yes; a Petrov [withheld]ым. The [withheld] left "
	    "with [withheld]. Wangari of Libya and Old Embassy stayed.\n\n## Outcomes\n\n"
	    "- [withheld]가 동의했다\n- No name\n  in this\n\n"
	    "*What was said may be used; who took part, and for whom, may not be told.*");
}

static void check_named(const json_t *readout)
{
	static const char *const gone[] = {"dialogue", "workstreams", "commitments", NULL};
	expect_null(readout, gone);
	expect_withheld(readout, "commitments dialogue workstreams");
	assert_string_equal(at_string(readout, "participants.0.name"), "王毅");
	assert_string_equal(at_string(readout, "participants.0.posts.0"), "Foreign Minister, 中国外交部");
	assert_int_equal(json_array_size(at(readout, "participants.0.posts")), 1);
	assert_string_equal(at_string(readout, "location"), "Beijing");
	assert_string_equal(at_string(readout, "starts_at"), "2026-03-01T20:30:00Z");
	assert_non_null(strstr(at_string(readout, "readout"), "WANG YI, Li and Minsu Officer of 中国外交部 met."));
	assert_non_null(strstr(at_string(readout, "markdown"), "2026-03-02 04:30 (Asia/Shanghai) · Beijing"));
	assert_non_null(strstr(at_string(readout, "markdown"), "- 王毅, CN, Foreign Minister, 中国外交部, chair\n"));
	assert_non_null(strstr(at_string(readout, "markdown"), "## Sources\n\n- https://example.org/wang"));
	assert_null(strstr(at_string(readout, "markdown"), "letter"));
}

static void check_everything(const json_t *readout)
{
	expect_withheld(readout, "");
	assert_string_equal(at_string(readout, "dialogue.title"), "The Geneva series");
	assert_string_equal(at_string(readout, "commitments.0.text"), "A letter to him");
	assert_string_equal(at_string(readout, "workstreams.0.code"), "1.3");
	assert_int_equal(at_integer(readout, "listeners.headcount"), 3);
	assert_string_equal(at_string(readout, "participants.2.name"), "Minsu Officer");
	assert_non_null(strstr(at_string(readout, "markdown"), "- CN: A letter to him, 2026-04-01, open"));
	char *text = json_dumps(readout, 0);
	assert_null(strstr(text, "hidden away"));
	free(text);
}

static void check_readout(size_t attribution, size_t level, size_t audience)
{
	enum extent extent = audience == 2 ? EVERYTHING : outward[attribution];
	json_t *params = json_of("{'id':'%s','audience':'%s'}", engagement, audiences[audience]);
	if (extent == NOTHING || level > most[audience]) {
		json_t *error = checked_error(&client, "engagement.readout", params, 422, "rule");
		assert_string_equal(at_string(error, "data.rule"),
		                    extent == NOTHING ? "readout_off_record" : "readout_sensitivity");
		assert_string_equal(at_string(error, "data.field"), "audience");
		json_decref(error);
		return;
	}
	json_t *readout = call("engagement.readout", params);
	assert_string_equal(at_string(readout, "sensitivity"), levels[level]);
	assert_string_equal(at_string(readout, "audience"), audiences[audience]);
	(extent == UNNAMED ? check_unnamed : extent == NAMED ? check_named : check_everything)(readout);
	json_decref(readout);
}

static void test_every_rule(void **state)
{
	(void)state;
	for (size_t a = 0; a < sizeof attributions / sizeof *attributions; a++)
		for (size_t l = 0; l < 4; l++) {
			set_to(attributions[a], levels[l]);
			for (size_t who = 0; who < 3; who++)
				check_readout(a, l, who);
		}
}

/* One text, and what becomes of it when a contact of these names took part; names are JSON. */
static const struct {
	const char *names, *text, *expected;
} redactions[] = {
    {"[{'text':'Xi','kind':'native'}]", "Xi, XI and xi; Xian, taxi. (Xi)", "[withheld]; Xian, taxi. ([withheld])"},
    {"[{'text':'Kim Kye-gwan','kind':'native'}]", "Kim Kye Gwan, KIM KYEGWAN, Kim; kimchi, Kimchi",
     "[withheld]; kimchi, Kimchi"},
    {"[{'text':'김계관','kind':'native'}]", "김계관은 김 계관과 김계환", "[withheld]은 [withheld]과 김계환"},
    {"[{'text':'C. R. (Chris) Hill+','kind':'native'}]", "c. r. (chris) hill+ went", "[withheld] went"},
    {"[{'text':'a|b.*','kind':'native'}]", "ab axb a|b.*!", "ab axb [withheld]!"},
    {"[{'text':'Ｗａｎｇ Ｙｉ','kind':'native'}]", "Wang Yi", "[withheld]"},
    {"[{'text':'Wang Yi','kind':'native'}]", "Ｗａｎｇ　Ｙｉ가", "[withheld]가"},
    {"[{'text':'Петров','kind':'native'}]", "Петрова, Петров и Петровым; непетров",
     "[withheld]а, [withheld]ым; непетров"},
    {"[{'text':'Ann','kind':'native'},{'text':'Ann Lee','kind':'alias'}]", "Ann Lee’s, Ann’s. Lee!",
     "[withheld]’s, [withheld]’s. [withheld]!"},
    {"[{'text':'withheld','kind':'native'},{'text':'Held','kind':'alias'}]", "It was withheld; Held",
     "It was [withheld]; [withheld]"},
    {"[{'text':'-','kind':'native'}]", "a - b", "a - b"},
    {"[{'text':'Nobody Here','kind':'native'}]", "① kept as it is", "① kept as it is"},
};

static void test_names_in_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof redactions / sizeof *redactions; i++) {
		char *id =
		    made("engagement.log",
		         json_of("{'title':'t','kind':'call','starts_on':'2020-02-01','precision':'month','sensitivity':'open',"
		                 "'countries':['KP'],'workstreams':['1.2'],'readout':'%s','participants':[{'contact':{"
		                 "'names':%s,'country':'KP'},'on_match':'create'}]}",
		                 redactions[i].text, redactions[i].names));
		json_t *readout = call("engagement.readout", json_of("{'id':'%s','audience':'public'}", id));
		if (strcmp(at_string(readout, "readout"), redactions[i].expected) != 0)
			fail_msg("%s: %s, not %s", redactions[i].names, at_string(readout, "readout"), redactions[i].expected);
		assert_non_null(strstr(at_string(readout, "markdown"), "\n\n2020-02 · call · KP\n\n"));
		json_decref(readout);
		free(id);
	}
}

static void test_refusals(void **state)
{
	(void)state;
	checked_refused(&client, "engagement.readout", json_of("{'id':'" NOBODY "','audience':'public'}"), 404, "not_found",
	                "id");
	checked_faults(&client, "engagement.readout", json_of("{'id':'" NOBODY "','audience':'press'}"), "audience");
	char *id =
	    made("engagement.log", json_of("{'title':'Bare','kind':'call','starts_on':'2020-02-01','countries':['KP'],"
	                                   "'workstreams':['1.2'],'status':'cancelled'}"));
	/* The least that there can be, and what is not held says so. */
	json_t *readout = call("engagement.readout", json_of("{'id':'%s','audience':'partner'}", id));
	assert_string_equal(at_string(readout, "markdown"),
	                    "# Bare\n\n2020-02-01 · call · cancelled · KP\n\n"
	                    "*What was said may be used; who took part, and for whom, may not be told.*");
	expect_withheld(readout, "workstreams");
	json_decref(readout);
	json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", id)));
	json_t *error =
	    checked_error(&client, "engagement.readout", json_of("{'id':'%s','audience':'internal'}", id), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "void");
	json_decref(error);
	free(id);
}

/* The place is no more for others than the people; and a mark of no width hides no name. */
static void test_places_and_marks(void **state)
{
	(void)state;
	char *id =
	    made("engagement.log",
	         json_of("{'title':'Dinner at Lotte Hotel with Z\u200bhang Wei','kind':'meeting','starts_at':"
	                 "'2026-03-01T10:00:00Z','location':'Seoul, Lotte Hotel','countries':['CN'],'workstreams':['1.3'],"
	                 "'attribution':'chatham-house','participants':[{'contact':{'name':'Zhang Wei','country':'CN'},"
	                 "'on_match':'create'}]}"));
	json_t *readout = call("engagement.readout", json_of("{'id':'%s','audience':'partner'}", id));
	assert_string_equal(at_string(readout, "title"), "Dinner at [withheld] with [withheld]");
	assert_null(strstr(at_string(readout, "markdown"), "9999"));
	json_decref(readout);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_rule),
	    cmocka_unit_test(test_names_in_texts),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_places_and_marks),
	};
	return cmocka_run_group_tests_name("readout", tests, readout_setup, readout_teardown);
}
