/* Harness: processes, sockets and waiting for the integration tests. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"

enum { READY_MS = 60000, STOP_MS = 40000, ANSWER_MS = 20000 };

long long harness_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* build/…/tests/integration/test_x → build/…/tracktwod */
void harness_program(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	assert_true(length > 0);
	path[length] = '\0';
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(path, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	strncat(path, "/tracktwod", size - strlen(path) - 1);
}

void harness_folder(char *path, size_t size)
{
	const char *root = getenv("TRACKTWO_TEST_ROOT");
	snprintf(path, size, "%s/tracktwo-test-XXXXXX", root ? root : "/tmp");
	assert_non_null(mkdtemp(path));
	assert_int_equal(chmod(path, 0755), 0);
	guard_folder(path);
}

void harness_init_empty(struct harness *harness)
{
	*harness = (struct harness){0};
	harness_folder(harness->folder, sizeof harness->folder);
	snprintf(harness->state, sizeof harness->state, "%.50s/state", harness->folder);
	snprintf(harness->socket, sizeof harness->socket, "%.70s/socket", harness->state);
	snprintf(harness->log, sizeof harness->log, "%.50s/log", harness->folder);
}

void harness_init(struct harness *harness)
{
	const char *made = getenv("TRACKTWO_TEST_STATE");
	char command[512];

	harness_init_empty(harness);
	if (made) {
		snprintf(command, sizeof command, "cp -a '%.200s' '%s'", made, harness->state);
		assert_int_equal(system(command), 0);
	}
}

void harness_exec(const struct harness *harness, const char *const *words)
{
	char path[4096], state[128], socket[128];
	const char *arguments[80] = {path, "-s", state, "-s", socket, "-s", "daemon.http=off"};
	size_t count = 7;

	harness_program(path, sizeof path);
	snprintf(state, sizeof state, "daemon.state_dir=%s", harness->state);
	snprintf(socket, sizeof socket, "daemon.socket=%s", harness->socket);
	if (harness->config) {
		arguments[count++] = "-c";
		arguments[count++] = harness->config;
	}
	for (size_t i = 0; harness->settings[i]; i++) {
		arguments[count++] = "-s";
		arguments[count++] = harness->settings[i];
	}
	while (*words)
		arguments[count++] = *words++;
	execv(path, (char **)arguments);
	_exit(127);
}

static void become_daemon(const struct harness *harness)
{
	int log = open(harness->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	guard_process(getpid());
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	harness_exec(harness, (const char *const[]){NULL});
}

void harness_start(struct harness *harness)
{
	harness->daemon = fork();
	assert_true(harness->daemon >= 0);
	if (harness->daemon == 0)
		become_daemon(harness);
}

static bool harness_ready(struct harness *harness)
{
	struct client client;
	json_t *answer;
	bool ready = false;

	if (!client_try(&client, harness))
		return false;
	answer = client_call(&client, "system.info", NULL);
	ready = answer && json_object_get(answer, "result");
	json_decref(answer);
	client_close(&client);
	return ready;
}

static void show_log(const struct harness *harness)
{
	char line[1024];
	FILE *log = fopen(harness->log, "r");
	while (log && fgets(line, sizeof line, log))
		fprintf(stderr, "    daemon: %s", line);
	if (log)
		fclose(log);
}

void harness_await(struct harness *harness)
{
	long long until = harness_now_ms() + READY_MS;
	int status;
	while (!harness_ready(harness)) {
		if (waitpid(harness->daemon, &status, WNOHANG) == harness->daemon) {
			harness->daemon = 0;
			show_log(harness);
			fail_msg("the daemon ended while starting (status %d)", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		}
		if (harness_now_ms() > until) {
			show_log(harness);
			fail_msg("the daemon is not ready after %d ms", READY_MS);
		}
		sleep_ms(20);
	}
}

static int harness_reap(struct harness *harness)
{
	long long until = harness_now_ms() + STOP_MS;
	int status = 0;
	while (waitpid(harness->daemon, &status, WNOHANG) != harness->daemon) {
		if (harness_now_ms() > until) {
			kill(harness->daemon, SIGKILL);
			waitpid(harness->daemon, &status, 0);
			harness->daemon = 0;
			fail_msg("the daemon did not stop in %d ms", STOP_MS);
		}
		sleep_ms(5);
	}
	harness->daemon = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int harness_stop(struct harness *harness)
{
	assert_int_equal(kill(harness->daemon, SIGTERM), 0);
	return harness_reap(harness);
}

void harness_kill(struct harness *harness)
{
	kill(harness->daemon, SIGKILL);
	harness_reap(harness);
}

/* Also when the daemon was killed and its server is on its way out: a folder is removed once nothing lives in it. */
long harness_resident_kib(const struct harness *harness)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof path, "/proc/%ld/status", (long)harness->daemon);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	fclose(file);
	assert_true(kib > 0);
	return kib;
}

void harness_release(struct harness *harness)
{
	char command[128];
	int status = 0;
	if (harness->daemon) {
		kill(harness->daemon, SIGTERM);
		status = harness_reap(harness);
	}
	if (getenv("TRACKTWO_TEST_LOG") || status != 0)
		show_log(harness);
	snprintf(command, sizeof command, "rm -rf '%s'", harness->folder);
	for (int i = 0; i < 100 && system(command) != 0; i++)
		sleep_ms(50);
	assert_int_equal(status, 0);
}

int harness_group_setup(void **state)
{
	struct harness *harness = calloc(1, sizeof *harness);
	/* First, so that the tear-down finds it when something below fails. */
	*state = harness;
	harness_init(harness);
	harness_start(harness);
	harness_await(harness);
	return 0;
}

int harness_group_teardown(void **state)
{
	harness_release(*state);
	free(*state);
	return 0;
}

PGconn *harness_database(const struct harness *harness)
{
	char dsn[256];
	PGconn *connection;
	snprintf(dsn, sizeof dsn, "host=%s/postgres/socket dbname=tracktwo user=postgres connect_timeout=10",
	         harness->state);
	connection = PQconnectdb(dsn);
	if (PQstatus(connection) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(connection));
	PQclear(PQexec(connection, "SET tracktwo.caller = '00000000-0000-0000-0000-000000000000'"));
	return connection;
}

char *harness_query(const struct harness *harness, const char *sql)
{
	PGconn *connection = harness_database(harness);
	PGresult *result = PQexec(connection, sql);
	char *value;
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(result));
	value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	PQfinish(connection);
	return value;
}

long harness_count(const struct harness *harness, const char *sql)
{
	char *value = harness_query(harness, sql);
	long count = strtol(value, NULL, 10);
	free(value);
	return count;
}

bool client_try(struct client *client, const struct harness *harness)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*client = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(client->fd >= 0);
	assert_true(strlen(harness->socket) < sizeof address.sun_path);
	memcpy(address.sun_path, harness->socket, strlen(harness->socket) + 1);
	if (connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0)
		return true;
	close(client->fd);
	return false;
}

