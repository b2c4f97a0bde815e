/* Guard: which addresses a webhook may reach; a pure function over one table.
 *
 * Whoever may name a webhook's URL must not make the daemon speak to what only the daemon can reach: itself, its
 * network, the metadata service of its cloud. */
#ifndef TRACKTWO_DELIVER_GUARD_H
#define TRACKTWO_DELIVER_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

/* True for a unicast address of the public Internet, by the special-purpose registries of IANA (RFC 6890). An IPv6
 * address that stands for an IPv4 one (mapped, RFC 4291; translated, RFC 6052) is judged as that one; addresses of
 * other families are refused. */
bool guard_allows(const struct sockaddr *address, socklen_t length);

#endif
