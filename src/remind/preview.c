/* Preview: the rule is worked out here; where the occurrences are to fall on working days, the database, which has the
 * holidays, moves them. */
#include "remind/preview.h"

#include <stdlib.h>
#include <string.h>

#include "api/reminder.h"
#include "rpc/rpc.h"
#include "text/json.h"

enum { COUNT_STANDARD = 10 };

const struct migrate_function preview_functions[] = {
    {"workdays_shift", "p_caller uuid, p_instants timestamp with time zone[], p_timezone text, p_workdays text", false},
};
const size_t preview_function_count = sizeof preview_functions / sizeof *preview_functions;

struct preview {
	struct pg_pool *pool;
	struct arena arena;
	struct pg_statement shift;
};

struct shifting {
	struct call *call;
	bool more;
};

static void answer(struct call *call, const char *instants, bool more)
{
	const char *text =
	    arena_printf(call_arena(call), "{\"instants\":%s,\"more\":%s}", instants, more ? "true" : "false");
	call_reply(call, text, strlen(text));
}

static void on_shifted(const struct pg_result *result, void *context)
{
	struct shifting shifting = *(struct shifting *)context;
	free(context);
	if (result->status == PG_OK && result->text)
		answer(shifting.call, result->text, shifting.more);
	else
		call_refuse(shifting.call, ERROR_UNAVAILABLE, "the database is out of reach; try again in a while");
}

static void shift(struct preview *preview, struct call *call, const struct reminder_rule *rule, const char *workdays,
                  const json_t *instants, bool more)
{
	struct shifting *shifting = malloc(sizeof *shifting);
	const char *list = json_text(call_arena(call), instants);
	char *literal = arena_strdup(call_arena(call), list);

	if (!shifting)
		abort();
	*shifting = (struct shifting){call, more};
	/* ["a","b"] and {"a","b"} differ in their brackets alone. */
	literal[0] = '{';
	literal[strlen(literal) - 1] = '}';
	pg_submit(preview->pool, &preview->shift,
	          (const char *const[]){call_caller(call), literal, rule->recurrence.zone, workdays}, on_shifted, shifting);
}

void preview_on_call(struct call *call, void *context)
{
	const json_t *params = call_params(call);
	const json_t *count = json_object_get(params, "count"), *workdays = json_object_get(params, "workdays");
	size_t most = count ? (size_t)json_integer_value(count) : COUNT_STANDARD, shown;
	struct reminder_rule rule;
	struct recurrence_set later;
	struct err err;
	int64_t *all;

	if (!reminder_rule_read(call_arena(call), params, &rule) ||
	    !recurrence_expand(call_arena(call), &rule.recurrence, rule.recurrence.start_us, most, &later, &err)) {
		call_refuse(call, ERROR_INVALID_PARAMS, "this rule cannot be worked out");
		return;
	}
	all = arena_alloc(call_arena(call), (later.count + 1) * sizeof *all);
	all[0] = rule.recurrence.start_us;
	memcpy(all + 1, later.instants_us, later.count * sizeof *all);
	shown = later.count + 1 < most ? later.count + 1 : most;
	bool more = later.more || shown < later.count + 1;
	json_t *instants = reminder_instants(all, shown);
	if (json_is_string(workdays))
		shift(context, call, &rule, json_string_value(workdays), instants, more);
	else
		answer(call, json_text(call_arena(call), instants), more);
	json_decref(instants);
}

struct preview *preview_new(struct pg_pool *pool, const char *api_schema)
{
	struct preview *preview = calloc(1, sizeof *preview);
	if (!preview)
		abort();
	preview->pool = pool;
	preview->shift = (struct pg_statement){
	    .sql =
	        arena_printf(&preview->arena,
	                     "SELECT %s.workdays_shift($1::uuid, $2::timestamptz[], $3::text, $4::text)::text", api_schema),
	    .parameters = 4,
	    .lane = PG_READ,
	};
	pg_statement_add(pool, &preview->shift);
	return preview;
}

void preview_free(struct preview *preview)
{
	if (!preview)
		return;
	arena_release(&preview->arena);
	free(preview);
}
