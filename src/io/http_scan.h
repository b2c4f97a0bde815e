/* Http's scanner: what the bytes of a request say before evhttp reads them, where evhttp takes more than RFC 9112 lets
 * a server take. It knows the head's lines and the framing of chunks, not what they mean. */
#ifndef TRACKTWO_SRC_IO_HTTP_SCAN_H
#define TRACKTWO_SRC_IO_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum http_scan_state {
	HTTP_SCAN_HEAD,
	HTTP_SCAN_BODY, /* of a length that evhttp counts, or none; nothing more is looked at */
	HTTP_SCAN_SIZE, /* of a chunk */
	HTTP_SCAN_SIZE_LINE,
	HTTP_SCAN_CHUNK,
	HTTP_SCAN_CHUNK_RETURN,
	HTTP_SCAN_CHUNK_LINE,
	HTTP_SCAN_LAST_RETURN, /* behind the chunk of no bytes */
	HTTP_SCAN_LAST_LINE,
};

/* All zero where a request begins. */
struct http_scan {
	enum http_scan_state state;
	const char *fault;   /* the first one, in words; NULL for none */
	bool broken;         /* the fault is in the framing: nobody knows where this request ends */
	bool after_return;   /* the last byte was CR */
	bool chunked, named; /* the line under way has had its colon */
	char last;           /* byte of the line */
	size_t head_length;  /* bytes of the head so far */
	unsigned lines;      /* whole ones of the head, empty ones before it not counted */
	size_t line_length;  /* of the line under way, CR not counted */
	size_t kept;         /* bytes in `line` */
	char line[32];       /* its beginning without spaces */
	unsigned digits;
	size_t left; /* of the chunk */
};

/* Goes on over these bytes. What stands behind a request's end is looked at as if it belonged to it, so begin anew
 * where evhttp says that one ends. */
void http_scan_bytes(struct http_scan *scan, const char *bytes, size_t length);

#endif
