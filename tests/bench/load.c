/* Load: many clients of the daemon's socket in one process, each with one request at a time, counted.
 *
 *     load SOCKET log|get|page CLIENTS SECONDS SIZE
 *         →  answers in time, answers a second, p50 and p99 in µs, all answers
 *     load SOCKET idle CLIENTS 0 SIZE
 *         →  resident bytes of the daemon for each idle connection
 *     load SOCKET remind REMINDERS 0 SIZE
 *         →  "subscribed", and when that many have come: reminders a second since the first was due, p50 and p99 in µs
 *            between the time that each was due and the time that it was read
 *
 * Every client makes one call before the clock starts, so that connecting and the question who calls stand outside it.
 * Only what is answered within the time counts; requests still under way at its end are waited for, so that the last
 * number is what the database must have gained. Any answer that is an error ends the run. One epoll loop does as little
 * as it can, because it shares the machine with what it measures: an answer is known by its head and its last byte, and
 * is never kept. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 100000, READ_BYTES = 256 * 1024, REQUEST_BYTES = 2048, SILENCE_MS = 20000, SAMPLES_MAX = 1 << 22 };

struct client {
	int fd;
	bool begun; /* something of the present answer has been read */
	int64_t sent_us;
};

enum kind { KIND_LOG, KIND_GET, KIND_PAGE, KIND_IDLE, KIND_REMIND, KINDS };
static const char *const kind_names[KINDS] = {"log", "get", "page", "idle", "remind"};

static const char *socket_path;
static enum kind kind;
static uint64_t size, state;
static uint32_t *samples;
static size_t sample_count;
static unsigned long sent, answered;
static char scratch[READ_BYTES];

_Noreturn __attribute__((format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* xorshift64*: the next number from 1 to `most`. */
static uint64_t chosen(uint64_t most)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(2685821657736338717) >> 16) % most + 1;
}

/* The counterparts; bench.sh lays the same names, ids and days down. */
static const char *const countries[] = {"US", "CN", "RU", "JP", "KP"};

static int request_log(char *text)
{
	uint64_t first = chosen(size / 10 - 2);
	return snprintf(
	    text, REQUEST_BYTES,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engagement.log\",\"params\":{\"title\":\"Consultation %" PRIu64
	    " on sanctions relief\",\"kind\":\"meeting\",\"track\":\"2\",\"starts_at\":\"2026-03-%02uT10:00:00+09:00\","
	    "\"countries\":[\"%s\"],\"workstreams\":[\"1.3\",\"2.3\"],\"participants\":["
	    "{\"contact_id\":\"019b0000-0000-7000-9000-%012" PRIx64
	    "\"},{\"contact_id\":\"019b0000-0000-7000-9000-%012" PRIx64
	    "\"},{\"contact_id\":\"019b0000-0000-7000-9000-%012" PRIx64
	    "\"}],\"readout\":\"Both sides went through the annex, "
	    "line by line; the counterpart asked for the paper on monitoring before the next round, and offered to host "
	    "it.\"}}\n",
	    chosen(1000000), (unsigned)chosen(28), countries[chosen(5) - 1], first, first + 1, first + 2);
}

static int request_get(char *text)
{
	return snprintf(text, REQUEST_BYTES,
	                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engagement.get\",\"params\":{\"id\":"
	                "\"019b0000-0000-7000-8000-%012" PRIx64 "\"}}\n",
	                chosen(size));
}

static int request_page(char *text)
{
	return snprintf(text, REQUEST_BYTES,
	                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"engagement.history\",\"params\":{\"country\":\"%s\","
	                "\"until\":\"20%02u-06-15\",\"limit\":50}}\n",
	                countries[chosen(5) - 1], (unsigned)chosen(20) + 5);
}

static void client_open(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(socket_path) >= sizeof address.sun_path)
		give_up("%s is too long for a socket", socket_path);
	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	*client = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0)
		give_up("%s: %s", socket_path, strerror(errno));
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

