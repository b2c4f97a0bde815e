/* Editor: a private folder, a file in it, a child process.
 *
 * While the editor runs, signals that would end the program are only noted, and handed on to the editor; so there is
 * one way out, which wipes. Invariant: no file of editor_run() outlives it, but one that holds what was saved and could
 * not be handed over; and a guarded text lies in its file before a signal can find it there. */
#include "cli/editor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "text/language.h"
#include "text/utf8.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

static volatile sig_atomic_t noted;
static volatile pid_t child;

static void note_signal(int number)
{
	noted = number;
	if (child > 0)
		kill(child, number);
}

static const int ending[] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT};
enum { ENDING_COUNT = sizeof ending / sizeof *ending };

static bool can_hold_folder(const char *folder)
{
	struct stat status;
	return folder && *folder == '/' && stat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
	       access(folder, W_OK | X_OK) == 0;
}

/* A new folder; free() it. NULL with `err`. */
static char *make_folder(struct err *err)
{
	const char *const places[] = {getenv("XDG_RUNTIME_DIR"), "/dev/shm", getenv("TMPDIR"), "/tmp"};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *folder;
		if (!can_hold_folder(places[i]))
			continue;
		if (asprintf(&folder, "%s/tracktwo-XXXXXX", places[i]) < 0)
			log_fatal(71, "out of memory");
		if (mkdtemp(folder))
			return folder;
		free(folder);
	}
	(void)err_set(err, say("there is no place for a private file; set XDG_RUNTIME_DIR"));
	return NULL;
}

static bool write_file(const char *path, const char *text, struct err *err)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t length = strlen(text), done = 0;
	if (descriptor < 0)
		return err_set_errno(err, errno, "%s", path);
	while (done < length) {
		ssize_t wrote = write(descriptor, text + done, length - done);
		if (wrote < 0 && errno != EINTR) {
			(void)err_set_errno(err, errno, "%s", path);
			close(descriptor);
			return false;
		}
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return close(descriptor) == 0 || err_set_errno(err, errno, "%s", path);
}

static void wipe_file(int folder, const char *name)
{
	static const char nothing[4096];
	struct stat status;
	int descriptor = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor >= 0) {
		off_t left = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : 0;
		while (left > 0) {
			ssize_t wrote = write(descriptor, nothing, left < 4096 ? (size_t)left : sizeof nothing);
			if (wrote <= 0)
				break;
			left -= wrote;
		}
		(void)fsync(descriptor);
		close(descriptor);
	}
	(void)unlinkat(folder, name, 0);
}

static const char file_name[] = "tracktwo.txt";

/* Whatever an editor leaves, swap files and backups; and, unless it is `kept`, the file. */
static void wipe_folder(const char *path, bool kept)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	while (folder && (entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !(kept && strcmp(entry->d_name, file_name) == 0))
			wipe_file(dirfd(folder), entry->d_name);
	if (folder)
		closedir(folder);
	if (!kept)
		(void)rmdir(path);
}

/* The folder of a file that was kept here, to be freed; NULL for any other file. */
static char *kept_folder(const char *path)
{
	static const char prefix[] = "/tracktwo-";
	enum { RANDOM = 6 };
	struct stat status;
	char *folder = realpath(path, NULL), *name = folder ? strrchr(folder, '/') : NULL;
	bool kept = name && strcmp(name + 1, file_name) == 0;
	if (kept) {
		*name = '\0';
		const char *last = strrchr(folder, '/');
		kept = last && strncmp(last, prefix, sizeof prefix - 1) == 0 && strlen(last) == sizeof prefix - 1 + RANDOM &&
		       stat(folder, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 0777) == 0700;
	}
	if (kept)
		return folder;
	free(folder);
	return NULL;
}

void editor_drop(const char *path)
{
	char *folder = kept_folder(path);
	if (!folder)
		return;
	wipe_folder(folder, false);
	fprintf(stderr, say("tracktwo: it is written, and %s is removed\n"), path);
	free(folder);
}

bool editor_read(const char *path, char **text, int64_t *written_us, struct err *err)
{
	FILE *file = fopen(path, "re");
	struct stat status;
	*text = NULL;
	if (!file)
		return err_set_errno(err, errno, "%s", path);
	char *bytes = malloc(TEXT_BYTES_MAX + 1);
	if (!bytes)
		log_fatal(71, "out of memory");
	size_t length = fread(bytes, 1, TEXT_BYTES_MAX + 1, file);
	bool right = (!ferror(file) && fstat(fileno(file), &status) == 0) || err_set_errno(err, errno, "%s", path);
	fclose(file);
	if (right && written_us) {
		char *folder = kept_folder(path);
		*written_us = folder ? (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000 : 0;
		free(folder);
	}
	if (right && length > TEXT_BYTES_MAX)
		right = err_set(err, say("the text is longer than 1 MiB"));
	if (right && !utf8_is_text(bytes, length))
		right = err_set(err, say("the text is not UTF-8"));
	bytes[length <= TEXT_BYTES_MAX ? length : 0] = '\0';
	if (right)
		*text = bytes;
	else
		free(bytes);
	return right;
}

/* What the editor saved: it may have put another file in the place of ours. */
static bool read_saved(const char *path, char **text, struct err *err)
{
	return editor_read(path, text, NULL, err) ||
	       (access(path, F_OK) != 0 && err_set(err, say("the editor left no file")));
}

static const char *editor_command(void)
{
	static const char *const variables[] = {"VISUAL", "EDITOR"};
	for (size_t i = 0; i < 2; i++) {
		const char *command = getenv(variables[i]);
		if (command && *command)
			return command;
	}
	return "vi";
}

/* A note may have come by standard input, and results may go to a pipe; a person edits at the terminal. */
static void take_terminal(void)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	for (int stream = STDIN_FILENO; terminal >= 0 && stream <= STDOUT_FILENO; stream++)
		if (!isatty(stream))
			(void)!dup2(terminal, stream);
}

