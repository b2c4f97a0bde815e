/* Sandbox: three seccomp filters as systemd has them: the calls that are allowed, the address families, and no memory
 * that is both written and run. The first is loaded last, for it may forbid loading. */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct sandbox {
	scmp_filter_ctx calls, families, memory;
	rlim_t files;
	mode_t mask;
};

static scmp_filter_ctx filter_new(uint32_t standard)
{
	scmp_filter_ctx filter = seccomp_init(standard);
	assert_non_null(filter);
	return filter;
}

static scmp_filter_ctx filter_calls(const struct unit_calls *calls)
{
	scmp_filter_ctx filter = filter_new(SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; i < calls->count; i++) {
		int number = seccomp_syscall_resolve_name(calls->names[i]);
		/* What this architecture does not have cannot be called. */
		if (number >= 0)
			assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), 0);
	}
	return filter;
}

static scmp_filter_ctx filter_families(const char *allowed)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"AF_UNIX", AF_UNIX}, {"AF_INET", AF_INET}, {"AF_INET6", AF_INET6}, {"AF_NETLINK", AF_NETLINK}};
	scmp_filter_ctx filter = filter_new(SCMP_ACT_ALLOW);
	for (int family = 0; family < AF_MAX; family++) {
		bool listed = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
			const char *at = strstr(allowed, known[i].name);
			size_t length = strlen(known[i].name);
			listed = listed || (known[i].number == family && at && (at[length] == ' ' || at[length] == '\0'));
		}
		const struct scmp_arg_cmp same = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)family};
		if (!listed)
			assert_int_equal(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, &same),
			                 0);
	}
	return filter;
}

static scmp_filter_ctx filter_memory(void)
{
	const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
	scmp_filter_ctx filter = filter_new(SCMP_ACT_ALLOW);
	uint32_t refused = SCMP_ACT_ERRNO(EPERM);
	assert_int_equal(seccomp_rule_add(filter, refused, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, both, both)), 0);
	assert_int_equal(
	    seccomp_rule_add(filter, refused, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)), 0);
	assert_int_equal(
	    seccomp_rule_add(filter, refused, SCMP_SYS(shmat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC)), 0);
	return filter;
}

/* What the launcher would not apply must not silently be missing. */
static void must_say(const struct unit_file *unit, const char *key, const char *expected)
{
	char value[64];
	unit_file_only(unit, key, value, sizeof value);
	assert_string_equal(value, expected);
}

struct sandbox *sandbox_new(const struct unit_file *unit)
{
	static struct unit_calls calls;
	struct sandbox *sandbox;
	char value[128];

	if (!unit_file_calls(unit, &calls))
		return NULL;
	sandbox = calloc(1, sizeof *sandbox);
	assert_non_null(sandbox);
	sandbox->calls = filter_calls(&calls);
	unit_file_only(unit, "RestrictAddressFamilies", value, sizeof value);
	sandbox->families = filter_families(value);
	must_say(unit, "MemoryDenyWriteExecute", "yes");
	sandbox->memory = filter_memory();
	must_say(unit, "NoNewPrivileges", "yes");
	must_say(unit, "CapabilityBoundingSet", "");
	must_say(unit, "AmbientCapabilities", "");
	must_say(unit, "SystemCallErrorNumber", "EPERM");
	unit_file_only(unit, "LimitNOFILE", value, sizeof value);
	sandbox->files = strtoul(value, NULL, 10);
	unit_file_only(unit, "UMask", value, sizeof value);
	sandbox->mask = (mode_t)strtoul(value, NULL, 8);
	return sandbox;
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	seccomp_release(sandbox->calls);
	seccomp_release(sandbox->families);
	seccomp_release(sandbox->memory);
	free(sandbox);
}

static bool give_up_powers(unsigned uid, unsigned gid)
{
	if (geteuid() != 0)
		return true;
	for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
			return false;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

bool sandbox_enter(const struct sandbox *sandbox, unsigned uid, unsigned gid)
{
	const struct rlimit wanted = {sandbox->files, sandbox->files};
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	/* Not everybody may raise it, not even every root. */
	if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(sandbox->mask);
	if (give_up_powers(uid, gid) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && seccomp_load(sandbox->memory) == 0 &&
	    seccomp_load(sandbox->families) == 0 && seccomp_load(sandbox->calls) == 0)
		return true;
	perror("launcher: the unit could not be applied");
	return false;
}
