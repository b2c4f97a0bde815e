/* Service: the daemon under its own unit, with the embedded PostgreSQL, where there is no systemd: the launcher applies
 * what the unit says, and hears what the manager would hear. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "launcher.h"

enum { START_MS = 60000, STOP_MS = 40000 };

static struct harness harness;
static struct launcher launcher;

static int begin(void **state)
{
	(void)state;
	harness_init_empty(&harness);
	return 0;
}

static int end(void **state)
{
	(void)state;
	launcher_release(&launcher);
	if (harness.daemon)
		kill(harness.daemon, SIGCONT);
	harness_release(&harness);
	return 0;
}

static char *log_text(void)
{
	static char text[1 << 18];
	FILE *file = fopen(harness.log, "re");
	size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
	text[length] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void log_engagement(const char *title)
{
	struct client client;
	client_open(&client, &harness);
	json_t *result = client_result(&client, "engagement.log",
	                               json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "title", title, "kind", "meeting",
	                                         "starts_on", "2026-11-20", "countries", "CN", "workstreams", "1.3"));
	assert_int_equal(strlen(at_string(result, "id")), 36);
	json_decref(result);
	client_close(&client);
}

static int exit_status(void)
{
	long long until = harness_now_ms() + STOP_MS;
	int status;
	while (waitpid(harness.daemon, &status, WNOHANG) != harness.daemon) {
		if (harness_now_ms() > until)
			fail_msg("the daemon has not ended");
		usleep(5000);
	}
	harness.daemon = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One line of /proc/PID/status, behind its name. */
static void expect_status(pid_t pid, const char *name, const char *expected)
{
	char path[64], line[256];
	size_t length = strlen(name);
	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(line + length + 1 + strspn(line + length + 1, " \t"), expected);
		fclose(file);
		return;
	}
	fail_msg("/proc/%ld/status has no %s", (long)pid, name);
}

static void expect_pings(int count)
{
	long long since = harness_now_ms();
	for (int i = 0; i < count; i++) {
		launcher_await(&launcher, "WATCHDOG=1", (int)launcher.watchdog_ms);
		assert_true(harness_now_ms() - since < launcher.watchdog_ms);
		since = harness_now_ms();
	}
}

static void expect_sandbox(void)
{
	char *server = harness_query(&harness, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"),
	     *jit = harness_query(&harness, "SHOW jit");
	pid_t pids[] = {harness.daemon, (pid_t)strtol(server, NULL, 10)};
	/* Where no memory may be both written and run, a statement that is compiled would fail. */
	assert_string_equal(jit, "off");
	free(jit);
	free(server);
	for (int i = 0; i < 2; i++) {
		expect_status(pids[i], "NoNewPrivs", "1");
		expect_status(pids[i], "Seccomp", "2");
		expect_status(pids[i], "Seccomp_filters", "3");
		expect_status(pids[i], "CapEff", "0000000000000000");
		if (geteuid() == 0)
			expect_status(pids[i], "CapBnd", "0000000000000000");
		expect_status(pids[i], "Umask", "0077");
	}
}

/* A daemon whose loop is stuck gives no sign of life, and one that goes on gives them again. */
static void expect_silence_while_stopped(void)
{
	assert_int_equal(kill(harness.daemon, SIGSTOP), 0);
	while (launcher_hear(&launcher, 100)[0] != '\0')
		;
	assert_string_equal(launcher_hear(&launcher, (int)launcher.watchdog_ms), "");
	assert_int_equal(kill(harness.daemon, SIGCONT), 0);
	expect_pings(1);
}

static void test_it_runs_under_its_unit(void **state)
{
	struct stat before, after;
	(void)state;
	launcher_init(&launcher, &harness);
	launcher_configure(&launcher, "[daemon]\nlog_level = info\n");
	launcher_start(&launcher);
	assert_int_equal(stat(harness.socket, &before), 0);
	launcher_await(&launcher, "READY=1", START_MS);
	expect_sandbox();
	expect_pings(3);
	log_engagement("Lunch on sanctions relief");
	expect_silence_while_stopped();

	assert_int_equal(kill(harness.daemon, SIGHUP), 0);
	assert_non_null(strstr(launcher_await(&launcher, "RELOADING=1", 5000), "\nMONOTONIC_USEC="));
	launcher_await(&launcher, "READY=1", 5000);

	assert_int_equal(kill(harness.daemon, SIGTERM), 0);
	launcher_await(&launcher, "STOPPING=1", 5000);
	assert_int_equal(exit_status(), 0);
	/* The socket stays the manager's: its file, its owner, its mode; the next daemon finds its clients waiting. */
	assert_int_equal(stat(harness.socket, &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_uid == after.st_uid && before.st_mode == after.st_mode);
	assert_int_equal(after.st_mode & 0777, 0660);
	assert_null(strstr(log_text(), "Lunch"));
}

static void refused(const char *why)
{
	launcher_start(&launcher);
	assert_int_equal(exit_status(), 78);
	if (!strstr(log_text(), why))
		fail_msg("the log does not say \"%s\": %s", why, log_text());
	while (launcher_hear(&launcher, 0)[0] != '\0')
		;
}

static void test_a_wrong_configuration_is_refused(void **state)
{
	char expected[256];
	(void)state;
	launcher_init(&launcher, &harness);
	launcher_configure(&launcher, "[daemon]\n\nmax_clints = 5\n");
	snprintf(expected, sizeof expected, "%s/tracktwo.conf:3: unknown key \"max_clints\"", harness.folder);
	refused(expected);
}

/* A listening socket of this port, 0 for any; *port says which. */
static int listen_on(const char *address, int *port)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
	socklen_t size = sizeof where;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET, address, &where.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &size), 0);
	*port = ntohs(where.sin_port);
	return fd;
}

