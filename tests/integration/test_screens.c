/* Screens: what the command line shows to people, compared with golden files, and what it gives to programs.
 *
 * The data are fixed but for their days, which are counted from today; see terminal.h. */
#include "single.h"
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct terminal korean(unsigned short columns)
{
	return (struct terminal){.harness = harness, .columns = columns, .rows = 60, .locale = "ko_KR.UTF-8"};
}

static struct terminal english(void)
{
	return (struct terminal){.harness = harness, .columns = 100, .rows = 60, .locale = "en_US.UTF-8"};
}

static void show_by(void (*expect)(const struct terminal_screen *, const char *), const struct terminal *terminal,
                    const char *golden, int status, const char *const *words)
{
	struct terminal_screen screen = terminal_run(terminal, words);
	if (screen.status != status)
		fail_msg("%s ends with %d:\n%s", golden, screen.status, screen.text);
	expect(&screen, golden);
	terminal_release(&screen);
}

static void show(const struct terminal *terminal, const char *golden, int status, const char *const *words)
{
	show_by(terminal_expect, terminal, golden, status, words);
}

static void show_text(const struct terminal *terminal, const char *golden, int status, const char *const *words)
{
	show_by(terminal_expect_text, terminal, golden, status, words);
}

static void done(const char *method, json_t *params)
{
	json_decref(call(method, params));
}

static void test_empty(void **state)
{
	(void)state;
	struct terminal terminal = korean(80);
	show(&terminal, "today_empty", 0, WORDS("today"));
	show(&terminal, "list_empty", 0, WORDS("commitment", "list"));
	terminal = english();
	show(&terminal, "today_empty_en", 0, WORDS("today"));
}

/* Names in Hangul, Han, Kana and Cyrillic; ours and theirs; past, today and to come. */
static void fill(void)
{
	static const char *const people[][3] = {{"왕이", "CN", "government"},
	                                        {"安倍花子", "JP", "academia"},
	                                        {"Сергей Иванов", "RU", "government"},
	                                        {"Kim Wan-su", "KP", "government"}};
	for (size_t i = 0; i < sizeof people / sizeof *people; i++)
		done("contact.create",
		     json_of("{'name':'%s','country':'%s','sector':'%s'}", people[i][0], people[i][1], people[i][2]));
	done("engagement.log", json_of("{'title':'판문점 실무 접촉','kind':'meeting','starts_on':'2018-04-27','countries':"
	                               "['KP','KR'],'workstreams':['1.2','2.1'],'track':'1'}"));
	done("engagement.log",
	     json_of("{'title':'중국 사회과학원과의 오찬: 제재 완화와 그 조건에 관한 아주 긴 제목의 비공식 협의','kind':"
	             "'track2-session','starts_on':'2019-06-20','countries':['CN','KR'],'workstreams':['1.3']}"));
	done("engagement.log", json_of("{'title':'Встреча во Владивостоке','kind':'conference','starts_on':'2020-09-03',"
	                               "'countries':['RU','KR','JP'],'workstreams':['2.3']}"));
	done("engagement.log", json_of("{'title':'東京での会議','kind':'call','starts_on':'%s','status':'planned',"
	                               "'countries':['JP'],'workstreams':['1.3']}",
	                               terminal_day(0)));
	done("engagement.log", json_of("{'title':'베이징 출장','kind':'visit','starts_at':'%sT09:30:00+09:00','countries':"
	                               "['CN'],'workstreams':['1.3','2.3']}",
	                               terminal_day(3)));
	done("engagement.log", json_of("{'title':'이산가족 명단 협의','kind':'meeting','starts_on':'%s','status':'planned',"
	                               "'countries':['KP'],'workstreams':['2.1']}",
	                               terminal_day(-4)));
	done("commitment.create",
	     json_of("{'by':'KP','to':'KR','text':'이산가족 명단 보내기','due_on':'%s'}", terminal_day(-5)));
	done("commitment.create",
	     json_of("{'by':'KR','to':'JP','text':'Answer on the joint study','due_on':'%s'}", terminal_day(-30)));
	done("reminder.create", json_of("{'note':'자료를 보낼 것','due_at':'%sT09:00:00+09:00'}", terminal_day(-1)));
}

static void test_today(void **state)
{
	(void)state;
	fill();
	struct terminal terminal = korean(80);
	show(&terminal, "today", 0, WORDS("today"));
	terminal.columns = 40;
	show(&terminal, "today_narrow", 0, WORDS("today", "--days", "2"));
	terminal = english();
	show(&terminal, "today_en", 0, WORDS("today"));
}

