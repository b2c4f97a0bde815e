/* Doctor_machine: each check is a function that adds a line or two; whatever it cannot see is a line, too. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "findings.h"
#include "keep/folder.h"
#include "text/time.h"
#include "text/zone.h"

enum { MAIL_PATIENCE_MS = 5000, HOUR_S = 3600 };

/* Texts are formats to whoever translates them, and know words and whole numbers only. */
static const char *tenths(struct findings *findings, double number)
{
	return arena_printf(&findings->keep->arena, "%.1f", number);
}

static const char *mode_text(struct findings *findings, unsigned mode)
{
	return arena_printf(&findings->keep->arena, "%04o", mode);
}

/* A file that must be read, and with a secret in it by nobody else. */
static void check_secret(struct findings *findings, const char *path, bool secret, const char *what)
{
	struct stat status;
	if (stat(path, &status) != 0)
		findings_add(findings, "permissions", "bad",
		             "make the file readable for the user that the daemon runs as, or correct its name",
		             "%s cannot be read: %s: %s", what, path, strerror(errno));
	else if (secret && (status.st_mode & 0007) != 0)
		findings_add(findings, "permissions", "bad", arena_printf(&findings->keep->arena, "chmod o= %s", path),
		             "anybody on this machine can read %s: %s", what, path);
	else
		findings_add(findings, "permissions", "ok", NULL,
		             secret ? "%s is for no other eyes: %s" : "%s can be read, and holds no secret: %s", what, path);
}

static void check_settings(struct findings *findings)
{
	const struct config *config = findings->keep->config;
	const char *file = findings->keep->options->file;
	bool secret = strstr(config->dsn, "password") || strstr(config->admin_dsn, "password") ||
	              (strstr(config->dsn, "://") && strchr(config->dsn, '@'));
	if (file)
		check_secret(findings, file, secret, "the configuration");
	if (*config->mail_password_file)
		check_secret(findings, config->mail_password_file, true, "the mail server's password file");
}

static void check_state(struct findings *findings)
{
	const struct config *config = findings->keep->config;
	struct stat status;
	if (stat(config->state_dir, &status) != 0 || !S_ISDIR(status.st_mode))
		findings_add(findings, "permissions", "bad", "start the daemon, which makes it", "there is no state folder %s",
		             config->state_dir);
	else if (status.st_uid != geteuid())
		findings_add(findings, "permissions", "bad",
		             arena_printf(&findings->keep->arena, "chown -R %ld %s", (long)geteuid(), config->state_dir),
		             "the state folder belongs to another user than the daemon's: %s", config->state_dir);
	else if ((status.st_mode & 0027) != 0)
		findings_add(findings, "permissions", "bad",
		             arena_printf(&findings->keep->arena, "chmod 0700 %s", config->state_dir),
		             "others can look into the state folder: %s", config->state_dir);
	else
		findings_add(findings, "permissions", "ok", NULL, "the state folder is the daemon's alone: %s",
		             config->state_dir);
}

static void check_socket(struct findings *findings)
{
	const struct config *config = findings->keep->config;
	const char *cure =
	    arena_printf(&findings->keep->arena, "chmod %s %s", *config->socket_group ? "0660" : "0600", config->socket);
	unsigned allowed = *config->socket_group ? 0660 : 0600;
	struct stat status;
	if (stat(config->socket, &status) != 0)
		findings_add(findings, "socket", "bad", "start the daemon: \"systemctl start tracktwod\", or \"tracktwod\"",
		             "the daemon's socket is not there: %s", config->socket);
	else if ((status.st_mode & 0777) != allowed)
		findings_add(findings, "socket", "bad", cure, "the socket has mode %s and should have %s: %s",
		             mode_text(findings, (unsigned)status.st_mode & 0777), mode_text(findings, allowed),
		             config->socket);
	else
		findings_add(findings, "socket", "ok", NULL, "who may connect is as configured: %s", config->socket);
}

/* Below a twentieth and 2 GB it is time to act; below a fiftieth or 200 MB PostgreSQL may stop any day. */
static void check_room(struct findings *findings, const char *what, const char *path)
{
	struct statvfs room;
	if (statvfs(path, &room) != 0)
		return;
	double there = (double)room.f_bavail * (double)room.f_frsize, all = (double)room.f_blocks * (double)room.f_frsize;
	const char *state = there < 200e6 || (there < all / 50 && there < 2e9) ? "bad"
	                    : there < all / 20 && there < 2e9                  ? "warn"
	                                                                       : "ok";
	findings_add(
	    findings, "disk", state, *state == 'o' ? NULL : "delete what is not needed there, or move it to a larger disk",
	    "%s GB of %s GB are free for %s: %s", tenths(findings, there / 1e9), tenths(findings, all / 1e9), what, path);
}

