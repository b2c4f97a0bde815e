/* TCP: the same lines as on the Unix socket, for whoever shows a token; and what a token is worth, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "checked.h"
#include "web.h"

enum { ANSWER_MS = 20000, REACHES_MS = 5000 };

static int set_up(void **state)
{
	(void)state;
	return web_set_up("tcp", "daemon.max_line_bytes=4096");
}

static void login(struct client *client, const char *token)
{
	web_open(client, web.port, NULL);
	json_decref(checked_result(client, "session.login", json_of("{'token':'%s'}", token)));
}

/* What is sent right behind a login, in one batch or as one piece, is asked by whom it makes the client. */
static void test_login_first(void **state)
{
	char id[37], *token = web_token(&web.administrator, web_bootstrap, "", id), *line;
	json_t *list, *answer;
	struct client client;
	(void)state;
	web_open(&client, web.port, NULL);
	line = malloc(512);
	assert_non_null(line);
	snprintf(line, 512,
	         "[{\"jsonrpc\":\"2.0\",\"method\":\"session.login\",\"params\":{\"token\":\"%s\"},\"id\":1},"
	         "{\"jsonrpc\":\"2.0\",\"method\":\"session.whoami\",\"id\":2}]",
	         token);
	assert_true(client_send_line(&client, line));
	list = client_read(&client, ANSWER_MS);
	assert_string_equal(at_string(list, "1.result.token_id"), id);
	json_decref(list);
	client_close(&client);
	/* One that fails leaves nobody, and nothing waits for ever. */
	web_open(&client, web.port, NULL);
	assert_true(client_send_line(&client,
	                             "{\"jsonrpc\":\"2.0\",\"method\":\"session.login\",\"params\":{\"token\":\"no\"}}\n"
	                             "{\"jsonrpc\":\"2.0\",\"method\":\"session.whoami\",\"id\":2}"));
	answer = client_read(&client, ANSWER_MS);
	assert_int_equal(at_integer(answer, "error.code"), 401);
	json_decref(answer);
	client_close(&client);
	free(line);
	free(token);
}

