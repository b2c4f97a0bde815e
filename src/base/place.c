/* Place: the binary's own path decides; no variable of the environment and no working directory takes part.
 *
 * Invariant: what place_find() gives is a whole answer: either every path lies under one checkout, or none does. */
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* `prefix` has no slash at its end; "" is the root of the file system. */
static bool is_checkout(const char *prefix)
{
	char path[PATH_MAX + 32];
	snprintf(path, sizeof path, "%s/sql/migrations", prefix);
	if (!is_directory(path))
		return false;
	snprintf(path, sizeof path, "%s/Makefile", prefix);
	return is_file(path);
}

/* Cuts `path`, the binary's, down to the checkout's folder: the innermost one when several would do. */
static bool cut_to_checkout(char *path)
{
	char *slash = strrchr(path, '/');
	while (slash) {
		*slash = '\0';
		slash = strrchr(path, '/');
		if (slash && strcmp(slash, "/build") == 0) {
			*slash = '\0';
			if (is_checkout(path))
				return true;
			*slash = '/';
		}
	}
	return false;
}

void place_find(struct place *place)
{
	char path[sizeof place->root];
	*place = (struct place){
	    .state_dir = "/var/lib/tracktwo",
	    .socket = "/run/tracktwo/tracktwo.sock",
	};
	ssize_t length = readlink("/proc/self/exe", path, sizeof path);
	if (length <= 0 || (size_t)length >= sizeof path)
		return;
	path[length] = '\0';
	if (!cut_to_checkout(path))
		return;
	place->checkout = true;
	snprintf(place->root, sizeof place->root, "%s", path[0] ? path : "/");
	snprintf(place->state_dir, sizeof place->state_dir, "%s/.run", path);
	snprintf(place->socket, sizeof place->socket, "%s/.run/tracktwo.sock", path);
}

bool place_make_directories(const char *path, unsigned mode, struct err *err)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	if (length == 0)
		return err_set(err, "cannot make a directory: its path is empty");
	if (length >= sizeof part)
		return err_set(err, "cannot make a directory: its path is longer than %zu bytes", sizeof part - 1);
	for (size_t end = 1; end <= length; end++) {
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		if (mkdir(part, (mode_t)mode) == 0)
			continue;
		/* Which error an existing directory gives depends on its file system: EEXIST, EROFS, EACCES. */
		int why = errno;
		if (!is_directory(part))
			return err_set(err, "cannot make the directory (%s): %s", strerror(why), part);
	}
	return true;
}

/* By fts, which compares the file systems of folders alone: in a layered one, such as a container's, a file may tell of
 * another than its folder. */
bool place_remove_tree(const char *path, struct err *err)
{
	char *const roots[] = {(char *)(uintptr_t)path, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	int why = tree ? 0 : errno;
	for (FTSENT *entry; why == 0 && (errno = 0, entry = fts_read(tree));) {
		if (entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR)
			why = entry->fts_errno;
		else if (entry->fts_info != FTS_D && remove(entry->fts_path) != 0)
			why = errno;
		/* Somebody else may be removing the same. */
		why = why == ENOENT ? 0 : why;
	}
	if (tree && why == 0)
		why = errno;
	if (tree)
		fts_close(tree);
	return why == 0 || err_set_errno(err, why, "cannot remove %s", path);
}

/* An address that reaches `path`; *parent is a descriptor to close after use, or -1. */
static bool address_of(const char *path, struct sockaddr_un *address, int *parent, struct err *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	*parent = -1;
	size_t length = strlen(path);
	if (length == 0)
		return err_set(err, "cannot connect: the socket's path is empty");
	if (length <= PLACE_SOCKET_PATH_MAX) {
		memcpy(address->sun_path, path, length);
		return true;
	}
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	if (!slash || (size_t)(slash - path) >= sizeof folder - 1)
		return err_set(err, "cannot connect: the socket's path is too long");
	memcpy(folder, path, (size_t)(slash - path) + 1);
	folder[slash - path + 1] = '\0';
	*parent = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*parent < 0)
		return err_set(err, "cannot open the socket's folder (%s): %s", strerror(errno), folder);
	char name[PATH_MAX + 64];
	int written = snprintf(name, sizeof name, "/proc/self/fd/%d%s", *parent, slash);
	if (written < 0 || written > PLACE_SOCKET_PATH_MAX) {
		close(*parent);
		*parent = -1;
		return err_set(err, "cannot connect: the socket's own name is too long");
	}
	memcpy(address->sun_path, name, (size_t)written);
	return true;
}

int place_connect(const char *path, struct err *err)
{
	struct sockaddr_un address;
	int parent;
	if (!address_of(path, &address, &parent, err))
		return -1;
	int why = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		why = errno;
		goto out;
	}
	int result;
	do {
		result = connect(fd, (const struct sockaddr *)&address, sizeof address);
	} while (result < 0 && errno == EINTR);
	if (result < 0) {
		why = errno;
		close(fd);
		fd = -1;
	}
out:
	if (parent >= 0)
		close(parent);
	if (why == ENOENT || why == ECONNREFUSED)
		err_set(err, "no daemon listens (%s); start tracktwod, or name its socket: %s", strerror(why), path);
	else if (why != 0)
		err_set(err, "cannot connect (%s): %s", strerror(why), path);
	return fd;
}
