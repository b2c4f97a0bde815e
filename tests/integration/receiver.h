/* Receiver: servers of mail and webhooks that do as a script says, on the same loop as what sends to them: whatever
 * blocks the loop blocks them too, and the test sees it. */
#ifndef TRACKTWO_TESTS_RECEIVER_H
#define TRACKTWO_TESTS_RECEIVER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What to do instead of answering. */
#define RECEIVER_HANG "(hang)"
#define RECEIVER_CLOSE "(close)"
#define RECEIVER_RESET "(reset)"

enum receiver_stage { AT_GREETING, AT_EHLO, AT_AUTH, AT_MAIL, AT_RCPT, AT_DATA, AT_BODY, AT_QUIT, AT_COUNT };

struct receiver_path {
	const char *path, *answer;
};

struct receiver {
	/* Set before or between: */
	const char *smtp[AT_COUNT];        /* replies with their CRLF; NULL: what lets the mail through */
	const struct receiver_path *paths; /* HTTP instead of SMTP: ends with a path NULL, whose answer is for all others */
	const char *early;                 /* SMTP: sent at the first line of a mail's text; NULL: nothing */
	void (*on_taken)(struct receiver *receiver); /* a mail or a request is whole, and not answered yet; NULL: nobody */
	int reset_after; /* SMTP: mails after which the connection is reset at the next MAIL; 0: never */
	/* Seen: */
	int port, connections, open, most_open, requests, mails;
	char *commands; /* of SMTP, all of them, each with its CRLF */
	char *message;  /* the text of the last mail, before its final dot; or the body of the last request */
	char *head;     /* of the last request */
	size_t length;  /* of the message */
	/* Its own: */
	FILE *commands_stream;
	size_t commands_length;
	struct evconnlistener *listener;
	struct receiver_client *clients;
};

/* Listens on a free port of 127.0.0.1. */
void receiver_init(struct receiver *receiver, struct event_base *base);
/* Sends it on every connection. */
void receiver_say(struct receiver *receiver, const char *text);
/* Closes every connection, from the server's side. */
void receiver_drop(struct receiver *receiver);
void receiver_release(struct receiver *receiver);
/* Forgets what was seen. */
void receiver_forget(struct receiver *receiver);

#endif
