/* Metrics: one row of counters a method, found by the method's place in the registry; the last row is for requests that
 * name no method. */
#include "rpc/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "rpc/error.h"

/* Upper bounds in microseconds: from one round trip on this machine to a statement's timeout. */
static const int64_t bounds[] = {250,   500,    1000,   2500,   5000,    10000,   25000,
                                 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

enum { BOUNDS = sizeof bounds / sizeof *bounds, OUTCOMES = ERROR_KINDS + 1, OUTCOME_OK = ERROR_KINDS, TRANSPORTS = 4 };

struct row {
	const char *name;
	unsigned long outcomes[OUTCOMES];
	unsigned long buckets[BOUNDS + 1]; /* each with what its own range holds; the last is for all above */
	int64_t micros;
};

struct metrics {
	const struct registry *registry;
	struct row *rows; /* one a method, and one more */
	size_t row_count;
	struct {
		const char *name;
		long clients;
	} transports[TRANSPORTS];
};

struct metrics *metrics_new(const struct registry *registry)
{
	struct metrics *metrics = calloc(1, sizeof *metrics);
	if (!metrics)
		abort();
	metrics->registry = registry;
	metrics->row_count = registry_count(registry) + 1;
	metrics->rows = calloc(metrics->row_count, sizeof *metrics->rows);
	if (!metrics->rows)
		abort();
	for (size_t i = 0; i + 1 < metrics->row_count; i++)
		metrics->rows[i].name = registry_at(registry, i)->name;
	metrics->rows[metrics->row_count - 1].name = "none";
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	free(metrics->rows);
	free(metrics);
}

static struct row *row_of(struct metrics *metrics, const struct method *method)
{
	size_t low = 0, high = metrics->row_count - 1;
	while (method && low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(metrics->rows[middle].name, method->name);
		if (order == 0)
			return &metrics->rows[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &metrics->rows[metrics->row_count - 1];
}

static const char *outcome_name(size_t outcome)
{
	return outcome == OUTCOME_OK ? "ok" : error_rows[outcome].name;
}

static size_t outcome_of(const char *name)
{
	for (size_t i = 0; i < OUTCOMES; i++)
		if (strcmp(outcome_name(i), name) == 0)
			return i;
	return ERROR_INTERNAL;
}

void metrics_count(struct metrics *metrics, const struct method *method, const char *outcome, int64_t micros)
{
	struct row *row = row_of(metrics, method);
	size_t bucket = 0;
	while (bucket < BOUNDS && micros > bounds[bucket])
		bucket++;
	row->outcomes[outcome_of(outcome)]++;
	row->buckets[bucket]++;
	row->micros += micros;
}

void metrics_client(struct metrics *metrics, const char *transport, int change)
{
	for (size_t i = 0; i < TRANSPORTS; i++) {
		if (metrics->transports[i].name && strcmp(metrics->transports[i].name, transport) != 0)
			continue;
		metrics->transports[i].name = transport;
		metrics->transports[i].clients += change;
		return;
	}
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP tracktwo_%s %s\n# TYPE tracktwo_%s %s\n", name, help, name, type);
}

static void put_requests(const struct metrics *metrics, FILE *out)
{
	put_head(out, "requests_total", "counter",
	         "Requests answered, by method and outcome (ok, or data.code of the error).");
	for (size_t i = 0; i < metrics->row_count; i++)
		for (size_t k = 0; k < OUTCOMES; k++)
			if (metrics->rows[i].outcomes[k] > 0)
				fprintf(out, "tracktwo_requests_total{method=\"%s\",outcome=\"%s\"} %lu\n", metrics->rows[i].name,
				        outcome_name(k), metrics->rows[i].outcomes[k]);
}

/* Methods that were never called are left out: a histogram is many lines. */
static void put_latencies(const struct metrics *metrics, FILE *out)
{
	put_head(out, "request_duration_seconds", "histogram", "From a request's reading to its answer, by method.");
	for (size_t i = 0; i < metrics->row_count; i++) {
		const struct row *row = &metrics->rows[i];
		unsigned long sum = 0;
		for (size_t k = 0; k <= BOUNDS; k++)
			sum += row->buckets[k];
		if (sum == 0)
			continue;
		sum = 0;
		for (size_t k = 0; k < BOUNDS; k++) {
			sum += row->buckets[k];
			fprintf(out, "tracktwo_request_duration_seconds_bucket{method=\"%s\",le=\"%g\"} %lu\n", row->name,
			        (double)bounds[k] / 1e6, sum);
		}
		sum += row->buckets[BOUNDS];
		fprintf(out, "tracktwo_request_duration_seconds_bucket{method=\"%s\",le=\"+Inf\"} %lu\n", row->name, sum);
		fprintf(out, "tracktwo_request_duration_seconds_sum{method=\"%s\"} %.6f\n", row->name,
		        (double)row->micros / 1e6);
		fprintf(out, "tracktwo_request_duration_seconds_count{method=\"%s\"} %lu\n", row->name, sum);
	}
}

static void put_clients(const struct metrics *metrics, FILE *out)
{
	put_head(out, "clients", "gauge", "Sessions of clients, by transport; over HTTP, requests and event streams.");
	for (size_t i = 0; i < TRANSPORTS && metrics->transports[i].name; i++)
		fprintf(out, "tracktwo_clients{transport=\"%s\"} %ld\n", metrics->transports[i].name,
		        metrics->transports[i].clients);
}

static void put_pool(const struct pg_stats *pool, FILE *out)
{
	static const char *const states[PG_CONNECTION_STATES] = {
	    [PG_DOWN] = "down", [PG_CONNECTING] = "connecting", [PG_SETTING_UP] = "setting_up", [PG_READY] = "ready"};
	put_head(out, "database_queue_requests", "gauge", "Statements that wait for a connection to the database.");
	fprintf(out, "tracktwo_database_queue_requests %zu\n", pool->queued);
	put_head(out, "database_in_flight_requests", "gauge", "Statements sent to the database and not answered.");
	fprintf(out, "tracktwo_database_in_flight_requests %zu\n", pool->in_flight);
	put_head(out, "database_connections", "gauge", "Connections to the database, by state.");
	for (size_t i = 0; i < PG_CONNECTION_STATES; i++)
		fprintf(out, "tracktwo_database_connections{state=\"%s\"} %zu\n", states[i], pool->connections[i]);
}

static void put_reminders(const json_t *reminders, FILE *out)
{
	const char *state;
	json_t *count;
	if (!reminders)
		return;
	put_head(out, "reminders", "gauge", "Reminders, by state; absent while the database is out of reach.");
	json_object_foreach((json_t *)(uintptr_t)reminders, state, count)
		fprintf(out, "tracktwo_reminders{state=\"%s\"} %lld\n", state, (long long)json_integer_value(count));
}

/* Absent where there is none: an alarm on absence then tells what a number of seconds could not. */
static void put_age(FILE *out, const char *name, const char *help, double age_s)
{
	if (age_s < 0)
		return;
	put_head(out, name, "gauge", help);
	fprintf(out, "tracktwo_%s %.0f\n", name, age_s);
}

void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges, FILE *out)
{
	put_head(out, "build_info", "gauge", "Always 1; the labels tell the build.");
	fprintf(out, "tracktwo_build_info{version=\"%s\"} 1\n", gauges->version);
	fprintf(out,
	        "# HELP process_start_time_seconds When the process began, in seconds since 1970.\n"
	        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n",
	        gauges->started_s);
	put_requests(metrics, out);
	put_latencies(metrics, out);
	put_head(out, "in_flight_requests", "gauge", "Requests under way.");
	fprintf(out, "tracktwo_in_flight_requests %zu\n", gauges->in_flight);
	put_clients(metrics, out);
	put_pool(&gauges->pool, out);
	put_age(out, "backup_age_seconds", "Since the newest backup was made; absent when there is none.",
	        gauges->backup_age_s);
	put_age(out, "backup_verified_age_seconds",
	        "Since the newest backup that was restored and compared was made; absent when there is none.",
	        gauges->backup_verified_age_s);
	put_reminders(gauges->reminders, out);
}
