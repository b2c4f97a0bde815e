/* Delivery: a real daemon, and receivers of mail and posts that do as they are told: what arrives, what is tried again,
 * and who learns of what did not arrive. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "taken.h"
#include "text/signature.h"
#include "web.h"

enum { SILENT_MS = 400, RETRY_FIRST_MS = 1000, ATTEMPTS = 3, TIMEOUT_MS = 1000 };

#define SYSTEM "00000000-0000-0000-0000-000000000000"
#define STATUS(code, more) "HTTP/1.1 " code " Status\r\nConnection: close\r\n" more "Content-Length: 4\r\n\r\nword"

static int http_port;

static int set_up(void **state)
{
	static char server[64], http[64];
	taken_listen();
	single_pause = taken_run;
	http_port = web_free_port();
	snprintf(server, sizeof server, "mail.server=smtp://127.0.0.1:%d", taken_mails.port);
	snprintf(http, sizeof http, "daemon.http=127.0.0.1:%d", http_port);
	harness = calloc(1, sizeof *harness);
	assert_non_null(harness);
	*state = harness;
	harness_init(harness);
	const char *const settings[] = {server,
	                                http,
	                                "mail.tls=off",
	                                "mail.from=Secretariat <desk@example.org>",
	                                "webhook.allow_http=yes",
	                                "webhook.allow_private=yes",
	                                "delivery.retry_first_s=1",
	                                "delivery.attempts=3",
	                                "delivery.timeout_ms=1000"};
	memcpy(harness->settings, settings, sizeof settings);
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	return 0;
}

static int tear_down(void **state)
{
	int status = single_teardown(state);
	taken_release();
	return status;
}

static char *somebody(const char *name, const char *more)
{
	return made("principal.create", json_of("{'name':'%s','role':'officer'%s}", name, more));
}

/* A webhook of theirs at that path; its secret is copied. */
static char *hook(const char *who, const char *path, char secret[static 128])
{
	json_t *made = call("webhook.create",
	                    json_of("{'principal_id':'%s','url':'http://127.0.0.1:%d%s'}", who, taken_posts.port, path));
	char *id = strdup(at_string(made, "id"));
	snprintf(secret, 128, "%s", at_string(made, "secret"));
	json_decref(made);
	return id;
}

static char *remind(const char *who, const char *note, const char *more)
{
	char *now = sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
	char *id = made("reminder.create", json_of("{'assignee':'%s','note':'%s','due_at':'%s'%s}", who, note, now, more));
	free(now);
	return id;
}

static void listen_for(struct client *listener, const char *assignee)
{
	client_open(listener, harness);
	json_decref(checked_result(listener, "reminder.subscribe", json_of("{'assignee':'%s'}", assignee)));
}

/* The params of the next push: of that note, for that reason. */
static json_t *pushed(struct client *listener, const char *note, const char *reason)
{
	json_t *message = client_read(listener, TAKEN_ARRIVES_MS), *params = json_incref(at(message, "params"));
	assert_string_equal(at_string(params, "reminder.note"), note);
	assert_string_equal(at_string(params, "reason"), reason);
	json_decref(message);
	return params;
}

static char *delivery_of(const char *reminder, const char *channel)
{
	return sql("SELECT id FROM store.delivery WHERE reminder_id = '%s' AND channel = '%s' AND reason = 'due'", reminder,
	           channel);
}

static void expect_words(const char *text, const char *words, bool there)
{
	if ((strstr(text, words) != NULL) != there)
		fail_msg("%s\"%s\" in: %s", there ? "no " : "", words, text);
}

/* Signed by both secrets, in this order; NULL for one alone. */
static void expect_signed(const struct taken *post, const char *secret, const char *before)
{
	struct arena arena = {0};
	struct err err;
	const char *value, *const secrets[SIGNATURE_SECRETS_MOST] = {secret, before};
	const char *timestamp = strstr(post->head, "webhook-timestamp: ");
	assert_non_null(timestamp);
	assert_true(signature_make(&arena, secrets, post->id, strtoll(timestamp + strlen("webhook-timestamp: "), NULL, 10),
	                           post->text, strlen(post->text), &value, &err));
	expect_words(post->head, arena_printf(&arena, "webhook-signature: %s\r\n", value), true);
	arena_release(&arena);
}

