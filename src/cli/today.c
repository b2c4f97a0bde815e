/* Today: the answer of report.today as one page of sections, or as one list for programs.
 *
 * What a section is stands in a table: where its items are, and which of their members go into the columns that all
 * sections share, so that a program reads one table whatever the day holds. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/screen.h"
#include "cli/words.h"
#include "text/language.h"
#include "text/time.h"

enum section_kind { SECTION_REMINDER, SECTION_COMMITMENT, SECTION_EVENT, SECTION_CADENCE };

static const struct section {
	const char *name; /* the member of the answer */
	const char *heading;
	enum section_kind kind;
} sections[] = {
    {"reminders", SAID("Reminders due"), SECTION_REMINDER},
    {"we_owe", SAID("Promises of ours past their day"), SECTION_COMMITMENT},
    {"they_owe", SAID("Promises to us past their day"), SECTION_COMMITMENT},
    {"readouts", SAID("Past and planned still, without a readout"), SECTION_EVENT},
    {"today", SAID("Planned for today"), SECTION_EVENT},
    {"next", SAID("Planned for the next days"), SECTION_EVENT},
    {"neglected", SAID("Not in touch for too long"), SECTION_CADENCE},
};

/* The members that a kind of section shows. */
static const struct {
	const char *when[2]; /* the first that is there */
	const char *what, *who;
} members[] = {
    [SECTION_REMINDER] = {{"due_at", NULL}, "note", "about"},
    [SECTION_COMMITMENT] = {{"due_on", NULL}, "text", "by.name"},
    [SECTION_EVENT] = {{"starts_at", "starts_on"}, "title", "countries"},
    [SECTION_CADENCE] = {{"due_on", NULL}, "name", "last_on"},
};

static const char *when_of(struct arena *arena, const json_t *item, enum section_kind kind)
{
	const char *when = output_cell(arena, item, members[kind].when[0]);
	return *when || !members[kind].when[1] ? when : output_cell(arena, item, members[kind].when[1]);
}

static const char *id_of(struct arena *arena, const json_t *item)
{
	static const char *const names[] = {"id", "contact_id", "dialogue_id"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *id = output_cell(arena, item, names[i]);
		if (*id)
			return id;
	}
	return "";
}

static bool is_late(const struct section *section, const json_t *item)
{
	return section->kind == SECTION_COMMITMENT || section->kind == SECTION_CADENCE ||
	       strcmp(section->name, "readouts") == 0 || json_is_true(json_object_get(item, "overdue"));
}

static void print_lines(struct arena *arena, const json_t *today)
{
	static const char *const columns[] = {"section", "when", "overdue", "what", "who", "id"};
	struct grid grid = {.arena = arena};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		grid_add_column(&grid, columns[i]);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		const json_t *items = json_object_get(json_object_get(today, sections[i].name), "items");
		enum section_kind kind = sections[i].kind;
		for (size_t k = 0; k < json_array_size(items); k++) {
			const json_t *item = json_array_get(items, k);
			grid_add_cell(&grid, sections[i].name);
			grid_add_cell(&grid, when_of(arena, item, kind));
			grid_add_cell(&grid, is_late(&sections[i], item) ? "true" : "false");
			grid_add_cell(&grid, output_cell(arena, item, members[kind].what));
			grid_add_cell(&grid, output_cell(arena, item, members[kind].who));
			grid_add_cell(&grid, id_of(arena, item));
		}
	}
	grid_print_lines(stdout, &grid);
}

/* The word beside a date: how late, or in which state. */
static const char *mark_of(struct arena *arena, const json_t *item, const struct section *section)
{
	switch (section->kind) {
	case SECTION_REMINDER:
		return json_is_true(json_object_get(item, "overdue")) ? say("overdue") : say("due");
	case SECTION_COMMITMENT:
		return arena_printf(arena, say("%lld days late"), json_integer_value(json_object_get(item, "days")));
	case SECTION_EVENT:
		return words_of(output_cell(arena, item, "kind"));
	case SECTION_CADENCE:
		return strcmp(output_cell(arena, item, "beyond"), "maximum") == 0 ? say("long overdue") : say("overdue");
	}
	return "";
}

