/* Organizations: where contacts work, and who convenes dialogues. */
#include "api/methods.h"
#include "api/types.h"

static const struct type record = {
    .name = "Organization",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"name", &api_text_record, MEMBER_REQUIRED, NULL}, {"names", &api_name_record_list, MEMBER_REQUIRED, NULL},
        {"country", &type_country, MEMBER_NULLABLE, NULL}, {"kind", &api_text_record, MEMBER_NULLABLE, NULL},
        {"parent_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"website", &api_text_record, MEMBER_NULLABLE, NULL},
        {"description", &api_text_record, MEMBER_NULLABLE, NULL}, {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},
        {"created_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};

static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "OrganizationPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};
static const struct type search_text = {.kind = TYPE_TEXT, .min = 1, .max = 200};

static void check_create(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"name", "names", NULL});
}

static const struct method rows[] = {
    {.name = "organization.create",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Records an organization.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_ID_PARAM, {"name", &type_line, MEMBER_OPTIONAL, "The name, when one is enough."},
                    {"names", &api_name_list, MEMBER_OPTIONAL, "All names, in every script."},
                    {"country", &type_country, MEMBER_OPTIONAL, "Where it belongs; absent for an international one."},
                    {"kind", &type_slug, MEMBER_OPTIONAL, "ministry, think-tank, university, party, …"},
                    {"parent_id", &type_organization_id, MEMBER_OPTIONAL, "The organization that it is part of."},
                    {"website", &type_line, MEMBER_OPTIONAL, "Its address on the web."},
                    {"description", &type_text, MEMBER_OPTIONAL, "What it is."}),
                .check = check_create},
     .result = &record,
     .example =
         "{\"name\": \"Korea Institute for National Unification\", \"country\": \"KR\", \"kind\": \"think-tank\"}"},
    {.name = "organization.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary = "Corrects an organization.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
                    API_UPDATE_PARAMS, {"name", &type_line, MEMBER_OPTIONAL, "The name, when one is enough."},
                    {"names", &api_name_list, MEMBER_OPTIONAL, "All names, in every script."},
                    {"country", &type_country, API_CLEARABLE, "Where it belongs."},
                    {"kind", &type_slug, API_CLEARABLE, "ministry, think-tank, university, party, …"},
                    {"parent_id", &type_organization_id, API_CLEARABLE, "The organization that it is part of."},
                    {"website", &type_line, API_CLEARABLE, "Its address on the web."},
                    {"description", &type_text, API_CLEARABLE, "What it is."}),
                .check = api_check_one_name},
     .result = &record},
    {.name = "organization.search",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Organizations by any of their names, in the order of their names.",
     METHOD_PARAMS({"text", &search_text, MEMBER_OPTIONAL, "A part of any of the names; case and width do not matter."},
                   {"country", &type_country, MEMBER_OPTIONAL, "Only of this country."},
                   {"kind", &type_slug, MEMBER_OPTIONAL, "Only of this kind."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "name,country,kind,id",
     .example = "{\"country\": \"KR\"}"},
    {.name = "organization.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One organization.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
};
const struct method_group api_organization = {rows, sizeof rows / sizeof *rows};
