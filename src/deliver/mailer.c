/* Mailer: jobs in a queue, links that carry them, and a list of links without one.
 *
 * Invariant: a link belongs to one running job or stands among the idle, of which there are never more than jobs may
 * run at once. */
#include "deliver/mailer.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail_link.h"
#include "queue.h"
#include "text/address.h"

enum { PASSWORD_MOST = 1024 };

struct mailer {
	struct event_base *base;
	struct curl_loop *loop;
	struct arena arena;
	struct curl_loop_server server;
	char password[PASSWORD_MOST + 1];
	struct mail_address from;
	long timeout_ms, idle_ms;
	struct queue queue;
	size_t count;
	struct mail_link **idle;
	size_t idle_count;
};

struct job {
	struct queue_job queued; /* first */
	struct mailer *mailer;
	struct mail_link *link;
	struct event deadline;
	struct arena arena;
	const char *to, *message; /* message NULL: it could not be composed, and `fault` says why */
	size_t length;
	struct err fault;
	void (*on_outcome)(const struct outcome *outcome, void *context);
	void *context;
};

static void begin(struct queue_job *queued, void *context);
static void on_end(struct mail_link *link, const struct mail_link_result *result, void *context);
static void on_gone(struct mail_link *link, void *context);

static const struct mail_link_events link_events = {on_end, on_gone};

static bool read_password(struct mailer *mailer, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	struct stat stat;
	bool right = false;
	char line[PASSWORD_MOST + 3] = "";
	if (!file)
		return err_set_errno(err, errno, "password_file: cannot read %s", path);
	if (fstat(fileno(file), &stat) != 0 || (stat.st_mode & (S_IROTH | S_IWOTH))) {
		err_set(err, "password_file: others may read or write %s; chmod o-rw it", path);
		goto out;
	}
	size_t length = fgets(line, sizeof line, file) ? strcspn(line, "\r\n") : 0;
	if (length < 1 || length > PASSWORD_MOST) {
		err_set(err, "password_file: the first line of %s must hold 1 to %d characters", path, PASSWORD_MOST);
		goto out;
	}
	memcpy(mailer->password, line, length);
	right = true;
out:
	explicit_bzero(line, sizeof line);
	fclose(file);
	return right;
}

static bool configure(struct mailer *mailer, const struct mailer_options *options, struct err *err)
{
	bool loopback;
	if (!address_parse_server(options->server, &loopback, err))
		return err_prefix(err, "server");
	if (!mail_parse_address(&mailer->arena, options->from, &mailer->from, err))
		return err_prefix(err, "from");
	if (options->tls != CURL_LOOP_TLS_REQUIRED && !loopback)
		return err_set(err, "tls: without TLS mail goes to a loopback address only; write tls = required");
	if ((*options->user != '\0') != (*options->password_file != '\0'))
		return err_set(err, "user and password_file go together: write both or neither");
	mailer->server = (struct curl_loop_server){
	    .url = arena_strdup(&mailer->arena, options->server),
	    .tls = options->tls,
	    .ca_file = arena_strdup(&mailer->arena, options->ca_file),
	    .user = arena_strdup(&mailer->arena, options->user),
	    .password = mailer->password,
	};
	return *options->user == '\0' || read_password(mailer, options->password_file, err);
}

struct mailer *mailer_new(struct event_base *base, const struct mailer_options *options, struct err *err)
{
	struct mailer *mailer = calloc(1, sizeof *mailer);
	size_t most = (size_t)options->most;
	if (!mailer || !(mailer->idle = calloc(most, sizeof *mailer->idle)))
		abort();
	mailer->base = base;
	mailer->timeout_ms = options->timeout_ms;
	mailer->idle_ms = options->idle_ms;
	mailer->queue = (struct queue){.most = most, .most_each = most, .begin = begin, .context = mailer};
	mailer->loop = curl_loop_new(base);
	queue_init(&mailer->queue, base);
	if (configure(mailer, options, err))
		return mailer;
	mailer_free(mailer);
	return NULL;
}

/* Ends the job, then tells. */
static void finish(struct job *job, const struct outcome *outcome)
{
	struct mailer *mailer = job->mailer;
	void (*tell)(const struct outcome *, void *) = job->on_outcome;
	void *context = job->context;
	event_del(&job->deadline);
	queue_end(&mailer->queue, &job->queued);
	mailer->count--;
	arena_release(&job->arena);
	free(job);
	tell(outcome, context);
}

