/* Backups: how old they are, for /metrics.
 *
 * A folder may lie on a disk that is asleep or a server that is gone, and the loop must not wait for it: a child reads
 * it, now and then, and writes two numbers into a pipe. While a child hangs no other is started, and what was read last
 * goes on ageing, which is the alarm that it should be. */
#ifndef TRACKTWO_DAEMON_BACKUPS_H
#define TRACKTWO_DAEMON_BACKUPS_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct backups;

/* When the newest backup, and the newest verified one, were made, in seconds since 1970; 0: there is none. */
struct backups_seen {
	bool known; /* the folder was read at least once */
	int64_t newest_s, verified_s;
};

/* Reads `folder`, which is copied, at once and then every `interval_ms`. */
struct backups *backups_new(struct event_base *base, const char *folder, long interval_ms);

/* What was read last; its address stays the same for as long as the backups are there. */
const struct backups_seen *backups_seen(const struct backups *backups);

/* NULL is allowed. */
void backups_free(struct backups *backups);

#endif
