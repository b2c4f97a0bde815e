/* Feed: what feed.h says. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEED_ANSWER_MS = 20000 };

const char bootstrap[] = "00000000-0000-7000-8000-000000000001";
int feed_port;

int feed_setup(void **state)
{
	static char setting[64];
	harness = calloc(1, sizeof *harness);
	*state = harness;
	harness_init(harness);
	feed_port = web_free_port();
	snprintf(setting, sizeof setting, "daemon.http=127.0.0.1:%d", feed_port);
	harness->settings[0] = setting;
	/* Whatever can be logged is. */
	harness->settings[1] = "daemon.log_level=debug";
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	return 0;
}

int feed_teardown(void **state)
{
	client_close(&client);
	harness_release(*state);
	free(*state);
	return 0;
}

void feed_open_as(struct client *somebody, const char *role, char id[37])
{
	char token_id[37], *token;
	web_principal(&client, role, id);
	token = web_token(&client, id, "", token_id);
	client_open(somebody, harness);
	json_decref(checked_result(somebody, "session.login", json_of("{'token':'%s'}", token)));
	free(token);
}

struct feed feed_of(struct client *holder, const char *params)
{
	struct feed feed;
	json_t *created = checked_result(holder, "calendar.create", json_of("%s", params));
	snprintf(feed.id, sizeof feed.id, "%s", at_string(created, "id"));
	snprintf(feed.token, sizeof feed.token, "%s", at_string(created, "token"));
	snprintf(feed.path, sizeof feed.path, "%s", at_string(created, "path"));
	json_decref(created);
	return feed;
}

struct web_answer feed_ask(const char *verb, const char *path, const char *more)
{
	struct client asking;
	struct web_answer answer;
	char *text;
	assert_true(asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", verb, path, more) > 0);
	web_open(&asking, feed_port, NULL);
	assert_true(client_send(&asking, text, strlen(text)));
	answer = web_read(&asking, FEED_ANSWER_MS);
	client_close(&asking);
	free(text);
	return answer;
}

int feed_status(const char *path)
{
	struct web_answer answer = feed_ask("GET", path, "");
	web_answer_free(&answer);
	return answer.status;
}

struct web_answer feed_fetched(const struct feed *feed)
{
	struct web_answer answer = feed_ask("GET", feed->path, "");
	assert_int_equal(answer.status, 200);
	return answer;
}

bool feed_shows(const struct feed *feed, const char *id)
{
	struct web_answer answer = feed_fetched(feed);
	char line[64];
	snprintf(line, sizeof line, "\r\nUID:%.36s\r\n", id);
	bool shown = strstr(answer.body, line) != NULL;
	web_answer_free(&answer);
	return shown;
}

char *feed_made(struct client *writer, const char *method, json_t *params)
{
	json_t *record = checked_result(writer, method, params);
	char *id = strdup(at_string(record, "id"));
	json_decref(record);
	return id;
}
