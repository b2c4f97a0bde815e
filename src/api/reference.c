/* Reference: countries. */
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

static const struct method rows[] = {
    {.name = "country.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Every assigned country: home, the five counterparts, and all others.",
     METHOD_NO_PARAMS,
     .result = &country_page,
     .columns = "code,standing,names.en,names.ko,names.native",
     .example = "{}"},
};
const struct method_group api_reference = {rows, sizeof rows / sizeof *rows};
