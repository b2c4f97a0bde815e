/* A century of visits, as an office would bring them along: each is logged once, each person becomes one contact
 * however many requests at once name it, and the pages of a country's history hold every record exactly once, whatever
 * is written meanwhile. The visits come from a file beside the checkout; without it, from a generator of fixed seed. */
#include "checked.h"

#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

enum { VISITS = 546, COLUMNS = 8, WINDOW = 40, WAIT_MS = 20000, LEVELS = 8, WRITES_MAX = 400, WRITES_A_PAGE = 3 };
enum { COLUMN_KIND, COLUMN_START = 2, COLUMN_END, COLUMN_COUNTRY, COLUMN_PERSON, COLUMN_PLACE, COLUMN_REMARKS };

static struct visit {
	char *kind, *start, *end, *country, *person, *place, *remarks;
	char id[37];
} visits[VISITS + 1];
static size_t visit_count;

static struct harness *harness;
static struct client client;

/* The file beside the checkout that this program was built in, or NULL. */
static FILE *open_file(void)
{
	char path[PATH_MAX], file[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	assert_true(length > 0);
	path[length] = '\0';
	for (int i = 0; i < LEVELS; i++) {
		char *slash = strrchr(path, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
		snprintf(file, sizeof file, "%s/sql/migrations", path);
		if (access(file, F_OK) == 0) {
			snprintf(file, sizeof file, "%s/../shared/data/us-visits.csv", path);
			return fopen(file, "r");
		}
	}
	return NULL;
}

/* One field of RFC 4180, to be freed; *last: the record ends behind it. NULL at the end of the file. */
static char *read_field(FILE *file, bool *last)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int c = getc(file);
	bool quoted = c == '"';
	if (c == EOF)
		return NULL;
	out = open_memstream(&text, &size);
	if (quoted)
		c = getc(file);
	for (; c != EOF; c = getc(file)) {
		if (quoted && c == '"') {
			c = getc(file);
			if (c != '"') {
				quoted = false;
				ungetc(c, file);
				continue;
			}
		} else if (!quoted && (c == ',' || c == '\n')) {
			break;
		} else if (!quoted && c == '\r') {
			continue;
		}
		putc(c, out);
	}
	*last = c != ',';
	fclose(out);
	return text;
}

static void read_visits(FILE *file)
{
	char *fields[COLUMNS];
	bool heading = true;
	for (;;) {
		bool last = false;
		for (size_t i = 0; i < COLUMNS; i++) {
			fields[i] = read_field(file, &last);
			if (!fields[i] && i == 0)
				return;
			assert_non_null(fields[i]);
			assert_int_equal(last, i == COLUMNS - 1);
		}
		if (heading) {
			assert_string_equal(fields[COLUMN_PERSON], "person");
			for (size_t i = 0; i < COLUMNS; i++)
				free(fields[i]);
			heading = false;
			continue;
		}
		assert_true(visit_count < VISITS);
		visits[visit_count++] = (struct visit){.kind = fields[COLUMN_KIND],
		                                       .start = fields[COLUMN_START],
		                                       .end = fields[COLUMN_END],
		                                       .country = fields[COLUMN_COUNTRY],
		                                       .person = fields[COLUMN_PERSON],
		                                       .place = fields[COLUMN_PLACE],
		                                       .remarks = fields[COLUMN_REMARKS]};
		free(fields[1]);
	}
}

static char *text_of(const char *format, unsigned one, unsigned two, unsigned three)
{
	char text[200];
	snprintf(text, sizeof text, format, one, two, three);
	return strdup(text);
}

/* Of the same shape: some days and some persons come often, most names stand in one country only. */
static void make_visits(void)
{
	static const char *const countries[] = {"JP", "JP", "JP", "RU", "RU", "KR", "KR", "CN", "CN", "KP"};
	uint32_t state = 1912;
	for (size_t i = 0; i < VISITS; i++) {
		state = state * 1664525 + 1013904223;
		unsigned chance = state >> 8, year = 1912 + (unsigned)i / 5, day = 1 + chance % 25,
		         month = 1 + chance / 25 % 12;
		const char *country = countries[chance % 10];
		bool guest = chance % 3 == 0;
		visits[visit_count++] =
		    (struct visit){.kind = strdup(guest        ? "visit-to-US"
		                                  : chance % 7 ? "travel-secretary"
		                                               : "travel-president"),
		                   .start = text_of("%04u-%02u-%02u", year, month, day),
		                   .end = text_of("%04u-%02u-%02u", year, month, day + chance % 3),
		                   .country = strdup(country),
		                   .person = guest ? text_of("Prime Minister Tar\u014D %u", chance / 100 % 60, 0, 0)
		                                   : text_of("O\"Hara, Secretary %u", chance / 100 % 60, 0, 0),
		                   .place = strdup(guest ? "" : "Tokyo, \"the capital\""),
		                   .remarks = text_of("Met %u; returned.", chance % 1000, 0, 0)};
	}
}

static bool of_us(const struct visit *visit)
{
	return strncmp(visit->kind, "travel", 6) == 0;
}

static json_t *visit_params(const struct visit *visit)
{
	char title[300];
	snprintf(title, sizeof title, "%.100s: %.150s", visit->person, *visit->place ? visit->place : "Washington");
	json_t *params = json_pack("{s:s, s:s, s:s, s:s, s:[s,s], s:[s], s:[{s:{s:s, s:s}, s:s}]}", "title", title, "kind",
	                           "visit", "starts_on", visit->start, "ends_on", visit->end, "countries", visit->country,
	                           "US", "workstreams", "1.3", "participants", "contact", "name", visit->person, "country",
	                           of_us(visit) ? "US" : visit->country, "on_match", "use");
	if (*visit->place)
		json_object_set_new(params, "location", json_string(visit->place));
	if (*visit->remarks)
		json_object_set_new(params, "readout", json_string(visit->remarks));
	return params;
}

static void send_visit(struct client *to, size_t index)
{
	json_t *request = json_pack("{s:s, s:s, s:o, s:I}", "jsonrpc", "2.0", "method", "engagement.log", "params",
	                            visit_params(&visits[index]), "id", (json_int_t)index);
	char *text = json_dumps(request, JSON_COMPACT);
	assert_true(client_send_line(to, text));
	free(text);
	json_decref(request);
}

static void take_answer(struct client *from)
{
	json_t *answer = client_read(from, WAIT_MS);
	long index = at_integer(answer, "id");
	assert_true(index >= 0 && (size_t)index < visit_count && !*visits[index].id);
	if (!at(answer, "result"))
		fail_msg("visit %ld: %s", index, json_dumps(answer, JSON_COMPACT));
	checked_value("engagement.log", at(answer, "result"));
	assert_string_equal(at_string(answer, "result.participants.0.name"), visits[index].person);
	assert_string_equal(at_string(answer, "result.starts_on"), visits[index].start);
	snprintf(visits[index].id, sizeof visits[index].id, "%s", at_string(answer, "result.id"));
	json_decref(answer);
}

/* Many at once, over two connections, so that the same new person is named at the same time. */
static void log_visits(void)
{
	struct client other;
	client_open(&other, harness);
	for (size_t i = 0; i < visit_count + WINDOW; i++) {
		if (i < visit_count)
			send_visit(i % 2 ? &other : &client, i);
		if (i >= WINDOW)
			take_answer(i % 2 ? &other : &client);
	}
	client_close(&other);
}

/* In the order of history: newest first, and then by id. A day begins in Seoul for all of them, so days compare as
 * text. */
static int newest_first(const void *one, const void *other)
{
	const struct visit *a = one, *b = other;
	int order = strcmp(b->start, a->start);
	return order ? order : strcmp(b->id, a->id);
}

static int group_setup(void **state)
{
	FILE *file = open_file();
	if (file) {
		read_visits(file);
		fclose(file);
	} else {
		make_visits();
	}
	harness_group_setup(state);
	harness = *state;
	client_open(&client, harness);
	log_visits();
	qsort(visits, visit_count, sizeof *visits, newest_first);
	return 0;
}

static int group_teardown(void **state)
{
	client_close(&client);
	for (size_t i = 0; i < visit_count; i++) {
		struct visit *visit = &visits[i];
		char *texts[] = {visit->kind,   visit->start, visit->end,    visit->country,
		                 visit->person, visit->place, visit->remarks};
		for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
			free(texts[j]);
	}
	return harness_group_teardown(state);
}

static size_t distinct_people(void)
{
	size_t count = 0;
	for (size_t i = 0; i < visit_count; i++) {
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(visits[i].person, visits[j].person) == 0 && of_us(&visits[i]) == of_us(&visits[j]) &&
			       (of_us(&visits[i]) || strcmp(visits[i].country, visits[j].country) == 0);
		count += !seen;
	}
	return count;
}

static void test_each_once(void **state)
{
	(void)state;
	assert_int_equal(visit_count, VISITS);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.engagement"), VISITS);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.contact"), distinct_people());
	assert_int_equal(harness_count(harness, "SELECT count(DISTINCT (country, name)) FROM store.contact"),
	                 distinct_people());
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change"), VISITS);
}

