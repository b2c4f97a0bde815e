/* Migrate with a real PostgreSQL, made by the cluster room. Migrations and api are this file's own. The tests build on
 * each other, in order. Root runs it as the database's user. */
#include "guard.h"
#include "harness.h"
#include "io/migrate.h"

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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <libpq-fe.h>

#include "cluster/cluster.h"

#define FIRST "CREATE TABLE store.note (id integer PRIMARY KEY, body text);\n"
#define SECOND "INSERT INTO store.note VALUES (1, 'kept');\n"

static char second[200] = SECOND;

const struct migrate_file migrate_migrations[] = {
    {"0001_note.sql", FIRST},
    {"0002_first.sql", second},
    {NULL, NULL},
};

const struct migrate_file migrate_api[] = {
    {"common.sql", "CREATE FUNCTION schema_version() RETURNS integer LANGUAGE plpgsql STABLE AS $$\n"
                   "BEGIN RETURN (SELECT max(version) FROM store.migration); END $$;\n"
                   "CREATE FUNCTION helper() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'help'; END $$;\n"},
    {"note.sql",
     "CREATE FUNCTION note_get(p_caller uuid, p_id integer) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$\n"
     "BEGIN RETURN (SELECT jsonb_build_object('body', body, 'help', helper()) FROM store.note WHERE id = p_id);\n"
     "END $$;\n"
     "CREATE FUNCTION note_add(p_caller uuid, p_id integer, p_body text) RETURNS text LANGUAGE plpgsql AS $$\n"
     "BEGIN INSERT INTO store.note VALUES (p_id, p_body); RETURN '{}'; END $$;\n"},
    {NULL, NULL},
};

static const struct migrate_function functions[] = {
    {"note_get", "p_caller uuid, p_id integer", false},
    {"note_add", "p_caller uuid, p_id integer, p_body text", true},
};

enum { FUNCTIONS = 2 };

static char folder[64];
static struct event_base *base;
static struct cluster *cluster;
static enum cluster_state cluster_now;
static char *progress;

static void on_state(enum cluster_state state, const char *message, void *context)
{
	(void)context;
	cluster_now = state;
	if (message[0])
		print_message("%s\n", message);
	event_base_loopbreak(base);
}

static PGconn *connect_to(const char *dsn)
{
	PGconn *connection = PQconnectdb(dsn);
	if (PQstatus(connection) != CONNECTION_OK)
		print_message("%s", PQerrorMessage(connection));
	assert_int_equal(PQstatus(connection), CONNECTION_OK);
	return connection;
}

/* The first value, or "!SQLSTATE"; the caller frees it. */
static char *ask_on(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	char answer[400] = "";
	if (status == PGRES_TUPLES_OK && PQntuples(result) > 0)
		snprintf(answer, sizeof answer, "%s", PQgetvalue(result, 0, 0));
	else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		snprintf(answer, sizeof answer, "!%s", PQresultErrorField(result, PG_DIAG_SQLSTATE));
	PQclear(result);
	char *copy = strdup(answer);
	assert_non_null(copy);
	return copy;
}

static void expect(const char *dsn, const char *expected, const char *sql)
{
	PGconn *connection = connect_to(dsn);
	char *answer = ask_on(connection, sql);
	PQfinish(connection);
	if (strcmp(answer, expected) != 0)
		print_message("%s\n", sql);
	assert_string_equal(answer, expected);
	free(answer);
}

/* As the owner. */
static void run(const char *sql)
{
	PGconn *connection = connect_to(cluster_admin_dsn(cluster));
	free(ask_on(connection, "SET ROLE tracktwo_owner"));
	char *answer = ask_on(connection, sql);
	PQfinish(connection);
	if (answer[0] == '!')
		print_message("%s\n", sql);
	assert_int_not_equal(answer[0], '!');
	free(answer);
}

static FILE *open_progress(size_t *size)
{
	free(progress);
	progress = NULL;
	FILE *file = open_memstream(&progress, size);
	assert_non_null(file);
	return file;
}

static enum migrate_outcome apply_with(const struct migrate_function *wanted, size_t count, struct err *err)
{
	size_t size;
	FILE *file = open_progress(&size);
	memset(err, 0, sizeof *err);
	enum migrate_outcome outcome = migrate_apply(cluster_admin_dsn(cluster), wanted, count, file, err);
	fclose(file);
	return outcome;
}

