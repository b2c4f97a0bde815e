/* UUID: version 7 of RFC 9562, section 5.7: 48 bits of milliseconds, then 74 random bits around version and variant.
 *
 * Invariant: two identifiers of one millisecond differ by their random bits alone; nothing is promised about their
 * order. */
#include "base/uuid.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"

static void fill_random(unsigned char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t got = getrandom(bytes, size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_error("", "no randomness: getrandom: %s", strerror(errno));
			abort();
		}
		bytes += got;
		size -= (size_t)got;
	}
}

void uuid_make(char text[static UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t millis = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	unsigned char bytes[16];
	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(millis >> (40 - 8 * i));
	fill_random(bytes + 6, 10);
	bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x70);
	bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
	char *out = text;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 0x0F];
	}
	*out = '\0';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool uuid_valid(const char *text)
{
	for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		if (hyphen ? text[i] != '-' : !is_hex(text[i]))
			return false;
	}
	return text[UUID_TEXT_SIZE - 1] == '\0';
}
