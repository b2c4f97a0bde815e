/* Cluster_files: paths, configuration and what can be read from a server's files, without a process of its own.
 *
 * Invariant: STATE_DIR/postgres/data is a complete data directory or absent, and nobody but this user gets at it or at
 * the socket: directories are 0700 and ours, and the lock keeps a second daemon from taking a running server for a
 * stray. */
#include "cluster_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/place.h"
#include "cluster/hold.h"
#include "text/digest.h"

#define SOCKET_FILE "/.s.PGSQL.5432"

/* Joins into `path`; the state directory's length has been checked to leave room. */
static void join(char path[static CLUSTER_PATH_SIZE], const char *folder, const char *name)
{
	int length = snprintf(path, CLUSTER_PATH_SIZE, "%s/%s", folder, name);
	if (length >= CLUSTER_PATH_SIZE)
		path[0] = '\0';
}

/* `path` must be a directory of ours that nobody else gets into; it is created when absent. */
ERR_CHECKED static bool own_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_set_errno(err, errno, "cannot create %s", path);
	struct stat status;
	if (lstat(path, &status) != 0)
		return err_set_errno(err, errno, "cannot look at %s", path);
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0)
		return err_set(err, "%s must be a directory of the daemon's user with mode 0700; correct or remove it", path);
	return true;
}

static bool is_own_directory(const char *path)
{
	struct stat status;
	return path && path[0] == '/' && stat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

/* A socket's path holds 107 bytes, a state directory's may have more; and libpq takes a comma for the end of a host. */
ERR_CHECKED static bool choose_socket_dir(struct cluster_files *files, struct err *err)
{
	size_t room = PLACE_SOCKET_PATH_MAX - strlen(SOCKET_FILE);
	if (strlen(files->root) + strlen("/socket") <= room && !strchr(files->root, ',')) {
		snprintf(files->socket_dir, sizeof files->socket_dir, "%.100s/socket", files->root);
		return own_directory(files->socket_dir, err);
	}
	char hex[DIGEST_HEX_SIZE];
	digest_of(files->root, strlen(files->root), hex);
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	if (!is_own_directory(runtime) || strchr(runtime, ',') || strlen(runtime) + strlen("/tracktwo-") + 16 > room)
		runtime = "/tmp";
	snprintf(files->socket_dir, sizeof files->socket_dir, "%.90s/tracktwo-%.16s", runtime, hex);
	return own_directory(files->socket_dir, err);
}

/* A POSIX lock: a child that is forked without exec does not share it. */
ERR_CHECKED static bool take_lock(struct cluster_files *files, struct err *err)
{
	char path[CLUSTER_PATH_SIZE];
	join(path, files->root, "lock");
	files->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (files->lock < 0)
		return err_set_errno(err, errno, "cannot open %s", path);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(files->lock, F_SETLK, &lock) == 0)
		return true;
	if (errno == EACCES || errno == EAGAIN)
		return err_set(err, "another daemon uses %s; stop it, or choose another state_dir", files->root);
	return err_set_errno(err, errno, "cannot lock %s", path);
}

ERR_CHECKED static bool find_user(struct cluster_files *files, struct err *err)
{
	if (geteuid() == 0)
		return err_set(err, "PostgreSQL does not run as root; start the daemon as another user, or set [daemon] user");
	struct passwd *user = getpwuid(geteuid());
	if (!user || strlen(user->pw_name) >= sizeof files->user || strpbrk(user->pw_name, "\"\n"))
		return err_set(err,
		               "the user id %lu has no name that PostgreSQL could know it by; add it to the passwd database",
		               (unsigned long)geteuid());
	memcpy(files->user, user->pw_name, strlen(user->pw_name) + 1);
	return true;
}

