/* Reports: what the roadmap has got out of all the meetings. */
#include "api/methods.h"
#include "api/types.h"

static const struct type cell = {
    .name = "CoverageCell",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL},
                 {"workstream", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"bilateral", &api_count, MEMBER_REQUIRED, "With at most one country besides Korea."},
                 {"multilateral", &api_count, MEMBER_REQUIRED, "With more."},
                 {"last_on", &type_day, MEMBER_REQUIRED, "The day of the last one, in Seoul."})};
static const struct type cells = {.kind = TYPE_LIST, .element = &cell};
static const struct type gap = {.kind = TYPE_OBJECT,
                                TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL},
                                             {"workstream", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type gaps = {.kind = TYPE_LIST, .element = &gap};
static const struct type coverage = {
    .name = "Coverage",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"items", &cells, MEMBER_REQUIRED, NULL},
                 {"untouched", &gaps, MEMBER_REQUIRED, "Where nothing was held with Korea or a counterpart."})};

static void check_interval(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

static const struct type days = {.kind = TYPE_INTEGER, .min = 1, .max = 36500};
static const struct type neglect = {.name = "NeglectedPair",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL},
                                                 {"workstream", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"last_on", &type_day, MEMBER_NULLABLE, "Null: never."},
                                                 {"days", &type_integer, MEMBER_NULLABLE, "Since then."})};
static const struct type neglects = {.kind = TYPE_LIST, .element = &neglect};
static const struct type resting = {.name = "NeglectedDialogue",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL},
                                                 {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"last_on", &type_day, MEMBER_NULLABLE, "Null: never."},
                                                 {"days", &type_integer, MEMBER_NULLABLE, "Since then."})};
static const struct type restings = {.kind = TYPE_LIST, .element = &resting};
static const struct type beyond = {.kind = TYPE_CHOICE, .choices = (const char *const[]){"ideal", "maximum", NULL}};
static const struct type broken_cadence = {
    .name = "BrokenCadence",
    .kind = TYPE_OBJECT,
    .help = "Somebody whom, or a dialogue that, one meant to meet by now.",
    TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"dialogue_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"name", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"owner", &type_uuid, MEMBER_REQUIRED, "Whose care it is."},
                 {"last_on", &type_day, MEMBER_NULLABLE, "Null: never."}, {"due_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"beyond", &beyond, MEMBER_REQUIRED, "Which interval of the cadence has passed."})};
static const struct type broken_cadences = {.kind = TYPE_LIST, .element = &broken_cadence};
static const struct type neglected = {
    .name = "Neglected",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"items", &neglects, MEMBER_REQUIRED, "Korea and the counterparts, by workstream, the longest first."},
                 {"dialogues", &restings, MEMBER_REQUIRED, "Active dialogues without a cadence."},
                 {"cadences", &broken_cadences, MEMBER_REQUIRED, "Contacts and dialogues past their cadence."})};

static const struct type group = {
    .name = "ActivityGroup",
    .kind = TYPE_CHOICE,
    .choices = (const char *const[]){"month", "country", "kind", "track", "topic", "sector", NULL}};
static const struct type groups = {.kind = TYPE_LIST, .element = &group, .min = 1, .max = 6, .unique = true};
static const struct type activity_row = {
    .name = "ActivityRow",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"month", &api_text_record, MEMBER_OPTIONAL, "As YYYY-MM, in Seoul."},
                 {"country", &type_country, MEMBER_OPTIONAL, NULL},
                 {"kind", &api_engagement_kind, MEMBER_OPTIONAL, NULL},
                 {"track", &api_track, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL},
                 {"topic", &api_text_record, MEMBER_OPTIONAL, NULL}, {"sector", &api_sector, MEMBER_OPTIONAL, NULL},
                 {"count", &api_count, MEMBER_REQUIRED, NULL})};
static const struct type activity_rows = {.kind = TYPE_LIST, .element = &activity_row};
static const struct type activity = {
    .name = "Activity", .kind = TYPE_OBJECT, TYPE_MEMBERS({"items", &activity_rows, MEMBER_REQUIRED, NULL})};

static const struct type today_days = {.kind = TYPE_INTEGER, .min = 1, .max = 366};