static bool is_of(const struct visit *visit, const char *country)
{
	return strcmp(country, "US") == 0 || strcmp(country, visit->country) == 0;
}

/* What happens before each page is read; NULL for nothing. */
typedef void before_page(void *context);

/* Walks the pages of a country's history: the visits of that country stand there in their order, each once, and nothing
 * stands there twice. Others may stand between them only where `strangers` allows it. Returns how many of those there
 * were. */
static size_t walk_country(const char *country, bool oldest, long limit, bool strangers, before_page *before,
                           void *context)
{
	size_t expected = 0, seen = 0, other = 0, next = 0;
	json_t *cursor = json_null(), *met = json_object();
	for (size_t i = 0; i < visit_count; i++)
		expected += is_of(&visits[i], country);
	do {
		json_t *params = json_pack("{s:s, s:i, s:s, s:o}", "country", country, "limit", (int)limit, "order",
		                           oldest ? "oldest" : "newest", "cursor", cursor),
		       *page, *card;
		size_t i;
		if (before)
			before(context);
		page = checked_result(&client, "engagement.history", params);
		json_array_foreach(at(page, "items"), i, card) {
			const char *id = at_string(card, "id");
			assert_null(json_object_get(met, id));
			json_object_set_new(met, id, json_true());
			while (next < visit_count && !is_of(&visits[oldest ? visit_count - 1 - next : next], country))
				next++;
			const struct visit *visit = next < visit_count ? &visits[oldest ? visit_count - 1 - next : next] : NULL;
			if (visit && strcmp(id, visit->id) == 0) {
				assert_string_equal(at_string(card, "starts_on"), visit->start);
				next++;
				seen++;
			} else if (strangers && strncmp(at_string(card, "title"), "Meanwhile", 9) == 0) {
				other++;
			} else {
				fail_msg("%s: %s on %s stands out of its place", country, id, at_string(card, "starts_on"));
			}
		}
		cursor = json_incref(at(page, "next_cursor"));
		/* A page is full while another one follows. */
		assert_true(json_is_null(cursor) || json_array_size(at(page, "items")) == (size_t)limit);
		json_decref(page);
	} while (!json_is_null(cursor));
	assert_int_equal(seen, expected);
	json_decref(cursor);
	json_decref(met);
	return other;
}