static void test_coverage(void **state)
{
	(void)state;
	static const char *const headings[] = {"국가", "1.1", "1.2", "1.3", "2.1", "2.2",
	                                       "2.3",  "3.1", "3.2", "3.3", "3.4", NULL};
	struct terminal terminal = korean(80);
	struct terminal_screen screen = terminal_run(&terminal, WORDS("coverage"));
	assert_int_equal(screen.status, 0);
	terminal_expect_columns(&screen, headings, 80, true);
	terminal_expect(&screen, "coverage");
	terminal_release(&screen);
	show(&terminal, "coverage_since", 0, WORDS("coverage", "--since", "2019-01-01"));
}

static void test_history(void **state)
{
	(void)state;
	static const char *const headings[] = {"일시", "종류", "상태", "국가", "과제", "제목", NULL};
	struct terminal terminal = korean(120);
	struct terminal_screen screen = terminal_run(&terminal, WORDS("history", "北朝鮮"));
	assert_int_equal(screen.status, 0);
	terminal_expect_columns(&screen, headings, 120, false);
	terminal_expect(&screen, "history");
	terminal_release(&screen);
	show(&terminal, "history_since", 0, WORDS("history", "북한", "--since", "90d"));
	show(&terminal, "history_two", 0, WORDS("history", "일본", "러시아"));
	show(&terminal, "history_person", 0, WORDS("history", "왕이"));
	show(&terminal, "history_nobody", 3, WORDS("history", "아무개"));
}

static void test_tables(void **state)
{
	(void)state;
	static const char *const people[] = {"이름", "국가", "분야", NULL};
	static const char *const meetings[] = {"시작일", "종류", "국가", "과제", "제목", NULL};
	struct terminal terminal = korean(80);
	struct terminal_screen screen = terminal_run(&terminal, WORDS("contact", "search"));
	assert_int_equal(screen.status, 0);
	terminal_expect_columns(&screen, people, 80, false);
	terminal_expect(&screen, "contacts");
	terminal_release(&screen);
	for (unsigned short columns = 60; columns < 110; columns = (unsigned short)(columns + 7)) {
		terminal.columns = columns;
		screen = terminal_run(&terminal, WORDS("engagement", "history", "--until", "2021-01-01"));
		assert_int_equal(screen.status, 0);
		terminal_expect_columns(&screen, meetings, columns, false);
		terminal_release(&screen);
	}
}

static void test_help_and_errors(void **state)
{
	(void)state;
	struct terminal terminal = korean(100);
	show_text(&terminal, "help", 0, WORDS("help"));
	show_text(&terminal, "help_today", 0, WORDS("help", "today"));
	show_text(&terminal, "help_method", 0, WORDS("help", "commitment", "create"));
	show_text(&terminal, "error_unknown", 2, WORDS("todya"));
	show_text(&terminal, "error_params", 2,
	          WORDS("engagement", "log", "--title", "a", "--kind", "metting", "--countries", "KP", "--workstreams",
	                "9.9", "--attribution", "none"));
	show_text(&terminal, "error_missing", 3,
	          WORDS("engagement", "get", "--id", "019b1c00-ffff-7000-8000-000000000001"));
	terminal.harness = NULL;
	show_text(&terminal, "error_away", 69, WORDS("today"));
	terminal.variables[0] = "NO_COLOR=1";
	terminal.harness = harness;
	show(&terminal, "today_plain", 0, WORDS("today"));
	show_text(&terminal, "help_english", 0, WORDS("--lang", "en", "help", "today"));
}

static void expect_status(const char *line, int status, const char *wanted)
{
	struct terminal terminal = {.harness = harness};
	struct terminal_screen screen = terminal_shell(&terminal, line);
	if (screen.status != status || (wanted && strcmp(screen.text, wanted) != 0))
		fail_msg("%s\nends with %d and says:\n%s%s", line, screen.status, screen.text, screen.errors);
	terminal_release(&screen);
}