static void check_backups(struct findings *findings)
{
	struct keep *keep = findings->keep;
	const char *path = folder_configured(&keep->arena, keep->config);
	struct folder folder;
	struct err err;
	int64_t now_s = time_now_micros() / 1000000;
	if (!folder_read(&folder, &keep->arena, path, &err)) {
		findings_add(findings, "backups", "bad", "give the folder to the user that the daemon runs as", "%s",
		             err.message);
		return;
	}
	int64_t newest_s = folder_newest(&folder, false), proven_s = folder_newest(&folder, true);
	double age_h = (double)(now_s - newest_s) / HOUR_S;
	if (newest_s == 0) {
		findings_add(
		    findings, "backups", "bad",
		    "run \"tracktwo admin backup\", and \"systemctl enable --now tracktwo-backup.timer\" for one a day",
		    "there is no backup in %s", path);
		return;
	}
	check_room(findings, "the backups", path);
	if (newest_s > now_s + HOUR_S)
		findings_add(findings, "backups", "bad",
		             "set the clock right; when it is, move the backups with a date to come out of the folder",
		             "the newest backup has a date to come, so that its age tells nothing: %s",
		             folder.entries[folder.count - 1].name);
	else if (age_h > (double)keep->config->backup_max_age_h)
		findings_add(findings, "backups", "bad",
		             "run \"tracktwo admin backup\", and see \"systemctl status tracktwo-backup.timer\"",
		             "the newest backup is %s hours old", tenths(findings, age_h));
	else
		findings_add(findings, "backups", "ok", NULL, "the newest of %zu backups is %s hours old", folder.count,
		             tenths(findings, age_h));
	if (proven_s == 0)
		findings_add(findings, "backups", "warn", "run \"tracktwo admin verify-backup FILE\" with the newest one",
		             "no backup was ever restored to see whether it is right");
	else
		findings_add(findings, "backups", "ok", NULL, "the newest verified backup is %s hours old",
		             tenths(findings, (double)(now_s - proven_s) / HOUR_S));
}

/* PostgreSQL's clock decides what is due, and it is a machine's clock like any other. */
static void check_clock(struct findings *findings)
{
	struct timex clock = {0};
	if (adjtimex(&clock) == TIME_ERROR || (clock.status & STA_UNSYNC) != 0)
		findings_add(findings, "clock", "warn", "run a time service: \"apt-get install systemd-timesyncd\", or chrony",
		             "this machine's clock is not synchronised with any other");
	else
		findings_add(findings, "clock", "ok", NULL, "this machine's clock is synchronised");
}

static void check_zone_files(struct findings *findings)
{
	struct err err;
	if (zone_check("Asia/Seoul", &err) && zone_check("America/New_York", &err))
		findings_add(findings, "zones", "ok", NULL, "this machine knows the time zones");
	else
		findings_add(findings, "zones", "bad", "install the package tzdata",
		             "this machine does not know the time zones");
}

/* "220 …" is what a server greets with (RFC 5321 section 3.1); one that begins with TLS waits for us instead. */
static const char *greet(const char *host, const char *port, bool speaks_first)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	const char *fault = "cannot be reached";
	if (getaddrinfo(host, port, &hints, &found) != 0)
		return "has a name that cannot be resolved";
	for (const struct addrinfo *at = found; at && fault; at = at->ai_next) {
		char greeting[4] = "";
		int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct timeval patience = {.tv_sec = MAIL_PATIENCE_MS / 1000};
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			fault = !speaks_first || (recv(fd, greeting, 3, MSG_WAITALL) == 3 && strcmp(greeting, "220") == 0)
			            ? NULL
			            : "does not greet as a mail server does";
		close(fd);
	}
	freeaddrinfo(found);
	return fault;
}

static void check_mail(struct findings *findings)
{
	struct keep *keep = findings->keep;
	const char *server = keep->config->mail_server;
	if (!*server) {
		findings_add(findings, "mail", "ok", NULL, "no mail server is configured, and no mail is sent");
		return;
	}
	bool tls = strncmp(server, "smtps://", 8) == 0;
	const char *host = server + (tls ? 8 : 7), *end = strrchr(host, ':'), *bracket = strchr(host, ']');
	const char *port = end && (!bracket || end > bracket) ? end + 1 : tls ? "465" : "25";
	size_t length = end && port == end + 1 ? (size_t)(end - host) : strlen(host);
	if (*host == '[' && length > 2)
		host = arena_copy(&keep->arena, host + 1, length - 2);
	else
		host = arena_copy(&keep->arena, host, length);
	const char *fault = greet(host, port, !tls);
	if (fault)
		findings_add(findings, "mail", "bad", "see whether it runs, or correct [mail] server", "the mail server %s: %s",
		             fault, server);
	else
		findings_add(findings, "mail", "ok", NULL, "the mail server answers: %s", server);
}

void findings_of_machine(struct findings *findings)
{
	check_settings(findings);
	check_state(findings);
	check_socket(findings);
	check_room(findings, "the daemon's state", findings->keep->config->state_dir);
	check_backups(findings);
	check_clock(findings);
	check_zone_files(findings);
	check_mail(findings);
}
