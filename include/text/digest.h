/* Digest: SHA-256 (FIPS 180-4), the only file that includes OpenSSL's digests. Checksums of migrations, the name of the
 * api schema and the fingerprint of a write's content are made here. */
#ifndef TRACKTWO_TEXT_DIGEST_H
#define TRACKTWO_TEXT_DIGEST_H

#include <stddef.h>

enum { DIGEST_HEX_SIZE = 65 };

struct digest; /* a running digest; opaque */

struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *bytes, size_t length);
/* Ends and frees the digest; writes 64 lower-case hexadecimal digits and a zero. */
void digest_finish(struct digest *digest, char hex[static DIGEST_HEX_SIZE]);

/* The three in one. */
void digest_of(const void *bytes, size_t length, char hex[static DIGEST_HEX_SIZE]);

#endif
