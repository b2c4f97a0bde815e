/* Tests of deliver/mailer against a server that answers, hangs and breaks as it is told, at every step of a mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/mailer.h"
#include "receiver.h"
#include "sending.h"
#include "text/base64.h"

enum { HANG_MS = 1500, USUAL_MS = 8000 };

static struct receiver receiver;
static struct mailer *mailer;
static char server[64];

static int set_up(void **state)
{
	receiver = (struct receiver){0};
	mailer = NULL;
	sending_set_up(state);
	receiver_init(&receiver, sending_base);
	snprintf(server, sizeof server, "smtp://127.0.0.1:%d", receiver.port);
	return 0;
}

static int tear_down(void **state)
{
	mailer_free(mailer);
	receiver_release(&receiver);
	return sending_tear_down(state);
}

static struct mailer_options options(void)
{
	return (struct mailer_options){.server = server,
	                               .from = "사무국 <desk@example.org>",
	                               .tls = CURL_LOOP_TLS_OFF,
	                               .user = "",
	                               .password_file = "",
	                               .ca_file = "",
	                               .timeout_ms = USUAL_MS,
	                               .idle_ms = USUAL_MS,
	                               .most = 1};
}

static void make_mailer(const struct mailer_options *wanted)
{
	struct err err;
	mailer_free(mailer);
	mailer = mailer_new(sending_base, wanted, &err);
	if (!mailer)
		fail_msg("%s", err.message);
}

static void send_mail(struct sent *sent)
{
	struct mail mail = {.to = {.name = "김민지", .address = "kim@example.org"},
	                    .subject = "회의 알림",
	                    .message_id = "0190aa@example.org",
	                    .text = "Send the paper.\n"};
	*sent = (struct sent){0};
	mailer_send(mailer, &mail, sending_on_outcome, sent);
	assert_int_equal(sent->calls, 0);
}

static struct sent send_one(enum outcome_kind kind, const char *words)
{
	struct sent sent;
	send_mail(&sent);
	assert_int_equal(mailer_count(mailer), 1);
	sending_await(&sent, 1);
	assert_int_equal(mailer_count(mailer), 0);
	sending_expect(&sent, kind, words);
	return sent;
}

static void test_a_mail_comes_whole(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250 2.0.0 queued");
	assert_non_null(strstr(receiver.commands, "MAIL FROM:<desk@example.org>\r\n"
	                                          "RCPT TO:<kim@example.org>\r\n"
	                                          "DATA\r\n"));
	assert_null(strstr(receiver.commands, "AUTH"));
	struct arena arena = {0};
	struct err err;
	const struct mail same = {.from = {.name = "사무국", .address = "desk@example.org"},
	                          .to = {.name = "김민지", .address = "kim@example.org"},
	                          .subject = "회의 알림",
	                          .message_id = "0190aa@example.org",
	                          .text = "Send the paper.\n"};
	const char *message;
	size_t length;
	assert_true(mail_compose(&arena, &same, &message, &length, &err));
	assert_string_equal(receiver.message, message);
	arena_release(&arena);
}

/* More than any socket's buffer holds, so that it goes out in pieces. */
static void test_a_large_mail(void **state)
{
	(void)state;
	enum { SIZE = 12 * 1024 * 1024 };
	struct mailer_options wanted = options();
	struct sent sent = {0};
	char *text = calloc(1, SIZE + 1);
	assert_non_null(text);
	memset(text, 'x', SIZE);
	struct mail mail = {.to = {.address = "kim@example.org"}, .subject = "", .message_id = "a@b", .text = text};
	make_mailer(&wanted);
	mailer_send(mailer, &mail, sending_on_outcome, &sent);
	sending_await(&sent, 1);
	sending_expect(&sent, OUTCOME_SENT, "250 2.0.0 queued");
	assert_true(receiver.length > SIZE / 3 * 4);
	assert_string_equal(receiver.message + receiver.length - 6, "eHh4\r\n");
	/* Nobody can have taken what has not been sent. */
	sent = (struct sent){0};
	receiver.early = "250 early\r\n";
	mailer_send(mailer, &mail, sending_on_outcome, &sent);
	sending_await(&sent, 1);
	sending_expect(&sent, OUTCOME_LATER, "before it had the whole mail");
	free(text);
}

