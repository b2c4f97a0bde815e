/* Http's scanner: RFC 9112 section 2.2 (a bare CR), 5.1 (a space before a colon), 5.2 (folded headers), 7.1 (chunks).
 * In a chunk's size evhttp takes signs, "0x" and lines without end; here it has one to eight hexadecimal digits, no
 * extension, and what follows a chunk is CR LF. Trailers would be taken for headers, so there may be none. */
#include "http_scan.h"

#include <string.h>
#include <strings.h>

enum { SIZE_DIGITS = 8 };

static void fault(struct http_scan *scan, const char *text)
{
	if (!scan->fault)
		scan->fault = text;
}

static void broken(struct http_scan *scan, const char *text)
{
	fault(scan, text);
	scan->broken = true;
	scan->state = HTTP_SCAN_BODY;
}

static void end_line(struct http_scan *scan)
{
	static const char chunked[] = "transfer-encoding:chunked";

	if (scan->line_length == 0 && scan->lines > 0)
		scan->state = scan->chunked ? HTTP_SCAN_SIZE : HTTP_SCAN_BODY;
	if (scan->kept == sizeof chunked - 1 && strncasecmp(scan->line, chunked, sizeof chunked - 1) == 0)
		scan->chunked = true;
	scan->lines += scan->line_length > 0;
	scan->line_length = scan->kept = 0;
	scan->after_return = scan->named = false;
	scan->last = '\0';
}

static void head_byte(struct http_scan *scan, char byte)
{
	bool blank = byte == ' ' || byte == '\t';

	if (byte == '\n') {
		end_line(scan);
		return;
	}
	if (scan->after_return)
		fault(scan, "a carriage return stands alone");
	scan->after_return = byte == '\r';
	if (byte == '\r')
		return;
	if (byte == '\0')
		fault(scan, "a NUL stands in the head");
	if (blank && scan->line_length == 0)
		fault(scan, "a header is folded");
	if (byte == ':' && !scan->named && scan->lines > 0) {
		scan->named = true;
		if (scan->last == ' ' || scan->last == '\t')
			fault(scan, "a space stands before a header's colon");
	}
	if (!blank && scan->kept < sizeof scan->line)
		scan->line[scan->kept++] = byte;
	scan->last = byte;
	scan->line_length++;
}

static int hexadecimal(char byte)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = byte ? strchr(digits, byte) : NULL;
	long place = found ? found - digits : -1;
	return place > 15 ? (int)place - 6 : (int)place;
}

static void size_byte(struct http_scan *scan, char byte)
{
	int digit = hexadecimal(byte);

	if (digit >= 0 && scan->digits < SIZE_DIGITS) {
		scan->digits++;
		scan->left = scan->left * 16 + (size_t)digit;
	} else if (byte == '\r' && scan->digits > 0) {
		scan->state = HTTP_SCAN_SIZE_LINE;
	} else {
		broken(scan, "a chunk begins with its size, alone on its line: one to eight hexadecimal digits");
	}
}

/* One byte that the framing prescribes. */
static void expect(struct http_scan *scan, char byte, char expected, enum http_scan_state next)
{
	if (byte == expected)
		scan->state = next;
	else
		broken(scan, scan->state == HTTP_SCAN_LAST_RETURN ? "trailers are not taken" : "a chunk ends with CR LF");
}

static void chunk_byte(struct http_scan *scan, char byte)
{
	switch (scan->state) {
	case HTTP_SCAN_SIZE:
		size_byte(scan, byte);
		break;
	case HTTP_SCAN_SIZE_LINE:
		expect(scan, byte, '\n', scan->left > 0 ? HTTP_SCAN_CHUNK : HTTP_SCAN_LAST_RETURN);
		scan->digits = 0;
		break;
	case HTTP_SCAN_CHUNK_RETURN:
		expect(scan, byte, '\r', HTTP_SCAN_CHUNK_LINE);
		break;
	case HTTP_SCAN_CHUNK_LINE:
		expect(scan, byte, '\n', HTTP_SCAN_SIZE);
		break;
	case HTTP_SCAN_LAST_RETURN:
		expect(scan, byte, '\r', HTTP_SCAN_LAST_LINE);
		break;
	case HTTP_SCAN_LAST_LINE:
		expect(scan, byte, '\n', HTTP_SCAN_BODY);
		break;
	default:
		break;
	}
}

void http_scan_bytes(struct http_scan *scan, const char *bytes, size_t length)
{
	size_t at = 0;

	while (at < length && scan->state != HTTP_SCAN_BODY) {
		if (scan->state == HTTP_SCAN_HEAD) {
			scan->head_length++;
			head_byte(scan, bytes[at++]);
		} else if (scan->state == HTTP_SCAN_CHUNK) {
			size_t step = length - at < scan->left ? length - at : scan->left;
			at += step;
			scan->left -= step;
			if (scan->left == 0)
				scan->state = HTTP_SCAN_CHUNK_RETURN;
		} else {
			chunk_byte(scan, bytes[at++]);
		}
	}
}
