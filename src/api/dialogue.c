/* Dialogues: series of engagements with one purpose, whose engagements take from them what they leave out. */
#include "api/methods.h"
#include "api/types.h"

static const struct type status = {.name = "DialogueStatus",
                                   .kind = TYPE_CHOICE,
                                   .choices = (const char *const[]){"active", "paused", "concluded", NULL}};

static void check_member(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"contact_id", "principal_id", NULL});
	api_check_order(object, path, faults, "since", "until");
}

static const struct type member_object = {
    .name = "MemberInput",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                 {"principal_id", &type_uuid, MEMBER_OPTIONAL, "Or one of our own people."},
                 {"role", &api_participant_role, MEMBER_OPTIONAL, "The member's part."},
                 {"since", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "First day."},
                 {"until", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "Last day."}),
    .check = check_member};
static const struct type member_objects = {.kind = TYPE_LIST, .element = &member_object, .max = 500};

static const struct type member_record = {
    .name = "MemberRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"name", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"role", &api_participant_role, MEMBER_NULLABLE, NULL}, {"since", &type_day, MEMBER_NULLABLE, NULL},
                 {"until", &type_day, MEMBER_NULLABLE, NULL})};
static const struct type member_records = {.kind = TYPE_LIST, .element = &member_record};
static const struct type record = {
    .name = "Dialogue",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"title", &api_text_record, MEMBER_REQUIRED, NULL}, {"track", &api_track, MEMBER_NULLABLE, NULL},
        {"status", &status, MEMBER_REQUIRED, NULL}, {"countries", &api_code_list, MEMBER_REQUIRED, NULL},
        {"workstreams", &api_workstream_record_list, MEMBER_REQUIRED, NULL},
        {"languages", &api_code_list, MEMBER_REQUIRED, NULL}, {"attribution", &api_attribution, MEMBER_NULLABLE, NULL},
        {"convenor_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"members", &member_records, MEMBER_REQUIRED, NULL},
        {"cadence", &api_cadence_record, MEMBER_NULLABLE, NULL},
        {"description", &api_text_record, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
        {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};

static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "DialoguePage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type code_list = {
    .kind = TYPE_LIST, .element = &type_workstream, .min = 1, .max = 50, .unique = true};
static const struct type member_change = {
    .name = "MemberChange",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The member's own id, as the dialogue shows it."},
                 {"role", &api_participant_role, API_CLEARABLE, "The member's part."},
                 {"since", &type_day, API_CLEARABLE | MEMBER_PAST, "First day."},
                 {"until", &type_day, API_CLEARABLE | MEMBER_PAST, "Last day."})};
static const struct type member_changes = {.kind = TYPE_LIST, .element = &member_change, .max = 500};

static const struct method rows[] = {
    {.name = "dialogue.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Opens a dialogue.",
     METHOD_PARAMS(API_ID_PARAM, {"title", &type_line, MEMBER_REQUIRED, "What it is called."},
                   {"track", &api_track, MEMBER_OPTIONAL, "Who speaks in it."},
                   {"countries", &type_country_list, MEMBER_REQUIRED, "The countries in it."},
                   {"workstreams", &api_workstream_list, MEMBER_REQUIRED, "What it advances on the roadmap."},
                   {"status", &status, MEMBER_OPTIONAL, "active when absent."},
                   {"attribution", &api_attribution, MEMBER_OPTIONAL, "The rule for all its engagements."},
                   {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken."},
                   {"members", &member_objects, MEMBER_OPTIONAL, "Who belongs to it."},
                   {"convenor_id", &type_organization_id, MEMBER_OPTIONAL, "The organization that convenes it."},
                   {"cadence", &api_cadence, MEMBER_OPTIONAL, "How often it means to meet."},
                   {"description", &type_text, MEMBER_OPTIONAL, "Its purpose."}),
     .result = &record,
     .example =
         "{\"title\": \"Northeast Asia Cooperation Dialogue\", \"track\": \"1.5\", \"countries\": [\"US\", \"CN\", "
         "\"JP\", \"RU\", \"KR\"], \"workstreams\": [\"2.3\"]}"},
    {.name = "dialogue.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Corrects a dialogue, or says that it rests or has ended.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"title", &type_line, MEMBER_OPTIONAL, "What it is called."},
                   {"track", &api_track, API_CLEARABLE, "Who speaks in it."},
                   {"status", &status, MEMBER_OPTIONAL, "Whether it goes on."},
                   {"countries_add", &type_country_list, MEMBER_OPTIONAL, "Countries that have come in."},
                   {"countries_remove", &type_country_list, MEMBER_OPTIONAL, "Countries that have left."},
                   {"workstreams_add", &api_workstream_list, MEMBER_OPTIONAL, "Workstreams that were missing."},
                   {"workstreams_change", &api_workstream_list, MEMBER_OPTIONAL, "Other objectives, by code."},
                   {"workstreams_remove", &code_list, MEMBER_OPTIONAL, "Codes that should not be there."},
                   {"attribution", &api_attribution, API_CLEARABLE, "The rule for its engagements to come."},
                   {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken, all of them."},
                   {"members_add", &member_objects, MEMBER_OPTIONAL, "Who has come in."},
                   {"members_change", &member_changes, MEMBER_OPTIONAL, "What was otherwise, by the members' ids."},
                   {"members_remove", &api_uuid_list, MEMBER_OPTIONAL, "Ids of members who never were."},
                   {"convenor_id", &type_organization_id, API_CLEARABLE, "The organization that convenes it."},
                   {"cadence", &api_cadence, API_CLEARABLE, "How often it means to meet."},
                   {"description", &type_text, API_CLEARABLE, "Its purpose."}),
     .result = &record},
    {.name = "dialogue.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Dialogues, by title.",
     METHOD_PARAMS({"country", &type_country, MEMBER_OPTIONAL, "Only with this country."},
                   {"workstream", &type_workstream, MEMBER_OPTIONAL, "Only those that advance this workstream."},
                   {"status", &status, MEMBER_OPTIONAL, "Only of this status."},
                   {"track", &api_track, MEMBER_OPTIONAL, "Only on this track."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "title,track,status,countries,workstreams,id",
     .example = "{\"status\": \"active\"}"},
    {.name = "dialogue.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One dialogue, with its members.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
};
const struct method_group api_dialogue = {rows, sizeof rows / sizeof *rows};
