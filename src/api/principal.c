/* Principals: our own people, who call the daemon and are reminded by it. */
#include <string.h>

#include "api/methods.h"
#include "api/reminder.h"
#include "api/types.h"
#include "text/mail.h"

static const struct type role = {.name = "Role",
                                 .kind = TYPE_CHOICE,
                                 .help = "What somebody may do: see, log, decide, administer.",
                                 .choices =
                                     (const char *const[]){"viewer", "officer", "director", "administrator", NULL}};
static const struct type principal_status = {.kind = TYPE_CHOICE,
                                             .choices = (const char *const[]){"active", "retired", NULL}};
static const struct type desks = {.kind = TYPE_LIST, .element = &type_country, .max = 300, .unique = true};
static const struct type unix_user = {.kind = TYPE_TEXT, .min = 1, .max = 64, .help = "A user's name on this machine."};

#define RECORD_MEMBERS                                                                                                 \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"name", &api_text_record, MEMBER_REQUIRED, NULL}, {"role", &role, MEMBER_REQUIRED, NULL},                     \
	    {"desks", &api_code_list, MEMBER_REQUIRED, NULL}, {"clearance", &api_sensitivity, MEMBER_REQUIRED, NULL},      \
	    {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"language", &api_text_record, MEMBER_NULLABLE, NULL},      \
	    {"timezone", &api_text_record, MEMBER_REQUIRED, NULL}, {"email", &api_text_record, MEMBER_NULLABLE, NULL},     \
	    {"channels", &api_code_list, MEMBER_REQUIRED, "How reminders reach the person."},                              \
	    {"digest_at", &type_hour, MEMBER_NULLABLE, "When the morning digest is mailed."},                              \
	    {"unix_user", &api_text_record, MEMBER_NULLABLE, NULL}, {"status", &principal_status, MEMBER_REQUIRED, NULL},  \
	    {"created_at", &type_instant, MEMBER_REQUIRED, NULL},                                                          \
	{                                                                                                                  \
		"updated_at", &type_instant, MEMBER_REQUIRED, NULL                                                             \
	}
static const struct type record = {.name = "Principal", .kind = TYPE_OBJECT, TYPE_MEMBERS(RECORD_MEMBERS)};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "PrincipalPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};

static const struct type moved = {
    .name = "HandOver",
    .kind = TYPE_OBJECT,
    .help = "How many of each have changed hands.",
    TYPE_MEMBERS({"reminders", &api_count, MEMBER_REQUIRED, "Open reminders."},
                 {"commitments", &api_count, MEMBER_REQUIRED, "Open promises by the person, and to them."},
                 {"contacts", &api_count, MEMBER_REQUIRED, "Contacts that the person kept."},
                 {"engagements", &api_count, MEMBER_REQUIRED, "Engagements owned, and seats in planned ones."},
                 {"desks", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"tokens_revoked", &api_count, MEMBER_REQUIRED, NULL})};
static const struct type retirement = {.name = "Retirement",
                                       .kind = TYPE_OBJECT,
                                       TYPE_MEMBERS(RECORD_MEMBERS,
                                                    {"handed_over_to", &type_uuid, MEMBER_REQUIRED, NULL},
                                                    {"moved", &moved, MEMBER_REQUIRED, NULL})};

static void check_retire(json_t *object, const char *path, struct type_faults *faults)
{
	const char *from = json_string_value(json_object_get(object, "id"));
	const char *to = json_string_value(json_object_get(object, "hand_over_to"));
	if (from && to && strcmp(from, to) == 0)
		type_fault(faults, api_path(faults, path, "hand_over_to"), "must be somebody else than id");
}

static void check_email(json_t *object, const char *path, struct type_faults *faults)
{
	struct err err;
	const char *address = json_string_value(json_object_get(object, "email"));
	if (address && !mail_check_address(address, &err))
		type_fault(faults, api_path(faults, path, "email"), "%s", err.message);
}

