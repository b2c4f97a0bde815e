/* Engagements: one event each, tied to countries and to what it advances on the roadmap. */
#include "api/methods.h"
#include "api/types.h"

#include <string.h>

#include "base/uuid.h"
#include "rpc/reference.h"

static const struct type on_match = {.kind = TYPE_CHOICE,
                                     .choices = (const char *const[]){"refuse", "use", "create", NULL}};

static void check_participant(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"contact_id", "principal_id", "contact", NULL});
	if (json_object_get(object, "on_match") && !json_object_get(object, "contact"))
		type_fault(faults, api_path(faults, path, "on_match"), "goes with contact only");
}

static const struct type participant_object = {
    .name = "ParticipantInput",
    .kind = TYPE_OBJECT,
    .help = "Somebody who took part: a contact, one of our own people, or a person to be made a contact of.",
    TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                 {"principal_id", &type_uuid, MEMBER_OPTIONAL, "One of our own people."},
                 {"contact", &api_contact_object, MEMBER_OPTIONAL, "A person to be made a contact of."},
                 {"on_match", &on_match, MEMBER_OPTIONAL,
                  "When contacts of that country bear exactly this name: refuse, use the only one, or create another."},
                 {"role", &api_participant_role, MEMBER_OPTIONAL, "participant when absent."},
                 {"capacity", &api_capacity, MEMBER_OPTIONAL, "As what the person spoke, that day."},
                 {"attendance", &api_attendance, MEMBER_OPTIONAL, "Whether the person came."},
                 {"side", &type_country, MEMBER_OPTIONAL, "For which country's side."}),
    .check = check_participant};
static const struct type participant_objects = {.kind = TYPE_LIST, .element = &participant_object, .max = 500};

static const struct type topic = {.kind = TYPE_SLUG, .min = 1, .max = 64};
static const struct type topic_list = {.kind = TYPE_LIST, .element = &topic, .max = 100, .unique = true};
static const struct type headcount = {.kind = TYPE_INTEGER, .min = 0, .max = 100000000};
static const struct type audience_object = {
    .name = "Audience",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"headcount", &headcount, MEMBER_OPTIONAL, "How many were there."},
                 {"groups", &type_text_list, MEMBER_OPTIONAL, "Who they were, as groups."})};

static const struct type agenda_status = {.kind = TYPE_CHOICE,
                                          .choices = (const char *const[]){"consensus", "no-consensus", "open", NULL}};
static const struct type agenda_object = {.name = "AgendaItem",
                                          .kind = TYPE_OBJECT,
                                          .shorthand = "text",
                                          TYPE_MEMBERS({"text", &type_line, MEMBER_REQUIRED, "The item."},
                                                       {"status", &agenda_status, MEMBER_OPTIONAL, "What came of it."})};
static const struct type agenda_objects = {.kind = TYPE_LIST, .element = &agenda_object, .max = 200};

/* "KP" and an id both are short for a party; which one it is shows in the text. */
static void check_party(json_t *object, const char *path, struct type_faults *faults)
{
	static const char *const ways[] = {"country", "contact_id", "principal_id", NULL};
	const char *party = json_string_value(json_object_get(object, "party"));
	if (party && (json_object_get(object, ways[0]) || json_object_get(object, ways[1]) || json_object_get(object, ways[2]))) {
		type_fault(faults, path, "gives party and another; give one");
		return;
	}
	if (party && uuid_valid(party)) {
		json_object_set(object, "id", json_object_get(object, "party"));
		json_object_del(object, "party");
	} else if (party && strlen(party) == 2 && reference_has(REFERENCE_COUNTRY, party)) {
		json_object_set(object, "country", json_object_get(object, "party"));
		json_object_del(object, "party");
	} else if (party) {
		type_fault(faults, path, "must be a country's code or the id of a contact or principal");
		return;
	}
	if (!json_object_get(object, "id"))
		api_check_one_of(object, path, faults, ways);
}

