/* Tests of rpc/metrics: what the exposition says, byte by byte where it matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/metrics.h"

static const struct method rows[] = {
    {.name = "thing.make", .kind = METHOD_WRITE, .summary = "Makes.", METHOD_NO_PARAMS, .result = &type_any},
    {.name = "thing.ping", .kind = METHOD_LOCAL, .summary = "Pings.", METHOD_NO_PARAMS, .result = &type_any},
};
static const struct method_group group = {rows, 2};
static const struct method_group *const groups[] = {&group};

static char *written(const struct metrics *metrics, const json_t *reminders)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	metrics_write(metrics,
	              &(struct metrics_gauges){.version = "1.2.3",
	                                       .started_s = 1.5,
	                                       .in_flight = 7,
	                                       .pool = {.queued = 3, .in_flight = 2, .connections = {[PG_READY] = 4}},
	                                       .backup_age_s = 3600.4,
	                                       .backup_verified_age_s = -1,
	                                       .reminders = reminders},
	              out);
	fclose(out);
	return text;
}

static void has(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	if (!at || at[strlen(line)] != '\n' || (at > text && at[-1] != '\n'))
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

/* Every line is a sample or a comment, and every sample's family was introduced. */
static void is_well_formed(const char *text)
{
	char family[128] = "";
	while (*text) {
		const char *end = strchr(text, '\n');
		assert_non_null(end);
		if (sscanf(text, "# TYPE %127s", family) != 1 && *text != '#')
			assert_memory_equal(text, family, strlen(family));
		text = end + 1;
	}
}

static void test_counts(void **state)
{
	(void)state;
	struct registry *registry = registry_new(groups, 1);
	struct metrics *metrics = metrics_new(registry);
	metrics_count(metrics, &rows[0], "ok", 900);
	metrics_count(metrics, &rows[0], "ok", 1000);
	metrics_count(metrics, &rows[0], "duplicate", 30 * 1000 * 1000);
	metrics_count(metrics, &rows[1], "never heard of", 0);
	metrics_count(metrics, NULL, "parse_error", 0);
	char *text = written(metrics, NULL);
	is_well_formed(text);
	has(text, "tracktwo_requests_total{method=\"thing.make\",outcome=\"ok\"} 2");
	has(text, "tracktwo_requests_total{method=\"thing.make\",outcome=\"duplicate\"} 1");
	has(text, "tracktwo_requests_total{method=\"thing.ping\",outcome=\"internal\"} 1");
	has(text, "tracktwo_requests_total{method=\"none\",outcome=\"parse_error\"} 1");
	has(text, "tracktwo_request_duration_seconds_bucket{method=\"thing.make\",le=\"0.0005\"} 0");
	has(text, "tracktwo_request_duration_seconds_bucket{method=\"thing.make\",le=\"0.001\"} 2");
	has(text, "tracktwo_request_duration_seconds_bucket{method=\"thing.make\",le=\"10\"} 2");
	has(text, "tracktwo_request_duration_seconds_bucket{method=\"thing.make\",le=\"+Inf\"} 3");
	has(text, "tracktwo_request_duration_seconds_count{method=\"thing.make\"} 3");
	has(text, "tracktwo_request_duration_seconds_sum{method=\"thing.make\"} 30.001900");
	free(text);
	metrics_free(metrics);
	registry_free(registry);
}

static void test_gauges(void **state)
{
	(void)state;
	struct registry *registry = registry_new(groups, 1);
	struct metrics *metrics = metrics_new(registry);
	json_t *reminders = json_pack("{s:i, s:i}", "pending", 5, "due", 0);
	metrics_client(metrics, "unix", 1);
	metrics_client(metrics, "tcp", 1);
	metrics_client(metrics, "unix", 1);
	metrics_client(metrics, "tcp", -1);
	char *text = written(metrics, reminders);
	is_well_formed(text);
	has(text, "tracktwo_build_info{version=\"1.2.3\"} 1");
	has(text, "process_start_time_seconds 1.500");
	has(text, "tracktwo_in_flight_requests 7");
	has(text, "tracktwo_backup_age_seconds 3600");
	assert_null(strstr(text, "verified_age"));
	has(text, "tracktwo_clients{transport=\"unix\"} 2");
	has(text, "tracktwo_clients{transport=\"tcp\"} 0");
	has(text, "tracktwo_database_queue_requests 3");
	has(text, "tracktwo_database_in_flight_requests 2");
	has(text, "tracktwo_database_connections{state=\"ready\"} 4");
	has(text, "tracktwo_database_connections{state=\"down\"} 0");
	has(text, "tracktwo_reminders{state=\"pending\"} 5");
	free(text);
	json_decref(reminders);
	text = written(metrics, NULL);
	is_well_formed(text);
	assert_null(strstr(text, "tracktwo_reminders"));
	free(text);
	metrics_free(metrics);
	registry_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_gauges)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
