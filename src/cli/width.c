/* Width: characters one after another, by what the C library knows of them. */
#include "cli/width.h"

#include <string.h>
#include <wchar.h>

/* Of "ESC [ … m" at the beginning of a text; 0 when there is none. */
static size_t rendition_length(const char *text, size_t length)
{
	size_t end = 2;
	if (length < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (end < length && strchr("0123456789;:", text[end]))
		end++;
	return end < length && text[end] == 'm' ? end + 1 : 0;
}

size_t width_of_bytes(const char *text, size_t length)
{
	mbstate_t state = {0};
	size_t width = 0;
	while (length > 0) {
		wchar_t character;
		size_t bytes = rendition_length(text, length);
		if (bytes == 0) {
			bytes = mbrtowc(&character, text, length, &state);
			if (bytes == 0 || bytes > length)
				return width + length;
			int cells = wcwidth(character);
			width += cells > 0 ? (size_t)cells : 0;
		}
		text += bytes;
		length -= bytes;
	}
	return width;
}

size_t width_of(const char *text)
{
	return width_of_bytes(text, strlen(text));
}