static void test_pipes(void **state)
{
	(void)state;
	expect_status("tracktwo today | cut -f1 | sort | uniq -c | tr -s ' '", 0,
	              " 1 next\n 1 readouts\n 4 reminders\n 1 section\n 1 they_owe\n 1 today\n 1 we_owe\n");
	expect_status("tracktwo today | awk -F'\\t' 'NF != 6 { bad = 1 } $1 == \"they_owe\" { print $4 } END { exit bad }'",
	              0, "이산가족 명단 보내기\n");
	expect_status("LANG=ko_KR.UTF-8 tracktwo today | head -1", 0, "section\twhen\toverdue\twhat\twho\tid\n");
	expect_status("tracktwo --json today | jq -r '.we_owe.count, .today.items[0].title'", 0, "1\n東京での会議\n");
	expect_status("tracktwo coverage | cut -f1-4 | sed -n 2p", 0, "CN\t1.3\t1\t0\n");
	expect_status("tracktwo --json coverage --since 2019-01-01 | jq '.items | length'", 0, "5\n");
	expect_status("tracktwo --json engagement history --limit 2 --all | jq -c '[(.items | length), .next_cursor]'", 0,
	              "[6,null]\n");
	expect_status("tracktwo engagement history --limit 2 --all 2>/dev/null | wc -l", 0, "7\n");
	expect_status("tracktwo reminder list | awk -F'\\t' 'NR > 1 && $1 !~ /Z$/ { exit 1 }'", 0, "");
	expect_status("tracktwo --table --color always commitment list | grep -c '\033\\['", 0, NULL);
	expect_status("tracktwo --table commitment list | grep '\033'", 1, "");
	expect_status("tracktwo nonsense", 2, "");
	expect_status("tracktwo today --days 0", 2, "");
	expect_status("tracktwo today --days 367", 2, "");
	expect_status("tracktwo today --days 366 >/dev/null", 0, "");
	expect_status("tracktwo --socket /nowhere today", 69, "");
	expect_status("tracktwo --lang fr today", 2, "");
	expect_status("tracktwo --color sometimes today", 2, "");
	expect_status("tracktwo today > /dev/full", 1, "");
}

/* The pager gets what is longer than the screen, and that alone. */
static void test_pager(void **state)
{
	(void)state;
	struct terminal terminal = korean(80);
	terminal.variables[0] = "PAGER=sed 's/^/| /'";
	terminal.rows = 6;
	struct terminal_screen screen = terminal_run(&terminal, WORDS("contact", "search"));
	/* Five lines leave room for the prompt. */
	assert_true(strncmp(screen.text, "| ", 2) != 0);
	terminal_release(&screen);
	terminal.rows = 5;
	screen = terminal_run(&terminal, WORDS("contact", "search"));
	assert_true(strncmp(screen.text, "| ", 2) == 0);
	terminal_release(&screen);
	terminal.variables[0] = "PAGER=/nowhere/pager 2>&-";
	screen = terminal_run(&terminal, WORDS("contact", "search"));
	assert_non_null(strstr(screen.text, "안") ? screen.text : strstr(screen.text, "왕이"));
	assert_int_equal(screen.status, 0);
	terminal_release(&screen);
}

/* However many took part, and in a language of long words: the title is there to be read. */
static void test_crowded(void **state)
{
	(void)state;
	struct terminal terminal = english();
	done("engagement.log",
	     json_of("{'title':'Round table on the guarantees of a neutral Korea','kind':'people-to-people','starts_on':"
	             "'2017-05-04','countries':['RU','KP','CN'],'workstreams':['1.2','2.1'],'participants':[{'contact':"
	             "{'name':'Сергей Иванов','country':'RU'},'on_match':'use'},{'contact':{'name':'왕이','country':'CN'},"
	             "'on_match':'use'}]}"));
	for (terminal.columns = 80; terminal.columns <= 140; terminal.columns += 60)
		show(&terminal, terminal.columns == 80 ? "history_crowded" : "history_wide", 0,
		     WORDS("history", "RU", "--until", "2018"));
	expect_status("tracktwo --table history RU --until 2018 2>/dev/null | grep -c 'neutral Korea.*Сергей Иванов, 왕이'",
	              0, "1\n");
}

static int setup(void **state)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	terminal_avoid_midnight();
	return single_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),   cmocka_unit_test(test_today),  cmocka_unit_test(test_coverage),
	    cmocka_unit_test(test_history), cmocka_unit_test(test_tables), cmocka_unit_test(test_help_and_errors),
	    cmocka_unit_test(test_pipes),   cmocka_unit_test(test_pager),  cmocka_unit_test(test_crowded)};
	return cmocka_run_group_tests(tests, setup, single_teardown);
}
