/* Killed: two daemons on one database deliver to a receiver, and one or the other is killed at random moments and
 * started again, until all has been delivered: nothing is missing at the receiver, and what came more than once came
 * under one id.
 *
 * The receiver takes its time, so that messages are under way whenever somebody is killed. The database belongs to a
 * third daemon, which is stopped all the while and delivers nothing. TRACKTWO_KILLS says how often, TRACKTWO_SEED
 * when. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "../integration/checked.h"
#include "../integration/receiver.h"

enum {
	KILLS = 200,
	DELIVERIES_A_KILL = 100,
	GAP_MOST_MS = 1600, /* between two kills; half of it in the mean */
	SPAN_A_KILL_MS = 950,
	ANSWER_US = 8000,
	PROGRESS_KILLS = 20,
	REST_MS = 120000, /* for what is left after the last kill */
	FULL_TURN_MS = 100
};

struct seen {
	char id[UUID_TEXT_SIZE];
	unsigned times;
};

static struct harness keeper, daemons[2];
static char dsn[256];
static struct event_base *base;
static struct receiver receiver = {
    .paths = (const struct receiver_path[]){{NULL, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}}};
static struct event *killer;
static struct seen *seen;
static unsigned kills, kills_done, deliveries, arrived, repeats;
static unsigned short seed[3];

static void on_taken(struct receiver *at)
{
	const char *note = strstr(at->message, "\"note\":\"#"), *id = strstr(at->head, "webhook-id: ");
	assert_non_null(note);
	assert_non_null(id);
	unsigned long number = strtoul(note + strlen("\"note\":\"#"), NULL, 10);
	assert_in_range(number, 1, deliveries);
	struct seen *one = &seen[number - 1];
	id += strlen("webhook-id: ");
	if (one->times == 0)
		snprintf(one->id, sizeof one->id, "%.36s", id);
	else if (strncmp(one->id, id, strlen(one->id)) != 0)
		fail_msg("#%lu came as %s and then as %.36s", number, one->id, id);
	arrived += one->times == 0;
	repeats += one->times > 0;
	one->times++;
	usleep(ANSWER_US);
}

