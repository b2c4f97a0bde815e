/* Signature: what the Standard Webhooks specification 1.0.0 (standardwebhooks.com) has a sender sign, and how; pure
 * functions.
 *
 * A secret is 24 to 64 random bytes, written "whsec_" and base64. While two secrets are valid, the old one and the one
 * that replaces it, a message carries a signature by each, so that a receiver may change over when it likes. */
#ifndef TRACKTWO_TEXT_SIGNATURE_H
#define TRACKTWO_TEXT_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	SIGNATURE_SECRETS_MOST = 2,
	SIGNATURE_SECRET_LEAST = 24, /* bytes */
	SIGNATURE_SECRET_MOST = 64,
	SIGNATURE_ID_MOST = 256, /* characters */
};

/* The message never repeats the secret. */
ERR_CHECKED bool signature_check_secret(const char *secret, struct err *err);

/* One to SIGNATURE_ID_MOST letters, digits, "_" and "-": a full stop would make two messages sign alike. */
ERR_CHECKED bool signature_check_id(const char *id, struct err *err);

/* *value becomes the content of webhook-signature for a message: "v1,…" by each secret that is not NULL, separated by a
 * space, in the arena. At least one secret must be there. `timestamp_s` is that of the attempt, in seconds since the
 * epoch. */
ERR_CHECKED bool signature_make(struct arena *arena, const char *const secrets[static SIGNATURE_SECRETS_MOST],
                                const char *id, int64_t timestamp_s, const char *body, size_t length,
                                const char **value, struct err *err);

#endif
