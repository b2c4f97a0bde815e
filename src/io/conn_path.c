/* Conn_path: a socket's file is replaced only when nobody answers on it, and removed only by the one who made it.
 *
 * Invariant: nobody can connect before listen(), and by then the file's mode and group are what they should be. */
#include "conn_path.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

/* Removes a socket's file that nobody answers on; anything else in the way is an error. */
ERR_CHECKED static bool clear_path(const char *path, struct err *err)
{
	struct stat status;
	if (lstat(path, &status) != 0)
		return errno == ENOENT ? true : err_set_errno(err, errno, "cannot look at %s", path);
	if (!S_ISSOCK(status.st_mode))
		return err_set(err, "%s exists and is not a socket; move it away, or choose another path", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot make a socket");
	struct sockaddr_un address = address_of(path);
	int errnum = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	close(fd);
	/* EAGAIN is a full queue, EPROTOTYPE another kind of socket: both have somebody behind them. */
	if (errnum == 0 || errnum == EAGAIN || errnum == EPROTOTYPE)
		return err_set(err, "another daemon answers on %s; stop it, or choose another path", path);
	if (errnum != ECONNREFUSED && errnum != ENOENT)
		return err_set_errno(err, errnum, "cannot tell whether a daemon answers on %s", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set_errno(err, errno, "cannot remove the left-over socket %s", path);
	return true;
}

ERR_CHECKED static bool give_to_group(const char *path, const char *name, struct err *err)
{
	if (!name || !name[0])
		return true;
	struct group *group = getgrnam(name);
	if (!group)
		return err_set(err, "no group is named \"%s\"; create it, or correct socket_group", name);
	if (chown(path, (uid_t)-1, group->gr_gid) != 0)
		return err_set_errno(err, errno, "cannot give %s to the group %s", path, name);
	if (chmod(path, 0660) != 0)
		return err_set_errno(err, errno, "cannot set the mode of %s", path);
	return true;
}

ERR_CHECKED static bool bind_and_listen(struct conn_path *file, int fd, const char *group, struct err *err)
{
	struct sockaddr_un address = address_of(file->path);
	mode_t mask = umask(0177);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
	int errnum = errno;
	umask(mask);
	if (bound != 0)
		return err_set_errno(err, errnum, "cannot make the socket %s", file->path);
	struct stat status;
	if (lstat(file->path, &status) == 0) {
		file->device = status.st_dev;
		file->inode = status.st_ino;
	}
	if (!give_to_group(file->path, group, err))
		return false;
	if (listen(fd, SOMAXCONN) != 0)
		return err_set_errno(err, errno, "cannot listen on %s", file->path);
	return true;
}

int conn_path_bind(struct conn_path *file, const char *path, const char *group, struct err *err)
{
	*file = (struct conn_path){0};
	if (!path[0] || strlen(path) > PLACE_SOCKET_PATH_MAX) {
		err_set(err, "the socket's path \"%.200s\" must be 1 to %d bytes long", path, PLACE_SOCKET_PATH_MAX);
		return -1;
	}
	memcpy(file->path, path, strlen(path));
	if (!clear_path(path, err))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_set_errno(err, errno, "cannot make a socket");
		return -1;
	}
	if (bind_and_listen(file, fd, group, err))
		return fd;
	conn_path_remove(file);
	close(fd);
	return -1;
}

void conn_path_remove(const struct conn_path *file)
{
	struct stat status;
	if (file->inode != 0 && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
	    status.st_ino == file->inode)
		unlink(file->path);
}
