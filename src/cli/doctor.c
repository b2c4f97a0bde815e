/* Doctor: what the daemon's own program finds, beside whether a daemon answers.
 *
 * Where this user may not look at the daemon's files, the daemon is asked for what its database finds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
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

/* What it prints on `stream`, or NULL, and in *status what it ends with; the other stream has no place in a table of
 * findings. */
static char *listen_to(char **words, int stream, int *status)
{
	char *text = NULL;
	size_t size = 0;
	int ends[2];
	*status = 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid_t child = fork();
	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		dup2(ends[1], stream);
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
		waitpid(child, status, 0);
	if (length > 0)
		return text;
	free(text);
	return NULL;
}

/* Adds what tracktwod finds here; false when it may not look. The words end with room for one more. */
static bool look_here(char **words, json_t *items)
{
	json_t *answer = NULL;
	struct err ignored;
	size_t count = 0;
	int status;
	while (words[count])
		count++;
	/* What --json says to this program is said to that one always. */
	words[count] = "--json";
	char *text = listen_to(words, STDOUT_FILENO, &status);
	bool looked = text && json_parse(text, strlen(text), &answer, &ignored);
	free(text);
	if (looked)
		json_array_extend(items, json_object_get(answer, "items"));
	json_decref(answer);
	return looked;
}

/* Why tracktwod ends before it looks at anything, whoever asks: "FILE:LINE: what is wrong", or NULL. One that this user
 * may not read is for another user to judge. */
static const char *wrong_configuration(struct cli *cli, char **words)
{
	static const char before[] = "tracktwod: ";
	size_t at = 0;
	int status;
	while (strcmp(words[at], "--admin") != 0)
		at++;
	/* English, as all findings; translate() does the rest. */
	words[at++] = "--lang=en";
	words[at++] = "--check-config";
	words[at] = NULL;
	char *text = listen_to(words, STDERR_FILENO, &status);
	const char *fault = NULL;
	if (text && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG && strncmp(text, before, strlen(before)) == 0 &&
	    !strstr(text, strerror(EACCES)))
		fault = arena_copy(&cli->arena, text + strlen(before), strcspn(text + strlen(before), "\n"));
	free(text);
	return fault;
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

/* What can be found by whoever may not look, or not by this configuration. */
static void ask_daemon(struct cli *cli, const char *fault, json_t *items)
{
	struct err err;
	json_t *answer = command_answer(cli, "system.doctor", NULL, &err);
	const json_t *theirs = json_object_get(json_object_get(answer, "result"), "items");
	if (fault)
		add_finding(
		    items, "configuration", "bad", fault,
		    "correct it; \"tracktwod --check-config\" says when it is right, tracktwo.conf(5) what may stand there");
	else
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
	struct err err;
	char **words = commands_admin_words(cli, "doctor", &err);
	if (!words)
		return command_usage("%s", err.message);
	if (cli->arguments.count > 0)
		return command_usage_of(&command_doctor);
	json_t *items = json_array();
	look_at_daemon(cli, items);
	if (!look_here(words, items))
		ask_daemon(cli, wrong_configuration(cli, words), items);
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
