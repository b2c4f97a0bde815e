/* Search: engagements found by what was written of them, in any script and through every filter, order and cursor; and
 * the keys that make it so follow every change, whoever makes it. */
#include "single.h"
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/migrate.h"

#define CHOE "019b1c00-5eac-7000-8000-000000000001"
#define DIALOGUE "019b1c00-5ead-7000-8000-000000000001"

/* As many as are looked up: beyond it, a piece is tested on the way of the page. */
enum { FEW = 5000 };

/* Engagements A, B, …: the later the older. `more` is JSON behind the least that is needed. */
static const struct {
	const char *title, *country, *more;
} records[] = {
    {"판문점 선언 이행 점검", "KP", "'participants':[{'contact_id':'" CHOE "'}]"},
    {"Lunch", "CN",
     "'readout':'They spoke of the Kaesŏng complex, line by line.\\nThe ＷＩＤＥ letters "
     "too.','participants':[{'contact':"
     "{'names':[{'text':'王毅','kind':'native'},{'text':'Wang Yi','kind':'romanized'}],'country':'CN'}}]"},
    {"朝鲜半岛问题磋商", "CN", "'location':'北京钓鱼台'"},
    {"Встреча", "RU", "'outcomes':['Совместное заявление','Ещё одна встреча']"},
    {"会談", "JP", "'agenda':['拉致問題',{'text':'国交正常化','status':'open'}],'topics':['sanctions-relief']"},
    {"In a series", "US", "'dialogue_id':'" DIALOGUE "'"},
    {"Noted", "US", "'private_notes':'secretword'"},
};
enum { RECORDS = sizeof records / sizeof *records };

static void expect_letters(json_t *params, const char *letters)
{
	char found[64] = "", *asked = json_dumps(params, JSON_COMPACT);
	json_t *page = call("engagement.history", params), *item;
	size_t i;
	json_array_foreach(at(page, "items"), i, item) {
		char letter[2] = "?";
		if (strncmp(at_string(item, "id"), "019b1c00-5ea0-7000-8000-0000000000", 34) == 0)
			letter[0] = (char)('A' + strtoul(at_string(item, "id") + 34, NULL, 16) - 1);
		strcat(found, letter);
	}
	if (strcmp(found, letters) != 0)
		fail_msg("%s finds \"%s\", not \"%s\"", asked, found, letters);
	free(asked);
	json_decref(page);
}

static void expect_text(const char *text, const char *letters)
{
	expect_letters(json_pack("{s:s}", "text", text), letters);
}

static int search_setup(void **state)
{
	single_setup(state);
	json_decref(
	    call("contact.create", json_of("{'id':'" CHOE "','country':'KP','names':[{'text':'최룡해','kind':'native'},"
	                                   "{'text':'Choe Ryong Hae','kind':'romanized'},{'text':'崔龍海',"
	                                   "'kind':'hanja'}]}")));
	json_decref(call("dialogue.create", json_of("{'id':'" DIALOGUE "','title':'동북아 협력대화','countries':['US'],"
	                                            "'workstreams':['1.3']}")));
	for (size_t i = 0; i < RECORDS; i++)
		json_decref(call("engagement.log",
		                 json_of("{'id':'019b1c00-5ea0-7000-8000-0000000000%02zx','title':'%s','kind':'%s','starts_on':"
		                         "'20%02zu-05-01','countries':['%s'],'workstreams':['1.3'],%s}",
		                         i + 1, records[i].title, i % 2 ? "call" : "meeting", 20 - i, records[i].country,
		                         records[i].more)));
	return 0;
}

