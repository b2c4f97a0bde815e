/* Cluster with a real PostgreSQL: made, started, killed, left behind, stopped. Root runs it as the database's user. */
#include "guard.h"
#include "harness.h"
#include "cluster/cluster.h"

#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <libpq-fe.h>

static char folder[64];
static struct event_base *base;
static enum cluster_state state_now;
static char message_now[600];
static int changes;

static void on_state(enum cluster_state state, const char *message, void *context)
{
	(void)context;
	state_now = state;
	snprintf(message_now, sizeof message_now, "%s", message);
	changes++;
	event_base_loopbreak(base);
}

static struct cluster *make(const char *state_dir, const char *bin, struct err *err)
{
	const struct cluster_options options = {state_dir, bin, on_state, NULL};
	return cluster_new(base, &options, err);
}

static int64_t now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
}

static bool wait_for(enum cluster_state state, int seconds)
{
	struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	event_add(tick, &(struct timeval){0, 100000});
	int before = changes;
	for (int64_t until = now_ms() + seconds * 1000; now_ms() < until && (changes == before || state_now != state);) {
		if (changes != before && state_now == CLUSTER_FAILED)
			break;
		event_base_loop(base, EVLOOP_ONCE);
	}
	event_free(tick);
	if (changes == before || state_now != state)
		print_message("state %d: %s\n", (int)state_now, message_now);
	return changes != before && state_now == state;
}

static pid_t server_pid(void)
{
	char path[128], line[32] = "";
	snprintf(path, sizeof path, "%s/postgres/data/postmaster.pid", folder);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	fclose(file);
	return atoi(line);
}

static bool answers(const struct cluster *cluster, const char *sql, const char *expected)
{
	PGconn *connection = PQconnectdb(cluster_superuser_dsn(cluster));
	if (PQstatus(connection) != CONNECTION_OK)
		print_message("%s\n", PQerrorMessage(connection));
	PGresult *result = PQexec(connection, sql);
	bool same = PQresultStatus(result) == PGRES_TUPLES_OK && strcmp(PQgetvalue(result, 0, 0), expected) == 0;
	if (!same)
		print_message("%s: %s%s\n", sql, PQerrorMessage(connection),
		              PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	PQfinish(connection);
	return same;
}

static bool gone(pid_t pid, int seconds)
{
	for (int i = 0; i < seconds * 20 && kill(pid, 0) == 0; i++)
		usleep(50000);
	return kill(pid, 0) != 0;
}

static void test_first_start(void **state)
{
	(void)state;
	struct err err;
	struct cluster *cluster = make(folder, "", &err), *second;
	assert_non_null(cluster);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_RUNNING, 30));
	assert_true(answers(cluster, "SHOW fsync", "on"));
	assert_true(answers(cluster, "SHOW listen_addresses", ""));
	assert_true(answers(cluster, "SHOW data_checksums", "on"));
	assert_true(answers(cluster, "SHOW log_error_verbosity", "terse"));
	assert_true(answers(cluster, "SHOW TimeZone", "UTC"));
	assert_true(answers(cluster, "SELECT datctype FROM pg_database WHERE datname = 'template0'", "C.UTF-8"));
	assert_true(answers(cluster, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL", "0"));
	assert_true(answers(cluster, "SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL", "0"));
	char path[128];
	struct stat status;
	snprintf(path, sizeof path, "%s/postgres/data.new", folder);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof path, "%s/postgres/socket", folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(getpgid(server_pid()), server_pid());
	pid_t pid = fork();
	if (pid == 0) {
		second = make(folder, "", &err);
		_exit(!second && strstr(err.message, "another daemon") ? 0 : 1);
	}
	int ended;
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_int_equal(ended, 0);
	pid = server_pid();
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 30));
	assert_true(gone(pid, 0));
	cluster_free(cluster);
}

static void test_start_again(void **state)
{
	(void)state;
	struct err err;
	struct cluster *cluster = make(folder, "", &err);
	assert_non_null(cluster);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_RUNNING, 10));
	pid_t first = server_pid();
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_true(wait_for(CLUSTER_STARTING, 5));
	assert_non_null(strstr(message_now, "signal 9"));
	assert_true(wait_for(CLUSTER_RUNNING, 20));
	assert_true(server_pid() != first);
	assert_true(answers(cluster, "SELECT 1", "1"));
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 30));
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 5));
	cluster_free(cluster);
}

/* A "daemon" in a process of its own, so that it can be killed. Returns when its server runs. */
static pid_t start_daemon(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		base = event_base_new();
		struct err err;
		struct cluster *cluster = make(folder, "", &err);
		if (!cluster)
			_exit(1);
		cluster_start(cluster);
		if (!wait_for(CLUSTER_RUNNING, 20) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			event_base_loop(base, EVLOOP_ONCE);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_daemon_killed(void **state)
{
	(void)state;
	pid_t daemon = start_daemon(), server = server_pid();
	assert_true(server > 0 && kill(server, 0) == 0);
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	assert_true(gone(server, 10));
}

/* A server without the tie to a daemon, as an old kernel or a debugger may leave one. */
static void test_stray_server(void **state)
{
	(void)state;
	char program[256], data[128], link[64];
	pid_t daemon = start_daemon(), server = server_pid();
	snprintf(link, sizeof link, "/proc/%ld/exe", (long)server);
	ssize_t length = readlink(link, program, sizeof program - 1);
	assert_true(length > 0);
	program[length] = '\0';
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	assert_true(gone(server, 10));
	snprintf(data, sizeof data, "%s/postgres/data", folder);
	pid_t stray = fork();
	if (stray == 0) {
		execl(program, program, "-D", data, NULL);
		_exit(127);
	}
	while (server_pid() != stray)
		usleep(10000);
	struct err err;
	struct cluster *cluster = make(folder, "", &err);
	assert_non_null(cluster);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_RUNNING, 15));
	int ended;
	assert_int_equal(waitpid(stray, &ended, WNOHANG), stray);
	assert_true(server_pid() != stray);
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 30));
	cluster_free(cluster);
}