/* All three arrive under the ids of the ledger; one acknowledgement, by the mail's, ends what is out. */
static void test_every_channel(void **state)
{
	char *who = somebody("Everywhere", ",'email':'everywhere@example.org'"), secret[128];
	struct client listener;
	(void)state;
	free(hook(who, "/everywhere", secret));
	listen_for(&listener, who);
	char *id = remind(who, "보낼 문서", ",'channels':['push','email','webhook']");
	json_t *push = pushed(&listener, "보낼 문서", "due");
	const struct taken *post = taken_await("/everywhere", 0), *mail = taken_await("everywhere@example.org", 0);
	char *by_push = delivery_of(id, "push"), *by_mail = delivery_of(id, "email"), *by_post = delivery_of(id, "webhook");
	assert_string_equal(at_string(push, "delivery_id"), by_push);
	assert_string_equal(mail->id, by_mail);
	assert_string_equal(post->id, by_post);
	expect_signed(post, secret, NULL);
	json_t *body = json_loads(post->text, 0, NULL);
	assert_string_equal(at_string(body, "type"), "reminder.due");
	assert_string_equal(at_string(body, "data.delivery_id"), by_post);
	assert_string_equal(at_string(body, "data.reason"), "due");
	checked_value("reminder.get", at(body, "data.reminder"));
	assert_string_equal(at_string(body, "data.reminder.note"), "보낼 문서");
	expect_words(mail->text, "보낼 문서", true);
	expect_words(mail->text, "SUMMARY:보낼 문서", true);
	await("delivered,delivered",
	      "SELECT string_agg(outcome, ',') FROM store.delivery WHERE reminder_id = '%s' AND ended_at IS NOT NULL", id);
	await(
	    "1 sent 200,1 sent 250",
	    "SELECT string_agg(format('%%s %%s %%s', number, a.outcome, left(answer, 3)), ',' ORDER BY answer) FROM "
	    "store.delivery_attempt a JOIN store.delivery d ON d.id = delivery_id WHERE reminder_id = '%s' AND channel <> "
	    "'push' AND a.ended_at >= a.claimed_at",
	    id);
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", by_mail)));
	await("acknowledged", "SELECT outcome FROM store.delivery WHERE id = '%s'", by_push);
	await("acknowledged", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	/* Once each, though all went out together. */
	taken_run(SILENT_MS);
	assert_int_equal(taken_count("/everywhere"), 1);
	assert_int_equal(taken_count("everywhere@example.org"), 1);
	assert_null(client_read_line(&listener, 1));
	json_decref(push), json_decref(body);
	client_close(&listener);
	free(who), free(id), free(by_push), free(by_mail), free(by_post);
}

static char *metrics(void)
{
	struct client http;
	web_open(&http, http_port, NULL);
	assert_true(client_send(&http, GET("/metrics"), strlen(GET("/metrics"))));
	struct web_answer answer = web_read(&http, TAKEN_ARRIVES_MS);
	assert_int_equal(answer.status, 200);
	char *text = strdup(answer.body);
	web_answer_free(&answer);
	client_close(&http);
	return text;
}

static void expect_journal(const char *words)
{
	char line[1024];
	bool found = false;
	FILE *log = fopen(harness->log, "r");
	assert_non_null(log);
	while (!found && fgets(line, sizeof line, log))
		found = strstr(line, words) != NULL;
	fclose(log);
	if (!found)
		fail_msg("the journal does not say %s", words);
}

/* The same id each time, and each pause longer than the one before. */
static void expect_attempts(const char *path, const char *delivery, size_t attempts)
{
	long long pause_ms = RETRY_FIRST_MS / 2;
	for (size_t i = 0; i < attempts; i++) {
		const struct taken *post = taken_await(path, i);
		assert_string_equal(post->id, delivery);
		if (i == 0)
			continue;
		long long after_ms = post->at_ms - taken_await(path, i - 1)->at_ms;
		if (after_ms <= pause_ms)
			fail_msg("attempt %zu came after %lld ms, the one before after %lld", i + 1, after_ms, pause_ms);
		pause_ms = after_ms;
	}
}

static const char ledger[] =
    "SELECT string_agg(format('%%s %%s %%s', number, outcome, left(answer, 3)), ',' ORDER BY number) "
    "FROM store.delivery_attempt WHERE delivery_id = '%s' AND ended_at >= claimed_at AND claimed_by IS NOT NULL";

static void test_tried_again(void **state)
{
	static const char *const answers[] = {STATUS("500", ""), RECEIVER_RESET, NULL};
	char *who = somebody("Again", ""), secret[128];
	(void)state;
	free(hook(who, "/again", secret));
	taken_script("/again", answers);
	char *id = remind(who, "again", ",'channels':['webhook']");
	taken_await("/again", 2);
	char *delivery = delivery_of(id, "webhook");
	expect_attempts("/again", delivery, 3);
	await("delivered", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	char *rows = sql(ledger, delivery);
	expect_words(rows, "1 retry 500,2 retry ", true);
	expect_words(rows, ",3 sent 200", true);
	await("due", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	free(who), free(id), free(delivery), free(rows);
}

/* A mail as well; and one that is refused for good is not sent again. */
static void test_mail_tried_again(void **state)
{
	char *who = somebody("Mailed", ",'email':'mailed@example.org'");
	(void)state;
	taken_mails.smtp[AT_BODY] = "451 later\r\n";
	char *id = remind(who, "mailed", ",'channels':['email']");
	taken_await("mailed@example.org", 0);
	taken_mails.smtp[AT_BODY] = NULL;
	char *delivery = delivery_of(id, "email");
	taken_await("mailed@example.org", 1);
	expect_attempts("mailed@example.org", delivery, 2);
	await("1 retry 451,2 sent 250", ledger, delivery);
	taken_mails.smtp[AT_BODY] = "550 no such desk\r\n";
	json_decref(call("reminder.redeliver", json_of("{'id':'%s'}", id)));
	assert_string_equal(taken_await("mailed@example.org", 2)->id, delivery);
	await("failed", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	await("1 retry 451,2 sent 250,3 refused 550", ledger, delivery);
	taken_mails.smtp[AT_BODY] = NULL;
	json_decref(call("reminder.complete", json_of("{'id':'%s'}", id)));
	free(who), free(id), free(delivery);
}

/* Whoever made it is told, the list, the metrics and the journal say so; redelivered, it comes under its id. */
static void test_fails_loudly(void **state)
{
	static const char *const answers[] = {STATUS("500", ""), RECEIVER_HANG, RECEIVER_RESET, NULL};
	char *who = somebody("Deaf", ""), secret[128], words[128];
	struct client creator;
	(void)state;
	free(hook(who, "/deaf", secret));
	json_t *me = call("session.whoami", NULL);
	listen_for(&creator, at_string(me, "principal_id"));
	taken_script("/deaf", answers);
	char *id = remind(who, "unheard", ",'channels':['webhook']");
	taken_await("/deaf", ATTEMPTS - 1);
	char *delivery = delivery_of(id, "webhook");
	await("failed", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	expect_attempts("/deaf", delivery, ATTEMPTS);
	char *rows = sql(ledger, delivery);
	expect_words(rows, "1 retry 500,2 retry ", true);
	expect_words(rows, ",3 retry ", true);
	json_t *notice = pushed(&creator, "unheard", "failure");
	assert_string_equal(at_string(notice, "reminder.status"), "failed");
	json_t *list = call("reminder.list", json_of("{'status':'failed'}"));
	assert_string_equal(at_string(list, "items.0.id"), id);
	assert_int_equal(json_array_size(at(list, "items")), 1);
	char *text = metrics();
	expect_words(text, "state=\"failed\"} 1\n", true);
	snprintf(words, sizeof words, "delivery %s has failed for good", delivery);
	expect_journal(words);
	taken_run(SILENT_MS);
	assert_int_equal(taken_count("/deaf"), ATTEMPTS);
	json_decref(call("reminder.redeliver", json_of("{'id':'%s'}", id)));
	assert_string_equal(taken_await("/deaf", ATTEMPTS)->id, delivery);
	await("delivered", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	await("due", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	await("4", "SELECT count(*) FROM store.delivery_attempt WHERE delivery_id = '%s'", delivery);
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(notice, "delivery_id"))));
	json_decref(me), json_decref(notice), json_decref(list);
	client_close(&creator);
	free(who), free(id), free(delivery), free(rows), free(text);
}

/* 410 is the end of it: nothing is tried again, and whoever stands behind the assignee is told; when that one has left
 * meanwhile, the next. */
static void test_gone(void **state)
{
	static const char *const answers[] = {STATUS("410", ""), NULL};
	char *who = somebody("Moved", ""), *boss = somebody("Behind", ",'email':'behind@example.org'"), secret[128];
	struct client behind, creator;
	(void)state;
	json_t *me = call("session.whoami", NULL);
	char *id, *webhook = hook(who, "/gone", secret);
	char *more =
	    sql("SELECT ',\"channels\":[\"webhook\"],\"escalate_after\":\"PT1H\",\"escalate_to\":\"' || '%s\"'", boss);
	listen_for(&behind, boss);
	taken_script("/gone", answers);
	id = remind(who, "to nobody", more);
	expect_words(taken_await("behind@example.org", 0)->text, "could not be delivered", true);
	json_decref(pushed(&behind, "to nobody", "failure"));
	json_t *list = call("webhook.list", json_of("{'principal_id':'%s'}", who));
	assert_string_equal(at_string(list, "items.0.status"), "disabled");
	expect_words(at_string(list, "items.0.disabled_because"), "410", true);
	assert_string_equal(at_string(list, "items.0.deliveries.0.answer"), "410 word");
	long version = at_integer(list, "items.0.version");
	assert_int_equal(taken_count("/gone"), 1);
	json_t *error = checked_error(&client, "webhook.test", json_of("{'id':'%s'}", webhook), 422, "rule");
	json_decref(error), json_decref(list), free(id);
	/* Switched on again. */
	json_decref(call("webhook.update", json_of("{'id':'%s','version':%ld,'status':'active'}", webhook, version)));
	free(sql("UPDATE store.principal SET status = 'retired' WHERE id = '%s'", boss));
	listen_for(&creator, at_string(me, "principal_id"));
	taken_script("/gone", answers);
	more[strlen(",\"channels\":[\"webhook\"]")] = '\0';
	id = remind(who, "to nobody at all", more);
	free(sql("UPDATE store.reminder SET escalate_to = '%s', escalate_after = 'PT1H' WHERE id = '%s'", boss, id));
	taken_await("/gone", 1);
	json_t *notice = pushed(&creator, "to nobody at all", "failure");
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(notice, "delivery_id"))));
	json_decref(notice), json_decref(me);
	client_close(&behind), client_close(&creator);
	free(who), free(boss), free(id), free(webhook), free(more);
}

static void test_tests_and_secrets(void **state)
{
	char *who = somebody("Careful", ""), first[128], secret[128], *webhook = hook(who, "/careful", first);
	(void)state;
	json_t *test = call("webhook.test", json_of("{'id':'%s'}", webhook));
	const struct taken *post = taken_await("/careful", 0);
	assert_string_equal(post->id, at_string(test, "delivery_id"));
	expect_signed(post, first, NULL);
	json_t *body = json_loads(post->text, 0, NULL);
	assert_string_equal(at_string(body, "type"), "test");
	assert_true(json_is_null(at(body, "data.reminder")));
	await("delivered", "SELECT outcome FROM store.delivery WHERE id = '%s'", post->id);
	json_t *rotated = call("webhook.rotate", json_of("{'id':'%s','keep':'PT3S'}", webhook));
	snprintf(secret, sizeof secret, "%s", at_string(rotated, "secret"));
	assert_string_not_equal(secret, first);
	json_decref(call("webhook.test", json_of("{'id':'%s'}", webhook)));
	expect_signed(taken_await("/careful", 1), secret, first);
	await("t", "SELECT secret_before_until < clock_timestamp() FROM store.webhook WHERE id = '%s'", webhook);
	json_decref(call("webhook.test", json_of("{'id':'%s'}", webhook)));
	expect_signed(taken_await("/careful", 2), secret, NULL);
	json_decref(test), json_decref(body), json_decref(rotated);
	free(who), free(webhook);
}

/* With nothing to say it comes as well, in the reader's language, once a day. */
static void test_digest(void **state)
{
	char *korean = somebody("Korean", ",'email':'ko@example.org','language':'ko','timezone':'Asia/Seoul'"),
	     *english = somebody("English", ",'email':'en@example.org','timezone':'America/New_York'");
	(void)state;
	char *id = made("reminder.create", json_of("{'assignee':'%s','note':'숙제','due_at':'2020-01-01T00:00:00Z',"
	                                           "'channels':['push']}",
	                                           korean));
	free(sql("UPDATE store.principal SET digest_due = now() - interval '1 minute' WHERE id IN ('%s', '%s')", korean,
	         english));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	const struct taken *ko = taken_await("ko@example.org", 0), *en = taken_await("en@example.org", 0);
	expect_words(ko->text, "오늘의 할 일", true);
	expect_words(ko->text, "기한이 지난 알림 (1)\n  2020-01-01 09:00 숙제", true);
	expect_words(ko->text, "오늘 알림 (0)\n  없음", true);
	expect_words(ko->text, "nothing", false);
	expect_words(en->text, "Subject: Your day ", true);
	expect_words(en->text, "Overdue reminders (0)\n  nothing", true);
	expect_words(en->text, "숙제", false);
	await("t",
	      "SELECT bool_and(digest_due > now() AND digest_due <= now() + interval '25 hours' AND "
	      "(digest_due AT TIME ZONE timezone)::time = '07:30') FROM store.principal WHERE email LIKE '__@example.org'");
	taken_run(SILENT_MS);
	assert_int_equal(taken_count("ko@example.org"), 1);
	assert_int_equal(taken_count("en@example.org"), 1);
	assert_string_not_equal(ko->id, en->id);
	free(korean), free(english), free(id);
}

static void test_discretion(void **state)
{
	char *who = somebody("Discreet", ",'email':'discreet@example.org'"), secret[128];
	static const char *const levels[] = {"internal", "restricted", "secret"};
	(void)state;
	free(hook(who, "/discreet", secret));
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		char *about = made("engagement.log", json_of("{'title':'Backchannel','kind':'meeting','starts_on':'2026-01-02',"
		                                             "'countries':['KP'],'workstreams':['1.2'],'sensitivity':'%s'}",
		                                             levels[i]));
		char *more =
		    sql("SELECT format(',\"channels\":[\"email\",\"webhook\"],\"about\":{\"engagement_id\":\"%%s\"}', '%s')",
		        about);
		char *id = remind(who, "call the envoy", more);
		const struct taken *mail = taken_await("discreet@example.org", i), *post = taken_await("/discreet", i);
		expect_words(mail->text, "call the envoy", i == 0);
		expect_words(mail->text, "Backchannel", i == 0);
		expect_words(mail->text, "BEGIN:VCALENDAR", i == 0);
		expect_words(mail->text, id, true);
		expect_words(post->text, "call the envoy", i == 0);
		expect_words(post->text, about, i == 0);
		expect_words(post->text, id, true);
		free(about), free(more), free(id);
	}
	/* What somebody restricted has promised is as restricted. */
	char *contact = made("contact.create", json_of("{'name':'Envoy','country':'KP','sensitivity':'restricted'}"));
	char *promise = made("commitment.create", json_of("{'by':{'contact_id':'%s'},'text':'the list'}", contact));
	char *more = sql("SELECT format(',\"channels\":[\"email\"],\"about\":{\"commitment_id\":\"%%s\"}', '%s')", promise);
	char *id = remind(who, "ask for it", more);
	const struct taken *mail = taken_await("discreet@example.org", 3);
	expect_words(mail->text, id, true);
	expect_words(mail->text, "the list", false);
	expect_words(mail->text, "ask for it", false);
	/* The digest names each of the four, and of three of them nothing else. */
	free(sql("UPDATE store.reminder SET due_at = now() - interval '2 days' WHERE assignee_id = '%s' RETURNING 1", who));
	free(sql("UPDATE store.principal SET digest_due = now() - interval '1 minute' WHERE id = '%s' RETURNING 1", who));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	mail = taken_await("discreet@example.org", 4);
	expect_words(mail->text, "Overdue reminders (4)", true);
	expect_words(mail->text, "call the envoy", true);
	expect_words(mail->text, "a reminder that mail does not carry", true);
	expect_words(mail->text, "Backchannel", false);
	expect_words(mail->text, "ask for it", false);
	free(contact), free(promise), free(more), free(id), free(who);
}

