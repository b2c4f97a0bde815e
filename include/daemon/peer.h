/* Peer: joins connections to rpc sessions; the two rooms do not know each other. */
#ifndef TRACKTWO_DAEMON_PEER_H
#define TRACKTWO_DAEMON_PEER_H

#include "io/conn.h"

/* For conn_listen_unix() and conn_listen_tcp(): a session for each connection, with the listener's context, which must
 * be the struct rpc. Over a Unix socket the peer's user says who it is, over TCP only a token does. */
extern const struct conn_callbacks peer_unix, peer_tcp;

#endif
