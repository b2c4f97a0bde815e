/* Conn, seen from its clients: lines in, lines out, and everything that ends a connection. */
#include "conn_fixture.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void echo(struct fixture *f, struct conn *conn, const char *text, size_t length)
{
	(void)f;
	conn_send(conn, text, length);
}

static void test_lines(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	assert_int_equal(f->uid, geteuid());
	assert_int_equal(f->pid, getpid());
	assert_int_equal(conn_listener_count(f->listener), 1);
	char subject[32];
	snprintf(subject, sizeof subject, "conn %lu", conn_number(f->conn));
	assert_string_equal(conn_subject(f->conn), subject);
	put(f, fd, "one\ntwo\r\n\n\r\nth");
	assert_string_equal(f->log, "one|two|");
	put(f, fd, "r\ree");
	put(f, fd, "\r");
	put(f, fd, "\nfour\n");
	assert_string_equal(f->log, "one|two|thr\ree|four|");
	put_bytes(f, fd, "a\0b\n", 4);
	assert_int_equal(f->longest, 6);
	assert_memory_equal(f->log + f->log_length - 4, "a\0b|", 4);
	close(fd);
	turn(f);
	assert_int_equal(f->closed, 1);
	assert_int_equal(conn_listener_count(f->listener), 0);
}

static void test_pieces(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	const struct conn_piece pieces[] = {{"{", 1}, {"}", 1}, {"", 0}};
	conn_send_pieces(f->conn, pieces, 3);
	conn_send(f->conn, "x", 1);
	assert_string_equal(got(f, fd), "{}\nx\n");
	close(fd);
}

static void test_longest_line(void **state)
{
	struct fixture *f = *state;
	char text[LINE_MAX_BYTES + 2];
	memset(text, 'a', sizeof text);
	int fd = client(f);
	put_bytes(f, fd, text, LINE_MAX_BYTES);
	put(f, fd, "\r");
	put(f, fd, "\n");
	assert_int_equal(f->lines, 1);
	assert_int_equal(f->longest, LINE_MAX_BYTES);
	put_bytes(f, fd, text, LINE_MAX_BYTES);
	put(f, fd, "\n");
	assert_int_equal(f->lines, 2);
	assert_int_equal(f->too_long, 0);
	close(fd);
}

