/* Queue: two lists and an event that looks for room. */
#include "queue.h"

#include <event2/event.h>
#include <stdbool.h>
#include <string.h>

static bool has_room(const struct queue *queue, const struct queue_job *job)
{
	const struct queue_job *other;
	size_t same = 0;
	TAILQ_FOREACH(other, &queue->running, link)
		same += strcmp(other->receiver, job->receiver) == 0;
	return same < queue->most_each;
}

static void run(struct queue *queue, struct queue_job *job)
{
	TAILQ_REMOVE(&queue->waiting, job, link);
	TAILQ_INSERT_TAIL(&queue->running, job, link);
	queue->running_count++;
}

/* The first that may run: a receiver with its share full is passed over. */
static struct queue_job *next_job(struct queue *queue)
{
	struct queue_job *job;
	if (queue->running_count >= queue->most)
		return NULL;
	TAILQ_FOREACH(job, &queue->waiting, link)
		if (has_room(queue, job))
			return job;
	return NULL;
}

static void on_step(evutil_socket_t fd, short what, void *context)
{
	struct queue *queue = context;
	struct queue_job *job;
	(void)fd;
	(void)what;
	while ((job = next_job(queue)) != NULL) {
		run(queue, job);
		queue->begin(job, queue->context);
	}
}

static void look_for_room(struct queue *queue)
{
	event_active(&queue->step, EV_TIMEOUT, 0);
}

void queue_init(struct queue *queue, struct event_base *base)
{
	TAILQ_INIT(&queue->waiting);
	TAILQ_INIT(&queue->running);
	queue->running_count = 0;
	evtimer_assign(&queue->step, base, on_step, queue);
}

void queue_release(struct queue *queue)
{
	event_del(&queue->step);
}

void queue_add(struct queue *queue, struct queue_job *job)
{
	TAILQ_INSERT_TAIL(&queue->waiting, job, link);
	look_for_room(queue);
}

void queue_end(struct queue *queue, struct queue_job *job)
{
	TAILQ_REMOVE(&queue->running, job, link);
	queue->running_count--;
	look_for_room(queue);
}

struct queue_job *queue_take(struct queue *queue)
{
	if (TAILQ_EMPTY(&queue->running) && !TAILQ_EMPTY(&queue->waiting))
		run(queue, TAILQ_FIRST(&queue->waiting));
	return TAILQ_FIRST(&queue->running);
}
