/* Address: where a listener or a server stands, as the configuration writes it; pure functions over text.
 *
 * Without TLS nothing may leave the machine in the clear, so only loopback addresses are taken (RFC 1122 section
 * 3.2.1.3, RFC 4291 section 2.5.3). Names are not resolved: the answer would depend on the network. */
#ifndef TRACKTWO_TEXT_ADDRESS_H
#define TRACKTWO_TEXT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

enum { ADDRESS_TEXT_SIZE = 64 };

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} socket;
	socklen_t length;
	char text[ADDRESS_TEXT_SIZE]; /* as it was written */
};

/* "127.0.0.1:7480", "[::1]:7480" or "localhost:7480" (127.0.0.1); ports from 1 to 65535. The
 * message does not repeat the text, which may be a secret in the wrong place. */
ERR_CHECKED bool address_parse(const char *text, struct address *address, struct err *err);

/* Whether the value of a Host header (RFC 9110 section 7.2) means this machine: localhost, 127.0.0.0/8 or [::1], with
 * or without a port. A page of another site that had its name resolve to this machine would send that name. */
bool address_host_is_loopback(const char *host);

/* Checks "smtp://host", "smtps://host", either with ":port": a name, an IPv4 address or "[IPv6]", and nothing behind
 * it. *loopback: it is localhost or a loopback address by number. The message does not repeat the text. */
ERR_CHECKED bool address_parse_server(const char *text, bool *loopback, struct err *err);

#endif
