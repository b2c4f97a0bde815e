/* Launcher: a socket, a fork, an environment, a sandbox, an exec. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"
#include "sandbox.h"
#include "unit_file.h"

enum { FIRST_DESCRIPTOR = 3, HIGH_DESCRIPTOR = 200, WATCHDOG_PARTS = 30 };

static const char runtime_folder[] = "/run/tracktwo";

/* What a start hands from the parent to the child. */
struct start {
	const struct launcher *launcher;
	struct sandbox *sandbox;
	struct passwd user;
	int binary, log, door_count, doors[LAUNCHER_DOORS + 1];
	char names[256], unit_name[64];
	bool root;
};

void launcher_init(struct launcher *launcher, struct harness *harness)
{
	*launcher = (struct launcher){.harness = harness, .notify = -1};
	if (system("command -v systemd-analyze >/dev/null") != 0) {
		print_message("skipped: systemd-analyze is missing, which tells what the unit's groups of system calls are; "
		              "install the package systemd\n");
		skip();
	}
}

void launcher_configure(const struct launcher *launcher, const char *text)
{
	char path[128];
	FILE *file;
	snprintf(path, sizeof path, "%s/tracktwo.conf", launcher->harness->folder);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0644), 0);
}

static int bind_unix(const char *path, int type, mode_t mode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0 && strlen(path) < sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(chmod(path, mode), 0);
	return fd;
}

static void open_notify(struct launcher *launcher)
{
	char path[128];
	int one = 1;
	if (launcher->notify >= 0)
		close(launcher->notify);
	snprintf(path, sizeof path, "%s/notify", launcher->harness->folder);
	launcher->notify = bind_unix(path, SOCK_DGRAM, 0777);
	assert_int_equal(setsockopt(launcher->notify, SOL_SOCKET, SO_PASSCRED, &one, sizeof one), 0);
}

