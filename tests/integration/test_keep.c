/* Keep: a way back. Everything that was acknowledged before a backup is there after the loss of the cluster and a
 * restore, and does what it did; so it is in a cluster made anew, and on a server of one's own. */
#include "admin.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/keep/archive.h"
#include "cluster/hold.h"
#include "io/migrate_db.h"
#include "guard.h"

/* As a disk that is gone. */
static void lose(struct harness *harness)
{
	char command[160];
	harness_kill(harness);
	admin_await_server_end(harness);
	snprintf(command, sizeof command, "rm -rf '%s/postgres'", harness->state);
	assert_int_equal(system(command), 0);
}

/* Writes until it is told to stop; how many were acknowledged stands in shared memory. */
struct writing {
	volatile bool stop;
	volatile long acknowledged;
};

static pid_t start_writer(const struct harness *harness, struct writing *writing)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0)
		return child;
	struct client client;
	client_open(&client, harness);
	while (!writing->stop) {
		json_t *answer = client_call(&client, "engagement.log", admin_engagement("while a backup is made", NULL));
		if (!answer || !json_object_get(answer, "result"))
			_exit(1);
		json_decref(answer);
		writing->acknowledged++;
	}
	_exit(0);
}

#define REPEATED "7d9f3f0a-30bb-4c3c-9b70-0c8a39e1a001"

static char *token_of(struct client *client)
{
	json_t *me = client_result(client, "session.whoami", NULL);
	json_t *token =
	    client_result(client, "token.create", json_pack("{s:s}", "principal_id", at_string(me, "principal_id")));
	char *text = strdup(at_string(token, "token"));
	json_decref(me);
	json_decref(token);
	return text;
}

static void set_reminder(struct client *client, const struct harness *harness, const char *note, int in_s)
{
	char sql[128];
	snprintf(sql, sizeof sql,
	         "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '%d s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", in_s);
	char *due = harness_query(harness, sql);
	json_decref(client_result(client, "reminder.create", json_pack("{s:s, s:s}", "note", note, "due_at", due)));
	free(due);
}

static void expect_reminder(struct client *client, const char *note)
{
	json_decref(client_result(client, "reminder.subscribe", NULL));
	for (;;) {
		json_t *message = client_read(client, 30000);
		const char *came = json_string_value(at(message, "params.reminder.note"));
		bool theirs = came && strcmp(came, note) == 0;
		json_decref(message);
		if (theirs)
			return;
	}
}