/* Whatever is still to be tried again is not, once it is acknowledged by another channel's id. */
static void test_acknowledged_meanwhile(void **state)
{
	static const char *const answers[] = {STATUS("503", "Retry-After: 2\r\n"), NULL};
	char *who = somebody("Quick", ""), secret[128];
	struct client listener;
	(void)state;
	free(hook(who, "/quick", secret));
	listen_for(&listener, who);
	taken_script("/quick", answers);
	char *id = remind(who, "quick", ",'channels':['push','webhook']");
	json_t *push = pushed(&listener, "quick", "due");
	char *delivery = delivery_of(id, "webhook");
	taken_await("/quick", 0);
	await("1 retry 503", ledger, delivery);
	/* Said twice, for its answer was lost, it counts once. */
	char *api = sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'api_%%'");
	free(sql("SELECT %s.delivery_report('" SYSTEM
	         "', '[{\"delivery_id\": \"%s\", \"attempt\": 1, \"outcome\": \"retry\", "
	         "\"answer\": \"503\"}]', 1, 3)",
	         api, delivery));
	await("t", "SELECT failures = 1 AND lease_until > now() AND claimed_by IS NULL FROM store.delivery WHERE id = '%s'",
	      delivery);
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(push, "delivery_id"))));
	await("acknowledged", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	taken_run(2500);
	assert_int_equal(taken_count("/quick"), 1);
	json_decref(push);
	client_close(&listener);
	free(who), free(id), free(delivery), free(api);
}

