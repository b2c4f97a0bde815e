/* Following: what the tests of reminders share, for single.h's daemon and client. */
#ifndef TRACKTWO_TESTS_FOLLOWING_H
#define TRACKTWO_TESTS_FOLLOWING_H

#include "single.h"

enum { FOLLOWING_ARRIVES_MS = 10000 }; /* the longest that a push may take */

/* Until the rule has been worked out. */
void await_stock(const char *id);

/* An officer; `more` are further members of principal.create. free() the id. */
char *somebody(const char *name, const char *more);

/* Opens the client and subscribes it. */
void listen_for(struct client *listener, const char *assignee);

/* The next push of that note: its params; json_decref() them. */
json_t *pushed(struct client *listener, const char *note);

void expect_silence(struct client *listener);

/* The call is refused by that rule. */
void expect_rule(const char *method, json_t *params, const char *rule);

/* An instant so many seconds from now, as the database counts; free() it. */
char *in_s(double seconds);

/* Completes an occurrence that is not due yet, as it stands now; json_decref() the record. */
json_t *complete(const char *id, const char *more);

#endif
