/* Digest: OpenSSL's SHA-256 behind a few calls.
 *
 * Invariant: a digest always succeeds. The library fails only when memory or the algorithm itself is missing, and then
 * nothing that rests on a checksum could be trusted, so the process ends. */
#include "text/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/log.h"

struct digest {
	EVP_MD_CTX *context;
};

static void must(int ok)
{
	if (ok == 1)
		return;
	log_error("", "SHA-256 failed: out of memory, or OpenSSL is broken");
	abort();
}

struct digest *digest_new(void)
{
	struct digest *digest = malloc(sizeof *digest);
	must(digest != NULL);
	digest->context = EVP_MD_CTX_new();
	must(digest->context != NULL);
	must(EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL));
	return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	must(EVP_DigestUpdate(digest->context, bytes, length));
}

void digest_finish(struct digest *digest, char hex[static DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	must(EVP_DigestFinal_ex(digest->context, bytes, NULL));
	for (size_t i = 0; i < (DIGEST_HEX_SIZE - 1) / 2; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0x0F];
	}
	hex[DIGEST_HEX_SIZE - 1] = '\0';
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

void digest_of(const void *bytes, size_t length, char hex[static DIGEST_HEX_SIZE])
{
	struct digest *digest = digest_new();
	digest_add(digest, bytes, length);
	digest_finish(digest, hex);
}

void digest_sign(const void *key, size_t key_length, const void *bytes, size_t length,
                 unsigned char mac[static DIGEST_BYTES])
{
	unsigned wrote = 0;
	must(key_length <= INT_MAX);
	must(HMAC(EVP_sha256(), key, (int)key_length, bytes, length, mac, &wrote) == mac && wrote == DIGEST_BYTES);
}