static void test_connections_are_used_again(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	struct sent sent[20];
	for (long most = 1; most <= 3; most++) {
		wanted.most = most;
		make_mailer(&wanted);
		sending_run(50);
		receiver_forget(&receiver);
		for (size_t i = 0; i < 20; i++)
			send_mail(&sent[i]);
		assert_int_equal(mailer_count(mailer), 20);
		sending_await(sent, 20);
		for (size_t i = 0; i < 20; i++)
			sending_expect(&sent[i], OUTCOME_SENT, "250");
		assert_int_equal(receiver.mails, 20);
		assert_int_equal(receiver.most_open, most);
		assert_int_equal(receiver.connections, most);
	}
	/* What is idle says good-bye at the end. */
	receiver_forget(&receiver);
	mailer_free(mailer);
	mailer = NULL;
	sending_run(50);
	assert_string_equal(receiver.commands, "QUIT\r\nQUIT\r\nQUIT\r\n");
}

static void test_answers_at_every_step(void **state)
{
	(void)state;
	static const struct {
		enum receiver_stage stage;
		const char *reply;
		enum outcome_kind kind;
		const char *answer;
	} cases[] = {
	    {AT_GREETING, "421 busy\r\n", OUTCOME_LATER, "421 busy"},
	    {AT_GREETING, "554 no mail here\r\n", OUTCOME_LATER, "554 no mail here"},
	    {AT_MAIL, "421 closing\r\n", OUTCOME_LATER, "421 closing"},
	    {AT_MAIL, "451 4.7.1 later\r\n", OUTCOME_LATER, "451 4.7.1 later"},
	    {AT_MAIL, "500 what\r\n", OUTCOME_REFUSED, "500 what"},
	    {AT_MAIL, "499 odd\r\n", OUTCOME_LATER, "499 odd"},
	    {AT_MAIL, "530 5.7.0 log in first\r\n", OUTCOME_LATER, "530 5.7.0 log in first"},
	    {AT_MAIL, "354 what\r\n", OUTCOME_LATER, "354 what"},
	    {AT_RCPT, "450 4.2.0 greylisted\r\n", OUTCOME_LATER, "450 4.2.0 greylisted"},
	    {AT_RCPT, "550 5.1.1 no such user\r\n", OUTCOME_REFUSED, "550 5.1.1 no such user"},
	    {AT_RCPT, "550-5.1.1 no\r\n550 such user\r\n", OUTCOME_REFUSED, "550 5.1.1 no such user"},
	    {AT_RCPT, "251 will forward\r\n", OUTCOME_SENT, "250 2.0.0 queued"},
	    {AT_RCPT, "550\r\n", OUTCOME_REFUSED, "550"},
	    {AT_DATA, "452 4.3.1 disk full\r\n", OUTCOME_LATER, "452 4.3.1 disk full"},
	    {AT_DATA, "552 5.3.4 too big\r\n", OUTCOME_REFUSED, "552 5.3.4 too big"},
	    {AT_DATA, "250 what\r\n", OUTCOME_LATER, "250 what"},
	    {AT_BODY, "451 4.3.0 scanner\r\n", OUTCOME_LATER, "451 4.3.0 scanner"},
	    {AT_BODY, "554 5.6.0 spam\r\n", OUTCOME_REFUSED, "554 5.6.0 spam"},
	    {AT_BODY, "599 odd\r\n", OUTCOME_REFUSED, "599 odd"},
	    {AT_BODY, "600 odd\r\n", OUTCOME_REFUSED, "600 odd"},
	    {AT_MAIL, "hello\r\n", OUTCOME_LATER, "not SMTP"},
	    {AT_MAIL, "25\r\n", OUTCOME_LATER, "not SMTP"},
	    {AT_MAIL, "2500 ok\r\n", OUTCOME_LATER, "not SMTP"},
	    {AT_MAIL, "250 ok\r\n250 ok\r\n", OUTCOME_LATER, "what it was not asked"},
	    {AT_DATA, "354 go\r\n250 taken\r\n", OUTCOME_LATER, "what it was not asked"},
	};
	struct mailer_options wanted = options();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(receiver.smtp, 0, sizeof receiver.smtp);
		receiver.smtp[cases[i].stage] = cases[i].reply;
		make_mailer(&wanted);
		receiver_forget(&receiver);
		send_one(cases[i].kind, cases[i].answer);
		assert_int_equal(receiver.connections, 1);
		/* And the next mail has a fresh start. */
		memset(receiver.smtp, 0, sizeof receiver.smtp);
		send_one(OUTCOME_SENT, "250");
	}
}

