/* Tests of text/address: loopback, in both families, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "text/address.h"

static void test_parse(void **state)
{
	(void)state;
	struct address address;
	struct err err;
	assert_true(address_parse("127.0.0.1:7480", &address, &err));
	assert_int_equal(address.socket.any.sa_family, AF_INET);
	assert_int_equal(ntohs(address.socket.four.sin_port), 7480);
	assert_int_equal(address.length, sizeof address.socket.four);
	assert_string_equal(address.text, "127.0.0.1:7480");
	assert_true(address_parse("LocalHost:1", &address, &err));
	assert_int_equal(ntohl(address.socket.four.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_true(address_parse("[::1]:65535", &address, &err));
	assert_int_equal(address.socket.any.sa_family, AF_INET6);
	assert_int_equal(ntohs(address.socket.six.sin6_port), 65535);
	static const char *const wrong[] = {
	    "0.0.0.0:1",  "10.0.0.1:1",   "[::]:1",           "[fe80::1]:1",   "example.org:1", "127.1:1",
	    "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:000001", "[127.0.0.1]:1", "[::1]1",        "",
	    NULL};
	for (size_t i = 0; wrong[i]; i++)
		assert_false(address_parse(wrong[i], &address, &err));
}

static void test_hosts(void **state)
{
	(void)state;
	static const char *const right[] = {"localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1",
	                                    "[::1]",     "[::1]:7480",   NULL};
	static const char *const wrong[] = {
	    "",     "example.org", "localhost.example.org", "127.0.0.1.example.org", "127.0.0.1:", "127.0.0.1:x",
	    "[::1", "::1",         "192.168.0.1",           "localhost:80:80",       " localhost", NULL};
	for (size_t i = 0; right[i]; i++)
		assert_true(address_host_is_loopback(right[i]));
	for (size_t i = 0; wrong[i]; i++)
		assert_false(address_host_is_loopback(wrong[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_hosts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