static void test_too_long(void **state)
{
	struct fixture *f = *state;
	char text[LINE_MAX_BYTES + 1];
	memset(text, 'a', sizeof text);
	int fd = client(f);
	put(f, fd, "first\n");
	put_bytes(f, fd, text, sizeof text);
	assert_int_equal(f->too_long, 1);
	for (int i = 0; i < 3000; i++)
		put_bytes(f, fd, text, sizeof text);
	put(f, fd, "\nnever\n");
	assert_int_equal(f->too_long, 1);
	assert_string_equal(f->log, "first|");
	assert_string_equal(got(f, fd), "too long\n");
	assert_string_equal(got(f, fd), "(eof)");
	assert_int_equal(f->closed, 0);
	int64_t start = now_ms();
	while (f->closed == 0 && now_ms() - start < 8000) {
		turn_for(f, 50);
		if (f->closed == 0 && send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			turn(f);
	}
	assert_in_range(now_ms() - start, 4000, 6000);
	close(fd);
}

/* Terminated already when it is seen: in one read with its end. */
static void test_too_long_at_once(void **state)
{
	struct fixture *f = *state;
	char text[LINE_MAX_BYTES + 2];
	memset(text, 'a', sizeof text);
	text[LINE_MAX_BYTES + 1] = '\n';
	int fd = client(f);
	put_bytes(f, fd, text, sizeof text);
	assert_int_equal(f->lines, 0);
	assert_int_equal(f->too_long, 1);
	assert_string_equal(got(f, fd), "too long\n");
	shutdown(fd, SHUT_WR);
	turn(f);
	assert_int_equal(f->closed, 1);
	close(fd);
}

static void test_too_long_waits_for_answers(void **state)
{
	struct fixture *f = *state;
	char text[LINE_MAX_BYTES + 1];
	memset(text, 'a', sizeof text);
	int fd = client(f);
	conn_hold(f->conn);
	put_bytes(f, fd, text, sizeof text);
	assert_string_equal(got(f, fd), "too long\n");
	assert_string_equal(got(f, fd), "");
	conn_send(f->conn, "owed", 4);
	conn_release_hold(f->conn);
	assert_string_equal(got(f, fd), "owed\n");
	assert_string_equal(got(f, fd), "(eof)");
	close(fd);
	turn(f);
	assert_int_equal(f->closed, 1);
}

static void test_half_close(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	conn_hold(f->conn);
	conn_hold(f->conn);
	put(f, fd, "one\nlast");
	shutdown(fd, SHUT_WR);
	turn(f);
	assert_string_equal(f->log, "one|last|");
	assert_int_equal(f->closed, 0);
	conn_send(f->conn, "1", 1);
	conn_release_hold(f->conn);
	assert_string_equal(got(f, fd), "1\n");
	assert_string_equal(got(f, fd), "");
	conn_send(f->conn, "2", 1);
	conn_release_hold(f->conn);
	assert_int_equal(f->closed, 0);
	assert_string_equal(got(f, fd), "2\n");
	assert_string_equal(got(f, fd), "(eof)");
	assert_int_equal(f->closed, 1);
	close(fd);
}

static void test_half_close_of_echo(void **state)
{
	struct fixture *f = *state;
	f->line = echo;
	int fd = dial(f->path);
	assert_int_equal(send(fd, "a\nb", 3, 0), 3);
	shutdown(fd, SHUT_WR);
	assert_string_equal(got(f, fd), "#\n#\n");
	assert_string_equal(got(f, fd), "(eof)");
	close(fd);
}

static void test_peer_gone(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	conn_hold(f->conn);
	put(f, fd, "one\n");
	close(fd);
	turn(f);
	assert_int_equal(f->closed, 0);
	conn_send(f->conn, "answer", 6);
	turn(f);
	assert_int_equal(f->closed, 1);
}

static void test_peer_resets(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	conn_hold(f->conn);
	conn_send(f->conn, "unread", 6);
	turn(f);
	close(fd);
	turn(f);
	assert_int_equal(f->closed, 1);
}

static void pause_after_line(struct fixture *f, struct conn *conn, const char *text, size_t length)
{
	(void)f;
	(void)text;
	(void)length;
	conn_pause(conn);
}

static void test_pause(void **state)
{
	struct fixture *f = *state;
	f->line = pause_after_line;
	int fd = client(f);
	put(f, fd, "one\ntwo\nthr");
	assert_string_equal(f->log, "one|");
	put(f, fd, "ee\n");
	assert_string_equal(f->log, "one|");
	conn_pause(f->conn);
	conn_resume(f->conn);
	turn(f);
	assert_string_equal(f->log, "one|");
	conn_resume(f->conn);
	assert_string_equal(f->log, "one|");
	turn(f);
	assert_string_equal(f->log, "one|two|");
	shutdown(fd, SHUT_WR);
	conn_resume(f->conn);
	turn(f);
	assert_string_equal(f->log, "one|two|three|");
	conn_resume(f->conn);
	turn(f);
	assert_int_equal(f->closed, 1);
	close(fd);
}

/* A paused connection is not read: its peer's socket fills. */
static void test_pause_pushes_back(void **state)
{
	struct fixture *f = *state;
	f->line = pause_after_line;
	int fd = client(f);
	size_t total = 0;
	char text[1000];
	memset(text, 'a', sizeof text);
	text[99] = '\n';
	for (ssize_t sent; (sent = send(fd, text, 100, MSG_NOSIGNAL)) > 0; turn(f))
		total += (size_t)sent;
	assert_int_equal(errno, EAGAIN);
	assert_true(total < 4 << 20);
	assert_int_equal(f->lines, 1);
	while (f->lines < total / 100) {
		size_t before = f->lines;
		conn_resume(f->conn);
		turn(f);
		assert_int_equal(f->lines, before + 1);
	}
	close(fd);
}

static void end_at_line(struct fixture *f, struct conn *conn, const char *text, size_t length)
{
	conn_send(conn, text, length);
	conn_end(conn);
	conn_send(conn, "still", 5);
	assert_ptr_equal(conn_user(conn), f);
}

static void test_end_inside_line(void **state)
{
	struct fixture *f = *state;
	f->line = end_at_line;
	int fd = client(f);
	put(f, fd, "one\ntwo\n");
	assert_string_equal(f->log, "one|");
	assert_string_equal(got(f, fd), "#ne\nstill\n");
	assert_true(got(f, fd)[0] == '(');
	assert_int_equal(f->closed, 1);
	close(fd);
}

/* Large answers to a client that reads none: first no more lines are taken, and all come once it reads. */
static void answer_large(struct fixture *f, struct conn *conn, const char *text, size_t length)
{
	static char answer[10000];
	(void)f;
	(void)text;
	(void)length;
	memset(answer, 'b', sizeof answer);
	conn_send(conn, answer, sizeof answer);
}

static void test_slow_reader_pauses(void **state)
{
	struct fixture *f = *state;
	f->line = answer_large;
	int fd = client(f);
	for (int i = 0; i < 200; i++)
		put(f, fd, "ask\n");
	assert_true(f->lines < 100);
	assert_int_equal(f->closed, 0);
	size_t received = 0;
	char text[65536];
	for (int64_t start = now_ms(); received < 200 * 10001 && now_ms() - start < 5000; turn(f)) {
		ssize_t length = recv(fd, text, sizeof text, 0);
		received += length > 0 ? (size_t)length : 0;
	}
	assert_int_equal(f->lines, 200);
	assert_int_equal(received, 200 * 10001);
	close(fd);
}

static void test_slow_reader_is_cut_off(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	for (int i = 0; i < 200 && f->conn; i++) {
		answer_large(f, f->conn, "", 0);
		turn(f);
	}
	assert_int_equal(f->closed, 1);
	close(fd);
}

/* Much output within one turn is no sign of a slow reader as long as the socket takes it. */
static void test_burst_is_not_slow(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	for (int i = 0; i < 10; i++)
		answer_large(f, f->conn, "", 0);
	turn(f);
	assert_int_equal(f->closed, 0);
	close(fd);
}

/* One large line in small pieces must not be searched again from its start each time. */
static void test_no_quadratic_scan(void **state)
{
	struct fixture *f = *state;
	char path[96];
	snprintf(path, sizeof path, "%s/q", f->folder);
	struct conn_limits wide = limits;
	wide.max_line_bytes = 64 << 20;
	struct err err;
	struct conn_listener *listener = conn_listen_unix(f->base, path, NULL, &wide, &callbacks, f, &err);
	assert_non_null(listener);
	int fd = dial(path);
	char text[4096];
	memset(text, 'a', sizeof text);
	clock_t start = clock();
	for (int i = 0; i < 8192; i++) {
		size_t done = 0;
		while (done < sizeof text) {
			ssize_t sent = send(fd, text + done, sizeof text - done, MSG_NOSIGNAL);
			done += sent > 0 ? (size_t)sent : 0;
			event_base_loop(f->base, EVLOOP_NONBLOCK);
		}
	}
	put(f, fd, "\n");
	assert_int_equal(f->longest, 8192 * 4096);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	close(fd);
	turn(f);
	conn_listener_free(listener);
}

/* Many, so that what the allocator keeps at hand counts for little. */
enum { MANY = 300 };

static void open_many(struct fixture *f, const char *path, int fds[static MANY], struct conn *conns[static MANY])
{
	for (int i = 0; i < MANY; i++) {
		fds[i] = dial(path);
		turn(f);
		conns[i] = f->conn;
	}
}

static void close_many(struct fixture *f, int fds[static MANY])
{
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	turn(f);
}

/* Everything that makes a connection busy. */
static void keep_busy(struct fixture *f, int fd, struct conn *conn)
{
	conn_hold(conn);
	conn_pause(conn);
	put(f, fd, "one\ntw");
	conn_resume(conn);
	put(f, fd, "o\n");
	conn_release_hold(conn);
	assert_string_equal(got(f, fd), "#ne\n#wo\n");
}

/* The heap's growth by connections that are idle from the start, and by those that are idle again. The first round is
 * for the loop's own tables. */
static void test_idle_costs_no_buffers(void **state)
{
	enum { MOST_BYTES = 200, KEPT_BYTES = 16 };
	struct fixture *f = *state;
	struct conn_limits wide = limits;
	struct conn *conns[MANY];
	int fds[MANY];
	char path[96];
	struct err err;
	wide.max_clients = MANY;
	f->line = echo;
	snprintf(path, sizeof path, "%s/i", f->folder);
	struct conn_listener *listener = conn_listen_unix(f->base, path, NULL, &wide, &callbacks, f, &err);
	assert_non_null(listener);
	open_many(f, path, fds, conns);
	close_many(f, fds);
	size_t before = mallinfo2().uordblks;
	open_many(f, path, fds, conns);
	size_t idle = mallinfo2().uordblks;
	assert_in_range(idle - before, 0, MANY * MOST_BYTES);
	for (int i = 0; i < MANY; i++)
		keep_busy(f, fds[i], conns[i]);
	assert_in_range(mallinfo2().uordblks, 0, idle + MANY * KEPT_BYTES);
	close_many(f, fds);
	conn_listener_free(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_lines),
	    CASE(test_pieces),
	    CASE(test_longest_line),
	    CASE(test_too_long),
	    CASE(test_too_long_at_once),
	    CASE(test_too_long_waits_for_answers),
	    CASE(test_half_close),
	    CASE(test_half_close_of_echo),
	    CASE(test_peer_gone),
	    CASE(test_peer_resets),
	    CASE(test_pause),
	    CASE(test_pause_pushes_back),
	    CASE(test_end_inside_line),
	    CASE(test_slow_reader_pauses),
	    CASE(test_slow_reader_is_cut_off),
	    CASE(test_burst_is_not_slow),
	    CASE(test_no_quadratic_scan),
	    CASE(test_idle_costs_no_buffers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
