/* Editor: a text in the person's own editor.
 *
 * The text lies in a file of mode 0600 in a folder of its own of mode 0700, in memory where there is a place for that
 * ($XDG_RUNTIME_DIR, /dev/shm), and only while the editor runs: then it, and whatever the editor left beside it, is
 * overwritten and removed, also when the program is told to end meanwhile. What somebody saved and what cannot be
 * handed over stays, so that it is not lost with the editor or the terminal; and so does what has been handed over and
 * is not stored yet, when the program is told to end while it asks or waits. */
#ifndef TRACKTWO_CLI_EDITOR_H
#define TRACKTWO_CLI_EDITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Runs $VISUAL, else $EDITOR, else vi, on `text`, and waits. *edited becomes what was saved, of at most 1 MiB, to be
 * given to editor_forget. Fails when there is no editor, when it exits with another status than 0, or when what it left
 * cannot be read or is no UTF-8; then *edited is NULL, and *kept tells whether what was saved, when it is neither empty
 * nor `text`, stays in its file, whose path is printed on standard error. A signal that told this program to end comes
 * to it at the end. */
ERR_CHECKED bool editor_run(const char *text, char **edited, bool *kept, struct err *err);

/* Reads a file that holds such a text, of at most 1 MiB and in UTF-8; *text is to be given to editor_forget.
 * *written_us, unless NULL, becomes when a file that was kept here was last written; of any other, which may be a form
 * that serves for many, 0. */
ERR_CHECKED bool editor_read(const char *path, char **text, int64_t *written_us, struct err *err);

/* What was read from this file is stored: a file that was kept here is wiped, and said to be; another one is left. */
void editor_drop(const char *path);

/* Overwrites and frees; NULL is nothing. */
void editor_forget(char *text);

/* From now on `text`, which stands nowhere else, lies in a file as above; a text that was guarded before is wiped. A
 * signal that ends the program leaves the file, and says on standard error that "tracktwo COMMAND --file PATH" sends
 * it. */
ERR_CHECKED bool editor_guard(const char *text, const char *command, struct err *err);

/* Ends that: the file is wiped, or with `keep` it stays and is told of. Nothing when nothing is guarded. */
void editor_guard_end(bool keep);

#endif
