/* What people write in place of codes, ids and instants: record.find answers what a word may stand for, and the command
 * line takes it, asks, or refuses, saying what it took it for. */
#include "single.h"

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store.h"
#include "text/country.h"

#define WANG "aaaa1111-0000-7000-8000-000000000001"
#define KIM_ONE "aaaa2222-0000-7000-8000-000000000001"
#define KIM_TWO "aaaa2222-0000-7000-8000-000000000002"
#define KIM_SEOK "aaaa3333-0000-7000-8000-000000000001"
#define LEE "bbbb1111-0000-7000-8000-000000000001"
#define INSTITUTE "cccc1111-0000-7000-8000-000000000001"
#define FORUM "dddd1111-0000-7000-8000-000000000001"
#define LUNCH "eeee1111-0000-7000-8000-000000000001"
#define VOIDED "eeee2222-0000-7000-8000-000000000001"
#define REMINDER "ffff1111-0000-7000-8000-000000000001"

static void write_records(void)
{
	json_decref(
	    call("organization.create", json_of("{'id':'" INSTITUTE "','names':[{'text':'평화연구원','kind':'native'},"
	                                        "{'text':'Peace Institute','kind':'romanized'}],'country':'KR'}")));
	json_decref(
	    call("contact.create",
	         json_of("{'id':'" WANG "','country':'CN','names':[{'text':'王毅','kind':'native'},"
	                 "{'text':'왕이','kind':'alias'},{'text':'Wang Yi','kind':'romanized'}],"
	                 "'affiliations':[{'organization':'MFA','title':'Foreign Minister','since':'2013-01-01'}]}")));
	json_decref(call("contact.create", json_of("{'id':'" KIM_ONE "','country':'KR','name':'김민준','affiliations':["
	                                           "{'organization_id':'" INSTITUTE "','title':'Fellow'}]}")));
	json_decref(call("contact.create", json_of("{'id':'" KIM_TWO "','country':'KP','name':'김민준'}")));
	json_decref(call("contact.create", json_of("{'id':'" KIM_SEOK "','country':'KR','name':'김민석'}")));
	json_decref(
	    call("principal.create", json_of("{'id':'" LEE "','name':'이수진','role':'officer','unix_user':'sujin'}")));
	json_decref(call("dialogue.create", json_of("{'id':'" FORUM "','title':'Seoul Forum','countries':['CN'],"
	                                            "'workstreams':['1.3']}")));
	json_decref(
	    call("engagement.log",
	         json_of("{'id':'" LUNCH "','title':'Lunch','kind':'meeting','starts_on':'2020-05-01','countries':['CN'],"
	                 "'workstreams':['1.3'],'participants':[{'contact_id':'" WANG "','role':'participant'}]}")));
	json_decref(call("engagement.log", json_of("{'id':'" VOIDED "','title':'Nothing','kind':'call','starts_on':"
	                                           "'2020-05-01','countries':['CN'],'workstreams':['1.3']}")));
	json_decref(call("engagement.void", json_of("{'id':'" VOIDED "','version':1,'reason':'twice'}")));
	json_decref(call("reminder.create", json_of("{'id':'" REMINDER "','note':'send the paper','due_at':"
	                                            "'2099-01-01T00:00:00Z'}")));
	json_decref(call("note.add", json_of("{'about':{'contact_id':'" WANG "'},'text':'mine alone'}")));
}

/* "noun id match" of each candidate, a line each; free() it. */
static char *found(struct client *who, json_t *params)
{
	json_t *result = checked_result(who, "record.find", params), *candidate;
	char *lines = printed("%s", "");
	size_t i;
	json_array_foreach(json_object_get(result, "candidates"), i, candidate) {
		char *more = printed("%s%s %.4s%.4s %s\n", lines, at_string(candidate, "noun"), at_string(candidate, "id"),
		                     at_string(candidate, "id") + 4, at_string(candidate, "match"));
		free(lines);
		lines = more;
	}
	json_decref(result);
	return lines;
}

static void expect_candidates(json_t *params, const char *lines)
{
	char *text = found(&client, params);
	if (strcmp(text, lines) != 0)
		fail_msg("found\n%sinstead of\n%s", text, lines);
	free(text);
}

