/* Startup: one child, three steps, and its exit status says how far it came. */
#include "daemon/startup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/service.h"

static const int statuses[] = {
    [MIGRATE_DONE] = EX_OK, [MIGRATE_UNREACHABLE] = EX_TEMPFAIL, [MIGRATE_REFUSED] = EX_CONFIG};

static enum migrate_outcome run_steps(const struct startup *startup)
{
	struct err err = {{0}};
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (startup->superuser_dsn)
		outcome = migrate_bootstrap(startup->superuser_dsn, &err);
	if (outcome == MIGRATE_DONE && startup->admin_dsn && *startup->admin_dsn)
		outcome = migrate_apply(startup->admin_dsn, startup->functions, startup->function_count, stderr, &err);
	if (outcome == MIGRATE_DONE)
		outcome = migrate_check(startup->dsn, startup->functions, startup->function_count, stderr, &err);
	if (outcome != MIGRATE_DONE)
		log_line(outcome == MIGRATE_REFUSED ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "", "database: %s", err.message);
	return outcome;
}

pid_t startup_begin(const struct startup *startup)
{
	pid_t parent = getpid(), child = fork();
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	if (child != 0)
		return child;
	sigaction(SIGTERM, &standard, NULL);
	sigaction(SIGCHLD, &standard, NULL);
	/* An interrupt or a hangup at the terminal is the daemon's to handle. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	service_forget();
	if (close_range(3, ~0U, 0) != 0)
		_exit(EX_OSERR);
	_exit(statuses[run_steps(startup)]);
}

enum migrate_outcome startup_outcome(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
		return MIGRATE_DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		return MIGRATE_REFUSED;
	return MIGRATE_UNREACHABLE;
}
