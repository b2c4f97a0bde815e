/* Zone: the C library's localtime_r under a TZ of our own, and its inverse.
 *
 * Invariant: TZ and the C library's idea of it are the same inside zone_init … zone_release as outside, except that
 * they name the entered zone. The inverse asks for the offsets in force before and after any instant that the local
 * time can mean; a local time is an instant exactly when the offset in force there leads back to it. */
#include "text/zone.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

/* More than any offset there has been (Manila and Alaska, on either side of the date line, had about 16 hours). */
enum { REACH_S = 16 * 3600 };

static bool entered;

/* glibc reads TZDIR as well, tzset(3). */
static const char *folder_of_zones(void)
{
	const char *folder = getenv("TZDIR");
	return folder && *folder ? folder : "/usr/share/zoneinfo";
}

static bool is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t length = strlen(name);
	/* A name begins with a capital letter, which what lies beside the zones does not. */
	return length > 0 && length <= ZONE_NAME_MAX && strspn(name, allowed) == length && name[0] >= 'A' && name[0] <= 'Z';
}

/* RFC 8536 section 3.1: such a file begins with "TZif". */
static bool is_zone_file(const char *name)
{
	char path[PATH_MAX], magic[4];
	int length = snprintf(path, sizeof path, "%s/%s", folder_of_zones(), name);
	if (length < 0 || (size_t)length >= sizeof path)
		return false;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return false;
	bool is = read(file, magic, sizeof magic) == (ssize_t)sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
	close(file);
	return is;
}

bool zone_check(const char *name, struct err *err)
{
	if (!is_name(name) || !is_zone_file(name))
		return err_set(err, "this system knows no such time zone: write an IANA name, such as Asia/Seoul");
	return true;
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	log_error("", "zone: %s", what);
	abort();
}

bool zone_init(struct zone *zone, const char *name, struct err *err)
{
	must(!entered, "two zones at a time");
	if (!zone_check(name, err))
		return false;
	const char *before = getenv("TZ");
	zone->before = before ? strdup(before) : NULL;
	must(!before || zone->before, "out of memory");
	must(setenv("TZ", name, 1) == 0, "out of memory");
	tzset();
	entered = true;
	return true;
}

void zone_release(struct zone *zone)
{
	if (zone->before)
		must(setenv("TZ", zone->before, 1) == 0, "out of memory");
	else
		unsetenv("TZ");
	tzset();
	free(zone->before);
	zone->before = NULL;
	entered = false;
}

static int64_t offset_at(int64_t instant_s)
{
	time_t instant = (time_t)instant_s;
	struct tm local;
	must(localtime_r(&instant, &local), "localtime_r failed within the years that it can count");
	return local.tm_gmtoff;
}

int64_t zone_local_of(const struct zone *zone, int64_t instant_s)
{
	(void)zone;
	return instant_s + offset_at(instant_s);
}

int64_t zone_instant_of(const struct zone *zone, int64_t local_s, bool *moved)
{
	(void)zone;
	int64_t before = offset_at(local_s - REACH_S), after = offset_at(local_s + REACH_S);
	int64_t by_before = local_s - before, by_after = local_s - after;
	bool in_gap = false;
	int64_t instant = by_before;
	if (before != after && offset_at(by_before) != before) {
		in_gap = offset_at(by_after) != after;
		if (!in_gap)
			instant = by_after;
	}
	if (moved)
		*moved = in_gap;
	return instant;
}