static const struct type party_object = {
    .name = "Party",
    .kind = TYPE_OBJECT,
    .help = "A country, a contact or one of our own people; a bare code or id will do.",
    .shorthand = "party",
    TYPE_MEMBERS({"party", &type_line, MEMBER_OPTIONAL, "A country's code, or the id of a contact or principal."},
                 {"country", &type_country, MEMBER_OPTIONAL, "A country."},
                 {"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                 {"principal_id", &type_uuid, MEMBER_OPTIONAL, "One of our own people."}),
    .check = check_party};
static const struct type commitment_object = {
    .name = "CommitmentInput",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"by", &party_object, MEMBER_REQUIRED, "Who promised."}, {"to", &party_object, MEMBER_OPTIONAL, "To whom."},
                 {"text", &type_text, MEMBER_REQUIRED, "What was promised."},
                 {"due_on", &type_day, MEMBER_OPTIONAL, "By which day."})};
static const struct type commitment_objects = {.kind = TYPE_LIST, .element = &commitment_object, .max = 200};

static const struct type reminder_note = {.kind = TYPE_TEXT, .min = 1, .max = 4000};
static const struct type follow_up_object = {
    .name = "FollowUp",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"due_at", &type_instant, MEMBER_REQUIRED, "When to remind."},
                 {"note", &reminder_note, MEMBER_REQUIRED, "Of what."},
                 {"assignee", &type_uuid, MEMBER_OPTIONAL, "Whom; the caller when absent."})};

static void check_log(json_t *object, const char *path, struct type_faults *faults)
{
	static const char *const with_day[] = {"ends_on", "precision"}, *const with_instant[] = {"ends_at", "timezone"};
	bool day = json_object_get(object, "starts_on") != NULL, instant = json_object_get(object, "starts_at") != NULL;
	api_check_one_of(object, path, faults, (const char *const[]){"starts_at", "starts_on", NULL});
	for (size_t i = 0; i < 2; i++) {
		if (json_object_get(object, with_day[i]) && !day)
			type_fault(faults, with_day[i], "goes with starts_on only");
		if (json_object_get(object, with_instant[i]) && !instant)
			type_fault(faults, with_instant[i], "goes with starts_at only");
	}
	api_check_order(object, path, faults, "starts_at", "ends_at");
	api_check_order(object, path, faults, "starts_on", "ends_on");
	if (!json_object_get(object, "dialogue_id")) {
		if (!json_object_get(object, "countries"))
			type_fault(faults, "countries", "is required: one or more, unless a dialogue gives them");
		if (!json_object_get(object, "workstreams"))
			type_fault(faults, "workstreams", "is required: one or more of the roadmap's, unless a dialogue gives them");
	}
}

static const struct type participant_record = {
    .name = "ParticipantRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"name", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"country", &type_country, MEMBER_NULLABLE, NULL}, {"role", &api_participant_role, MEMBER_REQUIRED, NULL},
                 {"capacity", &api_capacity, MEMBER_NULLABLE, NULL}, {"attendance", &api_attendance, MEMBER_NULLABLE, NULL},
                 {"side", &type_country, MEMBER_NULLABLE, NULL})};
static const struct type participant_records = {.kind = TYPE_LIST, .element = &participant_record};
static const struct type audience_record = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"headcount", &type_integer, MEMBER_NULLABLE, NULL}, {"groups", &api_code_list, MEMBER_NULLABLE, NULL})};
static const struct type agenda_record = {.kind = TYPE_OBJECT,
                                          TYPE_MEMBERS({"text", &api_text_record, MEMBER_REQUIRED, NULL},
                                                       {"status", &agenda_status, MEMBER_OPTIONAL, NULL})};
static const struct type agenda_records = {.kind = TYPE_LIST, .element = &agenda_record};
static const struct type commitment_status = {
    .kind = TYPE_CHOICE, .choices = (const char *const[]){"open", "fulfilled", "lapsed", "withdrawn", NULL}};
