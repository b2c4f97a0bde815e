/* Conn_address: a listening TCP socket; for conn and http only. */
#ifndef TRACKTWO_SRC_IO_CONN_ADDRESS_H
#define TRACKTWO_SRC_IO_CONN_ADDRESS_H

#include "base/err.h"
#include "text/address.h"

/* A listening, non-blocking, close-on-exec socket, or -1 with `err`. */
int conn_address_bind(const struct address *address, struct err *err);

#endif
