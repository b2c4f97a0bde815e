/* Load: pg_restore writes the dump as a script, and psql carries it out between a beginning and an end of our own: what
 * stood there goes aside, and the figures of what was restored are compared before the commit.
 *
 * Invariant: the commit is sent to psql only after pg_restore has ended well, and psql reaches it only when every
 * statement before it did, the comparison included. Whatever breaks, the transaction is rolled back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "internal.h"
#include "measure.h"

enum { CHUNK = 256 * 1024 };

/* The api's functions are bound to the types of the store that they were loaded over. */
static const char drop_api[] =
    "DO $keep$ DECLARE v_schema text; v_routines text; BEGIN\n"
    "FOR v_schema IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$' LOOP\n"
    "SELECT string_agg(oid::regprocedure::text, ', ') INTO v_routines FROM pg_proc WHERE pronamespace ="
    " v_schema::regnamespace;\n"
    "IF v_routines IS NOT NULL THEN EXECUTE 'DROP ROUTINE ' || v_routines; END IF;\n"
    "EXECUTE format('DROP SCHEMA %I', v_schema); END LOOP; END $keep$;\n";

static const char *beginning(struct keep *keep, const char *aside)
{
	return arena_printf(
	    &keep->arena,
	    "%s SET statement_timeout = 0; SET lock_timeout = '60s';\nBEGIN;\nSET ROLE tracktwo_owner;\n%s%s\n",
	    measure_session, drop_api, aside ? arena_printf(&keep->arena, "ALTER SCHEMA store RENAME TO %s;", aside) : "");
}

ERR_CHECKED static bool write_all(int fd, const char *bytes, size_t length, struct err *err)
{
	while (length > 0) {
		ssize_t wrote = write(fd, bytes, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return err_set_errno(err, errno, "writing to psql");
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return true;
}

ERR_CHECKED static bool pump(struct keep *keep, const struct archive *archive, int from, int to, struct err *err)
{
	char *chunk = malloc(CHUNK);
	bool done = true;
	if (!chunk)
		abort();
	while (done) {
		ssize_t got = read(from, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			done = err_set_errno(err, errno, "reading from pg_restore");
		if (got <= 0)
			break;
		done = write_all(to, chunk, (size_t)got, err);
		/* pg_restore reads on by the same descriptor. */
		off_t at = lseek(archive->fd, 0, SEEK_CUR);
		if (at > (off_t)archive->dump_at)
			keep_progress((uint64_t)at - archive->dump_at, archive->dump_length, keep);
	}
	free(chunk);
	return done;
}

struct pair {
	struct child restore, psql;
	int script, commands; /* pg_restore's output, psql's input; -1 = closed */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

ERR_CHECKED static bool start_pair(struct keep *keep, struct keep_store *store, const struct archive *archive,
                                   struct pair *pair, struct err *err)
{
	char **environment = child_environment(&keep->arena, store->dsn, "", err);
	int from[2] = {-1, -1}, to[2] = {-1, -1};
	*pair = (struct pair){.restore = {.words = -1}, .psql = {.words = -1}, .script = -1, .commands = -1};
	if (!environment)
		return false;
	if (pipe2(from, O_CLOEXEC) != 0 || pipe2(to, O_CLOEXEC) != 0 ||
	    lseek(archive->fd, (off_t)archive->dump_at, SEEK_SET) < 0) {
		int errnum = errno;
		close_end(&from[0]);
		close_end(&from[1]);
		return err_set_errno(err, errnum, "cannot start pg_restore");
	}
	pair->script = from[0];
	pair->commands = to[1];
	bool done =
	    child_start(&pair->restore, "pg_restore",
	                (const char *const[]){arena_printf(&keep->arena, "%spg_restore", store->programs),
	                                      "--format=custom", "--no-owner", "--file=-", NULL},
	                environment, archive->fd, from[1], err) &&
	    child_start(&pair->psql, "psql",
	                (const char *const[]){arena_printf(&keep->arena, "%spsql", store->programs), "--no-psqlrc",
	                                      "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-", NULL},
	                environment, to[0], -1, err);
	close(from[1]);
	close(to[0]);
	return done;
}

/* psql's own words say more than that it no longer reads. */
static bool end_pair(struct pair *pair, bool done, struct err *err)
{
	close_end(&pair->script);
	close_end(&pair->commands);
	child_abandon(&pair->restore);
	if (pair->psql.pid > 0)
		done = child_end(&pair->psql, err) && done;
	child_abandon(&pair->psql);
	return done;
}

bool keep_load(struct keep *keep, struct keep_store *store, const struct archive *archive, const char *aside,
               struct err *err)
{
	bool catalogue = archive_number(archive, "server_major") == store->server_major;
	const char *first = beginning(keep, aside);
	const char *last = measure_compare(&keep->arena, json_object_get(archive->manifest, "items"), catalogue);
	struct pair pair;
	keep->doing = "restoring";
	bool done = start_pair(keep, store, archive, &pair, err) && write_all(pair.commands, first, strlen(first), err) &&
	            pump(keep, archive, pair.script, pair.commands, err) && child_end(&pair.restore, err);
	keep->doing = "comparing";
	keep_progress(0, 0, keep);
	if (done)
		done = write_all(pair.commands, last, strlen(last), err) && write_all(pair.commands, "COMMIT;\n", 8, err);
	return end_pair(&pair, done, err) && migrate_db_run(&store->db, "gathering statistics", "ANALYZE");
}