static void ask(int port, const char *request, char *answer, size_t size)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct pollfd wait = {.events = POLLIN};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof where), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	wait.fd = fd;
	assert_int_equal(poll(&wait, 1, 20000), 1);
	ssize_t length = read(fd, answer, size - 1);
	assert_true(length > 0);
	answer[length] = '\0';
	close(fd);
}

/* Also where the configuration, as here, has http and tcp off. */
static void test_http_and_tcp_are_handed_over(void **state)
{
	int http = 0, tcp = 0;
	char answer[4096];
	(void)state;
	launcher_init(&launcher, &harness);
	launcher.doors[0] = listen_on("127.0.0.1", &http);
	launcher.doors[1] = listen_on("127.0.0.1", &tcp);
	launcher.door_names[0] = "http";
	launcher.door_names[1] = "tcp";
	launcher_configure(&launcher, "");
	launcher_start(&launcher);
	launcher_await(&launcher, "READY=1", START_MS);
	ask(http, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", answer, sizeof answer);
	assert_non_null(strstr(answer, "200 OK"));
	ask(tcp, "{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":1}\n", answer, sizeof answer);
	assert_non_null(strstr(answer, "\"pong\":true"));
	/* Over TCP nobody is known: a door's kind is what it is, not what the configuration hopes. */
	ask(tcp, "{\"jsonrpc\":\"2.0\",\"method\":\"engagement.history\",\"params\":{\"country\":\"CN\"},\"id\":1}\n",
	    answer, sizeof answer);
	assert_non_null(strstr(answer, "\"unauthenticated\""));
	assert_int_equal(harness_stop(&harness), 0);
	close(launcher.doors[0]);
	close(launcher.doors[1]);
}

static void hand_over(int fd, const char *name, const char *why)
{
	launcher.doors[0] = fd;
	launcher.door_names[0] = name;
	refused(why);
	close(fd);
}

static void test_doors_that_are_refused(void **state)
{
	int port = 0;
	(void)state;
	launcher_init(&launcher, &harness);
	launcher_configure(&launcher, "");
	hand_over(listen_on("0.0.0.0", &port), "tcp",
	          "tcp: the socket that was handed over is reached from other machines");
	port = 0;
	hand_over(listen_on("0.0.0.0", &port), "http",
	          "http: the socket that was handed over is reached from other machines");
	port = 0;
	hand_over(listen_on("127.0.0.1", &port), "web", "a socket named \"web\" was handed over");
	port = 0;
	hand_over(listen_on("127.0.0.1", &port), "socket", "two sockets named socket were handed over");
	hand_over(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "tcp", "is no listening stream socket");
	hand_over(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "http", "is no listening stream socket");
	launcher.without_socket_unit = true;
	port = 0;
	hand_over(listen_on("127.0.0.1", &port), "socket", "socket: the socket that was handed over must be a Unix one");
}

/* The next record, as text: fields are lines. */
static const char *hear_journal(int timeout_ms)
{
	static char text[8192];
	struct pollfd wait = {.fd = launcher.journal, .events = POLLIN};
	ssize_t length = poll(&wait, 1, timeout_ms) == 1 ? recv(launcher.journal, text + 1, sizeof text - 2, 0) : 0;
	text[0] = '\n';
	text[length > 0 ? length + 1 : 1] = '\0';
	return text;
}

static void await_record(const char *const *fields, int timeout_ms)
{
	long long until = harness_now_ms() + timeout_ms;
	while (harness_now_ms() < until) {
		const char *record = hear_journal(1000);
		size_t found = 0, wanted = 0;
		for (; fields[wanted]; wanted++)
			found += strstr(record, fields[wanted]) != NULL;
		assert_null(strstr(record, "Lunch"));
		if (found == wanted)
			return;
	}
	fail_msg("no record has %s", fields[0]);
}

static void test_records_of_the_journal(void **state)
{
	(void)state;
	launcher_init(&launcher, &harness);
	if (!launcher_open_journal(&launcher))
		skip();
	launcher_configure(&launcher, "[daemon]\nlog_level = debug\n");
	launcher_start(&launcher);
	await_record((const char *const[]){"\nMESSAGE=cluster: making a new one", "\nPRIORITY=6\n",
	                                   "\nSYSLOG_IDENTIFIER=tracktwod\n", "\nCODE_FILE=src/cluster/cluster.c\n",
	                                   "\nCODE_LINE=", "\nCODE_FUNC=start_initdb\n", NULL},
	             START_MS);
	launcher_await(&launcher, "READY=1", START_MS);
	while (hear_journal(100)[1] != '\0')
		;
	log_engagement("Lunch");
	await_record((const char *const[]){": engagement.log\n", "\nPRIORITY=7\n", "\nTRACKTWO_CONNECTION=1\n",
	                                   "\nTRACKTWO_CALL=1\n", NULL},
	             5000);
	/* A journal that takes nothing holds nobody up: what it has no room for are lines, with their priority. */
	struct client client;
	client_open(&client, &harness);
	for (int i = 0; i < 1000; i++)
		json_decref(client_result(&client, "system.ping", NULL));
	client_close(&client);
	assert_non_null(strstr(log_text(), " call 1000: system.ping\n"));
	assert_non_null(strstr(log_text(), "<7>conn "));
	close(launcher.journal);
	launcher.journal = 0;
	assert_int_equal(harness_stop(&harness), 0);
	assert_non_null(strstr(log_text(), "<6>stopped\n"));
	assert_null(strstr(log_text(), "Lunch"));
}

/* As systemd reads them, but for where the programs lie and what may be installed here. */
static void test_the_units_are_right(void **state)
{
	char command[1024];
	(void)state;
	launcher_init(&launcher, &harness);
	snprintf(
	    command, sizeof command,
	    "cd '%s' && cp \"$OLDPWD\"/systemd/*.service \"$OLDPWD\"/systemd/*.socket \"$OLDPWD\"/systemd/*.timer . && "
	    "sed -i 's|^ExecStart=.*|ExecStart=/bin/true|; s|^Documentation=.*||' *.service *.socket *.timer && "
	    "said=$(systemd-analyze verify --man=no --recursive-errors=no ./*.service ./*.socket ./*.timer 2>&1) "
	    "&& [ -z \"$said\" ] || { echo \"$said\"; exit 1; }",
	    harness.folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(
	    system("systemd-analyze security --offline=true --threshold=12 systemd/tracktwod.service >/dev/null"), 0);
	assert_int_equal(
	    system("systemd-analyze security --offline=true --threshold=12 systemd/tracktwo-backup.service >/dev/null"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_the_units_are_right, begin, end),
	    cmocka_unit_test_setup_teardown(test_it_runs_under_its_unit, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_wrong_configuration_is_refused, begin, end),
	    cmocka_unit_test_setup_teardown(test_http_and_tcp_are_handed_over, begin, end),
	    cmocka_unit_test_setup_teardown(test_doors_that_are_refused, begin, end),
	    cmocka_unit_test_setup_teardown(test_records_of_the_journal, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
