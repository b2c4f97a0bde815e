/* Service: libsystemd, wrapped.
 *
 * Invariant: after service_begin() the environment holds nothing of LISTEN_*, WATCHDOG_* and NOTIFY_SOCKET; the
 * socket's address is put back for as long as one notification takes. PostgreSQL, a child, speaks the same protocol. */
#include "daemon/service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

enum { STATE_BYTES = 512, FIELD_BYTES = 128, FIELDS_MOST = 16 };

static const char socket_variable[] = "NOTIFY_SOCKET";
static char *notify_socket; /* NULL: nobody listens */
static uint64_t watchdog_micros;

struct fields {
	struct iovec vectors[FIELDS_MOST];
	char texts[FIELDS_MOST][FIELD_BYTES];
	int count;
};

__attribute__((format(printf, 2, 3))) static void add_field(struct fields *fields, const char *format, ...)
{
	char *text = fields->texts[fields->count];
	va_list args;
	if (fields->count == FIELDS_MOST)
		return;
	va_start(args, format);
	vsnprintf(text, FIELD_BYTES, format, args);
	va_end(args);
	fields->vectors[fields->count++] = (struct iovec){text, strlen(text)};
}

/* A subject is words with numbers, "conn 3 call 17": each pair is a field. */
static void add_subject(struct fields *fields, const char *subject)
{
	static const struct {
		const char *word, *field;
	} known[] = {{"conn", "TRACKTWO_CONNECTION"},
	             {"http", "TRACKTWO_REQUEST"},
	             {"call", "TRACKTWO_CALL"},
	             {"pg", "TRACKTWO_DATABASE_CONNECTION"}};
	char word[16];
	unsigned long number;
	int length;

	for (; sscanf(subject, "%15s %lu%n", word, &number, &length) == 2; subject += length)
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strcmp(known[i].word, word) == 0)
				add_field(fields, "%s=%lu", known[i].field, number);
}

static bool send_record(const struct log_record *record)
{
	/* SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG */
	static const int priorities[] = {3, 4, 6, 7};
	struct fields fields = {.count = 0};
	char message[sizeof "MESSAGE=" + 4096];
	int length = snprintf(message, sizeof message, "MESSAGE=%s", record->message);

	add_field(&fields, "PRIORITY=%d", priorities[record->level]);
	add_field(&fields, "SYSLOG_IDENTIFIER=tracktwod");
	if (record->file) {
		add_field(&fields, "CODE_FILE=%s", record->file);
		add_field(&fields, "CODE_LINE=%d", record->line);
		add_field(&fields, "CODE_FUNC=%s", record->function);
	}
	add_subject(&fields, record->subject);
	fields.vectors[fields.count++] = (struct iovec){message, (size_t)length};
	return sd_journal_sendv(fields.vectors, fields.count) == 0;
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

	if (log_is_journal())
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
