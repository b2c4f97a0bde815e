/* Tail: what is written, as it is, a line each, from a cursor on.
 *
 * Invariant: tail->mark is the cursor of the last change that was printed, so that whatever ends the connection, going
 * on from it leaves nothing out and repeats nothing. What --state keeps is that mark, once what it stands for has been
 * printed: a machine that goes down between the two makes a repeat, never a gap. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/mark.h"
#include "cli/resolve.h"
#include "cli/words.h"
#include "text/language.h"
#include "text/time.h"

enum { RETRY_FIRST_MS = 100, RETRY_MOST_MS = 5000, KEEP_MS = 1000 };

struct tail {
	struct cli *cli;
	json_t *filter;                /* the parameters that list and subscription share */
	const char *since;             /* NULL: none */
	const char *state;             /* NULL: none */
	char mark[MARK_BYTES_MAX + 1]; /* "" before the first */
	char kept[MARK_BYTES_MAX + 1]; /* what stands in the file */
	int64_t kept_us;
	long left; /* changes still wanted; negative: no end */
	bool follow;
	int status; /* what to end with */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void print_change(struct tail *tail, json_t *change)
{
	struct arena arena = {0};
	struct cli *cli = tail->cli;
	const char *at = output_cell(&arena, change, "at"), *who = output_cell(&arena, change, "name"),
	           *method = output_cell(&arena, change, "method"), *title = output_cell(&arena, change, "title"),
	           *countries = output_cell(&arena, change, "countries");
	if (cli->format == OUTPUT_JSON) {
		json_dumpf(change, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (cli->format == OUTPUT_TSV) {
		printf("%s\t%s\t%s\t%s\t%s\t%s\n", at, who, method, title, countries, output_cell(&arena, change, "record_id"));
	} else {
		printf("%s  %s  %s%s%s%s%s%s\n", output_instant(&arena, at, command_zone(cli)), who, words_deed(method),
		       *title ? ": " : "", title, *countries ? "  [" : "", countries, *countries ? "]" : "");
	}
	arena_release(&arena);
}

static void set_mark(struct tail *tail, const char *mark)
{
	if (mark && strlen(mark) <= MARK_BYTES_MAX)
		memcpy(tail->mark, mark, strlen(mark) + 1);
}

/* Now and then while much comes, and whenever nothing more is there. */
static bool keep_mark(struct tail *tail, bool now, struct err *err)
{
	int64_t now_us = time_monotonic_micros();
	if (!tail->state || strcmp(tail->mark, tail->kept) == 0 || (!now && now_us - tail->kept_us < KEEP_MS * 1000))
		return true;
	if (fflush(stdout) != 0)
		return err_set(err, "%s", say("the result could not be written"));
	if (!mark_write(tail->state, tail->mark, err))
		return false;
	memcpy(tail->kept, tail->mark, sizeof tail->kept);
	tail->kept_us = now_us;
	return true;
}

/* False, with the status, when no more is wanted. */
static bool take_change(struct tail *tail, json_t *change, const char *mark)
{
	if (tail->left == 0)
		return false;
	tail->left -= tail->left > 0;
	set_mark(tail, mark);
	json_object_set_new(change, "cursor", json_string(tail->mark));
	print_change(tail, change);
	return tail->left != 0 && !stopped;
}

enum outcome { OUTCOME_MORE, OUTCOME_ENDED, OUTCOME_LOST };

/* An error that was answered: one that may pass is as good as a lost connection. */
static enum outcome take_error(struct tail *tail, const json_t *error)
{
	if (tail->follow && json_integer_value(json_object_get(error, "code")) == 503)
		return OUTCOME_LOST;
	tail->status = output_error(stderr, error);
	return OUTCOME_ENDED;
}

/* What is there already, page by page. */
static enum outcome read_pages(struct tail *tail, struct link **link, struct err *err)
{
	enum outcome outcome = OUTCOME_MORE;
	bool more = true;
	while (more && outcome == OUTCOME_MORE) {
		json_t *params = json_deep_copy(tail->filter);
		json_object_set_new(params, "order", json_string("oldest"));
		json_object_set_new(params, "limit", json_integer(500));
		if (tail->since)
			json_object_set_new(params, "since", json_string(tail->since));
		if (*tail->mark)
			json_object_set_new(params, "cursor", json_string(tail->mark));
		json_t *answer = link_call(link, tail->cli->socket, "change.list", params, err);
		json_t *page = json_object_get(answer, "result"), *items = json_object_get(page, "items"), *change;
		size_t i;
		json_decref(params);
		if (!answer)
			outcome = OUTCOME_LOST;
		else if (!page)
			outcome = take_error(tail, json_object_get(answer, "error"));
		json_array_foreach(items, i, change)
			if (outcome == OUTCOME_MORE &&
			    !take_change(tail, change, json_string_value(json_object_get(change, "cursor"))))
				outcome = OUTCOME_ENDED;
		if (outcome == OUTCOME_MORE)
			set_mark(tail, json_string_value(json_object_get(page, "after")));
		more = json_is_string(json_object_get(page, "next_cursor"));
		json_decref(answer);
		if (!keep_mark(tail, !more, err))
			outcome = OUTCOME_ENDED, tail->status = command_fail(CLI_FAILED, "%s", err->message);
	}
	return outcome;
}

/* Where now is, for one that begins now and does not follow. */
static enum outcome read_now(struct tail *tail, struct link **link, struct err *err)
{
	json_t *params = json_pack("{s:i}", "limit", 1);
	json_t *answer = link_call(link, tail->cli->socket, "change.list", params, err);
	const json_t *page = json_object_get(answer, "result");
	enum outcome outcome = !answer ? OUTCOME_LOST : OUTCOME_ENDED;
	if (page)
		set_mark(tail, json_string_value(json_object_get(page, "after")));
	else if (answer)
		outcome = take_error(tail, json_object_get(answer, "error"));
	json_decref(params);
	json_decref(answer);
	return outcome;
}

static enum outcome take_message(struct tail *tail, const json_t *message)
{
	const json_t *error = json_object_get(message, "error");
	const json_t *params = json_object_get(message, "params"), *result = json_object_get(message, "result");
	const char *method = json_string_value(json_object_get(message, "method"));
	if (error)
		return take_error(tail, error);
	if (result && !*tail->mark)
		set_mark(tail, json_string_value(json_object_get(result, "cursor")));
	if (!method || strcmp(method, "change.made") != 0)
		return OUTCOME_MORE;
	return take_change(tail, json_object_get(params, "change"), json_string_value(json_object_get(params, "cursor")))
	           ? OUTCOME_MORE
	           : OUTCOME_ENDED;
}

/* What comes, until the link breaks or enough has come. *heard becomes true when the daemon has answered. */
static enum outcome follow(struct tail *tail, struct link *link, bool *heard, struct err *err)
{
	json_t *params = json_deep_copy(tail->filter);
	if (*tail->mark)
		json_object_set_new(params, "after", json_string(tail->mark));
	json_t *request = link_request(1, "change.subscribe", params);
	enum outcome outcome = link_send(link, request, err) ? OUTCOME_MORE : OUTCOME_LOST;
	json_decref(request);
	while (outcome == OUTCOME_MORE) {
		json_t *message = link_receive(link, err);
		outcome = message ? take_message(tail, message) : OUTCOME_LOST;
		*heard = *heard || outcome == OUTCOME_MORE;
		json_decref(message);
		bool idle = !link_has_more(link);
		if (idle)
			fflush(stdout);
		if (!keep_mark(tail, idle, err))
			outcome = OUTCOME_ENDED, tail->status = command_fail(CLI_FAILED, "%s", err->message);
		else if (ferror(stdout))
			outcome = OUTCOME_ENDED;
	}
	return outcome;
}

static enum outcome run_once(struct tail *tail, const sigset_t *waiting, bool *heard, struct err *err)
{
	struct link *link = link_open(tail->cli->socket, 0, err);
	enum outcome outcome = link ? OUTCOME_MORE : OUTCOME_LOST;
	if (link)
		link_stop_by(link, &stopped, waiting);
	if (link && (tail->since || (!tail->follow && *tail->mark)))
		outcome = read_pages(tail, &link, err);
	else if (link && !tail->follow)
		outcome = read_now(tail, &link, err);
	if (outcome == OUTCOME_MORE && !tail->follow)
		outcome = OUTCOME_ENDED;
	if (outcome == OUTCOME_MORE) {
		tail->since = NULL;
		outcome = follow(tail, link, heard, err);
	}
	link_close(link);
	return outcome;
}

/* Half to one and a half of `ms`, so that many who lost one daemon do not come at once. */
static void pause_about(long ms, const sigset_t *waiting)
{
	ms = ms / 2 + (long)((uint64_t)time_monotonic_micros() % (uint64_t)ms);
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	(void)ppoll(NULL, 0, &pause, waiting);
}

static void run_until_ended(struct tail *tail, const sigset_t *waiting)
{
	long retry_ms = RETRY_FIRST_MS;
	bool ever = false, told = false;
	struct err err;
	while (!stopped) {
		bool heard = false;
		enum outcome outcome = run_once(tail, waiting, &heard, &err);
		if (outcome == OUTCOME_ENDED || stopped)
			return;
		ever = ever || heard;
		if (!tail->follow || !ever) {
			tail->status = command_fail(CLI_OUT_OF_REACH, "%s", err.message);
			return;
		}
		if (heard)
			retry_ms = RETRY_FIRST_MS, told = false;
		if (!told)
			fprintf(stderr, say("tracktwo: the daemon is out of reach; going on when it is back\n"));
		told = true;
		pause_about(retry_ms, waiting);
		retry_ms = retry_ms < RETRY_MOST_MS / 2 ? retry_ms * 2 : RETRY_MOST_MS;
	}
}

/* The words behind the command; false with the exit code in tail->status. */
static bool read_options(struct tail *tail)
{
	struct arguments *arguments = &tail->cli->arguments;
	const char *country, *since, *after, *about;
	struct resolve resolve;
	struct err err;
	bool no_follow = arguments_take_flag(arguments, "no-follow"), mine = arguments_take_flag(arguments, "mine");
	tail->follow = !no_follow;
	(void)arguments_take_flag(arguments, "follow");
	resolve_init(&resolve, tail->cli);
	resolve.status = CLI_USAGE;
	if (!arguments_take(arguments, "country", &country, &err) || !arguments_take(arguments, "since", &since, &err) ||
	    !arguments_take(arguments, "after", &after, &err) || !arguments_take(arguments, "about", &about, &err) ||
	    !arguments_take(arguments, "state", &tail->state, &err) ||
	    !command_take_number(tail->cli, "count", &tail->left, &err) ||
	    (country && !resolve_country(&resolve, country, &country, &err)) ||
	    (about && !resolve_record(&resolve, about, NULL, &about, &err)) ||
	    (since && !resolve_instant(&resolve, since, WHEN_BACK, &tail->since, &err)) ||
	    (tail->state && !mark_read(tail->state, tail->mark, &err))) {
		tail->status = command_fail(resolve.status, "%s", err.message);
		return false;
	}
	if (arguments->count > 0 || (after && since) || (after && !mark_valid(after))) {
		tail->status = command_usage_of(&command_tail);
		return false;
	}
	memcpy(tail->kept, tail->mark, sizeof tail->kept);
	set_mark(tail, after);
	/* A mark that was kept is newer than what the line says of the first time. */
	if (*tail->mark)
		tail->since = NULL;
	if (country)
		json_object_set_new(tail->filter, "country", json_string(country));
	if (about)
		json_object_set_new(tail->filter, "about_id", json_string(about));
	if (mine)
		json_object_set_new(tail->filter, "mine", json_true());
	return true;
}

static int run_tail(struct cli *cli)
{
	struct tail tail = {.cli = cli, .left = -1, .filter = json_object()};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t ends, waiting;
	struct err err;
	if (read_options(&tail)) {
		if (cli->format == OUTPUT_TABLE)
			(void)command_zone(cli);
		sigemptyset(&ends);
		sigaddset(&ends, SIGINT);
		sigaddset(&ends, SIGTERM);
		sigprocmask(SIG_BLOCK, &ends, &waiting);
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		run_until_ended(&tail, &waiting);
		if (!keep_mark(&tail, true, &err))
			tail.status = command_fail(CLI_FAILED, "%s", err.message);
		fflush(stdout);
		if (*tail.mark)
			fprintf(stderr, say("cursor: %s\n"), tail.mark);
	}
	json_decref(tail.filter);
	return tail.status;
}

const struct command command_tail = {
    .word = "tail",
    .summary = "What is written by whom, as it happens; from a cursor on without a gap or a repeat.",
    .usage = "",
    .details =
        "Goes on by itself when the daemon is back. At its end the cursor stands on standard error; --after goes on "
        "from there, and --state FILE keeps it from one run to the next. With --json a line is an object that holds "
        "its cursor, too.",
    .example = "tracktwo tail --country 북한 --since 2h",
    COMMAND_OPTIONS(
        {"country", "COUNTRY", "Only of what concerns this country.", COMMAND_VALUE_COUNTRY, NULL},
        {"about", "ID", "Only of this record.", COMMAND_VALUE_ANY, NULL},
        {"mine", NULL, "Only what you wrote yourself.", COMMAND_VALUE_ANY, NULL},
        {"since", "WHEN", "First what was written since then, such as 2h.", COMMAND_VALUE_ANY, NULL},
        {"after", "CURSOR", "First what was written behind this cursor.", COMMAND_VALUE_ANY, NULL},
        {"state", "FILE", "Goes on from the cursor in this file, and keeps it there.", COMMAND_VALUE_FILE, NULL},
        {"count", "N", "Ends when so many have come.", COMMAND_VALUE_ANY, NULL},
        {"follow", NULL, "Waits for more; so it does anyway.", COMMAND_VALUE_ANY, NULL},
        {"no-follow", NULL, "Ends when all that is there has come.", COMMAND_VALUE_ANY, NULL}),
    .run = run_tail,
};
