/* Cluster_files: where the private server's files lie and what stands in them; for cluster only. */
#ifndef TRACKTWO_SRC_CLUSTER_CLUSTER_FILES_H
#define TRACKTWO_SRC_CLUSTER_CLUSTER_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { CLUSTER_PATH_SIZE = 4096, CLUSTER_DSN_SIZE = 2 * CLUSTER_PATH_SIZE };

/* Stands beside the data once its database has been moved to another server. */
#define CLUSTER_FILES_MOVED "moved"

struct cluster_files {
	char root[CLUSTER_PATH_SIZE]; /* STATE_DIR/postgres */
	char data[CLUSTER_PATH_SIZE], data_new[CLUSTER_PATH_SIZE], log[CLUSTER_PATH_SIZE];
	char output[CLUSTER_PATH_SIZE]; /* what a child prints before the server's own log begins */
	char socket_dir[128];
	char bin[CLUSTER_PATH_SIZE]; /* as configured; "" = to be found */
	char user[64];               /* the effective user's name, for peer authentication */
	int lock;                    /* keeps a second daemon out as long as it is open */
};

/* Resolves the paths and creates the directories: for a server that somebody else runs. */
ERR_CHECKED bool cluster_files_find(struct cluster_files *files, const char *state_dir, const char *bin,
                                    struct err *err);

/* The same, and takes the lock. Refuses a cluster whose database was moved away. */
ERR_CHECKED bool cluster_files_init(struct cluster_files *files, const char *state_dir, const char *bin,
                                    struct err *err);
void cluster_files_release(struct cluster_files *files);

/* Does the data directory exist? False with an empty err: no. */
bool cluster_files_have_data(const struct cluster_files *files, struct err *err);

/* The data directory's major version, 0 without one; the newest under /usr/lib/postgresql, 0 when there is none. */
int cluster_files_version(const struct cluster_files *files);
int cluster_files_newest(void);

/* "BIN/PROGRAM" of the data directory's major version, or of the newest one when there is no data yet. */
ERR_CHECKED bool cluster_files_program(const struct cluster_files *files, const char *program,
                                       char path[static CLUSTER_PATH_SIZE], struct err *err);

/* Removes what a broken-off initdb left. */
ERR_CHECKED bool cluster_files_clear_new(const struct cluster_files *files, struct err *err);
/* Makes the finished data.new the data directory. */
ERR_CHECKED bool cluster_files_adopt_new(const struct cluster_files *files, struct err *err);

/* Writes postgresql.conf, pg_hba.conf and pg_ident.conf, each whole or not at all. */
ERR_CHECKED bool cluster_files_configure(const struct cluster_files *files, struct err *err);

/* The server that the data directory's postmaster.pid names, when it lives and really is one of this data directory;
 * else 0. *ready tells whether it accepts connections. */
pid_t cluster_files_server(const struct cluster_files *files, bool *ready);

/* Removes lock files that name a living process which is something else: its id was used again, and PostgreSQL, which
 * knows the id only, would refuse to start. */
void cluster_files_clear_locks(const struct cluster_files *files);

/* The most telling line that a child printed: the last one, or the last with FATAL or error in it. "" when none. */
void cluster_files_last_words(const struct cluster_files *files, char text[static 400]);

void cluster_files_dsn(const struct cluster_files *files, const char *user, const char *database,
                       char dsn[static CLUSTER_DSN_SIZE]);

#endif