static void apply(void)
{
	struct err err;
	enum migrate_outcome outcome = apply_with(functions, FUNCTIONS, &err);
	if (outcome != MIGRATE_DONE)
		print_message("%s\n", err.message);
	assert_int_equal(outcome, MIGRATE_DONE);
}

static void apply_refused(const char *why)
{
	struct err err;
	assert_int_equal(apply_with(functions, FUNCTIONS, &err), MIGRATE_REFUSED);
	if (!strstr(err.message, why))
		print_message("%s\n", err.message);
	assert_non_null(strstr(err.message, why));
}

static enum migrate_outcome check_with(const char *dsn, const struct migrate_function *wanted, size_t count,
                                       struct err *err)
{
	size_t size;
	FILE *file = open_progress(&size);
	memset(err, 0, sizeof *err);
	enum migrate_outcome outcome = migrate_check(dsn, wanted, count, file, err);
	fclose(file);
	return outcome;
}

static void check_refused(const char *why)
{
	struct err err;
	assert_int_equal(check_with(cluster_dsn(cluster), functions, FUNCTIONS, &err), MIGRATE_REFUSED);
	if (!strstr(err.message, why))
		print_message("%s\n", err.message);
	assert_non_null(strstr(err.message, why));
}

static void test_unprepared(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(migrate_apply(cluster_superuser_dsn(cluster), functions, FUNCTIONS, NULL, &err), MIGRATE_REFUSED);
	assert_non_null(strstr(err.message, "CREATE ROLE tracktwo_owner NOLOGIN"));
	assert_non_null(strstr(err.message, "CREATE ROLE tracktwo_daemon LOGIN"));
	assert_non_null(strstr(err.message, "GRANT CREATE ON DATABASE postgres TO tracktwo_owner"));
	assert_int_equal(check_with(cluster_dsn(cluster), functions, FUNCTIONS, &err), MIGRATE_REFUSED);
	char dsn[200];
	snprintf(dsn, sizeof dsn, "host=%s/nobody dbname=x", folder);
	assert_int_equal(check_with(dsn, functions, FUNCTIONS, &err), MIGRATE_UNREACHABLE);
	assert_int_equal(migrate_apply(dsn, functions, FUNCTIONS, NULL, &err), MIGRATE_UNREACHABLE);
	assert_int_equal(migrate_apply("no such=thing", functions, FUNCTIONS, NULL, &err), MIGRATE_REFUSED);
}

static void refuse_next(int listener, const char *sqlstate)
{
	char packet[2000], fields[64];
	int link = accept(listener, NULL, NULL);
	if (link < 0 || read(link, packet, sizeof packet) <= 0)
		_exit(1);
	size_t length = (size_t)snprintf(fields, sizeof fields, "SFATAL%cVFATAL%cC%s%cMno%c", 0, 0, sqlstate, 0, 0) + 1;
	const char head[] = {'E', 0, 0, 0, (char)(length + 4)};
	if (write(link, head, sizeof head) < 0 || write(link, fields, length) < 0)
		_exit(1);
	close(link);
}

/* A server that refuses one connection after another by these SQLSTATEs. */
static pid_t start_refusing(const char *const *sqlstates)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", folder);
	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 8), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (; *sqlstates; sqlstates++)
			refuse_next(listener, *sqlstates);
		_exit(0);
	}
	close(listener);
	return child;
}

/* One that was starting when asked for a connection, and up when asked whether it is, has not refused. */
static void test_starting(void **state)
{
	static const char *const starting[] = {"57P03", "57P03", NULL}, *const in_between[] = {"57P03", "28000", "57P03",
	                                                                                       "57P03", NULL};
	static const char *const refusing[] = {"28000", "28000", "28000", "28000", NULL};
	static const struct {
		const char *const *sqlstates;
		enum migrate_outcome outcome;
	} cases[] = {{starting, MIGRATE_UNREACHABLE}, {in_between, MIGRATE_UNREACHABLE}, {refusing, MIGRATE_REFUSED}};
	char dsn[120];
	(void)state;
	snprintf(dsn, sizeof dsn, "host=%s dbname=tracktwo user=tracktwo_daemon", folder);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err;
		int status;
		pid_t server = start_refusing(cases[i].sqlstates);
		assert_int_equal(check_with(dsn, functions, FUNCTIONS, &err), cases[i].outcome);
		assert_int_equal(waitpid(server, &status, 0), server);
		assert_int_equal(status, 0);
	}
}

