/* Changes: the trail of what was written, and undoing it. */
#include "api/methods.h"
#include "api/types.h"

static const struct type reason = {.kind = TYPE_TEXT, .min = 1, .max = 500};

static const struct type change = {
    .name = "Change",
    .kind = TYPE_OBJECT,
    .help = "One write.",
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The request_id under which it was written."},
                 {"at", &type_instant, MEMBER_REQUIRED, NULL}, {"by", &type_uuid, MEMBER_REQUIRED, "The principal."},
                 {"name", &api_text_record, MEMBER_REQUIRED, "Whose name that is."},
                 {"method", &api_text_record, MEMBER_REQUIRED, NULL}, {"noun", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"record_id", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"version", &type_integer, MEMBER_REQUIRED, "The record's, after it."},
                 {"title", &api_text_record, MEMBER_NULLABLE,
                  "What the record is called today; never a note's text, nor that of another's reminder."},
                 {"countries", &api_code_list, MEMBER_REQUIRED, "What the record concerns today."},
                 {"fields", &api_code_list, MEMBER_REQUIRED, "Members that it changed, where that is on record."},
                 {"undoable", &type_boolean, MEMBER_REQUIRED, "Whether change.undo may be tried."},
                 {"undid", &type_uuid, MEMBER_NULLABLE, "The change that this one undid."},
                 {"undone_by", &type_uuid, MEMBER_NULLABLE, "The change that undid this one, the last."},
                 {"cursor", &api_cursor, MEMBER_OPTIONAL,
                  "With order oldest: goes as cursor, or as after, to go on right behind this one."})};
static const struct type changes = {.kind = TYPE_LIST, .element = &change};

#define PAGE_MEMBERS                                                                                                   \
	TYPE_MEMBERS(                                                                                                      \
	    {"items", &changes, MEMBER_REQUIRED, "The records of this page; it may be short, and not the last."},          \
	    {"next_cursor", &api_cursor, MEMBER_NULLABLE, "Give it as cursor to get the next page; null on the last."},    \
	    {"after", &api_cursor, MEMBER_REQUIRED,                                                                        \
	     "Behind all that there is, or with order oldest behind this page: goes as cursor with order oldest, "         \
	     "or as after to change.subscribe."})
static const struct type page = {.name = "ChangePage", .kind = TYPE_OBJECT, PAGE_MEMBERS};

static const struct type subscription = {
    .name = "ChangeSubscription",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"subscription", &type_uuid, MEMBER_REQUIRED, "Stands in each notification change.made."},
                 {"cursor", &api_cursor, MEMBER_REQUIRED, "Where it begins."})};

static const struct type noun = {.name = "ChangeNoun",
                                 .kind = TYPE_CHOICE,
                                 .help = "What a change is made to.",
                                 .choices = (const char *const[]){"engagement", "dialogue", "contact", "organization",
                                                                  "note", "commitment", "concern", "reminder",
                                                                  "indicator", "roadmap", "holiday", "principal",
                                                                  "token", "calendar", "webhook", "change", NULL}};
static const struct type nouns = {.kind = TYPE_LIST, .element = &noun, .min = 1, .max = 16, .unique = true};

#define FILTER_PARAMS                                                                                                  \
	{"mine", &type_boolean, MEMBER_OPTIONAL, "Only the caller's."},                                                    \
	    {"about_id", &type_uuid, MEMBER_OPTIONAL, "Only of this record."},                                             \
	    {"country", &type_country, MEMBER_OPTIONAL, "Only of what concerns this country."},                            \
	{                                                                                                                  \
		"nouns", &nouns, MEMBER_OPTIONAL, "Only by methods of these nouns."                                            \
	}

static const struct type undone = {
    .name = "UndoneChange",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The new change; undoing that one does again what was undone."},
                 {"undid", &type_uuid, MEMBER_REQUIRED, "The change that was undone."},
                 {"method", &api_text_record, MEMBER_REQUIRED, "What had been called."},
                 {"noun", &api_text_record, MEMBER_REQUIRED, NULL}, {"record_id", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"record", &type_any, MEMBER_REQUIRED, "The record as stored, as the noun's own methods show it."},
                 {"cancelled_reminders", &type_uuid_list, MEMBER_REQUIRED, "What rings no more."},
                 {"restored_reminders", &type_uuid_list, MEMBER_REQUIRED, "What rings again."},
                 {"reopened", &type_uuid, MEMBER_NULLABLE, "The commitment that is open again."},
                 {"fulfilled", &type_uuid, MEMBER_NULLABLE, "The commitment that is fulfilled again."},
                 {"warnings", &api_warning_list, MEMBER_REQUIRED, "What else went with it."})};

static const struct method rows[] = {
    {.name = "change.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "What was written, newest first, or oldest first from a cursor on without a gap: by the caller "
                "everything, by others what is of records that the caller sees.",
     METHOD_PARAMS({"order", &api_order, MEMBER_OPTIONAL, "newest when absent."}, FILTER_PARAMS,
                   {"since", &type_moment, MEMBER_OPTIONAL, "Only what was written then or later."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "at,name,method,title,countries,fields,undone_by,id",
     .example = "{\"mine\": true, \"limit\": 10}"},
    {.name = "change.subscribe",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "Has what is written sent over this connection as it is, as notifications change.made with "
                "{subscription, cursor, change}.",
     METHOD_PARAMS({"after", &api_cursor, MEMBER_OPTIONAL,
                    "The cursor of the last one that was had: all since then comes first. Absent: from now on."},
                   FILTER_PARAMS),
     .result = &subscription,
     .example = "{\"country\": \"KP\"}"},
    {.name = "change.undo",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary =
         "Undoes a write of the caller's by a new one: what was logged is void, what was changed is as it was, what "
         "was ended is open again. Refused, with what stands in the way, when the same has been changed since.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which: the request_id of the write, as change.list shows it."},
                   {"reason", &reason, MEMBER_OPTIONAL, "Why; stands in what is made void by it."}),
     .result = &undone},
};
const struct method_group api_change = {rows, sizeof rows / sizeof *rows};