static void test_loss_and_return(void **state)
{
	struct harness *harness = *state;
	struct writing *writing = mmap(NULL, sizeof *writing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct client client;
	assert_true(writing != MAP_FAILED);
	client_open(&client, harness);
	json_t *first = client_result(&client, "engagement.log", admin_engagement("repeated after the loss", REPEATED));
	char *token = token_of(&client);
	set_reminder(&client, harness, "still comes", 12);
	pid_t writer = start_writer(harness, writing);
	while (writing->acknowledged < 20)
		usleep(1000);
	long before = writing->acknowledged;
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	long after = writing->acknowledged;
	writing->stop = true;
	int status;
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	client_close(&client);
	assert_true(after > before);

	char *file = admin_newest(harness);
	ADMIN_EXPECT(harness, 0, "right: restored", "verify-backup", file);
	lose(harness);
	ADMIN_EXPECT(harness, 0, "restored, and every table compared", "restore", file);
	admin_begin_again(harness);

	long there = harness_count(harness, "SELECT count(*) FROM store.engagement WHERE title LIKE 'while a%'");
	assert_true(there >= before && there <= after + 1);
	/* Nobody but a superuser, and who makes a backup, sees these. */
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.note"), there + 1);
	client_open(&client, harness);
	json_t *again = client_result(&client, "engagement.log", admin_engagement("repeated after the loss", REPEATED));
	assert_true(json_equal(first, again));
	json_decref(client_result(&client, "session.login", json_pack("{s:s}", "token", token)));
	expect_reminder(&client, "still comes");
	client_close(&client);
	json_decref(first);
	json_decref(again);
	free(token);
	free(file);
	munmap(writing, sizeof *writing);
}

/* What a restore keeps under the names of this second and of the next 120. */
static const char make_kept[] =
    "DO $$ BEGIN FOR i IN 0..120 LOOP EXECUTE format('CREATE SCHEMA %I AUTHORIZATION tracktwo_owner',"
    " 'store_before_' || to_char(now() AT TIME ZONE 'UTC' + make_interval(secs => i), 'YYYYMMDD\"t\"HH24MISS\"z\"'));"
    " END LOOP; END $$; SELECT 1";

static void test_nothing_differs(void **state)
{
	struct harness *harness = *state;
	admin_log(harness, 5);
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	char *before = admin_contents(harness), *file = admin_newest(harness);
	assert_true(strlen(before) > 1000);
	admin_log(harness, 1);
	char *changed = admin_contents(harness);
	assert_string_not_equal(before, changed);
	/* As if a restore had been in this second already, whichever it will be. */
	free(harness_query(harness, make_kept));
	assert_int_equal(harness_stop(harness), 0);
	ADMIN_EXPECT(harness, 1, "there is a store in this database; with --replace", "restore", file);
	ADMIN_EXPECT(harness, 0, "what stood here is kept as store_before_", "restore", "--replace", file);
	admin_begin_again(harness);
	/* What stands there is the backup's, as it was, before anything is written again. */
	char *after = admin_contents(harness);
	assert_string_equal(before, after);
	/* And what stood there before is whole. */
	char *schema =
	    harness_query(harness, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'store\\_before\\_%z\\_2'");
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM %s.engagement) - (SELECT count(*) FROM store.engagement)",
	         schema);
	assert_int_equal(harness_count(harness, sql), 1);
	ADMIN_EXPECT(harness, 0, schema, "kept");
	ADMIN_EXPECT(harness, 1, "nothing is kept under the name", "kept", "--drop", "store_before_20010101t000000z");
	ADMIN_EXPECT(harness, 1, "nothing is kept under the name", "kept", "--drop", "store");
	ADMIN_EXPECT(harness, 0, "", "kept", "--drop", schema);
	assert_int_equal(
	    harness_count(harness, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'store\\_before\\_%z\\_2'"), 0);
	free(before);
	free(changed);
	free(after);
	free(schema);
	free(file);
}

static void test_refusals(void **state)
{
	struct harness *harness = *state;
	char *file = admin_newest(harness);
	ADMIN_EXPECT(harness, 1, "another daemon uses", "restore", "--replace", file);
	ADMIN_EXPECT(harness, 1, "another daemon uses", "backup", "--offline");
	ADMIN_EXPECT(harness, 1, "a daemon uses", "upgrade-cluster", "--same-version");
	ADMIN_EXPECT(harness, 1, "there is nothing to do", "upgrade-cluster");
	ADMIN_EXPECT(harness, 1, "No such file", "verify-backup", "/nowhere/at-all.backup");
	ADMIN_EXPECT(harness, 1, "never replaces a file", "backup", "--to", file);
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin restore FILE", "restore");
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin verify-backup FILE", "verify-backup", file, file);
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin backup", "backup", "--replace");
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin move", "move");
	ADMIN_EXPECT(harness, 2, "write one of", "backups");
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin backup", "backup", "--keep", "-1");
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin backup", "backup", "--keep", "10001");
	ADMIN_EXPECT(harness, 2, "write: tracktwo admin backup", "backup", "--keep", "");
	free(file);
}

static void test_two_at_once(void **state)
{
	struct harness *harness = *state;
	int folder = open(admin_folder(harness), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) == 0);
	ADMIN_EXPECT(harness, 1, "another backup is being made", "backup");
	close(folder);
	/* For real: each ends well, or says so; both are never one file. */
	int before = admin_files(admin_folder(harness), ".backup"), status, done = 0;
	pid_t pair[2];
	for (int i = 0; i < 2; i++)
		pair[i] = admin_start(harness, -1, 0, (const char *const[]){"backup", "--keep", "0", NULL});
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pair[i], &status, 0), pair[i]);
		done += status == 0;
	}
	assert_true(done >= 1);
	assert_int_equal(admin_files(admin_folder(harness), ".backup"), before + done);
}

