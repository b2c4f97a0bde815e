/* Tests of base/place: a copy of this program, run with --print from a made-up tree, says where it thinks it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/place.h"

static char home[64];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	strcpy(home, "/tmp/test_place.XXXXXX");
	return mkdtemp(home) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return nftw(home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *under_home(const char *path)
{
	static char text[4096];
	snprintf(text, sizeof text, "%s/%s", home, path);
	return text;
}

static void make_folder(const char *path)
{
	struct err err;
	if (!place_make_directories(under_home(path), 0755, &err))
		fail_msg("%s", err.message);
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	assert_non_null(in);
	assert_non_null(out);
	static char buffer[65536];
	for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;)
		assert_int_equal(fwrite(buffer, 1, got, out), got);
	fclose(in);
	fclose(out);
}

/* Puts a copy of this program to `path` and compares what it prints; `root` NULL: an installation. */
static void stands_in(const char *path, const char *root)
{
	char command[4200], wanted[4200], got[4200] = "";
	copy_file("/proc/self/exe", under_home(path));
	chmod(under_home(path), 0755);
	if (root)
		snprintf(wanted, sizeof wanted, "1 %s%s %s%s/.run %s%s/.run/tracktwo.sock", home, root, home, root, home, root);
	else
		strcpy(wanted, "0  /var/lib/tracktwo /run/tracktwo/tracktwo.sock");
	snprintf(command, sizeof command, "cd / && %s --print", under_home(path));
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(got, sizeof got, pipe));
	assert_int_equal(pclose(pipe), 0);
	assert_string_equal(got, wanted);
	unlink(under_home(path));
}

/* All of it, nothing behind a link, and what is not there is gone already. */
static void test_remove_tree(void **state)
{
	struct err err;
	char path[4200];
	(void)state;
	make_folder("gone/a/b");
	make_folder("stays");
	copy_file("/dev/null", under_home("gone/a/b/file"));
	copy_file("/dev/null", under_home("gone/.hidden"));
	copy_file("/dev/null", under_home("stays/file"));
	strcpy(path, under_home("stays"));
	assert_int_equal(symlink(path, under_home("gone/link")), 0);
	strcpy(path, under_home("gone"));
	assert_true(place_remove_tree(path, &err));
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access(under_home("stays/file"), F_OK), 0);
	assert_true(place_remove_tree(path, &err));
	assert_false(place_remove_tree("/proc/self/fdinfo", &err));
	assert_memory_equal(err.message, "cannot remove /proc/self/fdinfo", 31);
}

static void test_checkouts_and_installations(void **state)
{
	(void)state;
	make_folder("build/tree/build/asan");
	make_folder("build/tree/builds");
	make_folder("build/tree/sql/migrations");
	make_folder("usr/bin");
	stands_in("build/tree/build/p", NULL);
	copy_file("/dev/null", under_home("build/tree/Makefile"));
	stands_in("build/tree/build/p", "/build/tree");
	stands_in("build/tree/build/asan/p", "/build/tree");
	stands_in("build/tree/p", NULL);
	stands_in("build/tree/build/build", "/build/tree");
	stands_in("build/tree/builds/p", NULL);
	stands_in("usr/bin/p", NULL);
	make_folder("sql/migrations");
	stands_in("build/p", NULL);
	copy_file("/dev/null", under_home("Makefile"));
	stands_in("build/p", "");
	stands_in("build/tree/build/p", "/build/tree");
	stands_in("build/tree/builds/p", "");
	rmdir(under_home("build/tree/sql/migrations"));
	stands_in("build/tree/build/p", "");
}

