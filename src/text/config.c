/* Config: the table first, then how a value is checked, how a file is read, how the sample is written.
 *
 * Invariant: a value reaches struct config through assign() alone, which checks it, so no member ever holds one that
 * its row forbids.
 *
 * inih cuts lines off at 200 bytes, ends a value at " ;", takes ":" for "=" and joins indented lines, all silently.
 * Debian's build lets each be switched off while running; the reader here hands it one whole line at a time, and a line
 * whose name and value are not what inih made of it is refused. So a value may hold ";" anywhere, and is everything
 * from behind the "=" to the end of its line, without the blanks around it. */
#include "text/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdint.h>
#include <string.h>

#include "base/log.h"
#include "text/address.h"
#include "text/mail.h"
#include "text/nearest.h"

enum { LINE_BYTES = 8192, PATH_BYTES = 4095, NAME_BYTES = 255, WORD_BYTES = 63, COLUMNS = 100 };

static const char *const no_yes[] = {"no", "yes", NULL};

static const char *const tls_levels[] = {"required", "opportunistic", "off", NULL};

static bool check_tcp(const char *value, struct err *err)
{
	struct address address;
	return strcmp(value, "off") == 0 || address_parse(value, &address, err);
}

static bool check_http(const char *value, struct err *err)
{
	return value[0] == '/' || check_tcp(value, err);
}

static bool check_mail_server(const char *value, struct err *err)
{
	bool loopback;
	return *value == '\0' || address_parse_server(value, &loopback, err);
}

static bool check_mail_from(const char *value, struct err *err)
{
	struct arena arena = {0};
	struct mail_address address;
	bool right = *value == '\0' || mail_parse_address(&arena, value, &address, err);
	arena_release(&arena);
	return right;
}

/* What stands last is the help, and then RELOADS where a running daemon takes the key's new value over. */
#define RELOADS .reloads = true
#define ROW(section_, key, member, type_, standard_)                                                                   \
	.section = section_, .name = #key, .type = type_, .offset = offsetof(struct config, member), .standard = standard_
#define TEXT_AS(section, key, member, standard, shortest, longest, check_, ...)                                        \
	{                                                                                                                  \
		ROW(section, key, member, CONFIG_TEXT, standard), .min = shortest, .max = longest, .check = check_,            \
		                                                  .help = __VA_ARGS__                                          \
	}
#define NUMBER_AS(section, key, member, standard, least, most, ...)                                                    \
	{                                                                                                                  \
		ROW(section, key, member, CONFIG_NUMBER, standard), .min = least, .max = most, .help = __VA_ARGS__             \
	}
#define CHOICE_AS(section, key, member, standard, words, ...)                                                          \
	{                                                                                                                  \
		ROW(section, key, member, CONFIG_CHOICE, standard), .choices = words, .help = __VA_ARGS__                      \
	}
/* The member has the name of the key. */
#define TEXT(section, key, standard, shortest, longest, ...)                                                           \
	TEXT_AS(section, key, key, standard, shortest, longest, NULL, __VA_ARGS__)
#define NUMBER(section, key, standard, least, most, ...)                                                               \
	NUMBER_AS(section, key, key, standard, least, most, __VA_ARGS__)
#define CHOICE(section, key, standard, words, ...) CHOICE_AS(section, key, key, standard, words, __VA_ARGS__)

const char config_http_default[] = "127.0.0.1:7480";