/* A section's own columns carry the names of members that the colours know. */
static void print_section(FILE *out, struct arena *arena, const struct section *section, const json_t *found,
                          const char *zone)
{
	struct grid grid = {.arena = arena};
	const json_t *items = json_object_get(found, "items");
	json_int_t count = json_integer_value(json_object_get(found, "count"));
	fputc('\n', out);
	screen_print_heading(out, arena_printf(arena, "%s (%lld)", say(section->heading), count));
	if (count == 0) {
		fprintf(out, "  %s\n", say("nothing"));
		return;
	}
	grid_add_column(&grid, "when");
	grid_add_column(&grid, "mark");
	grid_add_column(&grid, "what");
	grid_add_column(&grid, "who");
	grid_add_column(&grid, "id");
	grid_add_column(&grid, ".overdue");
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		grid_add_cell(&grid, output_instant(arena, when_of(arena, item, section->kind), zone));
		grid_add_cell(&grid, mark_of(arena, item, section));
		const char *what = output_cell(arena, item, members[section->kind].what);
		const char *who = output_cell(arena, item, members[section->kind].who);
		/* A reminder that follows a record names it already. */
		if (strstr(what, who))
			who = "";
		grid_add_cell(&grid, what);
		grid_add_cell(&grid,
		              section->kind == SECTION_CADENCE && *who ? arena_printf(arena, say("last on %s"), who) : who);
		grid_add_cell(&grid, id_of(arena, item));
		grid_add_cell(&grid, is_late(section, item) ? "true" : "");
	}
	/* That ids have no room is nothing to be told of here: names and titles stand for them. */
	(void)grid_print(out, &grid, GRID_BARE);
	if (count > (json_int_t)json_array_size(items))
		fprintf(out, say("  and %lld more\n"), count - (json_int_t)json_array_size(items));
}

static const char *weekday_of(const char *day)
{
	static const char *const english[] = {SAID("Thursday"), SAID("Friday"),  SAID("Saturday"), SAID("Sunday"),
	                                      SAID("Monday"),   SAID("Tuesday"), SAID("Wednesday")};
	int32_t days;
	if (!time_parse_day(day, &days, NULL))
		return "";
	return english[((days % 7) + 7) % 7];
}

static void print_page(struct arena *arena, const json_t *today)
{
	const char *zone = output_cell(arena, today, "timezone"), *day = output_cell(arena, today, "day");
	FILE *out = screen_begin();
	const char *now = output_instant(arena, output_cell(arena, today, "now"), zone);
	screen_print_heading(out, arena_printf(arena, "%s %s, %s", say(weekday_of(day)), now, zone));
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		print_section(out, arena, &sections[i], json_object_get(today, sections[i].name), zone);
	(void)!screen_end(out);
}

static int run_today(struct cli *cli)
{
	long days = 0;
	struct err err;
	json_t *params = json_object(), *today;
	if (!command_take_number(cli, "days", &days, &err)) {
		json_decref(params);
		return command_usage("%s", err.message);
	}
	if (cli->arguments.count > 0) {
		json_decref(params);
		return command_usage_of(&command_today);
	}
	if (days > 0)
		json_object_set_new(params, "days", json_integer(days));
	int status = command_call(cli, "report.today", params, &today);
	if (status != CLI_DONE)
		return status;
	if (cli->format == OUTPUT_JSON)
		command_print(cli, NULL, today);
	else if (cli->format == OUTPUT_TSV)
		print_lines(&cli->arena, today);
	else
		print_page(&cli->arena, today);
	json_decref(today);
	return CLI_DONE;
}

const struct command command_today = {
    .word = "today",
    .summary = "Your day: what is due and overdue, promised, planned, and left without a readout.",
    .usage = "",
    .details = "In a pipe a line each, with the section that it belongs to.",
    .example = "tracktwo today --days 3",
    COMMAND_OPTIONS({"days", "N", "How many days ahead to look; 7 when absent.", COMMAND_VALUE_ANY, NULL}),
    .run = run_today,
};