static void test_find_by_id(void **state)
{
	(void)state;
	expect_candidates(json_of("{'text':'aaaa1111'}"), "contact aaaa1111 id\n");
	expect_candidates(json_of("{'text':'AAAA-1'}"), "contact aaaa1111 id\n");
	expect_candidates(json_of("{'text':'" WANG "'}"), "contact aaaa1111 id\n");
	expect_candidates(json_of("{'text':'aaaa1111000070008000000000000001'}"), "contact aaaa1111 id\n");
	expect_candidates(json_of("{'text':'aaaa11110000700080000000000000010'}"), "");
	expect_candidates(json_of("{'text':'aaaa111100007000800000000000000a'}"), "");
	expect_candidates(json_of("{'text':'aaaa'}"), "contact aaaa1111 id\ncontact aaaa2222 id\ncontact aaaa2222 id\n"
	                                              "contact aaaa3333 id\n");
	expect_candidates(json_of("{'text':'aaa'}"), "");
	expect_candidates(json_of("{'text':'bbbb'}"), "principal bbbb1111 id\n");
	expect_candidates(json_of("{'text':'cccc'}"), "organization cccc1111 id\n");
	expect_candidates(json_of("{'text':'dddd'}"), "dialogue dddd1111 id\n");
	/* What was voided is not found. */
	expect_candidates(json_of("{'text':'eeee'}"), "engagement eeee1111 id\n");
	expect_candidates(json_of("{'text':'ffff','nouns':['reminder','engagement']}"), "reminder ffff1111 id\n");
	expect_candidates(json_of("{'text':'ffff','nouns':['engagement']}"), "");
	checked_faults(&client, "record.find", json_of("{'text':'','nouns':[],'count':0}"), "text nouns count");
	checked_faults(&client, "record.find", json_of("{'text':'x','nouns':['delivery'],'count':51}"), "nouns[0] count");
	checked_faults(&client, "record.find", json_of("{'text':'a\\nb','nouns':['note','note']}"), "text nouns[1]");
}

static void test_find_by_name(void **state)
{
	(void)state;
	expect_candidates(json_of("{'text':'왕이'}"), "contact aaaa1111 exact\n");
	expect_candidates(json_of("{'text':'wang  YI'}"), "contact aaaa1111 exact\n");
	expect_candidates(json_of("{'text':'wang'}"), "contact aaaa1111 part\n");
	expect_candidates(json_of("{'text':'毅'}"), "contact aaaa1111 part\n");
	expect_candidates(json_of("{'text':'김민준'}"), "contact aaaa2222 exact\ncontact aaaa2222 exact\n");
	expect_candidates(json_of("{'text':'김민'}"),
	                  "contact aaaa2222 part\ncontact aaaa2222 part\ncontact aaaa3333 part\n");
	expect_candidates(json_of("{'text':'이수진'}"), "principal bbbb1111 exact\n");
	expect_candidates(json_of("{'text':'peace'}"), "organization cccc1111 part\n");
	expect_candidates(json_of("{'text':'평화연구원'}"), "organization cccc1111 exact\n");
	expect_candidates(json_of("{'text':'seoul forum'}"), "dialogue dddd1111 exact\n");
	expect_candidates(json_of("{'text':'Forum','nouns':['contact']}"), "");
	expect_candidates(json_of("{'text':'Lunch'}"), "");
	expect_candidates(json_of("{'text':'%%'}"), "");
	expect_candidates(json_of("{'text':'nobody'}"), "");
	/* Who has left is found by id alone. */
	expect_done(database, "INSERT INTO store.principal (id, name, role, status) VALUES "
	                      "('abcd1111-0000-7000-8000-000000000001', '박 전임', 'officer', 'retired')");
	expect_candidates(json_of("{'text':'박 전임'}"), "");
	expect_candidates(json_of("{'text':'abcd'}"), "principal abcd1111 id\n");
	json_t *few = call("record.find", json_of("{'text':'김민','count':2}"));
	assert_int_equal(json_array_size(json_object_get(few, "candidates")), 2);
	assert_true(json_is_true(json_object_get(few, "more")));
	json_decref(few);
	json_t *all = call("record.find", json_of("{'text':'김민','count':3}"));
	assert_true(json_is_false(json_object_get(all, "more")));
	assert_string_equal(at_string(all, "candidates.0.about"), "Fellow, 평화연구원");
	json_decref(all);
	/* An exact name comes first, however many hold it as a part. */
	for (int i = 0; i < 12; i++)
		json_decref(call("contact.create", json_of("{'name':'Aaa Obscure %d','country':'MN'}", i)));
	json_decref(
	    call("contact.create", json_of("{'id':'abab1111-0000-7000-8000-000000000001','name':'Obscure','country':"
	                                   "'MN'}")));
	json_t *exact = call("record.find", json_of("{'text':'obscure','count':1}"));
	assert_string_equal(at_string(exact, "candidates.0.match"), "exact");
	assert_true(json_is_true(json_object_get(exact, "more")));
	json_decref(exact);
}

