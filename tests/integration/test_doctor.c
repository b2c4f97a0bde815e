/* Doctor: each fault is made for real, is named with its cure, and is gone when it is cured. */
#include "admin.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs the doctor; its findings, and in *status what it ended with. */
static json_t *examine(const struct harness *harness, int *status)
{
	char *said;
	*status = ADMIN(harness, &said, "doctor", "--json");
	json_t *answer = json_loads(said, 0, NULL);
	if (!answer)
		fail_msg("no JSON: %s", said);
	free(said);
	json_t *items = json_incref(json_object_get(answer, "items"));
	json_decref(answer);
	return items;
}

static bool has(const json_t *items, const char *check, const char *state, const char *finding, const char *cure)
{
	size_t index;
	json_t *item;
	json_array_foreach((json_t *)(uintptr_t)items, index, item) {
		const char *its_cure = json_string_value(json_object_get(item, "cure"));
		if (strcmp(at_string(item, "check"), check) == 0 && strcmp(at_string(item, "state"), state) == 0 &&
		    strstr(at_string(item, "finding"), finding) && (!cure || (its_cure && strstr(its_cure, cure))))
			return true;
	}
	return false;
}

/* `state` is also what the doctor must end by: "bad" fails. */
static void expect(const struct harness *harness, const char *check, const char *state, const char *finding,
                   const char *cure)
{
	int status;
	json_t *items = examine(harness, &status);
	if (!has(items, check, state, finding, cure) || status != (strcmp(state, "bad") == 0)) {
		char *text = json_dumps(items, JSON_INDENT(1));
		fail_msg("status %d, and no %s %s \"%s\" (%s) in %s", status, check, state, finding, cure ? cure : "", text);
	}
	json_decref(items);
}

/* Nothing is bad any more, so that the next fault is the only one. */
static void expect_sound(const struct harness *harness)
{
	int status;
	json_t *items = examine(harness, &status);
	if (status != 0) {
		char *text = json_dumps(items, JSON_INDENT(1));
		fail_msg("status %d: %s", status, text);
	}
	json_decref(items);
}

static void run_sql(const struct harness *harness, const char *sql)
{
	free(harness_query(harness, sql));
}

static void expect_after(const struct harness *harness, const char *fault, const char *cured, const char *check,
                         const char *state, const char *finding, const char *cure)
{
	run_sql(harness, fault);
	expect(harness, check, state, finding, cure);
	run_sql(harness, cured);
	expect_sound(harness);
}

static void test_backups(void **state)
{
	struct harness *harness = *state;
	char old[300], *file;
	expect(harness, "backups", "bad", "there is no backup in", "tracktwo admin backup");
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	expect(harness, "backups", "warn", "no backup was ever restored", "verify-backup");
	file = admin_newest(harness);
	ADMIN_EXPECT(harness, 0, "right", "verify-backup", file);
	expect(harness, "backups", "ok", "the newest verified backup is 0.0 hours old", NULL);
	expect(harness, "backups", "ok", "the newest of 1 backups is 0.0 hours old", NULL);
	/* 26 hours and a minute ago is too old; a minute before that is not. */
	for (int minutes = 26 * 60 - 1; minutes <= 26 * 60 + 1; minutes += 2) {
		time_t made = time(NULL) - minutes * 60;
		char stamp[32];
		strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime(&made));
		snprintf(old, sizeof old, "%s/tracktwo-%s.backup", admin_folder(harness), stamp);
		assert_int_equal(rename(file, old), 0);
		expect(harness, "backups", minutes > 26 * 60 ? "bad" : "ok", "26.0 hours old",
		       minutes > 26 * 60 ? "tracktwo admin backup" : NULL);
		assert_int_equal(rename(old, file), 0);
	}
	/* Made while the clock was ahead: half an hour may be a zone's or a service's doing, two hours are not. */
	for (int minutes = 30; minutes <= 120; minutes += 90) {
		time_t made = time(NULL) + minutes * 60;
		char stamp[32];
		strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime(&made));
		snprintf(old, sizeof old, "%s/tracktwo-%s.backup", admin_folder(harness), stamp);
		assert_int_equal(rename(file, old), 0);
		expect(harness, "backups", minutes > 60 ? "bad" : "ok", minutes > 60 ? "a date to come" : "the newest of 1",
		       minutes > 60 ? "set the clock right" : NULL);
		assert_int_equal(rename(old, file), 0);
	}
	expect_sound(harness);
	free(file);
}

