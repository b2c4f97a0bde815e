/* Utf8: the first byte says how long a character is, and within what its second byte lies; the rest is alike. */
#include "text/utf8.h"

size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xBF;
	size_t length;
	if (at[0] < 0x80) {
		return 1;
	} else if (at[0] >= 0xC2 && at[0] <= 0xDF) {
		length = 2;
	} else if (at[0] >= 0xE0 && at[0] <= 0xEF) {
		length = 3;
		low = at[0] == 0xE0 ? 0xA0 : low;
		high = at[0] == 0xED ? 0x9F : high;
	} else if (at[0] >= 0xF0 && at[0] <= 0xF4) {
		length = 4;
		low = at[0] == 0xF0 ? 0x90 : low;
		high = at[0] == 0xF4 ? 0x8F : high;
	} else {
		return 0;
	}
	if (length > left || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

bool utf8_is_text(const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t step = bytes[at] ? utf8_length(bytes + at, length - at) : 0;
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}