static void test_rotation(void **state)
{
	struct harness *harness = *state;
	const char *folder = admin_scratch(harness, "rotated");
	char kept[200], first[260] = "";
	snprintf(kept, sizeof kept, "%s", folder);
	for (int i = 1; i <= 3; i++) {
		char *said;
		assert_int_equal(ADMIN(harness, &said, "backup", "--to", kept, "--keep", "3"), 0);
		if (i == 1)
			snprintf(first, sizeof first, "%.*s", (int)strcspn(said, "\n"), said);
		free(said);
		assert_int_equal(admin_files(kept, ".backup"), i);
	}
	/* The fourth is one too many. */
	ADMIN_EXPECT(harness, 0, "deleted 1 older", "backup", "--to", kept, "--keep", "3");
	assert_int_equal(admin_files(kept, ".backup"), 3);
	assert_int_not_equal(access(first, F_OK), 0);
	/* Outside its own folder, nothing goes unasked; 0 keeps all. */
	ADMIN_EXPECT(harness, 0, ".backup", "backup", "--to", kept);
	ADMIN_EXPECT(harness, 0, ".backup", "backup", "--to", kept, "--keep", "0");
	ADMIN_EXPECT(harness, 0, ".backup", "backup", "--to", kept, "--keep", "10000");
	assert_int_equal(admin_files(kept, ".backup"), 6);
	/* The last verified one stays, however old. */
	char *said;
	assert_int_equal(ADMIN(harness, &said, "backup", "--to", kept, "--verify"), 0);
	char proven[260];
	snprintf(proven, sizeof proven, "%.*s", (int)strcspn(said, "\n"), said);
	free(said);
	ADMIN_EXPECT(harness, 0, ".backup", "backup", "--to", kept);
	ADMIN_EXPECT(harness, 0, "deleted 7 older", "backup", "--to", kept, "--keep", "1");
	assert_int_equal(admin_files(kept, ".backup"), 2);
	assert_int_equal(access(proven, F_OK), 0);
	assert_int_equal(admin_files(kept, ".verified"), 1);
	/* A newer one verified, the old one may go. */
	ADMIN_EXPECT(harness, 0, "deleted 2 older", "backup", "--to", kept, "--keep", "1", "--verify");
	assert_int_equal(admin_files(kept, ".backup"), 1);
	assert_int_equal(admin_files(kept, ".verified"), 1);
	/* The clock was set back: what was just made has the oldest name, and stays. A link and a folder are no backups. */
	char later[300];
	snprintf(later, sizeof later, "%s/tracktwo-29991231T000000Z.backup", kept);
	admin_write_file(later, "", 0);
	snprintf(later, sizeof later, "%s/tracktwo-29981231T000000Z.backup", kept);
	assert_int_equal(mkdir(later, 0700), 0);
	snprintf(later, sizeof later, "%s/tracktwo-29971231T000000Z.backup", kept);
	assert_int_equal(symlink("/etc/passwd", later), 0);
	assert_int_equal(ADMIN(harness, &said, "backup", "--to", kept, "--keep", "1"), 0);
	snprintf(first, sizeof first, "%.*s", (int)strcspn(said, "\n"), said);
	free(said);
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(faccessat(AT_FDCWD, later, F_OK, AT_SYMLINK_NOFOLLOW), 0);
}

/* One scrape over a Unix socket, to be freed. */
static char *scrape(const char *path)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text = calloc(1, 1 << 20);
	size_t length = 0;
	assert_non_null(text);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(write(fd, request, sizeof request - 1), sizeof request - 1);
	for (ssize_t got; (got = read(fd, text + length, (1 << 20) - 1 - length)) > 0;)
		length += (size_t)got;
	close(fd);
	return text;
}

