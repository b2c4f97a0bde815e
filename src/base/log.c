/* Log: a line is put together in one buffer on the stack and handed over by one write(2).
 *
 * Invariant: a line has exactly one newline, its last byte, and no other control character of C0 or C1, whatever its
 * parts held. errno is left as it was, so that logging can stand between a failure and its handling. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, SUBJECT_MAX_BYTES = 256 };

struct line {
	char bytes[LINE_MAX_BYTES];
	size_t length; /* at most LINE_MAX_BYTES - 1: the newline always fits */
};

const char *const log_level_names[] = {"error", "warning", "info", "debug", NULL};

/* sd-daemon(3): SD_ERR, SD_WARNING, SD_INFO, SD_DEBUG */
static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};

static enum log_level highest = LOG_LEVEL_INFO;
static enum { JOURNAL_UNKNOWN, JOURNAL_OFF, JOURNAL_ON } journal_mode = JOURNAL_UNKNOWN;
static log_sink *sink;

void log_set_level(enum log_level level)
{
	highest = level;
}

void log_set_journal(bool journal)
{
	journal_mode = journal ? JOURNAL_ON : JOURNAL_OFF;
}

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
	       status.st_dev == device && status.st_ino == inode;
}

void log_set_sink(log_sink *taker)
{
	sink = taker;
}

bool log_enabled(enum log_level level)
{
	return level <= highest;
}

/* Adds at most `limit` bytes of `text`, whole characters only where it is UTF-8. */
static void line_add(struct line *line, const char *text, size_t limit)
{
	size_t room = LINE_MAX_BYTES - 1 - line->length;
	size_t length = strnlen(text, limit < room ? limit : room);
	if (text[length] != '\0')
		while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
			length--;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
		bool c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
		i += c1;
		line->bytes[line->length++] = (char)(c1 || byte < 0x20 || byte == 0x7F ? '?' : byte);
	}
}

static void line_begin(struct line *line, enum log_level level)
{
	if (journal_mode == JOURNAL_UNKNOWN)
		log_set_journal(log_is_journal());
	if (journal_mode == JOURNAL_ON) {
		line_add(line, priorities[level], SIZE_MAX);
		return;
	}
	struct timespec now;
	struct tm utc;
	char day_time[64], stamp[128];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(day_time, sizeof day_time, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp, sizeof stamp, "%s.%03ldZ %s ", day_time, now.tv_nsec / 1000000, log_level_names[level]);
	line_add(line, stamp, SIZE_MAX);
}

/* `line` ends with the newline, and its message begins at `start`. */
static bool sink_takes(enum log_level level, const struct log_place *place, const char *subject, struct line *line,
                       size_t start)
{
	bool taken;
	if (!sink)
		return false;
	line->bytes[line->length - 1] = '\0';
	taken = sink(&(struct log_record){level, place->file, place->line, place->function, subject, line->bytes + start});
	line->bytes[line->length - 1] = '\n';
	return taken;
}

__attribute__((format(printf, 4, 0))) static void log_vline(enum log_level level, const struct log_place *place,
                                                            const char *subject, const char *format, va_list args)
{
	int saved = errno;
	/* One byte more than fits: line_add() must see whether a character goes on behind the cut. */
	char message[LINE_MAX_BYTES + 1];
	if (vsnprintf(message, sizeof message, format, args) < 0)
		memcpy(message, "?", 2);
	struct line line;
	line.length = 0;
	line_begin(&line, level);
	size_t start = line.length;
	if (subject[0] != '\0') {
		line_add(&line, subject, SUBJECT_MAX_BYTES);
		line_add(&line, ": ", SIZE_MAX);
	}
	line_add(&line, message, SIZE_MAX);
	line.bytes[line.length++] = '\n';
	if (!sink_takes(level, place, subject, &line, start))
		while (write(STDERR_FILENO, line.bytes, line.length) < 0 && errno == EINTR)
			;
	errno = saved;
}

void log_line_at(enum log_level level, struct log_place place, const char *subject, const char *format, ...)
{
	if (!log_enabled(level))
		return;
	va_list args;
	va_start(args, format);
	log_vline(level, &place, subject, format, args);
	va_end(args);
}

_Noreturn void log_fatal(int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_vline(LOG_LEVEL_ERROR, &(struct log_place){0}, "", format, args);
	va_end(args);
	exit(status);
}
