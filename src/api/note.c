/* Notes: what somebody wrote for themselves, and for the readers they name. */
#include "api/methods.h"
#include "api/types.h"

#define ABOUT_MEMBERS                                                                                                  \
	{"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},                                                         \
	    {"organization_id", &type_uuid, MEMBER_OPTIONAL, "An organization."},                                          \
	    {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "A dialogue."},                                                   \
	{                                                                                                                  \
		"engagement_id", &type_uuid, MEMBER_OPTIONAL, "An engagement."                                                 \
	}

static void check_about(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults,
	                 (const char *const[]){"contact_id", "organization_id", "dialogue_id", "engagement_id", NULL});
}

static const struct type about_object = {.kind = TYPE_OBJECT, TYPE_MEMBERS(ABOUT_MEMBERS), .check = check_about};
static const struct type about_record = {.name = "NoteAbout", .kind = TYPE_OBJECT, TYPE_MEMBERS(ABOUT_MEMBERS)};
static const struct type record = {
    .name = "Note",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
                 {"about", &about_record, MEMBER_REQUIRED, NULL}, {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"author", &type_uuid, MEMBER_REQUIRED, NULL}, {"readers", &type_uuid_list, MEMBER_REQUIRED, NULL},
                 {"created_at", &type_instant, MEMBER_REQUIRED, NULL},
                 {"updated_at", &type_instant, MEMBER_REQUIRED, NULL})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "NotePage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};

static const struct method rows[] = {
    {.name = "note.add",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary = "Writes a note that nobody sees but its author and the readers named.",
     METHOD_PARAMS(API_ID_PARAM, {"about", &about_object, MEMBER_REQUIRED, "What it is about, one of four."},
                   {"text", &type_text, MEMBER_REQUIRED, "The note."},
                   {"readers", &type_principal_id_list, MEMBER_OPTIONAL, "Principals who may read it too."}),
     .result = &record},
    {.name = "note.update",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .patch = true,
     .summary = "Changes a note of one's own, or who may read it.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"text", &type_text, MEMBER_OPTIONAL, "The note."},
                   {"readers_add", &type_principal_id_list, MEMBER_OPTIONAL, "Principals who may read it from now on."},
                   {"readers_remove", &type_principal_id_list, MEMBER_OPTIONAL, "Principals who may not any more."}),
     .result = &record},
    {.name = "note.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "The caller's notes and those the caller may read, newest first.",
     METHOD_PARAMS({"about", &about_object, MEMBER_OPTIONAL, "Only about this."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "created_at,author,text,id",
     .example = "{}"},
};
const struct method_group api_note = {rows, sizeof rows / sizeof *rows};
