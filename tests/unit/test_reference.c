/* Tests of rpc/reference: what is known before and after a load, and that a bad load changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/reference.h"

#define TABLES(countries, version)                                                                                     \
	"{\"countries\":" countries ",\"zones\":[\"UTC\"],\"workstreams\":[\"1.1\"],\"objectives\":[\"1.1.1\"],"           \
	"\"roadmap_version\":" version ",\"stamp\":\"s" version "\"}"

static void test_nothing_is_refused_before(void **state)
{
	(void)state;
	assert_false(reference_loaded());
	assert_null(reference_stamp());
	assert_true(reference_has(REFERENCE_COUNTRY, "ZZ"));
	assert_int_equal(reference_roadmap_version(), 0);
}

static void test_load_and_reload(void **state)
{
	(void)state;
	struct err err;
	assert_true(reference_load(TABLES("[\"KR\",\"KP\"]", "1"), &err));
	assert_true(reference_loaded());
	assert_true(reference_has(REFERENCE_COUNTRY, "KP"));
	assert_false(reference_has(REFERENCE_COUNTRY, "ZZ"));
	assert_false(reference_has(REFERENCE_WORKSTREAM, "KP"));
	assert_true(reference_load(TABLES("[\"KR\"]", "2"), &err));
	assert_false(reference_has(REFERENCE_COUNTRY, "KP"));
	assert_int_equal(reference_roadmap_version(), 2);
	assert_string_equal(reference_stamp(), "s2");
	reference_release();
	assert_false(reference_loaded());
}

/* A zone that is unknown stays so; what else is unknown may have been added. */
static void test_misses(void **state)
{
	(void)state;
	struct err err;
	assert_true(reference_load(TABLES("[\"KR\"]", "1"), &err));
	unsigned long before = reference_misses();
	assert_true(reference_has(REFERENCE_COUNTRY, "KR") && reference_has(REFERENCE_WORKSTREAM, "1.1"));
	assert_false(reference_has(REFERENCE_ZONE, "Mars/Base"));
	assert_int_equal(reference_misses(), before);
	assert_false(reference_has(REFERENCE_COUNTRY, "ZZ"));
	assert_false(reference_has(REFERENCE_WORKSTREAM, "9.9"));
	assert_false(reference_has(REFERENCE_OBJECTIVE, "9.9.9"));
	assert_int_equal(reference_misses(), before + 3);
	reference_release();
}

static void test_bad_load_keeps_the_old(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  "null",
	                                  "{}",
	                                  TABLES("[]", "1"),
	                                  TABLES("[1]", "1"),
	                                  TABLES("{}", "1"),
	                                  TABLES("[\"KR\"]", "null"),
	                                  TABLES("[\"KR\"]", "0"),
	                                  "{\"countries\":[\"KR\"],\"zones\":[\"UTC\"],\"workstreams\":[\"1.1\"],"
	                                  "\"objectives\":[\"1.1.1\"],\"roadmap_version\":1}",
	                                  "{\"countries\":[\"KR\"],\"zones\":[\"UTC\"],\"workstreams\":[\"1.1\"],"
	                                  "\"objectives\":[\"1.1.1\"],\"roadmap_version\":1,\"stamp\":"
	                                  "\"0123456789012345678901234567890123456789012345678901234567890123\"}"};
	struct err err;
	assert_true(reference_load(TABLES("[\"KP\"]", "7"), &err));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.message[0] = '\0';
		assert_false(reference_load(bad[i], &err));
		assert_true(err.message[0] != '\0');
		assert_true(reference_has(REFERENCE_COUNTRY, "KP"));
		assert_int_equal(reference_roadmap_version(), 7);
		assert_string_equal(reference_stamp(), "s7");
	}
	reference_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_is_refused_before),
	    cmocka_unit_test(test_load_and_reload),
	    cmocka_unit_test(test_misses),
	    cmocka_unit_test(test_bad_load_keeps_the_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
