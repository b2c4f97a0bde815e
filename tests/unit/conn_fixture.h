/* A conn listener with its clients, for unit tests: a real loop in this process and real Unix sockets on both ends. The
 * loop is turned by hand, so each test decides what has arrived before the daemon's side looks. */
#ifndef TRACKTWO_TESTS_CONN_FIXTURE_H
#define TRACKTWO_TESTS_CONN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "io/conn.h"

enum { LINE_MAX_BYTES = 1000, OUTPUT_MAX_BYTES = 20000, CLIENTS_MAX = 8, LOG_MAX = 1 << 20 };

struct fixture {
	struct event_base *base;
	struct conn_listener *listener;
	struct conn *conn; /* the newest one */
	char folder[64], path[96];
	char log[LOG_MAX]; /* every line with "|" behind it */
	size_t log_length, lines, longest;
	int opened, closed, too_long;
	uid_t uid;
	pid_t pid;
	void (*line)(struct fixture *fixture, struct conn *conn, const char *text, size_t length);
};

/* What the listener was made with; the callbacks' context is the fixture, and so is each connection's user. */
extern const struct conn_limits limits;
extern const struct conn_callbacks callbacks;

/* Of one test, with `*state` the fixture. */
int conn_setup(void **state);
int conn_teardown(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, conn_setup, conn_teardown)

int64_t now_ms(void);

/* Turns the loop until nothing more happens; for `ms`. */
void turn(struct fixture *f);
void turn_for(struct fixture *f, int64_t ms);

/* A client's end, non-blocking: of `path`, -1 when nobody answers; of the fixture's listener, which has taken it. */
int dial(const char *path);
int client(struct fixture *f);

/* Sends all of it, turning the loop meanwhile. */
void put_bytes(struct fixture *f, int fd, const char *bytes, size_t length);
void put(struct fixture *f, int fd, const char *text);

/* What stands to be read, zero-terminated: "" when nothing does; "(eof)" or "(reset)" at the end. */
const char *got(struct fixture *f, int fd);

#endif
