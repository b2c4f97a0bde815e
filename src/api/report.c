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

static const struct method rows[] = {
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
