/* Conn_path: the file that a Unix socket is found by; for conn and http only. */
#ifndef TRACKTWO_SRC_IO_CONN_PATH_H
#define TRACKTWO_SRC_IO_CONN_PATH_H

#include <sys/types.h>

#include "base/err.h"
#include "base/place.h"

struct conn_path {
	char path[PLACE_SOCKET_PATH_MAX + 1];
	dev_t device;
	ino_t inode; /* 0 until bound */
};

/* A listening, non-blocking, close-on-exec socket at `path`, or -1 with `err`. For `group` see conn_listen_unix(). */
int conn_path_bind(struct conn_path *file, const char *path, const char *group, struct err *err);

/* Unlinks the file when it is still the one that was bound. */
void conn_path_remove(const struct conn_path *file);

#endif
