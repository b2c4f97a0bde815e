/* Curl loop: libcurl says which sockets and which time it waits for, libevent waits, and tells libcurl.
 *
 * Invariant: a transfer is in the multi handle from its start to curl_loop_end(), and its result is told only while
 * libcurl is not on the stack, so that whoever is told may end it or start another. */
#include "deliver/curl_loop.h"

#include <ctype.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"

struct curl_loop {
	struct event_base *base;
	CURLM *multi;
	struct event timer;
};

/* What libcurl waits for on one socket. */
struct watch {
	struct event event;
};

struct curl_transfer {
	struct curl_loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	curl_loop_on_end *on_end;
	void *context;
	bool (*allows)(const struct sockaddr *address, socklen_t length);
	bool opened, refused; /* a socket to an allowed address; an address */
	bool answered;        /* POST: the head of a final answer is whole */
	bool reply_ended;     /* SMTP: the next line begins another reply */
	size_t body_bytes;
	struct curl_loop_result result;
	char fault[CURL_ERROR_SIZE];
};

/* What libcurl refuses here is a mistake of this file, or memory that has run out. */
static void must(bool done)
{
	if (done)
		return;
	log_error("", "out of memory, or this libcurl lacks what tracktwo needs");
	abort();
}

#define SET(easy, option, value) must(curl_easy_setopt(easy, option, value) == CURLE_OK)
#define SET_MULTI(multi, option, value) must(curl_multi_setopt(multi, option, value) == CURLM_OK)

static void keep_text(struct curl_loop_result *result, const char *bytes, size_t length)
{
	size_t room = sizeof result->text - result->length;
	size_t kept = length < room ? length : room;
	memcpy(result->text + result->length, bytes, kept);
	result->length += kept;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct curl_transfer *transfer = context;
	size_t length = size * count;
	keep_text(&transfer->result, bytes, length);
	transfer->body_bytes += length;
	/* An answer that never ends is cut off; its status has come already. */
	return transfer->body_bytes > CURL_LOOP_BODY_MOST ? 0 : length;
}

static size_t on_http_head(char *bytes, size_t size, size_t count, void *context)
{
	struct curl_transfer *transfer = context;
	size_t length = size * count;
	if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) {
		long status = 0;
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		transfer->answered = status >= 200;
	}
	return length;
}

/* "250-text" goes on, "250 text" ends a reply (RFC 5321 section 4.2.1). */
static size_t on_smtp_reply(char *bytes, size_t size, size_t count, void *context)
{
	struct curl_transfer *transfer = context;
	size_t length = size * count;
	if (transfer->reply_ended)
		transfer->result.length = 0;
	if (length >= 4) {
		transfer->result.status = strtol(bytes, NULL, 10);
		keep_text(&transfer->result, bytes + 4, length - 4);
	}
	transfer->reply_ended = length < 4 || bytes[3] != '-';
	return length;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct curl_transfer *transfer = context;
	(void)purpose;
	if (transfer->allows && !transfer->allows(&address->addr, address->addrlen)) {
		transfer->refused = true;
		return CURL_SOCKET_BAD;
	}
	transfer->opened = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void fill_result(struct curl_transfer *transfer, CURLcode code)
{
	struct curl_loop_result *result = &transfer->result;
	bool connected = transfer->reply_ended && code == CURLE_OK;
	curl_off_t wait_s = 0;
	if (transfer->answered) {
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &result->status);
		curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait_s);
		result->retry_after_s = wait_s > 0 ? (long)wait_s : 0;
	}
	if (transfer->answered || connected)
		result->end = CURL_LOOP_ANSWERED;
	else
		result->end = transfer->refused && !transfer->opened ? CURL_LOOP_FORBIDDEN : CURL_LOOP_FAILED;
	if (result->end == CURL_LOOP_FORBIDDEN)
		result->fault = "the host's address is not allowed";
	else if (result->end == CURL_LOOP_FAILED)
		result->fault = transfer->fault[0] ? transfer->fault : curl_easy_strerror(code);
}

