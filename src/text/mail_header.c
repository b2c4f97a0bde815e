/* Mail header: a value that fits its line as plain ASCII is written plain, all others as base64 words, each of whole
 * characters, for a reader decodes every word by itself (RFC 2047 section 5). */
#include "mail_header.h"

#include <stdbool.h>
#include <string.h>

#include "text/base64.h"
#include "text/utf8.h"

#define WORD_BEGIN "=?UTF-8?B?"
#define WORD_END "?="

/* An encoded word has at most 75 characters: those of a line but for the blank before it. */
enum { LINE_MOST = 76, WORD_FRAME = sizeof WORD_BEGIN + sizeof WORD_END - 2 };

void mail_header_begin(struct mail_header *header, const char *name)
{
	fprintf(header->out, "%s:", name);
	header->column = strlen(name) + 1;
}

static void fold(struct mail_header *header)
{
	fputs("\r\n", header->out);
	header->column = 0;
}

void mail_header_token(struct mail_header *header, const char *token)
{
	size_t length = strlen(token);
	if (header->column + 1 + length > LINE_MOST)
		fold(header);
	fprintf(header->out, " %s", token);
	header->column += 1 + length;
}

void mail_header_end(struct mail_header *header)
{
	fputs("\r\n", header->out);
}

/* A copy without the control characters of ASCII and of Unicode's first page (C1, whose NEL ends a line somewhere). */
static char *without_controls(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);
	for (unsigned char *at = (unsigned char *)copy; *at; at++) {
		if (*at < ' ' || *at == 0x7F)
			*at = ' ';
		if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F)
			at[0] = at[1] = ' ';
	}
	return copy;
}

/* Nothing in it could be taken for anything but itself. */
static bool is_plain(const char *text)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return !strstr(text, "=?") && (length == 0 || (text[0] != ' ' && text[length - 1] != ' '));
}

/* How many bytes of whole characters at `text` a word of at most `room` characters takes. */
static size_t fill_word(const char *text, size_t room)
{
	size_t most = room < WORD_FRAME ? 0 : (room - WORD_FRAME) / 4 * 3, taken = 0;
	while (text[taken]) {
		size_t length = utf8_length(text + taken, strlen(text + taken));
		if (length == 0 || taken + length > most)
			break;
		taken += length;
	}
	return taken;
}

static void write_words(struct mail_header *header, const char *text)
{
	while (*text) {
		size_t room = header->column < LINE_MOST ? LINE_MOST - header->column - 1 : 0;
		size_t taken = fill_word(text, room);
		if (taken == 0 && header->column > 0) {
			fold(header);
			continue;
		}
		if (taken == 0)
			return; /* no UTF-8: the caller has checked that */
		const char *word = base64_encode(header->arena, text, taken);
		fprintf(header->out, " " WORD_BEGIN "%s" WORD_END, word);
		header->column += 1 + WORD_FRAME + strlen(word);
		text += taken;
	}
}

void mail_header_text(struct mail_header *header, const char *text)
{
	const char *clean = without_controls(header->arena, text);
	if (is_plain(clean) && header->column + 1 + strlen(clean) <= LINE_MOST)
		mail_header_token(header, clean);
	else
		write_words(header, clean);
}

void mail_header_name(struct mail_header *header, const char *name)
{
	const char *clean = without_controls(header->arena, name);
	size_t length = 0;
	char *quoted = arena_alloc(header->arena, 2 * strlen(clean) + 3);
	quoted[length++] = '"';
	for (const char *at = clean; *at; at++) {
		if (*at == '"' || *at == '\\')
			quoted[length++] = '\\';
		quoted[length++] = *at;
	}
	quoted[length++] = '"';
	if (is_plain(clean) && header->column + 1 + length <= LINE_MOST)
		mail_header_token(header, quoted);
	else
		write_words(header, clean);
}
