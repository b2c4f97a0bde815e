/* Sending: a loop that notices when something blocks it, and outcomes as they come. */
#ifndef TRACKTWO_TESTS_SENDING_H
#define TRACKTWO_TESTS_SENDING_H

#include <event2/event.h>
#include <stdbool.h>

#include "deliver/outcome.h"

enum {
	SENDING_GAP_MS = 1000 /* a blocked loop would stand still for longer in these tests, a busy machine does not */
};

/* Of one thing that was sent. */
struct sent {
	int calls; /* of on_outcome */
	struct outcome outcome;
};

extern struct event_base *sending_base;

/* cmocka's set-up and tear-down of each test: the loop, and its end, which fails when the loop stood still for longer
 * than SENDING_GAP_MS. */
int sending_set_up(void **state);
int sending_tear_down(void **state);

/* The callback; `context` is a struct sent. */
void sending_on_outcome(const struct outcome *outcome, void *context);

/* Runs the loop until all have their outcome, each once; fails after ten seconds. */
void sending_await(const struct sent *sent, size_t count);
/* Runs the loop for so long. */
void sending_run(int ms);

/* One outcome has come, of that kind; its answer contains `words`. */
void sending_expect(const struct sent *sent, enum outcome_kind kind, const char *words);

#endif