bool cluster_files_find(struct cluster_files *files, const char *state_dir, const char *bin, struct err *err)
{
	*files = (struct cluster_files){.lock = -1};
	if (!find_user(files, err))
		return false;
	char *real = realpath(state_dir, NULL);
	if (!real)
		return err_set_errno(err, errno, "cannot use the state_dir %s", state_dir);
	bool fits = strlen(real) < CLUSTER_PATH_SIZE / 2 && strlen(bin) < CLUSTER_PATH_SIZE / 2 && !strpbrk(real, "\n\r");
	if (fits)
		join(files->root, real, "postgres");
	free(real);
	if (!fits)
		return err_set(err, "the state_dir's path cannot be used: it is too long, or holds a line's end");
	memcpy(files->bin, bin, strlen(bin) + 1);
	join(files->data, files->root, "data");
	join(files->data_new, files->root, "data.new");
	join(files->log, files->root, "log");
	join(files->output, files->root, "log/start.log");
	return own_directory(files->root, err) && own_directory(files->log, err) && choose_socket_dir(files, err);
}

/* What was moved must not be served here as well: two stores would grow apart. */
ERR_CHECKED static bool check_not_moved(const struct cluster_files *files, struct err *err)
{
	char path[CLUSTER_PATH_SIZE];
	join(path, files->root, CLUSTER_FILES_MOVED);
	if (access(path, F_OK) != 0)
		return true;
	return err_set(err,
	               "this database was moved to another server: set [database] dsn and admin_dsn as %.300s says, or "
	               "remove that file to go back to what stood here before",
	               path);
}

bool cluster_files_init(struct cluster_files *files, const char *state_dir, const char *bin, struct err *err)
{
	return cluster_files_find(files, state_dir, bin, err) && take_lock(files, err) && check_not_moved(files, err);
}

void cluster_files_release(struct cluster_files *files)
{
	if (files->lock >= 0)
		close(files->lock);
	files->lock = -1;
}

/* The first line of data/PG_VERSION: "15". */
int cluster_files_version(const struct cluster_files *files)
{
	char path[CLUSTER_PATH_SIZE], line[16] = "";
	join(path, files->data, "PG_VERSION");
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	fclose(file);
	return atoi(line);
}

bool cluster_files_have_data(const struct cluster_files *files, struct err *err)
{
	struct stat status;
	err->message[0] = '\0';
	if (lstat(files->data, &status) != 0)
		return errno == ENOENT ? false : err_set_errno(err, errno, "cannot look at %s", files->data);
	if (cluster_files_version(files) == 0)
		return err_set(err, "%s is not a PostgreSQL data directory; move it away, or choose another state_dir",
		               files->data);
	return true;
}

static bool has_programs(int version)
{
	char path[96];
	snprintf(path, sizeof path, CLUSTER_INSTALLED "/%d/bin/postgres", version);
	if (access(path, X_OK) != 0)
		return false;
	snprintf(path, sizeof path, CLUSTER_INSTALLED "/%d/bin/initdb", version);
	return access(path, X_OK) == 0;
}

int cluster_files_newest(void)
{
	int newest = 0;
	DIR *folder = opendir(CLUSTER_INSTALLED);
	if (!folder)
		return 0;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		int version = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		if (version > newest && has_programs(version))
			newest = version;
	}
	closedir(folder);
	return newest;
}

bool cluster_files_program(const struct cluster_files *files, const char *program, char path[static CLUSTER_PATH_SIZE],
                           struct err *err)
{
	if (files->bin[0]) {
		join(path, files->bin, program);
		if (access(path, X_OK) != 0)
			return err_set_errno(err, errno, "cannot run %s; correct [database] postgres_bin", path);
		return true;
	}
	int version = cluster_files_version(files), newest = cluster_files_newest();
	if (version != 0 && !has_programs(version))
		return err_set(err,
		               "the data in %s is PostgreSQL %d's, which is not installed; install the package postgresql-%d",
		               files->data, version, version);
	if (version == 0 && newest == 0)
		return err_set(err,
		               "no PostgreSQL server is installed under %s; install the package postgresql, or set "
		               "[database] postgres_bin",
		               CLUSTER_INSTALLED);
	snprintf(path, CLUSTER_PATH_SIZE, CLUSTER_INSTALLED "/%d/bin/%s", version != 0 ? version : newest, program);
	return true;
}

bool cluster_files_clear_new(const struct cluster_files *files, struct err *err)
{
	return place_remove_tree(files->data_new, err);
}

ERR_CHECKED static bool sync_directory(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	int errnum = errno;
	if (fd >= 0)
		close(fd);
	return synced ? true : err_set_errno(err, errnum, "cannot sync %s", path);
}

