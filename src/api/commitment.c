/* Commitments: what each side promised the other, and what became of it. */
#include "api/methods.h"
#include "api/types.h"

static const struct type record = {
    .name = "CommitmentRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"by", &api_party_record, MEMBER_REQUIRED, NULL}, {"to", &api_party_record, MEMBER_NULLABLE, NULL},
        {"side", &type_country, MEMBER_REQUIRED,
         "The country on whose side stands who promised; KR for our own people."},
        {"text", &api_text_record, MEMBER_REQUIRED, NULL}, {"due_on", &type_day, MEMBER_NULLABLE, NULL},
        {"status", &api_commitment_status, MEMBER_REQUIRED, NULL},
        {"overdue", &type_boolean, MEMBER_REQUIRED, "Open, and its day has passed in Seoul."},
        {"engagement_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
        {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type side = {.name = "SideLedger",
                                 .kind = TYPE_OBJECT,
                                 TYPE_MEMBERS({"side", &type_country, MEMBER_REQUIRED, NULL},
                                              {"owes", &api_count, MEMBER_REQUIRED, "Open promises."},
                                              {"overdue", &api_count, MEMBER_REQUIRED, "Those whose day has passed."})};
static const struct type sides = {.kind = TYPE_LIST, .element = &side};
static const struct type page = {
    .name = "CommitmentPage",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"items", &records, MEMBER_REQUIRED, "The records of this page."},
        {"next_cursor", &api_cursor, MEMBER_NULLABLE, "Give it as cursor to get the next page; null on the last."},
        {"sides", &sides, MEMBER_NULLABLE,
         "With the first page: what each side owes, of all that is asked for; null on the others."})};

static const struct method rows[] = {
    {.name = "commitment.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records a promise.",
     METHOD_PARAMS(API_ID_PARAM, {"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Where it was made."},
                   {"by", &api_party_object, MEMBER_REQUIRED, "Who promised."},
                   {"to", &api_party_object, MEMBER_OPTIONAL, "To whom."},
                   {"text", &type_text, MEMBER_REQUIRED, "What was promised."},
                   {"due_on", &type_day, MEMBER_OPTIONAL, "By which day."}),
     .result = &record,
     .example =
         "{\"by\": \"KP\", \"to\": \"KR\", \"text\": \"Send the list of families\", \"due_on\": \"2026-12-01\"}"},
    {.name = "commitment.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One promise.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "commitment.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Corrects a promise, or says what became of it.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"text", &type_text, MEMBER_OPTIONAL, "What was promised."},
                   {"due_on", &type_day, API_CLEARABLE, "By which day."},
                   {"status", &api_commitment_status, MEMBER_OPTIONAL, "What became of it."}),
     .result = &record},
    {.name = "commitment.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary =
         "What each side owes: overdue promises first, then those to come due, then those without a day, then those"
         " that have ended.",
     METHOD_PARAMS({"by", &api_party_object, MEMBER_OPTIONAL,
                    "Promised by this country or anybody on its side; or by this contact or principal."},
                   {"to", &api_party_object, MEMBER_OPTIONAL, "Promised to them, likewise."},
                   {"status", &api_commitment_status, MEMBER_OPTIONAL, "Only of this status."},
                   {"overdue", &type_boolean, MEMBER_OPTIONAL,
                    "true: only what is open and whose day has passed in Seoul; false: only what is not."},
                   {"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Only those made there."},
                   {"due_before", &type_day, MEMBER_OPTIONAL, "Only those due before this day."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "due_on,overdue,status,side,by.name,to.country,text,id",
     .example = "{\"by\": \"KP\", \"status\": \"open\"}"},
};
const struct method_group api_commitment = {rows, sizeof rows / sizeof *rows};
