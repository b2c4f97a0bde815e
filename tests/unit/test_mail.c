/* Tests of text/mail: the bytes of a whole message, every limit of RFC 2047 at, below and above, and values that try to
 * be headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/base64.h"
#include "text/mail.h"

static struct arena arena;
static struct err err;

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct mail plain_mail(void)
{
	return (struct mail){
	    .from = {.address = "desk@example.org"},
	    .to = {.address = "kim@example.org"},
	    .subject = "Due",
	    .message_id = "0190aa@example.org",
	    .date_s = 1795648363,
	    .text = "Send the paper.\n",
	};
}

static const char *compose(const struct mail *mail)
{
	const char *message = NULL;
	size_t length = 0;
	if (!mail_compose(&arena, mail, &message, &length, &err))
		fail_msg("%s", err.message);
	assert_int_equal(strlen(message), length);
	return message;
}

static void refuses(const struct mail *mail, const char *wanted)
{
	const char *message = NULL;
	size_t length = 0;
	assert_false(mail_compose(&arena, mail, &message, &length, &err));
	if (!strstr(err.message, wanted))
		fail_msg("got \"%s\", wanted \"%s\"", err.message, wanted);
}

/* Every line ends with CRLF, holds ASCII without control characters, and is at most `most` long. */
static void check_lines(const char *message, size_t most)
{
	while (*message) {
		size_t length = strcspn(message, "\r\n");
		assert_true(length <= most);
		for (size_t i = 0; i < length; i++)
			assert_true(message[i] >= ' ' && message[i] <= '~');
		assert_memory_equal(message + length, "\r\n", 2);
		message += length + 2;
	}
}

/* The value of a header, unfolded, its words decoded, each checked: at most 75 characters, whole characters. Blanks
 * between words go, as RFC 2047 section 6.2 says. */
static const char *header(const char *message, const char *name)
{
	char *start = arena_printf(&arena, "\r\n%s:", name), *value = arena_alloc(&arena, strlen(message) + 1);
	const char *head = arena_copy(&arena, message, (size_t)(strstr(message, "\r\n\r\n") + 2 - message));
	const char *all = arena_printf(&arena, "\r\n%s", head), *at = strstr(all, start);
	size_t length = 0;
	bool after_word = false;
	assert_non_null(at);
	assert_null(strstr(at + 1, start));
	for (at += strlen(start); strncmp(at, "\r\n", 2) != 0 || at[2] == ' '; at++) {
		if (strncmp(at, "\r\n", 2) == 0) {
			at++;
			continue;
		}
		if (strncmp(at, " =?UTF-8?B?", 11) != 0) {
			value[length++] = *at;
			after_word = false;
			continue;
		}
		unsigned char *bytes;
		size_t count, word = strcspn(at + 11, "?");
		assert_true(10 + word + 2 <= 75);
		assert_memory_equal(at + 11 + word, "?=", 2);
		assert_true(base64_decode(&arena, arena_copy(&arena, at + 11, word), &bytes, &count, &err));
		assert_true((bytes[0] & 0xC0) != 0x80);
		if (!after_word)
			value[length++] = ' ';
		memcpy(value + length, bytes, count);
		length += count;
		at += 11 + word + 1;
		after_word = true;
	}
	assert_int_equal(value[0], ' ');
	return value + 1;
}

static const char *body(const char *part)
{
	const char *at = strstr(part, "\r\n\r\n");
	assert_non_null(at);
	char *encoded = arena_alloc(&arena, strlen(at) + 1);
	size_t length = 0, count;
	unsigned char *bytes;
	for (at += 4; *at && *at != '-'; at += 2) {
		size_t line = strcspn(at, "\r");
		memcpy(encoded + length, at, line);
		length += line;
		at += line;
	}
	assert_true(base64_decode(&arena, encoded, &bytes, &count, &err));
	return arena_copy(&arena, (const char *)bytes, count);
}

