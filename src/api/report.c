/* Reports: what the roadmap has got out of all the meetings. */
#include "api/methods.h"
#include "api/types.h"

static const struct type cell = {
    .name = "CoverageCell",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL}, {"workstream", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"bilateral", &api_count, MEMBER_REQUIRED, "With at most one country besides Korea."},
                 {"multilateral", &api_count, MEMBER_REQUIRED, "With more."},
                 {"last_on", &type_day, MEMBER_REQUIRED, "The day of the last one, in Seoul."})};
static const struct type cells = {.kind = TYPE_LIST, .element = &cell};
static const struct type gap = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL}, {"workstream", &api_text_record, MEMBER_REQUIRED, NULL})};
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
};
const struct method_group api_report = {rows, sizeof rows / sizeof *rows};