/* What is under way when the daemon is to stop is reported before it ends; what was not taken comes afterwards. */
static void test_drain(void **state)
{
	static const char *const answers[] = {RECEIVER_HANG, NULL};
	char *who = somebody("Draining", ""), secret[128];
	(void)state;
	free(hook(who, "/drain", secret));
	taken_script("/drain", answers);
	char *id = remind(who, "drain", ",'channels':['webhook']");
	taken_await("/drain", 0);
	char *delivery = delivery_of(id, "webhook");
	client_close(&client);
	assert_int_equal(harness_stop(harness), 0);
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	await("retry", "SELECT outcome FROM store.delivery_attempt WHERE delivery_id = '%s' AND number = 1", delivery);
	assert_string_equal(taken_await("/drain", 1)->id, delivery);
	await("delivered", "SELECT outcome FROM store.delivery WHERE id = '%s'", delivery);
	free(who), free(id), free(delivery);
}

/* What a daemon had in hand is another's as soon as that daemon is gone, and not before. */
static void test_taken_over(void **state)
{
	static const char *const answers[] = {STATUS("503", "Retry-After: 60\r\n"), NULL};
	static const char other[] = "019b1c00-3001-7000-8000-00000000abcd";
	char *who = somebody("Heir", ""), secret[128];
	PGconn *life = harness_database(harness);
	(void)state;
	free(hook(who, "/heir", secret));
	taken_script("/heir", answers);
	char *id = remind(who, "heir", ",'channels':['webhook']");
	taken_await("/heir", 0);
	char *delivery = delivery_of(id, "webhook");
	await("1 retry 503", ledger, delivery);
	PQclear(PQexec(life, "SELECT pg_advisory_lock_shared(x'800000000000abcd'::bigint)"));
	free(sql("WITH attempt AS (INSERT INTO store.delivery_attempt (delivery_id, number, claimed_by, claimed_at) VALUES "
	         "('%s', 2, '%s', now())) UPDATE store.delivery SET attempts = 2, claimed_by = '%s', lease_until = now() + "
	         "interval '1 hour' WHERE id = '%s'",
	         delivery, other, other, delivery));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	taken_run(SILENT_MS);
	assert_int_equal(taken_count("/heir"), 1);
	/* Nobody says that it has gone: the others look by themselves. */
	PQfinish(life);
	assert_string_equal(taken_await("/heir", 1)->id, delivery);
	await("1 retry 503,2 lost ,3 sent 200", ledger, delivery);
	free(who), free(id), free(delivery);
}