static void test_the_bytes_of_a_message(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	assert_string_equal(compose(&mail), "From: desk@example.org\r\n"
	                                    "To: kim@example.org\r\n"
	                                    "Subject: Due\r\n"
	                                    "Date: Wed, 25 Nov 2026 23:12:43 +0000\r\n"
	                                    "Message-ID: <0190aa@example.org>\r\n"
	                                    "Auto-Submitted: auto-generated\r\n"
	                                    "MIME-Version: 1.0\r\n"
	                                    "Content-Type: text/plain; charset=utf-8\r\n"
	                                    "Content-Transfer-Encoding: base64\r\n"
	                                    "\r\n"
	                                    "U2VuZCB0aGUgcGFwZXIuDQo=\r\n");
	mail.text = "";
	check_lines(compose(&mail), 76);
	assert_string_equal(body(compose(&mail)), "");
}

static void test_a_calendar_part(void **state)
{
	(void)state;
	static const char calendar[] = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nX-NOTE:판문점 회담\r\nEND:VCALENDAR\r\n";
	struct mail mail = plain_mail();
	mail.calendar = calendar;
	mail.method = "PUBLISH";
	mail.file = "reminder.ics";
	const char *message = compose(&mail), *again = compose(&mail);
	assert_string_equal(message, again);
	check_lines(message, 76);
	const char *type = header(message, "Content-Type");
	char boundary[64];
	assert_int_equal(sscanf(type, "multipart/mixed; boundary=\"%63[^\"]\"", boundary), 1);
	assert_int_equal(strlen(boundary), 34);
	const char *first = strstr(message, arena_printf(&arena, "\r\n\r\n--%s\r\n", boundary));
	assert_non_null(first);
	const char *second = strstr(first + 4, arena_printf(&arena, "\r\n--%s\r\n", boundary));
	assert_non_null(second);
	const char *end = arena_printf(&arena, "\r\n--%s--\r\n", boundary);
	assert_string_equal(strstr(message, end), end);
	assert_string_equal(body(first + 6), "Send the paper.\r\n");
	assert_string_equal(body(second), calendar);
	assert_non_null(strstr(second, "Content-Type: text/calendar; charset=utf-8; method=PUBLISH;\r\n"
	                               " name=\"reminder.ics\"\r\n"));
	assert_non_null(strstr(second, "Content-Disposition: attachment;\r\n filename=\"reminder.ics\"\r\n"));
	/* Another message, another boundary. */
	mail.message_id = "0190ab@example.org";
	assert_null(strstr(compose(&mail), boundary));
}

static void test_line_ends_of_text(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.text = "a\nb\r\nc\rd\n\r\n\re";
	assert_string_equal(body(compose(&mail)), "a\r\nb\r\nc\r\nd\r\n\r\n\r\ne");
	for (size_t length = 53; length < 60; length++) {
		char text[64];
		memset(text, 'x', length);
		text[length] = '\0';
		mail.text = text;
		check_lines(compose(&mail), 76);
		assert_string_equal(body(compose(&mail)), text);
	}
}

/* Plain up to 76 characters with the field's name, encoded beyond. */
static void test_the_longest_plain_subject(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	for (size_t length = 66; length <= 69; length++) {
		char subject[80];
		memset(subject, 's', length);
		subject[length] = '\0';
		mail.subject = subject;
		const char *message = compose(&mail);
		check_lines(message, 76);
		assert_int_equal(strstr(message, "=?UTF-8?B?") == NULL, length <= 67);
		assert_string_equal(header(message, "Subject"), subject);
	}
}