bool cluster_files_adopt_new(const struct cluster_files *files, struct err *err)
{
	if (rename(files->data_new, files->data) != 0)
		return err_set_errno(err, errno, "cannot rename %s to %s", files->data_new, files->data);
	return sync_directory(files->root, err);
}

ERR_CHECKED static bool write_whole(const struct cluster_files *files, const char *name, const char *text,
                                    size_t length, struct err *err)
{
	char path[CLUSTER_PATH_SIZE], draft[CLUSTER_PATH_SIZE + 4];
	join(path, files->data, name);
	snprintf(draft, sizeof draft, "%s.new", path);
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot write %s", draft);
	bool written = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
	int errnum = errno;
	close(fd);
	if (!written || rename(draft, path) != 0)
		return err_set_errno(err, written ? errno : errnum, "cannot write %s", path);
	return true;
}

/* As postgresql.conf wants text: quotes and backslashes doubled. */
static void quote_path(FILE *out, const char *setting, const char *folder, const char *name)
{
	fprintf(out, "\n%s = '", setting);
	for (; *folder; folder++) {
		if (*folder == '\'' || *folder == '\\')
			fputc(*folder, out);
		fputc(*folder, out);
	}
	fprintf(out, "%s'", name);
}

/* A list of names inside a quoted setting: the name in double quotes, so that it may hold commas and blanks. */
static void quote_element(FILE *out, const char *text)
{
	fputs("'\"", out);
	for (; *text; text++) {
		if (strchr("'\\\"", *text))
			fputc(*text, out);
		fputc(*text, out);
	}
	fputs("\"'", out);
}

static const char settings_before[] =
    "# Written by tracktwod at every start. Settings of your own go into local.conf beside this file;\n"
    "# those below its include are needed as they are.\n"
    "shared_buffers = 128MB\n"
    "wal_recycle = off\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "datestyle = 'iso, ymd'\n"
    "lc_messages = 'C'\n"
    "default_text_search_config = 'pg_catalog.simple'\n"
    "deadlock_timeout = '100ms'\n"
    "log_line_prefix = '%m [%p] %q%u@%d '\n"
    "include_if_exists 'local.conf'\n"
    "\n"
    "fsync = on\n"
    "synchronous_commit = on\n"
    "full_page_writes = on\n"
    "# Machine code made while running is what a hardened service may not have.\n"
    "jit = off\n"
    "listen_addresses = ''\n"
    "port = 5432\n"
    "unix_socket_permissions = 0700\n"
    "# A week of logs, without statements and their values.\n"
    "log_destination = 'stderr'\n"
    "logging_collector = on\n"
    "log_filename = 'postgresql-%a.log'\n"
    "log_file_mode = 0600\n"
    "log_rotation_age = 1d\n"
    "log_rotation_size = 0\n"
    "log_truncate_on_rotation = on\n"
    "log_error_verbosity = terse\n"
    "log_min_error_statement = panic\n"
    "log_statement = 'none'\n"
    "log_min_duration_statement = -1\n"
    "log_parameter_max_length = 0\n"
    "log_parameter_max_length_on_error = 0\n";

ERR_CHECKED static bool write_settings(const struct cluster_files *files, struct err *err)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return err_set_errno(err, errno, "cannot write postgresql.conf");
	fputs(settings_before, out);
	fputs("unix_socket_directories = ", out);
	quote_element(out, files->socket_dir);
	quote_path(out, "log_directory", files->log, "");
	quote_path(out, "hba_file", files->data, "/pg_hba.conf");
	quote_path(out, "ident_file", files->data, "/pg_ident.conf");
	fputs("\n", out);
	fclose(out);
	bool written = write_whole(files, "postgresql.conf", text, length, err);
	free(text);
	return written;
}

bool cluster_files_configure(const struct cluster_files *files, struct err *err)
{
	static const char hba[] = "# Written by tracktwod at every start.\nlocal all all peer map=tracktwo\n";
	char ident[1024];
	int length = snprintf(ident, sizeof ident,
	                      "# Written by tracktwod at every start.\n"
	                      "tracktwo \"%s\" postgres\ntracktwo \"%s\" tracktwo_admin\ntracktwo \"%s\" tracktwo_daemon\n"
	                      "tracktwo root postgres\ntracktwo root tracktwo_admin\ntracktwo root tracktwo_daemon\n",
	                      files->user, files->user, files->user);
	return write_settings(files, err) && write_whole(files, "pg_hba.conf", hba, strlen(hba), err) &&
	       write_whole(files, "pg_ident.conf", ident, (size_t)length, err) && sync_directory(files->data, err);
}

