/* Err: why a fallible function failed, in words for the person who must act on it.
 *
 * A fallible function returns bool, is ERR_CHECKED, and takes a struct err * that it fills exactly when it returns
 * false. The message says what is wrong and what to do; it never holds the people's data. */
#ifndef TRACKTWO_BASE_ERR_H
#define TRACKTWO_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define ERR_CHECKED __attribute__((warn_unused_result))

struct err {
	char message[512]; /* zero-terminated, cut with "…" when longer */
};

/* Fills `err` (which may be NULL) and returns false, so that `return err_set(err, …)` reads well. */
bool err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and strerror(errnum) behind the message. */
bool err_set_errno(struct err *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that `err` holds; returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
