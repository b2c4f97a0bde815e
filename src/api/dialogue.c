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
                 {"since", &type_day, MEMBER_OPTIONAL, "First day."}, {"until", &type_day, MEMBER_OPTIONAL, "Last day."}),
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
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
                 {"title", &api_text_record, MEMBER_REQUIRED, NULL}, {"track", &api_track, MEMBER_NULLABLE, NULL},
                 {"status", &status, MEMBER_REQUIRED, NULL}, {"countries", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"workstreams", &api_workstream_record_list, MEMBER_REQUIRED, NULL},
                 {"languages", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"attribution", &api_attribution, MEMBER_NULLABLE, NULL}, {"convenor_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"members", &member_records, MEMBER_REQUIRED, NULL},
                 {"description", &api_text_record, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};

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
                   {"convenor_id", &type_uuid, MEMBER_OPTIONAL, "The organization that convenes it."},
                   {"description", &type_text, MEMBER_OPTIONAL, "Its purpose."}),
     .result = &record,
     .example = "{\"title\": \"Northeast Asia Cooperation Dialogue\", \"track\": \"1.5\", \"countries\": [\"US\", \"CN\", "
                "\"JP\", \"RU\", \"KR\"], \"workstreams\": [\"2.3\"]}"},
    {.name = "dialogue.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One dialogue, with its members.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
};
const struct method_group api_dialogue = {rows, sizeof rows / sizeof *rows};
