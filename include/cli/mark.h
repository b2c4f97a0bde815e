/* Mark: where a reader of changes is, kept in a file from one run to the next.
 *
 * The file holds the cursor in its first line and is replaced whole: another one is written beside it, made durable and
 * given its name, so that whoever reads finds the old mark or the new one. */
#ifndef TRACKTWO_CLI_MARK_H
#define TRACKTWO_CLI_MARK_H

#include <stdbool.h>

#include "base/err.h"

enum { MARK_BYTES_MAX = 4000 }; /* as type api_cursor */

/* Whether this could be a cursor: of its letters, and neither empty nor too long. */
bool mark_valid(const char *mark);

/* Reads the cursor into `mark`; "" when there is no such file. What holds no cursor is refused. */
ERR_CHECKED bool mark_read(const char *path, char mark[static MARK_BYTES_MAX + 1], struct err *err);

/* With the mode 0600, or that of the file which stood there. */
ERR_CHECKED bool mark_write(const char *path, const char *mark, struct err *err);

#endif