static PGresult *run(PGconn *connection, const char *text)
{
	PGresult *result = PQexec(connection, text);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s", PQresultErrorMessage(result));
	return result;
}

/* A transaction that the daemon sees nothing of, to be ended by PQfinish(); *api, to be freed, is the schema to call.
 */
static PGconn *begin_apart(char **api)
{
	PGconn *connection = harness_database(harness);
	*api = sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'api_%%'");
	PQclear(run(connection, "BEGIN"));
	return connection;
}

/* No more is claimed than there is room for, also when a clock that was set back makes more free. */
static void test_room(void **state)
{
	char *who = somebody("Crowded", ",'email':'crowded@example.org'"), *text, *api;
	PGconn *connection = begin_apart(&api);
	(void)state;
	assert_true(
	    asprintf(&text,
	             "INSERT INTO store.delivery (id, assignee_id, channel, reason, due_at, late, lease_until) SELECT "
	             "store.uuid7(), '%s', 'email', 'digest', now() - n * interval '1 s', false, now() + n * interval "
	             "'1 day' FROM generate_series(0, 2) AS n",
	             who) > 0);
	PQclear(run(connection, text)), free(text);
	for (int room = 0; room <= 4; room++) {
		PQclear(run(connection, "SAVEPOINT before"));
		assert_true(asprintf(&text,
		                     "SELECT %s.reminder_claim('" SYSTEM "', '" SYSTEM "', '{}', '{email,webhook}', %d, 60, "
		                     "60, 200)",
		                     api, room) > 0);
		PGresult *result = run(connection, text);
		json_t *claimed = json_loads(PQgetvalue(result, 0, 0), 0, NULL);
		assert_int_equal(json_array_size(at(claimed, "claimed")), room < 3 ? room : 3);
		json_decref(claimed);
		PQclear(result), free(text);
		PQclear(run(connection, "ROLLBACK TO before"));
	}
	PQfinish(connection);
	free(who), free(api);
}