static void client_ask(struct client *client, enum kind what)
{
	static int (*const requests[])(char *) = {request_log, request_get, request_page, request_get};
	char text[REQUEST_BYTES];
	int length = requests[what](text);

	client->sent_us = now_us();
	client->begun = false;
	/* A client's socket is empty when it asks, and takes a short request whole. */
	if (send(client->fd, text, (size_t)length, MSG_NOSIGNAL) != length)
		give_up("a request could not be sent: %s", strerror(errno));
	sent++;
}

/* True when the answer is complete. */
static bool client_read(struct client *client)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"result\":";
	ssize_t length = recv(client->fd, scratch, sizeof scratch, 0);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0)
		give_up("the daemon closed a connection");
	if (!client->begun && (length < (ssize_t)sizeof head || memcmp(scratch, head, sizeof head - 1) != 0))
		give_up("an answer that is no result: %.*s", length < 500 ? (int)length : 500, scratch);
	client->begun = true;
	if (scratch[length - 1] != '\n')
		return false;
	answered++;
	return true;
}

/* One read outside the loop: who calls is known to the daemon afterwards. */
static void client_greet(struct client *client, int poll)
{
	struct epoll_event event;
	client_ask(client, KIND_GET);
	do {
		if (epoll_wait(poll, &event, 1, SILENCE_MS) <= 0)
			give_up("no answer in %d ms", SILENCE_MS);
	} while (!client_read(client));
}

static void clients_open(struct client *clients, size_t count, int poll)
{
	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
		client_open(&clients[i]);
		if (epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event) != 0)
			give_up("epoll: %s", strerror(errno));
		client_greet(&clients[i], poll);
	}
}

static void sample(int64_t latency_us)
{
	if (sample_count < SAMPLES_MAX)
		samples[sample_count++] = (uint32_t)latency_us;
}

static int by_size(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

static uint32_t percentile(unsigned percent)
{
	return sample_count ? samples[(sample_count - 1) * percent / 100] : 0;
}

static void run(struct client *clients, size_t count, int poll, int64_t seconds)
{
	struct epoll_event events[256];
	int64_t end = now_us() + seconds * 1000000;
	unsigned long greetings = answered;

	for (size_t i = 0; i < count; i++)
		client_ask(&clients[i], kind);
	while (answered < sent) {
		int ready = epoll_wait(poll, events, (int)(sizeof events / sizeof *events), SILENCE_MS);
		if (ready <= 0 && errno != EINTR)
			give_up("no answer in %d ms", SILENCE_MS);
		for (int i = 0; i < ready; i++) {
			struct client *client = events[i].data.ptr;
			int64_t now;
			if (!client_read(client))
				continue;
			now = now_us();
			if (now < end) {
				sample(now - client->sent_us);
				client_ask(client, kind);
			}
		}
	}
	qsort(samples, sample_count, sizeof *samples, by_size);
	printf("%zu %.1f %" PRIu32 " %" PRIu32 " %lu\n", sample_count, (double)sample_count / (double)seconds,
	       percentile(50), percentile(99), answered - greetings);
}

/* What the kernel says of the process at the other end: exact, unlike statm. */
static long resident_bytes(const struct client *client)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	char path[64], line[256];
	long kilobytes = -1;
	FILE *file;

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		give_up("who listens is not known: %s", strerror(errno));
	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)peer.pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Rss: %ld kB", &kilobytes) == 1)
			break;
	if (!file || kilobytes < 0)
		give_up("%s cannot be read", path);
	fclose(file);
	return kilobytes * 1024;
}

/* What starting up has freed is used again by the first connections, so the growth by the second half is what counts.
 */
static void measure_idle(struct client *clients, size_t count, int poll)
{
	size_t first = count / 2;
	long before, after;
	clients_open(clients, first, poll);
	before = resident_bytes(clients);
	clients_open(clients + first, count - first, poll);
	after = resident_bytes(clients);
	printf("%.0f\n", (double)(after - before) / (double)(count - first));
}