static void test_bootstrap(void **state)
{
	(void)state;
	struct err err;
	for (int i = 0; i < 2; i++) {
		enum migrate_outcome outcome = migrate_bootstrap(cluster_superuser_dsn(cluster), &err);
		if (outcome != MIGRATE_DONE)
			print_message("%s\n", err.message);
		assert_int_equal(outcome, MIGRATE_DONE);
	}
	expect(cluster_admin_dsn(cluster), "tracktwo_owner",
	       "SELECT datdba::regrole FROM pg_database WHERE datname = current_database()");
	expect(cluster_admin_dsn(cluster), "0",
	       "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tracktwo' AND (rolsuper OR rolbypassrls)");
	struct err missing;
	assert_int_equal(check_with(cluster_dsn(cluster), functions, FUNCTIONS, &missing), MIGRATE_REFUSED);
	assert_non_null(strstr(missing.message, "--migrate"));
}

static void test_apply_twice(void **state)
{
	(void)state;
	apply();
	assert_non_null(strstr(progress, "applied 0001_note.sql\napplied 0002_first.sql\nloaded api_"));
	apply();
	assert_string_equal(progress, "");
	struct err err;
	enum migrate_outcome outcome = check_with(cluster_dsn(cluster), functions, FUNCTIONS, &err);
	if (outcome != MIGRATE_DONE)
		print_message("%s\n", err.message);
	assert_int_equal(outcome, MIGRATE_DONE);
	assert_string_equal(progress, "");
	assert_int_equal(migrate_version(), 2);
	assert_int_equal(strlen(migrate_api_schema()), 20);
	assert_int_equal(check_with(cluster_admin_dsn(cluster), functions, FUNCTIONS, &err), MIGRATE_REFUSED);
	assert_non_null(strstr(err.message, "connect as tracktwo_daemon"));
}

/* What the run-time role may: the methods' functions, and nothing else. */
static void test_rights(void **state)
{
	(void)state;
	char sql[200];
	const char *schema = migrate_api_schema(), *dsn = cluster_dsn(cluster);
	snprintf(sql, sizeof sql, "SELECT %s.note_add(NULL, 2, 'two')", schema);
	expect(dsn, "{}", sql);
	snprintf(sql, sizeof sql, "SELECT %s.note_get(NULL, 1)->>'body'", schema);
	expect(dsn, "kept", sql);
	snprintf(sql, sizeof sql, "SELECT %s.schema_version()", schema);
	expect(dsn, "2", sql);
	snprintf(sql, sizeof sql, "SELECT %s.helper()", schema);
	expect(dsn, "!42501", sql);
	snprintf(sql, sizeof sql, "CREATE FUNCTION %s.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", schema);
	expect(dsn, "!42501", sql);
	static const char *const forbidden[] = {
	    "SELECT * FROM store.note",
	    "SELECT * FROM store.migration",
	    "CREATE TABLE public.t (a int)",
	    "CREATE SCHEMA mine",
	    "CREATE TEMP TABLE t (a int)",
	    "SET ROLE tracktwo_owner",
	    "ALTER ROLE tracktwo_daemon SUPERUSER",
	    "COPY (SELECT 1) TO PROGRAM 'true'",
	    "SELECT pg_read_file('PG_VERSION')",
	};
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
		expect(dsn, "!42501", forbidden[i]);
}

