/* Engagements: one event each, tied to countries and to what it advances on the roadmap. */
#include "api/methods.h"
#include "api/types.h"

#include <string.h>

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
static const struct type agenda_object = {
    .name = "AgendaItem",
    .kind = TYPE_OBJECT,
    .shorthand = "text",
    TYPE_MEMBERS({"text", &type_line, MEMBER_REQUIRED, "The item."},
                 {"status", &agenda_status, MEMBER_OPTIONAL, "What came of it."})};
static const struct type agenda_objects = {.kind = TYPE_LIST, .element = &agenda_object, .max = 200};

static const char *const with_day[] = {"ends_on", "precision"}, *const with_instant[] = {"ends_at", "timezone"};

static void check_log(json_t *object, const char *path, struct type_faults *faults)
{
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
			type_fault(faults, "workstreams",
			           "is required: one or more of the roadmap's, unless a dialogue gives them");
	}
}

static const struct type participant_record = {
    .name = "ParticipantRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"contact_id", &type_uuid, MEMBER_NULLABLE, NULL},
        {"principal_id", &type_uuid, MEMBER_NULLABLE, NULL}, {"name", &api_text_record, MEMBER_NULLABLE, NULL},
        {"country", &type_country, MEMBER_NULLABLE, NULL}, {"role", &api_participant_role, MEMBER_REQUIRED, NULL},
        {"capacity", &api_capacity, MEMBER_NULLABLE, NULL}, {"attendance", &api_attendance, MEMBER_NULLABLE, NULL},
        {"side", &type_country, MEMBER_NULLABLE, NULL})};
static const struct type participant_records = {.kind = TYPE_LIST, .element = &participant_record};
static const struct type audience_record = {.kind = TYPE_OBJECT,
                                            TYPE_MEMBERS({"headcount", &type_integer, MEMBER_NULLABLE, NULL},
                                                         {"groups", &api_code_list, MEMBER_NULLABLE, NULL})};
static const struct type agenda_record = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"text", &api_text_record, MEMBER_REQUIRED, NULL}, {"status", &agenda_status, MEMBER_OPTIONAL, NULL})};
static const struct type agenda_records = {.kind = TYPE_LIST, .element = &agenda_record};
static const struct type created = {.name = "CreatedAlong",
                                    .kind = TYPE_OBJECT,
                                    .help = "The ids of what was created in the same transaction.",
                                    TYPE_MEMBERS({"contacts", &type_uuid_list, MEMBER_REQUIRED, NULL},
                                                 {"commitments", &type_uuid_list, MEMBER_REQUIRED, NULL},
                                                 {"note_id", &type_uuid, MEMBER_NULLABLE, NULL},
                                                 {"reminder_id", &type_uuid, MEMBER_NULLABLE, NULL})};

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
	    {"commitments", &api_commitment_record_list, MEMBER_REQUIRED, NULL},                                           \
	    {"logged_by", &type_uuid, MEMBER_REQUIRED, NULL}, {"logged_at", &type_instant, MEMBER_REQUIRED, NULL},         \
	    {"updated_at", &type_instant, MEMBER_REQUIRED, NULL}, {"voided_at", &type_instant, MEMBER_NULLABLE, NULL},     \
	{                                                                                                                  \
		"void_reason", &api_text_record, MEMBER_NULLABLE, NULL                                                         \
	}

static const struct type record = {.name = "Engagement", .kind = TYPE_OBJECT, TYPE_MEMBERS(ENGAGEMENT_MEMBERS)};
static const struct type logged = {
    .name = "LoggedEngagement",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(ENGAGEMENT_MEMBERS, {"created", &created, MEMBER_REQUIRED, "What came into being along with it."})};