static const struct method rows[] = {
    {.name = "principal.create",
     .kind = METHOD_WRITE,
     .identities = true,
     .role = ROLE_ADMINISTRATOR,
     .summary = "Makes one of our own people known to the daemon.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_ID_PARAM, {"name", &type_line, MEMBER_REQUIRED, "How colleagues call the person."},
                    {"role", &role, MEMBER_REQUIRED, "What the person may do."},
                    {"desks", &desks, MEMBER_OPTIONAL, "The countries the person works on."},
                    {"clearance", &api_sensitivity, MEMBER_OPTIONAL,
                     "The most the person may see; internal when absent."},
                    {"contact_id", &type_uuid, MEMBER_OPTIONAL, "The person's own contact record."},
                    {"language", &type_language, MEMBER_OPTIONAL, "The language to write to the person in."},
                    {"timezone", &type_zone, MEMBER_OPTIONAL, "Asia/Seoul when absent."},
                    {"email", &type_line, MEMBER_OPTIONAL, "Where mail reaches the person."},
                    {"channels", &api_channel_choice_list, MEMBER_OPTIONAL,
                     "How reminders reach the person; push when absent."},
                    {"digest_at", &type_hour, MEMBER_OPTIONAL, "When the morning digest is mailed; 07:30 when absent."},
                    {"unix_user", &unix_user, MEMBER_OPTIONAL, "The user by which a Unix socket knows the person."}),
                .check = check_email},
     .result = &record,
     .example = "{\"name\": \"Kim Officer\", \"role\": \"officer\", \"desks\": [\"CN\"], \"unix_user\": \"kim\"}"},
    {.name = "principal.update",
     .kind = METHOD_WRITE,
     .identities = true,
     .role = ROLE_ADMINISTRATOR,
     .patch = true,
     .summary = "Changes what is known of one of our own people.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_UPDATE_PARAMS, {"name", &type_line, MEMBER_OPTIONAL, "How colleagues call the person."},
                    {"role", &role, MEMBER_OPTIONAL, "What the person may do."},
                    {"desks", &desks, MEMBER_OPTIONAL, "The countries the person works on, all of them."},
                    {"clearance", &api_sensitivity, MEMBER_OPTIONAL, "The most the person may see."},
                    {"contact_id", &type_uuid, API_CLEARABLE, "The person's own contact record."},
                    {"language", &type_language, API_CLEARABLE, "The language to write to the person in."},
                    {"timezone", &type_zone, MEMBER_OPTIONAL, "Where the person works."},
                    {"email", &type_line, API_CLEARABLE, "Where mail reaches the person."},
                    {"channels", &api_channel_choice_list, MEMBER_OPTIONAL, "How reminders reach the person."},
                    {"digest_at", &type_hour, API_CLEARABLE, "When the morning digest is mailed; null: never."},
                    {"unix_user", &unix_user, API_CLEARABLE, "The user by which a Unix socket knows the person."},
                    {"status", &principal_status, MEMBER_OPTIONAL,
                     "retired: may do nothing any more; principal.retire also hands over what waits for them."}),
                .check = check_email},
     .result = &record},
    {.name = "principal.retire",
     .kind = METHOD_WRITE,
     .role = ROLE_ADMINISTRATOR,
     .identities = true,
     .summary =
         "Retires one of our own people: they may do nothing any more, and all that waits for them goes to another.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_UPDATE_PARAMS,
                             {"hand_over_to", &type_principal_id, MEMBER_REQUIRED,
                              "Who takes over the open reminders and promises, the contacts and engagements owned, and "
                              "the seats in what is planned."},
                             {"desks", &desks, MEMBER_OPTIONAL, "Which desks go along; all when absent, [] for none."}),
                .check = check_retire},
     .result = &retirement},
    {.name = "principal.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One of our own people; the caller when no id is given.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_OPTIONAL, "Whom; the caller when absent."}),
     .result = &record,
     .example = "{}"},
    {.name = "principal.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Our own people, by name.",
     METHOD_PARAMS(API_PAGE_PARAMS),
     .result = &page,
     .columns = "name,role,desks,clearance,unix_user,id",
     .example = "{}"},
};
const struct method_group api_principal = {rows, sizeof rows / sizeof *rows};
