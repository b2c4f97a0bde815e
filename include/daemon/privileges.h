/* Privileges: whom the daemon runs as, and where its files can lie for that user.
 *
 * PostgreSQL refuses to run as root, and a daemon has no need to. Started as root it becomes the configured user before
 * it opens anything that a client can reach. In a checkout that this user cannot enter, or whose path is too long for a
 * socket, the defaults move to /var/lib and /run (or, for an ordinary user, to $XDG_RUNTIME_DIR or /tmp), and a link in
 * the checkout shows the way. */
#ifndef TRACKTWO_DAEMON_PRIVILEGES_H
#define TRACKTWO_DAEMON_PRIVILEGES_H

#include <stdbool.h>

#include "base/err.h"
#include "base/place.h"
#include "text/config.h"

/* Settles config->socket and config->state_dir where they are still the place's own, creates their directories, and, as
 * root, gives them to the user and becomes it for good. Says on the log where things lie when that is not the default.
 */
ERR_CHECKED bool privileges_settle(struct config *config, const struct place *place, struct err *err);

#endif