void client_open(struct client *client, const struct harness *harness)
{
	if (!client_try(client, harness))
		fail_msg("nobody listens on %s", harness->socket);
}

void client_close(struct client *client)
{
	close(client->fd);
	free(client->buffer);
	*client = (struct client){.fd = -1};
}

bool client_send(struct client *client, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

bool client_send_line(struct client *client, const char *line)
{
	return client_send(client, line, strlen(line)) && client_send(client, "\n", 1);
}

static char *take_line(struct client *client)
{
	char *end = client->length ? memchr(client->buffer, '\n', client->length) : NULL;
	char *line;
	size_t length;
	if (!end)
		return NULL;
	length = (size_t)(end - client->buffer);
	line = strndup(client->buffer, length);
	client->length -= length + 1;
	memmove(client->buffer, end + 1, client->length);
	return line;
}

char *client_read_line(struct client *client, int timeout_ms)
{
	long long until = harness_now_ms() + timeout_ms;
	char *line;

	while (!(line = take_line(client))) {
		long long left = until - harness_now_ms();
		struct pollfd wait = {.fd = client->fd, .events = POLLIN};
		ssize_t got;
		if (left < 0 || poll(&wait, 1, (int)left) == 0)
			return NULL;
		if (client->size - client->length < 65536) {
			client->size = client->size * 2 + 131072;
			client->buffer = realloc(client->buffer, client->size);
			assert_non_null(client->buffer);
		}
		got = recv(client->fd, client->buffer + client->length, client->size - client->length, 0);
		if (got <= 0)
			return NULL;
		client->length += (size_t)got;
	}
	return line;
}

json_t *client_read(struct client *client, int timeout_ms)
{
	char *line = client_read_line(client, timeout_ms);
	json_error_t error;
	json_t *value;
	if (!line)
		fail_msg("no answer in %d ms", timeout_ms);
	value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("not JSON: %s", line);
	free(line);
	return value;
}

json_t *client_call(struct client *client, const char *method, json_t *params)
{
	long id = ++client->next_id;
	json_t *request = json_pack("{s:s, s:s, s:o, s:I}", "jsonrpc", "2.0", "method", method, "params",
	                            params ? params : json_object(), "id", (json_int_t)id);
	char *text = json_dumps(request, JSON_COMPACT);
	bool sent = client_send_line(client, text);
	json_t *answer = NULL;

	free(text);
	json_decref(request);
	while (sent && !answer) {
		char *line = client_read_line(client, ANSWER_MS);
		if (!line)
			return NULL;
		answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		free(line);
		if (answer && json_integer_value(json_object_get(answer, "id")) != id) {
			json_decref(answer);
			answer = NULL;
		}
	}
	return answer;
}

static json_t *client_member(struct client *client, const char *method, json_t *params, const char *member)
{
	json_t *answer = client_call(client, method, params);
	json_t *value = answer ? json_incref(json_object_get(answer, member)) : NULL;
	if (!value) {
		char *text = answer ? json_dumps(answer, 0) : NULL;
		fail_msg("%s: no %s: %s", method, member, text ? text : "the connection broke");
	}
	json_decref(answer);
	return value;
}

json_t *client_result(struct client *client, const char *method, json_t *params)
{
	return client_member(client, method, params, "result");
}

json_t *client_error(struct client *client, const char *method, json_t *params)
{
	return client_member(client, method, params, "error");
}

void client_expect_error(struct client *client, const char *method, json_t *params, int code, const char *data_code)
{
	json_t *error = client_error(client, method, params);
	assert_string_equal(at_string(error, "data.code"), data_code);
	assert_int_equal(at_integer(error, "code"), code);
	assert_true(strlen(at_string(error, "message")) > 0);
	json_decref(error);
}

json_t *at(const json_t *value, const char *path)
{
	char name[64];
	while (value && *path) {
		size_t length = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)length, path);
		value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10)) : json_object_get(value, name);
		path += length + (path[length] == '.');
	}
	return (json_t *)value;
}

const char *at_string(const json_t *value, const char *path)
{
	const char *string = json_string_value(at(value, path));
	if (!string) {
		char *text = json_dumps(value, 0);
		fail_msg("no string at %s in %s", path, text);
	}
	return string;
}

long at_integer(const json_t *value, const char *path)
{
	if (!json_is_integer(at(value, path)))
		fail_msg("no integer at %s", path);
	return (long)json_integer_value(at(value, path));
}
