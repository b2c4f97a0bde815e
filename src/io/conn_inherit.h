/* Conn_inherit: a listening socket that was handed over by whoever started the daemon; for conn and http only. */
#ifndef TRACKTWO_SRC_IO_CONN_INHERIT_H
#define TRACKTWO_SRC_IO_CONN_INHERIT_H

#include <stdbool.h>

#include "base/err.h"

/* Checks that `fd` is a listening stream socket of a Unix path or of a loopback address, and makes it non-blocking and
 * close-on-exec. *is_unix: the kernel tells who its peers are. */
ERR_CHECKED bool conn_inherit(int fd, bool *is_unix, struct err *err);

#endif
