/* Reference: countries, and the roadmap word for word. */
#include "api/methods.h"
#include "api/types.h"

static const struct type standing = {.kind = TYPE_CHOICE,
                                     .choices = (const char *const[]){"counterpart", "home", "other", NULL}};
static const struct type country_names = {.kind = TYPE_OBJECT,
                                          TYPE_MEMBERS({"en", &api_text_record, MEMBER_REQUIRED, NULL},
                                                       {"ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                                       {"native", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type country = {.name = "Country",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"code", &type_country, MEMBER_REQUIRED, NULL},
                                                 {"standing", &standing, MEMBER_REQUIRED, NULL},
                                                 {"names", &country_names, MEMBER_REQUIRED, NULL})};
static const struct type country_records = {.kind = TYPE_LIST, .element = &country};
static const struct type country_page = {.name = "CountryPage", .kind = TYPE_OBJECT, API_PAGE_OF(country_records)};

static const struct type objective = {.name = "Objective",
                                      .kind = TYPE_OBJECT,
                                      TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"text_ko", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type objectives = {.kind = TYPE_LIST, .element = &objective};
static const struct type indicator = {.name = "Indicator",
                                      .kind = TYPE_OBJECT,
                                      TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"unit", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"target", &type_number, MEMBER_NULLABLE, NULL},
                                                   {"direction", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type indicators = {.kind = TYPE_LIST, .element = &indicator};
static const struct type workstream = {.name = "Workstream",
                                       .kind = TYPE_OBJECT,
                                       TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"objectives", &objectives, MEMBER_REQUIRED, NULL},
                                                    {"indicators", &indicators, MEMBER_REQUIRED, NULL})};
static const struct type workstreams = {.kind = TYPE_LIST, .element = &workstream};
static const struct type years = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"min", &type_integer, MEMBER_REQUIRED, NULL},
                 {"max", &type_integer, MEMBER_NULLABLE, "Null where the estimate is open."})};
static const struct type phase = {.name = "Phase",
                                  .kind = TYPE_OBJECT,
                                  TYPE_MEMBERS({"number", &type_integer, MEMBER_REQUIRED, NULL},
                                               {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                               {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                               {"estimate_years", &years, MEMBER_REQUIRED, NULL},
                                               {"workstreams", &workstreams, MEMBER_REQUIRED, NULL})};
static const struct type phases = {.kind = TYPE_LIST, .element = &phase};
static const struct type roadmap = {.name = "Roadmap",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"version", &type_integer, MEMBER_REQUIRED, NULL},
                                                 {"phases", &phases, MEMBER_REQUIRED, NULL})};
static const struct type version_number = {.kind = TYPE_INTEGER, .min = 1, .max = 1000000};

static const struct method rows[] = {
    {.name = "country.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Every assigned country: home, the five counterparts, and all others.",
     METHOD_NO_PARAMS,
     .result = &country_page,
     .columns = "code,standing,names.en,names.ko,names.native",
     .example = "{}"},
    {.name = "roadmap.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "The roadmap: phases, workstreams, objectives and indicators.",
     METHOD_PARAMS({"version", &version_number, MEMBER_OPTIONAL, "An earlier version; the one in force when absent."}),
     .result = &roadmap,
     .example = "{}"},
};
const struct method_group api_reference = {rows, sizeof rows / sizeof *rows};
