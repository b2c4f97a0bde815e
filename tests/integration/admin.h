/* Admin: `tracktwod --admin …` beside a harness's daemon, with the same settings. */
#ifndef TRACKTWO_TESTS_ADMIN_H
#define TRACKTWO_TESTS_ADMIN_H

#include "harness.h"

#include <sys/types.h>

/* Starts it; what it says goes to `output`, a descriptor, or the test's own for -1. `limit`, unless 0, is the largest
 * file that it may write, in bytes. The words end with NULL. */
pid_t admin_start(const struct harness *harness, int output, long limit, const char *const *words);

/* Runs it to its end (120 s); returns the exit status. *said, unless NULL, is all that it printed, to be freed. */
int admin_run(const struct harness *harness, char **said, const char *const *words);

#define ADMIN(harness, said, ...) admin_run(harness, said, (const char *const[]){__VA_ARGS__, NULL})

/* Runs it, and fails the test unless it ends with `status` and its words hold `expected`. */
void admin_expect(const struct harness *harness, int status, const char *expected, const char *const *words);

#define ADMIN_EXPECT(harness, status, expected, ...)                                                                   \
	admin_expect(harness, status, expected, (const char *const[]){__VA_ARGS__, NULL})

/* The folder of backups that the harness's daemon has by default; and one's path in it, the newest: to be freed. */
const char *admin_folder(const struct harness *harness);
char *admin_newest(const struct harness *harness);
/* Files in that folder whose name ends so. */
int admin_files(const char *folder, const char *ending);

/* Every row of every table of the store, in one digest: made otherwise than the backup's own figures, and without what
 * tells of the cluster that it lies in. To be freed. */
char *admin_contents(const struct harness *harness);

/* Waits until the embedded server of a daemon that was killed has gone. */
void admin_await_server_end(const struct harness *harness);

/* An engagement with a private note, under a request_id unless that is NULL; and `count` of them, logged. */
json_t *admin_engagement(const char *title, const char *request_id);
void admin_log(const struct harness *harness, int count);

/* Starts the daemon once more, and waits for it. */
void admin_begin_again(struct harness *harness);

/* Makes a folder of this name beside the daemon's state, for its user. Valid until the next call. */
const char *admin_scratch(const struct harness *harness, const char *name);

/* Whole files; what was read is to be freed. */
char *admin_read_file(const char *path, size_t *length);
void admin_write_file(const char *path, const char *bytes, size_t length);

/* What a manifest says of one table. */
json_t *admin_item(json_t *manifest, const char *name);

/* Puts a backup together of a dump and a manifest, as one who means to deceive would. */
void admin_forge(const char *path, const char *dump, size_t length, json_t *manifest);

#endif
