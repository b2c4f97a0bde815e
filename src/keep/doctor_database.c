/* Doctor_database: over the connection that the daemon itself would use, so that what is found is what it would find.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "text/digest.h"
#include "text/json.h"
#include "text/time.h"
#include "text/zone.h"

#define START "start the daemon: \"systemctl start tracktwod\", or \"tracktwod\""

enum { SKEW_WARN_MS = 2000, SKEW_BAD_MS = 60000 };

/* The run-time role's connection string; NULL when it is known that nobody answers there. */
static const char *choose(struct findings *findings, struct cluster_hold **hold)
{
	const struct config *config = findings->keep->config;
	struct cluster_look look;
	struct err err;
	if (strcmp(config->dsn, "embedded") != 0)
		return config->dsn;
	if (!cluster_look(config->state_dir, &look, &err)) {
		findings_add(findings, "database", "bad", START, "%s", err.message);
		return NULL;
	}
	if (look.data_version != 0 && look.newest_version > look.data_version)
		findings_add(findings, "database", "warn", "stop the daemon, and run \"tracktwo admin upgrade-cluster\"",
		             "the data is PostgreSQL %d's, and %d is installed", look.data_version, look.newest_version);
	if (!look.served) {
		findings_add(findings, "database", "bad", START,
		             "no daemon runs, and with it no database; what it would tell was not looked at");
		return NULL;
	}
	*hold = cluster_hold_visit(config->state_dir, config->postgres_bin, &err);
	if (!*hold)
		findings_add(findings, "database", "bad", START, "%s", err.message);
	return *hold ? cluster_hold_dsn(*hold) : NULL;
}

