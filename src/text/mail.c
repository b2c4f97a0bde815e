/* Mail: checks first, then writes from top to bottom into a memory stream.
 *
 * Every body is base64: one encoding that keeps any text whole, has no long lines and none that begins with a dot. The
 * boundary is a digest of the Message-ID behind "=_", which base64 never contains. */
#include "text/mail.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "mail_header.h"
#include "text/base64.h"
#include "text/digest.h"
#include "text/utf8.h"

enum { LINE_MOST = 76, LABEL_MOST = 63, DOMAIN_MOST = 253, BOUNDARY_DIGITS = 32, METHOD_MOST = 20 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* RFC 5322 section 3.2.3. */
static const char atext[] = LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~";

/* Atoms with single dots between them, `length` characters long. */
static bool is_dot_atom(const char *text, size_t length)
{
	if (length == 0)
		return false;
	for (size_t at = 0;; at++) {
		size_t atom = strspn(text + at, atext);
		at += atom;
		if (atom == 0 || at > length)
			return false;
		if (at == length)
			return true;
		if (text[at] != '.')
			return false;
	}
}

/* Labels of letters, digits and inner hyphens (RFC 5321 section 4.1.2: Domain). */
static bool is_domain(const char *text)
{
	if (strlen(text) > DOMAIN_MOST)
		return false;
	for (;; text++) {
		size_t label = strspn(text, LETTERS DIGITS "-");
		if (label < 1 || label > LABEL_MOST || text[0] == '-' || text[label - 1] == '-')
			return false;
		text += label;
		if (*text == '\0')
			return true;
		if (*text != '.')
			return false;
	}
}

bool mail_check_address(const char *address, struct err *err)
{
	const char *at = strrchr(address, '@');
	for (const char *byte = address; *byte; byte++)
		if ((unsigned char)*byte >= 0x80)
			return err_set(err, "a mail address holds ASCII only; write the domain in its xn-- form");
	if (!at)
		return err_set(err, "a mail address is local@domain");
	if (strlen(address) > MAIL_ADDRESS_MOST)
		return err_set(err, "a mail address has at most %d characters", MAIL_ADDRESS_MOST);
	if (at - address > MAIL_LOCAL_MOST)
		return err_set(err, "a mail address has at most %d characters before the @", MAIL_LOCAL_MOST);
	if (!is_dot_atom(address, (size_t)(at - address)))
		return err_set(err, "what stands before the @ of a mail address must need no quotes (RFC 5322 dot-atom)");
	if (!is_domain(at + 1))
		return err_set(err, "what stands behind the @ of a mail address must be a domain");
	return true;
}

bool mail_parse_address(struct arena *arena, const char *text, struct mail_address *address, struct err *err)
{
	const char *open = strrchr(text, '<');
	size_t length = strlen(text);
	*address = (struct mail_address){.name = "", .address = arena_strdup(arena, text)};
	if (open && text[length - 1] != '>')
		return err_set(err, "write Name <local@domain>");
	if (open) {
		const char *begin = text, *end = open;
		while (begin < end && isspace((unsigned char)*begin))
			begin++;
		while (end > begin && isspace((unsigned char)end[-1]))
			end--;
		if (end - begin >= 2 && *begin == '"' && end[-1] == '"') {
			begin++;
			end--;
		}
		address->name = arena_copy(arena, begin, (size_t)(end - begin));
		address->address = arena_copy(arena, open + 1, length - (size_t)(open + 1 - text) - 1);
	}
	return mail_check_address(address->address, err);
}

static bool check_utf8(const char *what, const char *text, struct err *err)
{
	size_t left = strlen(text);
	while (left > 0) {
		size_t length = utf8_length(text, left);
		if (length == 0)
			return err_set(err, "the %s of a mail is no UTF-8", what);
		text += length;
		left -= length;
	}
	return true;
}

static bool check_name(const char *what, const char *name, struct err *err)
{
	return !name || check_utf8(what, name, err);
}

static bool check_id(const char *id, struct err *err)
{
	const char *at = strchr(id, '@');
	if (strlen(id) > MAIL_ID_MOST)
		return err_set(err, "a Message-ID has at most %d characters", MAIL_ID_MOST);
	if (!at || !is_dot_atom(id, (size_t)(at - id)) || !is_dot_atom(at + 1, strlen(at + 1)))
		return err_set(err, "a Message-ID is left@right, of atoms and dots (RFC 5322 section 3.6.4)");
	return true;
}

static bool check_calendar(const struct mail *mail, struct err *err)
{
	if (!mail->calendar)
		return true;
	size_t method = mail->method ? strlen(mail->method) : 0, file = mail->file ? strlen(mail->file) : 0;
	if (method < 1 || method > METHOD_MOST || strspn(mail->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != method)
		return err_set(err, "a calendar's method is 1 to %d capitals", METHOD_MOST);
	if (file < 1 || file > MAIL_FILE_MOST || strspn(mail->file, LETTERS DIGITS "._-") != file)
		return err_set(err, "a calendar's file name is 1 to %d letters, digits, \".\", \"_\" and \"-\"",
		               MAIL_FILE_MOST);
	return check_utf8("calendar", mail->calendar, err);
}

static bool check(const struct mail *mail, struct err *err)
{
	if (!mail_check_address(mail->from.address, err))
		return err_prefix(err, "the sender");
	if (!mail_check_address(mail->to.address, err))
		return err_prefix(err, "the recipient");
	return check_name("sender's name", mail->from.name, err) && check_name("recipient's name", mail->to.name, err) &&
	       check_utf8("subject", mail->subject, err) && check_utf8("text", mail->text, err) &&
	       check_id(mail->message_id, err) && check_calendar(mail, err);
}

static void write_address(struct mail_header *header, const char *field, const struct mail_address *address)
{
	bool named = address->name && *address->name;
	mail_header_begin(header, field);
	if (named)
		mail_header_name(header, address->name);
	mail_header_token(header, named ? arena_printf(header->arena, "<%s>", address->address) : address->address);
	mail_header_end(header);
}

/* strftime(3) would write days and months in the language of the locale. */
static const char *date_text(struct arena *arena, int64_t date_s)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)date_s;
	struct tm tm;
	if (!gmtime_r(&seconds, &tm)) {
		log_error("", "mail: a date out of all bounds");
		abort();
	}
	return arena_printf(arena, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday, tm.tm_mday,
	                    months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void write_head(struct mail_header *header, const struct mail *mail)
{
	write_address(header, "From", &mail->from);
	write_address(header, "To", &mail->to);
	mail_header_begin(header, "Subject");
	mail_header_text(header, mail->subject);
	mail_header_end(header);
	fprintf(header->out, "Date: %s\r\n", date_text(header->arena, mail->date_s));
	mail_header_begin(header, "Message-ID");
	mail_header_token(header, arena_printf(header->arena, "<%s>", mail->message_id));
	mail_header_end(header);
	/* RFC 3834: whoever answers by a machine does not answer this. */
	fputs("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", header->out);
}

/* Text has CRLF line ends before it is encoded (RFC 2045 section 6.8). */
static const char *with_crlf(struct arena *arena, const char *text, size_t *length)
{
	char *copy = arena_alloc(arena, 2 * strlen(text) + 1);
	*length = 0;
	for (const char *at = text; *at; at++) {
		if (*at != '\r' && *at != '\n') {
			copy[(*length)++] = *at;
			continue;
		}
		at += at[0] == '\r' && at[1] == '\n';
		copy[(*length)++] = '\r';
		copy[(*length)++] = '\n';
	}
	return copy;
}

static void write_body(FILE *out, struct arena *arena, const char *text)
{
	size_t length;
	const char *lines = with_crlf(arena, text, &length);
	const char *encoded = base64_encode(arena, lines, length);
	fputs("Content-Transfer-Encoding: base64\r\n\r\n", out);
	for (size_t left = strlen(encoded); left > 0;) {
		int line = left < LINE_MOST ? (int)left : LINE_MOST;
		fprintf(out, "%.*s\r\n", line, encoded);
		encoded += line;
		left -= (size_t)line;
	}
}

static void write_text(FILE *out, struct arena *arena, const struct mail *mail)
{
	fputs("Content-Type: text/plain; charset=utf-8\r\n", out);
	write_body(out, arena, mail->text);
}

static void write_parts(FILE *out, struct arena *arena, const struct mail *mail)
{
	char boundary[DIGEST_HEX_SIZE];
	digest_of(mail->message_id, strlen(mail->message_id), boundary);
	boundary[BOUNDARY_DIGITS] = '\0';
	fprintf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n--=_%s\r\n", boundary, boundary);
	write_text(out, arena, mail);
	fprintf(out,
	        "--=_%s\r\nContent-Type: text/calendar; charset=utf-8; method=%s;\r\n name=\"%s\"\r\n"
	        "Content-Disposition: attachment;\r\n filename=\"%s\"\r\n",
	        boundary, mail->method, mail->file, mail->file);
	write_body(out, arena, mail->calendar);
	fprintf(out, "--=_%s--\r\n", boundary);
}

bool mail_compose(struct arena *arena, const struct mail *mail, const char **message, size_t *length, struct err *err)
{
	if (!check(mail, err))
		return false;
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, length);
	if (!out) {
		log_error("", "out of memory: cannot write a mail");
		abort();
	}
	write_head(&(struct mail_header){.arena = arena, .out = out}, mail);
	if (mail->calendar)
		write_parts(out, arena, mail);
	else
		write_text(out, arena, mail);
	if (fclose(out) != 0) {
		log_error("", "out of memory: cannot write a mail");
		abort();
	}
	*message = arena_copy(arena, bytes, *length);
	free(bytes);
	return true;
}
