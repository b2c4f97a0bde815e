/* Holidays: the days on which reminders for working days do not come. */
#include "api/methods.h"
#include "api/types.h"

static const struct type record = {.name = "Holiday",
                                   .kind = TYPE_OBJECT,
                                   TYPE_MEMBERS({"country", &type_country, MEMBER_REQUIRED, NULL},
                                                {"day", &type_day, MEMBER_REQUIRED, NULL},
                                                {"name_en", &api_text_record, MEMBER_REQUIRED, NULL},
                                                {"name_ko", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "HolidayPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};

#define COUNTRY_PARAM                                                                                                  \
	{                                                                                                                  \
		"country", &type_country, MEMBER_OPTIONAL, "Whose; KR when absent. Only Korea's move reminders."               \
	}

static void check_list(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

static const struct method rows[] = {
    {.name = "holiday.set",
     .kind = METHOD_WRITE,
     .role = ROLE_ADMINISTRATOR,
     .summary = "Makes a day a holiday, such as one that the government has just declared.",
     METHOD_PARAMS(COUNTRY_PARAM, {"day", &type_day, MEMBER_REQUIRED, "Which day."},
                   {"name_en", &type_line, MEMBER_REQUIRED, "Its name."},
                   {"name_ko", &type_line, MEMBER_OPTIONAL, "Its Korean name; the same when absent."}),
     .result = &record,
     .example = "{\"day\": \"2027-05-06\", \"name_en\": \"Temporary holiday\", \"name_ko\": \"임시공휴일\"}"},
    {.name = "holiday.remove",
     .kind = METHOD_WRITE,
     .role = ROLE_ADMINISTRATOR,
     .summary = "Makes a holiday a working day; one that was computed does not come back.",
     METHOD_PARAMS(COUNTRY_PARAM, {"day", &type_day, MEMBER_REQUIRED, "Which day."}),
     .result = &record},
    {.name = "holiday.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Holidays, by day.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(COUNTRY_PARAM, {"since", &type_day, MEMBER_OPTIONAL, "That day or later."},
                             {"until", &type_day, MEMBER_OPTIONAL, "Before that day."}),
                .check = check_list},
     .result = &page,
     .columns = "day,name_en,name_ko",
     .example = "{\"since\": \"2027-01-01\", \"until\": \"2028-01-01\"}"},
};
const struct method_group api_holiday = {rows, sizeof rows / sizeof *rows};
