/* Conn, seen from its clients: a real loop in this process and real Unix sockets on both ends. The loop is turned by
 * hand, so each test decides what has arrived before the daemon's side looks. */
#include "io/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

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

static struct fixture fixture;

static void *on_open(struct conn *conn, uid_t uid, gid_t gid, pid_t pid, void *context)
{
	struct fixture *f = context;
	(void)gid;
	f->conn = conn;
	f->uid = uid;
	f->pid = pid;
	f->opened++;
	return f;
}

static void on_line(struct conn *conn, char *text, size_t length)
{
	struct fixture *f = conn_user(conn);
	f->lines++;
	if (length > f->longest)
		f->longest = length;
	assert_int_equal(text[length], '\0');
	if (f->log_length + length + 2 < LOG_MAX) {
		memcpy(f->log + f->log_length, text, length);
		f->log_length += length;
		f->log[f->log_length++] = '|';
		f->log[f->log_length] = '\0';
	}
	text[0] = '#';
	if (f->line)
		f->line(f, conn, text, length);
}

static void on_too_long(struct conn *conn)
{
	struct fixture *f = conn_user(conn);
	f->too_long++;
	conn_send(conn, "too long", 8);
}

static void on_close(struct conn *conn)
{
	struct fixture *f = conn_user(conn);
	f->closed++;
	if (f->conn == conn)
		f->conn = NULL;
	conn_send(conn, "late", 4);
	conn_resume(conn);
}

static const struct conn_limits limits = {LINE_MAX_BYTES, CLIENTS_MAX, OUTPUT_MAX_BYTES, "full"};
static const struct conn_callbacks callbacks = {on_open, on_line, on_too_long, on_close};