/* Notes are their readers', tokens and webhooks their keepers'. */
static void test_find_shows_no_more(void **state)
{
	struct client theirs;
	char *note = query_value(database, "SELECT id FROM store.note WHERE body = 'mine alone'");
	json_t *token = call("token.create", json_of("{'principal_id':'" LEE "'}"));
	json_t *mine = call("token.create", json_of("{'principal_id':'" ADMINISTRATOR "'}"));
	(void)state;
	client_open(&theirs, harness);
	json_decref(checked_result(&theirs, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
	char *seen = found(&client, json_of("{'text':'%s'}", note)),
	     *hidden = found(&theirs, json_of("{'text':'%s'}", note));
	assert_non_null(strstr(seen, "note "));
	assert_string_equal(hidden, "");
	free(seen);
	free(hidden);
	seen = found(&theirs, json_of("{'text':'%s'}", at_string(token, "id")));
	hidden = found(&theirs, json_of("{'text':'%s'}", at_string(mine, "id")));
	assert_non_null(strstr(seen, "token "));
	assert_string_equal(hidden, "");
	free(seen);
	free(hidden);
	seen = found(&client, json_of("{'text':'%s'}", at_string(token, "id")));
	assert_non_null(strstr(seen, "token "));
	free(seen);
	free(note);
	json_decref(token);
	json_decref(mine);
	client_close(&theirs);
}

/* Every name that country.list shows is understood again. */
static void test_every_country(void **state)
{
	json_t *list = call("country.list", NULL), *country;
	size_t i, seen = 0;
	(void)state;
	json_array_foreach(json_object_get(list, "items"), i, country) {
		static const char *const paths[] = {"code", "names.en", "names.ko", "names.native"};
		for (size_t k = 0; k < 4; k++, seen++) {
			const char *code, *name = at_string(country, paths[k]);
			struct err err = {""};
			if (!country_find(name, &code, &err) || strcmp(code, at_string(country, "code")) != 0)
				fail_msg("%s: %s", name, code ? code : err.message);
		}
	}
	assert_int_equal(seen, 4 * 249);
	json_decref(list);
}

/* Where the program is that was built along with this test. */
static char *program(void)
{
	char path[4096], *slash;
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	assert_true(length > 0);
	path[length] = '\0';
	for (int i = 0; i < 3 && (slash = strrchr(path, '/')); i++)
		*slash = '\0';
	return printed("%s/tracktwo --socket %s", path, harness->socket);
}

/* Runs in a pipe; each stream is to be freed. */
static int run(const char *arguments, char **output, char **errors)
{
	char *tool = program(),
	     *command = printed("LANG=C.UTF-8 %s %s 2>%s/errors </dev/null", tool, arguments, harness->folder);
	char *path = printed("%s/errors", harness->folder);
	size_t size = 0;
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	*output = *errors = NULL;
	if (getdelim(output, &size, '\0', pipe) < 0)
		**output = '\0';
	int status = WEXITSTATUS(pclose(pipe));
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	if (getdelim(errors, &size, '\0', file) < 0)
		**errors = '\0';
	fclose(file);
	free(path);
	free(command);
	free(tool);
	return status;
}

struct line {
	const char *arguments;
	int status;
	const char *output, *errors; /* what they hold; NULL: they are empty */
};

static bool holds(const char *text, const char *wanted)
{
	return wanted ? strstr(text, wanted) != NULL : *text == '\0';
}

static void expect_lines(const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *output, *errors;
		int status = run(lines[i].arguments, &output, &errors);
		if (status != lines[i].status || !holds(output, lines[i].output) || !holds(errors, lines[i].errors))
			fail_msg("%s: %d\n%s---\n%s", lines[i].arguments, status, output, errors);
		free(output);
		free(errors);
	}
}

#define LINES(...)                                                                                                     \
	expect_lines((const struct line[]){__VA_ARGS__}, sizeof((const struct line[]){__VA_ARGS__}) / sizeof(struct line))

static void test_in_a_pipe(void **state)
{
	(void)state;
	LINES(
	    {"contact get --id aaaa1111 --json", 0, WANG, "aaaa1111: 王毅 (CN), Foreign Minister, MFA, aaaa1111-0000…\n"},
	    {"contact get --id 왕이 --json", 0, WANG, "왕이: 王毅 (CN)"},
	    {"contact get --id " WANG " --json", 0, WANG, NULL}, {"contact get --id 왕이 --json --quiet", 0, WANG, NULL},
	    {"contact get --id 김민준", 4, NULL, "contact  김민준 (KR), Fellow, 평화연구원, " KIM_ONE},
	    {"contact get --id 김민준", 4, NULL, "contact  김민준 (KP), " KIM_TWO},
	    {"contact get --id 김민준", 4, NULL, "tracktwo: --id: \"김민준\" stands for several"},
	    {"contact get --id 박", 3, NULL, "tracktwo contact create --help"},
	    {"contact get --id aaaa", 4, NULL, KIM_SEOK}, {"contact get --id ''", 2, NULL, "--id"},
	    {"engagement get --id eeee1111 --json", 0, LUNCH, "eeee1111: Lunch, 2020-05-01, CN"},
	    {"engagement get --id eee", 3, NULL, "at least 4"}, {"engagement get --id Lunch", 3, NULL, "no engagement"},
	    {"engagement get --id eeee2", 3, NULL, "no engagement"},
	    {"engagement history --country 중국 --since 20y --contact-id 왕이 --json", 0, LUNCH, "중국: CN, China\n"},
	    {"engagement history --country 중국 --since 20y --contact-id 왕이 --json", 0, LUNCH, "20y: 20"},
	    {"engagement history --country CN --since 2019-01-01 --json", 0, LUNCH, NULL},
	    {"engagement history --country Chian", 2, NULL,
	     "--country: \"Chian\" is no country known here; did you mean China (CN)?"},
	    {"engagement history --country Korea", 2, NULL, "KR or KP"},
	    {"engagement history --countries-all 북한,中国 --json", 0, "items", "북한: KP, North Korea\n中国: CN, China\n"},
	    {"engagement history --since 'last fryday'", 2, NULL, "did you mean \"friday\""},
	    {"engagement history --owner me --json", 0, "items", "me: Administrator"},
	    {"engagement history --owner 이수진 --json", 0, "items", "이수진: 이수진, officer, bbbb1111-0000…"},
	    {"engagement history --organization-id 평화연구원 --json", 0, "items", "평화연구원: 평화연구원 (KR), cccc1111"},
	    {"engagement history --dialogue-id 'seoul forum' --json", 0, "items", "Seoul Forum"},
	    {"engagement history --workstream 'Groundwork' --json", 0, LUNCH,
	     "Laying the Groundwork for International Support, 1.3"},
	    {"engagement history --workstream 'north' --json", 0, "items", "Cautious Engagement with North Korea, 1.2"},
	    {"engagement history --workstream engagement", 0, "starts_at", ", 1.2\n"},
	    {"engagement history --workstream nothing", 3, NULL, "roadmap get"},
	    {"engagement history --workstream Co", 4, NULL, "workstream  Confidence-Building Measures, 2.1"});
}

static void test_times_in_a_pipe(void **state)
{
	(void)state;
	LINES({"reminder snooze --id ffff1111 --until '2098-01-02 9am' --json", 0, "2098-01-02T00:00:00Z",
	       "2098-01-02 9am: 2098-01-02T09:00+09:00 (Asia/Seoul)\n"},
	      {"reminder snooze --id ffff --until '2098-01-02 9am' --zone America/New_York --json", 0,
	       "2098-01-02T14:00:00Z", "2098-01-02T09:00-05:00 (America/New_York)"},
	      {"reminder snooze --id ffff --until 2098-01-03", 2, NULL, "--until: \"2098-01-03\" says no time of day"},
	      {"reminder snooze --id ffff --until tomorrow", 2, NULL, "\"tomorrow 9:00\""},
	      {"reminder snooze --id ffff --until 2098-01-04T00:00:00Z --json", 0, "2098-01-04", "ffff: send the paper"},
	      {"commitment create --by 북한 --to 왕이 --text x --due-on 2098-01-05 --json", 0, "\"country\":\"KP\"",
	       "북한: KP"},
	      {"commitment create --by me --text x --due-on 'next month'", 2, NULL, "longer than a day"},
	      {"commitment create --by me --text x --due-on 'tomorrow 3pm'", 2, NULL, "only a day"},
	      {"report coverage --since 'last year' --json", 0, "items", "last year: 20"},
	      {"engagement history --since 지난달 --json", 0, "items", "지난달: 20"},
	      {"engagement history --since x --zone Nowhere", 2, NULL, "--zone"},
	      {"engagement history --zone", 2, NULL, "--zone"});
	json_decref(call("principal.update", json_of("{'id':'" ADMINISTRATOR "','version':1,'timezone':'Europe/Berlin'}")));
	LINES({"reminder snooze --id ffff --until '2098-01-02 9am' --json", 0, "2098-01-02T08:00:00Z", "(Europe/Berlin)"});
}

/* Without the daemon, what needs it not is refused or understood all the same. */
static void test_out_of_reach(void **state)
{
	(void)state;
	LINES({"--socket /nowhere/socket engagement history --country Chian", 2, NULL, "China (CN)"},
	      {"--socket /nowhere/socket contact get --id 왕이", 69, NULL, "--id: "},
	      {"--socket /nowhere/socket engagement history --country 북한", 69, NULL, "북한: KP, North Korea"});
}

static void test_in_korean(void **state)
{
	(void)state;
	LINES({"contact get --id 박 --lang ko", 3, NULL, "찾을 수 없습니다"},
	      {"engagement history --country Chian --lang ko", 2, NULL, "China(CN)을(를) 뜻하십니까?"},
	      {"engagement history --country DPRK --json --lang ko", 0, "items", "DPRK: KP, 북한"},
	      {"engagement history --since 25:00 --lang ko", 2, NULL, "시각"},
	      {"contact get --id 김민준 --lang ko", 4, NULL, "여럿"},
	      {"contact get --id 김민준 --lang ko", 4, NULL, "  인물  김민준 (KP)"});
}

/* On a terminal the command asks; `typed` is the answer. Both streams come together; free() them. */
static int run_on_terminal(const char *arguments, const char *typed, char **seen)
{
	int terminal;
	char *tool = program(), *command = printed("LANG=C.UTF-8 PAGER=cat %s %s", tool, arguments);
	pid_t child = forkpty(&terminal, NULL, NULL, NULL);
	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	free(command);
	free(tool);
	size_t length = 0, size = 65536;
	bool answered = false;
	*seen = calloc(1, size);
	for (ssize_t got; (got = read(terminal, *seen + length, size - 1 - length)) > 0;) {
		length += (size_t)got;
		if (!answered && strstr(*seen, "Which one?")) {
			answered = true;
			assert_int_equal(write(terminal, typed, strlen(typed)), strlen(typed));
		}
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	close(terminal);
	return WEXITSTATUS(status);
}

static void test_on_a_terminal(void **state)
{
	static const struct {
		const char *typed;
		int status;
		const char *seen;
	} answers[] = {
	    {"2\n", 0, KIM_TWO},
	    {"1\n", 0, KIM_ONE},
	    {"3\n", 4, "none was chosen"},
	    {"0\n", 4, "none was chosen"},
	    {"\n", 4, "none was chosen"},
	    {"x\n", 4, "none was chosen"},
	    {"\004", 4, "none was chosen"},
	    {"-1\n", 4, "none was chosen"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		char *seen;
		int status = run_on_terminal("contact get --id 김민준 --json", answers[i].typed, &seen);
		const char *asked = strstr(seen, "Which one? [1-2]");
		if (status != answers[i].status || !asked || !strstr(asked, answers[i].seen))
			fail_msg("%s: %d\n%s", answers[i].typed, status, seen);
		free(seen);
	}
}

static int setup(void **state)
{
	store_setup(state);
	harness = *state;
	client_open(&client, harness);
	write_records();
	return 0;
}

static int teardown(void **state)
{
	client_close(&client);
	return store_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find_by_id),         cmocka_unit_test(test_find_by_name),
	    cmocka_unit_test(test_find_shows_no_more), cmocka_unit_test(test_every_country),
	    cmocka_unit_test(test_in_a_pipe),          cmocka_unit_test(test_times_in_a_pipe),
	    cmocka_unit_test(test_out_of_reach),       cmocka_unit_test(test_on_a_terminal),
	    cmocka_unit_test(test_in_korean),
	};
	return cmocka_run_group_tests_name("resolve", tests, setup, teardown);
}