static void tell_ended(struct curl_loop *loop)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left)) != NULL;) {
		struct curl_transfer *transfer = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		fill_result(transfer, message->data.result);
		transfer->on_end(transfer, &transfer->result, transfer->context);
	}
}

static void on_time(evutil_socket_t fd, short what, void *context)
{
	struct curl_loop *loop = context;
	int running;
	(void)fd;
	(void)what;
	curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_ended(loop);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct curl_loop *loop = context;
	int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(loop->multi, fd, mask, &running);
	tell_ended(loop);
}

static int on_timer(CURLM *multi, long wait_ms, void *context)
{
	struct curl_loop *loop = context;
	(void)multi;
	if (wait_ms < 0)
		event_del(&loop->timer);
	else
		event_add(&loop->timer, &(struct timeval){.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000});
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
	struct curl_loop *loop = context;
	struct watch *watch = watched;
	(void)easy;
	if (watch)
		event_del(&watch->event);
	if (what == CURL_POLL_REMOVE) {
		free(watch);
		return 0;
	}
	if (!watch) {
		watch = calloc(1, sizeof *watch);
		must(watch && curl_multi_assign(loop->multi, fd, watch) == CURLM_OK);
	}
	short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	event_assign(&watch->event, loop->base, fd, events, on_ready, loop);
	event_add(&watch->event, NULL);
	return 0;
}

