/* Keep, inside: what its commands share. */
#ifndef TRACKTWO_SRC_KEEP_INTERNAL_H
#define TRACKTWO_SRC_KEEP_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive.h"
#include "base/arena.h"
#include "base/err.h"
#include "cluster/hold.h"
#include "io/migrate_db.h"
#include "keep/keep.h"

/* One run of one command. */
struct keep {
	struct arena arena;
	const struct keep_options *options;
	const struct config *config;
	/* The command's words, as given. */
	const char *file, *to, *drop;
	long keep; /* -1: not given */
	bool replace, another, remake, offline, verify, json;
	/* The line of progress on a terminal. */
	bool terminal, line_open;
	const char *doing;
	int64_t told_ms;
};

/* A line on standard output; progress on a terminal. archive_progress takes a struct keep. */
void keep_say(struct keep *keep, const char *format, ...) __attribute__((format(printf, 2, 3)));
void keep_progress(uint64_t done, uint64_t of, void *keep);

/* A PostgreSQL with a store, or for one. */
struct keep_store {
	struct cluster_hold *hold; /* NULL: a server of one's own */
	const char *dsn;           /* as the one who may do everything to the store */
	const char *load_dsn;      /* as one who may do no more than the owner: what a backup says is carried out by it */
	struct migrate_db db;      /* open; its session may measure */
	int server_major;
	bool mighty;          /* a superuser, or with BYPASSRLS */
	bool superuser;       /* whoever connects by load_dsn */
	const char *programs; /* child_find_programs() */
};

enum keep_way {
	KEEP_VISIT, /* the server is there: a daemon's, or one's own */
	KEEP_OWN,   /* nobody else may use it: the embedded one is started for this, with its roles and database */
};

/* The configured store. keep_store_close() also after a failure. */
ERR_CHECKED bool keep_store_open(struct keep *keep, struct keep_store *store, enum keep_way way, struct err *err);
/* The embedded cluster under another folder, with its roles and database; `bin` "" for the newest. */
ERR_CHECKED bool keep_store_make(struct keep *keep, struct keep_store *store, const char *state_dir, const char *bin,
                                 struct err *err);
/* A server of one's own, by the connection string of the owner's login. */
ERR_CHECKED bool keep_store_reach(struct keep *keep, struct keep_store *store, const char *dsn, struct err *err);
void keep_store_close(struct keep_store *store);

/* Fails when a daemon serves from the store; none can begin before the session ends. */
ERR_CHECKED bool keep_store_unserved(struct keep_store *store, struct err *err);

/* Makes a backup of `store` in the folder `folder`, as `name` or, with NULL, by its time; *made is its path. */
ERR_CHECKED bool keep_dump(struct keep *keep, struct keep_store *store, const char *folder, const char *name,
                           const char **made, struct err *err);

/* Opens a backup, says what it is, and reads it through. */
ERR_CHECKED bool keep_archive_open(struct keep *keep, struct archive *archive, const char *path, struct err *err);

/* Restores the archive's dump into `store`, in one transaction that ends well only when what is there then is what was
 * backed up, and nothing outside it has changed. A dump is a program: it runs with the owner's rights and no others,
 * and refused is a login that has more. A store that is there already gets the name `aside`; with NULL there must be
 * none. */
ERR_CHECKED bool keep_load(struct keep *keep, struct keep_store *store, const struct archive *archive,
                           const char *aside, struct err *err);

/* The folder of backups, made when it is missing; in keep's arena. NULL on failure. */
const char *keep_folder(struct keep *keep, struct err *err);

/* "20261124T021500Z", in keep's arena. */
const char *keep_stamp(struct keep *keep);

/* Lists the data directories that upgrades left, or drops the one that --drop names (*found). */
ERR_CHECKED bool keep_kept_folders(struct keep *keep, bool *found, struct err *err);

/* The commands. */
bool keep_backup(struct keep *keep, struct err *err);
bool keep_verify(struct keep *keep, struct err *err);
bool keep_restore(struct keep *keep, struct err *err);
bool keep_upgrade(struct keep *keep, struct err *err);
bool keep_move(struct keep *keep, struct err *err);
bool keep_kept(struct keep *keep, struct err *err);
bool keep_doctor(struct keep *keep, struct err *err);

#endif
