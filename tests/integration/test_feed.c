/* Feeds: a calendar as it is served by HTTP: by the secret in its path, which stands nowhere else, as long as whoever
 * holds it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feed.h"

enum { ANSWER_MS = 20000 };

#define NOBODY "019b1c00-0000-7000-8000-00000000dead"

/* A value of the head, up to its end of line; free() it. */
static char *header_of(const struct web_answer *answer, const char *name)
{
	char start[64];
	snprintf(start, sizeof start, "\n%s: ", name);
	const char *value = strstr(answer->head, start);
	if (!value)
		fail_msg("no %s in\n%s", name, answer->head);
	value += strlen(start);
	return strndup(value, strcspn(value, "\r\n"));
}

static void test_served(void **state)
{
	struct feed feed = feed_of(&client, "{'name':'몽골, 일정'}");
	struct web_answer answer = feed_fetched(&feed), again;
	char *tag = header_of(&answer, "ETag"), *type = header_of(&answer, "Content-Type"),
	     *caching = header_of(&answer, "Cache-Control"), *modified = header_of(&answer, "Last-Modified"), *more;
	(void)state;
	assert_string_equal(type, "text/calendar; charset=utf-8");
	assert_string_equal(caching, "private, no-cache");
	assert_int_equal(strlen(tag), 66);
	assert_string_equal(modified + strlen(modified) - 4, " GMT");
	assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff\r\n"));
	assert_null(strstr(answer.head, "no-store"));
	assert_non_null(strstr(answer.body, "\r\nX-WR-CALNAME:몽골\\, 일정\r\n"));
	/* The same again is not sent again. */
	static const char *const same[] = {"%s", "W/%s", "\"a,b\", %s", "\"a\" , W/%s,\"c\"", "*"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const char *hole = strstr(same[i], "%s");
		assert_true(asprintf(&more, "If-None-Match: %.*s%s%s\r\n", hole ? (int)(hole - same[i]) : 1, same[i],
		                     hole ? tag : "", hole ? hole + 2 : "") > 0);
		again = feed_ask("GET", feed.path, more);
		assert_int_equal(again.status, 304);
		assert_true(!again.body || !*again.body);
		assert_non_null(strstr(again.head, tag));
		assert_non_null(strstr(again.head, "Cache-Control: private, no-cache\r\n"));
		assert_null(strstr(again.head, "\nContent-Type"));
		web_answer_free(&again);
		free(more);
	}
	static const char *const others[] = {"\"x\"", "x", "\"", ",,", "", "\"unended, ", "W/"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_true(asprintf(&more, "If-None-Match: %s\r\n", others[i]) > 0);
		again = feed_ask("GET", feed.path, more);
		assert_int_equal(again.status, 200);
		assert_string_equal(again.body, answer.body);
		web_answer_free(&again);
		free(more);
	}
	/* What has changed is. */
	char *id = made("engagement.log", json_of("{'title':'T'," PLACED ",'starts_on':'2099-01-01'}"));
	assert_true(asprintf(&more, "If-None-Match: %s\r\n", tag) > 0);
	again = feed_ask("GET", feed.path, more);
	assert_int_equal(again.status, 200);
	assert_null(strstr(again.head, tag));
	free(more), free(id), free(tag), free(type), free(caching), free(modified);
	web_answer_free(&again);
	web_answer_free(&answer);
}

