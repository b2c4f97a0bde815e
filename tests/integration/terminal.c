/* Terminal: a child in a session of its own whose terminal, or pipes, this program holds the other end of. */
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "text/time.h"

enum { PATIENCE_MS = 30000, SEOUL_S = 9 * 3600, DAY_S = 86400 };

/* The folder of the programs: that of this test, without tests/integration. */
static const char *programs(void)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	assert_true(length > 0);
	path[length] = '\0';
	char *tests = strstr(path, "/tests/");
	assert_non_null(tests);
	*tests = '\0';
	return path;
}

static void set(const char *name, const char *value)
{
	setenv(name, value, 1);
}

/* What the person's environment is; nothing of ours. */
static void make_environment(const struct terminal *terminal)
{
	static const char *const ours[] = {"LC_ALL", "LC_MESSAGES", "LANGUAGE", "NO_COLOR", "LESS", "COLUMNS", "LINES"};
	static char path[4200];
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		unsetenv(ours[i]);
	snprintf(path, sizeof path, "%s:/usr/bin:/bin", programs());
	set("PATH", path);
	set("LANG", terminal->locale ? terminal->locale : "C.UTF-8");
	set("TERM", "xterm");
	set("PAGER", "cat");
	set("TZ", "UTC");
	set("TRACKTWO_SOCKET", terminal->harness ? terminal->harness->socket : "/nowhere");
	for (size_t i = 0; terminal->variables[i]; i++)
		putenv((char *)terminal->variables[i]);
}

static void run_program(const struct terminal *terminal, const char *const *words)
{
	const char *arguments[64];
	char path[4200];
	size_t count = 0;
	make_environment(terminal);
	snprintf(path, sizeof path, "%s/tracktwo", programs());
	arguments[count++] = "tracktwo";
	while (words[count - 1] && count < 63) {
		arguments[count] = words[count - 1];
		count++;
	}
	arguments[count] = NULL;
	execv(path, (char **)arguments);
	_exit(126);
}

struct heap_text {
	char *bytes;
	size_t length;
};