/* Characters of one to four bytes at every length around a word's end come back whole, and fill their lines. */
static void test_words_of_every_length(void **state)
{
	(void)state;
	static const char *const characters[] = {"é", "한", "𠮷", "aé한𠮷"};
	struct mail mail = plain_mail();
	for (size_t k = 0; k < sizeof characters / sizeof *characters; k++)
		for (size_t count = 1; count <= 60; count++) {
			char subject[1000] = "";
			for (size_t i = 0; i < count; i++)
				strcat(subject, characters[k]);
			mail.subject = mail.to.name = subject;
			const char *message = compose(&mail);
			check_lines(message, 76);
			assert_string_equal(header(message, "Subject"), subject);
			assert_string_equal(header(message, "To"), arena_printf(&arena, "%s <kim@example.org>", subject));
		}
	mail = plain_mail();
	/* 39 bytes fit beside "Subject:", 45 on a line of their own: one more begins another word. */
	for (size_t count = 38; count <= 40; count++) {
		char subject[64];
		memset(subject, 's', count);
		memcpy(subject + count - 2, "é", 3);
		mail.subject = subject;
		const char *message = compose(&mail);
		const char *one = strstr(strstr(message, "Subject:"), "=?UTF-8?B?"), *two = strstr(one + 1, "=?UTF-8?B?");
		assert_int_equal(two != NULL && two < strstr(message, "Date:"), count == 40);
	}
	char subject[200];
	memset(subject, 's', sizeof subject);
	memcpy(subject + sizeof subject - 3, "é", 3);
	mail.subject = subject;
	const char *message = compose(&mail), *line = strstr(strstr(message, "Subject:"), "\r\n") + 2;
	assert_int_equal(strcspn(line, "\r"), 1 + 10 + 60 + 2);
}

static void test_names(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.to.name = "Kim, \"J\" \\ <a@b>";
	assert_string_equal(header(compose(&mail), "To"), "\"Kim, \\\"J\\\" \\\\ <a@b>\" <kim@example.org>");
	mail.to.name = "";
	assert_string_equal(header(compose(&mail), "To"), "kim@example.org");
	mail.to.name = "=?UTF-8?Q?x?=";
	assert_string_equal(header(compose(&mail), "To"), "=?UTF-8?Q?x?= <kim@example.org>");
	mail.from.name = "사무국";
	mail.subject = " blanks ";
	const char *message = compose(&mail);
	assert_null(strstr(message, "Q?x"));
	assert_string_equal(header(message, "From"), "사무국 <desk@example.org>");
	assert_string_equal(header(message, "Subject"), " blanks ");
	mail.subject = " before";
	assert_non_null(strstr(compose(&mail), "Subject: =?UTF-8?B?"));
	mail.subject = "after ";
	assert_non_null(strstr(compose(&mail), "Subject: =?UTF-8?B?"));
	/* "To: " and two quotes leave 70 characters. */
	for (size_t length = 69; length <= 72; length++) {
		char name[80];
		memset(name, 'n', length);
		name[length] = '\0';
		mail.to.name = name;
		message = compose(&mail);
		check_lines(message, 76);
		assert_int_equal(strstr(message, "\"nnn") != NULL, length <= 70);
	}
}

