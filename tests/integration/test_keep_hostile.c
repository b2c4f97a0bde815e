/* Keep, hostile: a backup is a program by whoever wrote it. One that was forged, sound by all its digests, runs with
 * the owner's rights alone, and leaves no trace behind, neither where it is verified nor where it is restored. */
#include "admin.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/keep/archive.h"

/* A row holds so many of this letter, and in the forged dump a program in their place. */
enum { ROOM = 600, LETTER = 'Q' };

/* Ends the data of its table, says its piece, and takes what is left of the row for a table of its own. */
static char *with_program(const char *dump, size_t length, const char *program)
{
	char room[ROOM + 1], piece[ROOM + 1], text[ROOM + 1];
	memset(room, LETTER, ROOM);
	room[ROOM] = '\0';
	int used = snprintf(text, sizeof text,
	                    "x\t2026-01-01\t2026-01-01\n\\.\n%s\nCREATE TEMP TABLE rest (line text);\nCOPY rest FROM STDIN "
	                    "(DELIMITER '~');\n",
	                    program);
	assert_in_range(used, 1, ROOM);
	memset(piece, ' ', ROOM);
	memcpy(piece, text, (size_t)used);
	char *forged = malloc(length);
	assert_non_null(forged);
	memcpy(forged, dump, length);
	char *at = memmem(forged, length, room, ROOM);
	assert_non_null(at);
	memcpy(at, piece, ROOM);
	return forged;
}

/* What is odd about the tar or the manifest is refused before anything of it is used. */
static void test_shapes(void **state)
{
	struct harness *harness = *state;
	struct archive archive;
	struct err err;
	char forged[260];
	size_t length;
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	char *file = admin_newest(harness), *bytes = admin_read_file(file, &length);
	assert_true(archive_open(&archive, file, &err));
	snprintf(forged, sizeof forged, "%s/forged.backup", admin_scratch(harness, "shapes"));
	/* A link, a device, a path in front of the name, another owner, set-user-id; with the checksum that goes with it.
	 */
	static const struct {
		size_t at;
		const char *says;
	} heads[] = {{156, "2"}, {156, "3"}, {345, "../../etc"}, {157, "/etc/passwd"}, {265, "root"}, {100, "0004755"}};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		char head[512];
		unsigned sum = 0;
		memcpy(head, bytes, sizeof head);
		memcpy(bytes + heads[i].at, heads[i].says, strlen(heads[i].says));
		memset(bytes + 148, ' ', 8);
		for (size_t k = 0; k < sizeof head; k++)
			sum += (unsigned char)bytes[k];
		snprintf(bytes + 148, 7, "%06o", sum);
		admin_write_file(forged, bytes, length);
		ADMIN_EXPECT(harness, 1, "damaged at its head", "verify-backup", forged);
		memcpy(bytes, head, sizeof head);
	}
	admin_write_file(forged, bytes, length);
	ADMIN_EXPECT(harness, 0, "right: restored", "verify-backup", forged);
	json_t *items = json_incref(json_object_get(archive.manifest, "items"));
	json_t *wrong[] = {NULL, json_integer(1), json_array(), json_pack("[{s:i}]", "rows", 1), json_pack("[n]")};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		json_object_del(archive.manifest, "items");
		if (wrong[i])
			json_object_set_new(archive.manifest, "items", wrong[i]);
		admin_forge(forged, bytes + 512, (size_t)archive.dump_length, archive.manifest);
		ADMIN_EXPECT(harness, 1, "says what none says", "verify-backup", forged);
	}
	json_object_set_new(archive.manifest, "items", items);
	json_object_set_new(archive.manifest, "tool_version", json_string("1\x1b]0;title\x07"));
	admin_forge(forged, bytes + 512, (size_t)archive.dump_length, archive.manifest);
	ADMIN_EXPECT(harness, 1, "says what none says", "verify-backup", forged);
	assert_int_equal(unlink(forged), 0);
	assert_int_equal(mkfifo(forged, 0666), 0);
	ADMIN_EXPECT(harness, 1, "is no file", "verify-backup", forged);
	archive_close(&archive);
	free(bytes);
	free(file);
}