static void check_clock(struct findings *findings, struct migrate_db *db)
{
	PGresult *result = migrate_db_query(db, "reading the clock",
	                                    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", 0, NULL);
	if (!result)
		return;
	long long skew_ms = atoll(PQgetvalue(result, 0, 0)) - time_now_micros() / 1000;
	long long size_ms = llabs(skew_ms);
	PQclear(result);
	findings_add(findings, "clock",
	             size_ms > SKEW_BAD_MS    ? "bad"
	             : size_ms > SKEW_WARN_MS ? "warn"
	                                      : "ok",
	             size_ms > SKEW_WARN_MS ? "run a time service on the database server and on this machine" : NULL,
	             "the database's clock, which decides what is due, is %s s from this machine's",
	             arena_printf(&findings->keep->arena, "%.1f", (double)skew_ms / 1000));
}

/* A rule is walked by the daemon, and its hours are reckoned by the server: both must know the same changes of clocks.
 */
static void check_zones(struct findings *findings, struct migrate_db *db)
{
	static const char *const zones[] = {"Asia/Seoul", "Asia/Pyongyang", "America/New_York", "Europe/Berlin"};
	/* Across the changes of a year to come, and Pyongyang's of 2015 and 2018. */
	static const int64_t instants[] = {1420070400, 1451606400, 1530403200};
	int64_t now_s = time_now_micros() / 1000000;
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		for (size_t k = 0; k < 3 + 12; k++) {
			int64_t at_s = k < 3 ? instants[k] : now_s + (int64_t)(k - 3) * 30 * 86400;
			char text[24];
			struct zone zone;
			struct err err;
			snprintf(text, sizeof text, "%lld", (long long)at_s);
			const char *values[] = {text, zones[i]};
			PGresult *result = migrate_db_query(
			    db, "looking at zones", "SELECT extract(epoch FROM to_timestamp($1::bigint) AT TIME ZONE $2)::bigint",
			    2, values);
			int64_t theirs_s = result ? atoll(PQgetvalue(result, 0, 0)) : 0, ours_s = 0;
			PQclear(result);
			if (!result || !zone_init(&zone, zones[i], &err))
				return;
			ours_s = zone_local_of(&zone, at_s);
			zone_release(&zone);
			if (ours_s != theirs_s) {
				findings_add(findings, "zones", "bad", "install the newest tzdata here and on the database server",
				             "the database server and this machine disagree about the hour in %s", zones[i]);
				return;
			}
		}
	findings_add(findings, "zones", "ok", NULL, "the database server and this machine agree about time zones");
}

/* The owner alone reads the list; where nobody may connect as the owner, the daemon's own check must do. */
static void check_sums(struct findings *findings, const char *admin_dsn)
{
	struct err err;
	struct migrate_db db = {.err = &err};
	if (!*admin_dsn || !migrate_db_open(&db, admin_dsn, NULL))
		return;
	PGresult *result =
	    migrate_db_run(&db, "becoming tracktwo_owner", "SET ROLE tracktwo_owner")
	        ? migrate_db_query(&db, "reading store.migration", "SELECT name, checksum FROM store.migration", 0, NULL)
	        : NULL;
	size_t changed = 0;
	for (int row = 0; row < PQntuples(result); row++)
		for (const struct migrate_file *file = migrate_migrations; file->name; file++) {
			char hex[DIGEST_HEX_SIZE];
			if (strcmp(file->name, PQgetvalue(result, row, 0)) != 0)
				continue;
			digest_of(file->text, strlen(file->text), hex);
			if (strcmp(hex, PQgetvalue(result, row, 1)) == 0)
				continue;
			changed++;
			findings_add(findings, "migrations", "bad",
			             "install the release that made this database, or restore a backup of it",
			             "%s was changed after it was applied to the database", file->name);
		}
	if (result && changed == 0)
		findings_add(findings, "migrations", "ok", NULL, "what was applied is unchanged: %d migrations",
		             PQntuples(result));
	PQclear(result);
	migrate_db_close(&db);
}

/* system.doctor, by way of the database. */
static void ask(struct findings *findings, struct migrate_db *db)
{
	char sql[128];
	json_t *answer = NULL, *item;
	size_t index;
	snprintf(sql, sizeof sql, "SELECT %s.system_doctor('00000000-0000-0000-0000-000000000000')::text",
	         migrate_api_schema());
	PGresult *result = migrate_db_query(db, "asking the database", sql, 0, NULL);
	if (!result || !json_parse(PQgetvalue(result, 0, 0), strlen(PQgetvalue(result, 0, 0)), &answer, db->err)) {
		PQclear(result);
		findings_add(findings, "database", "bad", "see the daemon's journal", "%s", db->err->message);
		return;
	}
	json_array_foreach(json_object_get(answer, "items"), index, item)
		json_array_append(findings->list, item);
	json_int_t mailed = json_integer_value(json_object_get(answer, "mailed"));
	if (mailed > 0 && !*findings->keep->config->mail_server)
		findings_add(findings, "mail", "warn", "set [mail] server and from, or take their addresses out",
		             "%lld people have an address, and there is no mail server", (long long)mailed);
	json_decref(answer);
	PQclear(result);
}

static void check_release(struct findings *findings, const char *dsn, struct migrate_db *db)
{
	const struct keep_options *options = findings->keep->options;
	struct err err;
	if (migrate_check(dsn, options->functions, options->function_count, NULL, &err) != MIGRATE_DONE) {
		findings_add(findings, "functions", "bad",
		             "restart the daemon, or run \"tracktwod --migrate\"; when that refuses, it says why", "%s",
		             err.message);
		return;
	}
	findings_add(findings, "functions", "ok", NULL, "the database's schema and functions are this release's: %d, %s",
	             migrate_version(), migrate_api_schema());
	ask(findings, db);
}

void findings_of_database(struct findings *findings)
{
	const struct config *config = findings->keep->config;
	struct cluster_hold *hold = NULL;
	struct err err = {{0}};
	struct migrate_db db = {.err = &err};
	const char *dsn = choose(findings, &hold);
	if (dsn && !migrate_db_open(&db, dsn, NULL)) {
		findings_add(findings, "database", "bad",
		             hold ? "wait for the daemon to start it, or see its journal"
		                  : "see whether the server runs, and correct [database] dsn",
		             "%s", err.message);
	} else if (dsn) {
		findings_add(findings, "database", "ok", NULL, "PostgreSQL %s answers",
		             PQparameterStatus(db.connection, "server_version"));
		check_clock(findings, &db);
		check_zones(findings, &db);
		check_sums(findings, hold ? cluster_hold_store_dsn(hold) : config->admin_dsn);
		check_release(findings, dsn, &db);
		migrate_db_close(&db);
	}
	cluster_hold_close(hold);
}
