/* Unit_file: what a unit of systemd says (systemd.syntax(7), as far as ours use it), and the groups of system calls
 * that it names. */
#ifndef TRACKTWO_TESTS_UNIT_FILE_H
#define TRACKTWO_TESTS_UNIT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct unit_file {
	char *text;
};

/* Fails the test when it cannot be read. */
void unit_file_read(struct unit_file *unit, const char *path);
void unit_file_release(struct unit_file *unit);
/* The value of the `n`th line (from 0) with that key, into `value`; false when there are no more. Fails the test when
 * it is too long. */
bool unit_file_value(const struct unit_file *unit, const char *key, size_t n, char *value, size_t size);
/* The only value of a key that must be there. */
void unit_file_only(const struct unit_file *unit, const char *key, char *value, size_t size);

struct unit_calls {
	char names[600][32];
	size_t count;
};

/* The system calls that SystemCallFilter= allows, its groups expanded by systemd-analyze; false when that is missing.
 */
bool unit_file_calls(const struct unit_file *unit, struct unit_calls *calls);

#endif
