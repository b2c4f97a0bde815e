/* Webhook: a job is checked and signed when it begins, not when it was given, so that its time stamp is true. */
#include "deliver/webhook.h"

#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/curl_loop.h"
#include "deliver/guard.h"
#include "queue.h"
#include "text/time.h"

enum { STATUS_GONE = 410 };

struct webhooks {
	struct curl_loop *loop;
	struct arena arena;
	const char *ca_file, *schemes;
	bool (*allows)(const struct sockaddr *address, socklen_t length);
	long timeout_ms;
	struct queue queue;
	size_t count;
};

struct job {
	struct queue_job queued; /* first */
	struct webhooks *webhooks;
	struct curl_transfer *transfer;
	struct arena arena;
	struct webhook_message message; /* but for its secrets */
	char *secrets[SIGNATURE_SECRETS_MOST];
	bool fits; /* the URL is one; else `fault` says why not */
	struct err fault;
	void (*on_outcome)(const struct outcome *outcome, void *context);
	void *context;
};

static void begin(struct queue_job *queued, void *context);

static const char *schemes_for(bool allow_http)
{
	return allow_http ? "http,https" : "https";
}

struct webhooks *webhook_new(struct event_base *base, const struct webhook_options *options)
{
	struct webhooks *webhooks = calloc(1, sizeof *webhooks);
	size_t most = (size_t)options->most;
	if (!webhooks)
		abort();
	webhooks->loop = curl_loop_new(base);
	webhooks->ca_file = arena_strdup(&webhooks->arena, options->ca_file);
	webhooks->schemes = schemes_for(options->allow_http);
	webhooks->allows = options->allow_private ? NULL : guard_allows;
	webhooks->timeout_ms = options->timeout_ms;
	webhooks->queue = (struct queue){.most = most, .most_each = (most + 1) / 2, .begin = begin, .context = webhooks};
	queue_init(&webhooks->queue, base);
	return webhooks;
}

/* Ends the job, then tells. */
static void finish(struct job *job, const struct outcome *outcome)
{
	struct webhooks *webhooks = job->webhooks;
	void (*tell)(const struct outcome *, void *) = job->on_outcome;
	void *context = job->context;
	curl_loop_end(job->transfer);
	queue_end(&webhooks->queue, &job->queued);
	webhooks->count--;
	for (size_t i = 0; i < SIGNATURE_SECRETS_MOST; i++)
		if (job->secrets[i])
			explicit_bzero(job->secrets[i], strlen(job->secrets[i]));
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

void webhook_free(struct webhooks *webhooks)
{
	struct queue_job *queued;
	if (!webhooks)
		return;
	while ((queued = queue_take(&webhooks->queue)) != NULL)
		finish_with((struct job *)queued, OUTCOME_LATER, "the daemon stopped before the receiver had answered");
	queue_release(&webhooks->queue);
	curl_loop_free(webhooks->loop);
	arena_release(&webhooks->arena);
	free(webhooks);
}

size_t webhook_count(const struct webhooks *webhooks)
{
	return webhooks->count;
}

static bool check_url(struct arena *arena, const char *url, const char *schemes, const char **host, struct err *err)
{
	if (strlen(url) > WEBHOOK_URL_MOST)
		return err_set(err, "a webhook's URL has at most %d bytes", WEBHOOK_URL_MOST);
	return curl_loop_check_url(arena, url, schemes, host, err);
}

bool webhook_check_url(const char *url, bool allow_http, struct err *err)
{
	struct arena arena = {0};
	const char *host;
	bool right = check_url(&arena, url, schemes_for(allow_http), &host, err);
	arena_release(&arena);
	return right;
}

static enum outcome_kind judge(const struct curl_loop_result *result)
{
	if (result->end == CURL_LOOP_FORBIDDEN)
		return OUTCOME_REFUSED;
	if (result->end == CURL_LOOP_FAILED)
		return OUTCOME_LATER;
	if (result->status / 100 == 2)
		return OUTCOME_SENT;
	return result->status == STATUS_GONE ? OUTCOME_GONE : OUTCOME_LATER;
}

static void on_end(struct curl_transfer *transfer, const struct curl_loop_result *result, void *context)
{
	struct outcome outcome = {.kind = judge(result)};
	(void)transfer;
	if (outcome.kind == OUTCOME_LATER)
		outcome.retry_after_s =
		    result->retry_after_s < WEBHOOK_RETRY_AFTER_MOST_S ? result->retry_after_s : WEBHOOK_RETRY_AFTER_MOST_S;
	if (result->end == CURL_LOOP_ANSWERED)
		outcome_set_answer(&outcome, result->status, result->text, result->length);
	else
		outcome_set_answer(&outcome, 0, result->fault, strlen(result->fault));
	finish(context, &outcome);
}

static void begin(struct queue_job *queued, void *context)
{
	struct job *job = (struct job *)queued;
	struct webhooks *webhooks = context;
	const struct webhook_message *message = &job->message;
	int64_t now_s = time_now_micros() / 1000000;
	const char *const secrets[SIGNATURE_SECRETS_MOST] = {job->secrets[0], job->secrets[1]};
	const char *signature;
	if (!job->fits || !signature_make(&job->arena, secrets, message->id, now_s, message->body, message->length,
	                                  &signature, &job->fault)) {
		finish_with(job, OUTCOME_REFUSED, job->fault.message);
		return;
	}
	const char *const headers[] = {
	    "Content-Type: application/json",
	    arena_printf(&job->arena, "webhook-id: %s", message->id),
	    arena_printf(&job->arena, "webhook-timestamp: %" PRId64, now_s),
	    arena_printf(&job->arena, "webhook-signature: %s", signature),
	    NULL,
	};
	job->transfer = curl_loop_post(webhooks->loop,
	                               &(struct curl_loop_post){.url = message->url,
	                                                        .schemes = webhooks->schemes,
	                                                        .ca_file = webhooks->ca_file,
	                                                        .timeout_ms = webhooks->timeout_ms,
	                                                        .headers = headers,
	                                                        .body = message->body,
	                                                        .length = message->length,
	                                                        .allows = webhooks->allows},
	                               on_end, job);
}

void webhook_send(struct webhooks *webhooks, const struct webhook_message *message,
                  void (*on_outcome)(const struct outcome *outcome, void *context), void *context)
{
	struct job *job = calloc(1, sizeof *job);
	if (!job)
		abort();
	*job = (struct job){.webhooks = webhooks, .on_outcome = on_outcome, .context = context, .queued.receiver = ""};
	job->message = (struct webhook_message){
	    .url = arena_strdup(&job->arena, message->url),
	    .id = arena_strdup(&job->arena, message->id),
	    .body = arena_copy(&job->arena, message->body, message->length),
	    .length = message->length,
	};
	for (size_t i = 0; i < SIGNATURE_SECRETS_MOST; i++)
		job->secrets[i] = arena_strdup(&job->arena, message->secrets[i]);
	job->fits = check_url(&job->arena, message->url, webhooks->schemes, &job->queued.receiver, &job->fault);
	webhooks->count++;
	queue_add(&webhooks->queue, &job->queued);
}
