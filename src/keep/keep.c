/* Keep: the commands, one row each, and the options that they take. */
#include "keep/keep.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/place.h"
#include "internal.h"
#include "keep/folder.h"
#include "text/language.h"
#include "text/time.h"

enum { KEEP_FAILED = 1, KEEP_USAGE = 2, KEEP_MOST = 10000, TELL_EVERY_MS = 200 };

enum { TO = 1, KEEP = 2, REPLACE = 4, ANOTHER = 8, REMAKE = 16, OFFLINE = 32, JSON = 64, DROP = 128, VERIFY = 256 };

static const struct command {
	const char *word;
	unsigned options; /* that it takes */
	bool file;        /* FILE must follow */
	bool (*run)(struct keep *keep, struct err *err);
	const char *usage; /* NULL: no command of `tracktwo admin` */
} commands[] = {
    {"backup", TO | KEEP | OFFLINE | VERIFY, false, keep_backup,
     "[--to FOLDER|FILE] [--keep N] [--verify] [--offline]"},
    {"verify-backup", 0, true, keep_verify, "FILE"},
    {"restore", REPLACE | ANOTHER, true, keep_restore, "FILE [--replace] [--another]"},
    {"upgrade-cluster", REMAKE, false, keep_upgrade, "[--same-version]"},
    {"move", TO, false, keep_move, "--to CONNECTION-STRING"},
    {"kept", DROP, false, keep_kept, "[--drop NAME]"},
    {"doctor", JSON, false, keep_doctor, NULL},
};

static const struct option names[] = {
    {"to", required_argument, NULL, TO},         {"keep", required_argument, NULL, KEEP},
    {"replace", no_argument, NULL, REPLACE},     {"another", no_argument, NULL, ANOTHER},
    {"same-version", no_argument, NULL, REMAKE}, {"offline", no_argument, NULL, OFFLINE},
    {"json", no_argument, NULL, JSON},           {"drop", required_argument, NULL, DROP},
    {"verify", no_argument, NULL, VERIFY},       {NULL, 0, NULL, 0},
};

void keep_say(struct keep *keep, const char *format, ...)
{
	va_list args;
	if (keep->line_open)
		fputs("\r\033[K", stderr);
	keep->line_open = false;
	va_start(args, format);
	vprintf(say(format), args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void keep_progress(uint64_t done, uint64_t of, void *context)
{
	struct keep *keep = context;
	int64_t now_ms = time_monotonic_micros() / 1000;
	if (!keep->terminal || (done != 0 && done != of && now_ms - keep->told_ms < TELL_EVERY_MS))
		return;
	keep->told_ms = now_ms;
	keep->line_open = true;
	fprintf(stderr, "\r\033[K%s", say(keep->doing));
	if (of != 0)
		fprintf(stderr, " %.0f %%", 100.0 * (double)done / (double)of);
	else if (done != 0)
		fprintf(stderr, " %.1f MB", (double)done / 1e6);
	fflush(stderr);
}

const char *keep_stamp(struct keep *keep)
{
	char at[TIME_INSTANT_SIZE];
	time_format_instant(time_now_micros() / 1000000 * 1000000, at);
	return arena_printf(&keep->arena, "%.4s%.2s%.5s%.2s%.3s", at, at + 5, at + 8, at + 14, at + 17);
}

const char *keep_folder(struct keep *keep, struct err *err)
{
	const char *folder = folder_configured(&keep->arena, keep->config);
	return place_make_directories(folder, 0700, err) ? folder : NULL;
}

static int usage(const struct command *command)
{
	if (command && command->usage) {
		fputs("tracktwo: ", stderr);
		fprintf(stderr, say("write: tracktwo admin %s %s"), command->word, command->usage);
		putc('\n', stderr);
		return KEEP_USAGE;
	}
	fprintf(stderr, "tracktwo: %s\n", say("write one of:"));
	for (size_t i = 0; i < sizeof commands / sizeof *commands && commands[i].usage; i++)
		fprintf(stderr, "    tracktwo admin %s %s\n", commands[i].word, commands[i].usage);
	return KEEP_USAGE;
}

static bool read_number(const char *text, long *number)
{
	char *end;
	errno = 0;
	*number = strtol(text, &end, 10);
	return *text && !*end && errno == 0 && *number >= 0 && *number <= KEEP_MOST;
}

static bool set_option(struct keep *keep, int option)
{
	switch (option) {
	case TO:
		keep->to = optarg;
		return *optarg != '\0';
	case KEEP:
		return read_number(optarg, &keep->keep);
	case REPLACE:
		return keep->replace = true;
	case ANOTHER:
		return keep->another = true;
	case REMAKE:
		return keep->remake = true;
	case OFFLINE:
		return keep->offline = true;
	case VERIFY:
		return keep->verify = true;
	case JSON:
		return keep->json = true;
	default:
		keep->drop = optarg;
		return true;
	}
}

static bool read_words(struct keep *keep, const struct command *command, int count, char **words)
{
	int option;
	/* Another scan than the one that found the words. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, "", names, NULL)) != -1)
		if (option == '?' || !(command->options & (unsigned)option) || !set_option(keep, option))
			return false;
	if (command->file && optind < count)
		keep->file = words[optind++];
	return optind == count && command->file == (keep->file != NULL) && (command->run != keep_move || keep->to);
}

static int run(struct keep *keep, const struct command *command)
{
	struct err err = {{0}};
	/* What is written here is people's data, and for nobody else. */
	umask(0077);
	/* A full disk and a reader that went away are errors like others. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	bool done = command->run(keep, &err);
	if (keep->line_open)
		fputs("\r\033[K", stderr);
	if (!done && *err.message)
		fprintf(stderr, "tracktwo: %s\n", say_message(&keep->arena, err.message));
	return done ? 0 : KEEP_FAILED;
}

int keep_run(const struct keep_options *options, int count, char **words)
{
	const struct command *command = NULL;
	struct keep keep = {.options = options, .config = options->config, .keep = -1, .terminal = isatty(STDERR_FILENO)};
	for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(words[0], commands[i].word) == 0)
			command = &commands[i];
	if (!command || !read_words(&keep, command, count, words))
		return usage(command);
	int status = run(&keep, command);
	arena_release(&keep.arena);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "tracktwo: %s\n", say("the result could not be written"));
	return KEEP_FAILED;
}