/* The first items, and how many there are in all. */
#define SECTION(section, element_type)                                                                                 \
	static const struct type section##_items = {.kind = TYPE_LIST, .element = &(element_type)};                        \
	static const struct type section = {.kind = TYPE_OBJECT,                                                           \
	                                    TYPE_MEMBERS({"count", &api_count, MEMBER_REQUIRED, NULL},                     \
	                                                 {"items", &section##_items, MEMBER_REQUIRED, "The first 50."})}

static const struct type due_reminder = {
    .name = "TodayReminder",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"due_at", &type_instant, MEMBER_REQUIRED, NULL},
                 {"overdue", &type_boolean, MEMBER_REQUIRED, "Its moment has passed."},
                 {"status", &api_text_record, MEMBER_REQUIRED, NULL}, {"note", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"about", &api_text_record, MEMBER_NULLABLE, "What or whom it is about."})};
SECTION(due_reminders, due_reminder);
static const struct type owed = {
    .name = "TodayCommitment",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"due_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"days", &type_integer, MEMBER_REQUIRED, "Past that day."},
                 {"by", &api_party_record, MEMBER_REQUIRED, NULL}, {"to", &api_party_record, MEMBER_NULLABLE, NULL},
                 {"text", &api_text_record, MEMBER_REQUIRED, NULL})};
SECTION(owed_list, owed);
static const struct type event = {
    .name = "TodayEvent",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL},
                 {"status", &api_engagement_status, MEMBER_REQUIRED, NULL},
                 {"starts_at", &type_instant, MEMBER_NULLABLE, NULL}, {"starts_on", &type_day, MEMBER_NULLABLE, NULL},
                 {"precision", &api_precision, MEMBER_NULLABLE, NULL},
                 {"location", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"countries", &api_code_list, MEMBER_REQUIRED, NULL})};
SECTION(events, event);
static const struct type untended = {
    .name = "TodayNeglected",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"dialogue_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"name", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"last_on", &type_day, MEMBER_NULLABLE, "Null: never."}, {"due_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"beyond", &beyond, MEMBER_REQUIRED, "Which interval of the cadence has passed."})};
SECTION(untended_list, untended);
static const struct type today = {
    .name = "Today",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"day", &type_day, MEMBER_REQUIRED, "Where the caller works."},
        {"timezone", &api_text_record, MEMBER_REQUIRED, "The caller's."},
        {"now", &type_instant, MEMBER_REQUIRED, "The database's clock."},
        {"reminders", &due_reminders, MEMBER_REQUIRED, "Overdue, and due by the end of the day."},
        {"we_owe", &owed_list, MEMBER_REQUIRED, "Promises of ours past their day."},
        {"they_owe", &owed_list, MEMBER_REQUIRED, "Promises to us past their day."},
        {"readouts", &events, MEMBER_REQUIRED, "Planned for days before, and without a readout."},
        {"today", &events, MEMBER_REQUIRED, "Planned for this day."},
        {"next", &events, MEMBER_REQUIRED, "Planned for the days after it."},
        {"neglected", &untended_list, MEMBER_REQUIRED, "Contacts and dialogues past their cadence."})};

static const struct method rows[] = {
    {.name = "report.today",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "The caller's day: what is due and overdue, what was promised, planned and left without a readout.",
     METHOD_PARAMS({"days", &today_days, MEMBER_OPTIONAL, "How many days ahead to look; 7 when absent."}),
     .result = &today,
     .example = "{\"days\": 3}"},
    {.name = "report.coverage",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "How often each country was met on each workstream, and when last.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS({"since", &type_day, MEMBER_OPTIONAL, "From this day on."},
                             {"until", &type_day, MEMBER_OPTIONAL, "Before this day."}),
                .check = check_interval},
     .result = &coverage,
     .columns = "country,workstream,bilateral,multilateral,last_on",
     .example = "{}"},
    {.name = "report.neglected",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Where nothing has been held for so many days, or ever; and who is past their cadence.",
     METHOD_PARAMS({"days", &days, MEMBER_REQUIRED, "How many."}),
     .result = &neglected,
     .columns = "country,workstream,last_on,days",
     .example = "{\"days\": 180}"},
    {.name = "report.activity",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "How many engagements were held, by any of several groups together.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    {"group_by", &groups, MEMBER_REQUIRED, "What to count by; one in several groups counts in each."},
                    {"since", &type_day, MEMBER_OPTIONAL, "From this day on."},
                    {"until", &type_day, MEMBER_OPTIONAL, "Before this day."},
                    {"country", &type_country, MEMBER_OPTIONAL, "Only with this country."},
                    {"workstream", &type_workstream, MEMBER_OPTIONAL, "Only those that advance this workstream."}),
                .check = check_interval},
     .result = &activity,
     .example = "{\"group_by\": [\"country\", \"kind\"]}"},
};
const struct method_group api_report = {rows, sizeof rows / sizeof *rows};
