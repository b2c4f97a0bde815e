/* Admin: the commands of an administrator as they are typed, in either language. */
#include "admin.h"
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A line for a shell, in which $PLACES are options that name the harness's places, and $HERE is its folder: all that it
 * says, to be freed, and what it ends with. */
static char *shell(const struct harness *harness, const char *locale, int *status, const char *line)
{
	struct terminal terminal = {.harness = harness, .locale = locale};
	char whole[2048];
	snprintf(whole, sizeof whole, "exec 2>&1; PLACES='--set daemon.state_dir=%s --set daemon.socket=%s'; HERE=%s; %s",
	         harness->state, harness->socket, harness->folder, line);
	struct terminal_screen screen = terminal_shell(&terminal, whole);
	char *text = strdup(screen.text);
	*status = screen.status;
	terminal_release(&screen);
	return text;
}

static void expect_shell(const struct harness *harness, const char *locale, int status, const char *line,
                         const char *expected)
{
	int got;
	char *said = shell(harness, locale, &got, line);
	if (got != status || !strstr(said, expected))
		fail_msg("%s: status %d, and said: %s\nexpected status %d, and: %s", line, got, said, status, expected);
	free(said);
}

/* What is not said is no success; and whoever is not root is told so, before they take the folder from the daemon. */
static void test_who_and_where(void **state)
{
	struct harness *harness = *state;
	expect_shell(harness, "C.UTF-8", 1,
	             "tracktwo admin kept $PLACES >/dev/full; tracktwo admin backup $PLACES >/dev/full",
	             "the result could not be written");
	if (geteuid() != 0) {
		print_message("skipped: only root can become somebody else\n");
		skip();
	}
	expect_shell(harness, "C.UTF-8", 78,
	             "cp $(command -v tracktwod) $HERE; setpriv --reuid=65534 --regid=65534 --clear-groups $HERE/tracktwod "
	             "$PLACES --admin backup",
	             "do this as root, or as the user that the daemon runs as");
	expect_shell(harness, "C.UTF-8", 1,
	             "install -m 600 /dev/null $HERE/mine.backup; tracktwo admin verify-backup $HERE/mine.backup $PLACES",
	             "the user that the daemon runs as cannot read");
	/* A copy that lies where nothing may be written is told to be right before it cannot be marked so. */
	expect_shell(harness, "C.UTF-8", 1,
	             "mkdir $HERE/copy; install -m 644 $(tracktwo admin backup $PLACES) $HERE/copy/a.backup; "
	             "tracktwo admin verify-backup $HERE/copy/a.backup $PLACES",
	             "right: restored");
}

#define KOREAN "ko_KR.UTF-8"

static bool has_hangul(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0xEA && (unsigned char)*text <= 0xED)
			return true;
	return false;
}

/* On a terminal: what is being done, and then what was done. */
static void expect_progress(const struct harness *harness)
{
	struct terminal terminal = {.harness = harness, .locale = KOREAN};
	char places[2][200];
	snprintf(places[0], sizeof places[0], "daemon.state_dir=%s", harness->state);
	snprintf(places[1], sizeof places[1], "daemon.socket=%s", harness->socket);
	struct terminal_screen screen = terminal_run(
	    &terminal, (const char *const[]){"admin", "backup", "--verify", "--set", places[0], "--set", places[1], NULL});
	static const char *const said[] = {"측정하는 중", "덤프하는 중", "검증에 쓸 클러스터를 만드는 중", "비교하는 중",
	                                   "이상 없음: "};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (screen.status != 0 || !strstr(screen.text, said[i]))
			fail_msg("status %d, and no \"%s\" in: %s", screen.status, said[i], screen.text);
	terminal_release(&screen);
}

/* In success, on the way there, and in failure; by LANG and by --lang. */
static void test_korean(void **state)
{
	struct harness *harness = *state;
	int status;
	expect_progress(harness);
	expect_shell(harness, "C.UTF-8", 1, "tracktwo --lang ko admin verify-backup /nowhere $PLACES",
	             "/nowhere: 그런 파일이나 폴더가 없습니다");
	char *said = shell(harness, KOREAN, &status, "tracktwo --lang en admin verify-backup /nowhere $PLACES");
	if (status != 1 || has_hangul(said))
		fail_msg("status %d, and said: %s", status, said);
	free(said);
	expect_shell(harness, KOREAN, 1, "tracktwo admin verify-backup /nowhere $PLACES",
	             "/nowhere: 그런 파일이나 폴더가 없습니다");
	expect_shell(harness, KOREAN, 1,
	             "tracktwo admin restore --replace $(ls $HERE/state/backups/*.backup | head -1) $PLACES",
	             "다른 데몬이");
	expect_shell(harness, KOREAN, 2, "tracktwo admin restore $PLACES", "이렇게 쓰십시오: tracktwo admin restore FILE");
	expect_shell(harness, KOREAN, 78, "tracktwo admin kept --set daemon.log_level=loud", "다음 중 하나여야 합니다");
	expect_shell(harness, KOREAN, 78, "tracktwod -s daemon.log_level=loud --check-config", "다음 중 하나여야 합니다");
	expect_shell(harness, KOREAN, 0, "tracktwod --check-config", "설정에 잘못이 없습니다");
	expect_shell(harness, KOREAN, 0, "tracktwod --lang en --check-config", "the configuration is right");
	expect_shell(harness, KOREAN, 64, "tracktwod --lang fr --check-config", "--lang에는 en이나 ko");
	expect_shell(harness, KOREAN, 0, "tracktwod $PLACES --admin doctor", "접속할 수 있는 사용자가 설정과 같습니다");
}

/* A daemon's journal is one for everybody who reads it. */
static void test_journal_is_english(void **state)
{
	struct harness *harness = *state;
	size_t length;
	expect_shell(harness, KOREAN, 78, "tracktwod -s daemon.log_level=loud", "log_level must be one of");
	assert_int_equal(harness_stop(harness), 0);
	setenv("LC_ALL", KOREAN, 1);
	admin_begin_again(harness);
	assert_int_equal(harness_stop(harness), 0);
	unsetenv("LC_ALL");
	char *log = admin_read_file(harness->log, &length), *text = strndup(log, length);
	assert_non_null(strstr(text, "accepts connections"));
	assert_false(has_hangul(text));
	free(log);
	free(text);
	admin_begin_again(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_who_and_where),
	    cmocka_unit_test(test_korean),
	    cmocka_unit_test(test_journal_is_english),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
