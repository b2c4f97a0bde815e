/* Calendars: feeds that a phone subscribes to, and the same entries for whoever asks by name. */
#include "api/methods.h"
#include "api/types.h"

/* One scope: a country's, a workstream's, or a person's. */
static void check_scope(json_t *object, const char *path, struct type_faults *faults)
{
	static const char *const scopes[] = {"country", "workstream", "principal_id", NULL};
	const char *first = NULL;

	for (size_t i = 0; scopes[i]; i++) {
		if (!json_object_get(object, scopes[i]))
			continue;
		if (first)
			type_fault(faults, api_path(faults, path, scopes[i]), "does not go with %s; name one of them", first);
		else
			first = scopes[i];
	}
}

#define SCOPE_PARAMS                                                                                                   \
	{"country", &type_country, MEMBER_OPTIONAL, "All engagements with this country."},                                 \
	    {"workstream", &type_workstream, MEMBER_OPTIONAL, "All engagements of this workstream."},                      \
	{                                                                                                                  \
		"principal_id", &type_uuid, MEMBER_OPTIONAL,                                                                   \
		    "What this person keeps or takes part in; the caller when nothing is named. A director may name others."   \
	}

static const struct type scope = {.name = "CalendarScope",
                                  .kind = TYPE_CHOICE,
                                  .choices = (const char *const[]){"person", "country", "workstream", NULL}};
static const struct type kind = {
    .name = "CalendarItemKind", .kind = TYPE_CHOICE, .choices = (const char *const[]){"event", "todo", NULL}};

#define CALENDAR_MEMBERS                                                                                               \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"name", &api_text_record, MEMBER_REQUIRED, NULL}, {"scope", &scope, MEMBER_REQUIRED, NULL},                   \
	    {"country", &type_country, MEMBER_NULLABLE, NULL}, {"workstream", &type_workstream, MEMBER_NULLABLE, NULL},    \
	    {"principal_id", &type_uuid, MEMBER_REQUIRED, "Whose reminders it shows; of a person, engagements too."},      \
	    {"revoked_at", &type_instant, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},       \
	    {"created_at", &type_instant, MEMBER_REQUIRED, NULL},                                                          \
	{                                                                                                                  \
		"updated_at", &type_instant, MEMBER_REQUIRED, NULL                                                             \
	}

static const struct type record = {.name = "Calendar", .kind = TYPE_OBJECT, TYPE_MEMBERS(CALENDAR_MEMBERS)};
static const struct type created = {
    .name = "CalendarCreated",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(CALENDAR_MEMBERS,
                 {"token", &api_text_record, MEMBER_NULLABLE, "Shown once; null when a call is repeated."},
                 {"path", &api_text_record, MEMBER_NULLABLE,
                  "Where the feed is, by HTTP; as secret as the token, and null with it."})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "CalendarPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};

static const struct type item = {
    .name = "CalendarItem",
    .kind = TYPE_OBJECT,
    .help = "An engagement, or a reminder, as far as a calendar shows it.",
    TYPE_MEMBERS(
        {"kind", &kind, MEMBER_REQUIRED, NULL}, {"id", &type_uuid, MEMBER_REQUIRED, NULL},
        {"version", &type_integer, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
        {"status", &api_text_record, MEMBER_REQUIRED, "The engagement's, or the reminder's."},
        {"starts_at", &type_instant, MEMBER_NULLABLE, NULL}, {"ends_at", &type_instant, MEMBER_NULLABLE, NULL},
        {"starts_on", &type_day, MEMBER_NULLABLE, "The first day; of a month or year, its first."},
        {"ends_on", &type_day, MEMBER_NULLABLE, "The last day; of a month or year, its last."},
        {"due_at", &type_instant, MEMBER_NULLABLE, "Of a reminder."},
        {"location", &api_text_record, MEMBER_NULLABLE, NULL}, {"countries", &api_code_list, MEMBER_REQUIRED, NULL},
        {"workstreams", &api_code_list, MEMBER_REQUIRED, NULL}, {"created_at", &type_instant, MEMBER_REQUIRED, NULL},
        {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};
static const struct type items = {.kind = TYPE_LIST, .element = &item};
static const struct type export = {
    .name = "CalendarExport",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"items", &items, MEMBER_REQUIRED, "The entries: events, then to-dos, each by time."},
                 {"next_cursor", &api_cursor, MEMBER_NULLABLE, "Always null: a calendar comes whole."},
                 {"name", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"left_out", &type_integer, MEMBER_REQUIRED,
                  "Entries beyond the latest 500 events and 500 to-dos, which are all that a calendar holds."})};

static const struct method rows[] = {
    {.name = "calendar.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary =
         "Makes a feed for calendar programs: whoever has its path reads it, without any other token. The path is "
         "shown once: sent again, the call is answered with null.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_ID_PARAM, {"name", &type_line, MEMBER_OPTIONAL, "What calendar programs call it."},
                             SCOPE_PARAMS),
                .check = check_scope},
     .result = &created,
     .example = "{\"country\": \"CN\"}"},
    {.name = "calendar.revoke",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Ends a feed: one's own, or, as a director, anybody's.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which: its id, not its token."}),
     .result = &record},
    {.name = "calendar.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One's own feeds, for a director everybody's; never their paths.",
     METHOD_PARAMS(API_PAGE_PARAMS),
     .result = &page,
     .columns = "name,scope,principal_id,created_at,revoked_at,id",
     .example = "{}"},
    {.name = "calendar.export",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "What a feed shows: engagements still to come and those of the last 90 days, and the reminders of its "
                "principal; nothing above internal.",
     .params = {.kind = TYPE_OBJECT, TYPE_MEMBERS(SCOPE_PARAMS), .check = check_scope},
     .result = &export,
     .columns = "kind,starts_at,starts_on,due_at,status,title,id",
     .example = "{\"workstream\": \"1.3\"}"},
};
const struct method_group api_calendar = {rows, sizeof rows / sizeof *rows};
