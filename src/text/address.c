/* Address: splits at the last colon, and lets inet_pton(3) judge the rest. */
#include "text/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOPBACK_NET = 127, HOST_MOST = 253 };

/* One to five digits and no more. */
static bool parse_port(const char *text, long least, long *port)
{
	size_t digits = strspn(text, "0123456789");
	*port = strtol(text, NULL, 10);
	return digits >= 1 && digits <= 5 && text[digits] == '\0' && *port >= least && *port <= UINT16_MAX;
}

/* Cuts "host" or "[host]" off `text`; *rest is what follows. False when it does not fit or has no end. */
static bool cut_host(const char *text, char *host, size_t size, bool *bracketed, const char **rest)
{
	*bracketed = *text == '[';
	size_t length = *bracketed ? strcspn(++text, "]") : strcspn(text, ":");
	if (length >= size || (*bracketed && text[length] != ']'))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	*rest = text + length + *bracketed;
	return true;
}

static bool is_loopback(const char *host, bool bracketed, struct address *address)
{
	struct in_addr four;
	if (bracketed) {
		address->socket.six = (struct sockaddr_in6){.sin6_family = AF_INET6};
		address->length = sizeof address->socket.six;
		return inet_pton(AF_INET6, host, &address->socket.six.sin6_addr) == 1 &&
		       IN6_IS_ADDR_LOOPBACK(&address->socket.six.sin6_addr);
	}
	if (inet_pton(AF_INET, strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host, &four) != 1)
		return false;
	address->socket.four = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = four};
	address->length = sizeof address->socket.four;
	return ntohl(four.s_addr) >> 24 == LOOPBACK_NET;
}

bool address_parse(const char *text, struct address *address, struct err *err)
{
	char host[ADDRESS_TEXT_SIZE];
	const char *rest;
	bool bracketed;
	long port;

	*address = (struct address){0};
	if (strlen(text) >= sizeof address->text || !cut_host(text, host, sizeof host, &bracketed, &rest) || *rest != ':' ||
	    !parse_port(rest + 1, 1, &port))
		return err_set(err, "write host:port, such as 127.0.0.1:7480 or [::1]:7480");
	if (!is_loopback(host, bracketed, address))
		return err_set(err, "without TLS the daemon listens on a loopback address only: 127.0.0.1, [::1] or localhost");
	/* Both families hold the port at the same place. */
	address->socket.four.sin_port = htons((uint16_t)port);
	memcpy(address->text, text, strlen(text) + 1);
	return true;
}

bool address_host_is_loopback(const char *text)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address address;
	const char *rest;
	bool bracketed;
	long port;

	return cut_host(text, host, sizeof host, &bracketed, &rest) &&
	       (*rest == '\0' || (*rest == ':' && parse_port(rest + 1, 0, &port))) &&
	       is_loopback(host, bracketed, &address);
}

/* Letters, digits, hyphens and dots, or, in brackets, an IPv6 address. */
static bool is_host(const char *host, bool bracketed)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	struct in6_addr six;
	return bracketed ? inet_pton(AF_INET6, host, &six) == 1 : *host != '\0' && host[strspn(host, allowed)] == '\0';
}

bool address_parse_server(const char *text, bool *loopback, struct err *err)
{
	char host[HOST_MOST + 1];
	struct address address;
	bool encrypted = strncmp(text, "smtps://", 8) == 0, bracketed;
	const char *rest;
	long port;

	if ((!encrypted && strncmp(text, "smtp://", 7) != 0) ||
	    !cut_host(text + (encrypted ? 8 : 7), host, sizeof host, &bracketed, &rest) || !is_host(host, bracketed) ||
	    (*rest != '\0' && (*rest != ':' || !parse_port(rest + 1, 1, &port))))
		return err_set(err, "write smtp://host:port or smtps://host:port, and nothing behind it");
	*loopback = is_loopback(host, bracketed, &address);
	return true;
}