/* As a shell reads it, since people put options and variables there; but the shell makes room for the editor, so that a
 * signal reaches that. */
static pid_t start_editor(const char *path, const struct sigaction *before)
{
	pid_t started = fork();
	if (started != 0)
		return started;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &before[i], NULL);
	take_terminal();
	char *script;
	if (asprintf(&script, "exec env %s \"$1\"", editor_command()) > 0)
		execl("/bin/sh", "sh", "-c", script, "sh", path, (char *)NULL);
	_exit(127);
}

static bool await_editor(const char *path, struct err *err)
{
	struct sigaction note = {.sa_handler = note_signal}, before[ENDING_COUNT];
	int status = 0;
	noted = 0;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &note, &before[i]);
	child = start_editor(path, before);
	bool right = child > 0 || err_set_errno(err, errno, "fork");
	while (right && waitpid(child, &status, 0) < 0)
		right = errno == EINTR || err_set_errno(err, errno, "waitpid");
	child = 0;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &before[i], NULL);
	/* An interrupt that the editor did not mind was meant for the editor. */
	bool minded = noted != SIGINT && noted != SIGQUIT;
	if (right && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		noted = minded ? noted : 0;
		return true;
	}
	return right && err_set(err, say("the editor \"%s\" failed; nothing was written"), editor_command());
}

/* Whether something was saved there, and it is not what was shown. */
static bool is_saved(const char *path, const char *shown)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(shown), at = 0;
	int byte;
	if (!file)
		return false;
	while ((byte = getc(file)) != EOF && at < length && (unsigned char)shown[at] == byte)
		at++;
	bool same = (byte == EOF) && (at == length || at == 0);
	fclose(file);
	return !same;
}

static bool keep_saved(const char *path, const char *shown)
{
	if (!is_saved(path, shown))
		return false;
	(void)chmod(path, 0600);
	fprintf(stderr, say("tracktwo: what you saved in the editor is kept in %s; --file sends it\n"), path);
	return true;
}

bool editor_run(const char *text, char **edited, bool *kept, struct err *err)
{
	char *path = NULL, *folder = make_folder(err);
	*edited = NULL;
	*kept = false;
	if (!folder)
		return false;
	if (asprintf(&path, "%s/%s", folder, file_name) < 0)
		log_fatal(71, "out of memory");
	noted = 0;
	bool right = write_file(path, text, err) && await_editor(path, err) && !noted && read_saved(path, edited, err);
	*kept = !right && keep_saved(path, text);
	/* It is newer than what is guarded. */
	if (*kept)
		editor_guard_end(false);
	wipe_folder(folder, *kept);
	free(path);
	free(folder);
	if (noted)
		raise(noted);
	return right;
}

void editor_forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* What is guarded: the folder that its file lies in, and what is said of it. */
static struct {
	char *folder, *told;
	struct sigaction before[ENDING_COUNT];
} guard;

static void leave_guarded(int number)
{
	(void)!write(STDERR_FILENO, guard.told, strlen(guard.told));
	raise(number);
}

bool editor_guard(const char *text, const char *command, struct err *err)
{
	/* Back to the default before the handler runs, and not blocked meanwhile: so the signal that it raises ends us. */
	struct sigaction leave = {.sa_handler = leave_guarded, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
	editor_guard_end(false);
	char *folder = make_folder(err), *path;
	if (!folder)
		return false;
	if (asprintf(&path, "%s/%s", folder, file_name) < 0)
		log_fatal(71, "out of memory");
	if (!write_file(path, text, err)) {
		wipe_folder(folder, false);
		free(path);
		free(folder);
		return false;
	}
	guard.folder = folder;
	if (asprintf(&guard.told, say("tracktwo: what you wrote is kept in %s; send it by: tracktwo %s --file %s\n"), path,
	             command, path) < 0)
		log_fatal(71, "out of memory");
	free(path);
	for (size_t i = 0; i < ENDING_COUNT; i++) {
		sigaction(ending[i], NULL, &guard.before[i]);
		if (guard.before[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &leave, NULL);
	}
	return true;
}

void editor_guard_end(bool keep)
{
	if (!guard.folder)
		return;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		sigaction(ending[i], &guard.before[i], NULL);
	if (keep)
		fputs(guard.told, stderr);
	else
		wipe_folder(guard.folder, false);
	free(guard.folder);
	free(guard.told);
	guard.folder = guard.told = NULL;
}
