/* Push: for programs that wait for reminders to be pushed. */
#ifndef TRACKTWO_TESTS_PUSH_H
#define TRACKTWO_TESTS_PUSH_H

#include <stdint.h>

#include "harness.h"

struct push_instant {
	char text[48];
};

void push_sleep_ms(long ms);
int64_t push_wall_us(void);
/* As the API writes it; the second counts from now. */
struct push_instant push_instant(int64_t us);
struct push_instant push_in_ms(long ms);

/* Somebody of our own for one test, so that nobody else's reminders are in its way. Free it. */
char *push_somebody(struct client *client, const char *name);
/* A reminder of theirs: its id. Free it. */
char *push_remind(struct client *client, const char *note, struct push_instant due, const char *assignee);
/* Calls a method whose one parameter is an id. */
void push_call_by_id(struct client *client, const char *method, const char *member, const char *id);

/* Opens `client` and subscribes; the subscription's id is copied. */
void push_subscribe(struct client *client, const struct harness *harness, const char *assignee,
                    char subscription[static 37]);
/* The next push: its params, for this subscription. */
json_t *push_next(struct client *client, const char *subscription);
void push_expect(struct client *client, const char *subscription, const char *note, char delivery[static 37]);
void push_expect_none(struct client *client, int ms);

/* A statement of a superuser's. */
void push_sql(const struct harness *harness, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
