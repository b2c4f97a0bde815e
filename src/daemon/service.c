/* Service: libsystemd, wrapped, and the journal.
 *
 * Invariant: after service_begin() the environment holds nothing of LISTEN_*, WATCHDOG_* and NOTIFY_SOCKET; the
 * socket's address is put back for as long as one notification takes. PostgreSQL, a child, speaks the same protocol. */
#include "daemon/service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *name;
	int fd; /* 0: none */
} doors[] = {{"socket", 0}, {"http", 0}, {"tcp", 0}};

enum { DOORS = sizeof doors / sizeof *doors };

static int *door(const char *name)
{
	for (size_t i = 0; i < DOORS; i++)
		if (strcmp(doors[i].name, name) == 0)
			return &doors[i].fd;
	return NULL;
}

int service_take_descriptor(const char *name)
{
	int *fd = door(name), taken = fd ? *fd : 0;
	if (fd)
		*fd = 0;
	return taken;
}

bool service_has_descriptor(const char *name)
{
	const int *fd = door(name);
	return fd && *fd > 0;
}

void service_forget(void)
{
	log_set_sink(NULL);
}

#ifdef TRACKTWO_SYSTEMD

#include <systemd/sd-daemon.h>

enum { STATE_BYTES = 512, RECORD_BYTES = 6 * 1024 };

static const char socket_variable[] = "NOTIFY_SOCKET";
static char *notify_socket; /* NULL: nobody listens */
static uint64_t watchdog_micros;
static int journal = -1;

struct datagram {
	char bytes[RECORD_BYTES];
	size_t length;
};

__attribute__((format(printf, 2, 3))) static void add_field(struct datagram *datagram, const char *format, ...)
{
	size_t room = sizeof datagram->bytes - datagram->length;
	va_list args;
	int length;
	va_start(args, format);
	length = vsnprintf(datagram->bytes + datagram->length, room, format, args);
	va_end(args);
	if (length > 0 && (size_t)length + 1 < room) {
		datagram->length += (size_t)length;
		datagram->bytes[datagram->length++] = '\n';
	}
}

/* A subject has words with numbers, "conn 3 call 17": each pair is a field. */
static void add_subject(struct datagram *datagram, const char *subject)
{
	static const struct {
		const char *word, *field;
	} known[] = {{"conn ", "TRACKTWO_CONNECTION"},
	             {"http ", "TRACKTWO_REQUEST"},
	             {"call ", "TRACKTWO_CALL"},
	             {"pg ", "TRACKTWO_DATABASE_CONNECTION"}};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *at = strstr(subject, known[i].word);
		unsigned long number;
		if (at && (at == subject || at[-1] == ' ') && sscanf(at + strlen(known[i].word), "%lu", &number) == 1)
			add_field(datagram, "%s=%lu", known[i].field, number);
	}
}

static bool send_datagram(const struct datagram *datagram)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
	return sendto(journal, datagram->bytes, datagram->length, MSG_DONTWAIT | MSG_NOSIGNAL,
	              (const struct sockaddr *)&address, sizeof address) >= 0;
}

/* By the native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). libsystemd's own function waits while the
 * journal's queue is full, and with it would the loop; here the record becomes a line. */
static bool send_record(const struct log_record *record)
{
	/* SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG */
	static const int priorities[] = {3, 4, 6, 7};
	struct datagram datagram = {.length = 0};

	add_field(&datagram, "PRIORITY=%d\nSYSLOG_IDENTIFIER=tracktwod", priorities[record->level]);
	if (record->file)
		add_field(&datagram, "CODE_FILE=%s\nCODE_LINE=%d\nCODE_FUNC=%s", record->file, record->line, record->function);
	add_subject(&datagram, record->subject);
	add_field(&datagram, "MESSAGE=%s", record->message);
	return send_datagram(&datagram);
}

static bool take_descriptors(struct err *err)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);
	bool right = true;

	if (count < 0)
		return err_set_errno(err, -count, "the descriptors that were handed over cannot be taken");
	for (int i = 0; i < count; i++) {
		int *fd = door(names[i]);
		if (right && !fd)
			right = err_set(err,
			                "a socket named \"%.40s\" was handed over; FileDescriptorName= must be socket, http or tcp",
			                names[i]);
		else if (right && *fd)
			right = err_set(err, "two sockets named %s were handed over; give one", names[i]);
		else if (right)
			*fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return right;
}

bool service_begin(struct err *err)
{
	const char *address = getenv(socket_variable);

	if (log_is_journal() && (journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0)
		log_set_sink(send_record);
	if (sd_watchdog_enabled(1, &watchdog_micros) <= 0)
		watchdog_micros = 0;
	notify_socket = address ? strdup(address) : NULL;
	unsetenv(socket_variable);
	return take_descriptors(err);
}

void service_notify(const char *format, ...)
{
	char state[STATE_BYTES];
	va_list args;

	if (!notify_socket)
		return;
	va_start(args, format);
	vsnprintf(state, sizeof state, format, args);
	va_end(args);
	setenv(socket_variable, notify_socket, 1);
	sd_notify(1, state);
}

void service_notify_reloading(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	service_notify("RELOADING=1\nMONOTONIC_USEC=%lld", now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

int64_t service_watchdog_micros(void)
{
	return (int64_t)watchdog_micros;
}

#else

bool service_begin(struct err *err)
{
	(void)err;
	return true;
}

void service_notify(const char *format, ...)
{
	(void)format;
}

void service_notify_reloading(void)
{
}

int64_t service_watchdog_micros(void)
{
	return 0;
}

#endif