static const struct type id_list = {.kind = TYPE_LIST, .element = &type_uuid};
static const struct type voided = {
    .name = "VoidedEngagement",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(ENGAGEMENT_MEMBERS,
                 {"cancelled_reminders", &id_list, MEMBER_REQUIRED, "Those of it, and of what was promised there."},
                 {"warnings", &api_warning_list, MEMBER_REQUIRED, "What else went with it."})};

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
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
        {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL}, {"track", &api_track, MEMBER_NULLABLE, NULL},
        {"status", &api_engagement_status, MEMBER_REQUIRED, NULL}, {"starts_at", &type_instant, MEMBER_NULLABLE, NULL},
        {"starts_on", &type_day, MEMBER_NULLABLE, NULL}, {"precision", &api_precision, MEMBER_NULLABLE, NULL},
        {"countries", &api_code_list, MEMBER_REQUIRED, NULL}, {"workstreams", &api_code_list, MEMBER_REQUIRED, NULL},
        {"dialogue", &card_dialogue, MEMBER_NULLABLE, NULL},
        {"participants", &card_participants, MEMBER_REQUIRED, NULL},
        {"readout", &api_text_record, MEMBER_NULLABLE, "Its first 280 characters."},
        {"open_commitments", &api_count, MEMBER_REQUIRED, NULL})};
static const struct type cards = {.kind = TYPE_LIST, .element = &card};
const struct type api_engagement_page = {.name = "EngagementPage", .kind = TYPE_OBJECT, API_PAGE_OF(cards)};

static const struct type phase_number = {.kind = TYPE_INTEGER, .min = 1, .max = 100};
static const struct type search_text = {.kind = TYPE_TEXT, .min = 1, .max = 200};
static const struct type place_name = {.kind = TYPE_TEXT, .min = 1, .max = 500};

static void check_history(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_order(object, path, faults, "since", "until");
}

static const struct type code_list = {
    .kind = TYPE_LIST, .element = &type_workstream, .min = 1, .max = 50, .unique = true};
static const struct type participant_change = {
    .name = "ParticipantChange",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, "The participant's own id, as the engagement shows it."},
                 {"role", &api_participant_role, MEMBER_OPTIONAL, "The part."},
                 {"capacity", &api_capacity, API_CLEARABLE, "As what the person spoke."},
                 {"attendance", &api_attendance, API_CLEARABLE, "Whether the person came."},
                 {"side", &type_country, API_CLEARABLE, "For which country's side."})};
static const struct type participant_changes = {.kind = TYPE_LIST, .element = &participant_change, .max = 500};

static void check_update(json_t *object, const char *path, struct type_faults *faults)
{
	static const char *const whole[] = {"countries", "workstreams"};
	static const char *const parts[] = {"add", "change", "remove"};
	if (json_is_string(json_object_get(object, "starts_at")) && json_is_string(json_object_get(object, "starts_on")))
		type_fault(faults, "starts_on", "does not go with starts_at; give one");
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++) {
			const char *name = arena_printf(faults->arena, "%s_%s", whole[i], parts[k]);
			if (json_object_get(object, whole[i]) && json_object_get(object, name))
				type_fault(faults, name, "does not go with %s, which replaces the list", whole[i]);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		if (json_is_string(json_object_get(object, with_day[i])) &&
		    json_is_string(json_object_get(object, "starts_at")))
			type_fault(faults, with_day[i], "goes with starts_on only");
		if (json_is_string(json_object_get(object, with_instant[i])) &&
		    json_is_string(json_object_get(object, "starts_on")))
			type_fault(faults, with_instant[i], "goes with starts_at only");
	}
	api_check_order(object, path, faults, "starts_at", "ends_at");
	api_check_order(object, path, faults, "starts_on", "ends_on");
}

static const struct type audience = {.name = "ReadoutAudience",
                                     .kind = TYPE_CHOICE,
                                     .help = "Anybody; those who work with us; the house.",
                                     .choices = (const char *const[]){"public", "partner", "internal", NULL}};
static const struct type shown_participant = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"name", &api_text_record, MEMBER_NULLABLE, NULL}, {"country", &type_country, MEMBER_NULLABLE, NULL},
                 {"role", &api_participant_role, MEMBER_REQUIRED, NULL},
                 {"capacity", &api_capacity, MEMBER_NULLABLE, NULL},
                 {"attendance", &api_attendance, MEMBER_NULLABLE, NULL}, {"side", &type_country, MEMBER_NULLABLE, NULL},
                 {"posts", &api_code_list, MEMBER_REQUIRED, "What the person was that day, and where."})};
