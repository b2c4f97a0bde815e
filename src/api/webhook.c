/* Webhooks: where reminders are posted to, signed, for other people's programs. */
#include "api/methods.h"
#include "api/reminder.h"
#include "api/types.h"

#include <stdlib.h>
#include <string.h>

static const struct type url = {
    .kind = TYPE_TEXT, .min = 8, .max = 2000, .line = true, .help = "An address that begins with https://."};
static const struct type status = {
    .name = "WebhookStatus", .kind = TYPE_CHOICE, .choices = (const char *const[]){"active", "disabled", NULL}};

#define WEBHOOK_MEMBERS                                                                                                \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"principal_id", &type_uuid, MEMBER_REQUIRED, "Whose reminders it gets."},                                     \
	    {"url", &api_text_record, MEMBER_REQUIRED, NULL}, {"status", &status, MEMBER_REQUIRED, NULL},                  \
	    {"disabled_because", &api_text_record, MEMBER_NULLABLE, NULL},                                                 \
	    {"previous_secret_until", &type_instant, MEMBER_NULLABLE, "Until then the secret before signs, too."},         \
	    {"created_by", &type_uuid, MEMBER_REQUIRED, NULL}, {"created_at", &type_instant, MEMBER_REQUIRED, NULL},       \
	    {"updated_at", &type_instant, MEMBER_REQUIRED, NULL},                                                          \
	{                                                                                                                  \
		"deliveries", &api_delivery_list, MEMBER_REQUIRED, "The last ten, the newest first."                           \
	}
static const struct type record = {.name = "Webhook", .kind = TYPE_OBJECT, TYPE_MEMBERS(WEBHOOK_MEMBERS)};
static const struct type with_secret = {
    .name = "WebhookWithSecret",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(WEBHOOK_MEMBERS,
                 {"secret", &api_text_record, MEMBER_NULLABLE,
                  "whsec_…, with which the receiver verifies; shown once, null when the request is repeated."})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "WebhookPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type tested = {
    .name = "WebhookTest",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"delivery_id", &type_uuid, MEMBER_REQUIRED, "webhook.list shows what came of it."})};

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
#define URL_CHARACTERS HOST_CHARACTERS "_~:/?#[]@!$&'()*+,;=%"

static void check_url(json_t *object, const char *path, struct type_faults *faults)
{
	const char *text = json_string_value(json_object_get(object, "url"));
	(void)path;
	if (!text)
		return;
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;
	const char *host = text + scheme;
	size_t length = strcspn(host, "/?#"), name = strspn(host, HOST_CHARACTERS), port = 0;
	if (host[0] == '[')
		name = strcspn(host, "]") + 1;
	if (name < length && host[name] == ':')
		port = (size_t)strtoul(host + name + 1, NULL, 10);
	if (!scheme)
		type_fault(faults, "url", "must begin with https:// (or with http:// where the daemon allows it)");
	else if (name == 0 || (name != length && (port < 1 || port > 65535)))
		type_fault(faults, "url", "must name a host behind https://, without a user or a password");
	else if (strspn(text, URL_CHARACTERS) != strlen(text))
		type_fault(faults, "url", "must be of ASCII, other characters written as %%XX");
}

static const struct method rows[] = {
    {.name = "webhook.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Has reminders posted to a program, signed as the Standard Webhooks specification says.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_ID_PARAM,
                             {"principal_id", &type_uuid, MEMBER_OPTIONAL,
                              "Whose reminders; the caller's own when absent. An administrator may name others."},
                             {"url", &url, MEMBER_REQUIRED, "Where to."}),
                .check = check_url},
     .result = &with_secret,
     .example = "{\"url\": \"https://hooks.example.org/tracktwo\"}"},
    {.name = "webhook.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Changes where it posts to, or switches it off and on.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(API_UPDATE_PARAMS, {"url", &url, MEMBER_OPTIONAL, "Where to."},
                             {"status", &status, MEMBER_OPTIONAL, "Whether it is used."}),
                .check = check_url},
     .result = &record},
    {.name = "webhook.rotate",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Gives it another secret; the one before signs as well for a while.",
     METHOD_PARAMS(
         {"id", &type_uuid, MEMBER_REQUIRED, "Which."},
         {"keep", &type_duration, MEMBER_OPTIONAL, "How long the secret before stays valid; P1D when absent."}),
     .result = &with_secret},
    {.name = "webhook.test",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Posts a test.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &tested},
    {.name = "webhook.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Webhooks of a person, with their last deliveries.",
     METHOD_PARAMS({"principal_id", &type_uuid, MEMBER_OPTIONAL,
                    "Whose; the caller's own when absent. An administrator may name others."}),
     .result = &page,
     .columns = "url,status,disabled_because,id",
     .example = "{}"},
};
const struct method_group api_webhook = {rows, sizeof rows / sizeof *rows};
