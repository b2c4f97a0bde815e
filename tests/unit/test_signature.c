/* Tests of text/signature: the vector that the specification's own libraries test with, rotation, and what is no
 * secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "text/base64.h"
#include "text/signature.h"

static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek", body[] = "{\"test\": 2432232314}";
static const char signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
static struct arena arena;
static struct err err;

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const char *sign(const char *one, const char *two)
{
	const char *const secrets[] = {one, two}, *value = NULL;
	return signature_make(&arena, secrets, id, 1614265330, body, strlen(body), &value, &err) ? value : NULL;
}

static const char *secret_of(size_t bytes)
{
	static const unsigned char key[100] = {1, 2, 3};
	return arena_printf(&arena, "whsec_%s", base64_encode(&arena, key, bytes));
}

static void test_the_vector(void **state)
{
	(void)state;
	assert_string_equal(sign(secret, NULL), signature);
	assert_string_equal(sign(NULL, secret), signature);
}

static void test_rotation(void **state)
{
	(void)state;
	const char *other = secret_of(32), *alone = sign(other, NULL);
	assert_string_not_equal(alone, signature);
	assert_string_equal(sign(secret, other), arena_printf(&arena, "%s %s", signature, alone));
	assert_string_equal(sign(other, secret), arena_printf(&arena, "%s %s", alone, signature));
	assert_null(sign(NULL, NULL));
	assert_null(sign(secret, "whsec_"));
}

/* Each of the three is signed, and so are bytes that no text has. */
static void test_what_is_signed(void **state)
{
	(void)state;
	const char *const secrets[] = {secret, NULL}, *value;
	assert_true(signature_make(&arena, secrets, "msg", 1614265330, body, strlen(body), &value, &err));
	assert_string_not_equal(value, signature);
	assert_true(signature_make(&arena, secrets, id, 1614265331, body, strlen(body), &value, &err));
	assert_string_not_equal(value, signature);
	assert_true(signature_make(&arena, secrets, id, 1614265330, body, strlen(body) - 1, &value, &err));
	assert_string_not_equal(value, signature);
	assert_true(signature_make(&arena, secrets, id, 1614265330, "a\0b", 3, &value, &err));
	const char *zero = value;
	assert_true(signature_make(&arena, secrets, id, 1614265330, "a\0c", 3, &value, &err));
	assert_string_not_equal(value, zero);
	assert_true(signature_make(&arena, secrets, id, 1614265330, NULL, 0, &value, &err));
}

static void test_secrets(void **state)
{
	(void)state;
	assert_true(signature_check_secret(secret, &err));
	for (size_t bytes = 22; bytes <= 66; bytes++) {
		bool right = bytes >= 24 && bytes <= 64;
		assert_int_equal(signature_check_secret(secret_of(bytes), &err), right);
		assert_int_equal(sign(secret_of(bytes), NULL) != NULL, right);
	}
	static const char *const wrong[] = {"",
	                                    "whsec_",
	                                    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	                                    "whsek_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	                                    "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	                                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
	                                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n",
	                                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
	                                    "whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	                                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
	                                    "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	                                    NULL};
	for (size_t i = 0; wrong[i]; i++) {
		assert_false(signature_check_secret(wrong[i], &err));
		assert_null(strstr(err.message, "MfKQ"));
	}
}

static void test_ids(void **state)
{
	(void)state;
	assert_true(signature_check_id("0190a2b4-0000-7000-8000-00000000000F", &err));
	static const char *const wrong[] = {"", "a.b", "a b", "a\r\nb", "é", "a:b", NULL};
	for (size_t i = 0; wrong[i]; i++)
		assert_false(signature_check_id(wrong[i], &err));
	for (int length = 255; length <= 257; length++)
		assert_int_equal(signature_check_id(arena_printf(&arena, "%0*d", length, 0), &err), length <= 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_vector), cmocka_unit_test(test_rotation), cmocka_unit_test(test_what_is_signed),
	    cmocka_unit_test(test_secrets),    cmocka_unit_test(test_ids),
	};
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