/* Is `pid` a server whose working directory, which every server's is, is the data directory? */
static bool is_server(const struct cluster_files *files, pid_t pid)
{
	char path[64], name[32] = "";
	struct stat cwd, data;
	snprintf(path, sizeof path, "/proc/%ld/cwd", (long)pid);
	if (stat(path, &cwd) != 0 || stat(files->data, &data) != 0 || cwd.st_dev != data.st_dev ||
	    cwd.st_ino != data.st_ino)
		return false;
	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool named = fgets(name, sizeof name, file) && strncmp(name, "postgres", 8) == 0;
	fclose(file);
	return named;
}

/* The process that a lock file's first line names; the eighth says "ready" when the server accepts connections
 * (PostgreSQL's src/include/utils/pidfile.h). */
static pid_t read_pid_file(const char *path, bool *ready)
{
	char line[CLUSTER_PATH_SIZE + 2];
	pid_t pid = 0;
	*ready = false;
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	for (int number = 1; fgets(line, sizeof line, file); number++) {
		if (number == 1)
			pid = (pid_t)labs(strtol(line, NULL, 10));
		if (number == 8)
			*ready = strncmp(line, "ready", 5) == 0;
	}
	fclose(file);
	return pid;
}

pid_t cluster_files_server(const struct cluster_files *files, bool *ready)
{
	char path[CLUSTER_PATH_SIZE];
	join(path, files->data, "postmaster.pid");
	pid_t pid = read_pid_file(path, ready);
	if (pid > 1 && is_server(files, pid))
		return pid;
	*ready = false;
	return 0;
}

void cluster_files_clear_locks(const struct cluster_files *files)
{
	char paths[2][CLUSTER_PATH_SIZE];
	join(paths[0], files->data, "postmaster.pid");
	snprintf(paths[1], sizeof paths[1], "%s" SOCKET_FILE ".lock", files->socket_dir);
	for (int i = 0; i < 2; i++) {
		bool ready;
		pid_t pid = read_pid_file(paths[i], &ready);
		if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) && !is_server(files, pid))
			unlink(paths[i]);
	}
}

/* Keeps the last line of the last 4 kB of a file, or the last that tells of an error; true when one does. */
static bool scan_words(const char *path, char text[static 400])
{
	char line[400];
	bool telling = false;
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (fseek(file, -4096, SEEK_END) == 0 && !fgets(line, sizeof line, file))
		line[0] = '\0';
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		bool tells = strstr(line, "FATAL") || strstr(line, "PANIC") || strstr(line, "error:");
		if (!line[0] || (telling && !tells))
			continue;
		telling = telling || tells;
		memcpy(text, line, strlen(line) + 1);
	}
	fclose(file);
	return telling;
}

void cluster_files_last_words(const struct cluster_files *files, char text[static 400])
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	char path[CLUSTER_PATH_SIZE], name[32];
	text[0] = '\0';
	if (scan_words(files->output, text))
		return;
	/* Past its first steps the server speaks in its own log only. */
	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	snprintf(name, sizeof name, "postgresql-%s.log", days[utc.tm_wday]);
	join(path, files->log, name);
	scan_words(path, text);
}

/* libpq's quoting: backslashes before quotes and backslashes. */
void cluster_files_dsn(const struct cluster_files *files, const char *user, const char *database,
                       char dsn[static CLUSTER_DSN_SIZE])
{
	char host[2 * sizeof files->socket_dir];
	size_t length = 0;
	for (const char *c = files->socket_dir; *c; c++) {
		if (*c == '\'' || *c == '\\')
			host[length++] = '\\';
		host[length++] = *c;
	}
	host[length] = '\0';
	snprintf(dsn, CLUSTER_DSN_SIZE, "host='%s' port=5432 user=%s dbname=%s", host, user, database);
}
