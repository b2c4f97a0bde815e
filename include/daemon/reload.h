/* Reload: what becomes of a configuration that is read while the daemon runs by another one. */
#ifndef TRACKTWO_DAEMON_RELOAD_H
#define TRACKTWO_DAEMON_RELOAD_H

#include "text/config.h"

/* Says on the log, by name and never by value, what is different in `fresh`: what is taken over now, and what takes a
 * restart, which `fresh` then has as `running` has it. */
void reload_settle(struct config *fresh, const struct config *running);

#endif
