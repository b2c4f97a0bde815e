/* Outcome: how one attempt to deliver ended, in the words that the ledger keeps.
 *
 * Whatever sends calls back with one outcome for each thing that it was given: exactly once, never before the function
 * that took it has returned, and also when the sender is freed; what was still under way then is OUTCOME_LATER. */
#ifndef TRACKTWO_DELIVER_OUTCOME_H
#define TRACKTWO_DELIVER_OUTCOME_H

#include <stddef.h>

enum { OUTCOME_ANSWER_MOST = 512 /* bytes */ };

enum outcome_kind {
	OUTCOME_SENT,    /* the receiver has said that it has it */
	OUTCOME_LATER,   /* it may have come or not: try again, under the same id */
	OUTCOME_REFUSED, /* trying again changes nothing */
	OUTCOME_GONE,    /* the receiver wants nothing more, ever: disable it */
};

struct outcome {
	enum outcome_kind kind;
	long retry_after_s;                   /* with OUTCOME_LATER: what the receiver asked to wait; 0 when it did not */
	char answer[OUTCOME_ANSWER_MOST + 1]; /* what it said, or what failed: one line of UTF-8 */
};

/* "STATUS TEXT", or TEXT alone when `status` is 0, cut after OUTCOME_ANSWER_MOST bytes but never within a character.
 * Control characters and line ends become spaces, those at the end go; what is no UTF-8 becomes "?". */
void outcome_set_answer(struct outcome *outcome, long status, const char *bytes, size_t length);

#endif
