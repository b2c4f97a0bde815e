/* Reminders: what was promised is followed up on the day. */
#include "api/methods.h"
#include "api/reminder.h"
#include "api/types.h"

static const struct type status = {
    .name = "ReminderStatus",
    .kind = TYPE_CHOICE,
    .choices = (const char *const[]){"pending", "due", "acknowledged", "done", "cancelled", "failed", NULL}};
static const struct type channel = {.name = "ReminderChannel",
                                    .kind = TYPE_CHOICE,
                                    .help = "How it is delivered: to subscribers, by mail, to a webhook.",
                                    .choices = (const char *const[]){"push", "email", "webhook", NULL}};
const struct type api_channel_choice_list = {
    .kind = TYPE_LIST, .element = &channel, .min = 1, .max = 3, .unique = true};

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

static const struct type kind = {
    .name = "ReminderKind",
    .kind = TYPE_CHOICE,
    .help = "Set by somebody, or following from a record: a promise with a day, a cadence, an event without a readout.",
    .choices = (const char *const[]){"set", "commitment", "cadence", "readout", NULL}};
static const struct type workdays = {
    .name = "Workdays",
    .kind = TYPE_CHOICE,
    .help = "An occurrence on a day off comes on the next working day, or on the one before.",
    .choices = (const char *const[]){"next", "previous", NULL}};
static const struct type reason = {
    .name = "DeliveryReason",
    .kind = TYPE_CHOICE,
    .help = "It came due, nobody acknowledged it, it could not be delivered to somebody else, a digest, a test.",
    .choices = (const char *const[]){"due", "escalation", "failure", "digest", "test", NULL}};
static const struct type outcome = {
    .name = "DeliveryOutcome",
    .kind = TYPE_CHOICE,
    .choices = (const char *const[]){"acknowledged", "withdrawn", "delivered", "failed", NULL}};
static const struct type delivery = {
    .name = "Delivery",
    .kind = TYPE_OBJECT,
    .help = "One message to one person on one channel, however often it was attempted.",
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"channel", &channel, MEMBER_REQUIRED, NULL},
                 {"reason", &reason, MEMBER_REQUIRED, NULL}, {"to", &type_uuid, MEMBER_REQUIRED, "Whom."},
                 {"due_at", &type_instant, MEMBER_REQUIRED, NULL}, {"late", &type_boolean, MEMBER_REQUIRED, NULL},
                 {"attempts", &type_integer, MEMBER_REQUIRED, NULL},
                 {"claimed_at", &type_instant, MEMBER_NULLABLE, "When the last attempt began."},
                 {"ended_at", &type_instant, MEMBER_NULLABLE, NULL}, {"outcome", &outcome, MEMBER_NULLABLE, NULL},
                 {"answer", &api_text_record, MEMBER_NULLABLE, "What the receiver's server said last."})};
const struct type api_delivery_list = {.kind = TYPE_LIST, .element = &delivery};
static const struct type offer = {.name = "CommitmentOffer",
                                  .kind = TYPE_OBJECT,
                                  .help = "The open commitment that the reminder hangs on.",
                                  TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL},
                                               {"version", &type_integer, MEMBER_REQUIRED, NULL},
                                               {"status", &api_commitment_status, MEMBER_REQUIRED, NULL},
                                               {"text", &api_text_record, MEMBER_REQUIRED, NULL})};

#define REMINDER_MEMBERS                                                                                               \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"kind", &kind, MEMBER_REQUIRED, NULL}, {"about", &about_record, MEMBER_NULLABLE, NULL},                       \
	    {"note", &api_text_record, MEMBER_REQUIRED, NULL},                                                             \
	    {"due_at", &type_instant, MEMBER_REQUIRED, "When it comes, or came last."},                                    \
	    {"timezone", &api_text_record, MEMBER_REQUIRED, NULL}, {"rrule", &type_rule, MEMBER_NULLABLE, NULL},           \
	    {"exdates", &type_instant_list, MEMBER_REQUIRED, NULL}, {"workdays", &workdays, MEMBER_NULLABLE, NULL},        \
	    {"status", &status, MEMBER_REQUIRED, NULL}, {"assignee", &type_uuid, MEMBER_REQUIRED, NULL},                   \
	    {"channels", &api_code_list, MEMBER_REQUIRED, NULL},                                                           \
	    {"escalate_after", &type_duration, MEMBER_NULLABLE, NULL}, {"escalate_to", &type_uuid, MEMBER_NULLABLE, NULL}, \
	    {"late", &type_boolean, MEMBER_REQUIRED, "Open, and due for more than a minute."},                             \
	    {"completion_note", &api_text_record, MEMBER_NULLABLE, NULL},                                                  \
	    {"created_by", &type_uuid, MEMBER_REQUIRED, NULL}, {"created_at", &type_instant, MEMBER_REQUIRED, NULL},       \
	    {"updated_at", &type_instant, MEMBER_REQUIRED, NULL},                                                          \
	{                                                                                                                  \
		"deliveries", &api_delivery_list, MEMBER_REQUIRED, "The last twenty."                                          \
	}