static void finish_with(struct job *job, enum outcome_kind kind, const char *answer)
{
	struct outcome outcome = {.kind = kind};
	outcome_set_answer(&outcome, 0, answer, strlen(answer));
	finish(job, &outcome);
}

void mailer_free(struct mailer *mailer)
{
	struct queue_job *queued;
	if (!mailer)
		return;
	while ((queued = queue_take(&mailer->queue)) != NULL) {
		struct job *job = (struct job *)queued;
		if (job->link)
			mail_link_free(job->link);
		finish_with(job, OUTCOME_LATER, "the daemon stopped before the server had answered");
	}
	while (mailer->idle_count > 0)
		mail_link_free(mailer->idle[--mailer->idle_count]);
	queue_release(&mailer->queue);
	curl_loop_free(mailer->loop);
	explicit_bzero(mailer->password, sizeof mailer->password);
	arena_release(&mailer->arena);
	free(mailer->idle);
	free(mailer);
}

size_t mailer_count(const struct mailer *mailer)
{
	return mailer->count;
}

/* RFC 4954 section 6: the server wants a login, or does not like ours. */
static bool is_about_login(long status)
{
	return status == 530 || status == 534 || status == 535 || status == 538;
}

static enum outcome_kind judge(const struct mail_link_result *result)
{
	if (result->end == MAIL_LINK_TAKEN)
		return OUTCOME_SENT;
	bool for_good = result->end == MAIL_LINK_REPLIED && result->status >= 500 && !is_about_login(result->status);
	return for_good ? OUTCOME_REFUSED : OUTCOME_LATER;
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct job *job = context;
	char text[80];
	(void)fd;
	(void)what;
	mail_link_free(job->link);
	snprintf(text, sizeof text, "the server did not take the mail within %ld ms", job->mailer->timeout_ms);
	finish_with(job, OUTCOME_LATER, text);
}

/* Over an idle link, or a new one. */
static void carry(struct job *job)
{
	struct mailer *mailer = job->mailer;
	job->link = mailer->idle_count > 0
	                ? mailer->idle[--mailer->idle_count]
	                : mail_link_new(mailer->base, mailer->loop, &mailer->server, &link_events, mailer->idle_ms);
	mail_link_set_context(job->link, job);
	mail_link_send(job->link, mailer->from.address, job->to, job->message, job->length);
}

static void begin(struct queue_job *queued, void *context)
{
	struct job *job = (struct job *)queued;
	struct mailer *mailer = context;
	if (!job->message) {
		finish_with(job, OUTCOME_REFUSED, job->fault.message);
		return;
	}
	event_add(&job->deadline,
	          &(struct timeval){.tv_sec = mailer->timeout_ms / 1000, .tv_usec = mailer->timeout_ms % 1000 * 1000});
	carry(job);
}

static void on_end(struct mail_link *link, const struct mail_link_result *result, void *context)
{
	struct job *job = context;
	struct mailer *mailer = job->mailer;
	struct outcome outcome = {.kind = judge(result)};
	bool stale = result->end != MAIL_LINK_TAKEN && result->unheard && mail_link_used(link);
	outcome_set_answer(&outcome, result->status, result->text, result->length);
	if (result->end == MAIL_LINK_TAKEN) {
		mail_link_set_context(link, mailer);
		mailer->idle[mailer->idle_count++] = link;
	} else {
		mail_link_free(link);
	}
	/* A server may close what it finds idle at the very moment at which a mail begins. */
	if (stale)
		carry(job);
	else
		finish(job, &outcome);
}

static void on_gone(struct mail_link *link, void *context)
{
	struct mailer *mailer = context;
	for (size_t i = 0; i < mailer->idle_count; i++)
		if (mailer->idle[i] == link)
			mailer->idle[i] = mailer->idle[--mailer->idle_count];
	mail_link_free(link);
}

void mailer_send(struct mailer *mailer, const struct mail *mail,
                 void (*on_outcome)(const struct outcome *outcome, void *context), void *context)
{
	struct job *job = calloc(1, sizeof *job);
	struct mail sent = *mail;
	if (!job)
		abort();
	*job = (struct job){.mailer = mailer, .on_outcome = on_outcome, .context = context, .queued.receiver = ""};
	sent.from = mailer->from;
	job->to = arena_strdup(&job->arena, mail->to.address);
	if (!mail_compose(&job->arena, &sent, &job->message, &job->length, &job->fault))
		job->message = NULL;
	evtimer_assign(&job->deadline, mailer->base, on_deadline, job);
	mailer->count++;
	queue_add(&mailer->queue, &job->queued);
}