static const struct config_key keys[] = {
    TEXT("daemon", socket, NULL, 1, PATH_BYTES, "Path of the Unix socket on which the daemon listens."),
    TEXT("daemon", socket_group, "", 0, NAME_BYTES,
         "Group whose members may connect to the socket; empty: only the daemon's own user and root may."),
    TEXT_AS("daemon", tcp, tcp, "off", 1, NAME_BYTES, check_tcp,
            "TCP listener, off or host:port of a loopback address; clients log in by session.login."),
    TEXT_AS("daemon", http, http, config_http_default, 1, NAME_BYTES, check_http,
            "HTTP listener: off, host:port of a loopback address, or the absolute path of a Unix socket."),
    TEXT("daemon", state_dir, NULL, 1, PATH_BYTES,
         "Folder of the daemon's own files, the embedded database among them."),
    TEXT("daemon", user, "", 0, NAME_BYTES,
         "User whom a daemon started as root becomes; empty: tracktwo when it exists, else postgres."),
    CHOICE("daemon", log_level, "info", log_level_names, "The least grave messages that are logged.", RELOADS),
    NUMBER("daemon", max_line_bytes, "1048576", 1024, 67108864, "Longest message that a client may send, in bytes.",
           RELOADS),
    NUMBER("daemon", max_clients, "10000", 1, 1000000, "Connections served at the same time.", RELOADS),
    NUMBER("daemon", max_inflight, "64", 1, 10000,
           "Requests of one connection worked on at the same time; more wait unread.", RELOADS),
    NUMBER("daemon", drain_timeout_ms, "10000", 0, 600000,
           "How long a stopping daemon waits for requests under way, in milliseconds.", RELOADS),
    TEXT("database", dsn, "embedded", 1, PATH_BYTES,
         "\"embedded\" for a PostgreSQL of the daemon's own, or a libpq connection string."),
    TEXT("database", admin_dsn, "", 0, PATH_BYTES,
         "Connection string of the role that may migrate; empty: this daemon does no migrations."),
    NUMBER("database", connections, "4", 1, 64, "Connections to the database."),
    NUMBER("database", statement_timeout_ms, "10000", 100, 600000, "Longest run of one statement, in milliseconds.",
           RELOADS),
    NUMBER(
        "database", wait_ms, "10000", 0, 600000,
        "How long a request waits for a database that went away, in milliseconds, before it is answered unavailable.",
        RELOADS),
    TEXT("database", postgres_bin, "", 0, PATH_BYTES,
         "Folder of PostgreSQL's programs, for the embedded database; empty: the newest under /usr/lib/postgresql."),
    CHOICE("database", auto_migrate, "yes", no_yes, "Whether the daemon migrates the database when it starts."),
    TEXT_AS("mail", server, mail_server, "", 0, NAME_BYTES, check_mail_server,
            "SMTP server that takes the daemon's mail, smtp://host:port or smtps://host:port; empty: no mail is sent.",
            RELOADS),
    TEXT_AS("mail", from, mail_from, "", 0, NAME_BYTES, check_mail_from,
            "Sender of the daemon's mail, local@domain or Name <local@domain>.", RELOADS),
    TEXT_AS("mail", user, mail_user, "", 0, NAME_BYTES, NULL, "User at the mail server; empty: no login.", RELOADS),
    TEXT_AS("mail", password_file, mail_password_file, "", 0, PATH_BYTES, NULL,
            "File whose first line is the password at the mail server; nobody but its owner and group may read it.",
            RELOADS),
    CHOICE_AS("mail", tls, mail_tls, "required", tls_levels,
              "Whether mail is encrypted on its way to the server; anything but required only to a loopback address.",
              RELOADS),
    CHOICE_AS("webhook", allow_http, webhook_allow_http, "no", no_yes,
              "Whether webhooks may be sent unencrypted, to http:// URLs.", RELOADS),
    CHOICE_AS("webhook", allow_private, webhook_allow_private, "no", no_yes,
              "Whether webhooks may reach this machine and its networks: loopback, private and link-local addresses.",
              RELOADS),
    TEXT_AS("delivery", ca_file, delivery_ca_file, "", 0, PATH_BYTES, NULL,
            "Certificates, in PEM, that servers of mail and webhooks are checked against; empty: the system's.",
            RELOADS),
    NUMBER_AS("delivery", timeout_ms, delivery_timeout_ms, "30000", 1000, 600000,
              "How long one attempt to deliver a mail or a webhook may take, in milliseconds.", RELOADS),
    NUMBER_AS("delivery", at_once, delivery_at_once, "16", 1, 256,
              "Mails, and webhooks, that are delivered at the same time; more wait.", RELOADS),
    NUMBER_AS("delivery", retry_first_s, delivery_retry_first_s, "30", 1, 3600,
              "How long after a failed attempt the next one follows, in seconds; it doubles up to an hour.", RELOADS),
    NUMBER_AS("delivery", attempts, delivery_attempts, "10", 1, 100,
              "How often a mail or a webhook is attempted before it has failed and somebody is told.", RELOADS),
    TEXT_AS("backup", directory, backup_directory, "", 0, PATH_BYTES, NULL,
            "Folder of the backups; empty: backups in the state_dir. Better on another disk or machine."),
    NUMBER_AS("backup", keep, backup_keep, "14", 0, 10000,
              "How many backups stay in the folder; older ones go, but never the last verified one. 0: all stay.",
              RELOADS),
    NUMBER_AS("backup", max_age_h, backup_max_age_h, "26", 1, 8760,
              "How old the newest backup may be before tracktwo doctor finds fault with it, in hours.", RELOADS),
};

enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

const struct config_key *config_keys(size_t *count)
{
	*count = KEY_COUNT;
	return keys;
}

/* The key that was meant, of its own section where two are as near; NULL when none is. */
static const struct config_key *nearest_key(const char *section, const char *name)
{
	struct nearest nearest = {.word = name};
	const struct config_key *found = NULL;
	for (size_t i = 0; i < 2 * KEY_COUNT; i++) {
		const struct config_key *key = &keys[i % KEY_COUNT];
		const char *before = nearest.name;
		if ((strcmp(key->section, section) == 0) == (i < KEY_COUNT))
			nearest_offer(&nearest, key->name);
		if (nearest.name != before)
			found = key;
	}
	return found;
}

static bool refuse_unknown(const char *section, const char *name, struct err *err)
{
	const struct config_key *meant = nearest_key(section, name);
	if (meant)
		return err_set(err, "unknown key \"%.*s\" in [%.*s]; did you mean \"%s\" in [%s]?", WORD_BYTES, name,
		               WORD_BYTES, section, meant->name, meant->section);
	return err_set(err, "unknown key \"%.*s\" in [%.*s]; tracktwod --describe=config lists all keys", WORD_BYTES, name,
	               WORD_BYTES, section);
}

static const struct config_key *find(const char *section, const char *name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static const char **text_of(struct config *config, const struct config_key *key)
{
	return (const char **)(void *)((char *)config + key->offset);
}

static long *number_of(struct config *config, const struct config_key *key)
{
	return (long *)(void *)((char *)config + key->offset);
}

static bool assign_text(struct config *config, const struct config_key *key, const char *value, struct err *err)
{
	size_t length = strlen(value);
	if (length < (size_t)key->min)
		return err_set(err, "%s must not be empty", key->name);
	if (length > (size_t)key->max)
		return err_set(err, "%s is longer than %ld bytes", key->name, key->max);
	if (key->check && !key->check(value, err))
		return err_prefix(err, "%s", key->name);
	*text_of(config, key) = arena_copy(&config->arena, value, length);
	return true;
}

static bool assign_number(struct config *config, const struct config_key *key, const char *value, struct err *err)
{
	long number = 0;
	const char *at = value;
	for (; *at >= '0' && *at <= '9' && number <= key->max; at++)
		number = number * 10 + (*at - '0');
	if (at == value || *at != '\0' || number < key->min || number > key->max)
		return err_set(err, "%s must be a whole number from %ld to %ld, in plain digits", key->name, key->min,
		               key->max);
	*number_of(config, key) = number;
	return true;
}

static bool assign_choice(struct config *config, const struct config_key *key, const char *value, struct err *err)
{
	char words[256] = "";
	for (long i = 0; key->choices[i]; i++) {
		if (strcmp(key->choices[i], value) == 0) {
			*number_of(config, key) = i;
			return true;
		}
		size_t length = strlen(words);
		snprintf(words + length, sizeof words - length, "%s%s", i ? ", " : "", key->choices[i]);
	}
	return err_set(err, "%s must be one of: %s", key->name, words);
}

static bool assign(struct config *config, const struct config_key *key, const char *value, struct err *err)
{
	switch (key->type) {
	case CONFIG_NUMBER:
		return assign_number(config, key, value, err);
	case CONFIG_CHOICE:
		return assign_choice(config, key, value, err);
	case CONFIG_TEXT:
	default:
		return assign_text(config, key, value, err);
	}
}

void config_init(struct config *config, const char *place_socket, const char *place_state_dir)
{
	*config = (struct config){0};
	for (size_t i = 0; i < KEY_COUNT; i++) {
		struct err err;
		if (keys[i].standard && !assign(config, &keys[i], keys[i].standard, &err))
			log_fatal(70, "a default of the configuration is wrong: %s", err.message);
	}
	config->socket = arena_strdup(&config->arena, place_socket);
	config->state_dir = arena_strdup(&config->arena, place_state_dir);
}

void config_release(struct config *config)
{
	arena_release(&config->arena);
	*config = (struct config){0};
}

bool config_set(struct config *config, const char *section, const char *name, const char *value, struct err *err)
{
	const struct config_key *key = find(section, name);
	if (!key)
		return refuse_unknown(section, name, err);
	return assign(config, key, value, err);
}

static bool same(const struct config *a, const struct config *b, const struct config_key *key)
{
	const char *at_a = (const char *)a + key->offset, *at_b = (const char *)b + key->offset;
	if (key->type != CONFIG_TEXT)
		return *(const long *)(const void *)at_a == *(const long *)(const void *)at_b;
	return strcmp(*(const char *const *)(const void *)at_a, *(const char *const *)(const void *)at_b) == 0;
}

const struct config_key *config_next_difference(const struct config *a, const struct config *b,
                                                const struct config_key *after)
{
	for (const struct config_key *key = after ? after + 1 : keys; key < keys + KEY_COUNT; key++)
		if (!same(a, b, key))
			return key;
	return NULL;
}

void config_copy_key(struct config *to, const struct config *from, const struct config_key *key)
{
	const char *at = (const char *)from + key->offset;
	if (key->type == CONFIG_TEXT)
		*text_of(to, key) = arena_strdup(&to->arena, *(const char *const *)(const void *)at);
	else
		*number_of(to, key) = *(const long *)(const void *)at;
}

void config_copy(struct config *to, const struct config *from)
{
	*to = (struct config){0};
	for (size_t i = 0; i < KEY_COUNT; i++)
		config_copy_key(to, from, &keys[i]);
}

struct reading {
	struct config *config;
	FILE *file;
	struct err *err;
	bool failed; /* err says why */
	int line_number;
	char line[LINE_BYTES + 1]; /* the one that inih has in hand, without its end */
	bool seen[KEY_COUNT];
};

static const char *skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

static bool check_section(const char *line, struct err *err)
{
	size_t length = strlen(line);
	while (isspace((unsigned char)line[length - 1]))
		length--;
	if (line[length - 1] != ']')
		return err_set(err, "write a section as [name], alone on its line");
	char name[WORD_BYTES + 1];
	snprintf(name, sizeof name, "%.*s", (int)length - 2, line + 1);
	struct nearest nearest = {.word = name};
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (strcmp(keys[i].section, name) == 0)
			return true;
		nearest_offer(&nearest, keys[i].section);
	}
	return nearest.name ? err_set(err, "unknown section [%s]; did you mean [%s]?", name, nearest.name)
	                    : err_set(err, "unknown section [%s]; tracktwod --describe=config lists all", name);
}