static void test_long_replies(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	char reply[3000] = "250 ";
	make_mailer(&wanted);
	for (size_t length = 1000; length <= 2900; length += 38) {
		memset(reply + 4, 'r', length);
		strcpy(reply + 4 + length, "\r\n");
		receiver.smtp[AT_BODY] = reply;
		struct sent sent = send_one(OUTCOME_SENT, "250 rrr");
		assert_int_equal(strlen(sent.outcome.answer), 512);
	}
	assert_int_equal(receiver.connections, 1);
}

/* A server that hangs holds nothing up but its own mail, wherever it hangs. */
static void test_hanging_and_breaking_at_every_step(void **state)
{
	(void)state;
	static const char *const ends[] = {RECEIVER_CLOSE, RECEIVER_RESET, RECEIVER_HANG};
	struct mailer_options wanted = options();
	struct sent sent[AT_QUIT];
	for (size_t k = 0; k < 3; k++) {
		bool hangs = strcmp(ends[k], RECEIVER_HANG) == 0;
		wanted.timeout_ms = hangs ? HANG_MS : USUAL_MS;
		for (enum receiver_stage stage = AT_GREETING; stage < AT_QUIT; stage++) {
			if (stage == AT_AUTH)
				continue;
			memset(receiver.smtp, 0, sizeof receiver.smtp);
			receiver.smtp[stage] = ends[k];
			make_mailer(&wanted);
			send_mail(&sent[0]);
			sending_await(sent, 1);
			sending_expect(&sent[0], OUTCOME_LATER, hangs ? "1500 ms" : "");
			assert_true(sent[0].outcome.answer[0] != '\0');
		}
	}
	/* What is not SMTP at all. */
	memset(receiver.smtp, 0, sizeof receiver.smtp);
	receiver.smtp[AT_GREETING] = "SSH-2.0-OpenSSH\r\n";
	make_mailer(&wanted);
	send_one(OUTCOME_LATER, "1500 ms");
	/* One that hangs at QUIT is not waited for. */
	memset(receiver.smtp, 0, sizeof receiver.smtp);
	receiver.smtp[AT_QUIT] = RECEIVER_HANG;
	wanted.timeout_ms = USUAL_MS;
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250");
	sending_run(20);
	mailer_free(mailer);
	mailer = NULL;
	sending_run(20);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	wanted.server = "smtp://127.0.0.1:1";
	make_mailer(&wanted);
	send_one(OUTCOME_LATER, "");
	wanted.server = "smtps://127.0.0.1:1";
	make_mailer(&wanted);
	send_one(OUTCOME_LATER, "");
}

/* A connection that the server has closed meanwhile, or closes just when the next mail begins, costs no attempt. */
static void test_a_stale_connection(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250");
	receiver_drop(&receiver);
	sending_run(50);
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 2);
	receiver_drop(&receiver);
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 3);
	receiver.reset_after = 1;
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 4);
	receiver.reset_after = 0;
	receiver_say(&receiver, "421 idle for too long\r\n");
	sending_run(50);
	assert_int_equal(receiver.open, 0);
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 5);
	receiver.smtp[AT_MAIL] = "421 too many\r\n";
	send_one(OUTCOME_LATER, "421 too many");
	assert_int_equal(receiver.connections, 6);
	/* What one mail was told is not told to the next. */
	receiver.smtp[AT_MAIL] = NULL;
	send_one(OUTCOME_SENT, "250");
	receiver.smtp[AT_MAIL] = "550 no\r\n";
	struct sent sent = send_one(OUTCOME_REFUSED, "550 no");
	assert_string_equal(sent.outcome.answer, "550 no");
	assert_int_equal(receiver.connections, 7);
}

