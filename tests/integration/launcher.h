/* Launcher: starts the daemon as systemd would, where there is no systemd: by what systemd/tracktwod.service and
 * tracktwod.socket say, read from those files.
 *
 * Applied are the user, the state directory, the listening descriptors with their names, owner and mode, the notify
 * socket, the watchdog, LimitNOFILE, UMask, NoNewPrivileges, CapabilityBoundingSet, SystemCallFilter,
 * RestrictAddressFamilies and MemoryDenyWriteExecute. Paths below /run/tracktwo lie in the harness's folder instead; as
 * an ordinary user it keeps that user. What takes a mount or a control group is left to a real systemd. */
#ifndef TRACKTWO_TESTS_LAUNCHER_H
#define TRACKTWO_TESTS_LAUNCHER_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness.h"

enum { LAUNCHER_DOORS = 4 };

struct launcher {
	struct harness *harness;
	int notify;                             /* the manager's end */
	long watchdog_ms;                       /* what the daemon was told */
	bool without_socket_unit;               /* the socket of tracktwod.socket is not handed over */
	int doors[LAUNCHER_DOORS];              /* more to hand over: listening sockets, the caller's; 0 ends */
	const char *door_names[LAUNCHER_DOORS]; /* FileDescriptorName= */
	int held;                               /* the manager's own descriptor of the socket unit's socket */
	int journal; /* when > 0, a datagram socket bound in `journal_folder`, which the daemon sees as the journal's */
	char journal_folder[96];
};

/* Of a harness that was initialised; skips the test, saying why, when systemd-analyze is missing. */
void launcher_init(struct launcher *launcher, struct harness *harness);
/* Writes HARNESS/tracktwo.conf, which the daemon reads. */
void launcher_configure(const struct launcher *launcher, const char *text);
void launcher_start(struct launcher *launcher);
/* The next notification, within `timeout_ms`; "" when none came. Static. Fails the test when it is of any other process
 * than the daemon's own. */
const char *launcher_hear(struct launcher *launcher, int timeout_ms);
/* Passes over others until one has this line. Fails the test after `timeout_ms`. The whole notification. */
const char *launcher_await(struct launcher *launcher, const char *line, int timeout_ms);
/* Makes the journal's socket; false, with the reason printed, when this user may not. */
bool launcher_open_journal(struct launcher *launcher);
void launcher_release(struct launcher *launcher);

#endif
