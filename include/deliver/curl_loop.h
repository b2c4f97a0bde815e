/* Curl loop: libcurl's multi interface on libevent; the only room that includes libcurl.
 *
 * Two things are done here: a POST over HTTP, and a connection to an SMTP server that is open, encrypted and logged in.
 * The dialogue of a mail is the mailer's own, because libcurl waits for the last reply of SMTP, and for the one to
 * QUIT, inside its calls; a connection by CURLOPT_CONNECT_ONLY does neither. Nothing here blocks: names are resolved in
 * threads, and one that resolves slowly is left to itself when its transfer ends (CURLOPT_QUICK_EXIT).
 *
 * No proxies, cookies, redirects or files of the user's; TLS 1.2 at least, certificates and names checked. The process
 * must ignore SIGPIPE. */
#ifndef TRACKTWO_DELIVER_CURL_LOOP_H
#define TRACKTWO_DELIVER_CURL_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

struct event_base;
struct curl_loop;
struct curl_transfer;

enum { CURL_LOOP_TEXT_MOST = 512, CURL_LOOP_BODY_MOST = 64 * 1024 };

enum curl_loop_tls {
	CURL_LOOP_TLS_REQUIRED,
	CURL_LOOP_TLS_OPPORTUNISTIC, /* encrypted when the server offers it, whoever it is */
	CURL_LOOP_TLS_OFF,
};

enum curl_loop_end {
	CURL_LOOP_ANSWERED,  /* POST: a whole head came; connection: it stands */
	CURL_LOOP_FORBIDDEN, /* every address of the host was refused by `allows` */
	CURL_LOOP_FAILED,    /* no connection, no TLS, no login, no answer in time */
};

struct curl_loop_result {
	enum curl_loop_end end;
	long status;        /* of HTTP; or the last reply of SMTP; 0 when there was none */
	long retry_after_s; /* of HTTP; 0 when there was none */
	/* The first bytes of the answer's body, or of SMTP's last reply without its code; raw, not terminated. */
	char text[CURL_LOOP_TEXT_MOST];
	size_t length;
	const char *fault; /* what failed, when not CURL_LOOP_ANSWERED */
};

/* How a transfer ended. Called from the loop, never inside another function of this header, once. The transfer stands
 * until curl_loop_end(), which may be called here. */
typedef void curl_loop_on_end(struct curl_transfer *transfer, const struct curl_loop_result *result, void *context);

struct curl_loop_post {
	const char *url, *schemes;  /* "https" or "http,https" */
	const char *ca_file;        /* "" for the system's */
	long timeout_ms;            /* from the start to the end of the answer */
	const char *const *headers; /* "Name: value", NULL-terminated */
	const char *body;           /* all but the body is copied; the body stays until curl_loop_end() */
	size_t length;
	/* Asked for each address before it is connected to, with the very bytes; NULL: all are allowed. */
	bool (*allows)(const struct sockaddr *address, socklen_t length);
};

struct curl_loop_server {
	const char *url; /* smtp:// or smtps:// */
	enum curl_loop_tls tls;
	const char *ca_file;
	const char *user, *password; /* "" for none; AUTH PLAIN or LOGIN */
};

struct curl_loop *curl_loop_new(struct event_base *base);
/* Every transfer must have been ended. Connections that were kept are closed. */
void curl_loop_free(struct curl_loop *loop);

/* Both never fail: what is wrong comes as a result. Connecting takes as long as its owner lets it. */
struct curl_transfer *curl_loop_post(struct curl_loop *loop, const struct curl_loop_post *post,
                                     curl_loop_on_end *on_end, void *context);
struct curl_transfer *curl_loop_connect(struct curl_loop *loop, const struct curl_loop_server *server,
                                        curl_loop_on_end *on_end, void *context);

/* Ends it at once, whatever it does, and frees it. A connection is closed. */
void curl_loop_end(struct curl_transfer *transfer);

/* Of a connection that stands. False: it is broken, or the other side has closed it. *count 0: wait until the socket is
 * ready. */
ERR_CHECKED bool curl_loop_send(struct curl_transfer *transfer, const char *bytes, size_t length, size_t *count);
ERR_CHECKED bool curl_loop_receive(struct curl_transfer *transfer, char *bytes, size_t size, size_t *count);
int curl_loop_socket(const struct curl_transfer *transfer);

/* Whether it is an absolute URL of one of the schemes, without user or password; *host is in the arena, in lower case.
 * The message does not repeat the URL. */
ERR_CHECKED bool curl_loop_check_url(struct arena *arena, const char *url, const char *schemes, const char **host,
                                     struct err *err);

#endif
