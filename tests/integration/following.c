/* Following: reminders as the tests of them set, hear and end them. */
#include "following.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SILENT_MS = 300 };

void await_stock(const char *id)
{
	await("t", "SELECT stock <> 'wanted' FROM store.reminder WHERE id = '%s'", id);
}

char *somebody(const char *name, const char *more)
{
	return made("principal.create", json_of("{'name':'%s','role':'officer'%s}", name, more));
}

void listen_for(struct client *listener, const char *assignee)
{
	client_open(listener, harness);
	json_decref(checked_result(listener, "reminder.subscribe", json_of("{'assignee':'%s'}", assignee)));
}

/* The next push of that note: its params. */
json_t *pushed(struct client *listener, const char *note)
{
	json_t *message = client_read(listener, FOLLOWING_ARRIVES_MS), *params = json_incref(at(message, "params"));
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(params, "reminder.note"), note);
	checked_value("reminder.get", at(params, "reminder"));
	json_decref(message);
	return params;
}

void expect_silence(struct client *listener)
{
	char *line = client_read_line(listener, SILENT_MS);
	if (line)
		fail_msg("something came that should not: %s", line);
}

void expect_rule(const char *method, json_t *params, const char *rule)
{
	json_t *error = checked_error(&client, method, params, 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), rule);
	json_decref(error);
}

/* An instant so many seconds from now, as the database counts. */
char *in_s(double seconds)
{
	return sql("SELECT to_char((now() + %f * interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
	           seconds);
}

/* Completes an occurrence that is not due yet, as it stands now. */
json_t *complete(const char *id, const char *more)
{
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_t *next =
	    call("reminder.complete", json_of("{'id':'%s','version':%ld%s}", id, at_integer(record, "version"), more));
	json_decref(record);
	return next;
}
