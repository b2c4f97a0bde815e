/* Cluster: one state machine, driven by one timer and by SIGCHLD.
 *
 * Invariant: at most one child lives at a time (initdb or the server), and a server is started only when no other one
 * of this data directory lives. Every step ends in one of: a child to wait for, a timer to wait for, or a state told to
 * the owner that only the owner can leave. */
#include "cluster/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/log.h"
#include "cluster_files.h"
#include "text/time.h"

enum {
	POLL_MS = 50,
	STOP_PATIENCE_MS = 30 * 1000,
	BACKOFF_MIN_MS = 200,
	BACKOFF_MAX_MS = 10 * 1000,
	STEADY_MS = 60 * 1000,
	FIRST_TRIES = 5, /* starts in a row without success, and never one before, after which it cannot be started */
};

enum step {
	STEP_IDLE,   /* not started, failed or stopped */
	STEP_STRAY,  /* waits for an earlier daemon's server to end */
	STEP_INITDB, /* child: initdb */
	STEP_SERVER, /* child: postgres */
	STEP_BACKOFF,
};

struct cluster {
	struct event_base *base;
	struct event *child_event, *timer;
	struct cluster_files files;
	void (*on_state)(enum cluster_state state, const char *message, void *context);
	void *context;
	enum step step;
	bool stopping, stop_told, killed, ready, ever_ready;
	pid_t child;      /* 0 = none */
	int64_t since_ms; /* when the server became ready, or its end was asked for */
	long backoff_ms;
	int tries;
	char dsn[CLUSTER_DSN_SIZE], admin_dsn[CLUSTER_DSN_SIZE], superuser_dsn[CLUSTER_DSN_SIZE];
};

static int64_t now_ms(void)
{
	return time_monotonic_micros() / 1000;
}

