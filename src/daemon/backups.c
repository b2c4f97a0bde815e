/* Backups: a timer, a child, a pipe. The child's end is seen by the end of its pipe, and it is reaped then or at the
 * next turn of the timer. */
#include "daemon/backups.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "keep/folder.h"

struct backups {
	struct event *timer, *readable;
	struct timeval interval;
	char *folder;
	pid_t child; /* 0 when none runs */
	int pipe;    /* -1 when none is open */
	struct backups_seen seen;
};

/* In the child: what it reads goes through the pipe as one message, whole or not at all. */
_Noreturn static void look(const char *folder, int output, pid_t parent)
{
	struct arena arena = {0};
	struct folder found;
	struct err err;
	struct backups_seen seen = {.known = true};
	sigset_t none;
	sigemptyset(&none);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* The message's own descriptor, and no client's. */
	if (getppid() != parent || dup2(output, 3) < 0 || close_range(4, ~0U, 0) != 0)
		_exit(1);
	if (!folder_read(&found, &arena, folder, &err)) {
		log_warning("", "backups: %s", err.message);
		_exit(1);
	}
	seen.newest_s = folder_newest(&found, false);
	seen.verified_s = folder_newest(&found, true);
	_exit(write(3, &seen, sizeof seen) == (ssize_t)sizeof seen ? 0 : 1);
}

static void reap(struct backups *backups, int how)
{
	if (backups->child > 0 && waitpid(backups->child, NULL, how) == backups->child)
		backups->child = 0;
}

static void close_pipe(struct backups *backups)
{
	if (backups->pipe < 0)
		return;
	event_free(backups->readable);
	close(backups->pipe);
	backups->pipe = -1;
}

static void on_readable(int fd, short what, void *context)
{
	struct backups *backups = context;
	struct backups_seen seen;
	(void)what;
	ssize_t got = read(fd, &seen, sizeof seen);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got == (ssize_t)sizeof seen)
		backups->seen = seen;
	close_pipe(backups);
	reap(backups, WNOHANG);
}

static void start(struct backups *backups)
{
	int ends[2];
	pid_t parent = getpid();
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return;
	sigset_t all, before;
	sigfillset(&all);
	/* No handler of the loop's may run in the child. */
	sigprocmask(SIG_SETMASK, &all, &before);
	backups->child = fork();
	if (backups->child == 0)
		look(backups->folder, ends[1], parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (backups->child < 0) {
		backups->child = 0;
		close(ends[0]);
		return;
	}
	backups->pipe = ends[0];
	backups->readable = event_new(event_get_base(backups->timer), ends[0], EV_READ | EV_PERSIST, on_readable, backups);
	if (!backups->readable)
		abort();
	event_add(backups->readable, NULL);
}

static void on_timer(int fd, short what, void *context)
{
	struct backups *backups = context;
	(void)fd;
	(void)what;
	reap(backups, WNOHANG);
	if (backups->child == 0 && backups->pipe < 0)
		start(backups);
	event_add(backups->timer, &backups->interval);
}

struct backups *backups_new(struct event_base *base, const char *folder, long interval_ms)
{
	struct backups *backups = calloc(1, sizeof *backups);
	if (!backups)
		abort();
	backups->interval = (struct timeval){.tv_sec = interval_ms / 1000, .tv_usec = interval_ms % 1000 * 1000};
	backups->folder = strdup(folder);
	backups->timer = evtimer_new(base, on_timer, backups);
	backups->pipe = -1;
	if (!backups->folder || !backups->timer)
		abort();
	event_add(backups->timer, &(struct timeval){0});
	return backups;
}

const struct backups_seen *backups_seen(const struct backups *backups)
{
	return &backups->seen;
}

void backups_free(struct backups *backups)
{
	if (!backups)
		return;
	close_pipe(backups);
	if (backups->child > 0)
		kill(backups->child, SIGKILL);
	reap(backups, 0);
	event_free(backups->timer);
	free(backups->folder);
	free(backups);
}
