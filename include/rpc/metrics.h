/* Metrics: what is counted of every call, and the text that Prometheus scrapes
 * (https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4).
 *
 * Counters live here; what is only true at the moment of a scrape (gauges) is handed to metrics_write(). Nothing here
 * ever holds a name, a note or a parameter: labels are names of methods, of outcomes and of states. */
#ifndef TRACKTWO_RPC_METRICS_H
#define TRACKTWO_RPC_METRICS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "io/pg.h"
#include "rpc/method.h"

struct metrics;

/* The registry must outlive it. */
struct metrics *metrics_new(const struct registry *registry);
void metrics_free(struct metrics *metrics);

/* One answer: `method` NULL when the request named none that exists; `outcome` "ok" or data.code of the error. */
void metrics_count(struct metrics *metrics, const struct method *method, const char *outcome, int64_t micros);

/* A client of the transport (a name that lives for ever) came (1) or went (-1). */
void metrics_client(struct metrics *metrics, const char *transport, int change);

struct metrics_gauges {
	const char *version;
	double started_s; /* the process, in seconds since 1970 */
	size_t in_flight; /* calls */
	struct pg_stats pool;
	/* Seconds since the newest backup, and the newest verified one, were made; negative: unknown, or there is none. */
	double backup_age_s, backup_verified_age_s;
	const json_t *reminders; /* {state: count}; NULL while the database does not tell */
};

/* Writes the whole exposition. */
void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges, FILE *out);

#endif