/* No value can begin a header, whatever control character it brings. */
static void test_injection(void **state)
{
	(void)state;
	static const char *const values[] = {"x\r\nBcc: all@example.org",
	                                     "x\nBcc: all@example.org",
	                                     "x\rBcc: all@example.org",
	                                     "x\r\n\r\nBcc: all@example.org",
	                                     "한\r\nBcc: all@example.org",
	                                     "\r\nBcc: all@example.org",
	                                     "x\xC2\x85"
	                                     "Bcc: all@example.org",
	                                     "x\x0B\x0C\x1B\x7F\x01"
	                                     "Bcc: all@example.org",
	                                     "x?=\r\nBcc: all@example.org",
	                                     NULL};
	struct mail mail = plain_mail();
	for (size_t i = 0; values[i]; i++) {
		mail.subject = mail.to.name = mail.from.name = values[i];
		const char *message = compose(&mail);
		check_lines(message, 76);
		assert_null(strstr(message, "\nBcc"));
		const char *subject = header(message, "Subject");
		for (const char *at = subject; *at; at++)
			assert_true((unsigned char)*at >= ' ' && *at != 0x7F);
		assert_null(strstr(subject, "\xC2\x85"));
		assert_non_null(strstr(subject, "Bcc: all@example.org"));
		assert_string_equal(strstr(message, "\r\n\r\n"), "\r\n\r\nU2VuZCB0aGUgcGFwZXIuDQo=\r\n");
	}
	mail = plain_mail();
	mail.message_id = "a@b>\r\nBcc: all@example.org";
	refuses(&mail, "Message-ID");
	mail = plain_mail();
	mail.to.address = "a@b\r\nBcc: all@example.org";
	refuses(&mail, "the recipient: ");
	mail = plain_mail();
	mail.from.address = "a@b>\r\nBcc:all@example.org";
	refuses(&mail, "the sender: ");
	mail = plain_mail();
	mail.calendar = "x";
	mail.method = "PUBLISH\r\nBCC";
	mail.file = "a.ics";
	refuses(&mail, "method");
	mail.method = "PUBLISH";
	mail.file = "a.ics\"\r\nBcc";
	refuses(&mail, "file name");
}

static void test_what_is_no_utf8(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.subject = "a\xFF";
	refuses(&mail, "subject");
	mail = plain_mail();
	mail.text = "\xED\xA0\x80";
	refuses(&mail, "text");
	mail = plain_mail();
	mail.to.name = "\xC0\x80";
	refuses(&mail, "recipient's name");
	mail = plain_mail();
	mail.from.name = "\xE2\x82";
	refuses(&mail, "sender's name");
	mail = plain_mail();
	mail.calendar = "\x80";
	mail.method = "PUBLISH";
	mail.file = "a.ics";
	refuses(&mail, "calendar");
}

static void test_addresses(void **state)
{
	(void)state;
	static const char *const right[] = {"a@b",           "kim.minji+x@example.org", "o'neil_{}@a-b.xn--9n2bp8q.kr",
	                                    "a@1.2.3.4.com", "!#$%&'*+-/=?^_`{|}~@a",   NULL};
	static const char *const wrong[] = {"",        "a",       "@b",     "a@",      "a@b.",    "a@.b", "a@b..c", ".a@b",
	                                    "a.@b",    "a..b@c",  "a b@c",  "a@b c",   "\"a\"@b", "a@-b", "a@b-",   "a@b_c",
	                                    "a@[::1]", "a@b@c",   "a@b\n",  "a\r@b",   "김@b",    "a@한", "a,b@c",  "<a@b>",
	                                    "a@b>",    "a@b,c@d", "a(x)@b", "a@b (x)", "a\\@b@c", NULL};
	for (size_t i = 0; right[i]; i++)
		if (!mail_check_address(right[i], &err))
			fail_msg("%s: %s", right[i], err.message);
	for (size_t i = 0; wrong[i]; i++)
		if (mail_check_address(wrong[i], &err))
			fail_msg("accepted: %s", wrong[i]);
	assert_false(mail_check_address("a@한.kr", &err));
	assert_non_null(strstr(err.message, "xn--"));
	for (int length = 63; length <= 65; length++) {
		char *local = arena_printf(&arena, "%0*d@b", length, 0),
		     *label = arena_printf(&arena, "a@%0*d.b", length - 1, 0);
		assert_int_equal(mail_check_address(local, &err), length <= 64);
		assert_int_equal(mail_check_address(label, &err), length <= 64);
	}
	for (int length = 253; length <= 255; length++) {
		const char *address = arena_printf(&arena, "%060d@%060d.%060d.%060d.%0*d", 0, 0, 0, 0, length - 244, 0);
		assert_int_equal(strlen(address), length);
		assert_int_equal(mail_check_address(address, &err), length <= 254);
	}
}