struct curl_loop *curl_loop_new(struct event_base *base)
{
	struct curl_loop *loop = calloc(1, sizeof *loop);
	must(loop && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	loop->base = base;
	loop->multi = curl_multi_init();
	must(loop->multi != NULL);
	evtimer_assign(&loop->timer, base, on_time, loop);
	SET_MULTI(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	SET_MULTI(loop->multi, CURLMOPT_SOCKETDATA, loop);
	SET_MULTI(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	SET_MULTI(loop->multi, CURLMOPT_TIMERDATA, loop);
	return loop;
}

void curl_loop_free(struct curl_loop *loop)
{
	if (!loop)
		return;
	curl_multi_cleanup(loop->multi);
	event_del(&loop->timer);
	curl_global_cleanup();
	free(loop);
}

static struct curl_transfer *transfer_new(struct curl_loop *loop, const char *url, const char *schemes,
                                          const char *ca_file)
{
	struct curl_transfer *transfer = calloc(1, sizeof *transfer);
	must(transfer && (transfer->easy = curl_easy_init()) != NULL);
	CURL *easy = transfer->easy;
	transfer->loop = loop;
	SET(easy, CURLOPT_PRIVATE, transfer);
	SET(easy, CURLOPT_ERRORBUFFER, transfer->fault);
	SET(easy, CURLOPT_URL, url);
	SET(easy, CURLOPT_PROTOCOLS_STR, schemes);
	SET(easy, CURLOPT_PROXY, "");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*ca_file) {
		SET(easy, CURLOPT_CAINFO, ca_file);
		SET(easy, CURLOPT_CAPATH, NULL);
	}
	SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
	SET(easy, CURLOPT_HEADERDATA, transfer);
	SET(easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(easy, CURLOPT_WRITEDATA, transfer);
	return transfer;
}

static void transfer_start(struct curl_transfer *transfer, curl_loop_on_end *on_end, void *context)
{
	transfer->on_end = on_end;
	transfer->context = context;
	must(curl_multi_add_handle(transfer->loop->multi, transfer->easy) == CURLM_OK);
}

static void add_header(struct curl_transfer *transfer, const char *header)
{
	transfer->headers = curl_slist_append(transfer->headers, header);
	must(transfer->headers != NULL);
}

struct curl_transfer *curl_loop_post(struct curl_loop *loop, const struct curl_loop_post *post,
                                     curl_loop_on_end *on_end, void *context)
{
	struct curl_transfer *transfer = transfer_new(loop, post->url, post->schemes, post->ca_file);
	transfer->allows = post->allows;
	for (const char *const *header = post->headers; *header; header++)
		add_header(transfer, *header);
	/* Else libcurl asks for leave first when the body is large, and waits for it. */
	add_header(transfer, "Expect:");
	SET(transfer->easy, CURLOPT_TIMEOUT_MS, post->timeout_ms);
	SET(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, post->timeout_ms);
	SET(transfer->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(transfer->easy, CURLOPT_USERAGENT, "tracktwo/" TRACKTWO_VERSION);
	SET(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	SET(transfer->easy, CURLOPT_HEADERFUNCTION, on_http_head);
	SET(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->length);
	SET(transfer->easy, CURLOPT_POSTFIELDS, post->body);
	transfer_start(transfer, on_end, context);
	return transfer;
}

struct curl_transfer *curl_loop_connect(struct curl_loop *loop, const struct curl_loop_server *server,
                                        curl_loop_on_end *on_end, void *context)
{
	static const long levels[] = {
	    [CURL_LOOP_TLS_REQUIRED] = CURLUSESSL_ALL,
	    [CURL_LOOP_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
	    [CURL_LOOP_TLS_OFF] = CURLUSESSL_NONE,
	};
	struct curl_transfer *transfer = transfer_new(loop, server->url, "smtp,smtps", server->ca_file);
	CURL *easy = transfer->easy;
	SET(easy, CURLOPT_CONNECT_ONLY, 1L);
	SET(easy, CURLOPT_USE_SSL, levels[server->tls]);
	SET(easy, CURLOPT_HEADERFUNCTION, on_smtp_reply);
	if (server->tls == CURL_LOOP_TLS_OPPORTUNISTIC) {
		SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (*server->user) {
		SET(easy, CURLOPT_USERNAME, server->user);
		SET(easy, CURLOPT_PASSWORD, server->password);
		/* Others would speak to a third party, such as Kerberos, in the middle of a call. */
		SET(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	}
	transfer_start(transfer, on_end, context);
	return transfer;
}

void curl_loop_end(struct curl_transfer *transfer)
{
	if (!transfer)
		return;
	curl_multi_remove_handle(transfer->loop->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer);
}

bool curl_loop_send(struct curl_transfer *transfer, const char *bytes, size_t length, size_t *count)
{
	CURLcode code = curl_easy_send(transfer->easy, bytes, length, count);
	if (code != CURLE_OK)
		*count = 0;
	return code == CURLE_OK || code == CURLE_AGAIN;
}

bool curl_loop_receive(struct curl_transfer *transfer, char *bytes, size_t size, size_t *count)
{
	CURLcode code = curl_easy_recv(transfer->easy, bytes, size, count);
	if (code == CURLE_AGAIN)
		*count = 0;
	return code == CURLE_AGAIN || (code == CURLE_OK && *count > 0);
}

int curl_loop_socket(const struct curl_transfer *transfer)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
	return fd;
}

/* `word` stands in the comma-separated list. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (;; list++) {
		size_t item = strcspn(list, ",");
		if (item == length && strncasecmp(list, word, length) == 0)
			return true;
		list += item;
		if (*list == '\0')
			return false;
	}
}

bool curl_loop_check_url(struct arena *arena, const char *url, const char *schemes, const char **host, struct err *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *name = NULL;
	bool right = false;
	must(parts != NULL);
	CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (code == CURLUE_USER_NOT_ALLOWED)
		err_set(err, "the URL must hold no user and no password");
	else if (code != CURLUE_OK && code != CURLUE_UNSUPPORTED_SCHEME)
		err_set(err, "this is no URL: %s", curl_url_strerror(code));
	else if (code != CURLUE_OK || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	         !list_has(schemes, scheme))
		err_set(err, "the URL's scheme must be %s", strchr(schemes, ',') ? "http or https" : schemes);
	else if (strncmp(url + strlen(scheme), "://", 3) != 0 || url[strlen(scheme) + 3] == '/' ||
	         curl_url_get(parts, CURLUPART_HOST, &name, 0) != CURLUE_OK)
		err_set(err, "the URL names no host"); /* libcurl takes one slash, or three, for two */
	else
		right = true;
	if (right) {
		char *copy = arena_strdup(arena, name);
		for (char *at = copy; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		*host = copy;
	}
	curl_free(scheme);
	curl_free(name);
	curl_url_cleanup(parts);
	return right;
}