static void test_pages(void **state)
{
	static const char *const countries[] = {"US", "JP", "RU", "KR", "CN", "KP", "MN"};
	(void)state;
	for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
		walk_country(countries[i], false, 50, false, NULL, NULL);
		walk_country(countries[i], true, 50, false, NULL, NULL);
	}
	walk_country("JP", false, 7, false, NULL, NULL);
}

/* The ids of one interval, whole. */
static void check_interval(const char *country, const char *since, const char *until)
{
	json_t *page =
	    checked_result(&client, "engagement.history",
	                   json_of("{'country':'%s','since':'%s','until':'%s','limit':500}", country, since, until));
	size_t found = 0;
	for (size_t i = 0; i < visit_count; i++) {
		if (!is_of(&visits[i], country) || strcmp(visits[i].start, since) < 0 || strcmp(visits[i].start, until) >= 0)
			continue;
		assert_string_equal(at_string(json_array_get(at(page, "items"), found), "id"), visits[i].id);
		found++;
	}
	assert_int_equal(json_array_size(at(page, "items")), found);
	json_decref(page);
}

static void test_intervals(void **state)
{
	static const unsigned years[] = {1912, 1943, 1945, 1955, 1961, 1972, 1979, 1988, 1992, 2001, 2018, 2024};
	char since[12], until[12];
	(void)state;
	for (size_t i = 0; i < sizeof years / sizeof *years; i++) {
		snprintf(since, sizeof since, "%u-01-01", years[i]);
		snprintf(until, sizeof until, "%u-01-01", years[i] + 1);
		check_interval("US", since, until);
		check_interval("JP", since, until);
		snprintf(until, sizeof until, "%u-07-15", years[i] + 4);
		check_interval("RU", since, until);
	}
	/* From the day of a visit on, and up to it: half open. */
	for (size_t i = 60; i < 500; i += 60) {
		check_interval("US", visits[i].start, "2026-01-01");
		check_interval("US", "1900-01-01", visits[i].start);
		check_interval("US", visits[i].start, visits[i].start);
	}
}