static const struct type shown_participants = {.kind = TYPE_LIST, .element = &shown_participant};
static const struct type readout = {
    .name = "EngagementReadout",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
        {"audience", &audience, MEMBER_REQUIRED, NULL}, {"attribution", &api_attribution, MEMBER_NULLABLE, NULL},
        {"sensitivity", &api_sensitivity, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
        {"kind", &api_engagement_kind, MEMBER_REQUIRED, NULL}, {"track", &api_track, MEMBER_NULLABLE, NULL},
        {"status", &api_engagement_status, MEMBER_REQUIRED, NULL}, {"starts_at", &type_instant, MEMBER_NULLABLE, NULL},
        {"ends_at", &type_instant, MEMBER_NULLABLE, NULL}, {"timezone", &api_text_record, MEMBER_NULLABLE, NULL},
        {"starts_on", &type_day, MEMBER_NULLABLE, "Where the hour is withheld, the day at the place."},
        {"ends_on", &type_day, MEMBER_NULLABLE, NULL}, {"precision", &api_precision, MEMBER_NULLABLE, NULL},
        {"location", &api_text_record, MEMBER_NULLABLE, NULL}, {"format", &api_format, MEMBER_NULLABLE, NULL},
        {"countries", &api_code_list, MEMBER_REQUIRED, NULL}, {"topics", &api_code_list, MEMBER_REQUIRED, NULL},
        {"participants", &shown_participants, MEMBER_NULLABLE, NULL},
        {"listeners", &audience_record, MEMBER_NULLABLE, "Who listened."},
        {"agenda", &agenda_records, MEMBER_REQUIRED, NULL}, {"readout", &api_text_record, MEMBER_NULLABLE, NULL},
        {"outcomes", &api_code_list, MEMBER_REQUIRED, NULL}, {"sources", &api_code_list, MEMBER_NULLABLE, NULL},
        {"workstreams", &api_workstream_record_list, MEMBER_NULLABLE, "For the house only."},
        {"commitments", &api_commitment_record_list, MEMBER_NULLABLE, "For the house only."},
        {"dialogue", &card_dialogue, MEMBER_NULLABLE, "For the house only."},
        {"withheld", &api_code_list, MEMBER_REQUIRED, "Kinds of what was there and does not go out."},
        {"markdown", &api_text_record, MEMBER_REQUIRED, "The whole, ready to be pasted."})};

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
              {"starts_at", &type_instant, MEMBER_OPTIONAL | MEMBER_PAST,
               "When it began, to the minute; or give starts_on."},
              {"ends_at", &type_instant, MEMBER_OPTIONAL | MEMBER_PAST, "When it ended."},
              {"timezone", &type_zone, MEMBER_OPTIONAL, "The zone of the place, for showing the hour."},
              {"starts_on", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "Its first day, where no hour is known."},
              {"ends_on", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "Its last day."},
              {"precision", &api_precision, MEMBER_OPTIONAL, "How exactly starts_on is known; day when absent."},
              {"location", &place_name, MEMBER_OPTIONAL, "Where."},
              {"format", &api_format, MEMBER_OPTIONAL, "How people met."},
              {"countries", &type_country_list, MEMBER_OPTIONAL,
               "The countries it was with; the dialogue's when absent."},
              {"workstreams", &api_workstream_list, MEMBER_OPTIONAL, "What it advances; the dialogue's when absent."},
              {"topics", &topic_list, MEMBER_OPTIONAL, "What it was about: sanctions-relief, family-reunions, …"},
              {"participants", &participant_objects, MEMBER_OPTIONAL, "Who took part."},
              {"audience", &audience_object, MEMBER_OPTIONAL, "Who listened."},
              {"dialogue_id", &type_uuid, MEMBER_OPTIONAL, "The dialogue it belongs to."},
              {"parent_id", &type_engagement_id, MEMBER_OPTIONAL, "The visit or conference it was a part of."},
              {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken; the dialogue's when absent."},
              {"attribution", &api_attribution, MEMBER_OPTIONAL, "What may be said of it; the dialogue's when absent."},
              {"sensitivity", &api_sensitivity, MEMBER_OPTIONAL,
               "At least that of its contacts, and raised to it when absent; internal when nothing says more."},
              {"agenda", &agenda_objects, MEMBER_OPTIONAL, "What was to be spoken of, and what came of it."},
              {"readout", &type_text, MEMBER_OPTIONAL, "What may be shared of it."},
              {"private_notes", &type_text, MEMBER_OPTIONAL, "A note of the caller's, for the caller alone."},
              {"outcomes", &type_text_list, MEMBER_OPTIONAL, "What came of it."},
              {"sources", &type_text_list, MEMBER_OPTIONAL, "Where it is on record."},
              {"owner", &type_principal_id, MEMBER_OPTIONAL, "The principal responsible for it."},
              {"commitments", &api_commitment_object_list, MEMBER_OPTIONAL, "What was promised."},
              {"follow_up", &api_follow_up_object, MEMBER_OPTIONAL, "A reminder, made with it."}),
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
    {.name = "engagement.readout",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary =
         "What may be shared of an engagement with an audience, and refused where nothing may: off the record goes to "
         "nobody outside, the public hears of what is open, partners of what is internal at most. Unless it was on "
         "the record, nothing outside tells who was there, nor where, nor the hour; names on record are taken out of "
         "the texts, others are not known: read it before it goes out.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which."},
                   {"audience", &audience, MEMBER_REQUIRED, "Who is to read it."}),
     .result = &readout},
    {.name = "engagement.history",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "Engagements, newest first, one page at a time.",
     .params = {.kind = TYPE_OBJECT,
                TYPE_MEMBERS(
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
                    {"organization_id", &type_uuid, MEMBER_OPTIONAL,
                     "In which somebody of this organization took part, then."},
                    {"owner", &type_principal_id, MEMBER_OPTIONAL, "That this principal is responsible for."},
                    {"since", &type_moment, MEMBER_OPTIONAL | MEMBER_BOUND,
                     "That began then or later; a day begins in Seoul."},
                    {"until", &type_moment, MEMBER_OPTIONAL | MEMBER_BOUND, "That began before then."},
                    {"text", &search_text, MEMBER_OPTIONAL,
                     "Words, each of which stands in its title, location, readout, outcomes, agenda or topics, in any "
                     "name of a contact who took part, or in its dialogue's title; a part of a word will do, and what "
                     "stands in quotes is one phrase. Case and width do not matter."},
                    {"order", &api_order, MEMBER_OPTIONAL, "newest when absent."}, API_PAGE_PARAMS),
                .check = check_history},
     .result = &api_engagement_page,
     .columns = "starts_at,starts_on,kind,track,countries,workstreams,title,id",
     .example = "{\"country\": \"KP\", \"since\": \"2018-01-01\", \"text\": \"\\\"summit\\\" 판문점\", \"limit\": 10}"},
    {.name = "engagement.update",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .patch = true,
     .summary =
         "Corrects an engagement: what is sent is changed, null clears, lists of people grow and shrink by members.",
     .params =
         {.kind = TYPE_OBJECT,
          TYPE_MEMBERS(
              API_UPDATE_PARAMS, {"title", &type_line, MEMBER_OPTIONAL, "What it was, in a line."},
              {"kind", &api_engagement_kind, MEMBER_OPTIONAL, "What kind of event."},
              {"track", &api_track, API_CLEARABLE, "Who spoke."},
              {"status", &api_engagement_status, MEMBER_OPTIONAL, "How far it has come; engagement.hold says more."},
              {"starts_at", &type_instant, MEMBER_OPTIONAL, "When it began; replaces starts_on."},
              {"ends_at", &type_instant, API_CLEARABLE, "When it ended."},
              {"timezone", &type_zone, API_CLEARABLE, "The zone of the place."},
              {"starts_on", &type_day, MEMBER_OPTIONAL, "Its first day; replaces starts_at."},
              {"ends_on", &type_day, API_CLEARABLE, "Its last day."},
              {"precision", &api_precision, MEMBER_OPTIONAL, "How exactly starts_on is known."},
              {"location", &place_name, API_CLEARABLE, "Where."},
              {"format", &api_format, API_CLEARABLE, "How people met."},
              {"countries", &type_country_list, MEMBER_OPTIONAL, "The countries, all of them."},
              {"countries_add", &type_country_list, MEMBER_OPTIONAL, "Countries that were missing."},
              {"countries_remove", &type_country_list, MEMBER_OPTIONAL, "Countries that should not be there."},
              {"workstreams", &api_workstream_list, MEMBER_OPTIONAL, "The workstreams, all of them."},
              {"workstreams_add", &api_workstream_list, MEMBER_OPTIONAL, "Workstreams that were missing."},
              {"workstreams_change", &api_workstream_list, MEMBER_OPTIONAL,
               "Other objectives or contributions, by code."},
              {"workstreams_remove", &code_list, MEMBER_OPTIONAL, "Codes that should not be there."},
              {"topics", &topic_list, MEMBER_OPTIONAL, "What it was about, all of it."},
              {"participants_add", &participant_objects, MEMBER_OPTIONAL, "Who took part as well."},
              {"participants_change", &participant_changes, MEMBER_OPTIONAL,
               "What was otherwise, by the participants' ids."},
              {"participants_remove", &api_uuid_list, MEMBER_OPTIONAL, "Ids of participants who did not take part."},
              {"audience", &audience_object, API_CLEARABLE, "Who listened."},
              {"dialogue_id", &type_uuid, API_CLEARABLE, "The dialogue it belongs to."},
              {"parent_id", &type_engagement_id, API_CLEARABLE, "The visit or conference it was a part of."},
              {"languages", &type_language_list, MEMBER_OPTIONAL, "Languages spoken, all of them."},
              {"attribution", &api_attribution, API_CLEARABLE, "What may be said of it."},
              {"sensitivity", &api_sensitivity, MEMBER_OPTIONAL, "At least that of its contacts."},
              {"agenda", &agenda_objects, MEMBER_OPTIONAL, "The agenda, all of it."},
              {"readout", &type_text, API_CLEARABLE, "What may be shared of it."},
              {"outcomes", &type_text_list, MEMBER_OPTIONAL, "What came of it, all of it."},
              {"sources", &type_text_list, MEMBER_OPTIONAL, "Where it is on record, all of it."},
              {"owner", &type_principal_id, API_CLEARABLE, "The principal responsible for it."}),
          .check = check_update},
     .result = &record},
    {.name = "engagement.hold",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Says that a planned engagement has taken place, who was missing, and what came of it.",
     METHOD_PARAMS(
         API_UPDATE_PARAMS, {"readout", &type_text, MEMBER_OPTIONAL, "What may be shared of it."},
         {"absent", &api_uuid_list, MEMBER_OPTIONAL, "Who did not come: ids of participants, contacts or principals."},
         {"commitments", &api_commitment_object_list, MEMBER_OPTIONAL, "What was promised."},
         {"follow_up", &api_follow_up_object, MEMBER_OPTIONAL, "A reminder, made with it."}),
     .result = &logged},
    {.name = "engagement.void",
     .kind = METHOD_WRITE,
     .role = ROLE_OFFICER,
     .summary = "Takes an engagement, and what was promised there, out of lists, counts and searches, and cancels its "
                "reminders; it stays on record, with the reason.",
     METHOD_PARAMS(API_UPDATE_PARAMS, {"reason", &type_text, MEMBER_REQUIRED, "Why it should not stand."}),
     .result = &voided},
};
const struct method_group api_engagement = {rows, sizeof rows / sizeof *rows};
