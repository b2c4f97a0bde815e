/* Screen: one buffer between the results and the terminal, so that their length is known before they are shown.
 *
 * Invariant: in a pipe nothing stands between: the stream is standard output itself, and no pager is ever started. */
#include "cli/screen.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/width.h"

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

static enum colour colour;
static FILE *buffer; /* between screen_begin() and screen_end() on a terminal */
static char *buffered;
static size_t buffered_size;
static bool progress_stands;

bool screen_choose_colour(const char *word)
{
	static const char *const words[] = {[COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(word, words[i]) == 0) {
			colour = (enum colour)i;
			return true;
		}
	}
	return false;
}

static bool is_terminal(FILE *out)
{
	int descriptor = out == buffer && buffer ? STDOUT_FILENO : fileno(out);
	return descriptor >= 0 && isatty(descriptor);
}

static struct winsize size_of_terminal(void)
{
	enum { USUAL_WIDTH = 80, USUAL_HEIGHT = 24 };
	struct winsize size = {0};
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		size = (struct winsize){.ws_col = USUAL_WIDTH, .ws_row = USUAL_HEIGHT};
	return size;
}

size_t screen_width(FILE *out)
{
	return is_terminal(out) ? size_of_terminal().ws_col : SIZE_MAX;
}

bool screen_has_colour(FILE *out)
{
	const char *none = getenv("NO_COLOR"), *kind = getenv("TERM");
	if (colour != COLOUR_AUTO)
		return colour == COLOUR_ALWAYS;
	return is_terminal(out) && !(none && *none) && !(kind && strcmp(kind, "dumb") == 0);
}

FILE *screen_begin(void)
{
	if (is_terminal(stdout))
		buffer = open_memstream(&buffered, &buffered_size);
	return buffer ? buffer : stdout;
}

static const char *pager(void)
{
	const char *chosen = getenv("PAGER");
	if (chosen)
		return *chosen && strcmp(chosen, "cat") != 0 ? chosen : NULL;
	return "less -FRX";
}

/* Lines that the terminal needs for the text. */
static size_t height_of(const char *text, size_t columns)
{
	size_t height = 0;
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		size_t width = width_of_bytes(text, (size_t)(end - text));
		height += width == 0 ? 1 : (width + columns - 1) / columns;
	}
	return height;
}

/* False when no pager took it. One that was left before it had read all has taken it, too. */
static bool show_by_pager(const char *text, const char *command)
{
	enum { NOT_FOUND = 127 };
	sighandler_t before = signal(SIGPIPE, SIG_IGN);
	FILE *out = popen(command, "we");
	int status = -1;
	if (out) {
		fputs(text, out);
		status = pclose(out);
	}
	signal(SIGPIPE, before);
	return status >= 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND);
}

bool screen_end(FILE *out)
{
	if (out != buffer || !buffer)
		return fflush(out) == 0;
	bool written = fclose(buffer) == 0;
	buffer = NULL;
	const char *command = pager();
	struct winsize size = size_of_terminal();
	bool longer = size.ws_row > 0 && height_of(buffered, size.ws_col) >= size.ws_row;
	if (!command || !longer || !show_by_pager(buffered, command))
		written = fputs(buffered, stdout) >= 0 && fflush(stdout) == 0 && written;
	free(buffered);
	buffered = NULL;
	return written;
}

void screen_progress(const char *format, ...)
{
	va_list arguments;
	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	progress_stands = true;
}

void screen_progress_end(void)
{
	if (progress_stands)
		fputs("\r\033[K", stderr);
	progress_stands = false;
}

void screen_print_heading(FILE *out, const char *text)
{
	if (screen_has_colour(out))
		fprintf(out, "\033[1m%s\033[0m\n", text);
	else
		fprintf(out, "%s\n", text);
}
