/* Place: where this binary stands, a checkout or an installation, and the paths that follow from it.
 *
 * A binary is in a checkout when it lies in a folder `build` (or `build/…`) beside `sql/migrations` and `Makefile`.
 * The daemon and the command line ask here, so that the one finds the other's socket without being told. */
#ifndef TRACKTWO_BASE_PLACE_H
#define TRACKTWO_BASE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The most that sun_path holds, without its zero (unix(7)). */
enum { PLACE_SOCKET_PATH_MAX = 107 };

struct place {
	bool checkout;
	char root[4096];      /* the checkout's folder; "" when installed */
	char state_dir[4200]; /* ROOT/.run, or /var/lib/tracktwo */
	char socket[4200];    /* ROOT/.run/tracktwo.sock, or /run/tracktwo/tracktwo.sock */
};

/* Reads /proc/self/exe. */
void place_find(struct place *place);

/* Creates `path` and its missing parents with `mode`, less the umask; an existing directory is left as it is. */
ERR_CHECKED bool place_make_directories(const char *path, unsigned mode, struct err *err);

/* Removes `path` and all below it, on its own file system, following no link. What is not there is no error. */
ERR_CHECKED bool place_remove_tree(const char *path, struct err *err);

/* Connects a blocking stream socket to `path`, also when the path is longer than sun_path holds (by way of
 * /proc/self/fd). Returns the descriptor, close-on-exec, or -1 with `err`. The caller closes it. */
int place_connect(const char *path, struct err *err);

#endif
