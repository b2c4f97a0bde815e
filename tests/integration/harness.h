/* Harness: a real daemon on a real, throw-away cluster, and clients of its socket.
 *
 * Each test program has one folder of its own under TRACKTWO_TEST_ROOT (/tmp), one daemon and one embedded PostgreSQL
 * in it, removed at the end, also when the program is killed (guard.h); the daemon's log is shown when a test failed.
 * Anything that does not come in time fails the test. As root the daemon drops to its own user as it always does. */
#ifndef TRACKTWO_TESTS_HARNESS_H
#define TRACKTWO_TESTS_HARNESS_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct harness {
	char folder[64], state[80], socket[96], log[96];
	pid_t daemon;             /* 0 when none runs */
	const char *config;       /* a file, or NULL; set before harness_start() */
	const char *settings[16]; /* "section.key=value", NULL-terminated; set before harness_start() */
};

/* cmocka group set-up and tear-down: *state becomes a running, ready harness. */
int harness_group_setup(void **state);
int harness_group_teardown(void **state);

/* A new folder of mode 0755, which the guard removes. */
void harness_folder(char *path, size_t size);
/* Makes the folder, with a copy of the state that TRACKTWO_TEST_STATE names where it does: the cluster of a daemon that
 * has stopped. harness_start() starts the daemon; harness_await() waits until it is ready (60 s). */
void harness_init(struct harness *harness);
/* Without a state in any case: for what begins with none, or has its cluster elsewhere. */
void harness_init_empty(struct harness *harness);
void harness_start(struct harness *harness);
void harness_await(struct harness *harness);
/* The daemon that was built along with this test. */
void harness_program(char *path, size_t size);
/* In a child: becomes that program, with the harness's settings and `words` behind them, which end with NULL. */
_Noreturn void harness_exec(const struct harness *harness, const char *const *words);
/* SIGTERM, and the exit status; at most 40 s. */
int harness_stop(struct harness *harness);
/* kill -9, reaped. */
void harness_kill(struct harness *harness);
/* Of memory that the daemon has in use. */
long harness_resident_kib(const struct harness *harness);
/* Stops whatever runs and removes the folder. */
void harness_release(struct harness *harness);

/* A superuser's connection to the database, with the system's identity set. PQfinish() it. */
PGconn *harness_database(const struct harness *harness);
/* The first column of the first row of a statement, as text; free() it. Fails the test on an error. */
char *harness_query(const struct harness *harness, const char *sql);
long harness_count(const struct harness *harness, const char *sql);

struct client {
	int fd;
	char *buffer;
	size_t length, size;
	long next_id;
};

/* Connects; fails the test when nobody listens. client_try() returns false instead. */
void client_open(struct client *client, const struct harness *harness);
bool client_try(struct client *client, const struct harness *harness);
void client_close(struct client *client);

/* Raw bytes, all of them; false when the peer is gone. */
bool client_send(struct client *client, const char *bytes, size_t length);
bool client_send_line(struct client *client, const char *line);
/* One line without LF, to be freed; NULL at the end of the stream or after `timeout_ms`. */
char *client_read_line(struct client *client, int timeout_ms);
/* The same, parsed; fails the test when it is not JSON or does not come. json_decref() it. */
json_t *client_read(struct client *client, int timeout_ms);

/* Calls with `params` (stolen; NULL for {}) and waits for the answer of that id, passing over notifications. The whole
 * message; NULL only when the connection broke. */
json_t *client_call(struct client *client, const char *method, json_t *params);
/* The result, or the error object; fails the test when it is the other. json_decref() it. */
json_t *client_result(struct client *client, const char *method, json_t *params);
json_t *client_error(struct client *client, const char *method, json_t *params);
/* Expects data.code; and for 422 see data.rule yourself. */
void client_expect_error(struct client *client, const char *method, json_t *params, int code, const char *data_code);

/* The string at a dotted path with numbers for list places ("items.0.id"); fails the test when there is none. */
const char *at_string(const json_t *value, const char *path);
long at_integer(const json_t *value, const char *path);
/* NULL when there is none. */
json_t *at(const json_t *value, const char *path);

long long harness_now_ms(void);

#endif