static void test_changed_and_newer(void **state)
{
	(void)state;
	run("UPDATE store.migration SET checksum = 'other' WHERE version = 1");
	apply_refused("0001_note.sql was changed after it was applied");
	run("UPDATE store.migration SET checksum = encode(sha256('" FIRST "'), 'hex') WHERE version = 1");
	apply();
	run("INSERT INTO store.migration VALUES (3, '0003_later.sql', 'x')");
	apply_refused("newer than this binary");
	check_refused("the database is at migration 3, this binary needs 2");
	run("DELETE FROM store.migration WHERE version = 3");
	run("DELETE FROM store.migration WHERE version = 1");
	apply_refused("out of the order");
	run("INSERT INTO store.migration VALUES (1, '0001_note.sql', encode(sha256('" FIRST "'), 'hex'))");
	apply();
}

/* A failing migration leaves nothing, and its error names the file, and the line where the server points at one. */
static void test_failing_migration(void **state)
{
	(void)state;
	run("DELETE FROM store.migration WHERE version = 2");
	check_refused("run tracktwod --migrate");
	apply_refused("0002_first.sql: duplicate key value");
	run("DELETE FROM store.note");
	strcpy(second, "INSERT INTO store.note VALUES (7, '김');\n\nSELECT '한국' AS a, nothing;\n");
	apply_refused("0002_first.sql, line 3: column \"nothing\" does not exist");
	strcpy(second, "COMMIT; SELECT 1");
	apply_refused("0002_first.sql must not end its transaction");
	run("SELECT 1 / (count(*) = 0)::int FROM store.note");
	strcpy(second, SECOND);
	apply();
}

static void test_differences(void **state)
{
	(void)state;
	static const struct migrate_function wanted[] = {
	    {"note_get", "p_caller uuid, p_id bigint", false},
	    {"note_add", "p_caller uuid, p_id integer, p_body text", true},
	    {"note_gone", "p_caller uuid", false},
	    {"helper", "", true},
	};
	struct err err;
	assert_int_equal(check_with(cluster_dsn(cluster), wanted, 4, &err), MIGRATE_REFUSED);
	assert_non_null(strstr(err.message, "note_get(p_caller uuid, p_id bigint) has other arguments"));
	assert_non_null(strstr(err.message, "more differences"));
	assert_non_null(strstr(progress, "note_gone(p_caller uuid) is missing"));
	assert_non_null(strstr(progress, "helper() does not take p_caller first"));
	assert_non_null(strstr(progress, "helper() is not SECURITY DEFINER"));
	assert_non_null(strstr(progress, "note_get(p_caller uuid, p_id integer) is no method's"));
	assert_int_equal(apply_with(wanted, 4, &err), MIGRATE_REFUSED);
	assert_non_null(strstr(progress, "note_gone(p_caller uuid) is missing"));

	char sql[200];
	snprintf(sql, sizeof sql, "ALTER FUNCTION %s.note_add STABLE", migrate_api_schema());
	run(sql);
	check_refused("writes, and so must be VOLATILE");
	snprintf(sql, sizeof sql, "ALTER FUNCTION %s.note_add VOLATILE", migrate_api_schema());
	run(sql);
	snprintf(sql, sizeof sql, "REVOKE EXECUTE ON FUNCTION %s.note_add FROM tracktwo_daemon", migrate_api_schema());
	run(sql);
	check_refused("may not be executed");
	apply();
	assert_non_null(strstr(progress, "opened anew"));
	assert_int_equal(check_with(cluster_dsn(cluster), functions, FUNCTIONS, &err), MIGRATE_DONE);
}

static long long key_of(PGconn *connection, const char *schema)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT ('x' || left(encode(sha256('%s'), 'hex'), 16))::bit(64)::bigint", schema);
	char *answer = ask_on(connection, sql);
	long long key = strtoll(answer, NULL, 10);
	free(answer);
	return key;
}