/* Reads one line into reading->line; *got is false at the end of the file. */
static bool read_line(struct reading *reading, bool *got, struct err *err)
{
	size_t length = 0;
	int c = getc(reading->file);
	*got = c != EOF;
	reading->line_number += *got;
	for (; c != EOF && c != '\n'; c = getc(reading->file)) {
		if (c == '\0')
			return err_set(err, "a NUL byte; is this a text file?");
		if (length == LINE_BYTES)
			return err_set(err, "the line is longer than %d bytes", LINE_BYTES);
		reading->line[length++] = (char)c;
	}
	reading->line[length] = '\0';
	if (ferror(reading->file))
		return err_set_errno(err, errno, "cannot read on");
	return true;
}

/* An ini_reader; ends the file early on a fault. */
static char *hand_line(char *buffer, int size, void *stream)
{
	struct reading *reading = stream;
	bool got = false;
	if (reading->failed || !read_line(reading, &got, reading->err))
		goto failed;
	if (!got)
		return NULL;
	const char *line = skip_blanks(reading->line);
	if (*line == '[' && !check_section(line, reading->err))
		goto failed;
	size_t length = strlen(reading->line);
	if (length + 1 > (size_t)size) {
		err_set(reading->err, "the line is longer than this build of inih reads: %d bytes", size - 1);
		goto failed;
	}
	memcpy(buffer, reading->line, length + 1);
	return buffer;
failed:
	reading->failed = true;
	return NULL;
}