/* A mount namespace of one's own, which nothing leaves. */
static bool enter_namespace(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Not as an ordinary user, not in a container without the right, not where the root is no mount point, as in a chroot.
 */
static bool may_enter_namespace(void)
{
	int status = 1;
	pid_t child = fork();
	if (child == 0)
		_exit(enter_namespace() ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool launcher_open_journal(struct launcher *launcher)
{
	char path[128];
	if (!may_enter_namespace()) {
		print_message("skipped: no socket can be put where the journal's is without a mount namespace\n");
		return false;
	}
	snprintf(launcher->journal_folder, sizeof launcher->journal_folder, "%s/journal", launcher->harness->folder);
	assert_int_equal(mkdir(launcher->journal_folder, 0755), 0);
	snprintf(path, sizeof path, "%s/socket", launcher->journal_folder);
	launcher->journal = bind_unix(path, SOCK_DGRAM, 0777);
	return true;
}

/* The one of tracktwod.socket. */
static void open_socket_unit(struct launcher *launcher, struct start *start)
{
	struct unit_file unit;
	struct harness *harness = launcher->harness;
	char where[128], mode[16];
	int fd;

	unit_file_read(&unit, "systemd/tracktwod.socket");
	unit_file_only(&unit, "ListenStream", where, sizeof where);
	unit_file_only(&unit, "SocketMode", mode, sizeof mode);
	unit_file_only(&unit, "FileDescriptorName", start->unit_name, sizeof start->unit_name);
	unit_file_release(&unit);
	if (strncmp(where, runtime_folder, strlen(runtime_folder)) != 0)
		fail_msg("the socket unit listens on %s, not below %s", where, runtime_folder);
	int length =
	    snprintf(harness->socket, sizeof harness->socket, "%s%s", harness->folder, where + strlen(runtime_folder));
	assert_true(length > 0 && (size_t)length < sizeof harness->socket);
	fd = bind_unix(harness->socket, SOCK_STREAM, (mode_t)strtoul(mode, NULL, 8));
	if (start->root)
		assert_int_equal(chown(harness->socket, start->user.pw_uid, start->user.pw_gid), 0);
	assert_int_equal(listen(fd, 128), 0);
	start->doors[start->door_count++] = fd;
}

static void open_doors(struct launcher *launcher, struct start *start)
{
	if (!launcher->without_socket_unit)
		open_socket_unit(launcher, start);
	snprintf(start->names, sizeof start->names, "%s", start->unit_name);
	for (int i = 0; i < LAUNCHER_DOORS - 1 && launcher->doors[i] > 0; i++) {
		size_t length = strlen(start->names);
		start->doors[start->door_count++] = launcher->doors[i];
		snprintf(start->names + length, sizeof start->names - length, "%s%s", length ? ":" : "",
		         launcher->door_names[i]);
	}
}

/* As the daemon chooses its user where nobody named one. */
static void find_user(const struct unit_file *unit, struct start *start)
{
	char name[64];
	const struct passwd *user;
	unit_file_only(unit, "User", name, sizeof name);
	start->root = geteuid() == 0;
	user = start->root ? getpwnam(name) : getpwuid(geteuid());
	if (!user)
		user = getpwnam("postgres");
	assert_non_null(user);
	start->user = *user;
}

static void make_state(const struct unit_file *unit, const struct start *start)
{
	const char *state = start->launcher->harness->state;
	char mode[16];
	unit_file_only(unit, "StateDirectoryMode", mode, sizeof mode);
	if (mkdir(state, (mode_t)strtoul(mode, NULL, 8)) != 0)
		assert_int_equal(errno, EEXIST);
	if (start->root)
		assert_int_equal(chown(state, start->user.pw_uid, start->user.pw_gid), 0);
}

static void set_environment(const struct start *start)
{
	const struct launcher *launcher = start->launcher;
	char text[256];
	struct stat log;

	clearenv();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	snprintf(text, sizeof text, "%s/notify", launcher->harness->folder);
	setenv("NOTIFY_SOCKET", text, 1);
	snprintf(text, sizeof text, "%ld", launcher->watchdog_ms * 1000);
	setenv("WATCHDOG_USEC", text, 1);
	snprintf(text, sizeof text, "%ld", (long)getpid());
	setenv("WATCHDOG_PID", text, 1);
	if (start->door_count > 0) {
		setenv("LISTEN_PID", text, 1);
		snprintf(text, sizeof text, "%d", start->door_count);
		setenv("LISTEN_FDS", text, 1);
		setenv("LISTEN_FDNAMES", start->names, 1);
	}
	if (launcher->journal > 0 && fstat(start->log, &log) == 0) {
		snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)log.st_dev, (unsigned long long)log.st_ino);
		setenv("JOURNAL_STREAM", text, 1);
	}
	/* The leak detector traces its process, which the filter forbids. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

/* In a mount namespace of its own /run holds nothing but the journal's socket. */
static bool enter_journal(const struct launcher *launcher)
{
	if (launcher->journal <= 0)
		return true;
	return enter_namespace() && mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == 0 &&
	       mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0 &&
	       mount(launcher->journal_folder, "/run/systemd/journal", NULL, MS_BIND, NULL) == 0;
}

static void move_descriptors(const struct start *start)
{
	for (int i = 0; i < start->door_count; i++)
		dup2(start->doors[i], HIGH_DESCRIPTOR + i);
	dup2(start->log, STDOUT_FILENO);
	dup2(start->log, STDERR_FILENO);
	dup2(start->binary, HIGH_DESCRIPTOR + LAUNCHER_DOORS + 1);
	for (int i = 0; i < start->door_count; i++)
		dup2(HIGH_DESCRIPTOR + i, FIRST_DESCRIPTOR + i);
	close_range((unsigned)(FIRST_DESCRIPTOR + start->door_count), HIGH_DESCRIPTOR + LAUNCHER_DOORS, 0);
	fcntl(HIGH_DESCRIPTOR + LAUNCHER_DOORS + 1, F_SETFD, FD_CLOEXEC);
}

_Noreturn static void become_daemon(const struct start *start)
{
	static char empty[] = "";
	const struct harness *harness = start->launcher->harness;
	char config[128], state[128], socket[128];
	const char *arguments[40] = {"tracktwod", "-c", config, "-s", state, "-s", socket, "-s", "daemon.http=off"};
	size_t count = 9;

	snprintf(config, sizeof config, "%s/tracktwo.conf", harness->folder);
	snprintf(state, sizeof state, "daemon.state_dir=%s", harness->state);
	snprintf(socket, sizeof socket, "daemon.socket=%s/bound", harness->state);
	for (size_t i = 0; harness->settings[i]; i++) {
		arguments[count++] = "-s";
		arguments[count++] = harness->settings[i];
	}
	guard_process(getpid());
	set_environment(start);
	if (enter_journal(start->launcher)) {
		move_descriptors(start);
		if (sandbox_enter(start->sandbox, start->user.pw_uid, start->user.pw_gid))
			execveat(HIGH_DESCRIPTOR + LAUNCHER_DOORS + 1, empty, (char *const *)(uintptr_t)arguments, environ,
			         AT_EMPTY_PATH);
	}
	perror("launcher");
	_exit(127);
}

void launcher_start(struct launcher *launcher)
{
	struct harness *harness = launcher->harness;
	struct start start = {.launcher = launcher};
	struct unit_file unit;
	char value[64], path[4096];

	unit_file_read(&unit, "systemd/tracktwod.service");
	start.sandbox = sandbox_new(&unit);
	assert_non_null(start.sandbox);
	find_user(&unit, &start);
	make_state(&unit, &start);
	/* A part of it, for nobody wants to wait that long. */
	unit_file_only(&unit, "WatchdogSec", value, sizeof value);
	launcher->watchdog_ms = strtol(value, NULL, 10) * 1000 / WATCHDOG_PARTS;
	unit_file_release(&unit);
	open_notify(launcher);
	open_doors(launcher, &start);
	harness_program(path, sizeof path);
	start.binary = open(path, O_PATH | O_CLOEXEC);
	start.log = open(harness->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	assert_true(start.binary >= 0 && start.log >= 0);
	harness->daemon = fork();
	if (harness->daemon == 0)
		become_daemon(&start);
	assert_true(harness->daemon > 0);
	close(start.binary);
	close(start.log);
	sandbox_free(start.sandbox);
	/* systemd holds on to it, too. */
	if (!launcher->without_socket_unit)
		launcher->held = start.doors[0];
}

const char *launcher_hear(struct launcher *launcher, int timeout_ms)
{
	static char text[1024];
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr header;
	} control;
	struct iovec piece = {text, sizeof text - 1};
	struct msghdr message = {
	    .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct pollfd wait = {.fd = launcher->notify, .events = POLLIN};
	struct ucred sender;
	ssize_t length;

	text[0] = '\0';
	if (poll(&wait, 1, timeout_ms) <= 0)
		return text;
	length = recvmsg(launcher->notify, &message, 0);
	assert_true(length > 0);
	text[length] = '\0';
	assert_non_null(CMSG_FIRSTHDR(&message));
	memcpy(&sender, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof sender);
	if (sender.pid != launcher->harness->daemon)
		fail_msg("a child of the daemon says %s in its name", text);
	return text;
}

const char *launcher_await(struct launcher *launcher, const char *line, int timeout_ms)
{
	long long until = harness_now_ms() + timeout_ms;
	size_t length = strlen(line);
	for (long long left = timeout_ms; left > 0; left = until - harness_now_ms()) {
		const char *heard = launcher_hear(launcher, (int)left);
		for (const char *at = heard; (at = strstr(at, line)) != NULL; at++)
			if ((at == heard || at[-1] == '\n') && (at[length] == '\n' || at[length] == '\0'))
				return heard;
	}
	fail_msg("%s was not said within %d ms", line, timeout_ms);
	return "";
}

void launcher_release(struct launcher *launcher)
{
	if (launcher->notify >= 0)
		close(launcher->notify);
	if (launcher->journal > 0)
		close(launcher->journal);
	if (launcher->held > 0)
		close(launcher->held);
}