/* Revocation comes by a notification of the database, so it takes a moment. */
static void becomes_nobody(struct client *client)
{
	long long until = harness_now_ms() + REACHES_MS;
	for (;;) {
		json_t *answer = client_call(client, "session.whoami", NULL);
		bool nobody = answer && at(answer, "error") && at_integer(answer, "error.code") == 401;
		assert_non_null(answer);
		json_decref(answer);
		if (nobody)
			return;
		if (harness_now_ms() > until)
			fail_msg("still somebody");
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

static void test_nobody(void **state)
{
	struct client client;
	(void)state;
	web_open(&client, web.port, NULL);
	json_decref(checked_result(&client, "system.ping", NULL));
	json_decref(checked_result(&client, "rpc.discover", NULL));
	json_decref(checked_error(&client, "system.info", NULL, 401, "unauthenticated"));
	json_decref(checked_error(&client, "session.whoami", NULL, 401, "unauthenticated"));
	json_decref(checked_error(&client, "session.login", json_of("{'token':'tt_wrong'}"), 401, "unauthenticated"));
	json_decref(checked_error(&client, "engagement.history", NULL, 401, "unauthenticated"));
	checked_faults(&client, "session.login", NULL, "token");
	client_close(&client);
}

static void test_login(void **state)
{
	struct client client;
	char id[37], viewer[37], *token, *line;
	json_t *who;
	(void)state;
	web_principal(&web.administrator, "viewer", viewer);
	token = web_token(&web.administrator, viewer, "", id);
	login(&client, token);
	who = checked_result(&client, "session.whoami", NULL);
	assert_string_equal(at_string(who, "principal_id"), viewer);
	assert_string_equal(at_string(who, "identified_by"), "token");
	assert_string_equal(at_string(who, "token_id"), id);
	assert_string_equal(at_string(who, "role"), "viewer");
	json_decref(who);
	json_decref(
	    checked_error(&client, "principal.create", json_of("{'name':'x','role':'administrator'}"), 403, "forbidden"));
	/* A login that fails leaves the session who it was. */
	json_decref(checked_error(&client, "session.login", json_of("{'token':'no'}"), 401, "unauthenticated"));
	json_decref(checked_result(&client, "session.whoami", NULL));
	/* Many at once, the login among them. */
	assert_true(client_send_line(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"system.info\",\"id\":7}\n"
	                                      "[{\"jsonrpc\":\"2.0\",\"method\":\"system.ping\",\"id\":8}]"));
	free(line = client_read_line(&client, ANSWER_MS));
	assert_non_null(line);
	free(line = client_read_line(&client, ANSWER_MS));
	assert_non_null(line);
	/* What was received before the half-close is answered. */
	assert_true(client_send_line(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"principal.list\",\"id\":9}"));
	shutdown(client.fd, SHUT_WR);
	line = client_read_line(&client, ANSWER_MS);
	assert_non_null(line);
	assert_non_null(strstr(line, "\"result\""));
	free(line);
	assert_null(client_read_line(&client, ANSWER_MS));
	client_close(&client);
	free(token);
}

static void test_too_long(void **state)
{
	struct client client;
	char *big = malloc(8192);
	json_t *answer;
	(void)state;
	memset(big, ' ', 8192);
	web_open(&client, web.port, NULL);
	assert_true(client_send(&client, big, 8192));
	answer = client_read(&client, ANSWER_MS);
	assert_string_equal(at_string(answer, "error.data.code"), "too_large");
	json_decref(answer);
	client_close(&client);
	free(big);
}

static void test_revocation_reaches_live_sessions(void **state)
{
	struct client one, other;
	char first[37], second[37], *token, *kept;
	(void)state;
	token = web_token(&web.administrator, web_bootstrap, "", first);
	kept = web_token(&web.administrator, web_bootstrap, "", second);
	login(&one, token);
	login(&other, kept);
	json_decref(checked_result(&one, "session.whoami", NULL));
	json_decref(checked_result(&web.administrator, "token.revoke", json_of("{'id':'%s'}", first)));
	becomes_nobody(&one);
	json_decref(checked_error(&one, "session.login", json_of("{'token':'%s'}", token), 401, "unauthenticated"));
	json_decref(checked_result(&other, "session.whoami", NULL));
	json_decref(checked_result(&one, "session.login", json_of("{'token':'%s'}", kept)));
	json_decref(checked_result(&one, "session.whoami", NULL));
	client_close(&one);
	client_close(&other);
	free(token);
	free(kept);
}

static void assert_is(struct client *client, const char *principal, const char *role)
{
	json_t *who = checked_result(client, "session.whoami", NULL);
	assert_string_equal(at_string(who, "principal_id"), principal);
	assert_string_equal(at_string(who, "role"), role);
	json_decref(who);
}

/* Clients that showed the same are one to the daemon, until one of them shows something else. */
static void test_same_identity(void **state)
{
	struct client one, other, same_user;
	char viewer[37], officer[37], id[37], *token, *another;
	(void)state;
	web_principal(&web.administrator, "viewer", viewer);
	web_principal(&web.administrator, "officer", officer);
	token = web_token(&web.administrator, viewer, "", id);
	another = web_token(&web.administrator, officer, "", id);
	web_open(&one, web.port, NULL);
	web_open(&other, web.port, NULL);
	json_decref(checked_result(&one, "session.login", json_of("{'token':'%s'}", token)));
	json_decref(checked_error(&other, "session.whoami", NULL, 401, "unauthenticated"));
	json_decref(checked_result(&other, "session.login", json_of("{'token':'%s'}", token)));
	client_open(&same_user, &web.harness);
	assert_is(&same_user, web_bootstrap, "administrator");
	json_decref(checked_result(&one, "session.login", json_of("{'token':'%s'}", another)));
	json_decref(checked_result(&same_user, "session.login", json_of("{'token':'%s'}", another)));
	assert_is(&one, officer, "officer");
	assert_is(&same_user, officer, "officer");
	assert_is(&other, viewer, "viewer");
	assert_is(&web.administrator, web_bootstrap, "administrator");
	client_close(&one);
	assert_is(&same_user, officer, "officer");
	client_close(&same_user);
	client_close(&other);
	free(token);
	free(another);
}

/* A subscriber is pushed to without asking, so it must not outlive its token. */
static void test_revocation_ends_subscribers(void **state)
{
	struct client client;
	char id[37], *token = web_token(&web.administrator, web_bootstrap, "", id);
	(void)state;
	login(&client, token);
	json_decref(checked_result(&client, "reminder.subscribe", NULL));
	json_decref(checked_result(&web.administrator, "token.revoke", json_of("{'id':'%s'}", id)));
	assert_true(web_ended(&client, REACHES_MS));
	client_close(&client);
	free(token);
}

static void test_expiry(void **state)
{
	struct client client, other;
	char id[37], more[64], *token;
	time_t soon = time(NULL) + 2;
	struct tm utc;
	(void)state;
	strftime(more, sizeof more, ",'expires_at':'%Y-%m-%dT%H:%M:%SZ'", gmtime_r(&soon, &utc));
	token = web_token(&web.administrator, web_bootstrap, more, id);
	login(&client, token);
	login(&other, token);
	json_decref(checked_result(&client, "session.whoami", NULL));
	json_decref(checked_result(&other, "session.whoami", NULL));
	becomes_nobody(&client);
	becomes_nobody(&other);
	client_close(&other);
	json_decref(checked_error(&client, "session.login", json_of("{'token':'%s'}", token), 401, "unauthenticated"));
	json_t *error =
	    checked_error(&web.administrator, "token.create",
	                  json_of("{'principal_id':'%s','expires_at':'2020-01-01T00:00:00Z'}", web_bootstrap), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "token_expired");
	json_decref(error);
	client_close(&client);
	free(token);
}

static void test_scopes(void **state)
{
	struct client client;
	char id[37], *token = web_token(&web.administrator, web_bootstrap, ",'scopes':['reminder.*','session.whoami']", id);
	(void)state;
	login(&client, token);
	json_decref(checked_result(&client, "session.whoami", NULL));
	json_decref(checked_result(&client, "reminder.list", NULL));
	json_decref(checked_result(&client, "system.ping", NULL));
	json_decref(checked_error(&client, "engagement.history", NULL, 403, "forbidden"));
	json_decref(checked_error(&client, "session.login", json_of("{'token':'x'}"), 401, "unauthenticated"));
	client_close(&client);
	free(token);
	checked_faults(&web.administrator, "token.create",
	               json_of("{'principal_id':'%s','scopes':['a.b','*']}", web_bootstrap), "scopes[1]");
}

/* Everybody keeps their own; only an administrator keeps those of others. */
static void test_keepers(void **state)
{
	struct client client;
	char id[37], mine[37], viewer[37], *token;
	json_t *list, *made;
	(void)state;
	web_principal(&web.administrator, "viewer", viewer);
	token = web_token(&web.administrator, viewer, "", id);
	login(&client, token);
	made = checked_result(&client, "token.create", json_of("{'principal_id':'%s'}", viewer));
	snprintf(mine, sizeof mine, "%s", at_string(made, "id"));
	json_decref(made);
	checked_refused(&client, "token.create", json_of("{'principal_id':'%s'}", web_bootstrap), 403, "forbidden",
	                "principal_id");
	list = checked_result(&client, "token.list", NULL);
	assert_int_equal(json_array_size(at(list, "items")), 2);
	json_decref(list);
	list = checked_result(&web.administrator, "token.list", json_of("{'principal_id':'%s','limit':1}", viewer));
	assert_string_equal(at_string(list, "items.0.id"), id);
	made = checked_result(&web.administrator, "token.list",
	                      json_of("{'principal_id':'%s','cursor':'%s'}", viewer, at_string(list, "next_cursor")));
	assert_string_equal(at_string(made, "items.0.id"), mine);
	json_decref(made);
	json_decref(list);
	free(token);
	token = web_token(&web.administrator, web_bootstrap, "", id);
	checked_refused(&client, "token.revoke", json_of("{'id':'%s'}", id), 404, "not_found", "id");
	json_decref(checked_result(&client, "token.revoke", json_of("{'id':'%s'}", mine)));
	client_close(&client);
	free(token);
}

/* Sent again, the call makes no second token, and does not show the first; nothing that is stored can show it. */
static void test_shown_once(void **state)
{
	static const char request[] = "{'principal_id':'00000000-0000-7000-8000-000000000001',"
	                              "'request_id':'019b1c00-2001-7000-8000-000000000001'}";
	json_t *first = checked_result(&web.administrator, "token.create", json_of(request));
	json_t *again = checked_result(&web.administrator, "token.create", json_of(request));
	char sql[512];
	(void)state;
	assert_string_equal(at_string(first, "id"), at_string(again, "id"));
	assert_true(json_is_null(at(again, "token")));
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM store.answer WHERE body::text LIKE '%%%s%%' OR body::text LIKE '%%tt\\_%%'",
	         at_string(first, "token"));
	assert_int_equal(harness_count(&web.harness, sql), 0);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM store.token WHERE hash = sha256('%s') AND id = '%s'",
	         at_string(first, "token"), at_string(first, "id"));
	assert_int_equal(harness_count(&web.harness, sql), 1);
	json_decref(first);
	json_decref(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_login_first),
	    cmocka_unit_test(test_same_identity),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_revocation_reaches_live_sessions),
	    cmocka_unit_test(test_revocation_ends_subscribers),
	    cmocka_unit_test(test_expiry),
	    cmocka_unit_test(test_scopes),
	    cmocka_unit_test(test_keepers),
	    cmocka_unit_test(test_shown_once),
	};
	return cmocka_run_group_tests(tests, set_up, web_tear_down);
}