static void test_an_idle_connection_is_closed(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	wanted.idle_ms = 200;
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250");
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 1);
	assert_int_equal(receiver.open, 1);
	for (int i = 0; i < 100 && receiver.open > 0; i++)
		sending_run(50);
	assert_int_equal(receiver.open, 0);
	assert_non_null(strstr(receiver.commands, "QUIT\r\n"));
	send_one(OUTCOME_SENT, "250");
	assert_int_equal(receiver.connections, 2);
}

/* Without TLS where TLS is required nothing is said: no user, no password, no mail. */
static void test_tls_is_required(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	char path[] = "/tmp/test_mailer.XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "secret\n", 7), 7);
	wanted.user = "desk";
	wanted.password_file = path;
	wanted.tls = CURL_LOOP_TLS_REQUIRED;
	make_mailer(&wanted);
	send_one(OUTCOME_LATER, "STARTTLS");
	assert_null(strstr(receiver.commands, "AUTH"));
	assert_null(strstr(receiver.commands, "MAIL"));
	receiver.smtp[AT_EHLO] = "250-test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
	send_one(OUTCOME_LATER, "");
	assert_null(strstr(receiver.commands, "AUTH"));
	assert_null(strstr(receiver.commands, "MAIL"));
	receiver.smtp[AT_EHLO] = NULL;
	wanted.tls = CURL_LOOP_TLS_OPPORTUNISTIC;
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250");
	close(fd);
	unlink(path);
}

static void test_login(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	char path[] = "/tmp/test_mailer.XXXXXX";
	struct arena arena = {0};
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "s e:cret\r\nmore", 14), 14);
	wanted.user = "desk@example.org";
	wanted.password_file = path;
	make_mailer(&wanted);
	send_one(OUTCOME_SENT, "250");
	assert_non_null(strstr(receiver.commands, arena_printf(&arena, "AUTH PLAIN\r\n%s\r\nMAIL FROM:",
	                                                       base64_encode(&arena, "\0desk@example.org\0s e:cret", 26))));
	receiver.smtp[AT_AUTH] = "535 5.7.8 wrong\r\n";
	make_mailer(&wanted);
	send_one(OUTCOME_LATER, "535 5.7.8 wrong");
	receiver.smtp[AT_AUTH] = NULL;
	receiver.smtp[AT_EHLO] = "250-test\r\n250 AUTH LOGIN\r\n";
	receiver_forget(&receiver);
	send_one(OUTCOME_SENT, "250");
	assert_non_null(strstr(receiver.commands, "AUTH LOGIN\r\nZGVza0BleGFtcGxlLm9yZw==\r\ncyBlOmNyZXQ=\r\nMAIL FROM:"));
	/* Nobody is asked of whom nothing else than a third party would vouch. */
	receiver.smtp[AT_EHLO] = "250-test\r\n250 AUTH GSSAPI NTLM CRAM-MD5\r\n";
	make_mailer(&wanted);
	receiver_forget(&receiver);
	send_one(OUTCOME_LATER, "");
	assert_null(strstr(receiver.commands, "AUTH"));
	close(fd);
	unlink(path);
	arena_release(&arena);
}

static void refuses(const struct mailer_options *wanted, const char *words)
{
	struct err err;
	assert_null(mailer_new(sending_base, wanted, &err));
	if (!strstr(err.message, words))
		fail_msg("got \"%s\", wanted \"%s\"", err.message, words);
	assert_null(strstr(err.message, "secret"));
}

