/* Types: vocabularies and shapes that more than one noun uses. Each stands here once, so that what a contact is means
 * the same in contact.create and inside engagement.log. */
#include "api/reminder.h"
#include "api/types.h"

#include <string.h>

#include "base/uuid.h"
#include "rpc/reference.h"
#include "text/time.h"

#define CHOICE(identifier, type_name, what, ...)                                                                       \
	const struct type identifier = {                                                                                   \
	    .name = type_name, .kind = TYPE_CHOICE, .help = what, .choices = (const char *const[]){__VA_ARGS__, NULL}}

CHOICE(api_track, "Track", "Who speaks: 1 governments, 1.5 officials and experts, 2 no officials, 3 people.", "1",
       "1.5", "2", "3");
CHOICE(api_sensitivity, "Sensitivity", "Who may see it.", "open", "internal", "restricted", "secret");
CHOICE(api_attribution, "Attribution", "What may be said of who said what.", "on-record", "chatham-house", "background",
       "off-record");
CHOICE(api_participant_role, "ParticipantRole", "The part somebody has.", "chair", "co-chair", "participant",
       "observer", "interpreter", "host", "convenor", "sponsor", "intermediary");
CHOICE(api_capacity, "Capacity", "In what capacity somebody took part, that day.", "official", "personal",
       "former-official", "expert");
CHOICE(api_attendance, "Attendance", "From the invitation to the chair.", "invited", "accepted", "declined", "attended",
       "absent");
CHOICE(api_engagement_kind, "EngagementKind", "What happened.", "meeting", "call", "message", "visit", "conference",
       "workshop", "track2-session", "negotiation", "multilateral", "cultural-exchange", "people-to-people",
       "family-reunion", "humanitarian", "education", "research", "public-diplomacy", "media", "other");
CHOICE(api_engagement_status, "EngagementStatus", "How far it has come.", "tentative", "planned", "postponed", "held",
       "cancelled");
CHOICE(api_sector, "Sector", "Where somebody works.", "government", "legislature", "political-party", "military",
       "think-tank", "academia", "civil-society", "religious", "business", "media", "international-organization",
       "public");
CHOICE(api_precision, "Precision", "How exactly the first day is known.", "day", "month", "year");
CHOICE(api_format, "Format", "Where people met.", "in-person", "remote", "hybrid");

const struct type api_contact_status = {
    .kind = TYPE_CHOICE, .choices = (const char *const[]){"active", "retired", "deceased", "unreachable", NULL}};
static const struct type name_kind = {
    .kind = TYPE_CHOICE,
    .choices = (const char *const[]){"native", "hanja", "kana", "cyrillic", "romanized", "alias", "former", NULL}};
const struct type api_rating = {.kind = TYPE_INTEGER, .min = 1, .max = 5};
static const struct type word = {.kind = TYPE_TEXT, .min = 1, .max = 100};
const struct type api_tag_list = {.kind = TYPE_LIST, .element = &type_slug, .max = 100, .unique = true};

const struct type api_cursor = {.kind = TYPE_TEXT, .min = 1, .max = 4000, .help = "An opaque mark."};
const struct type api_limit = {.kind = TYPE_INTEGER, .min = 1, .max = 500};
const struct type api_count = {.kind = TYPE_INTEGER, .help = "A number of records."};
const struct type api_text_record = {.kind = TYPE_TEXT};

static const struct type name_object = {
    .name = "Name",
    .kind = TYPE_OBJECT,
    .help = "One of the names that somebody bears.",
    TYPE_MEMBERS({"text", &type_line, MEMBER_REQUIRED, "The name as it is written, family name where it stands."},
                 {"kind", &name_kind, MEMBER_REQUIRED, "Which kind of name it is."},
                 {"language", &type_language, MEMBER_OPTIONAL, "Language of the name, such as ko or zh-Hant."},
                 {"system", &word, MEMBER_OPTIONAL, "The system of romanization, such as revised or dprk."},
                 {"primary", &type_boolean, MEMBER_OPTIONAL, "The name to show; the first one when none is marked."})};
const struct type api_name_list = {.kind = TYPE_LIST, .element = &name_object, .min = 1, .max = 50};

static void check_affiliation(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"organization_id", "organization", NULL});
	api_check_order(object, path, faults, "since", "until");
}

static const struct type affiliation_object = {
    .name = "AffiliationInput",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"organization_id", &type_uuid, MEMBER_OPTIONAL, "The organization, by id."},
                 {"organization", &type_line, MEMBER_OPTIONAL, "Or by name: the one that bears it, else a new one."},
                 {"title", &type_line, MEMBER_OPTIONAL, "The post."},
                 {"since", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "First day."},
                 {"until", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "Last day; absent while it lasts."}),
    .check = check_affiliation};
const struct type api_affiliation_list = {.kind = TYPE_LIST, .element = &affiliation_object, .max = 50};

static const struct type channel_object = {
    .name = "Channel",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"kind", &type_slug, MEMBER_REQUIRED, "email, phone, wechat, intermediary, …"},
                 {"value", &type_line, MEMBER_REQUIRED, "The address or number."},
                 {"preferred", &type_boolean, MEMBER_OPTIONAL, "Whether to try it first."})};
