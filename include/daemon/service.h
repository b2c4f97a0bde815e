/* Service: what the daemon and the service manager say to each other; src/daemon/service.c is the one file that knows
 * systemd.
 *
 * Listening descriptors come in (sd_listen_fds(3)), states and signs of life go out (sd_notify(3)), and log records go
 * to the journal with their fields, what it has no room for as lines. Nothing of it is needed: without a service
 * manager, or built without libsystemd, nothing comes in, and what goes out goes nowhere. */
#ifndef TRACKTWO_DAEMON_SERVICE_H
#define TRACKTWO_DAEMON_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/* Once, before any other thing is opened: takes what the environment says out of it, so that no child takes it for its
 * own or speaks in the daemon's name. When standard error is the journal, log records go there with their fields from
 * now on. An error: a descriptor whose name (FileDescriptorName=) is none of socket, http and tcp, or that is there
 * twice. */
ERR_CHECKED bool service_begin(struct err *err);

/* The listening descriptor of that name, which is the caller's from now on; 0 when none was handed over. */
int service_take_descriptor(const char *name);
/* Whether one of that name was handed over, and not taken yet. */
bool service_has_descriptor(const char *name);

/* Assignments as sd_notify(3) has them, one a line: "READY=1\nSTATUS=…". Never waits. */
void service_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "RELOADING=1" with the time that it wants; "READY=1" is to follow. */
void service_notify_reloading(void);

/* How often the manager wants a sign of life, "WATCHDOG=1", at least; 0 when it wants none. */
int64_t service_watchdog_micros(void);

/* In a child of fork(2) that has closed its descriptors: log records are lines again. */
void service_forget(void);

#endif
