/* Names: NFC by ICU, with the quick check of UAX #15 section 9 made first, straight on the UTF-8.
 *
 * Invariant: what is NFC already comes back as the same pointer; only what the quick check cannot clear is turned into
 * UTF-16, normalised, and copied to the arena. Scratch memory never outlives the call. */
#include "text/names.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/log.h"

static void must(UErrorCode status)
{
	if (U_SUCCESS(status))
		return;
	log_error("", "ICU failed: %s", u_errorName(status));
	abort();
}

static UChar *scratch_new(size_t units)
{
	UChar *scratch = calloc(units, sizeof *scratch);
	must(scratch ? U_ZERO_ERROR : U_MEMORY_ALLOCATION_ERROR);
	return scratch;
}

/* Takes one code point of more than one byte; never goes past the terminating zero, whatever stands there. */
static UChar32 take_point(const unsigned char **at)
{
	unsigned char lead = *(*at)++;
	int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
	UChar32 point = lead & (0x3F >> more);
	for (; more > 0 && (**at & 0xC0) == 0x80; more--)
		point = point << 6 | (*(*at)++ & 0x3F);
	return point;
}

/* True when the quick check says yes; "maybe" and "no" give false. */
static bool surely_nfc(const char *utf8)
{
	int previous_class = 0;
	for (const unsigned char *at = (const unsigned char *)utf8; *at;) {
		if (*at < 0x80) {
			at++;
			previous_class = 0;
			continue;
		}
		UChar32 point = take_point(&at);
		if (u_getIntPropertyValue(point, UCHAR_NFC_QUICK_CHECK) != UNORM_YES)
			return false;
		int class = u_getCombiningClass(point);
		if (class != 0 && previous_class > class)
			return false;
		previous_class = class;
	}
	return true;
}

static const char *to_utf8(struct arena *arena, const UChar *units, int32_t count)
{
	/* A UTF-16 unit takes three bytes of UTF-8 at most. */
	size_t room = (size_t)count * 3 + 1;
	char *bytes = malloc(room);
	UErrorCode status = bytes ? U_ZERO_ERROR : U_MEMORY_ALLOCATION_ERROR;
	int32_t length = 0;
	must(status);
	u_strToUTF8(bytes, (int32_t)room, &length, units, count, &status);
	must(status);
	const char *copy = arena_copy(arena, bytes, (size_t)length);
	free(bytes);
	return copy;
}

static const char *normalise(struct arena *arena, const char *utf8, size_t length)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	must(status);
	const char *result = utf8;
	UChar *before = scratch_new(length + 1), *after = NULL;
	int32_t count = 0;
	u_strFromUTF8(before, (int32_t)length + 1, &count, utf8, (int32_t)length, &status);
	if (status == U_INVALID_CHAR_FOUND)
		goto out; /* the caller broke the contract; there is no normal form of it */
	must(status);
	/* NFC lengthens a text at most three times in UTF-16 (UAX #15, "maximum expansion factors"). */
	int32_t room = count * 3 + 1;
	after = scratch_new((size_t)room);
	int32_t after_count = unorm2_normalize(nfc, before, count, after, room, &status);
	must(status);
	if (after_count != count || u_memcmp(before, after, count) != 0)
		result = to_utf8(arena, after, after_count);
out:
	free(before);
	free(after);
	return result;
}

const char *names_nfc(struct arena *arena, const char *utf8)
{
	if (surely_nfc(utf8))
		return utf8;
	size_t length = strlen(utf8);
	if (length > INT32_MAX / 10) {
		log_error("", "a text of %zu bytes is too long to be normalised", length);
		abort();
	}
	return normalise(arena, utf8, length);
}

size_t names_characters(const char *utf8)
{
	size_t count = 0;
	for (; *utf8; utf8++)
		count += ((unsigned char)*utf8 & 0xC0) != 0x80;
	return count;
}