const struct type api_channel_list = {.kind = TYPE_LIST, .element = &channel_object, .max = 50};

void api_check_one_name(json_t *object, const char *path, struct type_faults *faults)
{
	if (json_object_get(object, "name") && json_object_get(object, "names"))
		type_fault(faults, api_path(faults, path, "names"), "does not go with name; give one");
}

void api_check_contact(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"name", "names", NULL});
}

const struct type api_contact_object = {.name = "ContactInput",
                                        .kind = TYPE_OBJECT,
                                        .help = "A person to be made a contact of.",
                                        TYPE_MEMBERS(API_CONTACT_MEMBERS),
                                        .check = api_check_contact};

static void check_workstream(json_t *object, const char *path, struct type_faults *faults)
{
	const char *code = json_string_value(json_object_get(object, "code"));
	const char *objective = json_string_value(json_object_get(object, "objective"));
	size_t length = code ? strlen(code) : 0;
	if (code && objective && (strncmp(objective, code, length) != 0 || objective[length] != '.'))
		type_fault(faults, api_path(faults, path, "objective"), "must be an objective of workstream %s, such as %s.1",
		           code, code);
}

static const struct type workstream_object = {
    .name = "WorkstreamLink",
    .kind = TYPE_OBJECT,
    .help = "What an engagement does for the roadmap; a bare code will do.",
    .shorthand = "code",
    TYPE_MEMBERS({"code", &type_workstream, MEMBER_REQUIRED, "The workstream."},
                 {"objective", &type_objective, MEMBER_OPTIONAL, "One of its objectives."},
                 {"contribution", &type_text, MEMBER_OPTIONAL, "What it contributed."}),
    .check = check_workstream};
const struct type api_workstream_list = {
    .kind = TYPE_LIST, .element = &workstream_object, .min = 1, .max = 50, .unique = true};

/* "KP" and an id both are short for a party; which one it is shows in the text. */
static void check_party(json_t *object, const char *path, struct type_faults *faults)
{
	static const char *const ways[] = {"country", "contact_id", "principal_id", NULL};
	const char *party = json_string_value(json_object_get(object, "party"));
	if (party &&
	    (json_object_get(object, ways[0]) || json_object_get(object, ways[1]) || json_object_get(object, ways[2]))) {
		type_fault(faults, path, "gives party and another; give one");
		return;
	}
	if (party && uuid_valid(party))
		return;
	if (party && strlen(party) == 2 && reference_has(REFERENCE_COUNTRY, party)) {
		json_object_set(object, "country", json_object_get(object, "party"));
		json_object_del(object, "party");
	} else if (party) {
		type_fault(faults, path, "must be a country's code or the id of a contact or principal");
		return;
	}
	api_check_one_of(object, path, faults, ways);
}

static const struct type party_words = {.kind = TYPE_TEXT, .min = 1, .line = true, .refers = "party"};
const struct type api_party_object = {
    .name = "Party",
    .kind = TYPE_OBJECT,
    .help = "A country, a contact or one of our own people; a bare code or id will do.",
    .shorthand = "party",
    TYPE_MEMBERS({"party", &party_words, MEMBER_OPTIONAL, "A country's code, or the id of a contact or principal."},
                 {"country", &type_country, MEMBER_OPTIONAL, "A country."},
                 {"contact_id", &type_uuid, MEMBER_OPTIONAL, "A contact."},
                 {"principal_id", &type_uuid, MEMBER_OPTIONAL, "One of our own people."}),
    .check = check_party};
static const struct type commitment_object = {.name = "CommitmentInput",
                                              .kind = TYPE_OBJECT,
                                              TYPE_MEMBERS({"by", &api_party_object, MEMBER_REQUIRED, "Who promised."},
                                                           {"to", &api_party_object, MEMBER_OPTIONAL, "To whom."},
                                                           {"text", &type_text, MEMBER_REQUIRED, "What was promised."},
                                                           {"due_on", &type_day, MEMBER_OPTIONAL, "By which day."})};
const struct type api_commitment_object_list = {.kind = TYPE_LIST, .element = &commitment_object, .max = 200};

const struct type api_reminder_note = {.kind = TYPE_TEXT, .min = 1, .max = 4000};
const struct type api_cadence = {
    .name = "Cadence",
    .kind = TYPE_OBJECT,
    .help = "How often one means to meet, counted from the last time that one did.",
    .shorthand = "ideal",
    TYPE_MEMBERS({"ideal", &type_duration, MEMBER_REQUIRED, "The interval to aim at, such as P3M."},
                 {"maximum", &type_duration, MEMBER_OPTIONAL, "The one not to exceed."})};
const struct type api_cadence_record = {
    .name = "CadenceRecord",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"ideal", &type_duration, MEMBER_REQUIRED, NULL}, {"maximum", &type_duration, MEMBER_NULLABLE, NULL})};