/* The folder is read by a child of the daemon's, a moment after its start. */
static void test_metrics(void **state)
{
	struct harness *harness = *state;
	char path[200], setting[260], empty[300];
	snprintf(path, sizeof path, "%s/http", harness->state);
	snprintf(setting, sizeof setting, "daemon.http=%s", path);
	snprintf(empty, sizeof empty, "backup.directory=%s", admin_scratch(harness, "empty"));
	char *file = admin_newest(harness);
	ADMIN_EXPECT(harness, 0, "right", "verify-backup", file);
	assert_int_equal(harness_stop(harness), 0);
	harness->settings[0] = setting;
	admin_begin_again(harness);
	long age = -1, verified = -1;
	for (int i = 0; i < 100 && age < 0; i++) {
		char *text = scrape(path);
		const char *at = strstr(text, "\ntracktwo_backup_age_seconds ");
		const char *proven = strstr(text, "\ntracktwo_backup_verified_age_seconds ");
		if (at && proven) {
			age = atol(strchr(at, ' '));
			verified = atol(strchr(proven, ' '));
		}
		free(text);
		usleep(50000);
	}
	assert_in_range(age, 0, 600);
	assert_int_equal(verified, age);
	assert_int_equal(harness_stop(harness), 0);
	harness->settings[1] = empty;
	admin_begin_again(harness);
	usleep(500000);
	char *text = scrape(path);
	assert_non_null(strstr(text, "tracktwo_build_info"));
	assert_null(strstr(text, "tracktwo_backup_"));
	free(text);
	assert_int_equal(harness_stop(harness), 0);
	harness->settings[0] = harness->settings[1] = NULL;
	admin_begin_again(harness);
	free(file);
}

