/* Sending: a tick every few milliseconds measures the longest time in which the loop did nothing. */
#include "sending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "text/time.h"

enum { TICK_MS = 5, AWAIT_MS = 10000 };

struct event_base *sending_base;
static struct event *tick;
static int64_t last_tick, longest_gap;

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	int64_t now = time_monotonic_micros();
	(void)fd;
	(void)what;
	(void)context;
	if (now - last_tick > longest_gap)
		longest_gap = now - last_tick;
	last_tick = now;
}

int sending_set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sending_base = event_base_new();
	tick = event_new(sending_base, -1, EV_PERSIST, on_tick, NULL);
	event_add(tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
	longest_gap = 0;
	return 0;
}

int sending_tear_down(void **state)
{
	(void)state;
	event_free(tick);
	event_base_free(sending_base);
	assert_true(longest_gap < SENDING_GAP_MS * 1000);
	return 0;
}

void sending_on_outcome(const struct outcome *outcome, void *context)
{
	struct sent *sent = context;
	sent->calls++;
	sent->outcome = *outcome;
}

/* Once more, so that whatever would come twice comes. */
static void turn(void)
{
	event_base_loop(sending_base, EVLOOP_ONCE);
	event_base_loop(sending_base, EVLOOP_NONBLOCK);
}

void sending_run(int ms)
{
	int64_t until = time_monotonic_micros() + ms * 1000LL;
	last_tick = time_monotonic_micros();
	while (time_monotonic_micros() < until)
		event_base_loop(sending_base, EVLOOP_ONCE);
	turn();
}

void sending_await(const struct sent *sent, size_t count)
{
	int64_t until = time_monotonic_micros() + AWAIT_MS * 1000LL;
	last_tick = time_monotonic_micros();
	for (size_t i = 0; i < count; i++)
		while (sent[i].calls == 0) {
			if (time_monotonic_micros() > until)
				fail_msg("no outcome of %zu within %d ms", i, AWAIT_MS);
			event_base_loop(sending_base, EVLOOP_ONCE);
		}
	turn();
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sent[i].calls, 1);
}

void sending_expect(const struct sent *sent, enum outcome_kind kind, const char *words)
{
	assert_int_equal(sent->calls, 1);
	if (sent->outcome.kind != kind || !strstr(sent->outcome.answer, words))
		fail_msg("got %d \"%s\", wanted %d \"%s\"", sent->outcome.kind, sent->outcome.answer, kind, words);
}
