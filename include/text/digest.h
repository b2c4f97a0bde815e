/* Digest: SHA-256 (FIPS 180-4), the only file that includes OpenSSL's digests. Checksums of migrations, the name of the
 * api schema, the fingerprint of a write's content and the signature of a webhook are made here. */
#ifndef TRACKTWO_TEXT_DIGEST_H
#define TRACKTWO_TEXT_DIGEST_H

#include <stddef.h>

enum { DIGEST_HEX_SIZE = 65, DIGEST_BYTES = 32 };

struct digest; /* a running digest; opaque */

struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *bytes, size_t length);
/* Ends and frees the digest; writes 64 lower-case hexadecimal digits and a zero. */
void digest_finish(struct digest *digest, char hex[static DIGEST_HEX_SIZE]);

/* The three in one. */
void digest_of(const void *bytes, size_t length, char hex[static DIGEST_HEX_SIZE]);

/* HMAC-SHA256 (RFC 2104, FIPS 198-1) of `bytes` under a key of any length. */
void digest_sign(const void *key, size_t key_length, const void *bytes, size_t length,
                 unsigned char mac[static DIGEST_BYTES]);

#endif
