#include "conn_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

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

const struct conn_limits limits = {LINE_MAX_BYTES, CLIENTS_MAX, OUTPUT_MAX_BYTES, "full"};
const struct conn_callbacks callbacks = {on_open, on_line, on_too_long, on_close};

int conn_setup(void **state)
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

int conn_teardown(void **state)
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

int64_t now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void turn(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

void turn_for(struct fixture *f, int64_t ms)
{
	for (int64_t until = now_ms() + ms; now_ms() < until;) {
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

int dial(const char *path)
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

int client(struct fixture *f)
{
	int fd = dial(f->path);
	assert_true(fd >= 0);
	turn(f);
	return fd;
}

void put_bytes(struct fixture *f, int fd, const char *bytes, size_t length)
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

void put(struct fixture *f, int fd, const char *text)
{
	put_bytes(f, fd, text, strlen(text));
}

const char *got(struct fixture *f, int fd)
{
	static char text[4096];
	turn(f);
	ssize_t length = recv(fd, text, sizeof text - 1, 0);
	if (length < 0)
		return errno == ECONNRESET ? "(reset)" : "";
	text[length] = '\0';
	return length == 0 ? "(eof)" : text;
}
