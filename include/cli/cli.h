/* CLI: the program tracktwo, a client of the daemon that knows no noun by itself.
 *
 * Verbs, options, help and tables all follow from the method rows; a row added to the daemon is a verb added here. */
#ifndef TRACKTWO_CLI_CLI_H
#define TRACKTWO_CLI_CLI_H

/* What the program exits with. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_FOUND = 3, CLI_CONFLICT = 4, CLI_OUT_OF_REACH = 69 };

/* Runs the command in `argv`; returns the exit code. */
int cli_main(int argc, char **argv);

#endif