static void test_every_script(void **state)
{
	static const char *const cases[][2] = {
	    {"판문점", "A"},  {"판문", "A"},       {"문점", "A"},          {"점검 판문", "A"},   {"판문", "A"},
	    {"룡해", "A"},    {"choe RYONG", "A"}, {"崔龍", "A"},          {"wide", "B"},        {"ｗｉｄｅ", "B"},
	    {"KAESŎNG", "B"}, {"王毅", "B"},       {"半岛", "C"},          {"钓鱼", "C"},        {"СОВМЕСТНОЕ", "D"},
	    {"ветре", ""},    {"встре", "D"},      {"拉致", "E"},          {"正常化 拉致", "E"}, {"sanctions-relief", "E"},
	    {"relief", "E"},  {"협력", "F"},       {"동북아 series", "F"}, {"secretword", ""},   {"nothing", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_text(cases[i][0], cases[i][1]);
}

static void test_pieces(void **state)
{
	static const char *const cases[][2] = {
	    /* All of the words, wherever each stands. */
	    {"王毅 kaesŏng lunch", "B"},
	    {"王毅 판문점", ""},
	    {"wang letters yi", "B"},
	    /* A phrase is one piece, over lines and blanks, and of one text. */
	    {"\"판문점 선언\"", "A"},
	    {"\"선언 판문점\"", ""},
	    {"“판문점   선언” 점검", "A"},
	    {"\"line. the wide\"", "B"},
	    {"\"拉致問題 国交\"", ""},
	    {"拉致問題 国交", "E"},
	    {"\"заявление ещё\"", ""},
	    {"sh\"선언\"", ""},
	    {"점\"선언\"", "A"},
	    {"\"판문", "A"},
	    /* One letter. */
	    {"毅", "B"},
	    {"岛", "C"},
	    {"점", "A"},
	    {"ж", ""},
	    {"岛 毅", ""},
	    {"A B C D E F G H I J K L M N O P Q R S T U V W X Y Z", ""},
	    /* What is no pattern to the daemon is none to the database. */
	    {"%", ""},
	    {"_", ""},
	    {"\\", ""},
	    {"판%점", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_text(cases[i][0], cases[i][1]);
}

static void test_limits(void **state)
{
	char letters[201 * 3 + 1] = "";
	(void)state;
	checked_faults(&client, "engagement.history", json_of("{'text':''}"), "text");
	static const char *const empty[] = {" ", "\"\"", "\" \" “”", "\"", "\u3000", "\x1f"};
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
		checked_faults(&client, "engagement.history", json_pack("{s:s}", "text", empty[i]), "text");
	for (size_t i = 0; i < 200; i++)
		strcat(letters, "점");
	expect_text(letters, "");
	strcat(letters, "점");
	checked_faults(&client, "engagement.history", json_pack("{s:s}", "text", letters), "text");
}

/* The last of the most that a readout holds is found, and a title of its most. */
static void test_long_texts(void **state)
{
	enum { LETTERS = 100000 };
	static char readout[LETTERS * 3 + 1];
	(void)state;
	for (size_t i = 0; i < LETTERS; i++) {
		unsigned letter = 0xAC00 + (unsigned)(i * 7919 % 11172);
		readout[i * 3] = (char)(0xE0 | letter >> 12);
		readout[i * 3 + 1] = (char)(0x80 | (letter >> 6 & 0x3F));
		readout[i * 3 + 2] = (char)(0x80 | (letter & 0x3F));
	}
	memcpy(readout + sizeof readout - 1 - 9, "末尾語", 9);
	long long began = harness_now_ms();
	char *id = made("engagement.log",
	                json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:s}", "title", "Long", "kind", "other", "starts_on",
	                          "2001-01-01", "countries", "MN", "workstreams", "1.3", "readout", readout));
	if (harness_now_ms() - began > 5000)
		fail_msg("the longest readout took %lld ms to log", harness_now_ms() - began);
	expect_text("末尾語", "?");
	expect_text("尾語", "?");
	expect_letters(json_pack("{s:s, s:s}", "text", "末尾語", "country", "KP"), "");
	json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'long'}", id)));
	expect_text("末尾語", "");
	free(id);
}

/* Every other filter, order and cursor holds beside a text. */
static void test_with_filters(void **state)
{
	enum { MEETINGS = 60 };
	static const char *const countries[] = {"KP", "CN", "JP"}, *const kinds[] = {"visit", "research"};
	static const char *const words[] = {"문턱", "낮은 문턱"};
	size_t seen;
	(void)state;
	for (int i = 0; i < MEETINGS; i++)
		json_decref(call("engagement.log",
		                 json_of("{'title':'%s %d','kind':'%s','starts_on':'2010-01-%02d','countries':"
		                         "['%s'],'workstreams':['2.%d']}",
		                         words[i % 4 == 3], i, kinds[i % 2], i % 28 + 1, countries[i % 3], i % 3 + 1)));
	for (int filters = 0; filters < 32; filters++) {
		json_t *params = json_pack("{s:s, s:i}", "text", words[filters >> 4], "limit", 7);
		size_t wanted = 0;
		if (filters & 1)
			json_object_set_new(params, "country", json_string("CN"));
		if (filters & 2)
			json_object_set_new(params, "kind", json_string("research"));
		if (filters & 4)
			json_object_set_new(params, "since", json_string("2010-01-10"));
		if (filters & 8)
			json_object_set_new(params, "order", json_string("oldest"));
		for (int i = 0; i < MEETINGS; i++)
			wanted += (!(filters & 1) || i % 3 == 1) && (!(filters & 2) || i % 2) &&
			          (!(filters & 4) || i % 28 + 1 >= 10) && (!(filters & 16) || i % 4 == 3);
		char last[11] = "", *place;
		json_t *ids = json_object();
		for (seen = 0;;) {
			json_t *page = call("engagement.history", json_deep_copy(params)), *item;
			size_t i;
			json_array_foreach(at(page, "items"), i, item) {
				const char *day = at_string(item, "starts_on");
				assert_true(!*last || (filters & 8 ? strcmp(day, last) >= 0 : strcmp(day, last) <= 0));
				snprintf(last, sizeof last, "%s", day);
				assert_null(json_object_get(ids, at_string(item, "id")));
				json_object_set_new(ids, at_string(item, "id"), json_true());
				seen++;
			}
			place = json_is_string(at(page, "next_cursor")) ? strdup(at_string(page, "next_cursor")) : NULL;
			json_decref(page);
			if (!place)
				break;
			json_object_set_new(params, "cursor", json_string(place));
			free(place);
		}
		if (seen != wanted)
			fail_msg("filters %d: %zu, not %zu", filters, seen, wanted);
		json_decref(ids);
		json_decref(params);
	}
}

static size_t count_all(const char *text)
{
	json_t *params = json_pack("{s:s, s:i}", "text", text, "limit", 500);
	size_t count = 0;
	for (bool more = true; more;) {
		json_t *page = call("engagement.history", json_incref(params));
		count += json_array_size(at(page, "items"));
		more = json_is_string(at(page, "next_cursor"));
		if (more)
			json_object_set(params, "cursor", at(page, "next_cursor"));
		json_decref(page);
	}
	json_decref(params);
	return count;
}

/* A word that many hold, at the most that are looked up and one above; and with a rarer one beside it. */
static void test_common_words(void **state)
{
	PGconn *database_of = harness_database(*state);
	static const int steps[] = {FEW - 1, FEW, FEW + 1};
	int held = 0;
	for (size_t i = 0; i < 3; held = steps[i++]) {
		char *sql =
		    printed("INSERT INTO store.engagement (id, title, kind, status, starts_on, precision, countries, "
		            "workstreams, sensitivity, logged_by) SELECT store.uuid7(), '보통말 ' || n, 'other', 'held', "
		            "'1990-01-01', 'day', '{MN}', '[{\"code\": \"1.3\"}]', 1, '" ADMINISTRATOR
		            "' FROM generate_series(%d, %d) AS n",
		            held + 1, steps[i]);
		expect_done(database_of, sql);
		free(sql);
		assert_int_equal(count_all("보통말"), steps[i]);
		assert_int_equal(count_all("보통말 4321"), 1);
		assert_int_equal(count_all("\"보통말 4321\""), 1);
		assert_int_equal(count_all("4321 통말 없는말"), 0);
		assert_int_equal(count_all("통"), steps[i]);
	}
	PQfinish(database_of);
}

static void test_keys_follow(void **state)
{
	PGconn *psql = harness_database(*state);
	char *before;
	expect_text("새이름", "");
	before = query_value(psql, "SELECT string_agg(xmin::text, ' ' ORDER BY engagement_id) FROM store.engagement_key");
	/* A name costs no engagement's key anything. */
	json_decref(
	    call("contact.update", json_of("{'id':'" CHOE "','version':1,'names':[{'text':'새이름','kind':'native'}]}")));
	expect_found(psql, "SELECT string_agg(xmin::text, ' ' ORDER BY engagement_id) FROM store.engagement_key", before);
	expect_text("새이름", "A");
	expect_text("룡해", "");
	expect_done(psql, "UPDATE store.contact_name SET body = '헌이름' WHERE body = '새이름'");
	expect_text("새이름", "");
	expect_text("헌이름", "A");
	json_decref(call("dialogue.update", json_of("{'id':'" DIALOGUE "','version':1,'title':'여섯 나라'}")));
	expect_text("협력", "");
	expect_text("여섯", "F");
	expect_done(psql, "UPDATE store.dialogue SET title = '일곱 나라'");
	expect_text("여섯", "");
	expect_text("일곱", "F");
	json_decref(
	    call("engagement.update",
	         json_of("{'id':'019b1c00-5ea0-7000-8000-000000000002','version':1,'readout':null,'title':'Dinner'}")));
	expect_text("lunch", "");
	expect_text("wide", "");
	expect_text("dinner", "B");
	static const char *const columns[][3] = {{"title", "'직접제목'", "직접제목"},
	                                         {"location", "'직접장소'", "직접장소"},
	                                         {"readout", "'직접본문'", "직접본문"},
	                                         {"outcomes", "'{하나,직접성과}'", "직접성과"},
	                                         {"agenda", "'[{\"text\": \"직접의제\"}]'", "직접의제"},
	                                         {"topics", "'{kaesong}'", "kaesong"}};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		char *sql = printed("UPDATE store.engagement SET %s = %s WHERE id = '019b1c00-5ea0-7000-8000-000000000003'",
		                    columns[i][0], columns[i][1]);
		expect_done(psql, sql);
		expect_text(columns[i][2], "C");
		free(sql);
	}
	expect_text("半岛", "");
	expect_done(psql, "DELETE FROM store.engagement_participant WHERE contact_id = '" CHOE "'");
	expect_text("헌이름", "");
	json_decref(
	    call("engagement.void", json_of("{'id':'019b1c00-5ea0-7000-8000-000000000001','version':1,'reason':'twice'}")));
	expect_text("판문점", "");
	expect_found(psql,
	             "SELECT count(*) FROM store.engagement e LEFT JOIN store.engagement_key k ON k.engagement_id = e.id "
	             "WHERE k.key IS DISTINCT FROM store.engagement_text(e)",
	             "0");
	free(before);
	PQfinish(psql);
}