/* A backup of the harness's store with the room in it, and the same dump without compression: to be freed. */
static char *open_backup(struct harness *harness, struct archive *archive, size_t *length)
{
	char title[ROOM + 1], command[500], path[100];
	struct client client;
	struct err err;
	memset(title, LETTER, ROOM);
	title[ROOM] = '\0';
	client_open(&client, harness);
	json_t *params = admin_engagement("판문점", NULL);
	json_object_set_new(params, "private_notes", json_string(title));
	json_decref(client_result(&client, "engagement.log", params));
	client_close(&client);
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	char *file = admin_newest(harness);
	assert_true(archive_open(archive, file, &err));
	free(file);
	snprintf(path, sizeof path, "%s/own.dump", harness->folder);
	snprintf(command, sizeof command, "pg_dump -Fc -Z0 -n store -h %s/postgres/socket -U postgres tracktwo | cat > %s",
	         harness->state, path);
	assert_int_equal(system(command), 0);
	return admin_read_file(path, length);
}

/* Over a store: it stands as before, and what would be set aside is out of reach. */
static void restore_hostile(struct harness *harness, const char *forged, const char *dump, size_t length,
                            const struct archive *archive)
{
	char *before = admin_contents(harness), *hostile;
	assert_int_equal(harness_stop(harness), 0);
	hostile = with_program(
	    dump, length,
	    "SET lock_timeout = 500; DO $$ DECLARE v text; BEGIN SELECT nspname INTO v FROM pg_namespace "
	    "WHERE nspname ~ 'store_before'; EXECUTE format('DELETE FROM %I.reminder', v); END $$; COMMIT; BEGIN;");
	admin_forge(forged, hostile, length, archive->manifest);
	free(hostile);
	ADMIN_EXPECT(harness, 1, "lock timeout", "restore", "--replace", forged);
	hostile = with_program(dump, length, "DROP SCHEMA store CASCADE; \\q");
	admin_forge(forged, hostile, length, archive->manifest);
	free(hostile);
	ADMIN_EXPECT(harness, 1, "restricted", "restore", "--replace", forged);
	admin_begin_again(harness);
	char *after = admin_contents(harness);
	assert_string_equal(before, after);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM pg_namespace WHERE nspname ~ 'store_before|trace'"),
	                 0);
	free(before);
	free(after);
}

static void test_programs(void **state)
{
	struct harness *harness = *state;
	struct archive archive;
	char forged[260], trace[260], programs[7][400];
	size_t length;
	char *dump = open_backup(harness, &archive, &length);
	const char *scratch = admin_scratch(harness, "hostile");
	snprintf(forged, sizeof forged, "%s/forged.backup", scratch);
	snprintf(trace, sizeof trace, "%s/trace", scratch);
	snprintf(programs[0], sizeof *programs, "RESET ROLE; COPY (SELECT 1) TO PROGRAM 'touch %s';", trace);
	snprintf(programs[1], sizeof *programs, "\\! touch %s", trace);
	snprintf(programs[2], sizeof *programs, "COMMIT; CREATE SCHEMA trace; BEGIN;");
	snprintf(programs[3], sizeof *programs, "CREATE SCHEMA trace;");
	snprintf(programs[4], sizeof *programs,
	         "SET ROLE tracktwo_owner; CREATE TEMP TABLE pg_class AS SELECT * FROM pg_catalog.pg_class LIMIT 0;");
	snprintf(programs[5], sizeof *programs,
	         "RESET ROLE; ALTER ROLE tracktwo_admin SET search_path = trace; SET ROLE tracktwo_owner;");
	snprintf(programs[6], sizeof *programs, "SET standard_conforming_strings = off; SELECT '\\\\';");
	static const char *const answers[] = {"",
	                                      "restricted",
	                                      "ends its own transaction",
	                                      "outside the store",
	                                      "is not what was backed up",
	                                      "outside the store",
	                                      "not what was backed up"};
	for (size_t i = 0; i < 7; i++) {
		char *hostile = with_program(dump, length, programs[i]);
		admin_forge(forged, hostile, length, archive.manifest);
		free(hostile);
		ADMIN_EXPECT(harness, 1, answers[i], "verify-backup", forged);
		assert_int_not_equal(access(trace, F_OK), 0);
		assert_int_equal(admin_files(scratch, ".verified"), 0);
	}
	restore_hostile(harness, forged, dump, length, &archive);
	archive_close(&archive);
	free(dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_programs)};
	return cmocka_run_group_tests(tests, harness_group_setup, harness_group_teardown);
}