/* Another client that logs on and on, in the child process; a byte in the pipe for each. Of the days of visits, and
 * others. */
static void write_meanwhile(int pipe)
{
	struct client own;
	if (!client_try(&own, harness))
		_exit(1);
	for (size_t i = 0; i < WRITES_MAX; i++) {
		const struct visit *visit = &visits[i * 37 % visit_count];
		json_t *answer = client_call(&own, "engagement.log",
		                             json_pack("{s:s, s:s, s:s, s:[s,s], s:[s]}", "title", "Meanwhile", "kind", "call",
		                                       "starts_on", i % 2 ? visit->start : visit->end, "countries", "US",
		                                       visit->country, "workstreams", "1.3"));
		if (!answer || !json_object_get(answer, "result") || write(pipe, "", 1) != 1)
			_exit(1);
		json_decref(answer);
	}
	_exit(0);
}

/* The other one has gone on since the page before. */
static void await_writes(void *context)
{
	int pipe = *(int *)context;
	for (int i = 0; i < WRITES_A_PAGE; i++) {
		struct pollfd wait = {.fd = pipe, .events = POLLIN};
		char byte;
		assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
		assert_int_equal(read(pipe, &byte, 1), 1);
	}
}

static void walk_meanwhile(const char *country, bool oldest, long limit)
{
	int ends[2], status;
	pid_t writer;
	assert_int_equal(pipe(ends), 0);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		/* Gone with this program, and by SIGPIPE when nobody listens any more. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_DFL);
		close(ends[0]);
		write_meanwhile(ends[1]);
	}
	close(ends[1]);
	size_t strangers = walk_country(country, oldest, limit, true, await_writes, &ends[0]);
	/* Some came into what was still to be read. */
	assert_true(strangers > 0);
	close(ends[0]);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	            (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE));
}

/* The last one: it leaves records behind. */
static void test_pages_while_written(void **state)
{
	(void)state;
	walk_meanwhile("US", false, 50);
	walk_meanwhile("US", true, 50);
	walk_meanwhile("JP", false, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_once),
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_intervals),
	    cmocka_unit_test(test_pages_while_written),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
