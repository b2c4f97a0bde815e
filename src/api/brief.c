/* The brief: one page before a meeting. */
#include "api/methods.h"
#include "api/types.h"

#define NAMED(list, of) static const struct type list = {.kind = TYPE_LIST, .element = &(of)}
/* What was cut to the page: the first items, and how many more there are. */
#define SECTION(section, list)                                                                                         \
	static const struct type section = {.kind = TYPE_OBJECT,                                                           \
	                                    TYPE_MEMBERS({"items", &(list), MEMBER_REQUIRED, NULL},                        \
	                                                 {"more", &api_count, MEMBER_REQUIRED, "That found no room."})}
/* Of either side. */
#define WAYS(ways, section)                                                                                            \
	static const struct type ways = {                                                                                  \
	    .kind = TYPE_OBJECT,                                                                                           \
	    TYPE_MEMBERS({"theirs", &(section), MEMBER_REQUIRED, NULL}, {"ours", &(section), MEMBER_REQUIRED, NULL})}

static const struct type language = {
    .name = "BriefLanguage", .kind = TYPE_CHOICE, .choices = (const char *const[]){"en", "ko", NULL}};

static const struct type subject = {.name = "BriefSubject",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"engagement_id", &type_uuid, MEMBER_NULLABLE, NULL},
                                                 {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL},
                                                 {"country", &type_country, MEMBER_NULLABLE, NULL},
                                                 {"title", &api_text_record, MEMBER_REQUIRED, NULL})};

static const struct type post = {.name = "BriefPost",
                                 .kind = TYPE_OBJECT,
                                 TYPE_MEMBERS({"title", &api_text_record, MEMBER_NULLABLE, NULL},
                                              {"organization", &api_text_record, MEMBER_REQUIRED, NULL})};
NAMED(posts, post);
static const struct type name = {.name = "BriefName",
                                 .kind = TYPE_OBJECT,
                                 TYPE_MEMBERS({"text", &api_text_record, MEMBER_REQUIRED, NULL},
                                              {"kind", &api_text_record, MEMBER_REQUIRED, NULL},
                                              {"language", &api_text_record, MEMBER_NULLABLE, NULL},
                                              {"system", &api_text_record, MEMBER_NULLABLE, NULL})};
NAMED(names, name);
static const struct type person = {
    .name = "BriefPerson",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL},
        {"name", &api_text_record, MEMBER_REQUIRED, NULL},
        {"names", &names, MEMBER_REQUIRED, "As written and said, the primary one first."},
        {"country", &type_country, MEMBER_NULLABLE, NULL}, {"role", &api_participant_role, MEMBER_NULLABLE, NULL},
        {"titles", &posts, MEMBER_REQUIRED, "Posts held on the day of the engagement, else today."},
        {"languages", &api_code_list, MEMBER_REQUIRED, NULL}, {"status", &api_text_record, MEMBER_REQUIRED, NULL},
        {"notes", &api_text_record, MEMBER_NULLABLE, NULL}, {"last_met_on", &type_day, MEMBER_NULLABLE, NULL})};
NAMED(persons, person);
SECTION(people, persons);

static const struct type participant = {.name = "BriefParticipant",
                                        .kind = TYPE_OBJECT,
                                        TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_NULLABLE, NULL},
                                                     {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL},
                                                     {"name", &api_text_record, MEMBER_REQUIRED, NULL},
                                                     {"titles", &posts, MEMBER_REQUIRED, "Posts held then."})};
NAMED(participants, participant);
static const struct type event = {
    .name = "BriefEngagement",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL},
                 {"status", &api_engagement_status, MEMBER_REQUIRED, NULL},
                 {"when", &api_text_record, MEMBER_REQUIRED, "As exactly as it is known."},
                 {"location", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"countries", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"readout", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"participants", &participants, MEMBER_REQUIRED, "The first four, those of the other sides first."})};
