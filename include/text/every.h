/* Every: the plain recurrences, as people say them, made rules of RFC 5545. For the command line; a pure function. */
#ifndef TRACKTWO_TEXT_EVERY_H
#define TRACKTWO_TEXT_EVERY_H

#include "base/arena.h"
#include "base/err.h"

/* "month", "2 weeks", "weekday", "monday", "monday,thursday", "quarter", in either case, also in Korean: "달", "2주",
 * "평일", "월요일". *rule becomes the rule, in the arena. The message of a failure lists what is understood. */
ERR_CHECKED bool every_read(struct arena *arena, const char *words, const char **rule, struct err *err);

#endif
