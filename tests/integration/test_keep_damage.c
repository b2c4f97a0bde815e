/* Keep, damaged: a damaged backup is recognised, whatever is damaged; a full disk leaves none that looks whole; and
 * whoever is killed in the middle has lost nothing. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/keep/archive.h"
#include "guard.h"

static void test_damaged(void **state)
{
	struct harness *harness = *state;
	char *file = admin_newest(harness), damaged[260];
	size_t length;
	char *bytes = admin_read_file(file, &length);
	struct archive archive;
	struct err err;
	assert_true(archive_open(&archive, file, &err));
	size_t dump = (size_t)archive.dump_length;
	archive_close(&archive);
	snprintf(damaged, sizeof damaged, "%s/damaged.backup", admin_scratch(harness, "damaged"));
	const size_t cuts[] = {0, 1, 511, 512, 600, dump / 2, 512 + dump, length - 1024, length - 1};
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		admin_write_file(damaged, bytes, cuts[i]);
		ADMIN_EXPECT(harness, 1, "damaged.backup", "verify-backup", damaged);
	}
	/* One bit each: the head's name and size, the dump at its head, middle and end, the manifest, the last byte. */
	const size_t places[] = {3,          130,           300,           512,          517,       512 + dump / 2,
	                         511 + dump, length - 2000, length - 1100, length - 700, length - 1};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		bytes[places[i]] = (char)(bytes[places[i]] ^ 0x10);
		admin_write_file(damaged, bytes, length);
		char *said;
		if (ADMIN(harness, &said, "verify-backup", damaged) != 1)
			fail_msg("a changed byte at %zu of %zu was not seen: %s", places[i], length, said);
		free(said);
		bytes[places[i]] = (char)(bytes[places[i]] ^ 0x10);
	}
	char folder[200];
	snprintf(folder, sizeof folder, "%s/damaged", harness->folder);
	assert_int_equal(admin_files(folder, ".verified"), 0);
	/* Longer than it was. */
	char *longer = calloc(1, length + 512);
	assert_non_null(longer);
	memcpy(longer, bytes, length);
	admin_write_file(damaged, longer, length + 512);
	ADMIN_EXPECT(harness, 1, "cut off, or longer", "verify-backup", damaged);
	admin_write_file(damaged, bytes, length);
	ADMIN_EXPECT(harness, 0, "right: restored", "verify-backup", damaged);
	free(longer);
	free(bytes);
	free(file);
}

/* pg_dump of the harness's database by the test itself. */
static char *dump_of(const struct harness *harness, const char *options, size_t *length)
{
	char command[500], path[100];
	snprintf(path, sizeof path, "%s/own.dump", harness->folder);
	snprintf(command, sizeof command, "pg_dump -Fc -n store %s -h %s/postgres/socket -U postgres tracktwo | cat > %s",
	         options, harness->state, path);
	assert_int_equal(system(command), 0);
	return admin_read_file(path, length);
}

/* Sound by all digests, and yet not what was backed up. */
static void test_forged(void **state)
{
	struct harness *harness = *state;
	struct archive archive;
	struct err err;
	char forged[260];
	size_t length;
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	char *file = admin_newest(harness);
	assert_true(archive_open(&archive, file, &err));
	snprintf(forged, sizeof forged, "%s/forged.backup", admin_scratch(harness, "forged"));
	char *whole = dump_of(harness, "", &length);

	admin_forge(forged, whole, length, archive.manifest);
	ADMIN_EXPECT(harness, 0, "right: restored", "verify-backup", forged);
	json_t *rows = admin_item(archive.manifest, "engagement");
	json_int_t count = json_integer_value(json_object_get(rows, "rows"));
	json_object_set_new(rows, "rows", json_integer(count + 1));
	admin_forge(forged, whole, length, archive.manifest);
	ADMIN_EXPECT(harness, 1, "engagement has", "verify-backup", forged);
	json_object_set_new(rows, "rows", json_integer(count));

	size_t less;
	char *without = dump_of(harness, "-T store.holiday", &less);
	admin_forge(forged, without, less, archive.manifest);
	ADMIN_EXPECT(harness, 1, "holiday is missing", "verify-backup", forged);
	free(without);

	without = dump_of(harness, "--exclude-table-data=store.note", &less);
	admin_forge(forged, without, less, archive.manifest);
	ADMIN_EXPECT(harness, 1, "note has 0 rows and had", "verify-backup", forged);
	free(without);

	/* Of the same shape, with other contents. */
	admin_log(harness, 1);
	without = dump_of(harness, "", &less);
	admin_forge(forged, without, less, archive.manifest);
	ADMIN_EXPECT(harness, 1, "engagement has", "verify-backup", forged);
	free(without);

	json_t *version = json_incref(json_object_get(archive.manifest, "schema_version"));
	json_object_set_new(archive.manifest, "schema_version", json_integer(9999));
	admin_forge(forged, whole, length, archive.manifest);
	assert_int_equal(harness_stop(harness), 0);
	ADMIN_EXPECT(harness, 1, "this release knows", "restore", "--replace", forged);
	json_object_set_new(archive.manifest, "schema_version", version);
	json_object_set_new(archive.manifest, "database_id", json_string("another"));
	admin_forge(forged, whole, length, archive.manifest);
	ADMIN_EXPECT(harness, 1, "add --another", "restore", "--replace", forged);
	admin_begin_again(harness);
	archive_close(&archive);
	free(whole);
	free(file);
}