NAMED(events, event);
static const struct type lines = {.kind = TYPE_LIST, .element = &api_text_record};
SECTION(agenda, lines);

static const struct type commitment = {
    .name = "BriefCommitment",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"by", &api_party_record, MEMBER_REQUIRED, NULL},
                 {"to", &api_party_record, MEMBER_NULLABLE, NULL}, {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"due_on", &type_day, MEMBER_NULLABLE, NULL}, {"overdue", &type_boolean, MEMBER_REQUIRED, NULL})};
NAMED(commitment_list, commitment);
SECTION(commitment_section, commitment_list);
WAYS(commitments, commitment_section);

static const struct type concern = {
    .name = "BriefConcern",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"by", &api_party_record, MEMBER_REQUIRED, NULL},
                 {"topic", &api_text_record, MEMBER_NULLABLE, NULL}, {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"times_raised", &api_count, MEMBER_REQUIRED, NULL},
                 {"last_raised_on", &type_day, MEMBER_REQUIRED, NULL},
                 {"times_answered", &api_count, MEMBER_REQUIRED, NULL})};
NAMED(concern_list, concern);
SECTION(concern_section, concern_list);
WAYS(concerns, concern_section);

static const struct type workstream = {.name = "BriefWorkstream",
                                       .kind = TYPE_OBJECT,
                                       TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"last_on", &type_day, MEMBER_REQUIRED, NULL})};
NAMED(workstream_list, workstream);
SECTION(workstreams, workstream_list);
static const struct type note = {
    .name = "BriefNote",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"private", &type_boolean, MEMBER_REQUIRED, "Always true: not to be passed on."},
                 {"created_at", &type_instant, MEMBER_REQUIRED, NULL})};
NAMED(note_list, note);
SECTION(notes, note_list);

static const struct type record = {
    .name = "Brief",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"subject", &subject, MEMBER_REQUIRED, NULL}, {"language", &language, MEMBER_REQUIRED, NULL},
        {"as_of", &type_day, MEMBER_REQUIRED, "Today in Seoul."},
        {"engagement", &event, MEMBER_NULLABLE, "The engagement that it is for."},
        {"agenda", &agenda, MEMBER_REQUIRED, NULL}, {"people", &people, MEMBER_REQUIRED, NULL},
        {"cadence", &type_any, MEMBER_NULLABLE, "How often to be in touch with the contact, as contact.get has it."},
        {"last", &events, MEMBER_REQUIRED, "The last five that were held."},
        {"next", &events, MEMBER_REQUIRED, "The next three that are planned."},
        {"commitments", &commitments, MEMBER_REQUIRED, "Open ones, overdue ones first."},
        {"concerns", &concerns, MEMBER_REQUIRED, "Open ones, most often raised first."},
        {"workstreams", &workstreams, MEMBER_REQUIRED, "Touched by the last 2,000 engagements, the latest first."},
        {"notes", &notes, MEMBER_REQUIRED, "The caller's own, and those the caller may read."},
        {"markdown", &api_text_record, MEMBER_REQUIRED, "All of it as one page of Markdown."})};

static void check_subject(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"engagement_id", "contact_id", "country", NULL});
}

static const struct method rows[] = {
    {.name = "brief.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary =
         "One page before a meeting: the people, what was last said, what is owed and open both ways, what is next.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS({"engagement_id", &type_uuid, MEMBER_OPTIONAL, "Before this engagement."},
                             {"contact_id", &type_uuid, MEMBER_OPTIONAL, "Or about this person."},
                             {"country", &type_country, MEMBER_OPTIONAL, "Or about this country."},
                             {"language", &language, MEMBER_OPTIONAL, "The caller's own when absent, else English."}),
                .check = check_subject},
     .result = &record,
     .example = "{\"country\": \"CN\", \"language\": \"en\"}"},
};
const struct method_group api_brief = {rows, sizeof rows / sizeof *rows};
