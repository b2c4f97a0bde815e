/* Peer: what conn calls and what rpc calls, each in the other's words. */
#include "daemon/peer.h"

#include "rpc/rpc.h"

/* Bytes that a client has not taken, over which nothing is pushed to it. */
enum { CONGESTED = 1024 * 1024 };

static const char *peer_subject(const void *peer)
{
	return conn_subject(peer);
}
static void peer_send(void *peer, const struct conn_piece *pieces, size_t count)
{
	conn_send_pieces(peer, pieces, count);
}
static void peer_hold(void *peer)
{
	conn_hold(peer);
}
static void peer_release(void *peer)
{
	conn_release_hold(peer);
}
static void peer_pause(void *peer)
{
	conn_pause(peer);
}
static void peer_resume(void *peer)
{
	conn_resume(peer);
}
static bool peer_congested(void *peer)
{
	return conn_pending(peer) > CONGESTED;
}
static void peer_end(void *peer)
{
	conn_end(peer);
}
#define PEER_FUNCTIONS                                                                                                 \
	.subject = peer_subject, .send = peer_send, .hold = peer_hold, .release = peer_release, .pause = peer_pause,       \
	.resume = peer_resume, .congested = peer_congested, .end = peer_end
static const struct rpc_transport unix_transport = {.name = "unix", PEER_FUNCTIONS};
static const struct rpc_transport tcp_transport = {.name = "tcp", PEER_FUNCTIONS};

static void *on_open_tcp(struct conn *conn, uid_t uid, gid_t gid, pid_t pid, void *context)
{
	(void)uid;
	(void)gid;
	(void)pid;
	return rpc_session_new(context, &tcp_transport, conn, RPC_NOBODY);
}

static void *on_open(struct conn *conn, uid_t uid, gid_t gid, pid_t pid, void *context)
{
	(void)gid;
	(void)pid;
	return rpc_session_new(context, &unix_transport, conn, (long)uid);
}

static void on_line(struct conn *conn, char *text, size_t length)
{
	rpc_receive(conn_user(conn), text, length);
}

static void on_close(struct conn *conn)
{
	rpc_session_end(conn_user(conn));
}

static void on_too_long(struct conn *conn)
{
	rpc_refuse_length(conn_user(conn));
}
const struct conn_callbacks peer_unix = {on_open, on_line, on_too_long, on_close};
const struct conn_callbacks peer_tcp = {on_open_tcp, on_line, on_too_long, on_close};
