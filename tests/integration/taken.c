/* Taken: what taken.h says. */
#include "taken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "harness.h"
#include "text/base64.h"

enum { TAKEN_MOST = 256, TURN_MS = 10 };

struct receiver taken_posts, taken_mails;
static struct event_base *base;
static struct taken all[TAKEN_MOST];
static size_t count;
static const char *scripted, *const *script;
static struct receiver_path answer[1] = {{NULL, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"}};
static const char *usual;

/* What stands between two marks, the first of them behind `from`. */
static void cut(char *out, size_t size, const char *from, const char *mark, const char *end)
{
	const char *at = strstr(from, mark);
	if (!at)
		fail_msg("no %s in %s", mark, from);
	at += strlen(mark);
	snprintf(out, size, "%.*s", (int)strcspn(at, end), at);
}

static struct taken *next_taken(void)
{
	assert_true(count < TAKEN_MOST);
	all[count].at_ms = harness_now_ms();
	return &all[count++];
}

static void on_post(struct receiver *receiver)
{
	struct taken *taken = next_taken();
	cut(taken->to, sizeof taken->to, receiver->head, "POST ", " ");
	cut(taken->id, sizeof taken->id, receiver->head, "webhook-id: ", "\r");
	taken->head = strdup(receiver->head);
	taken->text = strdup(receiver->message);
	bool told = scripted && strcmp(scripted, taken->to) == 0 && *script;
	answer->answer = told ? *script++ : usual;
}

static void decode(FILE *out, struct arena *arena, const char *text, size_t length)
{
	char *clean = arena_alloc(arena, length + 1);
	unsigned char *bytes;
	size_t kept = 0;
	struct err err;
	for (size_t i = 0; i < length; i++)
		if (!strchr("\r\n", text[i]))
			clean[kept++] = text[i];
	clean[kept] = '\0';
	if (!base64_decode(arena, clean, &bytes, &length, &err))
		fail_msg("%s: %s", err.message, clean);
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != '\r')
			fputc(bytes[i], out);
}

/* Headers as they are, then their encoded words, then every part; lines end with LF. */
static char *read_mail(const char *message)
{
	static const char word[] = "=?UTF-8?B?", part[] = "Content-Transfer-Encoding: base64\r\n\r\n";
	struct arena arena = {0};
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	assert_non_null(out);
	const char *body = strstr(message, "\r\n\r\n");
	assert_non_null(body);
	fprintf(out, "%.*s\n", (int)(body - message), message);
	for (const char *at = message; (at = strstr(at, word)) != NULL && at < body; at++)
		decode(out, &arena, at + strlen(word), strcspn(at + strlen(word), "?"));
	for (const char *at = message; (at = strstr(at, part)) != NULL; at++) {
		const char *end = strstr(at + strlen(part), "\r\n--");
		at += strlen(part);
		fputs("\n", out);
		decode(out, &arena, at, end ? (size_t)(end - at) : strlen(at));
	}
	assert_int_equal(fclose(out), 0);
	arena_release(&arena);
	return text;
}

static void on_mail(struct receiver *receiver)
{
	struct taken *taken = next_taken();
	const char *to = strstr(receiver->message, "\r\nTo: ");
	assert_non_null(to);
	cut(taken->to, sizeof taken->to, to, "<", ">");
	cut(taken->id, sizeof taken->id, receiver->message, "Message-ID: <", "@");
	taken->text = read_mail(receiver->message);
}

void taken_listen(void)
{
	base = event_base_new();
	assert_non_null(base);
	usual = answer->answer;
	taken_posts.paths = answer;
	taken_posts.on_taken = on_post;
	taken_mails.on_taken = on_mail;
	receiver_init(&taken_posts, base);
	receiver_init(&taken_mails, base);
}

void taken_release(void)
{
	receiver_release(&taken_posts);
	receiver_release(&taken_mails);
	event_base_free(base);
	for (size_t i = 0; i < count; i++)
		free(all[i].head), free(all[i].text);
	count = 0;
}

void taken_script(const char *path, const char *const *answers)
{
	scripted = path;
	script = answers;
}

void taken_run(int ms)
{
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

size_t taken_count(const char *to)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += strcmp(all[i].to, to) == 0;
	return found;
}

const struct taken *taken_await(const char *to, size_t number)
{
	long long until = harness_now_ms() + TAKEN_ARRIVES_MS;
	while (taken_count(to) <= number) {
		if (harness_now_ms() > until)
			fail_msg("%zu came to %s in %d ms", taken_count(to), to, TAKEN_ARRIVES_MS);
		taken_run(TURN_MS);
	}
	for (size_t i = 0;; i++)
		if (strcmp(all[i].to, to) == 0 && number-- == 0)
			return &all[i];
}
