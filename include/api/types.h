/* Types: the named shapes that the nouns share, in parameters and in results. Pure data. */
#ifndef TRACKTWO_API_TYPES_H
#define TRACKTWO_API_TYPES_H

#include "rpc/type.h"

/* Vocabularies */
extern const struct type api_track, api_sensitivity, api_attribution, api_participant_role, api_engagement_kind,
    api_engagement_status, api_capacity, api_attendance, api_sector, api_precision, api_format;

/* Parameters */
extern const struct type api_name_list, api_workstream_list, api_contact_object, api_contact_status, api_rating,
    api_tag_list, api_affiliation_list, api_channel_list, api_cursor, api_limit;

/* What a contact is made of, by itself or along with an engagement. */
#define API_CONTACT_MEMBERS                                                                                            \
	{"name", &type_line, MEMBER_OPTIONAL, "The name, when one is enough."},                                            \
	    {"names", &api_name_list, MEMBER_OPTIONAL, "All names, in every script."},                                     \
	    {"country", &type_country, MEMBER_REQUIRED, "The country whose side the person is on."},                       \
	    {"sector", &api_sector, MEMBER_OPTIONAL, "Where the person works."},                                           \
	    {"status", &api_contact_status, MEMBER_OPTIONAL, "active when absent."},                                       \
	    {"affiliations", &api_affiliation_list, MEMBER_OPTIONAL, "Posts held, with dates."},                           \
	    {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken."},                                      \
	    {"channels", &api_channel_list, MEMBER_OPTIONAL, "How to reach the person."},                                  \
	    {"timezone", &type_zone, MEMBER_OPTIONAL, "Where the person lives, as a time zone."},                          \
	    {"tags", &api_tag_list, MEMBER_OPTIONAL, "Words of your own."},                                                \
	    {"influence", &api_rating, MEMBER_OPTIONAL, "1 little to 5 decisive."},                                        \
	    {"interest", &api_rating, MEMBER_OPTIONAL, "1 little to 5 keen."},                                             \
	    {"sensitivity", &api_sensitivity, MEMBER_OPTIONAL, "internal when absent."},                                   \
	    {"owner", &type_principal_id, MEMBER_OPTIONAL, "The principal who keeps this contact."},                       \
	    {"cadence", &api_cadence, MEMBER_OPTIONAL, "How often one means to meet."},                                    \
	{                                                                                                                  \
		"notes", &type_text, MEMBER_OPTIONAL, "What all who see the contact should know."                              \
	}
/* In an update: name or names, not both. */
void api_check_one_name(json_t *object, const char *path, struct type_faults *faults);
void api_check_contact(json_t *object, const char *path, struct type_faults *faults);

/* Results */
extern const struct type api_name_record_list, api_workstream_record_list, api_code_list, api_text_record,
    api_party_record, api_count, api_indicator_value, api_warning_list;

extern const struct type api_party_object, api_commitment_object_list, api_commitment_record_list,
    api_commitment_status, api_follow_up_object, api_reminder_note, api_engagement_page, api_version, api_order,
    api_uuid_list, api_cadence, api_cadence_record;

/* What every update names first: the record, and the version that was read. */
#define API_UPDATE_PARAMS                                                                                              \
	{"id", &type_uuid, MEMBER_REQUIRED, "Which."},                                                                     \
	{                                                                                                                  \
		"version", &api_version, MEMBER_REQUIRED, "The version that was read; another one is refused."                 \
	}

/* Flags of a member of an update that null clears. */
enum { API_CLEARABLE = MEMBER_OPTIONAL | MEMBER_NULLABLE };

/* The members that every page has, beside its items. */
#define API_PAGE_OF(list)                                                                                              \
	TYPE_MEMBERS(                                                                                                      \
	    {"items", &(list), MEMBER_REQUIRED, "The records of this page."},                                              \
	    {"next_cursor", &api_cursor, MEMBER_NULLABLE, "Give it as cursor to get the next page; null on the last."})

/* The members that every paged call takes. */
#define API_PAGE_PARAMS                                                                                                \
	{"cursor", &api_cursor, MEMBER_OPTIONAL, "next_cursor of the page before."},                                       \
	{                                                                                                                  \
		"limit", &api_limit, MEMBER_OPTIONAL, "Records on a page; 50 when absent."                                     \
	}

/* The id that a client may choose for what it creates. */
#define API_ID_PARAM                                                                                                   \
	{                                                                                                                  \
		"id", &type_uuid, MEMBER_OPTIONAL, "The new record's id; made by the daemon when absent."                      \
	}

/* Reports that exactly one of the members must be there. `names` ends with NULL. */
void api_check_one_of(json_t *object, const char *path, struct type_faults *faults, const char *const *names);

/* Reports that the end lies before the beginning, for two members that hold instants, or days. */
void api_check_order(json_t *object, const char *path, struct type_faults *faults, const char *first, const char *last);

/* "path.name", or "name" at the top; for check functions. In the faults' arena. */
const char *api_path(struct type_faults *faults, const char *path, const char *name);

#endif