static void kill_in(long ms)
{
	event_add(killer, &(struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void on_killer(int fd, short what, void *context)
{
	struct harness *victim = &daemons[nrand48(seed) % 2];
	(void)fd;
	(void)what;
	(void)context;
	if (waitpid(victim->daemon, NULL, WNOHANG) != 0)
		fail_msg("a daemon ended by itself");
	harness_kill(victim);
	harness_start(victim);
	kills_done++;
	if (kills_done % PROGRESS_KILLS == 0)
		print_message("%u kills, %u of %u arrived, %u repeats\n", kills_done, arrived, deliveries, repeats);
	if (kills_done < kills)
		kill_in(nrand48(seed) % GAP_MOST_MS);
}

static int set_up(void **state)
{
	const char *given = getenv("TRACKTWO_KILLS"), *chosen = getenv("TRACKTWO_SEED");
	unsigned number = chosen ? (unsigned)strtoul(chosen, NULL, 10) : (unsigned)time(NULL);
	(void)state;
	kills = given ? (unsigned)strtoul(given, NULL, 10) : KILLS;
	deliveries = kills * DELIVERIES_A_KILL;
	seed[0] = (unsigned short)number, seed[1] = (unsigned short)(number >> 16);
	print_message("TRACKTWO_SEED=%u\n", number);
	seen = calloc(deliveries, sizeof *seen);
	assert_non_null(seen);
	base = event_base_new();
	killer = evtimer_new(base, on_killer, NULL);
	receiver.on_taken = on_taken;
	receiver_init(&receiver, base);
	harness_init(&keeper);
	harness_start(&keeper);
	harness_await(&keeper);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (keeper.daemon)
		kill(keeper.daemon, SIGCONT);
	harness_release(&daemons[0]);
	harness_release(&daemons[1]);
	harness_release(&keeper);
	receiver_release(&receiver);
	event_free(killer);
	event_base_free(base);
	free(seen);
	return 0;
}

/* As many reminders as there are to be deliveries, due one after the other. */
static void remind(void)
{
	struct client client;
	char sql[1024];
	client_open(&client, &keeper);
	json_t *who = client_result(&client, "principal.create", json_of("{'name':'Program','role':'officer'}"));
	json_decref(client_result(
	    &client, "webhook.create",
	    json_of("{'principal_id':'%s','url':'http://127.0.0.1:%d/'}", at_string(who, "id"), receiver.port)));
	client_close(&client);
	assert_int_equal(kill(keeper.daemon, SIGSTOP), 0);
	snprintf(sql, sizeof sql,
	         "INSERT INTO store.reminder (id, note, due_at, timezone, assignee_id, channels, created_by) SELECT "
	         "store.uuid7(), '#' || n, clock_timestamp() + n * interval '%f ms', 'UTC', '%s', '{webhook}', '%s' FROM "
	         "generate_series(1, %u) AS n",
	         (double)SPAN_A_KILL_MS / DELIVERIES_A_KILL, at_string(who, "id"), at_string(who, "id"), deliveries);
	free(harness_query(&keeper, sql));
	json_decref(who);
}

static void start_daemons(void)
{
	const char *const settings[] = {dsn, "webhook.allow_http=yes", "webhook.allow_private=yes",
	                                "delivery.timeout_ms=2000", "delivery.retry_first_s=1"};
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         keeper.state);
	for (size_t i = 0; i < 2; i++) {
		harness_init(&daemons[i]);
		memcpy(daemons[i].settings, settings, sizeof settings);
		harness_start(&daemons[i]);
	}
	harness_await(&daemons[0]);
	harness_await(&daemons[1]);
}

static void turn(void)
{
	event_base_loopexit(base, &(struct timeval){.tv_usec = FULL_TURN_MS * 1000});
	event_base_dispatch(base);
}

static long ask(const char *what)
{
	return harness_count(&keeper, what);
}

static void report(double seconds, unsigned arrived_at_last_kill)
{
	char *takeover = harness_query(
	    &keeper,
	    "SELECT format('%s ms in the median, %s ms at most', percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), "
	    "max(ms)) FROM (SELECT round(extract(epoch FROM b.claimed_at - a.claimed_at) * 1000) AS ms FROM "
	    "store.delivery_attempt a JOIN store.delivery_attempt b ON b.delivery_id = a.delivery_id AND b.number = "
	    "a.number + 1 WHERE a.outcome = 'lost') AS taken");
	char *delay = harness_query(
	    &keeper,
	    "SELECT format('%s ms in the median, %s ms at most', percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), "
	    "max(ms)) FROM (SELECT round(extract(epoch FROM ended_at - due_at) * 1000) AS ms FROM store.delivery) AS d");
	print_message("%u kills, %u deliveries (%u before the last kill) in %.0f s; %u came again under the same id\n",
	              kills, arrived, arrived_at_last_kill, seconds, repeats);
	print_message("attempts lost: %ld; claimed again after: %s\n",
	              ask("SELECT count(*) FROM store.delivery_attempt WHERE outcome = 'lost'"), takeover);
	print_message("due to delivered: %s; daemons that delivered: %ld\n", delay,
	              ask("SELECT count(DISTINCT claimed_by) FROM store.delivery_attempt WHERE outcome = 'sent'"));
	free(takeover), free(delay);
}

/* The ledger agrees with the receiver. */
static void compare(void)
{
	PGconn *database = harness_database(&keeper);
	PGresult *rows = PQexec(database, "SELECT substr(r.note, 2), d.id, d.outcome FROM store.reminder r LEFT JOIN "
	                                  "store.delivery d ON d.reminder_id = r.id");
	assert_int_equal(PQntuples(rows), deliveries);
	for (int i = 0; i < PQntuples(rows); i++) {
		const struct seen *one = &seen[strtoul(PQgetvalue(rows, i, 0), NULL, 10) - 1];
		assert_string_equal(PQgetvalue(rows, i, 1), one->id);
		assert_string_equal(PQgetvalue(rows, i, 2), "delivered");
	}
	PQclear(rows);
	PQfinish(database);
}

static void test_nothing_is_missing(void **state)
{
	long long until;
	unsigned arrived_at_last_kill;
	(void)state;
	remind();
	start_daemons();
	long long began = harness_now_ms();
	kill_in(GAP_MOST_MS / 2);
	while (kills_done < kills)
		turn();
	arrived_at_last_kill = arrived;
	until = harness_now_ms() + REST_MS;
	while (ask("SELECT count(*) FROM store.delivery WHERE outcome = 'delivered'") < (long)deliveries &&
	       harness_now_ms() < until)
		turn();
	report((double)(harness_now_ms() - began) / 1000, arrived_at_last_kill);
	assert_int_equal(arrived, deliveries);
	compare();
	assert_int_equal(ask("SELECT count(*) FROM store.delivery"), deliveries);
	assert_int_equal(ask("SELECT count(*) FROM store.reminder WHERE status <> 'due'"), 0);
	/* Otherwise nobody was killed with anything in hand. */
	assert_true(ask("SELECT count(*) FROM store.delivery_attempt WHERE outcome = 'lost'") >= (long)kills / 4);
	assert_true(repeats > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_missing)};
	return cmocka_run_group_tests_name("killed", tests, set_up, tear_down);
}
