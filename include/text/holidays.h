/* Holidays: the public holidays of South Korea in a year, computed.
 *
 * By the Act on Public Holidays and article 2 and 3 of the Regulations on Holidays of Public Agencies: the fixed days,
 * those of the lunar calendar (Seollal and Chuseok with the day before and after, Buddha's Birthday) by ICU's Korean
 * calendar, and the substitute holidays: since 2014 for Seollal and Chuseok (when one of their days is a Sunday) and
 * Children's Day, since 2021 for the national days, since 2023 for Buddha's Birthday and Christmas (all these on
 * Saturdays, too), and for all of them when two holidays fall on one weekday. Not computed, since decrees name them one
 * by one: elections, temporary holidays, and changes of the law; an administrator adds them. Sundays are not listed. */
#ifndef TRACKTWO_TEXT_HOLIDAYS_H
#define TRACKTWO_TEXT_HOLIDAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { HOLIDAYS_FIRST_YEAR = 2014, HOLIDAYS_LAST_YEAR = 2050 };

struct holiday {
	int32_t day;                   /* since 1970-01-01 */
	const char *name_ko, *name_en; /* static */
};

struct holidays {
	struct holiday *list; /* in order of days; two that fall on one day are both there; in the arena */
	size_t count;
};

/* Fails for a year outside HOLIDAYS_FIRST_YEAR … HOLIDAYS_LAST_YEAR. Aborts only when ICU itself is broken. */
ERR_CHECKED bool holidays_of_year(struct arena *arena, int year, struct holidays *holidays, struct err *err);

#endif
