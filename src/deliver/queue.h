/* Queue: so many jobs at once, so many of them for one receiver, the rest in the order in which they came.
 *
 * A receiver that hangs holds its own share and no more. Jobs begin from the loop, one turn after they were added or
 * after room was made, never inside another function. */
#ifndef TRACKTWO_DELIVER_QUEUE_H
#define TRACKTWO_DELIVER_QUEUE_H

#include <event2/event_struct.h>
#include <stddef.h>
#include <sys/queue.h>

/* The first member of what a sender keeps for a job; zeroed at first. */
struct queue_job {
	TAILQ_ENTRY(queue_job) link;
	const char *receiver; /* set by the sender; compared as text */
};

TAILQ_HEAD(queue_jobs, queue_job);

struct queue {
	size_t most, most_each; /* jobs at once; of one receiver */
	/* Starts the job; may end it at once. */
	void (*begin)(struct queue_job *job, void *context);
	void *context;
	/* Its own: */
	struct queue_jobs waiting, running;
	size_t running_count;
	struct event step;
};

/* In place; the members above "its own" are the caller's to set before. */
void queue_init(struct queue *queue, struct event_base *base);
/* Every job must have ended. */
void queue_release(struct queue *queue);

void queue_add(struct queue *queue, struct queue_job *job);
/* Takes out a job that is running. The job stays the sender's. */
void queue_end(struct queue *queue, struct queue_job *job);

/* A running job, else the first that waits, moved among the running without being begun; NULL when there is none. For
 * a sender that ends them all. */
struct queue_job *queue_take(struct queue *queue);

#endif