/* What stood there before the migration is found after it: it is taken back, and run again by the owner, who sees
 * nothing without the identity that the migration sets. */
static void test_migration_fills(void **state)
{
	PGconn *owner = connect_as_owner(*state);
	const struct migrate_file *file = migrate_migrations;
	json_t *members = json_array();
	for (int i = 0; i < 20; i++) {
		char *contact = made("contact.create", json_of("{'name':'Member','country':'US'}"));
		json_array_append_new(members, json_of("{'contact_id':'%s'}", contact));
		free(contact);
	}
	json_t *dialogue =
	    call("dialogue.update", json_pack("{s:s, s:i, s:o}", "id", DIALOGUE, "version", 2, "members_add", members));
	while (strcmp(file->name, "0006_search.sql") != 0)
		assert_non_null((++file)->name);
	expect_done(owner, "BEGIN; DROP TABLE store.engagement_key, store.dialogue_key;"
	                   "DROP FUNCTION store.engagement_key_follow, store.dialogue_key_follow CASCADE;"
	                   "DROP FUNCTION store.engagement_text, store.fold_whole;"
	                   "ALTER TABLE store.dialogue_member DROP COLUMN place");
	expect_done(owner, file->text);
	expect_done(owner, "COMMIT");
	expect_text("встре", "D");
	expect_text("拉致", "E");
	expect_text("일곱", "F");
	assert_int_equal(count_all("보통말"), FEW + 1);
	json_t *after = call("dialogue.get", json_of("{'id':'" DIALOGUE "'}"));
	assert_true(json_equal(at(after, "members"), at(dialogue, "members")));
	json_decref(after), json_decref(dialogue);
	PQfinish(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_script), cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_limits),       cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_with_filters), cmocka_unit_test(test_common_words),
	    cmocka_unit_test(test_keys_follow),  cmocka_unit_test(test_migration_fills),
	};
	return cmocka_run_group_tests_name("search", tests, search_setup, single_teardown);
}
