/* Guard: nothing outlives a test program, however that ends.
 *
 * A daemon that changes its user loses the signal that the kernel would send it at its parent's death. So a process of
 * its own reads a pipe whose other end is the test program's: when that ends, by its own doing or by SIGKILL, the guard
 * ends what was put under it, and removes the folders. */
#ifndef TRACKTWO_TESTS_GUARD_H
#define TRACKTWO_TESTS_GUARD_H

#include <sys/types.h>

/* Removed when this program ends and it is still there. Absolute. */
void guard_folder(const char *folder);
/* Terminated when this program ends, killed after 20 s. One that ends before needs no word. */
void guard_process(pid_t pid);

#endif