/* A lock file whose process id now belongs to something else, as happens when a container starts anew. */
static void test_used_process_id(void **state)
{
	(void)state;
	char path[128];
	snprintf(path, sizeof path, "%s/postgres/data/postmaster.pid", folder);
	pid_t other = fork();
	if (other == 0) {
		pause();
		_exit(0);
	}
	FILE *file = fopen(path, "we");
	fprintf(file, "%ld\n%s/postgres/data\n1\n5432\n%s/postgres/socket\n\n\nready   \n", (long)other, folder, folder);
	fclose(file);
	struct err err;
	struct cluster *cluster = make(folder, "", &err);
	cluster_start(cluster);
	bool runs = wait_for(CLUSTER_RUNNING, 15);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	assert_true(runs);
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 30));
	cluster_free(cluster);
}

static void test_cannot_start(void **state)
{
	(void)state;
	struct err err;
	char path[128];
	struct cluster *cluster = make(folder, "/nonexistent", &err);
	assert_non_null(cluster);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_FAILED, 5));
	assert_non_null(strstr(message_now, "postgres_bin"));
	cluster_free(cluster);

	snprintf(path, sizeof path, "%s/postgres/data/local.conf", folder);
	FILE *file = fopen(path, "we");
	fputs("shared_buffers = much\n", file);
	fclose(file);
	cluster = make(folder, "", &err);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_FAILED, 15));
	assert_non_null(strstr(message_now, "FATAL"));
	cluster_free(cluster);
	unlink(path);

	char version[128];
	snprintf(version, sizeof version, "%s/postgres/data/PG_VERSION", folder);
	file = fopen(version, "we");
	fputs("9\n", file);
	fclose(file);
	cluster = make(folder, "", &err);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_FAILED, 5));
	assert_non_null(strstr(message_now, "install the package postgresql-9"));
	cluster_free(cluster);
	assert_null(make("/nonexistent", "", &err));
	assert_non_null(strstr(err.message, "/nonexistent"));
}

static void run_once_at(const char *path, char *dsn, size_t size)
{
	struct err err;
	struct cluster *cluster = make(path, "", &err);
	assert_non_null(cluster);
	cluster_start(cluster);
	assert_true(wait_for(CLUSTER_RUNNING, 30));
	assert_true(answers(cluster, "SELECT 1", "1"));
	snprintf(dsn, size, "%s", cluster_dsn(cluster));
	cluster_stop(cluster);
	assert_true(wait_for(CLUSTER_STOPPED, 30));
	cluster_free(cluster);
}

/* Full of what configuration files and connection strings must quote; then too long for a socket. */
static void test_awkward_path(void **state)
{
	(void)state;
	char path[256], longer[256], dsn[512], socket_dir[128];
	snprintf(path, sizeof path, "%s/it's, a \"bad\" \\ way", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	run_once_at(path, dsn, sizeof dsn);
	assert_int_equal(sscanf(dsn, "host='%127[^']'", socket_dir), 1);
	assert_null(strstr(socket_dir, folder));
	assert_int_equal(rmdir(socket_dir), 0);
	snprintf(longer, sizeof longer, "%.100s/it's\\\"", folder);
	assert_int_equal(mkdir(longer, 0700), 0);
	run_once_at(longer, dsn, sizeof dsn);
	assert_non_null(strstr(dsn, folder));
	snprintf(longer, sizeof longer, "%.100s/%080d", folder, 1);
	assert_int_equal(mkdir(longer, 0700), 0);
	run_once_at(longer, dsn, sizeof dsn);
	assert_int_equal(sscanf(dsn, "host='%127[^']'", socket_dir), 1);
	assert_null(strstr(socket_dir, folder));
	assert_int_equal(rmdir(socket_dir), 0);
}

/* As root: to the daemon's user, or the database's. */
static void drop_root(void)
{
	if (geteuid() != 0)
		return;
	struct passwd *user = getpwnam("tracktwo");
	if (!user)
		user = getpwnam("postgres");
	if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) {
		fprintf(stderr, "cannot become tracktwo or postgres\n");
		exit(1);
	}
	/* Sanitizers look into /proc/self. */
	prctl(PR_SET_DUMPABLE, 1);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int group_setup(void **state)
{
	(void)state;
	harness_folder(folder, sizeof folder);
	base = event_base_new();
	return base ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	event_base_free(base);
	/* A failed test may have left a server. */
	pid_t pid = server_pid();
	if (pid > 0 && kill(pid, SIGINT) == 0)
		gone(pid, 10);
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_start),     cmocka_unit_test(test_start_again),
	    cmocka_unit_test(test_daemon_killed),   cmocka_unit_test(test_stray_server),
	    cmocka_unit_test(test_used_process_id), cmocka_unit_test(test_awkward_path),
	    cmocka_unit_test(test_cannot_start),
	};
	drop_root();
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
