/* Signature: HMAC-SHA256 over "id.timestamp.body". */
#include "text/signature.h"

#include <inttypes.h>
#include <string.h>

#include "text/base64.h"
#include "text/digest.h"

static const char prefix[] = "whsec_";

static bool decode_secret(struct arena *arena, const char *secret, unsigned char **key, size_t *length, struct err *err)
{
	if (strncmp(secret, prefix, strlen(prefix)) != 0)
		return err_set(err, "a webhook's secret begins with %s", prefix);
	if (!base64_decode(arena, secret + strlen(prefix), key, length, err))
		return err_prefix(err, "a webhook's secret is %s and base64", prefix);
	if (*length < SIGNATURE_SECRET_LEAST || *length > SIGNATURE_SECRET_MOST)
		return err_set(err, "a webhook's secret has from %d to %d bytes, not %zu", SIGNATURE_SECRET_LEAST,
		               SIGNATURE_SECRET_MOST, *length);
	return true;
}

bool signature_check_secret(const char *secret, struct err *err)
{
	struct arena arena = {0};
	unsigned char *key = NULL;
	size_t length = 0;
	bool right = decode_secret(&arena, secret, &key, &length, err);
	if (right)
		explicit_bzero(key, length);
	arena_release(&arena);
	return right;
}

bool signature_check_id(const char *id, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(id);
	if (length < 1 || length > SIGNATURE_ID_MOST || strspn(id, allowed) != length)
		return err_set(err, "a webhook-id is 1 to %d letters, digits, \"_\" and \"-\"", SIGNATURE_ID_MOST);
	return true;
}

bool signature_make(struct arena *arena, const char *const secrets[static SIGNATURE_SECRETS_MOST], const char *id,
                    int64_t timestamp_s, const char *body, size_t length, const char **value, struct err *err)
{
	if (!signature_check_id(id, err))
		return false;
	const char *head = arena_printf(arena, "%s.%" PRId64 ".", id, timestamp_s);
	size_t head_length = strlen(head);
	char *content = arena_alloc(arena, head_length + length);
	memcpy(content, head, head_length);
	if (length > 0)
		memcpy(content + head_length, body, length);
	*value = "";
	for (size_t i = 0; i < SIGNATURE_SECRETS_MOST; i++) {
		unsigned char *key = NULL, mac[DIGEST_BYTES];
		size_t key_length = 0;
		if (!secrets[i])
			continue;
		if (!decode_secret(arena, secrets[i], &key, &key_length, err))
			return false;
		digest_sign(key, key_length, content, head_length + length, mac);
		explicit_bzero(key, key_length);
		*value = arena_printf(arena, "%s%sv1,%s", *value, **value ? " " : "", base64_encode(arena, mac, sizeof mac));
	}
	return **value ? true : err_set(err, "a webhook needs a secret to sign with");
}
