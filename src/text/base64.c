/* Base64: OpenSSL's block codec. It passes over blanks and stray bits when it decodes, so what it made is encoded again
 * and must be the text that came. */
#include "text/base64.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Of text: the codec counts in int. */
enum { LENGTH_MOST = INT_MAX - 4 };

const char *base64_encode(struct arena *arena, const void *bytes, size_t length)
{
	if (length > LENGTH_MOST / 4 * 3) {
		log_error("", "base64: %zu bytes are more than any caller may ask for", length);
		abort();
	}
	char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
	return text;
}

bool base64_decode(struct arena *arena, const char *text, unsigned char **bytes, size_t *length, struct err *err)
{
	size_t characters = strlen(text), padding = 0;
	while (padding < 2 && padding < characters && text[characters - 1 - padding] == '=')
		padding++;
	if (characters % 4 != 0 || characters > LENGTH_MOST)
		return err_set(err, "this is no base64: its length is not a multiple of four");
	*bytes = arena_alloc(arena, characters / 4 * 3 + 1);
	*length = characters / 4 * 3 - padding;
	if (EVP_DecodeBlock(*bytes, (const unsigned char *)text, (int)characters) != (int)(characters / 4 * 3) ||
	    strcmp(base64_encode(arena, *bytes, *length), text) != 0)
		return err_set(err, "this is no base64 (RFC 4648 section 4)");
	return true;
}
