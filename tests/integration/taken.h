/* Taken: a server of mail and one of posts, and all that they took, for programs that watch a daemon deliver.
 *
 * Both live on a loop of the test's own, which turns only inside these functions. Whatever does not come in time fails
 * the running test. */
#ifndef TRACKTWO_TESTS_TAKEN_H
#define TRACKTWO_TESTS_TAKEN_H

#include "receiver.h"

enum { TAKEN_ARRIVES_MS = 15000 };

struct taken {
	char to[64];     /* the path of a post, the address of a mail */
	char id[64];     /* webhook-id; a mail's Message-ID before its "@" */
	char *head;      /* of a post; NULL for mail */
	char *text;      /* the body of a post; of a mail its subject and all its parts, decoded */
	long long at_ms; /* harness_now_ms() */
};

/* What they listen on; smtp[] of the mails may be scripted. */
extern struct receiver taken_posts, taken_mails;

void taken_listen(void);
void taken_release(void);

/* The next posts to that path are answered so, in this order, NULL-terminated; all others with 200. */
void taken_script(const char *path, const char *const *answers);

void taken_run(int ms);
size_t taken_count(const char *to);
/* The one of that number, from 0, that went to `to`. */
const struct taken *taken_await(const char *to, size_t number);

#endif
