/* Contacts: the people on the other side, and on our own society's. */
#include "api/methods.h"
#include "api/types.h"

static const struct type affiliation = {
    .name = "AffiliationRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"organization_id", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"organization", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"title", &api_text_record, MEMBER_NULLABLE, NULL}, {"since", &type_day, MEMBER_NULLABLE, NULL},
                 {"until", &type_day, MEMBER_NULLABLE, NULL})};
static const struct type affiliations = {.kind = TYPE_LIST, .element = &affiliation};
static const struct type channel = {.name = "ChannelRecord",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"kind", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"value", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"preferred", &type_boolean, MEMBER_REQUIRED, NULL})};
static const struct type channels = {.kind = TYPE_LIST, .element = &channel};

static const struct type record = {
    .name = "Contact",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"name", &api_text_record, MEMBER_REQUIRED, "The primary name."},
        {"names", &api_name_record_list, MEMBER_REQUIRED, NULL}, {"country", &type_country, MEMBER_REQUIRED, NULL},
        {"sector", &api_sector, MEMBER_NULLABLE, NULL}, {"status", &api_text_record, MEMBER_REQUIRED, NULL},
        {"languages", &api_code_list, MEMBER_REQUIRED, NULL}, {"affiliations", &affiliations, MEMBER_REQUIRED, NULL},
        {"channels", &channels, MEMBER_REQUIRED, NULL}, {"timezone", &api_text_record, MEMBER_NULLABLE, NULL},
        {"tags", &api_code_list, MEMBER_REQUIRED, NULL}, {"influence", &type_integer, MEMBER_NULLABLE, NULL},
        {"interest", &type_integer, MEMBER_NULLABLE, NULL}, {"sensitivity", &api_sensitivity, MEMBER_REQUIRED, NULL},
        {"owner", &type_uuid, MEMBER_NULLABLE, NULL}, {"cadence", &api_cadence_record, MEMBER_NULLABLE, NULL},
        {"notes", &api_text_record, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
        {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "ContactPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type search_text = {.kind = TYPE_TEXT, .min = 1, .max = 200};

static const struct type languages = {.kind = TYPE_LIST, .element = &type_language, .max = 50, .unique = true};
static const struct type affiliation_change = {
    .name = "AffiliationChange",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The affiliation's own id."},
                 {"title", &type_line, API_CLEARABLE, "The post."},
                 {"since", &type_day, API_CLEARABLE | MEMBER_PAST, "First day."},
                 {"until", &type_day, API_CLEARABLE | MEMBER_PAST, "Last day."})};
static const struct type affiliation_changes = {.kind = TYPE_LIST, .element = &affiliation_change, .max = 50};

static const struct method rows[] = {
    {.name = "contact.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records a person. Two people may share a name.",
     .params = {.kind = TYPE_OBJECT, TYPE_MEMBERS(API_ID_PARAM, API_CONTACT_MEMBERS), .check = api_check_contact},
     .result = &record,
     .example = "{\"names\": [{\"text\": \"김민준\", \"kind\": \"native\"}, {\"text\": \"Kim Min-jun\", \"kind\": "
                "\"romanized\"}], \"country\": \"KR\", \"sector\": \"academia\"}"},
    {.name = "contact.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Corrects a contact: what is sent is changed, null clears, posts are added and changed by their ids.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_UPDATE_PARAMS, {"name", &type_line, MEMBER_OPTIONAL, "The name, when one is enough."},
                    {"names", &api_name_list, MEMBER_OPTIONAL, "All names, in every script."},
                    {"country", &type_country, MEMBER_OPTIONAL, "The country whose side the person is on."},
                    {"sector", &api_sector, API_CLEARABLE, "Where the person works."},
                    {"status", &api_contact_status, MEMBER_OPTIONAL, "Whether the person can be reached."},
                    {"affiliations_add", &api_affiliation_list, MEMBER_OPTIONAL, "Posts that were missing."},
                    {"affiliations_change", &affiliation_changes, MEMBER_OPTIONAL, "What was otherwise, by their ids."},
                    {"affiliations_remove", &api_uuid_list, MEMBER_OPTIONAL, "Ids of posts never held."},
                    {"languages", &languages, MEMBER_OPTIONAL, "Languages spoken, all of them."},
                    {"channels", &api_channel_list, MEMBER_OPTIONAL, "How to reach the person, all of it."},
                    {"timezone", &type_zone, API_CLEARABLE, "Where the person lives, as a time zone."},
                    {"tags", &api_tag_list, MEMBER_OPTIONAL, "Words of your own, all of them."},
                    {"influence", &api_rating, API_CLEARABLE, "1 little to 5 decisive."},
                    {"interest", &api_rating, API_CLEARABLE, "1 little to 5 keen."},
                    {"sensitivity", &api_sensitivity, MEMBER_OPTIONAL, "The contact's engagements follow it upwards."},
                    {"owner", &type_principal_id, API_CLEARABLE, "The principal who keeps this contact."},
                    {"cadence", &api_cadence, API_CLEARABLE, "How often one means to meet."},
                    {"notes", &type_text, API_CLEARABLE, "What all who see the contact should know."}),
                .check = api_check_one_name},
     .result = &record},
    {.name = "contact.history",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "The engagements in which a contact took part, newest first.",
     METHOD_PARAMS(
         {"id", &type_uuid, MEMBER_REQUIRED, "Whose."},
         {"since", &type_moment, MEMBER_OPTIONAL | MEMBER_BOUND, "That began then or later; a day begins in Seoul."},
         {"until", &type_moment, MEMBER_OPTIONAL | MEMBER_BOUND, "That began before then."},
         {"order", &api_order, MEMBER_OPTIONAL, "newest when absent."}, API_PAGE_PARAMS),
     .result = &api_engagement_page,
     .columns = "starts_at,starts_on,kind,track,countries,workstreams,title,id"},
    {.name = "contact.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One contact, with all names, posts and channels.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Whom."}),
     .result = &record},
    {.name = "contact.search",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Contacts by any of their names and by what is known of them, in the order of their names.",
     METHOD_PARAMS({"text", &search_text, MEMBER_OPTIONAL, "A part of any of the names; case and width do not matter."},
                   {"country", &type_country, MEMBER_OPTIONAL, "Only of this country."},
                   {"sector", &api_sector, MEMBER_OPTIONAL, "Only of this sector."},
                   {"organization_id", &type_uuid, MEMBER_OPTIONAL, "Only who was ever affiliated with it."},
                   {"tag", &type_slug, MEMBER_OPTIONAL, "Only with this tag."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "name,country,sector,affiliations,id",
     .example = "{\"country\": \"KR\"}"},
};
const struct method_group api_contact = {rows, sizeof rows / sizeof *rows};
