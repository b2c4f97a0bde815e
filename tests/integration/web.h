/* Web: raw HTTP for the tests: what is sent goes out as it stands, what comes is cut at its Content-Length. */
#ifndef TRACKTWO_TESTS_WEB_H
#define TRACKTWO_TESTS_WEB_H

#include "harness.h"

struct web_answer {
	int status; /* 0: the connection ended without an answer */
	char *head, *body;
};

/* A port of 127.0.0.1 that nobody listens on. */
int web_free_port(void);

/* A connection to the port, or, with `path`, to the Unix socket; for the client_… functions of the harness, too. */
void web_open(struct client *client, int port, const char *path);

/* The next answer, within `timeout_ms`. web_answer_free() it. */
struct web_answer web_read(struct client *client, int timeout_ms);
void web_answer_free(struct web_answer *answer);

/* Sends `text`, and returns the answer's status. */
int web_status(struct client *client, const char *text);
/* Waits until the other side has ended the connection; false after `timeout_ms`. */
bool web_ended(struct client *client, int timeout_ms);

/* POST /rpc of a body on the connection, with a token unless it is NULL: the answer, parsed. */
json_t *web_call(struct client *client, const char *token, const char *body);

/* A token of the principal, made over the Unix socket; `more` is "" or further members (",'scopes':[…]"). free() it. */
char *web_token(struct client *client, const char *principal, const char *more, char id[37]);

/* A principal of that role. */
void web_principal(struct client *client, const char *role, char id[37]);

#endif
