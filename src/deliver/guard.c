/* Guard: IPv4 is allowed but for what is listed; IPv6 is refused but for what IANA has given out, 2000::/3, and of that
 * what is listed is refused again. The first row that an address lies in decides. */
#include "deliver/guard.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum verdict { REFUSE, ALLOW, AS_IPV4 /* the last four bytes decide */ };

struct range {
	unsigned char bytes[16];
	unsigned bits;
	enum verdict verdict;
};

static const struct range four[] = {
    {{0}, 8, REFUSE},                 /* this network; 0.0.0.0 connects to this machine */
    {{10}, 8, REFUSE},                /* private (RFC 1918) */
    {{100, 64}, 10, REFUSE},          /* shared by carriers (RFC 6598); metadata at Alibaba */
    {{127}, 8, REFUSE},               /* loopback */
    {{168, 63, 129, 16}, 32, REFUSE}, /* metadata at Azure, an address of the public Internet */
    {{169, 254}, 16, REFUSE},         /* link-local (RFC 3927); metadata nearly everywhere */
    {{172, 16}, 12, REFUSE},          /* private */
    {{192, 0, 0}, 24, REFUSE},        /* protocol assignments; metadata at Oracle */
    {{192, 0, 2}, 24, REFUSE},        /* documentation (RFC 5737) */
    {{192, 88, 99}, 24, REFUSE},      /* relays of 6to4 (RFC 7526) */
    {{192, 168}, 16, REFUSE},         /* private */
    {{198, 18}, 15, REFUSE},          /* benchmarks (RFC 2544) */
    {{198, 51, 100}, 24, REFUSE},     /* documentation */
    {{203, 0, 113}, 24, REFUSE},      /* documentation */
    {{224}, 4, REFUSE},               /* multicast */
    {{240}, 4, REFUSE},               /* reserved, and broadcast */
    {{0}, 0, ALLOW},
};

static const struct range six[] = {
    {{[10] = 0xFF, 0xFF}, 96, AS_IPV4},      /* mapped */
    {{0x00, 0x64, 0xFF, 0x9B}, 96, AS_IPV4}, /* translated */
    {{0x20, 0x01, 0x00}, 23, REFUSE},        /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0D, 0xB8}, 32, REFUSE},  /* documentation (RFC 3849) */
    {{0x20, 0x02}, 16, REFUSE},              /* 6to4, which carries any IPv4 address */
    {{0x3F, 0xFF, 0x00}, 20, REFUSE},        /* documentation (RFC 9637) */
    {{0x20}, 3, ALLOW},                      /* global unicast (RFC 4291) */
    {{0}, 0, REFUSE},                        /* loopback, ULA, link-local, site-local, multicast, not given out */
};

static bool lies_in(const unsigned char *bytes, const struct range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;
	return memcmp(bytes, range->bytes, whole) == 0 &&
	       (rest == 0 || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0);
}

static enum verdict judge(const struct range *range, const unsigned char *bytes)
{
	while (!lies_in(bytes, range))
		range++;
	return range->verdict;
}

bool guard_allows(const struct sockaddr *address, socklen_t length)
{
	if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
		struct in_addr bytes = ((const struct sockaddr_in *)(const void *)address)->sin_addr;
		return judge(four, (const unsigned char *)&bytes) == ALLOW;
	}
	if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
		struct in6_addr bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		enum verdict verdict = judge(six, bytes.s6_addr);
		return verdict == AS_IPV4 ? judge(four, bytes.s6_addr + 12) == ALLOW : verdict == ALLOW;
	}
	return false;
}