static void test_make_directories(void **state)
{
	(void)state;
	struct err err;
	struct stat status;
	mode_t mask = umask(022);
	make_folder("kept");
	chmod(under_home("kept"), 0711);
	assert_true(place_make_directories(under_home("kept/a//b/"), 0700, &err));
	assert_int_equal(stat(under_home("kept"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0711);
	assert_int_equal(stat(under_home("kept/a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(stat(under_home("kept/a/b"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_true(place_make_directories(under_home("kept/a/b"), 0755, &err));
	assert_true(place_make_directories("/", 0755, &err));
	assert_true(place_make_directories(under_home("kept/new/../other"), 0755, &err));
	umask(mask);
}

static void test_directories_that_cannot_be(void **state)
{
	(void)state;
	struct err err;
	copy_file("/dev/null", under_home("file"));
	assert_false(place_make_directories(under_home("file"), 0755, &err));
	assert_non_null(strstr(err.message, strerror(EEXIST)));
	assert_false(place_make_directories(under_home("file/x"), 0755, &err));
	assert_false(place_make_directories("", 0755, &err));
	char path[PATH_MAX + 1];
	memset(path, '/', sizeof path);
	path[PATH_MAX - 1] = '\0';
	assert_true(place_make_directories(path, 0755, NULL));
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = '\0';
	assert_false(place_make_directories(path, 0755, &err));
	assert_non_null(strstr(err.message, "4095"));
}

/* A listener named `name` in the working directory. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	assert_true(strlen(name) < sizeof address.sun_path);
	memcpy(address.sun_path, name, strlen(name));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static int lowest_free_descriptor(void)
{
	int fd = dup(STDIN_FILENO);
	close(fd);
	return fd;
}

/* Connects to `name` in a folder such that the whole path has `length` bytes. */
static void connects_over(size_t length)
{
	static const char name[] = "d.sock";
	char path[PATH_MAX];
	size_t at = (size_t)snprintf(path, sizeof path, "%s/", under_home("c"));
	while (at + sizeof name < length) {
		size_t part = length - at - sizeof name;
		part = part > 201 ? 200 : part;
		memset(path + at, 'x', part);
		at += part;
		if (at + sizeof name < length)
			path[at++] = '/';
	}
	path[at] = '\0';
	assert_true(place_make_directories(path, 0755, NULL));
	assert_int_equal(chdir(path), 0);
	int before = lowest_free_descriptor();
	int listener = listen_at(name);
	snprintf(path + at, sizeof path - at, "/%s", name);
	assert_int_equal(strlen(path), length);
	struct err err;
	int fd = place_connect(path, &err);
	if (fd < 0)
		fail_msg("%zu bytes: %s", length, err.message);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	int peer = accept(listener, NULL, NULL);
	assert_int_equal(write(fd, "x", 1), 1);
	char byte;
	assert_int_equal(read(peer, &byte, 1), 1);
	close(fd);
	close(peer);
	close(listener);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(place_connect(path, &err), -1);
	assert_non_null(strstr(err.message, "no daemon listens"));
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(lowest_free_descriptor(), before);
}

static void test_connect_at_every_length(void **state)
{
	(void)state;
	static const size_t lengths[] = {60, 100, 106, 107, 108, 109, 250, 1000};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		connects_over(lengths[i]);
}

static void test_connect_fails_in_words(void **state)
{
	(void)state;
	struct err err;
	int before = lowest_free_descriptor();
	assert_int_equal(place_connect("", &err), -1);
	assert_non_null(strstr(err.message, "empty"));
	copy_file("/dev/null", under_home("file"));
	assert_int_equal(place_connect(under_home("file"), &err), -1);
	assert_non_null(strstr(err.message, "start tracktwod"));
	assert_int_equal(place_connect(under_home("file/x"), &err), -1);
	assert_non_null(strstr(err.message, strerror(ENOTDIR)));
	assert_int_equal(place_connect(under_home("file/x"), NULL), -1);
	char path[300];
	int lead = snprintf(path, sizeof path, "%s/", home);
	memset(path + lead, 'n', 150);
	path[lead + 150] = '\0';
	assert_int_equal(place_connect(path, &err), -1);
	assert_non_null(strstr(err.message, "own name is too long"));
	path[lead + 20] = '/';
	assert_int_equal(place_connect(path, &err), -1);
	assert_non_null(strstr(err.message, "cannot open the socket's folder"));
	memset(path, 'n', 150);
	path[150] = '\0';
	assert_int_equal(place_connect(path, &err), -1);
	assert_non_null(strstr(err.message, "too long"));
	assert_int_equal(lowest_free_descriptor(), before);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		struct place place;
		place_find(&place);
		printf("%d %s %s %s", place.checkout, place.root, place.state_dir, place.socket);
		return 0;
	}
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_checkouts_and_installations, begin, end),
	    cmocka_unit_test_setup_teardown(test_remove_tree, begin, end),
	    cmocka_unit_test_setup_teardown(test_make_directories, begin, end),
	    cmocka_unit_test_setup_teardown(test_directories_that_cannot_be, begin, end),
	    cmocka_unit_test_setup_teardown(test_connect_at_every_length, begin, end),
	    cmocka_unit_test_setup_teardown(test_connect_fails_in_words, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
