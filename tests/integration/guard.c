/* Guard: one message a write, which a pipe keeps whole (PIPE_BUF): a process, or a folder.
 *
 * A process is held by its pidfd from the moment it is named, so that a number which the kernel gives away again names
 * nobody else. */
#include "guard.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROCESSES = 512, FOLDERS = 64, PATIENCE_MS = 20000, TRIES = 100, TRY_MS = 50 };

struct message {
	pid_t pid; /* 0: the folder */
	char folder[128];
};

struct charge {
	int processes[PROCESSES]; /* pidfds */
	size_t process_count;
	char folders[FOLDERS][128];
	size_t folder_count;
};

static int guard = -1;

static void signal_all(const struct charge *charge, int number)
{
	for (size_t i = 0; i < charge->process_count; i++)
		syscall(SYS_pidfd_send_signal, charge->processes[i], number, NULL, 0);
}

static void end_all(const struct charge *charge)
{
	int left = PATIENCE_MS;

	signal_all(charge, SIGTERM);
	/* A pidfd is readable once its process has ended. */
	for (size_t i = 0; i < charge->process_count; i++) {
		struct pollfd ended = {.fd = charge->processes[i], .events = POLLIN};
		while (left > 0 && poll(&ended, 1, TRY_MS) == 0)
			left -= TRY_MS;
	}
	signal_all(charge, SIGKILL);
	for (size_t i = 0; i < charge->folder_count; i++) {
		char command[192];
		snprintf(command, sizeof command, "rm -rf '%s'", charge->folders[i]);
		/* A server that lost its daemon is on its way out, and writes until then. */
		for (int tries = 0; tries < TRIES && access(charge->folders[i], F_OK) == 0; tries++)
			if (system(command) != 0)
				nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
	}
}

static void take(struct charge *charge, const struct message *message)
{
	if (message->pid == 0 && charge->folder_count < FOLDERS)
		memcpy(charge->folders[charge->folder_count++], message->folder, sizeof message->folder);
	else if (message->pid != 0 && charge->process_count < PROCESSES) {
		long fd = syscall(SYS_pidfd_open, message->pid, 0);
		if (fd >= 0)
			charge->processes[charge->process_count++] = (int)fd;
	}
}

/* In a session of its own: what ends the program's group, or its terminal, leaves it. */
_Noreturn static void watch(int from)
{
	static struct charge charge;
	struct message message;
	int nothing = open("/dev/null", O_RDWR);

	setsid();
	dup2(from, 3);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	close_range(4, ~0U, 0);
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGCHLD ? SIG_DFL : SIG_IGN);
	while (read(3, &message, sizeof message) == (ssize_t)sizeof message)
		take(&charge, &message);
	end_all(&charge);
	_exit(0);
}

static void tell(const struct message *message)
{
	int ends[2];

	if (guard < 0) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			watch(ends[0]);
		close(ends[0]);
		guard = ends[1];
	}
	assert_int_equal(write(guard, message, sizeof *message), (int)sizeof *message);
}

void guard_folder(const char *folder)
{
	struct message message = {0};
	assert_true(strlen(folder) < sizeof message.folder);
	memcpy(message.folder, folder, strlen(folder) + 1);
	tell(&message);
}

void guard_process(pid_t pid)
{
	tell(&(struct message){.pid = pid});
}