static void test_what_is_no_configuration(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	char path[] = "/tmp/test_mailer.XXXXXX", line[1100];
	int fd = mkstemp(path);
	wanted.server = "mail.example.org";
	refuses(&wanted, "server: ");
	wanted.server = "smtp://mail.example.org:587";
	refuses(&wanted, "tls: ");
	wanted.tls = CURL_LOOP_TLS_OPPORTUNISTIC;
	refuses(&wanted, "tls: ");
	wanted.tls = CURL_LOOP_TLS_REQUIRED;
	make_mailer(&wanted);
	wanted.from = "nobody";
	refuses(&wanted, "from: ");
	wanted = options();
	wanted.user = "desk";
	refuses(&wanted, "go together");
	wanted.user = "";
	wanted.password_file = path;
	refuses(&wanted, "go together");
	wanted.user = "desk";
	refuses(&wanted, "first line");
	wanted.password_file = "/nonexistent/secret-not";
	struct err err;
	assert_null(mailer_new(sending_base, &wanted, &err));
	assert_non_null(strstr(err.message, "No such file"));
	wanted.password_file = path;
	for (size_t length = 1023; length <= 1025; length++) {
		memset(line, 'p', length);
		line[length] = '\n';
		assert_int_equal(pwrite(fd, line, length + 1, 0), length + 1);
		if (length <= 1024)
			make_mailer(&wanted);
		else
			refuses(&wanted, "1 to 1024");
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "secret\n", 7, 0), 7);
	static const mode_t right[] = {0600, 0640, 0660}, wrong[] = {0604, 0602, 0644, 0666};
	for (size_t i = 0; i < 3; i++) {
		fchmod(fd, right[i]);
		make_mailer(&wanted);
	}
	for (size_t i = 0; i < 4; i++) {
		fchmod(fd, wrong[i]);
		refuses(&wanted, "chmod");
	}
	close(fd);
	unlink(path);
}

static void test_what_cannot_be_composed(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	struct sent sent = {0};
	struct mail mail = {.to = {.address = "kim@사무국.kr"}, .subject = "", .message_id = "a@b", .text = ""};
	make_mailer(&wanted);
	mailer_send(mailer, &mail, sending_on_outcome, &sent);
	assert_int_equal(sent.calls, 0);
	sending_await(&sent, 1);
	sending_expect(&sent, OUTCOME_REFUSED, "the recipient: ");
	assert_int_equal(receiver.connections, 0);
}

/* At every step under way, and waiting: each is told once, and none before mailer_send() has returned. */
static void test_freed_under_way(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	wanted.most = 2;
	for (enum receiver_stage stage = AT_GREETING; stage < AT_QUIT; stage++) {
		struct sent sent[5];
		memset(receiver.smtp, 0, sizeof receiver.smtp);
		receiver.smtp[stage] = RECEIVER_HANG;
		make_mailer(&wanted);
		for (size_t i = 0; i < 5; i++)
			send_mail(&sent[i]);
		if (stage != AT_AUTH)
			sending_run(50);
		assert_int_equal(sent[0].calls, 0);
		mailer_free(mailer);
		mailer = NULL;
		for (size_t i = 0; i < 5; i++)
			sending_expect(&sent[i], OUTCOME_LATER, "stopped");
		sending_run(20);
		for (size_t i = 0; i < 5; i++)
			assert_int_equal(sent[i].calls, 1);
	}
	mailer_free(NULL);
}

/* The next mail is sent from the callback of the one before. */
static void on_outcome_send(const struct outcome *outcome, void *context)
{
	struct sent *sent = context;
	sending_on_outcome(outcome, sent);
	if (receiver.mails < 5)
		send_mail(sent + 1);
}

static void test_sending_from_a_callback(void **state)
{
	(void)state;
	struct mailer_options wanted = options();
	struct sent sent[6] = {0};
	struct mail mail = {.to = {.address = "kim@example.org"}, .subject = "", .message_id = "a@b", .text = ""};
	make_mailer(&wanted);
	mailer_send(mailer, &mail, on_outcome_send, &sent[0]);
	sending_await(sent, 2);
	assert_int_equal(receiver.mails, 2);
	assert_int_equal(receiver.connections, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_mail_comes_whole),
	    TEST(test_a_large_mail),
	    TEST(test_connections_are_used_again),
	    TEST(test_answers_at_every_step),
	    TEST(test_long_replies),
	    TEST(test_hanging_and_breaking_at_every_step),
	    TEST(test_nobody_listens),
	    TEST(test_a_stale_connection),
	    TEST(test_an_idle_connection_is_closed),
	    TEST(test_tls_is_required),
	    TEST(test_login),
	    TEST(test_what_is_no_configuration),
	    TEST(test_what_cannot_be_composed),
	    TEST(test_freed_under_way),
	    TEST(test_sending_from_a_callback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
