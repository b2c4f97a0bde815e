/* Desk: lines for a shell, and what they print. */
#include "desk.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char desk_runtime[DESK_PATH_SIZE], desk_program[DESK_PATH_SIZE];

char desk_out[DESK_TEXT_SIZE], desk_err[DESK_TEXT_SIZE];

void desk_path(char path[DESK_PATH_SIZE], const char *name)
{
	snprintf(path, DESK_PATH_SIZE, "%s/%s", harness->folder, name);
}

void desk_write(const char *name, const char *text, mode_t mode)
{
	char path[DESK_PATH_SIZE];
	desk_path(path, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

void desk_read(const char *path, char text[DESK_TEXT_SIZE])
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t length = fread(text, 1, DESK_TEXT_SIZE - 1, file);
	text[length] = '\0';
	fclose(file);
}

void desk_set_editor(const char *script)
{
	char text[4096], path[DESK_PATH_SIZE];
	snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
	desk_write("editor", text, 0755);
	desk_path(path, "editor");
	setenv("EDITOR", path, 1);
}

int desk_run(const char *input, const char *line)
{
	char command[8192], in[DESK_PATH_SIZE], out_path[DESK_PATH_SIZE], err_path[DESK_PATH_SIZE];
	desk_path(out_path, "out");
	desk_path(err_path, "err");
	desk_path(in, "in");
	if (input)
		desk_write("in", input, 0600);
	snprintf(command, sizeof command, "%s%s%s timeout 60 %s --socket %s %s %s >%s 2>%s", input ? "cat " : "",
	         input ? in : "", input ? " |" : "", desk_program, harness->socket, line, input ? "" : "<&-", out_path,
	         err_path);
	int status = system(command);
	desk_read(out_path, desk_out);
	desk_read(err_path, desk_err);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void desk_expect(int code, const char *input, const char *line)
{
	int found = desk_run(input, line);
	if (found != code)
		fail_msg("%s: %d, not %d\n%s%s", line, found, code, desk_out, desk_err);
}

void desk_expect_said(const char *text)
{
	if (!strstr(desk_err, text))
		fail_msg("no \"%s\" in: %s", text, desk_err);
}

json_t *desk_printed(void)
{
	json_t *value = json_loads(desk_out, 0, NULL);
	if (!value)
		fail_msg("no JSON: %s%s", desk_out, desk_err);
	return value;
}

void desk_keep_id(char id[40])
{
	json_t *record = desk_printed();
	snprintf(id, 40, "%s", at_string(record, "id"));
	json_decref(record);
}

json_t *desk_engagement(const char *id)
{
	return call("engagement.get", json_of("{'id':'%s'}", id));
}

long desk_engagements(void)
{
	return harness_count(harness, "SELECT count(*) FROM store.engagement");
}

void desk_expect_left(size_t kept)
{
	DIR *folder = opendir(desk_runtime);
	const struct dirent *entry;
	size_t found = 0;
	while ((entry = readdir(folder)))
		found += strncmp(entry->d_name, "tracktwo-", 9) == 0;
	closedir(folder);
	assert_int_equal(found, kept);
}

void desk_kept_path(char path[DESK_PATH_SIZE])
{
	const char *at_path = strstr(desk_err, desk_runtime);
	struct stat status;
	assert_non_null(at_path);
	snprintf(path, DESK_PATH_SIZE, "%.*s", (int)strcspn(at_path, "; \n"), at_path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	char folder[DESK_PATH_SIZE];
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

void desk_forget_kept(const char *path)
{
	char folder[DESK_PATH_SIZE];
	assert_int_equal(unlink(path), 0);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(rmdir(folder), 0);
}

int desk_setup(void **state)
{
	single_setup(state);
	assert_non_null(realpath("/proc/self/exe", desk_program));
	char *end = strstr(desk_program, "/tests/integration/");
	assert_non_null(end);
	snprintf(end, sizeof desk_program - (size_t)(end - desk_program), "/tracktwo");
	desk_path(desk_runtime, "runtime");
	assert_int_equal(mkdir(desk_runtime, 0700), 0);
	setenv("XDG_RUNTIME_DIR", desk_runtime, 1);
	unsetenv("VISUAL");
	setenv("LC_ALL", "C.UTF-8", 1);
	json_decref(
	    call("contact.create", json_of("{'country':'CN','names':[{'text':'王毅','kind':'native'},{'text':'왕이','kind':"
	                                   "'alias'}]}")));
	json_decref(call("contact.create", json_of("{'country':'US','name':'Plain Name'}")));
	json_decref(call("contact.create", json_of("{'country':'KR','name':'김철수'}")));
	json_decref(call("contact.create", json_of("{'country':'KP','name':'김철수'}")));
	return 0;
}