static const struct type commitment_record = {
    .name = "Commitment",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
                 {"by", &api_party_record, MEMBER_REQUIRED, NULL}, {"to", &api_party_record, MEMBER_NULLABLE, NULL},
                 {"text", &api_text_record, MEMBER_REQUIRED, NULL}, {"due_on", &type_day, MEMBER_NULLABLE, NULL},
                 {"status", &commitment_status, MEMBER_REQUIRED, NULL})};
static const struct type commitment_records = {.kind = TYPE_LIST, .element = &commitment_record};
static const struct type created = {
    .name = "CreatedAlong",
    .kind = TYPE_OBJECT,
    .help = "The ids of what was created in the same transaction.",
    TYPE_MEMBERS({"contacts", &type_uuid_list, MEMBER_REQUIRED, NULL}, {"commitments", &type_uuid_list, MEMBER_REQUIRED, NULL},
                 {"note_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"reminder_id", &type_uuid, MEMBER_NULLABLE, NULL})};

#define ENGAGEMENT_MEMBERS                                                                                             \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},                      \
	    {"title", &api_text_record, MEMBER_REQUIRED, NULL}, {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL},     \
	    {"track", &api_track, MEMBER_NULLABLE, NULL}, {"status", &api_engagement_status, MEMBER_REQUIRED, NULL},       \
	    {"starts_at", &type_instant, MEMBER_NULLABLE, NULL}, {"ends_at", &type_instant, MEMBER_NULLABLE, NULL},        \
	    {"timezone", &api_text_record, MEMBER_NULLABLE, NULL}, {"starts_on", &type_day, MEMBER_NULLABLE, NULL},        \
	    {"ends_on", &type_day, MEMBER_NULLABLE, NULL}, {"precision", &api_precision, MEMBER_NULLABLE, NULL},           \
	    {"location", &api_text_record, MEMBER_NULLABLE, NULL}, {"format", &api_format, MEMBER_NULLABLE, NULL},         \
	    {"countries", &api_code_list, MEMBER_REQUIRED, NULL},                                                          \
	    {"workstreams", &api_workstream_record_list, MEMBER_REQUIRED, NULL},                                           \
	    {"topics", &api_code_list, MEMBER_REQUIRED, NULL},                                                             \
	    {"participants", &participant_records, MEMBER_REQUIRED, NULL},                                                 \
	    {"audience", &audience_record, MEMBER_NULLABLE, NULL}, {"dialogue_id", &type_uuid, MEMBER_NULLABLE, NULL},     \
	    {"parent_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"languages", &api_code_list, MEMBER_REQUIRED, NULL},        \
	    {"attribution", &api_attribution, MEMBER_NULLABLE, NULL},                                                      \
	    {"sensitivity", &api_sensitivity, MEMBER_REQUIRED, NULL}, {"agenda", &agenda_records, MEMBER_REQUIRED, NULL},  \
	    {"readout", &api_text_record, MEMBER_NULLABLE, NULL}, {"outcomes", &api_code_list, MEMBER_REQUIRED, NULL},     \
	    {"sources", &api_code_list, MEMBER_REQUIRED, NULL}, {"owner", &type_uuid, MEMBER_NULLABLE, NULL},              \
	    {"commitments", &commitment_records, MEMBER_REQUIRED, NULL}, {"logged_by", &type_uuid, MEMBER_REQUIRED, NULL}, \
	    {"logged_at", &type_instant, MEMBER_REQUIRED, NULL}, {"updated_at", &type_instant, MEMBER_REQUIRED, NULL},     \
	    {"voided_at", &type_instant, MEMBER_NULLABLE, NULL},                                                           \
	{                                                                                                                  \
		"void_reason", &api_text_record, MEMBER_NULLABLE, NULL                                                         \
	}

static const struct type record = {.name = "Engagement", .kind = TYPE_OBJECT, TYPE_MEMBERS(ENGAGEMENT_MEMBERS)};
static const struct type logged = {
    .name = "LoggedEngagement",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(ENGAGEMENT_MEMBERS, {"created", &created, MEMBER_REQUIRED, "What came into being along with it."})};

static const struct type card_participant = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"contact_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL},
                 {"name", &api_text_record, MEMBER_NULLABLE, NULL}, {"country", &type_country, MEMBER_NULLABLE, NULL},
                 {"role", &api_participant_role, MEMBER_REQUIRED, NULL})};
static const struct type card_participants = {.kind = TYPE_LIST, .element = &card_participant};
static const struct type card_dialogue = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type card = {
    .name = "EngagementCard",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL}, {"track", &api_track, MEMBER_NULLABLE, NULL},
                 {"status", &api_engagement_status, MEMBER_REQUIRED, NULL}, {"starts_at", &type_instant, MEMBER_NULLABLE, NULL},
                 {"starts_on", &type_day, MEMBER_NULLABLE, NULL}, {"precision", &api_precision, MEMBER_NULLABLE, NULL},
                 {"countries", &api_code_list, MEMBER_REQUIRED, NULL}, {"workstreams", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"dialogue", &card_dialogue, MEMBER_NULLABLE, NULL},
                 {"participants", &card_participants, MEMBER_REQUIRED, NULL},
                 {"readout", &api_text_record, MEMBER_NULLABLE, "Its first 280 characters."},
                 {"open_commitments", &api_count, MEMBER_REQUIRED, NULL})};