static void test_full_disk(void **state)
{
	struct harness *harness = *state;
	int whole = admin_files(admin_folder(harness), ".backup"), status;
	const long limits[] = {100, 512, 513, 20000, 200000};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		pid_t child = admin_start(harness, -1, limits[i], (const char *const[]){"backup", NULL});
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_int_equal(admin_files(admin_folder(harness), ".backup"), whole);
		assert_int_equal(admin_files(admin_folder(harness), ""),
		                 whole + admin_files(admin_folder(harness), ".verified"));
	}
	if (geteuid() != 0)
		return;
	const char *small = admin_scratch(harness, "small");
	struct stat owner;
	assert_int_equal(stat(small, &owner), 0);
	if (mount("tmpfs", small, "tmpfs", 0, "size=64k") != 0)
		return;
	assert_int_equal(chown(small, owner.st_uid, owner.st_gid), 0);
	char *said;
	int got = ADMIN(harness, &said, "backup", "--to", small);
	int files = admin_files(small, "");
	assert_int_equal(umount(small), 0);
	assert_int_equal(got, 1);
	assert_non_null(strstr(said, "No space left on device"));
	assert_int_equal(files, 0);
	free(said);
}

static void test_killed_backup(void **state)
{
	struct harness *harness = *state;
	int finished = 0, status;
	char *said;
	for (int i = 0; i < 24; i++) {
		int before = admin_files(admin_folder(harness), ".backup");
		pid_t child = admin_start(harness, -1, 0, (const char *const[]){"backup", "--keep", "0", NULL});
		usleep((useconds_t)i * 20000);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		int made = admin_files(admin_folder(harness), ".backup") - before;
		assert_in_range(made, 0, 1);
		finished += made;
		if (made == 1) {
			struct archive archive;
			struct err err;
			char *file = admin_newest(harness);
			assert_true(archive_open(&archive, file, &err));
			archive_close(&archive);
			free(file);
		}
	}
	print_message("%d of 24 killed backups were finished\n", finished);
	assert_true(finished < 24);
	/* What they left goes with the next one. */
	assert_int_equal(ADMIN(harness, &said, "backup", "--keep", "0"), 0);
	free(said);
	assert_int_equal(admin_files(admin_folder(harness), ""),
	                 admin_files(admin_folder(harness), ".backup") + admin_files(admin_folder(harness), ".verified"));
	char *file = admin_newest(harness);
	ADMIN_EXPECT(harness, 0, "right: restored", "verify-backup", file);
	free(file);
}

/* Killed at any moment, the store is the old one, or the restored one, and whole. */
static void test_killed_restore(void **state)
{
	struct harness *harness = *state;
	ADMIN_EXPECT(harness, 0, ".backup", "backup");
	char *file = admin_newest(harness), *restored = admin_contents(harness);
	admin_log(harness, 3);
	char *old = admin_contents(harness);
	int status, olds = 0;
	/* From before anything has begun, on any machine, to long after the commit. */
	enum { FIRST_US = 20000 };
	assert_string_not_equal(old, restored);
	for (int i = 0; i < 8; i++) {
		harness_stop(harness);
		pid_t child = admin_start(harness, -1, 0, (const char *const[]){"restore", "--replace", file, NULL});
		usleep((useconds_t)(FIRST_US << i));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		admin_begin_again(harness);
		char *now = admin_contents(harness);
		olds += strcmp(now, old) == 0;
		if (strcmp(now, old) != 0 && strcmp(now, restored) != 0)
			fail_msg("killed after %d us, the store is neither the old one nor the restored one", FIRST_US << i);
		bool is_old = strcmp(now, old) == 0;
		free(now);
		if (!is_old)
			break;
	}
	print_message("%d restores were killed before their commit\n", olds);
	assert_true(olds > 0);
	harness_stop(harness);
	ADMIN_EXPECT(harness, 0, "restored", "restore", "--replace", file);
	admin_begin_again(harness);
	free(file);
	free(old);
	free(restored);
}

static int fill(void **state)
{
	int status = harness_group_setup(state);
	char *said;
	admin_log(*state, 3);
	assert_int_equal(ADMIN(*state, &said, "backup"), 0);
	free(said);
	return status;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_damaged),       cmocka_unit_test(test_forged),         cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_killed_backup), cmocka_unit_test(test_killed_restore),
	};
	return cmocka_run_group_tests(tests, fill, harness_group_teardown);
}