static void test_permissions(void **state)
{
	struct harness *harness = *state;
	char path[200], setting[260];
	snprintf(path, sizeof path, "%s/tracktwo.conf", harness->folder);
	admin_write_file(path, "[daemon]\n", 9);
	assert_int_equal(chmod(path, 0644), 0);
	harness->config = path;
	expect(harness, "permissions", "ok", "the configuration can be read, and holds no secret", NULL);
	harness->settings[0] = "database.admin_dsn=host=127.0.0.1 password=secret";
	expect(harness, "permissions", "bad", "anybody on this machine can read the configuration", "chmod o=");
	harness->settings[0] = harness->config = NULL;
	assert_int_equal(chmod(harness->state, 0755), 0);
	expect(harness, "permissions", "bad", "others can look into the state folder", "chmod 0700");
	assert_int_equal(chmod(harness->state, 0700), 0);
	assert_int_equal(chmod(harness->socket, 0666), 0);
	expect(harness, "socket", "bad", "mode 0666 and should have 0600", "chmod 0600");
	assert_int_equal(chmod(harness->socket, 0600), 0);
	expect_sound(harness);
	snprintf(path, sizeof path, "%s/password", harness->folder);
	snprintf(setting, sizeof setting, "mail.password_file=%s", path);
	harness->settings[0] = setting;
	expect(harness, "permissions", "bad", "cannot be read", "make the file readable");
	admin_write_file(path, "secret\n", 7);
	assert_int_equal(chmod(path, 0644), 0);
	expect(harness, "permissions", "bad", "anybody on this machine can read", "chmod o=");
	struct stat owner;
	assert_int_equal(stat(harness->state, &owner), 0);
	assert_int_equal(chown(path, owner.st_uid, owner.st_gid), 0);
	assert_int_equal(chmod(path, 0600), 0);
	expect_sound(harness);
	harness->settings[0] = NULL;
}

#define NEWEST "(SELECT max(version) FROM store.migration)"