/* What HEAD and 304 leave out is left out: the next bytes on the connection are the next answer's. */
static void test_without_content(void **state)
{
	struct feed feed = feed_of(&client, "{}");
	struct client asking;
	struct web_answer answer = feed_ask("POST", feed.path, "Content-Length: 0\r\n");
	static const char *const forms[] = {"HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
	                                    "GET %s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n"};
	(void)state;
	assert_int_equal(answer.status, 405);
	assert_non_null(strstr(answer.head, "Allow: GET, HEAD\r\n"));
	web_answer_free(&answer);
	web_open(&asking, feed_port, NULL);
	for (size_t i = 0; i < 2; i++) {
		const char *hole = strstr(forms[i], "%s");
		bool tagged = false, measured = false;
		char *text, *line;
		assert_true(asprintf(&text, "%.*s%s%s", (int)(hole - forms[i]), forms[i], feed.path, hole + 2) > 0);
		assert_true(client_send(&asking, text, strlen(text)));
		free(text);
		line = client_read_line(&asking, ANSWER_MS);
		assert_string_equal(line, i == 0 ? "HTTP/1.1 200 OK\r" : "HTTP/1.1 304 Not Modified\r");
		while (*line != '\r') {
			free(line);
			line = client_read_line(&asking, ANSWER_MS);
			assert_non_null(line);
			tagged = tagged || strncmp(line, "ETag: \"", 7) == 0;
			measured = measured || (strncmp(line, "Content-Length: ", 16) == 0 && atoi(line + 16) > 0);
		}
		free(line);
		assert_true(tagged);
		assert_int_equal(measured, i == 0);
		assert_int_equal(web_status(&asking, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
	}
	client_close(&asking);
}

/* Whatever is no feed, or no more, is the same to whoever asks. */
static void test_nothing_there(void **state)
{
	struct feed revoked = feed_of(&client, "{}");
	struct web_answer nothing = feed_ask("GET", "/nothing", ""), answer;
	json_t *ended;
	char *other;
	(void)state;
	assert_int_equal(feed_status(revoked.path), 200);
	ended = call("calendar.revoke", json_of("{'id':'%s'}", revoked.id));
	assert_non_null(at_string(ended, "revoked_at"));
	assert_int_equal(at_integer(ended, "version"), 2);
	json_decref(ended);
	/* Once more changes nothing. */
	ended = call("calendar.revoke", json_of("{'id':'%s'}", revoked.id));
	assert_int_equal(at_integer(ended, "version"), 2);
	json_decref(ended);
	struct feed good = feed_of(&client, "{}");
	assert_true(asprintf(&other, "%.*s0.ics", (int)strlen(good.path) - 5, good.path) > 0);
	if (strcmp(other, good.path) == 0)
		other[strlen(other) - 5] = '1';
	char *bare = strndup(good.path, strlen(good.path) - 4), *upper = strdup(good.path), *named = strdup(good.path),
	     *longer;
	named[strlen(named) - 1] = 'x';
	upper[strlen("/calendar/")] = 'T';
	assert_true(asprintf(&longer, "/calendar/%0100d.ics", 0) > 0);
	const char *const paths[] = {revoked.path,
	                             named,
	                             other,
	                             bare,
	                             upper,
	                             longer,
	                             "/calendar/.ics",
	                             "/calendar/x.ics",
	                             "/calendar/",
	                             "/calendar",
	                             "/calendar/tc_",
	                             "/calendar/%00.ics"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		answer = feed_ask("GET", paths[i], "If-None-Match: *\r\n");
		if (answer.status != 404)
			fail_msg("%d for %s", answer.status, paths[i]);
		assert_string_equal(answer.body, nothing.body);
		assert_null(strstr(answer.head, "ETag"));
		web_answer_free(&answer);
	}
	/* The secret of a feed opens nothing else, nor does a token a feed. */
	checked_refused(&client, "calendar.revoke", json_of("{'id':'" NOBODY "'}"), 404, "not_found", "id");
	json_decref(checked_error(&client, "session.login", json_of("{'token':'%s'}", good.token), 401, "unauthenticated"));
	char token_id[37], *token = web_token(&client, bootstrap, "", token_id), *as_feed;
	assert_true(asprintf(&as_feed, "/calendar/%s.ics", token) > 0);
	assert_int_equal(feed_status(as_feed), 404);
	free(token), free(as_feed), free(other), free(bare), free(upper), free(named), free(longer);
	web_answer_free(&nothing);
}

static void test_retired(void **state)
{
	struct client officer, director;
	char officer_id[37], director_id[37], *params;
	(void)state;
	feed_open_as(&officer, "officer", officer_id);
	feed_open_as(&director, "director", director_id);
	assert_true(asprintf(&params, "{'principal_id':'%s'}", officer_id) > 0);
	struct feed own = feed_of(&officer, "{'country':'MN'}"), of_officer = feed_of(&director, params),
	            of_director = feed_of(&director, "{'workstream':'2.3'}");
	free(params);
	/* Who may no longer see what others do loses their feeds, not the own ones. */
	json_decref(call("principal.update", json_of("{'id':'%s','version':1,'role':'officer'}", director_id)));
	assert_int_equal(feed_status(of_officer.path), 404);
	assert_int_equal(feed_status(of_director.path), 200);
	json_decref(call("principal.update", json_of("{'id':'%s','version':2,'role':'director'}", director_id)));
	assert_int_equal(feed_status(of_officer.path), 200);
	/* Neither the one it shows nor the one who holds it may be gone. */
	json_decref(call("principal.update", json_of("{'id':'%s','version':1,'status':'retired'}", officer_id)));
	assert_int_equal(feed_status(own.path), 404);
	assert_int_equal(feed_status(of_officer.path), 404);
	assert_int_equal(feed_status(of_director.path), 200);
	checked_refused(&director, "calendar.create", json_of("{'principal_id':'%s'}", officer_id), 404, "not_found",
	                "principal_id");
	json_decref(call("principal.update", json_of("{'id':'%s','version':2,'status':'active'}", officer_id)));
	json_decref(call("principal.update", json_of("{'id':'%s','version':3,'status':'retired'}", director_id)));
	assert_int_equal(feed_status(own.path), 200);
	assert_int_equal(feed_status(of_officer.path), 404);
	assert_int_equal(feed_status(of_director.path), 404);
	client_close(&officer);
	client_close(&director);
}

/* Runs the command line that was built along with this test. *output, both its streams, is to be freed. */
static int run(const char *arguments, char **output)
{
	char command[4400], path[4096], *slash;
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	size_t size = 0;
	assert_true(length > 0);
	path[length] = '\0';
	for (int i = 0; i < 3 && (slash = strrchr(path, '/')); i++)
		*slash = '\0';
	snprintf(command, sizeof command, "%.4000s/tracktwo --socket %s %s 2>&1", path, harness->socket, arguments);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	*output = NULL;
	assert_true(getdelim(output, &size, '\0', pipe) > 0);
	return WEXITSTATUS(pclose(pipe));
}

/* The command prints what the feed serves. */
static void test_command(void **state)
{
	static const struct {
		const char *arguments;
		int status;
		const char *says;
	} cases[] = {
	    {"export", 2, "write: tracktwo export calendar"},
	    {"export contact", 2, "write: tracktwo export calendar"},
	    {"export calendar --county MN", 2, "did you mean --country?"},
	    {"export calendar --country XX", 2, "--country"},
	    {"export calendar --principal-id " NOBODY, 3, "no such principal"},
	    {"export calendar --help", 0, "tracktwo export calendar"},
	    {"export --help", 0, "export calendar"},
	    {"exprt calendar", 2, "did you mean export?"},
	};
	char *id = made("engagement.log", json_of("{'title':'명령',%s,'starts_on':'2099-01-01'}", PLACED)), *output;
	struct feed feed = feed_of(&client, "{'country':'MN','name':'tracktwo MN'}");
	struct web_answer answer = feed_fetched(&feed);
	(void)state;
	assert_true(feed_shows(&feed, id));
	free(id);
	assert_int_equal(run("export calendar --country MN", &output), 0);
	assert_string_equal(output, answer.body);
	free(output);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = run(cases[i].arguments, &output);
		if (status != cases[i].status || !strstr(output, cases[i].says))
			fail_msg("%s: %d, %s", cases[i].arguments, status, output);
		free(output);
	}
	web_answer_free(&answer);
}

/* Last: of no feed above is the secret kept or written anywhere. */
static void test_secret_nowhere(void **state)
{
	struct feed feed = feed_of(&client, "{}");
	struct web_answer metrics;
	char command[400];
	(void)state;
	assert_int_equal(feed_status(feed.path), 200);
	json_decref(call("calendar.revoke", json_of("{'id':'%s'}", feed.id)));
	assert_int_equal(feed_status(feed.path), 404);
	assert_int_equal(feed_status("/calendar/tc_mistyped.ics"), 404);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.answer WHERE body::text ~ 'tc_[0-9a-f]'"), 0);
	assert_int_equal(harness_count(harness,
	                               "SELECT count(*) FROM store.answer a JOIN store.change c ON c.id = a.change_id "
	                               "WHERE method = 'calendar.create' AND body->'token' = 'null'") >= 5,
	                 1);
	metrics = feed_ask("GET", "/metrics", "");
	assert_non_null(strstr(metrics.body, "calendar.create"));
	assert_null(strstr(metrics.body, "tc_"));
	web_answer_free(&metrics);
	snprintf(command, sizeof command, "grep -q 'http [0-9]*: answered 404' '%s'", harness->log);
	if (system(command) != 0)
		fail_msg("the log tells nothing of answers: this test is broken");
	snprintf(command, sizeof command, "grep -l '/calendar/' '%s'", harness->log);
	assert_int_equal(WEXITSTATUS(system(command)), 1);
	/* All that PostgreSQL has ever written, its own log included. */
	snprintf(command, sizeof command, "grep -lraE 'tc_[0-9a-f]{8}|tc_mistyped' '%s' '%s'", harness->log,
	         harness->state);
	assert_int_equal(WEXITSTATUS(system(command)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_served),  cmocka_unit_test(test_without_content), cmocka_unit_test(test_nothing_there),
	    cmocka_unit_test(test_retired), cmocka_unit_test(test_command),         cmocka_unit_test(test_secret_nowhere),
	};
	return cmocka_run_group_tests(tests, feed_setup, feed_teardown);
}
