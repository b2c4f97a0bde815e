/* Desk: the real command line beside the daemon of single.h, run as an officer runs it, with an editor that is a
 * script.
 *
 * Files lie in the harness's folder; $XDG_RUNTIME_DIR is a folder in it. */
#ifndef TRACKTWO_TESTS_DESK_H
#define TRACKTWO_TESTS_DESK_H

#include <sys/types.h>

#include "single.h"

/* What the program exits with. */
enum { DONE = 0, FAILED = 1, USAGE = 2, NOT_FOUND = 3, CONFLICT = 4, OUT_OF_REACH = 69 };

enum { DESK_PATH_SIZE = 256, DESK_TEXT_SIZE = 65536 };

/* The program, and the place of its private files. */
extern char desk_program[DESK_PATH_SIZE], desk_runtime[DESK_PATH_SIZE];

/* What the last run printed. */
extern char desk_out[DESK_TEXT_SIZE], desk_err[DESK_TEXT_SIZE];

/* cmocka's group set-up, with single_teardown(): the contacts 왕이 (CN), Plain Name (US), and 김철수 twice. */
int desk_setup(void **state);

/* The path of a file in the folder. */
void desk_path(char path[DESK_PATH_SIZE], const char *name);
void desk_write(const char *name, const char *text, mode_t mode);
void desk_read(const char *path, char text[DESK_TEXT_SIZE]);

/* $EDITOR becomes this shell script; the file is $1. */
void desk_set_editor(const char *script);

/* Runs `line` as a shell would after "tracktwo ", with `input` as standard input from a pipe (NULL: closed), and
 * returns the exit code; 124 when it does not end. */
int desk_run(const char *input, const char *line);

/* The same, expecting the code. */
void desk_expect(int code, const char *input, const char *line);

/* The last run said this on standard error. */
void desk_expect_said(const char *text);

/* What the last run, with --json, printed; json_decref() it. And the id in it. */
json_t *desk_printed(void);
void desk_keep_id(char id[40]);

/* An engagement as the daemon has it, json_decref() it; and how many there are. */
json_t *desk_engagement(const char *id);
long desk_engagements(void);

/* So many texts have been kept, and no other file of an editor is left. */
void desk_expect_left(size_t kept);

/* The path of a kept text, as the last run told it; it lies as private as it should. */
void desk_kept_path(char path[DESK_PATH_SIZE]);
void desk_forget_kept(const char *path);

#endif