static void test_the_longest_address_in_a_header(void **state)
{
	(void)state;
	struct mail mail = plain_mail();
	mail.to.address = arena_printf(&arena, "%060d@%060d.%060d.%060d.%010d", 0, 0, 0, 0, 0);
	mail.to.name = "김민지";
	const char *message = compose(&mail);
	check_lines(message, 257);
	assert_string_equal(header(message, "To"), arena_printf(&arena, "김민지 <%s>", mail.to.address));
}

static void test_message_ids(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", "a", "a@", "@b", "a@b@c", "<a@b>", "a b@c", "a@b.", "a..b@c", NULL};
	struct mail mail = plain_mail();
	for (size_t i = 0; wrong[i]; i++) {
		mail.message_id = wrong[i];
		refuses(&mail, "Message-ID");
	}
	for (int length = 199; length <= 201; length++) {
		mail.message_id = arena_printf(&arena, "a@%0*d", length - 2, 0);
		if (length > 200)
			refuses(&mail, "at most 200");
		else
			assert_non_null(strstr(compose(&mail), mail.message_id));
	}
	mail = plain_mail();
	mail.calendar = "x";
	for (int length = 0; length <= 61; length++) {
		mail.method = "REQUEST";
		mail.file =
		    arena_printf(&arena, "%.*s", length, "0000000000000000000000000000000000000000000000000000000000000");
		if (length < 1 || length > 60)
			refuses(&mail, "file name");
		else
			check_lines(compose(&mail), 76);
		mail.method =
		    arena_printf(&arena, "%.*s", length, "METHODMETHODMETHODMETHODMETHODMETHODMETHODMETHODMETHODMETHODM");
		mail.file = "a";
		if (length < 1 || length > 20)
			refuses(&mail, "method");
		else
			check_lines(compose(&mail), 76);
	}
}

static void test_parsing_an_address(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name, *address;
	} right[] = {
	    {"a@b", "", "a@b"},
	    {"<a@b>", "", "a@b"},
	    {"Desk <a@b>", "Desk", "a@b"},
	    {"  The \"Desk\"  <a@b>", "The \"Desk\"", "a@b"},
	    {"\"Desk, Seoul\" <a@b>", "Desk, Seoul", "a@b"},
	    {"사무국<a@b>", "사무국", "a@b"},
	    {"\"<a@b>", "\"", "a@b"},
	};
	static const char *const wrong[] = {"", "Desk", "Desk <a@b", "Desk a@b", "Desk <a@b> x", "<>", "a@b>", NULL};
	struct mail_address address;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		assert_true(mail_parse_address(&arena, right[i].text, &address, &err));
		assert_string_equal(address.name, right[i].name);
		assert_string_equal(address.address, right[i].address);
	}
	for (size_t i = 0; wrong[i]; i++)
		assert_false(mail_parse_address(&arena, wrong[i], &address, &err));
}

static void test_dates(void **state)
{
	(void)state;
	static const struct {
		int64_t date_s;
		const char *text;
	} dates[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 +0000"},
	    {-1, "Wed, 31 Dec 1969 23:59:59 +0000"},
	    {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
	    {253402300799, "Fri, 31 Dec 9999 23:59:59 +0000"},
	};
	struct mail mail = plain_mail();
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		mail.date_s = dates[i].date_s;
		assert_string_equal(header(compose(&mail), "Date"), dates[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_bytes_of_a_message),
	    cmocka_unit_test(test_a_calendar_part),
	    cmocka_unit_test(test_line_ends_of_text),
	    cmocka_unit_test(test_the_longest_plain_subject),
	    cmocka_unit_test(test_words_of_every_length),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_injection),
	    cmocka_unit_test(test_what_is_no_utf8),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_the_longest_address_in_a_header),
	    cmocka_unit_test(test_message_ids),
	    cmocka_unit_test(test_parsing_an_address),
	    cmocka_unit_test(test_dates),
	};
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
