/* Tests of deliver/guard: the first and the last address of every range, and their neighbours outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "deliver/guard.h"

static bool allows(const char *text)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return guard_allows((const struct sockaddr *)&four, sizeof four);
	if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
		fail_msg("no address: %s", text);
	return guard_allows((const struct sockaddr *)&six, sizeof six);
}

/* NULL where the range ends with the addresses, or another one begins. */
static const struct {
	const char *below, *first, *last, *above;
} refused[] = {
    {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
    {"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
    {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
    {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
    {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
    {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
    {"223.255.255.255", "224.0.0.0", "255.255.255.255", NULL},
    {NULL, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"},
    {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
    {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
    {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
    {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
    {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
};

static void test_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (refused[i].below && !allows(refused[i].below))
			fail_msg("refused: %s", refused[i].below);
		if (allows(refused[i].first))
			fail_msg("allowed: %s", refused[i].first);
		if (allows(refused[i].last))
			fail_msg("allowed: %s", refused[i].last);
		if (refused[i].above && !allows(refused[i].above))
			fail_msg("refused: %s", refused[i].above);
	}
}

/* What the mapped and the translated address stand for decides; whatever only looks like one is refused. */
static void test_ipv4_within_ipv6(void **state)
{
	(void)state;
	char text[80];
	static const char *const prefixes[] = {"::ffff:", "64:ff9b::"};
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
			const char *const tries[] = {refused[k].below, refused[k].first, refused[k].last, refused[k].above};
			for (size_t at = 0; at < 4; at++) {
				if (!tries[at] || strchr(tries[at], ':'))
					continue;
				strcpy(text, prefixes[i]);
				strcat(text, tries[at]);
				assert_int_equal(allows(text), allows(tries[at]));
			}
		}
	}
	assert_true(allows("::ffff:8.8.8.8"));
	assert_true(allows("64:ff9b::8.8.8.8"));
	static const char *const others[] = {
	    "::8.8.8.8",          "::fffe:8.8.8.8",   "::1:ffff:8.8.8.8",       "64:ff9b:0:0:0:1::1",
	    "64:ff9b:1::8.8.8.8", "64:ff9a::8.8.8.8", "64:ff9b:0:0:1:0:808:808"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (allows(others[i]))
			fail_msg("allowed: %s", others[i]);
}

static void test_well_known(void **state)
{
	(void)state;
	static const char *const wrong[] = {"::1",
	                                    "fe80::1",
	                                    "fec0::1",
	                                    "fc00::1",
	                                    "fd00:ec2::254",
	                                    "ff02::1",
	                                    "100::1",
	                                    "5f00::1",
	                                    "169.254.169.254",
	                                    "100.100.100.200",
	                                    "2002:7f00:1::",
	                                    "2001:0:4136:e378:8000:63bf:3fff:fdd2"};
	static const char *const right[] = {"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2001:4860:4860::8888"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(allows(wrong[i]));
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		assert_true(allows(right[i]));
}

static void test_other_families(void **state)
{
	(void)state;
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0x26}};
	assert_false(guard_allows((const struct sockaddr *)&local, sizeof local));
	assert_true(guard_allows((const struct sockaddr *)&four, sizeof four));
	assert_false(guard_allows((const struct sockaddr *)&four, sizeof four - 1));
	assert_true(guard_allows((const struct sockaddr *)&six, sizeof six));
	assert_false(guard_allows((const struct sockaddr *)&six, sizeof six - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_edges), cmocka_unit_test(test_ipv4_within_ipv6),
	                                   cmocka_unit_test(test_well_known), cmocka_unit_test(test_other_families)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
