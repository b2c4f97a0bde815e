/* Tests of text/address: loopback, in both families, and nothing else; and servers of mail, wherever they are. */
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

static void test_servers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool loopback;
	} right[] = {
	    {"smtp://localhost", true},  {"smtp://LOCALHOST:25", true},    {"smtps://127.0.0.1:465", true},
	    {"smtp://[::1]:2525", true}, {"smtp://127.255.255.255", true}, {"smtp://mail.example.org:587", false},
	    {"smtps://10.0.0.1", false}, {"smtp://[2001:db8::1]", false},  {"smtp://localhost.example.org", false},
	    {"smtp://0.0.0.0", false},   {"smtp://[::]", false},           {"smtp://[::ffff:127.0.0.1]", false},
	    {"smtp://127.1", false},     {"smtp://a:65535", false},
	};
	static const char *const wrong[] = {"",
	                                    "localhost",
	                                    "http://localhost",
	                                    "SMTP://localhost",
	                                    "smtp:/localhost",
	                                    "smtp://",
	                                    "smtp://:25",
	                                    "smtp://localhost:",
	                                    "smtp://localhost:0",
	                                    "smtp://localhost:65536",
	                                    "smtp://localhost:25/",
	                                    "smtp://localhost/name",
	                                    "smtp://user@localhost",
	                                    "smtp://user:pw@localhost",
	                                    "smtp://local host",
	                                    "smtp://::1",
	                                    "smtp://[::1",
	                                    "smtp://[localhost]",
	                                    "smtp://[fe80::1%eth0]",
	                                    "smtp://localhost?x",
	                                    "smtp://localhost#x",
	                                    "smtp://localhost\r\nx",
	                                    NULL};
	struct err err;
	bool loopback;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		if (!address_parse_server(right[i].text, &loopback, &err))
			fail_msg("refused: %s", right[i].text);
		assert_int_equal(loopback, right[i].loopback);
	}
	for (size_t i = 0; wrong[i]; i++)
		if (address_parse_server(wrong[i], &loopback, &err))
			fail_msg("accepted: %s", wrong[i]);
	for (size_t length = 252; length <= 254; length++) {
		char text[300] = "smtp://";
		memset(text + 7, 'a', length);
		text[7 + length] = '\0';
		assert_int_equal(address_parse_server(text, &loopback, &err), length <= 253);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_hosts),
	                                   cmocka_unit_test(test_servers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
