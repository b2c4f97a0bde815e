/* Dump: a backup is made by pg_dump and measured by this process in one snapshot, while the daemon goes on serving.
 *
 * Invariant: a file with a backup's name holds a whole dump and the figures of the same moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "internal.h"
#include "keep/folder.h"
#include "measure.h"
#include "text/language.h"
#include "text/time.h"

enum { CHUNK = 256 * 1024 };

/* The two settings of measure_session that row-level security asks for. */
#define IDENTITY "-c tracktwo.caller=00000000-0000-0000-0000-000000000000 -c tracktwo.backup=yes"

ERR_CHECKED static bool start_dump(struct keep *keep, const struct keep_store *store, const char *snapshot, int output,
                                   struct child *child, struct err *err)
{
	char **environment =
	    child_environment(&keep->arena, store->dsn, IDENTITY " -c idle_in_transaction_session_timeout=0", err);
	const char *arguments[12] = {arena_printf(&keep->arena, "%spg_dump", store->programs),
	                             "--format=custom",
	                             "--schema=store",
	                             "--no-password",
	                             "--lock-wait-timeout=60000",
	                             arena_printf(&keep->arena, "--snapshot=%s", snapshot)};
	if (!store->mighty) {
		arguments[6] = "--role=tracktwo_owner";
		arguments[7] = "--enable-row-security";
	}
	return environment && child_start(child, "pg_dump", arguments, environment, -1, output, err);
}

ERR_CHECKED static bool pump(struct keep *keep, struct archive_draft *draft, int input, struct err *err)
{
	char *chunk = malloc(CHUNK);
	bool done = chunk != NULL;
	if (!chunk)
		abort();
	while (done) {
		ssize_t got = read(input, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			done = err_set_errno(err, errno, "reading from pg_dump");
		if (got <= 0)
			break;
		done = archive_add(draft, chunk, (size_t)got, err);
		keep_progress(draft->length, 0, keep);
	}
	free(chunk);
	return done;
}

ERR_CHECKED static bool copy(struct keep *keep, const struct keep_store *store, const char *snapshot,
                             struct archive_draft *draft, struct err *err)
{
	struct child child = {.words = -1};
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set_errno(err, errno, "cannot start pg_dump");
	bool done = start_dump(keep, store, snapshot, ends[1], &child, err);
	close(ends[1]);
	if (done)
		done = pump(keep, draft, ends[0], err);
	close(ends[0]);
	if (done)
		return child_end(&child, err);
	child_abandon(&child);
	return false;
}

/* What the manifest says beside the figures. */
ERR_CHECKED static bool describe(const struct keep *keep, struct keep_store *store, json_t *manifest, int64_t *made_s,
                                 struct err *err)
{
	char at[TIME_INSTANT_SIZE];
	json_t *identity = measure_identity(&store->db);
	bool found = json_is_object(identity);
	if (identity && !found)
		(void)err_set(err, "there is no store in this database; start the daemon once, or correct [database] dsn");
	PGresult *result = found ? migrate_db_query(&store->db, "reading the clock",
	                                            "SELECT extract(epoch FROM now())::bigint, current_setting("
	                                            "'server_version')",
	                                            0, NULL)
	                         : NULL;
	if (result) {
		*made_s = atoll(PQgetvalue(result, 0, 0));
		time_format_instant(*made_s * 1000000, at);
		json_object_update(manifest, identity);
		json_object_del(manifest, "rows");
		json_object_set_new(manifest, "made_at", json_string(at));
		json_object_set_new(manifest, "tool_version", json_string(keep->options->version));
		json_object_set_new(manifest, "server_version", json_string(PQgetvalue(result, 0, 1)));
		json_object_set_new(manifest, "server_major", json_integer(store->server_major));
	}
	PQclear(result);
	json_decref(identity);
	return result != NULL;
}

/* Inside one snapshot, which lasts as long as the transaction. */
ERR_CHECKED static bool take(struct keep *keep, struct keep_store *store, struct archive_draft *draft, json_t *manifest,
                             int64_t *made_s, struct err *err)
{
	if (!migrate_db_run(&store->db, "taking a snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") ||
	    !describe(keep, store, manifest, made_s, err))
		return false;
	keep->doing = SAID("measuring");
	keep_progress(0, 0, keep);
	json_t *items = measure_take(&store->db);
	if (!items)
		return false;
	json_object_set_new(manifest, "items", items);
	PGresult *result = migrate_db_query(&store->db, "taking a snapshot", "SELECT pg_export_snapshot()", 0, NULL);
	if (!result)
		return false;
	const char *snapshot = arena_strdup(&keep->arena, PQgetvalue(result, 0, 0));
	PQclear(result);
	keep->doing = SAID("dumping");
	return copy(keep, store, snapshot, draft, err) && migrate_db_run(&store->db, "ending the snapshot", "COMMIT");
}

bool keep_dump(struct keep *keep, struct keep_store *store, const char *folder, const char *name, const char **made,
               struct err *err)
{
	struct folder_draft place;
	struct archive_draft draft = {.fd = -1};
	json_t *manifest = json_object();
	int64_t made_s = 0;
	bool done = folder_begin(&place, &keep->arena, folder, err) && archive_begin(&draft, place.fd, err) &&
	            take(keep, store, &draft, manifest, &made_s, err) && archive_finish(&draft, manifest, err) &&
	            folder_finish(&place, &keep->arena, name, made_s, made, err);
	migrate_db_rollback(&store->db);
	archive_abandon(&draft);
	folder_end(&place);
	json_decref(manifest);
	return done;
}