static const struct type record = {.name = "Reminder", .kind = TYPE_OBJECT, TYPE_MEMBERS(REMINDER_MEMBERS)};
static const struct type completed = {
    .name = "CompletedReminder",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(REMINDER_MEMBERS, {"commitment", &offer, MEMBER_NULLABLE,
                                    "While it is open, commitment.update, or fulfil_commitment here, closes it."})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "ReminderPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type subscription = {
    .name = "Subscription",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"subscription", &type_uuid, MEMBER_REQUIRED, "Stands in each notification reminder.due."})};

static const struct type exdates = {
    .kind = TYPE_LIST, .element = &type_instant, .max = RECURRENCE_EXDATES_MAX, .unique = true};
static const struct type preview_count = {.kind = TYPE_INTEGER, .min = 1, .max = 1000};
static const struct type instants = {.kind = TYPE_LIST, .element = &type_instant};
static const struct type preview = {
    .name = "ReminderPreview",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"instants", &instants, MEMBER_REQUIRED, "The first included."},
                 {"more", &type_boolean, MEMBER_REQUIRED, "Whether the rule goes on behind them."})};

/* A rule that yields nothing behind its beginning is no rule. Where a change does not say when it begins, it must yield
 * something from now on. */
static void check_rule_yields(json_t *object, const char *path, struct type_faults *faults)
{
	struct reminder_rule rule;
	const char *canonical;
	struct err err;
	struct recurrence_set set;
	bool begins = json_object_get(object, "due_at") != NULL;

	if (!reminder_rule_read(faults->arena, object, &rule) || !rule.rule ||
	    !recurrence_check(faults->arena, rule.rule, &canonical, &err))
		return;
	for (size_t i = 0; i < rule.recurrence.exdate_count; i++)
		if (rule.recurrence.exdates_us[i] == rule.recurrence.start_us)
			type_fault(faults, api_path(faults, path, arena_printf(faults->arena, "exdates[%zu]", i)),
			           "must not be due_at itself; give the first time that is meant as due_at");
	if (!recurrence_expand(faults->arena, &rule.recurrence, rule.recurrence.start_us - !begins, 1, &set, &err))
		type_fault(faults, api_path(faults, path, "rrule"), "%s", err.message);
	else if (begins ? set.count == 0 : set.empty)
		type_fault(faults, api_path(faults, path, "rrule"),
		           "yields no occurrence after due_at; reminder.preview shows what a rule means");
}

static void check_goes_with(json_t *object, const char *path, struct type_faults *faults, const char *name,
                            const char *with)
{
	if (json_object_get(object, name) && !json_object_get(object, with))
		type_fault(faults, api_path(faults, path, name), "goes with %s only", with);
}

void api_check_reminder(json_t *object, const char *path, struct type_faults *faults)
{
	check_goes_with(object, path, faults, "exdates", "rrule");
	check_goes_with(object, path, faults, "workdays", "rrule");
	check_goes_with(object, path, faults, "escalate_to", "escalate_after");
	check_rule_yields(object, path, faults);
}

static void check_update(json_t *object, const char *path, struct type_faults *faults)
{
	check_rule_yields(object, path, faults);
}

#define RULE_PARAMS(zone_help)                                                                                         \
	{"timezone", &type_zone, MEMBER_OPTIONAL, zone_help},                                                              \
	    {"rrule", &type_rule, MEMBER_OPTIONAL, "How it comes again (RFC 5545), such as FREQ=WEEKLY;BYDAY=MO."},        \
	    {"exdates", &exdates, MEMBER_OPTIONAL, "Occurrences of the rule that are left out."},                          \
	{                                                                                                                  \
		"workdays", &workdays, MEMBER_OPTIONAL, "Moves occurrences off weekends and Korean holidays."                  \
	}