static int setup(void **state)
{
	memset(&fixture, 0, sizeof fixture);
	strcpy(fixture.folder, "/tmp/test_conn.XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.path, sizeof fixture.path, "%s/s", fixture.folder);
	fixture.base = event_base_new();
	struct err err;
	fixture.listener = conn_listen_unix(fixture.base, fixture.path, NULL, &limits, &callbacks, &fixture, &err);
	assert_non_null(fixture.listener);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (f->listener)
		conn_listener_free(f->listener);
	assert_int_equal(f->opened, f->closed);
	event_base_free(f->base);
	unlink(f->path);
	assert_int_equal(rmdir(f->folder), 0);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void turn_for(struct fixture *f, int64_t ms)
{
	for (int64_t until = now_ms() + ms; now_ms() < until;) {
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

static int dial(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int client(struct fixture *f)
{
	int fd = dial(f->path);
	assert_true(fd >= 0);
	turn(f);
	return fd;
}

static void put_bytes(struct fixture *f, int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		} else {
			assert_int_equal(errno, EAGAIN);
		}
		turn(f);
	}
}

static void put(struct fixture *f, int fd, const char *text)
{
	put_bytes(f, fd, text, strlen(text));
}

/* What stands to be read, zero-terminated: "" when nothing does; "(eof)" or "(reset)" at the end. */
static const char *got(struct fixture *f, int fd)
{
	static char text[4096];
	turn(f);
	ssize_t length = recv(fd, text, sizeof text - 1, 0);
	if (length < 0)
		return errno == ECONNRESET ? "(reset)" : "";
	text[length] = '\0';
	return length == 0 ? "(eof)" : text;
}

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

static void test_max_clients(void **state)
{
	struct fixture *f = *state;
	int fds[CLIENTS_MAX];
	for (int i = 0; i < CLIENTS_MAX; i++)
		fds[i] = client(f);
	int more = client(f);
	assert_string_equal(got(f, more), "full\n");
	assert_string_equal(got(f, more), "(eof)");
	close(more);
	close(fds[0]);
	turn(f);
	more = client(f);
	assert_int_equal(f->opened, CLIENTS_MAX + 1);
	close(more);
	for (int i = 1; i < CLIENTS_MAX; i++)
		close(fds[i]);
}

static void test_out_of_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, low;
	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	int fd = dial(f->path);
	low.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	/* Descriptors below the limit may be free: fill them. */
	int fill[64], filled = 0;
	while (filled < 64 && (fill[filled] = dup(fd)) >= 0)
		filled++;
	turn(f);
	assert_int_equal(f->opened, 0);
	/* The loop sleeps until the rest is over, though a client waits. */
	int64_t start = now_ms();
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(now_ms() - start > 300);
	assert_int_equal(f->opened, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	while (filled > 0)
		close(fill[--filled]);
	int other = client(f);
	/* Under valgrind, whose accept() closes what is over the limit, the first client is lost. */
	assert_in_range(f->opened, 1, 2);
	close(fd);
	close(other);
}

static void test_drain(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	conn_hold(f->conn);
	int idle = client(f);
	struct conn *second = f->conn;
	assert_non_null(second);
	conn_listener_stop(f->listener);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(dial(f->path), -1);
	conn_listener_drain(f->listener, false);
	assert_string_equal(got(f, idle), "(eof)");
	assert_string_equal(got(f, fd), "");
	assert_int_equal(conn_listener_count(f->listener), 1);
	conn_listener_drain(f->listener, true);
	turn(f);
	assert_int_equal(conn_listener_count(f->listener), 0);
	close(fd);
	close(idle);
}

static void test_free_closes_all(void **state)
{
	struct fixture *f = *state;
	int fds[] = {client(f), client(f)};
	conn_send(f->conn, "x", 1);
	conn_listener_free(f->listener);
	f->listener = NULL;
	assert_int_equal(f->closed, 2);
	turn(f);
	close(fds[0]);
	close(fds[1]);
}

static struct conn_listener *listen_at(struct fixture *f, const char *path, const char *group, struct err *err)
{
	return conn_listen_unix(f->base, path, group, &limits, &callbacks, f, err);
}

static void test_mode_and_group(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	assert_int_equal(lstat(f->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	struct group *group = getgrgid(getegid());
	char path[96], name[64];
	snprintf(path, sizeof path, "%s/g", f->folder);
	snprintf(name, sizeof name, "%s", group ? group->gr_name : "");
	mode_t mask = umask(0);
	struct err err;
	struct conn_listener *listener = listen_at(f, path, name, &err);
	assert_int_equal(umask(mask), 0);
	assert_non_null(listener);
	assert_int_equal(lstat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, name[0] ? 0660 : 0600);
	assert_int_equal(status.st_gid, getegid());
	conn_listener_free(listener);
	assert_null(listen_at(f, path, "no such group", &err));
	assert_non_null(strstr(err.message, "no such group"));
	assert_int_equal(access(path, F_OK), -1);
}

static void test_what_stands_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_null(listen_at(f, f->path, NULL, &err));
	assert_non_null(strstr(err.message, "another daemon answers"));
	assert_int_equal(access(f->path, F_OK), 0);

	char path[96];
	snprintf(path, sizeof path, "%s/o", f->folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_null(listen_at(f, path, NULL, &err));
	assert_non_null(strstr(err.message, "not a socket"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("s", path), 0);
	assert_null(listen_at(f, path, NULL, &err));
	assert_non_null(strstr(err.message, "not a socket"));
	assert_int_equal(unlink(path), 0);

	int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
	close(stale);
	struct conn_listener *listener = listen_at(f, path, NULL, &err);
	assert_non_null(listener);
	/* Somebody else's socket in its place is not ours to remove. */
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	conn_listener_free(listener);
	assert_int_equal(unlink(path), 0);

	char longer[200];
	memset(longer, 'x', sizeof longer);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	assert_null(listen_at(f, longer, NULL, &err));
	assert_non_null(strstr(err.message, "107"));
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
	    CASE(test_max_clients),
	    CASE(test_out_of_descriptors),
	    CASE(test_drain),
	    CASE(test_free_closes_all),
	    CASE(test_mode_and_group),
	    CASE(test_what_stands_in_the_way),
	    CASE(test_no_quadratic_scan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
