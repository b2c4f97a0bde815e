/* Child: fork, exec, and what was said on standard error, kept in memory.
 *
 * Invariant: a child that was started is reaped by child_end() or child_abandon(), one of which always follows. */
#include "child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/hold.h"

extern char **environ;

static bool is_ours(const char *variable)
{
	return strncmp(variable, "PG", 2) == 0 || strncmp(variable, "LC_", 3) == 0 || strncmp(variable, "LANG", 4) == 0;
}

char **child_environment(struct arena *arena, const char *dsn, const char *options, struct err *err)
{
	char *why = NULL;
	size_t count = 0, most = 128;
	const char *given = "";
	PQconninfoOption *parsed = PQconninfoParse(dsn, &why);
	if (!parsed) {
		(void)err_set(err, "the connection string is none: %s", why ? why : "out of memory");
		PQfreemem(why);
		return NULL;
	}
	for (char **variable = environ; *variable; variable++)
		most++;
	char **list = arena_alloc(arena, most * sizeof *list);
	for (char **variable = environ; *variable; variable++)
		/* What PGPASSFILE and its like say holds for a connection string, too. */
		if (!is_ours(*variable) || strncmp(*variable, "PGPASSFILE=", 11) == 0)
			list[count++] = *variable;
	for (const PQconninfoOption *option = parsed; option->keyword; option++) {
		if (!option->val || !option->envvar)
			continue;
		if (strcmp(option->keyword, "options") == 0)
			given = arena_strdup(arena, option->val);
		else if (strcmp(option->envvar, "PGAPPNAME") != 0)
			list[count++] = arena_printf(arena, "%s=%s", option->envvar, option->val);
	}
	PQconninfoFree(parsed);
	list[count++] = arena_printf(arena, "PGOPTIONS=%s %s", given, options);
	list[count++] = arena_strdup(arena, "PGAPPNAME=tracktwod admin");
	list[count++] = arena_strdup(arena, "PGCLIENTENCODING=UTF8");
	list[count++] = arena_strdup(arena, "LC_ALL=C");
	return list;
}

/* Only async-signal-safe calls between fork and exec. */
_Noreturn static void become(const char *const *arguments, char **environment, const int streams[3], pid_t parent)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(127);
	for (int i = 0; i < 3; i++) {
		int from = streams[i] >= 0 ? streams[i] : open("/dev/null", O_RDWR);
		if (from < 0 || dup2(from, i) < 0)
			_exit(127);
	}
	close_range(3, ~0U, 0);
	execvpe(arguments[0], (char *const *)(uintptr_t)arguments, environment);
	_exit(errno == ENOENT ? 126 : 127);
}

bool child_start(struct child *child, const char *name, const char *const *arguments, char **environment, int input,
                 int output, struct err *err)
{
	*child = (struct child){.name = name, .words = memfd_create(name, MFD_CLOEXEC)};
	if (child->words < 0)
		return err_set_errno(err, errno, "cannot start %s", name);
	/* Descriptors 0 to 2 are overwritten one after the other, so none of what is handed on may be one of them. */
	int streams[3] = {input, output, child->words};
	for (int i = 0; i < 3; i++)
		if (streams[i] >= 0)
			streams[i] = fcntl(streams[i], F_DUPFD_CLOEXEC, 10);
	pid_t parent = getpid();
	child->pid = fork();
	if (child->pid == 0)
		become(arguments, environment, streams, parent);
	int errnum = errno;
	for (int i = 0; i < 3; i++)
		if (streams[i] >= 0)
			close(streams[i]);
	if (child->pid > 0)
		return true;
	child->pid = 0;
	close(child->words);
	child->words = -1;
	return err_set_errno(err, errnum, "cannot start %s", name);
}

/* The first line that tells of an error, else the last that says anything. */
static void last_words(const struct child *child, char text[static 400])
{
	char said[8192];
	ssize_t length = pread(child->words, said, sizeof said - 1, 0);
	text[0] = '\0';
	said[length > 0 ? length : 0] = '\0';
	for (char *rest = said, *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (!*line)
			continue;
		/* "psql:<stdin>:6773: ERROR:  …" counts lines of a script that nobody sees. */
		const char *error = strstr(line, "ERROR:  ");
		snprintf(text, 400, "%s", error ? error + 8 : line);
		/* It may quote what a forged backup says, and goes to a terminal. */
		for (char *c = text; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7F)
				*c = ' ';
		if (strstr(line, "ERROR:") || strstr(line, "FATAL:") || strstr(line, "error:"))
			return;
	}
}

bool child_end(struct child *child, struct err *err)
{
	char words[400];
	int status = 0;
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	child->pid = 0;
	last_words(child, words);
	close(child->words);
	child->words = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
		return err_set(err, "there is no program %s; install the package postgresql-client", child->name);
	if (WIFSIGNALED(status))
		return err_set(err, "%s was ended by signal %d", child->name, WTERMSIG(status));
	return err_set(err, "%s: %s", child->name, *words ? words : "failed without a word");
}

void child_abandon(struct child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	if (child->words > 0)
		close(child->words);
	*child = (struct child){.words = -1};
}

/* What "pg_dump --version" says; 0 when it says nothing. */
static int version_of(const char *folder)
{
	char path[4200], line[128] = "";
	struct child child;
	struct err ignored;
	int ends[2];
	snprintf(path, sizeof path, "%spg_dump", folder);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return 0;
	bool started =
	    child_start(&child, "pg_dump", (const char *const[]){path, "--version", NULL}, environ, -1, ends[1], &ignored);
	close(ends[1]);
	ssize_t length = started ? read(ends[0], line, sizeof line - 1) : 0;
	close(ends[0]);
	if (!started || !child_end(&child, &ignored) || length <= 0)
		return 0;
	const char *digits = strpbrk(line, "0123456789");
	return digits ? atoi(digits) : 0;
}

const char *child_find_programs(struct arena *arena, const char *configured, int server_major, struct err *err)
{
	int best = 0;
	DIR *folder = *configured ? NULL : opendir(CLUSTER_INSTALLED);
	for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
		int version = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
		const char *path = arena_printf(arena, CLUSTER_INSTALLED "/%d/bin/pg_dump", version);
		if (version >= server_major && (best == 0 || version < best) && access(path, X_OK) == 0)
			best = version;
	}
	if (folder)
		closedir(folder);
	const char *found = *configured ? arena_printf(arena, "%s/", configured)
	                    : best      ? arena_printf(arena, CLUSTER_INSTALLED "/%d/bin/", best)
	                                : "";
	int version = best ? best : version_of(found);
	if (version >= server_major)
		return found;
	if (version == 0)
		(void)err_set(err,
		              "pg_dump of PostgreSQL %d or newer is needed, and there is none in %s; install the package "
		              "postgresql-client-%d",
		              server_major, *configured ? configured : "PATH", server_major);
	else
		(void)err_set(err,
		              "pg_dump of PostgreSQL %d or newer is needed, and %s is %d's; install the package "
		              "postgresql-client-%d",
		              server_major, *configured ? configured : "the one in PATH", version, server_major);
	return NULL;
}