static const struct method rows[] = {
    {.name = "reminder.create",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Sets a reminder.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_ID_PARAM, {"about", &about_object, MEMBER_OPTIONAL, "What it is about, one of four."},
                    {"note", &api_reminder_note, MEMBER_REQUIRED, "What to be reminded of."},
                    {"due_at", &type_instant, MEMBER_REQUIRED, "When; with a rule, the first time."},
                    RULE_PARAMS("With a rule Asia/Seoul when absent, else the assignee's."),
                    {"assignee", &type_principal_id, MEMBER_OPTIONAL,
                     "Whom; the caller when absent. A viewer reminds nobody else."},
                    {"channels", &api_channel_choice_list, MEMBER_OPTIONAL, "Those of the assignee when absent."},
                    {"escalate_after", &type_duration, MEMBER_OPTIONAL,
                     "How long after it came due somebody else is told, when nobody has acknowledged it."},
                    {"escalate_to", &type_principal_id, MEMBER_OPTIONAL, "Who is told; the caller when absent."}),
                .check = api_check_reminder},
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
     METHOD_PARAMS({"assignee", &type_principal_id, MEMBER_OPTIONAL, "Only this principal's."},
                   {"status", &status, MEMBER_OPTIONAL, "Only of this status."},
                   {"kind", &kind, MEMBER_OPTIONAL, "Only of this kind; cadence: who has not been met for too long."},
                   {"country", &type_country, MEMBER_OPTIONAL, "Only about what concerns this country."},
                   {"due_before", &type_instant, MEMBER_OPTIONAL, "Only those due before then."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "due_at,status,kind,note,assignee,id",
     .example = "{\"status\": \"due\"}"},
    {.name = "reminder.complete",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Says that what a reminder was for is done; the next occurrence of one with a rule is armed.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."},
                   {"version", &api_version, MEMBER_OPTIONAL,
                    "The version that was read; needed to complete an occurrence before it is due."},
                   {"note", &api_reminder_note, MEMBER_OPTIONAL, "What was done."},
                   {"fulfil_commitment", &type_boolean, MEMBER_OPTIONAL,
                    "Whether the commitment that it hangs on is thereby fulfilled."}),
     .result = &completed},
    {.name = "reminder.update",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .patch = true,
     .summary = "Changes a reminder; another time, assignee or channel arms it anew.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_UPDATE_PARAMS, {"about", &about_object, API_CLEARABLE, "What it is about, one of four."},
                    {"note", &api_reminder_note, MEMBER_OPTIONAL, "What to be reminded of."},
                    {"due_at", &type_instant, MEMBER_OPTIONAL, "When; a rule begins anew there."},
                    {"timezone", &type_zone, MEMBER_OPTIONAL, "The zone to show it in, and of its rule."},
                    {"rrule", &type_rule, API_CLEARABLE, "How it comes again (RFC 5545)."},
                    {"exdates", &exdates, MEMBER_OPTIONAL, "Occurrences of the rule that are left out, all of them."},
                    {"workdays", &workdays, API_CLEARABLE, "Moves occurrences off weekends and holidays."},
                    {"assignee", &type_principal_id, MEMBER_OPTIONAL, "Whom."},
                    {"channels", &api_channel_choice_list, MEMBER_OPTIONAL, "How it is delivered."},
                    {"escalate_after", &type_duration, API_CLEARABLE, "After how long somebody else is told."},
                    {"escalate_to", &type_principal_id, MEMBER_OPTIONAL, "Who is told."}),
                .check = check_update},
     .result = &record},
    {.name = "reminder.preview",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "What a rule means: its occurrences, before anything is set.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS({"due_at", &type_instant, MEMBER_REQUIRED, "The first time."},
                             {"timezone", &type_zone, MEMBER_OPTIONAL, "Asia/Seoul when absent."},
                             {"rrule", &type_rule, MEMBER_REQUIRED, "The rule (RFC 5545)."},
                             {"exdates", &exdates, MEMBER_OPTIONAL, "What is left out."},
                             {"workdays", &workdays, MEMBER_OPTIONAL, "Moves them off weekends and holidays."},
                             {"count", &preview_count, MEMBER_OPTIONAL, "How many at most; 10 when absent."}),
                .check = check_update},
     .result = &preview,
     .example = "{\"due_at\": \"2026-11-30T09:00:00+09:00\", \"rrule\": \"FREQ=MONTHLY\"}"},
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
    {.name = "reminder.redeliver",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Sends what failed, or was sent and is perhaps lost, once more, under the same ids.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "reminder.subscribe",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "Has reminders sent over this connection as they come due, and first all that are unacknowledged.",
     METHOD_PARAMS({"assignee", &type_principal_id, MEMBER_OPTIONAL,
                    "Whose; the caller's own when absent. A director may name others."}),
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
