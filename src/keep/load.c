/* Load: pg_restore writes the dump as a script, and psql carries it out between a beginning and an end of our own: what
 * stood there goes aside, and the figures of what was restored are compared before the commit.
 *
 * Invariant: the commit is sent to psql only after pg_restore has ended well, and psql reaches it only when every
 * statement before it did, the comparison included. Whatever breaks, the transaction is rolled back.
 *
 * A dump is a program by whoever wrote it, so it runs as a login with the owner's rights alone, its lines can say
 * nothing to psql itself, what stands aside is locked, and the comparison believes nothing that it has left behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/uuid.h"
#include "child.h"
#include "internal.h"
#include "measure.h"
#include "text/language.h"

enum { CHUNK = 256 * 1024 };

/* The api's functions are bound to the types of the store that they were loaded over. */
static const char drop_api[] =
    "DO $keep$ DECLARE v_schema text; v_routines text; BEGIN\n"
    "FOR v_schema IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_[0-9a-f]{16}$' LOOP\n"
    "SELECT string_agg(oid::regprocedure::text, ', ') INTO v_routines FROM pg_proc WHERE pronamespace ="
    " v_schema::regnamespace;\n"
    "IF v_routines IS NOT NULL THEN EXECUTE 'DROP ROUTINE ' || v_routines; END IF;\n"
    "EXECUTE format('DROP SCHEMA %I', v_schema); END LOOP; END $keep$;\n";

/* What lies outside the store, to find it unchanged: schemas, what is in them, and who may do what. */
static const char outside[] =
    "(SELECT md5(string_agg(o.line, chr(10) ORDER BY o.line)) FROM (\n"
    "SELECT concat_ws(' ', n.nspname, n.nspowner, n.nspacl) FROM pg_namespace n WHERE n.nspname !~ "
    "'^(store$|store_before_|pg_temp_|pg_toast_temp_)'\n"
    "UNION ALL SELECT concat_ws(' ', c.oid, c.relname, c.relowner, c.relacl, c.relnamespace) FROM pg_class c"
    " WHERE c.relnamespace::regnamespace::text !~ '^(store$|pg_toast|pg_temp_)'\n"
    "UNION ALL SELECT p::text FROM pg_proc p WHERE p.pronamespace::regnamespace::text !~ '^(store$|pg_temp_)'\n"
    "UNION ALL SELECT t.oid || ' ' || t.typname FROM pg_type t WHERE t.typnamespace::regnamespace::text !~ "
    "'^(store$|pg_toast|pg_temp_)'\n"
    "UNION ALL SELECT o.oid::text FROM pg_operator o WHERE o.oprnamespace <> coalesce(to_regnamespace('store'), 0)\n"
    "UNION ALL SELECT c::text FROM pg_cast c UNION ALL SELECT a::text FROM pg_auth_members a\n"
    "UNION ALL SELECT s::text FROM pg_db_role_setting s UNION ALL SELECT d::text FROM pg_default_acl d\n"
    "UNION ALL SELECT p::text FROM pg_publication p UNION ALL SELECT l::text FROM pg_largeobject_metadata l) AS "
    "o(line))";

/* Before psql reads the dump, and where the dump cannot reach it: variables of psql's own. */
static const char before[] = "SELECT pg_current_xact_id()::text AS keep_xact, %s AS keep_outside \\gset\n";

/* Temporary tables would stand before the catalogue's in every search path, the comparison's included. */
#define ENDS_ITSELF SAID("the backup is not one of tracktwo: it ends its own transaction")
#define CHANGES_OUTSIDE SAID("the backup is not one of tracktwo: it changes what lies outside the store")
static const char after[] =
    "\nSET standard_conforming_strings = on; DISCARD TEMP; SET ROLE tracktwo_owner; SET search_path = pg_catalog, "
    "pg_temp;\n"
    "SELECT set_config('tracktwo.xact', :'keep_xact', true), set_config('tracktwo.outside', :'keep_outside', true);\n"
    "DO $keep$ BEGIN IF current_setting('tracktwo.xact') <> pg_current_xact_id()::text THEN"
    " RAISE EXCEPTION '" ENDS_ITSELF "'; END IF;\n"
    "IF current_setting('tracktwo.outside') <> %s THEN RAISE EXCEPTION '" CHANGES_OUTSIDE "'; END IF; END $keep$;\n";

/* Nobody writes to what is about to be set aside, the dump neither. */
static const char lock_store[] =
    "BEGIN; SET LOCAL lock_timeout = '60s'; DO $keep$ DECLARE v_table regclass; BEGIN\n"
    "FOR v_table IN SELECT oid FROM pg_class WHERE relnamespace = 'store'::regnamespace AND relkind = 'r' LOOP\n"
    "EXECUTE format('LOCK TABLE %s IN SHARE MODE', v_table); END LOOP; END $keep$";