/* True when `line` says NAME = VALUE and nothing else. */
static bool line_says(const char *line, const char *name, const char *value)
{
	size_t name_length = strlen(name), value_length = strlen(value);
	line = skip_blanks(line);
	if (strncmp(line, name, name_length) != 0)
		return false;
	line = skip_blanks(line + name_length);
	if (*line != '=')
		return false;
	line = skip_blanks(line + 1);
	return strncmp(line, value, value_length) == 0 && *skip_blanks(line + value_length) == '\0';
}

/* An ini_handler; 0 ends the reading. */
static int take_entry(void *user, const char *section, const char *name, const char *value)
{
	struct reading *reading = user;
	if (!line_says(reading->line, name, value))
		return 0;
	reading->failed = true;
	if (section[0] == '\0') {
		err_set(reading->err, "the key stands before the first section; begin with [%s]", keys[0].section);
		return 0;
	}
	const struct config_key *key = find(section, name);
	if (!key) {
		refuse_unknown(section, name, reading->err);
		return 0;
	}
	if (reading->seen[key - keys]) {
		err_set(reading->err, "%s stands twice in this file", name);
		return 0;
	}
	reading->seen[key - keys] = true;
	reading->failed = !assign(reading->config, key, value, reading->err);
	return !reading->failed;
}

bool config_read(struct config *config, const char *path, struct err *err)
{
	struct reading reading = {.config = config, .err = err, .file = fopen(path, "re")};
	if (!reading.file)
		return err_set(err, "%s: cannot read it: %s", path, strerror(errno));
	ini_use_stack = false;
	ini_initial_alloc = ini_max_line = LINE_BYTES + 3;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
	int result = ini_parse_stream(hand_line, &reading, take_entry, &reading);
	fclose(reading.file);
	if (result == 0 && !reading.failed)
		return true;
	if (!reading.failed)
		err_set(err, result < 0 ? "out of memory" : "write NAME = VALUE, a [section] or a # comment");
	return err_prefix(err, "%s:%d", path, reading.line_number);
}

static void print_comment(FILE *out, const char *text)
{
	int column = COLUMNS;
	while (*text) {
		int word = (int)strcspn(text, " ");
		bool wrap = column + 1 + word > COLUMNS;
		column = wrap ? 1 + word : column + 1 + word;
		fprintf(out, "%s %.*s", wrap ? "\n#" : "", word, text);
		text += word + (text[word] == ' ');
	}
	fputc('\n', out);
}

void config_describe(FILE *out)
{
	fputs("# Settings of tracktwod. What is commented out shows the default. On SIGHUP (systemctl reload\n"
	      "# tracktwod) the file is read again; when anything in it is wrong, all stays as it was.\n",
	      out);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const struct config_key *key = &keys[i];
		if (i == 0 || strcmp(key->section, keys[i - 1].section) != 0)
			fprintf(out, "\n[%s]\n", key->section);
		print_comment(out, key->help);
		if (key->type == CONFIG_NUMBER)
			fprintf(out, "# A number from %ld to %ld.\n", key->min, key->max);
		if (key->type == CONFIG_CHOICE) {
			fputs("# One of:", out);
			for (const char *const *choice = key->choices; *choice; choice++)
				fprintf(out, " %s%s", *choice, choice[1] ? "," : ".\n");
		}
		if (!key->standard)
			fputs("# The default depends on where tracktwod stands: in a checkout, or installed.\n", out);
		if (!key->reloads)
			fputs("# A change needs a restart.\n", out);
		const char *standard = key->standard ? key->standard : "";
		fprintf(out, "#%s =%s%s\n", key->name, *standard ? " " : "", standard);
	}
}