/* Mails without end that wait for a server that hangs leave room for a post. */
static void test_turns(void **state)
{
	char *who = somebody("Waiting", ",'email':'waiting@example.org'"), *text, *api;
	PGconn *connection = begin_apart(&api);
	(void)state;
	assert_true(
	    asprintf(&text,
	             "INSERT INTO store.delivery (id, assignee_id, channel, reason, due_at, late, lease_until, "
	             "claimed_by, claimed_at) SELECT store.uuid7(), '%s', CASE n WHEN 9 THEN 'webhook' ELSE 'email' "
	             "END, 'test', now() + n * interval '1 s', false, now() + CASE n WHEN 0 THEN interval '1 min' "
	             "ELSE interval '0' END, CASE n WHEN 0 THEN '" SYSTEM "'::uuid END, CASE n WHEN 0 THEN now() "
	             "END FROM generate_series(0, 9) AS n",
	             who) > 0);
	PQclear(run(connection, text)), free(text);
	assert_true(
	    asprintf(&text,
	             "SELECT d.channel FROM jsonb_array_elements_text(%s.reminder_claim('" SYSTEM "', '" SYSTEM
	             "', '{}', '{email,webhook}', 1, 60, 60, 200)::jsonb->'claimed') AS c(id) JOIN store.delivery d "
	             "ON d.id = c.id::uuid",
	             api) > 0);
	PGresult *result = run(connection, text);
	assert_int_equal(PQntuples(result), 1);
	assert_string_equal(PQgetvalue(result, 0, 0), "webhook");
	PQclear(result), free(text);
	PQfinish(connection);
	free(who), free(api);
}

