/* Hold: turns the loop until the cluster says that it runs, has failed or has stopped.
 *
 * Invariant: between open and close the loop stands still. The server's end is then seen by whoever talks to it; its
 * child is reaped by the close. */
#include "cluster/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "cluster/cluster.h"
#include "cluster_files.h"

struct cluster_hold {
	struct event_base *base;
	struct cluster *cluster; /* NULL for a visit */
	enum cluster_state state;
	char words[500];
	char superuser[CLUSTER_DSN_SIZE], store[CLUSTER_DSN_SIZE], admin[CLUSTER_DSN_SIZE], daemon[CLUSTER_DSN_SIZE];
};

static void on_state(enum cluster_state state, const char *message, void *context)
{
	struct cluster_hold *hold = context;
	hold->state = state;
	if (*message)
		snprintf(hold->words, sizeof hold->words, "%s", message);
	if (state == CLUSTER_RUNNING || state == CLUSTER_FAILED || state == CLUSTER_STOPPED)
		event_base_loopbreak(hold->base);
}

static struct cluster_hold *hold_new(const char *state_dir, const char *bin, struct err *err)
{
	struct cluster_hold *hold = calloc(1, sizeof *hold);
	struct cluster_files files;
	if (!hold)
		abort();
	if (!cluster_files_find(&files, state_dir, bin, err)) {
		free(hold);
		return NULL;
	}
	cluster_files_dsn(&files, "postgres", "postgres", hold->superuser);
	cluster_files_dsn(&files, "postgres", "tracktwo", hold->store);
	cluster_files_dsn(&files, "tracktwo_admin", "tracktwo", hold->admin);
	cluster_files_dsn(&files, "tracktwo_daemon", "tracktwo", hold->daemon);
	return hold;
}

struct cluster_hold *cluster_hold_visit(const char *state_dir, const char *bin, struct err *err)
{
	return hold_new(state_dir, bin, err);
}

struct cluster_hold *cluster_hold_open(const char *state_dir, const char *bin, struct err *err)
{
	struct cluster_hold *hold = hold_new(state_dir, bin, err);
	if (!hold)
		return NULL;
	hold->base = event_base_new();
	if (!hold->base)
		abort();
	hold->cluster = cluster_new(
	    hold->base,
	    &(struct cluster_options){.state_dir = state_dir, .postgres_bin = bin, .on_state = on_state, .context = hold},
	    err);
	if (!hold->cluster)
		goto failed;
	cluster_start(hold->cluster);
	event_base_dispatch(hold->base);
	if (hold->state == CLUSTER_RUNNING)
		return hold;
	(void)err_set(err, "the embedded PostgreSQL cannot be started: %s", hold->words);
failed:
	cluster_hold_close(hold);
	return NULL;
}

void cluster_hold_close(struct cluster_hold *hold)
{
	if (!hold)
		return;
	if (hold->cluster && hold->state != CLUSTER_FAILED) {
		cluster_stop(hold->cluster);
		while (hold->state != CLUSTER_STOPPED && event_base_dispatch(hold->base) == 0)
			continue;
	}
	if (hold->cluster)
		cluster_free(hold->cluster);
	if (hold->base)
		event_base_free(hold->base);
	free(hold);
}

const char *cluster_hold_superuser_dsn(const struct cluster_hold *hold)
{
	return hold->superuser;
}

const char *cluster_hold_store_dsn(const struct cluster_hold *hold)
{
	return hold->store;
}

const char *cluster_hold_admin_dsn(const struct cluster_hold *hold)
{
	return hold->admin;
}

const char *cluster_hold_dsn(const struct cluster_hold *hold)
{
	return hold->daemon;
}

int cluster_keep(const char *state_dir, struct err *err)
{
	struct cluster_files files;
	if (cluster_files_init(&files, state_dir, "", err))
		return files.lock;
	cluster_files_release(&files);
	return -1;
}

bool cluster_look(const char *state_dir, struct cluster_look *look, struct err *err)
{
	struct cluster_files files = {.lock = -1};
	char lock[CLUSTER_PATH_SIZE];
	char *real = realpath(state_dir, NULL);
	*look = (struct cluster_look){.newest_version = cluster_files_newest()};
	if (!real)
		return err_set_errno(err, errno, "cannot look at %s", state_dir);
	bool fits = snprintf(look->root, sizeof look->root, "%s/postgres", real) < (int)sizeof look->root &&
	            snprintf(look->data, sizeof look->data, "%s/postgres/data", real) < (int)sizeof look->data &&
	            snprintf(lock, sizeof lock, "%s/postgres/lock", real) < (int)sizeof lock;
	free(real);
	if (!fits)
		return err_set(err, "the state_dir's path is too long");
	memcpy(files.data, look->data, sizeof files.data);
	look->data_version = cluster_files_version(&files);
	int fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? true : err_set_errno(err, errno, "cannot look at %s", lock);
	struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	look->served = fcntl(fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK;
	close(fd);
	return true;
}

bool cluster_mark_moved(const char *root, const char *text, struct err *err)
{
	char path[CLUSTER_PATH_SIZE + 16];
	snprintf(path, sizeof path, "%s/" CLUSTER_FILES_MOVED, root);
	FILE *out = fopen(path, "we");
	if (!out)
		return err_set_errno(err, errno, "cannot write %s", path);
	bool written = fputs(text, out) >= 0 && fflush(out) == 0 && fsync(fileno(out)) == 0;
	int errnum = errno;
	return fclose(out) == 0 && written ? true : err_set_errno(err, errnum, "cannot write %s", path);
}
