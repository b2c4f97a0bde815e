/* Load: the lines of a file as requests, in groups.
 *
 * Requests that are under way together may be carried out in any order, so a group holds neighbouring lines of one
 * method only, and is answered before the next one goes out. Within a group a line may still need another (a part names
 * its whole): what was not found, or may be tried again, is sent once more, alone and in order, as long as that helps.
 * Invariant: every write carries an id before it is first sent, so that sending it again writes nothing twice. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/screen.h"
#include "text/json.h"
#include "text/language.h"

enum outcome { OUTCOME_NONE, OUTCOME_DONE, OUTCOME_THERE, OUTCOME_FAILED, OUTCOME_AGAIN };

struct line {
	size_t number; /* in the file, from 1 */
	json_t *request;
	const char *method; /* in the request */
	json_t *error;      /* of the last answer; NULL when it was a result */
	enum outcome outcome;
};

struct load {
	const char *socket;
	struct link *link;
	const char *name;
	char *start; /* the daemon's time when the load began, "" when it is not known */
	struct line *lines;
	size_t count, capacity;
	size_t outcomes[OUTCOME_AGAIN + 1];
	struct err err;
};

static bool fault(const struct load *load, size_t number, const char *what)
{
	struct arena arena = {0};
	fprintf(stderr, "tracktwo: %s:%zu: %s\n", load->name, number, say_message(&arena, what));
	arena_release(&arena);
	return false;
}

static void give_request_id(json_t *request, const struct registry *registry, const char *name)
{
	const struct method *method = registry_find(registry, name);
	json_t *params = json_object_get(request, "params");
	if (!method || method->kind != METHOD_WRITE || !json_is_object(params) || json_object_get(params, "request_id"))
		return;
	char id[UUID_TEXT_SIZE];
	uuid_make(id);
	json_object_set_new(params, "request_id", json_string(id));
}

static bool add_line(struct load *load, const struct registry *registry, size_t number, const char *text, size_t length)
{
	json_t *request;
	struct err err;
	if (!json_parse(text, length, &request, &err))
		return fault(load, number, err.message);
	const char *method = json_string_value(json_object_get(request, "method"));
	if (!method) {
		json_decref(request);
		return fault(load, number, say("is no JSON-RPC request: it names no method"));
	}
	if (load->count == load->capacity) {
		load->capacity = 2 * load->capacity + 64;
		load->lines = realloc(load->lines, load->capacity * sizeof *load->lines);
		if (!load->lines)
			log_fatal(71, "out of memory");
	}
	give_request_id(request, registry, method);
	json_object_set_new(request, "id", json_integer((json_int_t)load->count));
	load->lines[load->count++] = (struct line){.number = number, .request = request, .method = method};
	return true;
}

static bool read_lines(struct load *load, const struct registry *registry, FILE *in)
{
	bool right = true;
	char *text = NULL;
	size_t size = 0, number = 0;
	ssize_t length;
	while ((length = getline(&text, &size, in)) >= 0) {
		number++;
		if (strspn(text, " \t\r\n") != (size_t)length)
			right = add_line(load, registry, number, text, (size_t)length) && right;
	}
	free(text);
	if (ferror(in))
		right = fault(load, number, "cannot be read further");
	return right;
}

/* Made before the load began: canonical instants sort as text up to the second. */
static bool was_there(const struct load *load, const json_t *result)
{
	const char *made = json_string_value(json_object_get(result, "created_at"));
	if (!made)
		made = json_string_value(json_object_get(result, "logged_at"));
	enum { TO_THE_SECOND = 19 };
	return made && *load->start && strncmp(made, load->start, TO_THE_SECOND) < 0;
}

static enum outcome outcome_of(const struct load *load, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error"), *data = json_object_get(error, "data");
	if (!error)
		return was_there(load, json_object_get(answer, "result")) ? OUTCOME_THERE : OUTCOME_DONE;
	const char *code = json_string_value(json_object_get(data, "code"));
	if (code && strcmp(code, "id_reused") == 0)
		return OUTCOME_THERE;
	bool again =
	    json_integer_value(json_object_get(error, "code")) == 404 || json_is_true(json_object_get(data, "retryable"));
	return again ? OUTCOME_AGAIN : OUTCOME_FAILED;
}

