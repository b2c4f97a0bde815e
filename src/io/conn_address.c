/* Conn_address: one socket, bound so that a restarted daemon need not wait for the old connections to time out. */
#include "conn_address.h"

#include <errno.h>
#include <unistd.h>

int conn_address_bind(const struct address *address, struct err *err)
{
	int one = 1;
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_set_errno(err, errno, "cannot make a socket");
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, &address->socket.any, address->length) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	if (errno == EADDRINUSE)
		err_set(err, "another program listens on %s; stop it, or choose another port", address->text);
	else
		err_set_errno(err, errno, "cannot listen on %s", address->text);
	close(fd);
	return -1;
}