static void append(struct heap_text *text, const char *bytes, size_t length)
{
	text->bytes = realloc(text->bytes, text->length + length + 1);
	assert_non_null(text->bytes);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

/* False at the end of what comes. A terminal whose other side is closed answers with EIO. */
static bool read_some(int descriptor, struct heap_text *text)
{
	char bytes[4096];
	ssize_t got = read(descriptor, bytes, sizeof bytes);
	if (got <= 0)
		return got < 0 && errno == EINTR;
	append(text, bytes, (size_t)got);
	return true;
}

static int status_of(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("tracktwo was ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static char *without_returns(struct heap_text *text)
{
	char *to = text->bytes;
	for (char *from = text->bytes; from && *from; from++)
		if (!(from[0] == '\r' && (from[1] == '\n' || (from[1] == '\r' && from[2] == '\n'))))
			*to++ = *from;
	if (to)
		*to = '\0';
	return text->bytes ? text->bytes : strdup("");
}

/* Types each answer once its text stands behind what was typed before. */
static const struct terminal_answer *type_answers(int terminal, const struct terminal_answer *next, const char *text,
                                                  size_t *seen)
{
	const char *found;
	while (next && next->wanted && text && (found = strstr(text + *seen, next->wanted))) {
		*seen = (size_t)(found - text) + strlen(next->wanted);
		assert_int_equal(write(terminal, next->typed, strlen(next->typed)), (ssize_t)strlen(next->typed));
		next++;
	}
	return next;
}

struct terminal_screen terminal_run(const struct terminal *terminal, const char *const *words)
{
	struct winsize size = {.ws_col = terminal->columns ? terminal->columns : 80,
	                       .ws_row = terminal->rows ? terminal->rows : 24};
	struct heap_text text = {0};
	size_t seen = 0;
	int master;
	long long until = harness_now_ms() + PATIENCE_MS;
	const struct terminal_answer *next = terminal->answers;
	pid_t child = forkpty(&master, NULL, NULL, &size);
	assert_true(child >= 0);
	if (child == 0)
		run_program(terminal, words);
	for (bool more = true; more;) {
		struct pollfd watch = {.fd = master, .events = POLLIN};
		if (poll(&watch, 1, 100) > 0)
			more = read_some(master, &text);
		next = type_answers(master, next, text.bytes, &seen);
		if (harness_now_ms() > until) {
			kill(child, SIGKILL);
			fail_msg("tracktwo does not end; it shows:\n%s", text.bytes ? text.bytes : "");
		}
	}
	close(master);
	struct terminal_screen screen = {.text = without_returns(&text), .status = status_of(child)};
	if (next && next->wanted)
		fail_msg("\"%s\" never came:\n%s", next->wanted, screen.text);
	return screen;
}

static void run_shell(const struct terminal *terminal, const char *line)
{
	make_environment(terminal);
	execl("/bin/bash", "bash", "-c", line, (char *)NULL);
	_exit(126);
}

static struct terminal_screen run_piped(const struct terminal *terminal, const char *const *words, const char *line)
{
	int in[2], out[2], errors[2];
	assert_int_equal(pipe(in) | pipe(out) | pipe(errors), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(errors[1], STDERR_FILENO);
		for (size_t i = 0; i < 2; i++)
			close(in[i]), close(out[i]), close(errors[i]);
		setsid();
		if (line)
			run_shell(terminal, line);
		else
			run_program(terminal, words);
	}
	close(in[0]), close(out[1]), close(errors[1]);
	if (terminal->input)
		assert_int_equal(write(in[1], terminal->input, strlen(terminal->input)), (ssize_t)strlen(terminal->input));
	close(in[1]);
	struct heap_text texts[2] = {{0}, {0}};
	struct pollfd watch[2] = {{.fd = out[0], .events = POLLIN}, {.fd = errors[0], .events = POLLIN}};
	while (watch[0].fd >= 0 || watch[1].fd >= 0) {
		if (poll(watch, 2, PATIENCE_MS) <= 0) {
			kill(child, SIGKILL);
			fail_msg("tracktwo does not end; it says:\n%s", texts[1].bytes ? texts[1].bytes : "");
		}
		for (size_t i = 0; i < 2; i++)
			if (watch[i].revents && !read_some(watch[i].fd, &texts[i]))
				watch[i].fd = -1;
	}
	close(out[0]), close(errors[0]);
	return (struct terminal_screen){without_returns(&texts[0]), without_returns(&texts[1]), status_of(child)};
}

struct terminal_screen terminal_pipe(const struct terminal *terminal, const char *const *words)
{
	return run_piped(terminal, words, NULL);
}

struct terminal_screen terminal_shell(const struct terminal *terminal, const char *line)
{
	return run_piped(terminal, NULL, line);
}

void terminal_release(struct terminal_screen *screen)
{
	free(screen->text);
	free(screen->errors);
	*screen = (struct terminal_screen){0};
}

/* The golden files. */

static int32_t today_in_seoul(void)
{
	return (int32_t)((time(NULL) + SEOUL_S) / DAY_S);
}

const char *terminal_day(int days)
{
	static char texts[5][TIME_DAY_SIZE];
	static size_t next;
	char *text = texts[next++ % 5];
	time_format_day(today_in_seoul() + days, text);
	return text;
}

void terminal_avoid_midnight(void)
{
	enum { MARGIN_S = 120 };
	long left = DAY_S - (long)((time(NULL) + SEOUL_S) % DAY_S);
	if (left < MARGIN_S)
		sleep((unsigned)left + 1);
}

static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* The first digits of one, and an ellipsis. */
static bool is_short_id(const char *text)
{
	for (size_t i = 0; i < 13; i++)
		if (i == 8 ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return strncmp(text + 13, "…", strlen("…")) == 0;
}

/* A day of this year or so at `text`: its distance from today. */
static bool is_near_day(const char *text, int32_t *distance)
{
	char day[TIME_DAY_SIZE] = "";
	enum { NEAR = 400 };
	int32_t days;
	snprintf(day, sizeof day, "%.10s", text);
	if (!time_parse_day(day, &days, NULL))
		return false;
	*distance = days - today_in_seoul();
	return *distance > -NEAR && *distance < NEAR;
}

/* The weekday of today, which stands before its date on the page of today. */
static size_t weekday_length(const char *text)
{
	static const char *const names[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	                                    "일요일", "월요일", "화요일",  "수요일",    "목요일",   "금요일", "토요일"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(text, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	return 0;
}

/* What stands for the text at *at in a golden file; moves *at behind it. */
static void put_steady(FILE *out, const char **at, bool days)
{
	int32_t distance;
	size_t weekday = days ? weekday_length(*at) : 0;
	if (is_uuid(*at)) {
		fputs("00000000-0000-0000-0000-000000000000", out);
		*at += 36;
	} else if (days && is_near_day(*at, &distance) && (*at)[10] == 'T' && (*at)[19] == '.') {
		fputs("[instant]", out);
		*at += strcspn(*at, "Z") + 1;
	} else if (is_short_id(*at)) {
		fputs("00000000-0000…", out);
		*at += 13 + strlen("…");
	} else if (days && is_near_day(*at, &distance)) {
		fprintf(out, "[day%+05d]", distance);
		*at += 10;
		/* An hour of today is that of the run. */
		if (distance == 0 && (*at)[0] == ' ' && isdigit((unsigned char)(*at)[1]) && (*at)[3] == ':') {
			fputs(" hh:mm", out);
			*at += 6;
		}
	} else if (weekday > 0) {
		fputs("[weekday]", out);
		*at += weekday;
	} else if (**at == '\033' && (*at)[1] == '[') {
		size_t length = strspn(*at + 2, "0123456789;?");
		fprintf(out, "<%.*s%s>", (int)length, *at + 2, (*at)[2 + length] == 'm' ? "" : (char[]){(*at)[2 + length], 0});
		*at += length + 3;
	} else if (**at == '\r') {
		fputs("<CR>", out);
		(*at)++;
	} else {
		fputc(**at, out);
		(*at)++;
	}
}

static char *steady(const char *text, bool days)
{
	char *result;
	size_t size;
	FILE *out = open_memstream(&result, &size);
	assert_non_null(out);
	while (*text)
		put_steady(out, &text, days);
	fclose(out);
	return result;
}

static void expect(const struct terminal_screen *screen, const char *name, bool days)
{
	char path[256];
	char *shown = steady(screen->text, days), *golden = NULL;
	size_t size = 0;
	const char *mode = getenv("GOLDEN");
	bool write_it = mode && strcmp(mode, "write") == 0;
	snprintf(path, sizeof path, "tests/integration/golden/%s.txt", name);
	FILE *file = fopen(path, write_it ? "we" : "re");
	if (!file)
		fail_msg("%s: %s; GOLDEN=write writes it", path, strerror(errno));
	if (write_it) {
		fputs(shown, file);
	} else if (getdelim(&golden, &size, '\0', file) < 0) {
		golden = strdup("");
	}
	fclose(file);
	if (!write_it && strcmp(shown, golden) != 0)
		fail_msg("%s is otherwise. The screen:\n%s\nThe file:\n%s", path, shown, golden);
	free(shown);
	free(golden);
}

void terminal_expect(const struct terminal_screen *screen, const char *name)
{
	expect(screen, name, true);
}

void terminal_expect_text(const struct terminal_screen *screen, const char *name)
{
	expect(screen, name, false);
}

/* Columns. */

/* One line as cells: a wide character takes two, of which the second holds 0; renditions take none. */
static size_t cells_of(const char *line, size_t length, wchar_t *cells, size_t most)
{
	mbstate_t state = {0};
	size_t count = 0;
	while (length > 0 && count + 2 < most) {
		wchar_t character;
		if (*line == '\033') {
			size_t skip = 2 + strspn(line + 2, "0123456789;?") + 1;
			line += skip;
			length -= skip;
			continue;
		}
		size_t bytes = mbrtowc(&character, line, length, &state);
		assert_true(bytes > 0 && bytes <= length);
		int width = wcwidth(character);
		if (width > 0)
			cells[count++] = character;
		if (width > 1)
			cells[count++] = 0;
		line += bytes;
		length -= bytes;
	}
	return count;
}

/* The cell in which the heading begins, and where it ends. */
static void find_heading(const char *line, size_t length, const char *heading, size_t *from, size_t *to)
{
	wchar_t cells[1024];
	const char *found = memmem(line, length, heading, strlen(heading));
	if (!found)
		fail_msg("the heading %s is missing: %.*s", heading, (int)length, line);
	*from = cells_of(line, (size_t)(found - line), cells, 1024);
	*to = *from + cells_of(found, strlen(heading), cells, 1024);
}

static void check_row(const char *line, size_t length, const size_t *edges, size_t count, size_t columns, bool right)
{
	wchar_t cells[1024];
	size_t width = cells_of(line, length, cells, 1024);
	if (width > columns)
		fail_msg("wider than %zu cells: %.*s", columns, (int)length, line);
	for (size_t i = 0; i < count; i++) {
		/* Left: a blank before the column; right: a blank, or the end, behind it. */
		size_t blank = right ? edges[i] : edges[i] - 1;
		if ((right || edges[i] > 0) && blank < width && cells[blank] != L' ')
			fail_msg("a column that should %s at cell %zu does not: %.*s", right ? "end" : "begin", edges[i],
			         (int)length, line);
	}
}

void terminal_expect_columns(const struct terminal_screen *screen, const char *const *headings, size_t columns,
                             bool right)
{
	size_t edges[64], count = 0, rows = 0;
	const char *line = strstr(screen->text, headings[0]);
	assert_non_null(line);
	while (line > screen->text && line[-1] != '\n')
		line--;
	for (; headings[count]; count++) {
		size_t from, to;
		find_heading(line, strcspn(line, "\n"), headings[count], &from, &to);
		edges[count] = right ? to : from;
	}
	/* The first column of a table of numbers stands to the left. */
	/* The hint that ids have no room stands right below. */
	for (; *line && *line != '\n' && strncmp(line, "화면", strlen("화면")) != 0;
	     line += strcspn(line, "\n"), line += *line == '\n', rows++)
		check_row(line, strcspn(line, "\n"), edges + (right ? 1 : 0), count - (right ? 1 : 0), columns, right);
	assert_true(rows > 1);
}