const struct type api_follow_up_object = {
    .name = "FollowUp",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"due_at", &type_instant, MEMBER_REQUIRED, "When to remind."},
                 {"note", &api_reminder_note, MEMBER_REQUIRED, "Of what."},
                 {"rrule", &type_rule, MEMBER_OPTIONAL, "How it comes again (RFC 5545), in Asia/Seoul."},
                 {"assignee", &type_principal_id, MEMBER_OPTIONAL, "Whom; the caller when absent."}),
    .check = api_check_reminder};

static const struct type name_record = {.name = "NameRecord",
                                        .kind = TYPE_OBJECT,
                                        TYPE_MEMBERS({"text", &api_text_record, MEMBER_REQUIRED, NULL},
                                                     {"kind", &name_kind, MEMBER_REQUIRED, NULL},
                                                     {"language", &api_text_record, MEMBER_NULLABLE, NULL},
                                                     {"system", &api_text_record, MEMBER_NULLABLE, NULL},
                                                     {"primary", &type_boolean, MEMBER_REQUIRED, NULL})};
const struct type api_name_record_list = {.kind = TYPE_LIST, .element = &name_record};

static const struct type workstream_record = {.name = "WorkstreamRecord",
                                              .kind = TYPE_OBJECT,
                                              TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                           {"objective", &api_text_record, MEMBER_OPTIONAL, NULL},
                                                           {"contribution", &api_text_record, MEMBER_OPTIONAL, NULL})};
const struct type api_workstream_record_list = {.kind = TYPE_LIST, .element = &workstream_record};
const struct type api_code_list = {.kind = TYPE_LIST, .element = &api_text_record};

const struct type api_party_record = {
    .name = "PartyRecord",
    .kind = TYPE_OBJECT,
    .help = "A country, a contact or one of our own people.",
    TYPE_MEMBERS({"country", &type_country, MEMBER_OPTIONAL, NULL}, {"contact_id", &type_uuid, MEMBER_OPTIONAL, NULL},
                 {"principal_id", &type_uuid, MEMBER_OPTIONAL, NULL},
                 {"name", &api_text_record, MEMBER_OPTIONAL | MEMBER_NULLABLE, NULL})};

const struct type api_commitment_status = {
    .kind = TYPE_CHOICE, .choices = (const char *const[]){"open", "fulfilled", "lapsed", "withdrawn", NULL}};
static const struct type commitment_record = {
    .name = "Commitment",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"version", &type_integer, MEMBER_REQUIRED, NULL},
                 {"by", &api_party_record, MEMBER_REQUIRED, NULL}, {"to", &api_party_record, MEMBER_NULLABLE, NULL},
                 {"text", &api_text_record, MEMBER_REQUIRED, NULL}, {"due_on", &type_day, MEMBER_NULLABLE, NULL},
                 {"status", &api_commitment_status, MEMBER_REQUIRED, NULL})};
const struct type api_commitment_record_list = {.kind = TYPE_LIST, .element = &commitment_record};
static const struct type warning = {.name = "Warning",
                                    .kind = TYPE_OBJECT,
                                    .help = "What somebody should know; it stopped nothing.",
                                    TYPE_MEMBERS({"rule", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"message", &api_text_record, MEMBER_REQUIRED, NULL},
                                                 {"due_on", &type_day, MEMBER_OPTIONAL, NULL})};
const struct type api_warning_list = {.kind = TYPE_LIST, .element = &warning};
const struct type api_version = {.kind = TYPE_INTEGER, .min = 1, .max = 2147483647};
const struct type api_order = {.kind = TYPE_CHOICE, .choices = (const char *const[]){"newest", "oldest", NULL}};
const struct type api_uuid_list = {.kind = TYPE_LIST, .element = &type_uuid, .max = 500, .unique = true};

const char *api_path(struct type_faults *faults, const char *path, const char *name)
{
	return *path ? arena_printf(faults->arena, "%s.%s", path, name) : name;
}

void api_check_one_of(json_t *object, const char *path, struct type_faults *faults, const char *const *names)
{
	size_t present = 0;
	const char *list = "";
	for (size_t i = 0; names[i]; i++) {
		present += json_object_get(object, names[i]) != NULL;
		list = arena_printf(faults->arena, "%s%s%s", list, i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
	}
	if (present == 0)
		type_fault(faults, api_path(faults, path, names[0]), "is required: give %s", list);
	else if (present > 1)
		type_fault(faults, *path ? path : names[0], "gives more than one of %s; give one", list);
}

/* An instant is longer than a day: the two are not compared, since where a day begins depends on the zone's history. */
void api_check_order(json_t *object, const char *path, struct type_faults *faults, const char *first, const char *last)
{
	const char *from = json_string_value(json_object_get(object, first));
	const char *to = json_string_value(json_object_get(object, last));
	int64_t from_micros, to_micros;
	int32_t from_days, to_days;
	bool reversed = false;
	if (!from || !to)
		return;
	if (time_parse_day(from, &from_days, NULL) && time_parse_day(to, &to_days, NULL))
		reversed = to_days < from_days;
	else if (time_parse_instant(from, &from_micros, NULL) && time_parse_instant(to, &to_micros, NULL))
		reversed = to_micros < from_micros;
	if (reversed)
		type_fault(faults, api_path(faults, path, last), "must not lie before %s", first);
}
