/* Tests of text/digest against the vectors of FIPS 180-4 and its companions. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_pieces_give_the_same),
	    cmocka_unit_test(test_million),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
