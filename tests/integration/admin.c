/* Admin: a child with pipes, and what can be seen of a folder. */
#include "admin.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/keep/archive.h"
#include "keep/folder.h"

enum { PATIENCE_MS = 120000 };

_Noreturn static void become(const struct harness *harness, int output, long limit, const char *const *words)
{
	const char *all[40] = {"--admin"};
	for (size_t count = 1; *words; words++)
		all[count++] = *words;
	if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
		_exit(126);
	if (limit)
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)limit, (rlim_t)limit});
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	harness_exec(harness, all);
}

pid_t admin_start(const struct harness *harness, int output, long limit, const char *const *words)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		become(harness, output, limit, words);
	return child;
}

static int run(const struct harness *harness, char **said, long limit, const char *const *words)
{
	FILE *output = tmpfile();
	int status = 0;
	assert_non_null(output);
	pid_t child = admin_start(harness, fileno(output), limit, words);
	long long until = harness_now_ms() + PATIENCE_MS;
	while (waitpid(child, &status, WNOHANG) != child) {
		if (harness_now_ms() > until) {
			kill(child, SIGKILL);
			fail_msg("%s takes too long", words[0]);
		}
		usleep(2000);
	}
	if (said) {
		char *text = calloc(1, 65536);
		assert_non_null(text);
		rewind(output);
		assert_true(fread(text, 1, 65535, output) < 65535);
		*said = text;
	}
	fclose(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int admin_run(const struct harness *harness, char **said, const char *const *words)
{
	return run(harness, said, 0, words);
}

void admin_expect(const struct harness *harness, int status, const char *expected, const char *const *words)
{
	char *said;
	int got = admin_run(harness, &said, words);
	if (got != status || !strstr(said, expected))
		fail_msg("%s: status %d, and said: %s\nexpected status %d, and: %s", words[0], got, said, status, expected);
	free(said);
}

const char *admin_folder(const struct harness *harness)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/backups", harness->state);
	return path;
}

static bool ends_with(const char *text, const char *ending)
{
	size_t length = strlen(text), behind = strlen(ending);
	return length >= behind && strcmp(text + length - behind, ending) == 0;
}

int admin_files(const char *folder, const char *ending)
{
	int count = 0;
	DIR *stream = opendir(folder);
	for (const struct dirent *entry; stream && (entry = readdir(stream)) != NULL;)
		count +=
		    strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && ends_with(entry->d_name, ending);
	if (stream)
		closedir(stream);
	return count;
}

char *admin_newest(const struct harness *harness)
{
	struct arena arena = {0};
	struct folder folder;
	struct err err;
	char path[400];
	assert_true(folder_read(&folder, &arena, admin_folder(harness), &err));
	assert_true(folder.count > 0);
	snprintf(path, sizeof path, "%s/%s", admin_folder(harness), folder.entries[folder.count - 1].name);
	arena_release(&arena);
	return strdup(path);
}

char *admin_contents(const struct harness *harness)
{
	return harness_query(
	    harness,
	    "SELECT string_agg(c.relname || query_to_xml(format('SELECT md5(string_agg((to_jsonb(t) - ''xact'')::text, "
	    "chr(10)"
	    " ORDER BY (to_jsonb(t) - ''xact'')::text)) AS m FROM store.%I AS t', c.relname), true, false, '')::text, ''"
	    " ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'store'::regnamespace AND c.relkind = 'r'"
	    " AND c.relname <> 'change_origin'");
}

void admin_await_server_end(const struct harness *harness)
{
	char path[128];
	snprintf(path, sizeof path, "%s/postgres/data/postmaster.pid", harness->state);
	for (int i = 0; i < 400 && access(path, F_OK) == 0; i++)
		usleep(50000);
	assert_int_not_equal(access(path, F_OK), 0);
}

json_t *admin_engagement(const char *title, const char *request_id)
{
	json_t *params = json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:s}", "title", title, "kind", "meeting", "starts_on",
	                           "2026-05-01", "countries", "KP", "workstreams", "1.2", "private_notes", "for me alone");
	if (request_id)
		json_object_set_new(params, "request_id", json_string(request_id));
	return params;
}

void admin_log(const struct harness *harness, int count)
{
	struct client client;
	client_open(&client, harness);
	for (int i = 0; i < count; i++)
		json_decref(client_result(&client, "engagement.log", admin_engagement("판문점 회담", NULL)));
	client_close(&client);
}

void admin_begin_again(struct harness *harness)
{
	harness_start(harness);
	harness_await(harness);
}

/* A folder of the test's own, for the daemon's user. */
const char *admin_scratch(const struct harness *harness, const char *name)
{
	static char path[200];
	struct stat owner;
	snprintf(path, sizeof path, "%s/%s", harness->folder, name);
	assert_int_equal(stat(harness->state, &owner), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, owner.st_uid, owner.st_gid), 0);
	return path;
}

char *admin_read_file(const char *path, size_t *length)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	char *bytes = malloc((size_t)status.st_size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
	close(fd);
	*length = (size_t)status.st_size;
	return bytes;
}

void admin_write_file(const char *path, const char *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

json_t *admin_item(json_t *manifest, const char *name)
{
	size_t index;
	json_t *item;
	json_array_foreach(json_object_get(manifest, "items"), index, item)
		if (strcmp(json_string_value(json_object_get(item, "item")), name) == 0)
			return item;
	fail_msg("%s is not measured", name);
	return NULL;
}

void admin_forge(const char *path, const char *dump, size_t length, json_t *manifest)
{
	struct archive_draft draft;
	struct err err;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_true(archive_begin(&draft, fd, &err));
	assert_true(archive_add(&draft, dump, length, &err));
	assert_true(archive_finish(&draft, manifest, &err));
	close(fd);
}
