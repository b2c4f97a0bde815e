/* Conn_inherit: what is taken over is held to what would be bound: without TLS nothing listens beyond this machine,
 * whoever opened the door. */
#include "conn_inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;
	if (address->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

bool conn_inherit(int fd, bool *is_unix, struct err *err)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof address, word = sizeof(int);
	int listening = 0, type = 0, flags;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &word) != 0 || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &word) != 0 || !listening ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return err_set(err, "the descriptor that was handed over is no listening stream socket");
	*is_unix = address.ss_family == AF_UNIX;
	if (!*is_unix && !is_loopback(&address))
		return err_set(err, "the socket that was handed over is reached from other machines; without TLS only loopback "
		                    "addresses are served");
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return err_set_errno(err, errno, "the socket that was handed over cannot be set up");
	return true;
}