static void take_answer(struct load *load, struct line *line, const json_t *answer)
{
	line->outcome = outcome_of(load, answer);
	json_decref(line->error);
	line->error = json_incref(json_object_get(answer, "error"));
}

/* Sends lines that have no answer yet, and takes the answers. False when the connection breaks on the way. */
static bool exchange(struct load *load, size_t from, size_t to)
{
	size_t waiting = 0;
	for (size_t i = from; i < to; i++) {
		if (load->lines[i].outcome != OUTCOME_NONE)
			continue;
		if (!link_send(load->link, load->lines[i].request, &load->err))
			return false;
		waiting++;
	}
	while (waiting > 0) {
		json_t *answer = link_receive(load->link, &load->err);
		if (!answer)
			return false;
		const json_t *id = json_object_get(answer, "id");
		json_int_t index = json_is_integer(id) ? json_integer_value(id) : -1;
		if (index >= (json_int_t)from && index < (json_int_t)to && load->lines[index].outcome == OUTCOME_NONE) {
			take_answer(load, &load->lines[index], answer);
			waiting--;
		}
		json_decref(answer);
	}
	return true;
}

/* Reconnects once when the connection breaks. */
static bool exchange_safely(struct load *load, size_t from, size_t to)
{
	for (int tries = 0; tries < 2; tries++) {
		if (!load->link)
			load->link = link_open(load->socket, 0, &load->err);
		if (!load->link)
			return false;
		if (exchange(load, from, to))
			return true;
		link_close(load->link);
		load->link = NULL;
	}
	return false;
}

static bool load_group(struct load *load, size_t from, size_t to)
{
	if (!exchange_safely(load, from, to))
		return false;
	bool helped = true;
	while (helped) {
		helped = false;
		for (size_t i = from; i < to; i++) {
			if (load->lines[i].outcome != OUTCOME_AGAIN)
				continue;
			load->lines[i].outcome = OUTCOME_NONE;
			if (!exchange_safely(load, i, i + 1))
				return false;
			helped = helped || load->lines[i].outcome != OUTCOME_AGAIN;
		}
	}
	return true;
}

static bool load_all(struct load *load)
{
	for (size_t from = 0, to; from < load->count; from = to) {
		for (to = from + 1; to < load->count && strcmp(load->lines[to].method, load->lines[from].method) == 0;)
			to++;
		if (!load_group(load, from, to))
			return false;
		screen_progress(say("%zu of %zu"), to, load->count);
	}
	screen_progress_end();
	return true;
}

static void learn_time(struct load *load)
{
	json_t *answer = link_call(&load->link, load->socket, "system.ping", NULL, &load->err);
	const char *time = json_string_value(json_object_get(json_object_get(answer, "result"), "time"));
	load->start = strdup(time ? time : "");
	if (!load->start)
		log_fatal(71, "out of memory");
	json_decref(answer);
}

static bool report(struct load *load)
{
	for (size_t i = 0; i < load->count; i++) {
		struct line *line = &load->lines[i];
		load->outcomes[line->outcome]++;
		if (!line->error)
			continue;
		fprintf(stderr, "tracktwo: %s:%zu: %s%s\n", load->name, line->number, line->method,
		        line->outcome == OUTCOME_THERE ? say(" (its id is there already, with other content)") : "");
		(void)output_error(stderr, line->error);
	}
	size_t failed = load->count - load->outcomes[OUTCOME_DONE] - load->outcomes[OUTCOME_THERE];
	printf(say("%zu written, %zu already there"), load->outcomes[OUTCOME_DONE], load->outcomes[OUTCOME_THERE]);
	if (failed > 0)
		printf(say(", %zu failed"), failed);
	putchar('\n');
	return failed == 0;
}

int commands_load(const char *socket, const struct registry *registry, FILE *in, const char *name)
{
	struct load load = {.socket = socket, .name = name};
	int status = CLI_FAILED;
	bool right = read_lines(&load, registry, in);
	learn_time(&load);
	if (load.link && load_all(&load)) {
		status = report(&load) && right ? CLI_DONE : CLI_FAILED;
	} else {
		status = command_fail(CLI_OUT_OF_REACH, "%s", load.err.message);
	}
	for (size_t i = 0; i < load.count; i++) {
		json_decref(load.lines[i].request);
		json_decref(load.lines[i].error);
	}
	free(load.lines);
	free(load.start);
	link_close(load.link);
	return status;
}
