/* Config: every setting of the daemon, one table.
 *
 * A row gives a key its section, type, default, range and help; reading, checking, --describe=config, the manual page
 * and the sample file all come from the table. Values are checked when they are read, so that no other room sees a bad
 * one. Files are INI (inih); "#" and ";" begin comments at the start of a line; behind the "=" they belong to the
 * value. */
#ifndef TRACKTWO_TEXT_CONFIG_H
#define TRACKTWO_TEXT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

enum config_type { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_CHOICE };

struct config {
	struct arena arena; /* owns every string */
	/* [daemon] */
	const char *socket;       /* path of the Unix socket */
	const char *socket_group; /* "" = 0600; a group's name = 0660 */
	const char *tcp;          /* "off" or a loopback host:port */
	const char *http;         /* the same, or the absolute path of a Unix socket */
	const char *state_dir;
	const char *user; /* whom a daemon started as root becomes; "" = tracktwo, else postgres */
	long log_level;   /* enum log_level */
	long max_line_bytes;
	long max_clients;
	long max_inflight; /* requests of one connection at a time; more wait unread */
	long drain_timeout_ms;
	/* [database] */
	const char *dsn;       /* "embedded" or a libpq connection string */
	const char *admin_dsn; /* "" = no migrations by this daemon */
	long connections;
	long statement_timeout_ms;
	long wait_ms;             /* how long a request waits for a database that went away */
	const char *postgres_bin; /* "" = the newest under /usr/lib/postgresql */
	long auto_migrate;        /* 0 no, 1 yes */
	/* [mail] */
	const char *mail_server; /* "" = no mail */
	const char *mail_from, *mail_user, *mail_password_file;
	long mail_tls; /* 0 required, 1 opportunistic, 2 off: enum curl_loop_tls */
	/* [webhook] */
	long webhook_allow_http, webhook_allow_private; /* 0 no, 1 yes */
	/* [delivery] */
	const char *delivery_ca_file; /* "" = the system's */
	long delivery_timeout_ms, delivery_at_once, delivery_retry_first_s, delivery_attempts;
	/* [backup] */
	const char *backup_directory; /* "" = backups in the state_dir */
	long backup_keep, backup_max_age_h;
};

struct config_key {
	const char *section, *name;
	enum config_type type;
	const char *standard;       /* the default as written; NULL: given by the place (socket, state_dir) */
	long min, max;              /* CONFIG_NUMBER: inclusive; CONFIG_TEXT: its length in bytes, inclusive */
	const char *const *choices; /* CONFIG_CHOICE: NULL-terminated; the value is the index */
	size_t offset;              /* in struct config: const char * for CONFIG_TEXT, else long */
	bool (*check)(const char *value, struct err *err); /* CONFIG_TEXT: what else it must be; NULL for nothing */
	const char *help;                                  /* one sentence or two */
	bool reloads; /* a running daemon takes a new value over; else it takes a restart */
};

/* Where HTTP is served when nobody says otherwise. */
extern const char config_http_default[];

/* The table, in the order of the sample file; *count rows. */
const struct config_key *config_keys(size_t *count);

/* Fills every key with its default. `place_socket` and `place_state_dir` are the defaults that depend on where the
 * binary stands; copied. */
void config_init(struct config *config, const char *place_socket, const char *place_state_dir);
void config_release(struct config *config);

/* Reads `path` over what `config` holds. A fault names file and line: "FILE:LINE: …", with the nearest known key where
 * a key is unknown; on failure `config` is unusable and must be released. */
ERR_CHECKED bool config_read(struct config *config, const char *path, struct err *err);

/* Sets one key from text (an option of the command line, "section.key"); the same checks, without a line. */
ERR_CHECKED bool config_set(struct config *config, const char *section, const char *name, const char *value,
                            struct err *err);

/* The first key behind `after` (NULL: of all) whose value is not the same in both; NULL when there is none. */
const struct config_key *config_next_difference(const struct config *a, const struct config *b,
                                                const struct config_key *after);
/* Copies one value, a text into `to`'s own arena. */
void config_copy_key(struct config *to, const struct config *from, const struct config_key *key);

/* All of them, into an empty `to`, to be released. */
void config_copy(struct config *to, const struct config *from);

/* Writes the sample configuration: every key, commented out, with its help, default and range. */
void config_describe(FILE *out);

#endif