static const char *beginning(struct keep *keep, const char *aside)
{
	return arena_printf(
	    &keep->arena,
	    "%s SET statement_timeout = 0; SET lock_timeout = '60s';\nBEGIN;\nSET ROLE tracktwo_owner;\n%s%s\n%s",
	    measure_session, drop_api, aside ? arena_printf(&keep->arena, "ALTER SCHEMA store RENAME TO %s;", aside) : "",
	    arena_printf(&keep->arena, before, outside));
}

/* psql says `proof` behind the commit, and can have learnt it from nobody but us. */
static const char *ending(struct keep *keep, const struct archive *archive, bool catalogue, const char *proof)
{
	return arena_printf(&keep->arena, "%s\n%sCOMMIT;\n\\echo %s\n", arena_printf(&keep->arena, after, outside),
	                    measure_compare(&keep->arena, json_object_get(archive->manifest, "items"), catalogue), proof);
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

/* The script's head, which pg_restore writes: from there on psql takes no command of its own, such as one that runs a
 * program, until it hears a key that pg_restore has made up. */
ERR_CHECKED static bool pump_head(int from, int to, struct err *err)
{
	static const char head[] = "--\n-- PostgreSQL database dump\n--\n\n\\restrict ";
	char got[sizeof head] = "";
	size_t length = 0;
	while (length < sizeof head - 1) {
		ssize_t part = read(from, got + length, sizeof head - 1 - length);
		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			break;
		length += (size_t)part;
	}
	/* One that ends at once has said why. */
	if (length == sizeof head - 1 && strcmp(got, head) != 0)
		return err_set(err, "this pg_restore is too old to keep a forged backup from running programs; install the "
		                    "newest minor version of the package postgresql-client");
	return write_all(to, got, length, err);
}

ERR_CHECKED static bool pump(struct keep *keep, const struct archive *archive, int from, int to, struct err *err)
{
	bool done = pump_head(from, to, err);
	char *chunk = malloc(CHUNK);
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
	int said;             /* psql's output, in memory; -1 = none */
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
	char **environment = child_environment(&keep->arena, store->load_dsn, "", err);
	int from[2] = {-1, -1}, to[2] = {-1, -1};
	*pair = (struct pair){.restore = {.words = -1},
	                      .psql = {.words = -1},
	                      .script = -1,
	                      .commands = -1,
	                      .said = memfd_create("psql", MFD_CLOEXEC)};
	if (!environment)
		return false;
	if (pair->said < 0 || pipe2(from, O_CLOEXEC) != 0 || pipe2(to, O_CLOEXEC) != 0 ||
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
	                environment, to[0], pair->said, err);
	close(from[1]);
	close(to[0]);
	return done;
}

/* psql's own words say more than that it no longer reads. */
static bool end_pair(struct pair *pair, bool done, const char *proof, struct err *err)
{
	char said[4096];
	close_end(&pair->script);
	close_end(&pair->commands);
	child_abandon(&pair->restore);
	if (pair->psql.pid > 0)
		done = child_end(&pair->psql, err) && done;
	child_abandon(&pair->psql);
	off_t size = lseek(pair->said, 0, SEEK_END),
	      from = size > (off_t)sizeof said - 1 ? size - (off_t)sizeof said + 1 : 0;
	ssize_t length = pair->said >= 0 ? pread(pair->said, said, sizeof said - 1, from) : 0;
	said[length > 0 ? length : 0] = '\0';
	close_end(&pair->said);
	return done &&
	       (strstr(said, proof) || err_set(err, "psql: the dump did not come to its end, and nothing was done"));
}

ERR_CHECKED static bool load(struct keep *keep, struct keep_store *store, const struct archive *archive,
                             const char *aside, struct err *err)
{
	bool catalogue = archive_number(archive, "server_major") == store->server_major;
	char proof[UUID_TEXT_SIZE];
	uuid_make(proof);
	const char *first = beginning(keep, aside), *last = ending(keep, archive, catalogue, proof);
	struct pair pair;
	keep->doing = SAID("restoring");
	bool done = start_pair(keep, store, archive, &pair, err) && write_all(pair.commands, first, strlen(first), err) &&
	            pump(keep, archive, pair.script, pair.commands, err) && child_end(&pair.restore, err);
	keep->doing = SAID("comparing");
	keep_progress(0, 0, keep);
	if (done)
		done = write_all(pair.commands, last, strlen(last), err);
	return end_pair(&pair, done, proof, err);
}

bool keep_load(struct keep *keep, struct keep_store *store, const struct archive *archive, const char *aside,
               struct err *err)
{
	if (store->superuser)
		return err_set(err, "what a backup holds is not run as a superuser; name a login that is only a member of "
		                    "tracktwo_owner: CREATE ROLE tracktwo_admin LOGIN IN ROLE tracktwo_owner");
	bool done = (!aside || migrate_db_run(&store->db, "locking the store", lock_store)) &&
	            load(keep, store, archive, aside, err);
	migrate_db_rollback(&store->db);
	return done && migrate_db_run(&store->db, "gathering statistics", "ANALYZE");
}