static void wait_ms(struct cluster *cluster, long ms)
{
	event_add(cluster->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static void tell(struct cluster *cluster, enum cluster_state state, const char *message)
{
	if (cluster->on_state)
		cluster->on_state(state, message, cluster->context);
}

static void rest(struct cluster *cluster, enum cluster_state state, const char *message)
{
	cluster->step = STEP_IDLE;
	cluster->ready = false;
	event_del(cluster->timer);
	tell(cluster, state, message);
}

/* Between fork and exec only async-signal-safe calls are allowed. The new process dies with the daemon, however that
 * ends; the check of the parent closes the gap before prctl(). */
_Noreturn static void become(const char *const *arguments, int output, pid_t parent, const sigset_t *mask)
{
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGINT) != 0 || getppid() != parent)
		_exit(127);
	struct sigaction standard = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	int input = open("/dev/null", O_RDONLY);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	close_range(3, ~0U, 0);
	execv(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

ERR_CHECKED static bool spawn(struct cluster *cluster, const char *const *arguments, struct err *err)
{
	int output = open(cluster->files.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (output < 0)
		return err_set_errno(err, errno, "cannot write %s", cluster->files.output);
	/* No handler of ours may run in the child: it would write into the loop's own pipe. */
	sigset_t all, mask;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	sigset_t none;
	sigemptyset(&none);
	pid_t parent = getpid(), child = fork();
	if (child == 0)
		become(arguments, output, parent, &none);
	int errnum = errno;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(output);
	if (child < 0)
		return err_set_errno(err, errnum, "cannot start a process");
	/* Also here: whoever of the two comes first, a signal to our group must not reach the child. */
	setpgid(child, child);
	cluster->child = child;
	return true;
}

ERR_CHECKED static bool start_initdb(struct cluster *cluster, struct err *err)
{
	char program[CLUSTER_PATH_SIZE];
	if (!cluster_files_program(&cluster->files, "initdb", program, err) ||
	    !cluster_files_clear_new(&cluster->files, err))
		return false;
	const char *arguments[] = {
	    program,
	    "-D",
	    cluster->files.data_new,
	    "--username=postgres",
	    "--auth=peer",
	    "--encoding=UTF8",
	    "--locale=C.UTF-8",
	    "--data-checksums",
	    "--no-instructions",
	    NULL,
	};
	log_info("cluster", "making a new one in %s", cluster->files.data);
	cluster->step = STEP_INITDB;
	return spawn(cluster, arguments, err);
}

ERR_CHECKED static bool start_server(struct cluster *cluster, struct err *err)
{
	char program[CLUSTER_PATH_SIZE];
	if (!cluster_files_program(&cluster->files, "postgres", program, err) ||
	    !cluster_files_configure(&cluster->files, err))
		return false;
	int data = cluster_files_version(&cluster->files), newest = cluster_files_newest();
	if (newest > data && !cluster->files.bin[0] && cluster->tries == 0)
		log_info("cluster",
		         "the data is PostgreSQL %d's, and %d is installed; with the daemon stopped, \"tracktwo admin "
		         "upgrade-cluster\" takes it there",
		         data, newest);
	cluster_files_clear_locks(&cluster->files);
	const char *arguments[] = {program, "-D", cluster->files.data, NULL};
	cluster->step = STEP_SERVER;
	cluster->ready = false;
	cluster->tries++;
	if (!spawn(cluster, arguments, err))
		return false;
	wait_ms(cluster, POLL_MS);
	return true;
}

/* From any point without a child: whatever has to come next. */
static void go_on(struct cluster *cluster)
{
	bool ready, started;
	struct err err;
	pid_t stray = cluster_files_server(&cluster->files, &ready);
	if (stray != 0) {
		if (cluster->step != STEP_STRAY) {
			log_info("cluster", "stopping the server %ld that an earlier daemon left", (long)stray);
			kill(stray, SIGINT);
			cluster->step = STEP_STRAY;
			cluster->since_ms = now_ms();
			cluster->killed = false;
		}
		if (!cluster->killed && now_ms() - cluster->since_ms >= STOP_PATIENCE_MS) {
			kill(stray, SIGQUIT);
			cluster->killed = true;
		}
		wait_ms(cluster, POLL_MS);
		return;
	}
	if (cluster->stopping) {
		rest(cluster, CLUSTER_STOPPED, "");
		return;
	}
	if (cluster_files_have_data(&cluster->files, &err))
		started = start_server(cluster, &err);
	else
		started = !err.message[0] && start_initdb(cluster, &err);
	if (!started)
		rest(cluster, CLUSTER_FAILED, err.message);
}

static void poll_server(struct cluster *cluster)
{
	bool ready;
	if (cluster->stopping) {
		if (!cluster->stop_told)
			tell(cluster, CLUSTER_STOPPING, "");
		cluster->stop_told = true;
		if (!cluster->killed && now_ms() - cluster->since_ms >= STOP_PATIENCE_MS) {
			log_warning("cluster",
			            "the server takes too long to stop; it is stopped at once and will recover when started");
			kill(cluster->child, SIGQUIT);
			cluster->killed = true;
		}
		wait_ms(cluster, POLL_MS);
	} else if (cluster_files_server(&cluster->files, &ready) == cluster->child && ready) {
		cluster->ready = cluster->ever_ready = true;
		cluster->since_ms = now_ms();
		cluster->tries = 0;
		log_info("cluster", "the server %ld accepts connections", (long)cluster->child);
		tell(cluster, CLUSTER_RUNNING, "");
	} else {
		wait_ms(cluster, POLL_MS);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct cluster *cluster = context;
	(void)fd;
	(void)what;
	if (cluster->child != 0)
		poll_server(cluster);
	else
		go_on(cluster);
}

static void describe_end(const struct cluster *cluster, int status, const char *program, struct err *err)
{
	char words[400];
	if (WIFSIGNALED(status)) {
		(void)err_set(err, "%s was ended by signal %d", program, WTERMSIG(status));
		return;
	}
	(void)err_set(err, "%s ended with status %d", program, WEXITSTATUS(status));
	cluster_files_last_words(&cluster->files, words);
	if (words[0])
		(void)err_set(err, "%s: %s", err->message, words);
}

static void on_initdb_end(struct cluster *cluster, int status)
{
	struct err err;
	if (cluster->stopping) {
		go_on(cluster);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		describe_end(cluster, status, "initdb", &err);
		rest(cluster, CLUSTER_FAILED, err.message);
	} else if (!cluster_files_adopt_new(&cluster->files, &err)) {
		rest(cluster, CLUSTER_FAILED, err.message);
	} else {
		go_on(cluster);
	}
}

static void on_server_end(struct cluster *cluster, int status)
{
	if (cluster->stopping) {
		rest(cluster, CLUSTER_STOPPED, "");
		return;
	}
	struct err err;
	describe_end(cluster, status, "the server", &err);
	log_warning("cluster", "%s", err.message);
	if (!cluster->ever_ready && cluster->tries >= FIRST_TRIES) {
		rest(cluster, CLUSTER_FAILED, err.message);
		return;
	}
	if (cluster->ready && now_ms() - cluster->since_ms >= STEADY_MS)
		cluster->backoff_ms = BACKOFF_MIN_MS;
	cluster->step = STEP_BACKOFF;
	wait_ms(cluster, cluster->backoff_ms);
	cluster->backoff_ms = cluster->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : cluster->backoff_ms * 2;
	bool ran = cluster->ready;
	cluster->ready = false;
	if (ran)
		tell(cluster, CLUSTER_STARTING, err.message);
}

static void on_child(evutil_socket_t number, short what, void *context)
{
	struct cluster *cluster = context;
	int status;
	(void)number;
	(void)what;
	if (cluster->child == 0 || waitpid(cluster->child, &status, WNOHANG) != cluster->child)
		return;
	cluster->child = 0;
	event_del(cluster->timer);
	if (cluster->step == STEP_INITDB)
		on_initdb_end(cluster, status);
	else
		on_server_end(cluster, status);
}

struct cluster *cluster_new(struct event_base *base, const struct cluster_options *options, struct err *err)
{
	struct cluster *cluster = calloc(1, sizeof *cluster);
	if (!cluster)
		abort();
	cluster->base = base;
	cluster->on_state = options->on_state;
	cluster->context = options->context;
	cluster->backoff_ms = BACKOFF_MIN_MS;
	cluster->child_event = evsignal_new(base, SIGCHLD, on_child, cluster);
	cluster->timer = evtimer_new(base, on_timer, cluster);
	if (!cluster->child_event || !cluster->timer)
		abort();
	if (!cluster_files_init(&cluster->files, options->state_dir, options->postgres_bin ? options->postgres_bin : "",
	                        err)) {
		cluster_free(cluster);
		return NULL;
	}
	cluster_files_dsn(&cluster->files, "tracktwo_daemon", "tracktwo", cluster->dsn);
	cluster_files_dsn(&cluster->files, "tracktwo_admin", "tracktwo", cluster->admin_dsn);
	cluster_files_dsn(&cluster->files, "postgres", "postgres", cluster->superuser_dsn);
	event_add(cluster->child_event, NULL);
	return cluster;
}

void cluster_start(struct cluster *cluster)
{
	if (cluster->step != STEP_IDLE)
		return;
	cluster->stopping = cluster->stop_told = cluster->killed = cluster->ever_ready = false;
	cluster->tries = 0;
	cluster->backoff_ms = BACKOFF_MIN_MS;
	cluster->step = STEP_BACKOFF;
	wait_ms(cluster, 0);
}

void cluster_stop(struct cluster *cluster)
{
	if (cluster->stopping && cluster->step != STEP_IDLE)
		return;
	cluster->stopping = true;
	if (cluster->child == 0) {
		/* A stray server is waited for all the same. */
		if (cluster->step == STEP_IDLE)
			cluster->step = STEP_BACKOFF;
		wait_ms(cluster, 0);
		return;
	}
	cluster->killed = false;
	cluster->since_ms = now_ms();
	kill(cluster->child, SIGINT);
	wait_ms(cluster, 0);
}

const char *cluster_dsn(const struct cluster *cluster)
{
	return cluster->dsn;
}

const char *cluster_admin_dsn(const struct cluster *cluster)
{
	return cluster->admin_dsn;
}

const char *cluster_superuser_dsn(const struct cluster *cluster)
{
	return cluster->superuser_dsn;
}

void cluster_free(struct cluster *cluster)
{
	if (cluster->child != 0)
		kill(cluster->child, SIGINT);
	event_free(cluster->child_event);
	event_free(cluster->timer);
	cluster_files_release(&cluster->files);
	free(cluster);
}
