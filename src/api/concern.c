/* Concerns: what a side has raised, how often, and what it was answered. */
#include "api/methods.h"
#include "api/types.h"

static const struct type status = {
    .name = "ConcernStatus",
    .kind = TYPE_CHOICE,
    .help = "open: never answered, or raised again since; answered; withdrawn: recorded in error, or taken back.",
    .choices = (const char *const[]){"open", "answered", "withdrawn", NULL}};

static const struct type raised = {
    .name = "ConcernRaised",
    .kind = TYPE_OBJECT,
    .help = "One time that a concern was raised.",
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"raised_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"engagement_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"text", &api_text_record, MEMBER_NULLABLE, "How it was put that time, when otherwise."},
                 {"recorded_by", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"withdrawn_at", &type_instant, MEMBER_NULLABLE, "Since then it does not count."})};
static const struct type raised_list = {.kind = TYPE_LIST, .element = &raised};
static const struct type answer = {
    .name = "ConcernAnswer",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"answered_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"engagement_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"by", &type_uuid, MEMBER_REQUIRED, "The principal who answered."},
                 {"recorded_by", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"withdrawn_at", &type_instant, MEMBER_NULLABLE, "Since then it does not count."})};
static const struct type answers = {.kind = TYPE_LIST, .element = &answer};

#define CARD_MEMBERS                                                                                                   \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"country", &type_country, MEMBER_REQUIRED, "Whose side raised it."},                                          \
	    {"contact_id", &type_uuid, MEMBER_NULLABLE, "Who raised it, when it was one person."},                         \
	    {"name", &api_text_record, MEMBER_NULLABLE, "That person's name."},                                            \
	    {"to", &api_party_record, MEMBER_NULLABLE, NULL}, {"topic", &api_text_record, MEMBER_NULLABLE, NULL},          \
	    {"text", &api_text_record, MEMBER_REQUIRED, NULL}, {"status", &status, MEMBER_REQUIRED, NULL},                 \
	    {"times_raised", &api_count, MEMBER_REQUIRED, NULL}, {"first_raised_on", &type_day, MEMBER_NULLABLE, NULL},    \
	    {"last_raised_on", &type_day, MEMBER_NULLABLE, NULL},                                                          \
	    {"times_answered", &api_count, MEMBER_REQUIRED, "0: never."},                                                  \
	    {"created_by", &type_uuid, MEMBER_REQUIRED, NULL}, {"created_at", &type_instant, MEMBER_REQUIRED, NULL},       \
	{                                                                                                                  \
		"updated_at", &type_instant, MEMBER_REQUIRED, NULL                                                             \
	}
static const struct type card = {.name = "ConcernCard", .kind = TYPE_OBJECT, TYPE_MEMBERS(CARD_MEMBERS)};
static const struct type cards = {.kind = TYPE_LIST, .element = &card};
static const struct type page = {.name = "ConcernPage", .kind = TYPE_OBJECT, API_PAGE_OF(cards)};
static const struct type record = {.name = "Concern",
                                   .kind = TYPE_OBJECT,
                                   TYPE_MEMBERS(CARD_MEMBERS, {"raised", &raised_list, MEMBER_REQUIRED, "Each time."},
                                                {"answers", &answers, MEMBER_REQUIRED, NULL})};

static void check_raise(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"country", "contact_id", NULL});
}

static void check_interval(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

#define RAISED_PARAMS                                                                                                  \
	{"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Where."},                                                          \
	{                                                                                                                  \
		"raised_on", &type_day, MEMBER_OPTIONAL, "When; the engagement's day when absent, else today in Seoul."        \
	}

static const struct method rows[] = {
    {.name = "concern.raise",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records a concern that a side has raised for the first time.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_ID_PARAM, {"country", &type_country, MEMBER_OPTIONAL, "The side that raised it."},
                             {"contact_id", &type_uuid, MEMBER_OPTIONAL, "Or the person."},
                             {"to", &api_party_object, MEMBER_OPTIONAL, "With whom; our own side when absent."},
                             {"topic", &type_slug, MEMBER_OPTIONAL, "A topic of the shared vocabulary."},
                             {"text", &type_text, MEMBER_REQUIRED, "The concern."}, RAISED_PARAMS),
                .check = check_raise},
     .result = &record,
     .example = "{\"country\": \"CN\", \"topic\": \"security-guarantees\", \"text\": \"Foreign troops north of the "
                "38th parallel\", \"raised_on\": \"2026-11-20\"}"},
    {.name = "concern.repeat",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records that a concern was raised again, and is open again.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."},
                   {"text", &type_text, MEMBER_OPTIONAL, "How it was put this time, when otherwise."}, RAISED_PARAMS),
     .result = &record},
    {.name = "concern.answer",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records what a concern was answered; it may be answered more than once.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"text", &type_text, MEMBER_REQUIRED, "The answer."},
                   {"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Where."},
                   {"answered_on", &type_day, MEMBER_OPTIONAL | MEMBER_PAST,
                    "When; the engagement's day when absent, else today in Seoul."},
                   {"by", &type_principal_id, MEMBER_OPTIONAL, "The principal who answered; the caller when absent."}),
     .result = &record},
    {.name = "concern.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Corrects a concern, or withdraws it, an answer to it, or a time that it was not raised after all.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"text", &type_text, MEMBER_OPTIONAL, "The concern."},
                   {"topic", &type_slug, API_CLEARABLE, "A topic of the shared vocabulary."},
                   {"withdrawn", &type_boolean, MEMBER_OPTIONAL, "Whether it is off the table."},
                   {"raised_remove", &api_uuid_list, MEMBER_OPTIONAL, "Ids of times that do not count."},
                   {"answers_remove", &api_uuid_list, MEMBER_OPTIONAL, "Ids of answers that do not count."}),
     .result = &record},
    {.name = "concern.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One concern, with each time that it was raised, and its answers.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "concern.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary =
         "What has been raised, how often, and whether it was answered: most often raised and longest known first.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS({"country", &type_country, MEMBER_OPTIONAL, "Raised by this country or a contact of it."},
                             {"contact_id", &type_uuid, MEMBER_OPTIONAL, "Raised by this person."},
                             {"topic", &type_slug, MEMBER_OPTIONAL, "Only of this topic."},
                             {"status", &status, MEMBER_OPTIONAL, "Only of this status."},
                             {"never_answered", &type_boolean, MEMBER_OPTIONAL,
                              "true: only what no answer was ever given to; false: only what was."},
                             {"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Only what was raised there."},
                             {"since", &type_day, MEMBER_OPTIONAL | MEMBER_BOUND, "Raised on this day or later."},
                             {"until", &type_day, MEMBER_OPTIONAL | MEMBER_BOUND, "Raised before this day."},
                             API_PAGE_PARAMS),
                .check = check_interval},
     .result = &page,
     .columns = "times_raised,first_raised_on,country,name,status,topic,text,id",
     .example = "{\"country\": \"CN\", \"status\": \"open\"}"},
};
const struct method_group api_concern = {rows, sizeof rows / sizeof *rows};
