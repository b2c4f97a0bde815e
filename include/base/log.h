/* Log: one line an event, on standard error, each naming its subject ("conn 3", "call 17", "pg 2").
 *
 * A line never holds a name, a note or a parameter of the people's data: what was asked is identified by the number of
 * its call and the method's name. Levels are those of syslog that a daemon needs. */
#ifndef TRACKTWO_BASE_LOG_H
#define TRACKTWO_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names as the configuration spells them, in the order of enum log_level, NULL at the end. */
extern const char *const log_level_names[];

/* Lines above `level` are dropped. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* With true every line begins with "<N>", the priority prefix of sd-daemon(3), and no time stamp; otherwise with the
 * UTC time. The default follows the environment: true when JOURNAL_STREAM is set. */
void log_set_journal(bool journal);

bool log_enabled(enum log_level level);

/* `subject` may be "" for the process itself. One write(2) a line, cut at 4,096 bytes; control characters in the
 * message are shown as "?", so that no line can be forged. */
void log_line(enum log_level level, const char *subject, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(subject, ...) log_line(LOG_LEVEL_ERROR, subject, __VA_ARGS__)
#define log_warning(subject, ...) log_line(LOG_LEVEL_WARNING, subject, __VA_ARGS__)
#define log_info(subject, ...) log_line(LOG_LEVEL_INFO, subject, __VA_ARGS__)
/* Stands on the way of every request: its arguments are evaluated only when the line is written. */
#define log_debug(subject, ...)                                                                                        \
	(log_enabled(LOG_LEVEL_DEBUG) ? log_line(LOG_LEVEL_DEBUG, subject, __VA_ARGS__) : (void)0)

/* Logs an error and ends the process with `status` (sysexits.h). Only while starting. */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