static void test_release(void **state)
{
	struct harness *harness = *state;
	char *schema = harness_query(harness, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'api\\_%'");
	char revoke[200], grant[200];
	expect(harness, "functions", "ok", schema, NULL);
	expect_after(harness, "UPDATE store.migration SET version = version + 1000 WHERE version = " NEWEST,
	             "UPDATE store.migration SET version = version - 1000 WHERE version > 1000", "functions", "bad",
	             "the database is at migration 1", "it says why");
	expect_after(harness,
	             "CREATE TABLE store.gone AS SELECT * FROM store.migration WHERE version = " NEWEST
	             "; DELETE FROM store.migration WHERE version = " NEWEST,
	             "INSERT INTO store.migration SELECT * FROM store.gone; DROP TABLE store.gone", "functions", "bad",
	             "run tracktwod --migrate", "restart the daemon");
	expect_after(harness, "UPDATE store.migration SET checksum = 'x' || checksum WHERE version = 3",
	             "UPDATE store.migration SET checksum = substr(checksum, 2) WHERE version = 3", "migrations", "bad",
	             "0003_roadmap.sql was changed", "restore a backup");
	snprintf(revoke, sizeof revoke, "REVOKE EXECUTE ON FUNCTION %s.system_doctor FROM tracktwo_daemon", schema);
	snprintf(grant, sizeof grant, "GRANT EXECUTE ON FUNCTION %s.system_doctor TO tracktwo_daemon", schema);
	expect_after(harness, revoke, grant, "functions", "bad", "may not be executed", "restart the daemon");
	free(schema);
}

static void test_delivery(void **state)
{
	struct harness *harness = *state;
	struct client client;
	client_open(&client, harness);
	json_t *reminder = client_result(&client, "reminder.create",
	                                 json_pack("{s:s, s:s}", "note", "x", "due_at", "2099-01-01T00:00:00Z"));
	json_decref(reminder);
	client_close(&client);
	expect_after(harness, "UPDATE store.reminder SET status = 'failed' WHERE note = 'x'",
	             "UPDATE store.reminder SET status = 'pending' WHERE note = 'x'", "delivery", "bad",
	             "1 reminders could not be delivered", "reminder redeliver");
	/* A daemon that stands still claims nothing, and its database answers all the same. */
	assert_int_equal(kill(harness->daemon, SIGSTOP), 0);
	run_sql(harness, "UPDATE store.reminder SET channels = '{email}', due_at = now() - interval '5 minutes 10 seconds'"
	                 " WHERE note = 'x'");
	expect(harness, "delivery", "bad", "1 reminders are more than five minutes past", "journal");
	run_sql(harness, "UPDATE store.reminder SET due_at = now() - interval '4 minutes' WHERE note = 'x'");
	expect(harness, "delivery", "ok", "nothing is overdue", NULL);
	run_sql(harness, "UPDATE store.reminder SET channels = '{push}', due_at = now() - interval '25 hours'"
	                 " WHERE note = 'x'");
	expect(harness, "delivery", "warn", "wait since more than a day", "reminder subscribe");
	run_sql(harness, "UPDATE store.reminder SET due_at = '2099-01-01' WHERE note = 'x'");
	assert_int_equal(kill(harness->daemon, SIGCONT), 0);
	expect_after(harness,
	             "INSERT INTO store.webhook (id, principal_id, url, secret, status, disabled_because, created_by)"
	             " SELECT gen_random_uuid(), id, 'https://example.org/', decode(repeat('00', 32), 'hex'), 'disabled',"
	             " 'gone', id FROM store.principal LIMIT 1",
	             "DELETE FROM store.webhook", "delivery", "warn", "1 webhooks are disabled", "webhook update");
	expect_after(harness, "UPDATE store.reminder SET timezone = 'Mars/Olympus' WHERE note = 'x'",
	             "UPDATE store.reminder SET timezone = 'Asia/Seoul' WHERE note = 'x'", "zones", "bad", "Mars/Olympus",
	             "tzdata");
	expect_after(harness, "UPDATE store.principal SET email = 'a@example.org' WHERE bootstrap",
	             "UPDATE store.principal SET email = NULL WHERE bootstrap", "mail", "warn",
	             "1 people have an address, and there is no mail server", "[mail] server");
}

/* Greets each who comes, until it is killed. */
static pid_t greeter(const char *greeting, char setting[static 64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	snprintf(setting, 64, "mail.server=smtp://127.0.0.1:%d", ntohs(address.sin_port));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0) {
		close(listener);
		return child;
	}
	for (;;) {
		int peer = accept(listener, NULL, NULL);
		(void)!write(peer, greeting, strlen(greeting));
		close(peer);
	}
}

static void test_mail(void **state)
{
	struct harness *harness = *state;
	char setting[64];
	expect(harness, "mail", "ok", "no mail server is configured", NULL);
	pid_t child = greeter("220 mail.example.org ESMTP\r\n", setting);
	harness->settings[0] = setting;
	expect(harness, "mail", "ok", "the mail server answers", NULL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	expect(harness, "mail", "bad", "cannot be reached", "correct [mail] server");
	child = greeter("554 no\r\n", setting);
	expect(harness, "mail", "bad", "does not greet", "correct [mail] server");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	harness->settings[0] = NULL;
}

static void test_database(void **state)
{
	struct harness *harness = *state;
	char dsn[200];
	run_sql(harness, "CREATE DATABASE plain OWNER tracktwo_owner TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=plain user=tracktwo_daemon", harness->state);
	harness->settings[0] = dsn;
	expect(harness, "functions", "bad", "in which Korean cannot be searched", "restart the daemon");
	run_sql(harness, "CREATE DATABASE empty OWNER tracktwo_owner TEMPLATE template0");
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=empty user=tracktwo_daemon", harness->state);
	expect(harness, "functions", "bad", "lacks this binary's functions", "--migrate");
	snprintf(dsn, sizeof dsn, "database.dsn=host=/nowhere dbname=empty user=tracktwo_daemon");
	expect(harness, "database", "bad", "No such file", "see whether the server runs");
	harness->settings[0] = NULL;
	expect_sound(harness);
}

static void test_disk(void **state)
{
	struct harness *harness = *state;
	char setting[260], name[300], stamp[32];
	struct stat owner;
	if (geteuid() != 0) {
		print_message("skipped: only root makes a file system that is full\n");
		skip();
	}
	const char *small = admin_scratch(harness, "small");
	assert_int_equal(stat(small, &owner), 0);
	if (mount("tmpfs", small, "tmpfs", 0, "size=1m") != 0) {
		print_message("skipped: no file system can be mounted here\n");
		skip();
	}
	time_t now = time(NULL);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime(&now));
	snprintf(name, sizeof name, "%s/tracktwo-%s.backup", small, stamp);
	admin_write_file(name, "", 0);
	assert_int_equal(chown(small, owner.st_uid, owner.st_gid), 0);
	snprintf(setting, sizeof setting, "backup.directory=%s", small);
	harness->settings[0] = setting;
	int status;
	json_t *items = examine(harness, &status);
	assert_int_equal(umount(small), 0);
	assert_true(has(items, "disk", "bad", "are free for the backups", "delete what is not needed"));
	assert_int_equal(status, 1);
	json_decref(items);
	harness->settings[0] = NULL;
}

/* `tracktwo WORDS` with the harness's places: its status, and in *said, to be freed, all that it printed. */
static int command(const struct harness *harness, const char *words, char **said)
{
	char line[1024], program[400], path[200];
	size_t size;
	harness_program(program, sizeof program);
	*strrchr(program, '/') = '\0';
	snprintf(path, sizeof path, "%s/said", harness->folder);
	snprintf(line, sizeof line, "%s/tracktwo --socket %s %s --set daemon.state_dir=%s --set daemon.socket=%s >%s 2>&1",
	         program, harness->socket, words, harness->state, harness->socket, path);
	int status = system(line);
	char *text = admin_read_file(path, &size);
	*said = strndup(text, size);
	free(text);
	return WEXITSTATUS(status);
}

static void expect_command(const struct harness *harness, int status, const char *words, const char *expected)
{
	char *said;
	int got = command(harness, words, &said);
	if (got != status || !strstr(said, expected))
		fail_msg("%s: status %d, and said: %s\nexpected status %d, and: %s", words, got, said, status, expected);
	free(said);
}

/* Over the socket, and by the command line. */
static void test_method_and_command(void **state)
{
	struct harness *harness = *state;
	struct client client;
	client_open(&client, harness);
	json_t *answer = client_result(&client, "system.doctor", NULL);
	assert_true(has(json_object_get(answer, "items"), "locale", "ok", "UTF8", NULL));
	char *newest = harness_query(harness, "SELECT max(version) FROM store.migration");
	assert_int_equal(at_integer(answer, "schema_version"), atoi(newest));
	free(newest);
	json_decref(answer);
	client_close(&client);
	expect_command(harness, 0, "doctor", "daemon\tok\tthe daemon answers");
	expect_command(harness, 0, "doctor", "functions\tok\t");
	expect_command(harness, 2, "doctor --nonsense", "write: tracktwo doctor");

	assert_int_equal(harness_stop(harness), 0);
	expect(harness, "database", "bad", "no daemon runs", "systemctl start tracktwod");
	expect(harness, "socket", "bad", "is not there", "systemctl start tracktwod");
	expect_command(harness, 1, "doctor", "daemon\tbad\tno daemon listens");
	expect_command(harness, 1, "doctor", "backups\tok\t");
	admin_begin_again(harness);
	expect_sound(harness);
}

/* With it no daemon begins, and whoever asks the doctor why is told. */
static void test_wrong_configuration(void **state)
{
	struct harness *harness = *state;
	char path[200], words[300], expected[300], *said;
	snprintf(path, sizeof path, "%s/wrong.conf", harness->folder);
	snprintf(words, sizeof words, "doctor --config %s", path);
	admin_write_file(path, "[daemon]\nmax_clints = 3\n", 24);
	snprintf(expected, sizeof expected, "configuration\tbad\t%s:2: unknown key \"max_clints\"", path);
	expect_command(harness, 1, words, expected);
	expect_command(harness, 1, words, "\"tracktwod --check-config\" says when it is right");
	assert_int_equal(command(harness, words, &said), 1);
	assert_null(strstr(said, "may not look"));
	/* What the daemon, which began before, finds is there all the same. */
	assert_non_null(strstr(said, "locale\tok\t"));
	free(said);
	snprintf(words, sizeof words, "--lang ko --table doctor --config %s", path);
	expect_command(harness, 1, words, "알 수 없는 키");
	snprintf(words, sizeof words, "doctor --config %s", path);
	admin_write_file(path, "[daemon]\nmax_clients = 3\n", 25);
	expect_command(harness, 0, words, "permissions\tok\tthe configuration");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backups),
	    cmocka_unit_test(test_permissions),
	    cmocka_unit_test(test_release),
	    cmocka_unit_test(test_delivery),
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_database),
	    cmocka_unit_test(test_disk),
	    cmocka_unit_test(test_method_and_command),
	    cmocka_unit_test(test_wrong_configuration),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
