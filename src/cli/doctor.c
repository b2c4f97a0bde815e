/* Doctor: what the daemon's own program finds, beside whether a daemon answers.
 *
 * Where this user may not look at the daemon's files, the daemon is asked for what its database finds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "text/json.h"
#include "text/language.h"

static void add_finding(json_t *items, const char *check, const char *state, const char *finding, const char *cure)
{
	json_array_append_new(
	    items, json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "state", state, "finding", finding, "cure", cure));
}

/* What it prints, or NULL; it has no place for its own words in a table of findings. */
static char *listen_to(char **words)
{
	char *text = NULL;
	size_t size = 0;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid_t child = fork();
	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR);
		dup2(ends[1], STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		execv(words[0], words);
		_exit(127);
	}
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");
	if (!in)
		abort();
	ssize_t length = getdelim(&text, &size, '\0', in);
	fclose(in);
	if (child > 0)
		waitpid(child, NULL, 0);
	if (length > 0)
		return text;
	free(text);
	return NULL;
}

/* Adds what tracktwod finds here; false when it may not look. */
static bool look_here(struct cli *cli, json_t *items, struct err *err)
{
	json_t *answer = NULL;
	struct err ignored;
	/* What --json says to this program is said to that one always. */
	char **words = commands_admin_words(cli, "doctor", err);
	if (!words)
		return false;
	size_t count = 0;
	while (words[count])
		count++;
	words[count] = arena_strdup(&cli->arena, "--json");
	char *text = listen_to(words);
	bool looked = text && json_parse(text, strlen(text), &answer, &ignored);
	free(text);
	if (looked)
		json_array_extend(items, json_object_get(answer, "items"));
	json_decref(answer);
	err->message[0] = '\0';
	return looked;
}

static void look_at_daemon(struct cli *cli, json_t *items)
{
	struct err err;
	json_t *answer = command_answer(cli, "system.info", NULL, &err);
	const json_t *info = json_object_get(answer, "result"), *error = json_object_get(answer, "error");
	const char *refusal = json_string_value(json_object_get(error, "message"));
	if (info)
		add_finding(items, "daemon", "ok",
		            arena_printf(&cli->arena, "the daemon answers: version %s, since %lld seconds",
		                         json_string_value(json_object_get(info, "version")),
		                         (long long)json_integer_value(json_object_get(info, "uptime_s"))),
		            NULL);
	else
		add_finding(items, "daemon", "bad", refusal ? refusal : err.message,
		            answer ? "see the daemon's journal, or ask an administrator who you are to the daemon"
		                   : "start the daemon: \"systemctl start tracktwod\", or \"tracktwod\"");
	json_decref(answer);
}

static void ask_daemon(struct cli *cli, json_t *items)
{
	struct err err;
	json_t *answer = command_answer(cli, "system.doctor", NULL, &err);
	const json_t *theirs = json_object_get(json_object_get(answer, "result"), "items");
	add_finding(items, "machine", "warn", "this user may not look at the daemon's files",
	            "run \"tracktwo doctor\" as root, or as the user that the daemon runs as");
	if (theirs)
		json_array_extend(items, (json_t *)(uintptr_t)theirs);
	json_decref(answer);
}

/* For people; a program reads what was said. */
static void translate(struct cli *cli, json_t *items)
{
	size_t index;
	json_t *item;
	json_array_foreach(items, index, item) {
		static const char *const members[] = {"finding", "cure"};
		for (size_t i = 0; i < 2; i++) {
			const char *text = json_string_value(json_object_get(item, members[i]));
			if (text)
				json_object_set_new(item, members[i], json_string(say_message(&cli->arena, text)));
		}
	}
}

static bool is_sound(const json_t *items)
{
	size_t index;
	json_t *item;
	json_array_foreach((json_t *)(uintptr_t)items, index, item)
		if (strcmp(json_string_value(json_object_get(item, "state")), "bad") == 0)
			return false;
	return true;
}

static int run_doctor(struct cli *cli)
{
	json_t *items = json_array();
	struct err err = {{0}};
	look_at_daemon(cli, items);
	if (!look_here(cli, items, &err)) {
		if (*err.message) {
			json_decref(items);
			return command_usage("%s", err.message);
		}
		ask_daemon(cli, items);
	}
	int status = is_sound(items) ? CLI_DONE : CLI_FAILED;
	if (cli->format == OUTPUT_TABLE)
		translate(cli, items);
	json_t *result = json_pack("{s:o, s:n}", "items", items, "next_cursor");
	command_print(cli, "system.doctor", result);
	json_decref(result);
	return status;
}

const struct command command_doctor = {
    .word = "doctor",
    .summary = "Says what is wrong, and its cure; useful also when the daemon is down. Fails when something is.",
    .usage = "",
    COMMAND_OPTIONS(COMMANDS_ADMIN_OPTIONS),
    .run = run_doctor,
};
