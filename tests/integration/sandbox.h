/* Sandbox: the part of a unit that the process to be applies to itself, before it becomes the daemon. */
#ifndef TRACKTWO_TESTS_SANDBOX_H
#define TRACKTWO_TESTS_SANDBOX_H

#include <stdbool.h>

#include "unit_file.h"

struct sandbox;
/* Before the fork; NULL when systemd-analyze is missing. */
struct sandbox *sandbox_new(const struct unit_file *unit);
void sandbox_free(struct sandbox *sandbox);
/* In the child, just before exec: limits, capabilities, the user of `uid` and `gid` (as root only), filters. False:
 * with a line on standard error. */
bool sandbox_enter(const struct sandbox *sandbox, unsigned uid, unsigned gid);

#endif
