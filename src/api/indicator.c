/* Indicators: what was measured of what the roadmap aims at. */
#include "api/methods.h"
#include "api/types.h"

static const struct type code = {
    .kind = TYPE_TEXT, .min = 1, .max = 64, .help = "As roadmap.get shows it, such as 1.1/support."};
static const struct type sample_size = {.kind = TYPE_INTEGER, .min = 1, .max = 2147483647};

const struct type api_indicator_value = {
    .name = "IndicatorValue",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"indicator", &api_text_record, MEMBER_REQUIRED, NULL},
        {"value", &type_number, MEMBER_REQUIRED, NULL}, {"as_of", &type_day, MEMBER_REQUIRED, NULL},
        {"source", &api_text_record, MEMBER_REQUIRED, NULL}, {"sample_size", &type_integer, MEMBER_NULLABLE, NULL},
        {"margin", &type_number, MEMBER_NULLABLE, NULL}, {"question", &api_text_record, MEMBER_NULLABLE, NULL},
        {"recorded_by", &type_uuid, MEMBER_REQUIRED, NULL}, {"recorded_at", &type_instant, MEMBER_REQUIRED, NULL})};
static const struct type values = {.kind = TYPE_LIST, .element = &api_indicator_value};
static const struct type page = {.name = "IndicatorPage", .kind = TYPE_OBJECT, API_PAGE_OF(values)};

static void check_margin(json_t *object, const char *path, struct type_faults *faults)
{
	if (json_number_value(json_object_get(object, "margin")) < 0)
		type_fault(faults, api_path(faults, path, "margin"), "must not be negative");
}

static void check_interval(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

static const struct method rows[] = {
    {.name = "indicator.record",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records what was measured, where it was published, and how.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_ID_PARAM, {"indicator", &code, MEMBER_REQUIRED, "Which indicator."},
                             {"value", &type_number, MEMBER_REQUIRED, "The value, in the indicator's unit."},
                             {"as_of", &type_day, MEMBER_REQUIRED | MEMBER_PAST, "The day it stands for."},
                             {"source", &type_line, MEMBER_REQUIRED, "Who measured it, and where it is published."},
                             {"sample_size", &sample_size, MEMBER_OPTIONAL, "How many were asked."},
                             {"margin", &type_number, MEMBER_OPTIONAL, "The margin of error, in the same unit."},
                             {"question", &type_text, MEMBER_OPTIONAL, "What was asked, word for word."}),
                .check = check_margin},
     .result = &api_indicator_value,
     .example =
         "{\"indicator\": \"1.1/support\", \"value\": 41.5, \"as_of\": \"2026-10-01\", \"source\": \"A survey\", "
         "\"sample_size\": 1000}"},
    {.name = "indicator.series",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "What was measured of an indicator, oldest first.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS({"indicator", &code, MEMBER_REQUIRED, "Which indicator."},
                             {"since", &type_day, MEMBER_OPTIONAL | MEMBER_BOUND, "From this day on."},
                             {"until", &type_day, MEMBER_OPTIONAL | MEMBER_BOUND, "Before this day."}, API_PAGE_PARAMS),
                .check = check_interval},
     .result = &page,
     .columns = "as_of,value,source,sample_size,margin",
     .example = "{\"indicator\": \"1.1/support\"}"},
};
const struct method_group api_indicator = {rows, sizeof rows / sizeof *rows};
