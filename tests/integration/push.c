/* Push: what push.h says. */
#include "push.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARRIVES_MS = 10000 };

void push_sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

int64_t push_wall_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

struct push_instant push_instant(int64_t us)
{
	struct push_instant instant;
	time_t seconds = (time_t)(us / 1000000);
	struct tm utc;
	char day[32];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(instant.text, sizeof instant.text, "%s.%06dZ", day, (int)(us % 1000000));
	return instant;
}

struct push_instant push_in_ms(long ms)
{
	return push_instant(push_wall_us() + ms * 1000LL);
}

char *push_somebody(struct client *client, const char *name)
{
	json_t *made = client_result(client, "principal.create", json_pack("{s:s, s:s}", "name", name, "role", "officer"));
	char *id = strdup(at_string(made, "id"));
	json_decref(made);
	return id;
}

char *push_remind(struct client *client, const char *note, struct push_instant due, const char *assignee)
{
	json_t *made = client_result(client, "reminder.create",
	                             json_pack("{s:s, s:s, s:s}", "note", note, "due_at", due.text, "assignee", assignee));
	char *id = strdup(at_string(made, "id"));
	json_decref(made);
	return id;
}

void push_call_by_id(struct client *client, const char *method, const char *member, const char *id)
{
	json_decref(client_result(client, method, json_pack("{s:s}", member, id)));
}

void push_subscribe(struct client *client, const struct harness *harness, const char *assignee,
                    char subscription[static 37])
{
	client_open(client, harness);
	json_t *answer = client_result(client, "reminder.subscribe", json_pack("{s:s}", "assignee", assignee));
	snprintf(subscription, 37, "%s", at_string(answer, "subscription"));
	json_decref(answer);
}

json_t *push_next(struct client *client, const char *subscription)
{
	json_t *message = client_read(client, ARRIVES_MS);
	json_t *params = json_incref(at(message, "params"));
	assert_string_equal(at_string(message, "jsonrpc"), "2.0");
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_null(json_object_get(message, "id"));
	assert_string_equal(at_string(params, "subscription"), subscription);
	json_decref(message);
	return params;
}

void push_expect(struct client *client, const char *subscription, const char *note, char delivery[static 37])
{
	json_t *params = push_next(client, subscription);
	assert_string_equal(at_string(params, "reminder.note"), note);
	snprintf(delivery, 37, "%s", at_string(params, "delivery_id"));
	json_decref(params);
}

void push_expect_none(struct client *client, int ms)
{
	char *line = client_read_line(client, ms);
	if (line)
		fail_msg("something came that should not: %s", line);
}

void push_sql(const struct harness *harness, const char *format, ...)
{
	char sql[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sql, sizeof sql, format, arguments);
	va_end(arguments);
	free(harness_query(harness, sql));
}
