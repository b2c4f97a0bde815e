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
 * UTC time. The default is what log_is_journal() finds out. */
void log_set_journal(bool journal);

/* Whether standard error leads to the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5)). What was
 * inherited from a session and redirected since does not. */
bool log_is_journal(void);

struct log_record {
	enum log_level level;
	const char *file; /* of the source; NULL when nobody said */
	int line;
	const char *function;
	const char *subject;
	const char *message; /* "SUBJECT: MESSAGE", as the line has it, without its end */
};

/* Offers each record to `sink` first; what it does not take (false) is written as a line. NULL: all are. The sink must
 * not log. */
typedef bool log_sink(const struct log_record *record);
void log_set_sink(log_sink *sink);

bool log_enabled(enum log_level level);

/* `subject` may be "" for the process itself. One write(2) a line, cut at 4,096 bytes; control characters in the
 * message are shown as "?", so that no line can be forged. */
#define log_line(level, subject, ...) log_line_at(level, LOG_HERE, subject, __VA_ARGS__)

/* Where in the source something is logged. */
struct log_place {
	const char *file;
	int line;
	const char *function;
};
#define LOG_HERE ((struct log_place){__FILE__, __LINE__, __func__})
void log_line_at(enum log_level level, struct log_place place, const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define log_error(subject, ...) log_line(LOG_LEVEL_ERROR, subject, __VA_ARGS__)
#define log_warning(subject, ...) log_line(LOG_LEVEL_WARNING, subject, __VA_ARGS__)
#define log_info(subject, ...) log_line(LOG_LEVEL_INFO, subject, __VA_ARGS__)
/* Stands on the way of every request: its arguments are evaluated only when the line is written. */
#define log_debug(subject, ...)                                                                                        \
	(log_enabled(LOG_LEVEL_DEBUG) ? log_line(LOG_LEVEL_DEBUG, subject, __VA_ARGS__) : (void)0)

/* Logs an error and ends the process with `status` (sysexits.h). Only while starting. */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