static const struct type cards = {.kind = TYPE_LIST, .element = &card};
static const struct type page = {.name = "EngagementPage", .kind = TYPE_OBJECT, API_PAGE_OF(cards)};

static const struct type phase_number = {.kind = TYPE_INTEGER, .min = 1, .max = 100};
static const struct type order = {.kind = TYPE_CHOICE, .choices = (const char *const[]){"newest", "oldest", NULL}};
static const struct type place_name = {.kind = TYPE_TEXT, .min = 1, .max = 500};

static void check_history(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

static const struct method rows[] = {
    {.name = "engagement.log",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Logs an engagement, with its people, commitments and follow-up, in one transaction.",
     .params =
         {.kind = TYPE_OBJECT,
          TYPE_MEMBERS(
              API_ID_PARAM, {"title", &type_line, MEMBER_REQUIRED, "What it was, in a line."},
              {"kind", &api_engagement_kind, MEMBER_REQUIRED, "What kind of event."},
              {"track", &api_track, MEMBER_OPTIONAL, "Who spoke; the dialogue's when absent."},
              {"status", &api_engagement_status, MEMBER_OPTIONAL, "held when absent, or planned when it lies ahead."},
              {"starts_at", &type_instant, MEMBER_OPTIONAL, "When it began, to the minute; or give starts_on."},
              {"ends_at", &type_instant, MEMBER_OPTIONAL, "When it ended."},
              {"timezone", &type_zone, MEMBER_OPTIONAL, "The zone of the place, for showing the hour."},
              {"starts_on", &type_day, MEMBER_OPTIONAL, "Its first day, where no hour is known."},
              {"ends_on", &type_day, MEMBER_OPTIONAL, "Its last day."},
              {"precision", &api_precision, MEMBER_OPTIONAL, "How exactly starts_on is known; day when absent."},
              {"location", &place_name, MEMBER_OPTIONAL, "Where."}, {"format", &api_format, MEMBER_OPTIONAL, "How people met."},
              {"countries", &type_country_list, MEMBER_OPTIONAL, "The countries it was with; the dialogue's when absent."},
              {"workstreams", &api_workstream_list, MEMBER_OPTIONAL, "What it advances; the dialogue's when absent."},
              {"topics", &topic_list, MEMBER_OPTIONAL, "What it was about: sanctions-relief, family-reunions, …"},
              {"participants", &participant_objects, MEMBER_OPTIONAL, "Who took part."},
              {"audience", &audience_object, MEMBER_OPTIONAL, "Who listened."},
              {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "The dialogue it belongs to."},
              {"parent_id", &type_uuid, MEMBER_OPTIONAL, "The visit or conference it was a part of."},
              {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken; the dialogue's when absent."},
              {"attribution", &api_attribution, MEMBER_OPTIONAL, "What may be said of it; the dialogue's when absent."},
              {"sensitivity", &api_sensitivity, MEMBER_OPTIONAL,
               "At least that of its contacts, and raised to it when absent; internal when nothing says more."},
              {"agenda", &agenda_objects, MEMBER_OPTIONAL, "What was to be spoken of, and what came of it."},
              {"readout", &type_text, MEMBER_OPTIONAL, "What may be shared of it."},
              {"private_notes", &type_text, MEMBER_OPTIONAL, "A note of the caller's, for the caller alone."},
              {"outcomes", &type_text_list, MEMBER_OPTIONAL, "What came of it."},
              {"sources", &type_text_list, MEMBER_OPTIONAL, "Where it is on record."},
              {"owner", &type_uuid, MEMBER_OPTIONAL, "The principal responsible for it."},
              {"commitments", &commitment_objects, MEMBER_OPTIONAL, "What was promised."},
              {"follow_up", &follow_up_object, MEMBER_OPTIONAL, "A reminder, made with it."}),
          .check = check_log},
     .result = &logged,
     .example = "{\"title\": \"Lunch on sanctions relief\", \"kind\": \"meeting\", \"track\": \"2\", \"starts_at\": "
                "\"2026-11-20T12:30:00+09:00\", \"countries\": [\"CN\"], \"workstreams\": [\"1.3\"], \"participants\": "
                "[{\"contact\": {\"name\": \"王毅\", \"country\": \"CN\"}, \"on_match\": \"use\"}]}"},
    {.name = "engagement.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One engagement, whole.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."}),
     .result = &record},
    {.name = "engagement.history",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Engagements, newest first, one page at a time.",
     .params = {.kind = TYPE_OBJECT, TYPE_MEMBERS(
                   {"country", &type_country, MEMBER_OPTIONAL, "With this country; where it is listed."},
                   {"countries_all", &type_country_list, MEMBER_OPTIONAL, "With all of these countries."},
                   {"workstream", &type_workstream, MEMBER_OPTIONAL, "That advance this workstream."},
                   {"objective", &type_objective, MEMBER_OPTIONAL, "That advance this objective."},
                   {"phase", &phase_number, MEMBER_OPTIONAL, "That advance any workstream of this phase."},
                   {"topic", &topic, MEMBER_OPTIONAL, "About this topic."},
                   {"kind", &api_engagement_kind, MEMBER_OPTIONAL, "Of this kind."},
                   {"track", &api_track, MEMBER_OPTIONAL, "On this track."},
                   {"status", &api_engagement_status, MEMBER_OPTIONAL, "Of this status."},
                   {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "Of this dialogue."},
                   {"contact_id", &type_uuid, MEMBER_OPTIONAL, "In which this contact took part."},
                   {"organization_id", &type_uuid, MEMBER_OPTIONAL, "In which somebody of this organization took part, then."},
                   {"owner", &type_uuid, MEMBER_OPTIONAL, "That this principal is responsible for."},
                   {"since", &type_moment, MEMBER_OPTIONAL, "That began then or later; a day begins in Seoul."},
                   {"until", &type_moment, MEMBER_OPTIONAL, "That began before then."},
                   {"order", &order, MEMBER_OPTIONAL, "newest when absent."}, API_PAGE_PARAMS), .check = check_history},
     .result = &page,
     .columns = "starts_at,starts_on,kind,track,countries,workstreams,title,id",
     .example = "{\"country\": \"KP\", \"since\": \"2018-01-01\", \"limit\": 10}"},
};
const struct method_group api_engagement = {rows, sizeof rows / sizeof *rows};
