/* Privileges: directories first, while there is the power to make them; then the power is given up. */
#include "daemon/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/service.h"
#include "text/digest.h"

/* The user to become; NULL with a message when there is none. */
static const struct passwd *user_find(const char *configured, struct err *err)
{
	const char *names[] = {"tracktwo", "postgres"};
	const struct passwd *user = NULL;

	if (*configured) {
		user = getpwnam(configured);
		if (!user)
			err_set(err, "there is no user %s; name another one as [daemon] user", configured);
	} else {
		for (size_t i = 0; i < 2 && !user; i++)
			user = getpwnam(names[i]);
		if (!user)
			err_set(
			    err,
			    "PostgreSQL does not run as root, and there is no user tracktwo or postgres to become; make one, or "
			    "name one as [daemon] user");
	}
	if (user && user->pw_uid == 0) {
		err_set(err, "PostgreSQL does not run as root; name another user as [daemon] user");
		user = NULL;
	}
	return user;
}

/* For good: no saved ids, no supplementary groups of root's. */
static bool user_become(const struct passwd *user, struct err *err)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return err_set_errno(err, errno, "cannot become user %s", user->pw_name);
	return true;
}

/* Whether `user` can write in `directory`, found out by a child that becomes it: permissions of all parents, access
 * lists and mount options take part. Without `user`, whether this process can. */
static bool reachable(const struct passwd *user, const char *directory)
{
	int status = 0;
	pid_t child;

	if (!user)
		return access(directory, W_OK | X_OK) == 0;
	child = fork();
	if (child == 0)
		_exit(user_become(user, NULL) && access(directory, W_OK | X_OK) == 0 ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A directory that was there before, and is none of the defaults, belongs to whoever made it and is left as it is. */
static bool directory_give(const struct passwd *user, const char *directory, unsigned mode, bool ours, struct err *err)
{
	bool made = access(directory, F_OK) != 0;
	if (!place_make_directories(directory, mode, err))
		return false;
	if (user && (made || ours) && (chown(directory, user->pw_uid, user->pw_gid) != 0 || chmod(directory, mode) != 0))
		return err_set_errno(err, errno, "cannot give %s to user %s", directory, user->pw_name);
	return true;
}

static const char *parent_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash > path ? arena_copy(arena, path, (size_t)(slash - path)) : slash ? "/" : ".";
}

/* A folder of this checkout's own, somewhere short that everybody can reach. */
static const char *elsewhere(struct arena *arena, const struct place *place, const char *base)
{
	char hex[DIGEST_HEX_SIZE];
	digest_of(place->root, strlen(place->root), hex);
	return geteuid() == 0 ? arena_printf(arena, "%s/tracktwo-%.8s", base, hex)
	                      : arena_printf(arena, "%s/tracktwo-%u-%.8s", base, (unsigned)geteuid(), hex);
}

static const char *runtime_base(void)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	return geteuid() == 0 ? "/run" : given && *given == '/' && strlen(given) < 64 ? given : "/tmp";
}

/* In the checkout a link stands where the socket would, so that the command line finds it. */
static void leave_link(const struct place *place, const char *socket)
{
	struct stat found;
	if (lstat(place->socket, &found) == 0 && !S_ISLNK(found.st_mode) && !S_ISSOCK(found.st_mode))
		return;
	unlink(place->socket);
	if (symlink(socket, place->socket) != 0)
		log_warning("", "no link to the socket could be left at %s: %s", place->socket, strerror(errno));
}

static bool settle_state(struct config *config, const struct place *place, const struct passwd *user, struct err *err)
{
	bool movable = place->checkout && strcmp(config->state_dir, place->state_dir) == 0;

	if (!directory_give(user, config->state_dir, 0700, strcmp(config->state_dir, place->state_dir) == 0, err))
		return false;
	if (reachable(user, config->state_dir))
		return true;
	/* Whoever has forgotten to become root must not take the daemon's folder from it. */
	if (!user)
		return err_set(
		    err,
		    "you cannot write in %s; do this as root, or as the user that the daemon runs as, or name another "
		    "folder as [daemon] state_dir",
		    config->state_dir);
	if (!movable)
		return err_set(err, "user %s cannot write in %s; give it the folder, or name another one as [daemon] state_dir",
		               user->pw_name, config->state_dir);
	config->state_dir = elsewhere(&config->arena, place, "/var/lib");
	log_info("", "user %s cannot reach %s; data lies in %s instead", user->pw_name, place->state_dir,
	         config->state_dir);
	return directory_give(user, config->state_dir, 0700, true, err);
}

static bool settle_socket(struct config *config, const struct place *place, const struct passwd *user, struct err *err)
{
	const char *directory = parent_of(&config->arena, config->socket);
	bool own = strcmp(directory, config->state_dir) == 0 || strcmp(directory, place->state_dir) == 0;
	bool movable = place->checkout && strcmp(config->socket, place->socket) == 0;
	bool too_long = strlen(config->socket) > PLACE_SOCKET_PATH_MAX;
	struct stat found;

	if (!too_long && access(directory, F_OK) != 0 && !directory_give(user, directory, 0755, false, err))
		return false;
	if (!too_long && reachable(user, directory))
		return true;
	if (!movable)
		return too_long
		           ? err_set(err,
		                     "%s is %zu bytes long, and a socket's path holds %d; name a shorter one as [daemon] "
		                     "socket",
		                     config->socket, strlen(config->socket), PLACE_SOCKET_PATH_MAX)
		           : err_set(err,
		                     "user %s cannot write in %s, where the socket is to be; name another place as [daemon] "
		                     "socket",
		                     user ? user->pw_name : "of this process", directory);
	directory = elsewhere(&config->arena, place, runtime_base());
	config->socket = arena_printf(&config->arena, "%s/tracktwo.sock", directory);
	log_info("", "%s; the socket is %s instead",
	         too_long ? "the checkout's path is too long for a socket" : "the checkout is out of the daemon's reach",
	         config->socket);
	if (!directory_give(user, directory, user ? 0755 : 0700, true, err))
		return false;
	/* Anybody could have made it in /tmp before. */
	if (!user && (lstat(directory, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
	              (found.st_mode & 022) != 0))
		return err_set(err, "%s belongs to somebody else; remove it, or name another socket as [daemon] socket",
		               directory);
	if (own)
		leave_link(place, config->socket);
	return true;
}

bool privileges_settle(struct config *config, const struct place *place, struct err *err)
{
	const struct passwd *user = NULL;

	/* Folders that others must come through are made with the mode that is said; what follows, with no more than the
	 * mask that was given. */
	mode_t mask = umask(0022);
	if (geteuid() == 0 && !(user = user_find(config->user, err)))
		return false;
	/* The one who handed the socket over has seen to its place. */
	if (!settle_state(config, place, user, err) ||
	    (!service_has_descriptor("socket") && !settle_socket(config, place, user, err)))
		return false;
	if (user && !user_become(user, err))
		return false;
	umask(mask | 0022);
	/* What it holds in memory is not for core files or debuggers of the same user. */
	prctl(PR_SET_DUMPABLE, 0);
	return true;
}
