/* Watch: commands that stay with the daemon, waiting for it to come up and for reminders to come due. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/uuid.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/screen.h"
#include "text/language.h"
#include "text/time.h"

/* Asks once, on a connection of its own. True when the daemon is ready; else `err` says why not. */
static bool is_ready(const char *socket, struct err *err)
{
	enum { ANSWER_MS = 2000 };
	struct link *link = link_open(socket, ANSWER_MS, err);
	if (!link)
		return false;
	json_t *request = link_request(1, "system.info", json_object());
	json_t *answer = link_send(link, request, err) ? link_receive(link, err) : NULL;
	const json_t *error = json_object_get(answer, "error"), *result = json_object_get(answer, "result");
	const char *database = json_string_value(json_object_get(result, "database"));
	bool ready = answer != NULL;
	if (ready && json_integer_value(json_object_get(error, "code")) == 503)
		ready = err_set(err, say("the database is out of reach"));
	else if (ready && database && strcmp(database, "ready") != 0)
		ready = err_set(err, say("the database is %s"), say(database));
	json_decref(request);
	json_decref(answer);
	link_close(link);
	return ready;
}

static int wait_for_daemon(const char *socket, long seconds)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	int64_t start = time_monotonic_micros(), waited = 0;
	struct err err;
	bool ready;
	while (!(ready = is_ready(socket, &err)) && waited < (int64_t)seconds * 1000000) {
		screen_progress(say("waiting for the daemon, %lld s: %s"), (long long)(waited / 1000000), err.message);
		nanosleep(&pause, NULL);
		waited = time_monotonic_micros() - start;
	}
	screen_progress_end();
	if (ready)
		return CLI_DONE;
	return command_fail(CLI_OUT_OF_REACH, say("not ready after %ld s: %s"), seconds, err.message);
}

static int run_wait(struct cli *cli)
{
	long seconds = 60;
	struct err err;
	if (!command_take_number(cli, "for", &seconds, &err))
		return command_usage("%s", err.message);
	if (cli->arguments.count > 0)
		return command_usage_of(&command_wait);
	return wait_for_daemon(cli->socket, seconds);
}

const struct command command_wait = {
    .word = "wait",
    .summary = "Waits until the daemon and its database answer.",
    .usage = "",
    COMMAND_OPTIONS({"for", "SECONDS", "How long at most; 60 when absent.", COMMAND_VALUE_ANY, NULL}),
    .run = run_wait,
};

const struct command_option commands_subscribe_options[] = {
    {"acknowledge", NULL, "Acknowledges each reminder once it is printed.", COMMAND_VALUE_ANY, NULL},
    {"count", "N", "Ends after N reminders.", COMMAND_VALUE_ANY, NULL},
    {NULL, NULL, NULL, COMMAND_VALUE_ANY, NULL}};

static void print_reminder(enum output_format format, json_t *params)
{
	struct arena arena = {0};
	const json_t *reminder = json_object_get(params, "reminder");
	if (format == OUTPUT_JSON)
		output_result(stdout, format, NULL, NULL, params);
	else
		printf("%s\t%s\t%s\n", output_cell(&arena, reminder, "due_at"), output_cell(&arena, reminder, "note"),
		       output_cell(&arena, reminder, "id"));
	fflush(stdout);
	arena_release(&arena);
}

static bool acknowledge(struct link *link, json_int_t id, const json_t *params, struct err *err)
{
	char request_id[UUID_TEXT_SIZE];
	uuid_make(request_id);
	json_t *request = link_request(
	    id, "reminder.acknowledge",
	    json_pack("{s:O,s:s}", "delivery_id", json_object_get(params, "delivery_id"), "request_id", request_id));
	bool sent = link_send(link, request, err);
	json_decref(request);
	return sent;
}

struct watch {
	struct link *link;
	enum output_format format;
	bool acknowledge;
	long left;      /* notifications still wanted; negative: no end */
	size_t waiting; /* answers still to come */
	int status;     /* of the last error that was answered */
};

static bool take_message(struct watch *watch, json_t *message, struct err *err)
{
	const json_t *error = json_object_get(message, "error");
	json_t *params = json_object_get(message, "params");
	const char *method = json_string_value(json_object_get(message, "method"));
	if (!method) {
		watch->waiting -= watch->waiting > 0;
		if (error)
			watch->status = output_error(stderr, error);
		return true;
	}
	if (strcmp(method, "reminder.due") != 0 || watch->left == 0)
		return true;
	watch->left -= watch->left > 0;
	print_reminder(watch->format, params);
	if (!watch->acknowledge || !json_object_get(params, "delivery_id"))
		return true;
	watch->waiting++;
	return acknowledge(watch->link, 2, params, err);
}

int commands_subscribe(const char *socket, const json_t *params, enum output_format format, bool acknowledge_each,
                       long count)
{
	struct err err;
	struct watch watch = {
	    .format = format, .acknowledge = acknowledge_each, .left = count > 0 ? count : -1, .waiting = 1};
	watch.link = link_open(socket, 0, &err);
	bool linked = watch.link != NULL;
	if (linked) {
		json_t *request = link_request(1, "reminder.subscribe", json_deep_copy(params));
		linked = link_send(watch.link, request, &err);
		json_decref(request);
	}
	while (linked && watch.status == CLI_DONE && (watch.left != 0 || watch.waiting > 0)) {
		json_t *message = link_receive(watch.link, &err);
		linked = message && take_message(&watch, message, &err);
		json_decref(message);
	}
	if (!linked) {
		watch.status = command_fail(CLI_OUT_OF_REACH, "%s", err.message);
	}
	link_close(watch.link);
	return watch.status;
}