static void test_stale_schemas(void **state)
{
	(void)state;
	const char *names[] = {"api_0000000000000001", "api_0000000000000002", "api_0000000000000003"};
	char sql[600];
	for (int i = 0; i < 3; i++) {
		snprintf(sql, sizeof sql,
		         "CREATE SCHEMA %s; CREATE FUNCTION %s.a(x int) RETURNS int LANGUAGE sql RETURN x;"
		         "CREATE FUNCTION %s.b() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT %s.a(1); END",
		         names[i], names[i], names[i], names[i]);
		run(sql);
	}
	/* Something outside depends on the third: no CASCADE, and no failure either. */
	run("CREATE VIEW store.leaning AS SELECT api_0000000000000003.b()");
	run("CREATE SCHEMA api_mine");
	PGconn *daemon = connect_to(cluster_dsn(cluster));
	assert_true(key_of(daemon, migrate_api_schema()) == migrate_api_lock());
	snprintf(sql, sizeof sql, "SELECT pg_advisory_lock_shared(%lld)", key_of(daemon, names[1]));
	free(ask_on(daemon, sql));
	apply();
	assert_non_null(strstr(progress, "dropped api_0000000000000001"));
	assert_non_null(strstr(progress, "kept api_0000000000000002: a daemon uses it"));
	assert_non_null(strstr(progress, "kept api_0000000000000003: "));
	PQfinish(daemon);
	run("DROP VIEW store.leaning");
	/* The server lets go of the lock a moment after the client has left. */
	for (int i = 0; i < 50; i++) {
		apply();
		if (!strstr(progress, "kept"))
			break;
		usleep(100000);
	}
	snprintf(sql, sizeof sql,
	         "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname ~ '^api_'"
	         " AND nspname <> '%s'",
	         migrate_api_schema());
	expect(cluster_admin_dsn(cluster), "api_mine", sql);
}

static void test_waits_for_another(void **state)
{
	(void)state;
	PGconn *other = connect_to(cluster_admin_dsn(cluster));
	char sql[100];
	snprintf(sql, sizeof sql, "SELECT pg_advisory_lock(%lld)", key_of(other, "tracktwo migrate"));
	free(ask_on(other, sql));
	pid_t child = fork();
	if (child == 0) {
		struct err err;
		_exit(apply_with(functions, FUNCTIONS, &err) == MIGRATE_DONE && strstr(progress, "waiting") ? 0 : 1);
	}
	int ended = -1;
	usleep(500000);
	assert_int_equal(waitpid(child, &ended, WNOHANG), 0);
	free(ask_on(other, "SELECT pg_advisory_unlock_all()"));
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
	PQfinish(other);
}

static void test_c_locale(void **state)
{
	(void)state;
	PGconn *super = connect_to(cluster_superuser_dsn(cluster));
	free(ask_on(super, "CREATE DATABASE plain OWNER tracktwo_owner TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"));
	free(ask_on(super, "CREATE DATABASE latin OWNER tracktwo_owner TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C'"
	                   " LC_CTYPE 'C'"));
	PQfinish(super);
	static const char *const names[] = {"plain", "latin"};
	for (int i = 0; i < 2; i++) {
		char dsn[1200];
		struct err err;
		snprintf(dsn, sizeof dsn, "%.1000s dbname=%s", cluster_admin_dsn(cluster), names[i]);
		assert_int_equal(migrate_apply(dsn, functions, FUNCTIONS, NULL, &err), MIGRATE_REFUSED);
		assert_non_null(strstr(err.message, "LC_CTYPE C"));
		snprintf(dsn, sizeof dsn, "%.1000s dbname=%s", cluster_dsn(cluster), names[i]);
		assert_int_equal(migrate_check(dsn, functions, FUNCTIONS, NULL, &err), MIGRATE_REFUSED);
		assert_non_null(strstr(err.message, "LC_CTYPE C"));
	}
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
	struct err err;
	const struct cluster_options options = {folder, "", on_state, NULL};
	cluster = cluster_new(base, &options, &err);
	if (!cluster) {
		print_message("%s\n", err.message);
		return -1;
	}
	cluster_start(cluster);
	event_base_dispatch(base);
	return cluster_now == CLUSTER_RUNNING ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	cluster_stop(cluster);
	while (cluster_now != CLUSTER_STOPPED)
		event_base_dispatch(base);
	cluster_free(cluster);
	event_base_free(base);
	free(progress);
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unprepared),
	    cmocka_unit_test(test_starting),
	    cmocka_unit_test(test_bootstrap),
	    cmocka_unit_test(test_apply_twice),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_changed_and_newer),
	    cmocka_unit_test(test_failing_migration),
	    cmocka_unit_test(test_differences),
	    cmocka_unit_test(test_stale_schemas),
	    cmocka_unit_test(test_waits_for_another),
	    cmocka_unit_test(test_c_locale),
	};
	drop_root();
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
