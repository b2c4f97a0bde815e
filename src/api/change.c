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
                 {"title", &api_text_record, MEMBER_NULLABLE, "What the record is called today."},
                 {"fields", &api_code_list, MEMBER_REQUIRED, "Members that it changed, where that is on record."},
                 {"undoable", &type_boolean, MEMBER_REQUIRED, "Whether change.undo may be tried."},
                 {"undid", &type_uuid, MEMBER_NULLABLE, "The change that this one undid."},
                 {"undone_by", &type_uuid, MEMBER_NULLABLE, "The change that undid this one, the last."})};
static const struct type changes = {.kind = TYPE_LIST, .element = &change};
static const struct type page = {.name = "ChangePage", .kind = TYPE_OBJECT, API_PAGE_OF(changes)};

static const struct type undone = {
    .name = "UndoneChange",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The new change; undoing that one does again what was undone."},
                 {"undid", &type_uuid, MEMBER_REQUIRED, "The change that was undone."},
                 {"method", &api_text_record, MEMBER_REQUIRED, "What had been called."},
                 {"noun", &api_text_record, MEMBER_REQUIRED, NULL}, {"record_id", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"record", &type_any, MEMBER_REQUIRED, "The record as stored, as the noun's own methods show it."},
                 {"cancelled_reminders", &type_uuid_list, MEMBER_REQUIRED, "What rings no more."},
                 {"reopened", &type_uuid, MEMBER_NULLABLE, "The commitment that is open again."},
                 {"warnings", &api_warning_list, MEMBER_REQUIRED, "What else went with it."})};

static const struct method rows[] = {
    {.name = "change.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "What was written, newest first: by the caller everything, by others what is of records that all see.",
     METHOD_PARAMS({"mine", &type_boolean, MEMBER_OPTIONAL, "Only the caller's."},
                   {"about_id", &type_uuid, MEMBER_OPTIONAL, "Only of this record."},
                   {"since", &type_instant, MEMBER_OPTIONAL, "Only what was written then or later."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "at,name,method,title,fields,undone_by,id",
     .example = "{\"mine\": true, \"limit\": 10}"},
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