/* What was attempted often, and by nobody's fault but the receiver's, is sent again by whoever asks for it. */
static void test_redelivered_often(void **state)
{
	char *who = somebody("Often", ""), secret[128];
	(void)state;
	free(hook(who, "/often", secret));
	char *id = remind(who, "often", ",'channels':['webhook']");
	taken_await("/often", 0);
	await("delivered", "SELECT outcome FROM store.delivery WHERE reminder_id = '%s'", id);
	free(sql("UPDATE store.delivery SET attempts = 100, failures = 99 WHERE reminder_id = '%s' RETURNING 1", id));
	json_decref(call("reminder.redeliver", json_of("{'id':'%s'}", id)));
	taken_await("/often", 1);
	await("delivered", "SELECT outcome FROM store.delivery WHERE reminder_id = '%s'", id);
	free(who), free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_channel),
	    cmocka_unit_test(test_tried_again),
	    cmocka_unit_test(test_mail_tried_again),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_turns),
	    cmocka_unit_test(test_redelivered_often),
	    cmocka_unit_test(test_fails_loudly),
	    cmocka_unit_test(test_gone),
	    cmocka_unit_test(test_tests_and_secrets),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_discretion),
	    cmocka_unit_test(test_acknowledged_meanwhile),
	    cmocka_unit_test(test_drain),
	    cmocka_unit_test(test_taken_over),
	};
	return cmocka_run_group_tests_name("delivery", tests, set_up, tear_down);
}