/* An instant as the daemon writes it, on the clock that the database goes by. */
static int64_t instant_us(const char *text)
{
	struct tm tm = {0};
	double seconds;

	if (sscanf(text, "%d-%d-%dT%d:%d:%lfZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &seconds) !=
	    6)
		give_up("no instant: %.30s", text);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) * INT64_C(1000000) + (int64_t)(seconds * 1e6 + 0.5);
}

static int64_t wall_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* A notification: how long after its time it was read. */
static void reminder_read(const char *line, size_t length, int64_t now_us, int64_t *first_due_us)
{
	static const char name[] = "\"due_at\":\"";
	const char *due = memmem(line, length, name, sizeof name - 1);
	int64_t due_us;

	if (!due || !memmem(line, length, "\"reminder.due\"", strlen("\"reminder.due\"")))
		give_up("a line that is no reminder: %.*s", length < 500 ? (int)length : 500, line);
	due_us = instant_us(due + sizeof name - 1);
	if (*first_due_us == 0 || due_us < *first_due_us)
		*first_due_us = due_us;
	sample(now_us - due_us);
}

/* The lines of one connection, of which the first is the answer to the subscription. */
static void measure_reminders(struct client *client, size_t count)
{
	static const char subscribe[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reminder.subscribe\",\"params\":{}}\n";
	size_t held = 0;
	int64_t first_due_us = 0, last_us = 0;
	bool subscribed = false;

	client_open(client);
	fcntl(client->fd, F_SETFL, 0);
	if (send(client->fd, subscribe, sizeof subscribe - 1, MSG_NOSIGNAL) != (ssize_t)sizeof subscribe - 1)
		give_up("the subscription could not be sent: %s", strerror(errno));
	while (sample_count < count) {
		ssize_t length = recv(client->fd, scratch + held, sizeof scratch - held, 0);
		char *line = scratch, *end;
		if (length <= 0)
			give_up("the daemon closed a connection");
		held += (size_t)length;
		last_us = wall_us();
		for (; (end = memchr(line, '\n', held)); line = end + 1) {
			held -= (size_t)(end + 1 - line);
			if (subscribed) {
				reminder_read(line, (size_t)(end - line), last_us, &first_due_us);
				continue;
			}
			subscribed = true;
			puts("subscribed");
			fflush(stdout);
		}
		memmove(scratch, line, held);
	}
	qsort(samples, sample_count, sizeof *samples, by_size);
	printf("%.1f %" PRIu32 " %" PRIu32 "\n", (double)count * 1e6 / (double)(last_us - first_due_us), percentile(50),
	       percentile(99));
}

static void raise_descriptors(size_t count)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count + 64) {
		limit.rlim_cur = count + 64;
		if (limit.rlim_max < limit.rlim_cur)
			limit.rlim_max = limit.rlim_cur;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			give_up("%zu connections need more descriptors than are allowed", count);
	}
}

int main(int count, char **arguments)
{
	size_t clients;
	struct client *list;
	int poll = epoll_create1(EPOLL_CLOEXEC);

	if (count != 6)
		give_up("usage: load SOCKET log|get|page|idle|remind CLIENTS SECONDS SIZE");
	socket_path = arguments[1];
	while (kind < KINDS && strcmp(arguments[2], kind_names[kind]) != 0)
		kind++;
	clients = strtoul(arguments[3], NULL, 10);
	size = strtoul(arguments[5], NULL, 10);
	if (kind == KINDS || clients < 1 || clients > CLIENTS_MAX || size < 100)
		give_up("no such load");
	state = (uint64_t)now_us() * 2 + 1;
	list = calloc(clients, sizeof *list);
	samples = malloc(SAMPLES_MAX * sizeof *samples);
	if (!list || !samples || poll < 0)
		give_up("out of memory");
	if (kind != KIND_REMIND)
		raise_descriptors(clients);
	if (kind == KIND_REMIND) {
		measure_reminders(list, clients);
	} else if (kind == KIND_IDLE) {
		measure_idle(list, clients, poll);
	} else {
		clients_open(list, clients, poll);
		run(list, clients, poll, strtol(arguments[4], NULL, 10));
	}
	free(samples);
	free(list);
	return 0;
}
