/* Tests of text/digest against the vectors of FIPS 180-4, its companions and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "text/digest.h"

static void expect(const char *bytes, size_t length, const char *wanted)
{
	char hex[DIGEST_HEX_SIZE];
	digest_of(bytes, length, hex);
	assert_string_equal(hex, wanted);
}

static void test_vectors(void **state)
{
	(void)state;
	expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_pieces_give_the_same(void **state)
{
	(void)state;
	char bytes[200], whole[DIGEST_HEX_SIZE], pieces[DIGEST_HEX_SIZE];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	digest_of(bytes, sizeof bytes, whole);
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		struct digest *digest = digest_new();
		digest_add(digest, bytes, cut);
		digest_add(digest, bytes + cut, sizeof bytes - cut);
		digest_finish(digest, pieces);
		assert_string_equal(pieces, whole);
	}
}

static void test_million(void **state)
{
	(void)state;
	char block[1000], hex[DIGEST_HEX_SIZE];
	memset(block, 'a', sizeof block);
	struct digest *digest = digest_new();
	for (int i = 0; i < 1000; i++)
		digest_add(digest, block, sizeof block);
	digest_finish(digest, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231, test cases 1, 2 and 6: a short key, a shorter one, and one that is longer than a block. */
static void test_signing(void **state)
{
	(void)state;
	static const struct {
		unsigned char key;
		size_t key_length;
		const char *text, *mac;
	} cases[] = {
	    {0x0B, 20, "Hi There", "\xB0\x34\x4C\x61\xD8\xDB\x38\x53\x5C\xA8\xAF\xCE\xAF\x0B\xF1\x2B"},
	    {0xAA, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
	     "\x60\xE4\x31\x59\x1E\xE0\xB6\x7F\x0D\x8A\x26\xAA\xCB\xF5\xB7\x7F"},
	};
	unsigned char key[131], mac[DIGEST_BYTES];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(key, cases[i].key, sizeof key);
		digest_sign(key, cases[i].key_length, cases[i].text, strlen(cases[i].text), mac);
		assert_memory_equal(mac, cases[i].mac, 16);
	}
	digest_sign("Jefe", 4, "what do ya want for nothing?", 28, mac);
	assert_memory_equal(mac + 16, "\x5A\x00\x3F\x08\x9D\x27\x39\x83\x9D\xEC\x58\xB9\x64\xEC\x38\x43", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_pieces_give_the_same),
	    cmocka_unit_test(test_million),
	    cmocka_unit_test(test_signing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
