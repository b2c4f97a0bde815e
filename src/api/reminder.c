/* Reminders: what was promised is followed up on the day. */
#include "api/methods.h"
#include "api/types.h"

static const struct type status = {
    .name = "ReminderStatus",
    .kind = TYPE_CHOICE,
    .choices = (const char *const[]){"pending", "due", "acknowledged", "done", "cancelled", "failed", NULL}};
static const struct type channel = {.name = "ReminderChannel",
                                    .kind = TYPE_CHOICE,
                                    .help = "How it is delivered; this version pushes to subscribers.",
                                    .choices = (const char *const[]){"push", NULL}};
static const struct type channels = {.kind = TYPE_LIST, .element = &channel, .min = 1, .max = 3, .unique = true};

static const struct type about_record = {.name = "ReminderAbout",
                                         .kind = TYPE_OBJECT,
                                         TYPE_MEMBERS({"engagement_id", &type_uuid, MEMBER_OPTIONAL, "An engagement."},
                                                      {"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                                                      {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "A dialogue."},
                                                      {"commitment_id", &type_uuid, MEMBER_OPTIONAL, "A commitment."})};

static void check_about(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults,
	                 (const char *const[]){"engagement_id", "contact_id", "dialogue_id", "commitment_id", NULL});
}

static const struct type about_object = {.kind = TYPE_OBJECT,
                                         TYPE_MEMBERS({"engagement_id", &type_uuid, MEMBER_OPTIONAL, "An engagement."},
                                                      {"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                                                      {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "A dialogue."},
                                                      {"commitment_id", &type_uuid, MEMBER_OPTIONAL, "A commitment."}),
                                         .check = check_about};

static const struct type delivery = {
    .name = "Delivery",
    .kind = TYPE_OBJECT,
    .help = "One occurrence sent on one channel.",
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"channel", &api_text_record, MEMBER_REQUIRED, NULL},
        {"due_at", &type_instant, MEMBER_REQUIRED, NULL}, {"late", &type_boolean, MEMBER_REQUIRED, NULL},
        {"attempts", &type_integer, MEMBER_REQUIRED, NULL}, {"claimed_at", &type_instant, MEMBER_REQUIRED, NULL},
        {"ended_at", &type_instant, MEMBER_NULLABLE, NULL}, {"outcome", &api_text_record, MEMBER_NULLABLE, NULL})};
static const struct type deliveries = {.kind = TYPE_LIST, .element = &delivery};
static const struct type record = {
    .name = "Reminder",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"about", &about_record, MEMBER_NULLABLE, NULL}, {"note", &api_text_record, MEMBER_REQUIRED, NULL},
        {"due_at", &type_instant, MEMBER_REQUIRED, NULL}, {"timezone", &api_text_record, MEMBER_REQUIRED, NULL},
        {"rrule", &api_text_record, MEMBER_NULLABLE, NULL}, {"status", &status, MEMBER_REQUIRED, NULL},
        {"assignee", &type_uuid, MEMBER_REQUIRED, NULL}, {"channels", &api_code_list, MEMBER_REQUIRED, NULL},
        {"late", &type_boolean, MEMBER_REQUIRED, "Open, and due for more than a minute."},
        {"completion_note", &api_text_record, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
        {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL},
        {"deliveries", &deliveries, MEMBER_REQUIRED, NULL})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "ReminderPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type subscription = {
    .name = "Subscription",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"subscription", &type_uuid, MEMBER_REQUIRED, "Stands in each notification reminder.due."})};

static const struct method rows[] = {
    {.name = "reminder.create",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Sets a reminder.",
     METHOD_PARAMS(
         API_ID_PARAM, {"about", &about_object, MEMBER_OPTIONAL, "What it is about, one of four."},
         {"note", &api_reminder_note, MEMBER_REQUIRED, "What to be reminded of."},
         {"due_at", &type_instant, MEMBER_REQUIRED, "When."},
         {"timezone", &type_zone, MEMBER_OPTIONAL, "The assignee's when absent."},
         {"assignee", &type_uuid, MEMBER_OPTIONAL, "Whom; the caller when absent. A viewer reminds nobody else."},
         {"channels", &channels, MEMBER_OPTIONAL, "push when absent."}),
     .result = &record,
     .example = "{\"note\": \"Send the paper\", \"due_at\": \"2026-11-27T09:00:00+09:00\"}"},
    {.name = "reminder.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One reminder, with its deliveries.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "reminder.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Reminders, the first to come due first.",
     METHOD_PARAMS({"assignee", &type_uuid, MEMBER_OPTIONAL, "Only this principal's."},
                   {"status", &status, MEMBER_OPTIONAL, "Only of this status."},
                   {"country", &type_country, MEMBER_OPTIONAL, "Only about what concerns this country."},
                   {"due_before", &type_instant, MEMBER_OPTIONAL, "Only those due before then."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "due_at,status,note,assignee,id",
     .example = "{\"status\": \"due\"}"},
    {.name = "reminder.complete",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Says that what a reminder was for is done.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."},
                   {"note", &api_reminder_note, MEMBER_OPTIONAL, "What was done."}),
     .result = &record},
    {.name = "reminder.update",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .patch = true,
     .summary = "Changes a reminder; another time or assignee arms it anew.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"about", &about_object, API_CLEARABLE, "What it is about, one of four."},
                   {"note", &api_reminder_note, MEMBER_OPTIONAL, "What to be reminded of."},
                   {"due_at", &type_instant, MEMBER_OPTIONAL, "When."},
                   {"timezone", &type_zone, MEMBER_OPTIONAL, "The zone to show it in."},
                   {"assignee", &type_uuid, MEMBER_OPTIONAL, "Whom."},
                   {"channels", &channels, MEMBER_OPTIONAL, "How it is delivered."}),
     .result = &record},
    {.name = "reminder.snooze",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Puts a reminder off: it comes due again at another time.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."},
                   {"until", &type_instant, MEMBER_REQUIRED, "When it is to come; it must lie ahead."}),
     .result = &record},
    {.name = "reminder.cancel",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Ends a reminder that is no longer wanted.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "reminder.subscribe",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "Has reminders sent over this connection as they come due, and first all that are unacknowledged.",
     METHOD_PARAMS(
         {"assignee", &type_uuid, MEMBER_OPTIONAL, "Whose; the caller's own when absent. A director may name others."}),
     .result = &subscription,
     .example = "{}"},
    {.name = "reminder.acknowledge",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Says that a delivery has been seen, so that it is not sent again.",
     METHOD_PARAMS({"delivery_id", &type_uuid, MEMBER_REQUIRED, "delivery_id of the notification."}),
     .result = &record},
};
const struct method_group api_reminder = {rows, sizeof rows / sizeof *rows};
