/* Recurrence, from local times to instants: the walk gives the one in order, the zone makes the other of them.
 *
 * Order is lost in one place only: a time that a gap moves forward may overtake times behind the gap. Such are held
 * until a time that exists comes after them.
 *
 * Invariant: `last_us` is the newest instant of the set, counted, given or not; what is not later than it has come
 * already, or lies before the start. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "recurrence_rule.h"
#include "text/recurrence.h"
#include "text/zone.h"

#define MICROS INT64_C(1000000)
#define LAST_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

/* No clock was ever put on by more than a day: what comes later than an instant is found from this long before it on,
 * and what a gap has moved is overtaken by nothing after this long. */
enum { REACH_S = 2 * 86400 };

struct expansion {
	const struct recurrence *recurrence;
	struct recurrence_rule rule;
	struct recurrence_set *set;
	int64_t after_us, last_us;
	size_t most;
	int counted;
	bool started, done;
	int64_t *held; /* in order */
	size_t held_count, held_room;
};

static bool is_excluded(const struct recurrence *recurrence, int64_t instant_us)
{
	for (size_t i = 0; i < recurrence->exdate_count; i++)
		if (recurrence->exdates_us[i] == instant_us)
			return true;
	return false;
}

static void accept(struct expansion *expansion, int64_t instant_us)
{
	struct recurrence_set *set = expansion->set;
	if (expansion->done || (expansion->started && instant_us <= expansion->last_us))
		return;
	if (instant_us > LAST_US || (expansion->rule.count > 0 && expansion->counted >= expansion->rule.count)) {
		expansion->done = true;
		return;
	}
	if (expansion->started)
		set->empty = false;
	expansion->started = true;
	expansion->last_us = instant_us;
	expansion->counted++;
	if (instant_us <= expansion->after_us || is_excluded(expansion->recurrence, instant_us))
		return;
	if (set->count == expansion->most)
		expansion->done = set->more = true;
	else
		set->instants_us[set->count++] = instant_us;
}

static void hold(struct expansion *expansion, int64_t instant_us)
{
	if (expansion->held_count == expansion->held_room) {
		expansion->held_room = expansion->held_room * 2 + 16;
		int64_t *held = reallocarray(expansion->held, expansion->held_room, sizeof *held);
		if (!held) {
			log_error("", "recurrence: out of memory");
			abort();
		}
		expansion->held = held;
	}
	/* Moved by the same gap they come in order. */
	expansion->held[expansion->held_count++] = instant_us;
}

static void release_before(struct expansion *expansion, int64_t instant_us)
{
	size_t count = 0;
	while (count < expansion->held_count && expansion->held[count] < instant_us)
		accept(expansion, expansion->held[count++]);
	if (count == 0)
		return;
	expansion->held_count -= count;
	memmove(expansion->held, expansion->held + count, expansion->held_count * sizeof *expansion->held);
}

static void walk_on(struct expansion *expansion, const struct zone *zone, int64_t start_s, int64_t fraction_us)
{
	struct recurrence_walk walk;
	const struct recurrence_rule *rule = &expansion->rule;
	int64_t local_s, start_local_s = zone_local_of(zone, start_s), from_s = start_local_s;
	/* What COUNT counts must be seen. */
	if (rule->count == 0 && expansion->after_us > expansion->recurrence->start_us)
		from_s = zone_local_of(zone, expansion->after_us / MICROS) - REACH_S;
	recurrence_walk_init(&walk, rule, start_local_s, from_s);
	while (!expansion->done && recurrence_walk_next(&walk, &local_s)) {
		if (rule->until == RECURRENCE_UNTIL_LOCAL && local_s > rule->until_s)
			break;
		bool moved;
		int64_t instant_s = zone_instant_of(zone, local_s, &moved);
		bool past = rule->until == RECURRENCE_UNTIL_INSTANT && instant_s > rule->until_s;
		if (past && (!moved || instant_s > rule->until_s + REACH_S))
			break;
		if (local_s == start_local_s && !past)
			expansion->set->empty = false;
		int64_t instant_us = instant_s * MICROS + fraction_us;
		/* What an earlier gap moved has nothing to wait for, should every time lie in one. */
		release_before(expansion, moved ? instant_us - REACH_S * MICROS : instant_us);
		if (!moved)
			accept(expansion, instant_us);
		else if (!past)
			hold(expansion, instant_us);
	}
	release_before(expansion, INT64_MAX);
	free(expansion->held);
}

bool recurrence_expand(struct arena *arena, const struct recurrence *recurrence, int64_t after_us, size_t most,
                       struct recurrence_set *set, struct err *err)
{
	struct expansion expansion = {.recurrence = recurrence, .set = set, .after_us = after_us, .most = most};
	struct zone zone;
	if (most < 1 || recurrence->exdate_count > RECURRENCE_EXDATES_MAX)
		return err_set(err, "ask for at least one occurrence, and give at most %d exdates", RECURRENCE_EXDATES_MAX);
	if (!recurrence_rule_read(recurrence->rule, &expansion.rule, err))
		return false;
	if (!zone_init(&zone, recurrence->zone, err))
		return false;
	*set = (struct recurrence_set){
	    .instants_us = arena_alloc(arena, most * sizeof *set->instants_us),
	    .empty = after_us < recurrence->start_us,
	};
	int64_t fraction_us = (recurrence->start_us % MICROS + MICROS) % MICROS;
	accept(&expansion, recurrence->start_us);
	walk_on(&expansion, &zone, (recurrence->start_us - fraction_us) / MICROS, fraction_us);
	zone_release(&zone);
	return true;
}