static void test_permissions(void **state)
{
	struct harness *harness = *state;
	struct stat status;
	char *file = admin_newest(harness);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(admin_folder(harness), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	free(file);
}

/* Whoever wrote while the new cluster is filled would write what stays behind: no daemon can begin. */
static void upgrade_in_peace(const struct harness *harness)
{
	char filled[200], said[4096];
	struct cluster_look look;
	struct err err;
	int status, looks = 0;
	FILE *output = tmpfile();
	assert_non_null(output);
	snprintf(filled, sizeof filled, "%s/upgrade/postgres/data", harness->state);
	pid_t child =
	    admin_start(harness, fileno(output), 0, (const char *const[]){"upgrade-cluster", "--same-version", NULL});
	while (waitpid(child, &status, WNOHANG) != child) {
		bool before = access(filled, F_OK) == 0;
		assert_true(cluster_look(harness->state, &look, &err));
		if (before && access(filled, F_OK) == 0) {
			assert_true(look.served);
			looks++;
		}
		usleep(2000);
	}
	rewind(output);
	said[fread(said, 1, sizeof said - 1, output)] = '\0';
	fclose(output);
	if (status != 0 || !strstr(said, "every table was compared; start the daemon"))
		fail_msg("status %d, and said: %s", status, said);
	assert_true(looks > 0);
}

static void test_cluster_anew(void **state)
{
	struct harness *harness = *state;
	char path[200], line[64] = "", *said;
	char *before = admin_contents(harness);
	assert_int_equal(harness_stop(harness), 0);
	/* Settings of one's own go along. */
	snprintf(path, sizeof path, "%s/postgres/data/local.conf", harness->state);
	admin_write_file(path, "work_mem = '5MB'\n", 17);
	upgrade_in_peace(harness);
	admin_begin_again(harness);
	char *after = admin_contents(harness), *setting = harness_query(harness, "SHOW work_mem");
	assert_string_equal(before, after);
	assert_string_equal(setting, "5MB");
	assert_int_equal(ADMIN(harness, &said, "kept"), 0);
	assert_memory_equal(said, "data.before-15-", 15);
	snprintf(line, sizeof line, "%.*s", (int)strcspn(said, "\n\t"), said);
	free(said);
	ADMIN_EXPECT(harness, 0, "", "kept", "--drop", line);
	assert_int_equal(ADMIN(harness, &said, "kept"), 0);
	assert_string_equal(said, "");
	free(said);
	free(before);
	free(after);
	free(setting);
}

/* The backup of a server of one's own: by a login that is no superuser, and that row-level security binds. */
static void test_move(void **state)
{
	struct harness *harness = *state;
	struct harness other;
	char to[300], dsn[300], admin_dsn[320], wrong[300];
	harness_init_empty(&other);
	admin_begin_again(&other);
	free(harness_query(&other, "CREATE DATABASE mine OWNER tracktwo_owner TEMPLATE template0"));
	snprintf(to, sizeof to, "host=%s/postgres/socket dbname=mine user=tracktwo_admin", other.state);
	snprintf(wrong, sizeof wrong, "host=%s/postgres/socket dbname=tracktwo user=tracktwo_admin", other.state);
	char *before = admin_contents(harness);
	long notes = harness_count(harness, "SELECT count(*) FROM store.note");
	assert_true(notes > 0);
	ADMIN_EXPECT(harness, 1, "another daemon uses", "move", "--to", to);
	ADMIN_EXPECT(harness, 1, "leave the password out", "move", "--to", "host=localhost password=geheim");
	ADMIN_EXPECT(harness, 1, "leave the password out", "move", "--to", "postgresql://me:geheim@localhost/mine");
	ADMIN_EXPECT(harness, 1, "is no connection string", "move", "--to", "host=localhost geheim");
	assert_int_equal(harness_stop(harness), 0);
	ADMIN_EXPECT(harness, 1, "there is a store in that database already", "move", "--to", wrong);
	snprintf(wrong, sizeof wrong, "host=%s/postgres/socket dbname=nowhere user=tracktwo_admin", other.state);
	ADMIN_EXPECT(harness, 1, "does not exist", "move", "--to", wrong);
	ADMIN_EXPECT(harness, 0, "moved, and every table compared", "move", "--to", to);
	/* Two stores must not grow apart. */
	ADMIN_EXPECT(harness, 1, "this database was moved to another server", "backup", "--offline");
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=mine user=tracktwo_daemon", other.state);
	snprintf(admin_dsn, sizeof admin_dsn, "database.admin_dsn=%s", to);
	harness->settings[0] = dsn;
	harness->settings[1] = admin_dsn;
	admin_begin_again(harness);
	admin_log(harness, 2);
	ADMIN_EXPECT(harness, 0, "right: restored", "backup", "--verify");
	char *file = admin_newest(harness);
	struct archive archive;
	struct err err;
	assert_true(archive_open(&archive, file, &err));
	assert_int_equal(json_integer_value(json_object_get(admin_item(archive.manifest, "note"), "rows")), notes + 2);
	archive_close(&archive);
	ADMIN_EXPECT(harness, 1, "a daemon serves from this database", "restore", "--replace", file);
	admin_log(harness, 1);
	assert_int_equal(harness_stop(harness), 0);
	/* A daemon that is just beginning, or another restore, is as good as one that serves. */
	struct migrate_db beginner = {.err = &err};
	assert_true(migrate_db_open(&beginner, to, NULL));
	assert_true(migrate_db_runf(&beginner, "", "SELECT pg_advisory_lock(%lld)", migrate_db_key(MIGRATE_DB_LOCK)));
	ADMIN_EXPECT(harness, 1, "another restore is under way", "restore", "--replace", file);
	migrate_db_close(&beginner);
	ADMIN_EXPECT(harness, 0, "restored, and every table compared", "restore", "--replace", file);
	admin_begin_again(harness);
	struct client client;
	client_open(&client, harness);
	json_t *page = client_result(&client, "engagement.history", json_pack("{s:i}", "limit", 1));
	assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
	json_decref(page);
	client_close(&client);
	assert_int_equal(harness_stop(harness), 0);
	harness->settings[0] = harness->settings[1] = NULL;
	snprintf(wrong, sizeof wrong, "%s/postgres/moved", harness->state);
	assert_int_equal(unlink(wrong), 0);
	admin_begin_again(harness);
	/* What was left behind is as it was left. */
	char *after = admin_contents(harness);
	assert_string_equal(before, after);
	free(before);
	free(after);
	free(file);
	harness_release(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loss_and_return),
	    cmocka_unit_test(test_nothing_differs),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_two_at_once),
	    cmocka_unit_test(test_rotation),
	    cmocka_unit_test(test_permissions),
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_cluster_anew),
	    cmocka_unit_test(test_move),
	};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
