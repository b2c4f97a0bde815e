/* Completion: what real shells offer, by the scripts that the program prints. */
#include "single.h"
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is offered for the last of the words, which a shell has parted, a line each. */
static const struct {
	const char *words, *offered;
} examples[] = {
    {"tracktwo engagement h", "history\nhold\n"},
    {"tracktwo engag", "engagement\n"},
    {"tracktwo today --da", "--days\n"},
    {"tracktwo --col", "--color\n"},
    {"tracktwo --lang ''", "en\nko\n"},
    {"tracktwo engagement log --kind me", "meeting\nmessage\nmedia\n"},
    {"tracktwo engagement log --workstreams 3.", "3.1\n3.2\n3.3\n3.4\n"},
    {"tracktwo engagement history --order ''", "newest\noldest\n"},
    {"tracktwo history 북", "북한\n"},
    {"tracktwo history KP --workstream 1.", "1.1\n1.2\n1.3\n"},
    {"tracktwo history 왕", "왕이\n"},
    {"tracktwo history 푸", "푸틴\n"},
    {"tracktwo log KP 1.2 T --with 왕이,푸", "왕이,푸틴\n"},
    {"tracktwo log CN,북", "CN,북한\n"},
    {"tracktwo log CN 1.1,3.4", "1.1,3.4\n"},
    {"tracktwo engagement log --workstreams 1.1,3.4", "1.1,3.4\n"},
    {"tracktwo --lang ko --json log 북", "북한\n"},
    {"tracktwo --lang", "--lang\n"},
    {"tracktwo reminder create --assignee m", "me\n"},
    {"tracktwo completion b", "bash\n"},
    {"tracktwo help rem", "reminder\n"},
    {"tracktwo rpc system.p", "system.ping\n"},
    {"tracktwo nothing such --x y", ""},
};

static void expect(const struct terminal *terminal, const char *line, const char *wanted)
{
	struct terminal_screen screen = terminal_shell(terminal, line);
	if (strcmp(screen.text, wanted) != 0 || *screen.errors)
		fail_msg("%s\noffers:\n%s\nand says:\n%s\nwanted:\n%s", line, screen.text, screen.errors, wanted);
	terminal_release(&screen);
}

static void test_bash(void **state)
{
	(void)state;
	struct terminal terminal = {.harness = harness};
	char line[1000];
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		snprintf(
		    line, sizeof line,
		    "source <(tracktwo completion bash); COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tracktwo;"
		    " [ ${#COMPREPLY[@]} = 0 ] || for word in \"${COMPREPLY[@]}\"; do eval \"echo $word\"; done",
		    examples[i].words);
		expect(&terminal, line, examples[i].offered);
	}
	expect(&terminal, "tracktwo completion words -- --lang = ko log KP 1.2 T --kind = neg", "negotiation\n");
	expect(&terminal,
	       "source <(tracktwo completion bash); complete -p tracktwo; cd /; COMP_WORDS=(tracktwo rpc --file etc/host); "
	       "COMP_CWORD=3; _tracktwo; printf '%s\\n' \"${COMPREPLY[@]}\" | grep -x etc/hosts",
	       "complete -F _tracktwo tracktwo\netc/hosts\n");
}

static void test_zsh(void **state)
{
	(void)state;
	struct terminal terminal = {.harness = harness};
	char line[1000];
	expect(&terminal, "tracktwo completion zsh >/dev/null; zsh -n <(tracktwo completion zsh) && echo right", "right\n");
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		snprintf(line, sizeof line,
		         "zsh -f -c 'compdef() { : }; compadd() { print -l -- ${(P)2} }; _files() { print files }; "
		         "eval \"$(tracktwo completion zsh)\"; words=(%s); CURRENT=$#words; _tracktwo; true'",
		         examples[i].words);
		char *quotes;
		while ((quotes = strstr(line, "''")))
			memcpy(quotes, "\"\"", 2);
		expect(&terminal, line, examples[i].offered);
	}
}

/* Without the daemon nothing is said, and what it need not be asked for is offered all the same. */
static void test_away(void **state)
{
	(void)state;
	struct terminal terminal = {0};
	expect(&terminal, "tracktwo completion words -- history 왕; echo $?", "0\n");
	expect(&terminal, "tracktwo completion words -- engagement vo", "void\n");
	expect(&terminal, "tracktwo completion words -- engagement log --workstreams 1; echo $?", "0\n");
	expect(&terminal, "tracktwo completion words -- '' | grep -x engagement", "engagement\n");
}

static int setup(void **state)
{
	single_setup(state);
	json_decref(call("contact.create", json_of("{'name':'왕이','country':'CN'}")));
	json_decref(call("contact.create", json_of("{'names':[{'text':'Владимир Путин','kind':'cyrillic'},{'text':'푸틴',"
	                                           "'kind':'alias'}],'country':'RU'}")));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bash), cmocka_unit_test(test_zsh),
	                                   cmocka_unit_test(test_away)};
	return cmocka_run_group_tests(tests, setup, single_teardown);
}
