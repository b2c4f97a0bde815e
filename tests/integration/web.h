/* Web: raw HTTP for the tests: what is sent goes out as it stands, what comes is cut at its Content-Length. */
#ifndef TRACKTWO_TESTS_WEB_H
#define TRACKTWO_TESTS_WEB_H

#include "harness.h"

#define POST(type, length)                                                                                             \
	"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: " type "\r\nContent-Length: " length "\r\n"
#define CHUNKED                                                                                                        \
	"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping\"}"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

struct web_answer {
	int status; /* 0: the connection ended without an answer */
	char *head, *body;
};

/* A daemon that listens on a port, whoever administers it, and a token of theirs. */
struct web_daemon {
	struct harness harness;
	int port;
	struct client administrator;
	char *token, token_id[37];
};
extern struct web_daemon web;
extern const char web_bootstrap[37]; /* the id of the administrator of the first hour */

/* For a cmocka group: starts it with `listener`, "http" or "tcp", on a port, and one more setting (NULL for none). The
 * tear-down goes with any set-up. */
int web_set_up(const char *listener, const char *setting);
int web_tear_down(void **state);

/* A port of 127.0.0.1 that nobody listens on. */
int web_free_port(void);

/* A connection to the port, or, with `path`, to the Unix socket; for the client_… functions of the harness, too. */
void web_open(struct client *client, int port, const char *path);

/* The next answer, within `timeout_ms`. web_answer_free() it. */
struct web_answer web_read(struct client *client, int timeout_ms);
void web_answer_free(struct web_answer *answer);

/* Sends `text`, and returns the answer's status. */
int web_status(struct client *client, const char *text);
/* Passes over lines until one begins so; the rest of it, to be freed. */
char *web_line(struct client *client, const char *beginning);
/* One request on a connection of its own to web.port: the answer, or its status. */
struct web_answer web_ask(const char *text);
int web_status_of(const char *text);
/* Whether it still answers. */
bool web_alive(void);
/* Waits until the other side has ended the connection; false after `timeout_ms`. */
bool web_ended(struct client *client, int timeout_ms);

/* POST /rpc of a body on the connection, with a token unless it is NULL: the answer, parsed. */
json_t *web_call(struct client *client, const char *token, const char *body);

/* A token of the principal, made over the Unix socket; `more` is "" or further members (",'scopes':[…]"). free() it. */
char *web_token(struct client *client, const char *principal, const char *more, char id[37]);

/* A principal of that role. */
void web_principal(struct client *client, const char *role, char id[37]);

#endif
