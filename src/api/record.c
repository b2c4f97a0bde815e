/* Records: what a person may mean by a name or by the first digits of an id. */
#include "api/methods.h"
#include "api/types.h"

static const struct type noun = {.name = "Noun",
                                 .kind = TYPE_CHOICE,
                                 .help = "A kind of record.",
                                 .choices = (const char *const[]){"contact", "principal", "organization", "dialogue",
                                                                  "engagement", "commitment", "concern", "reminder",
                                                                  "note", "token", "webhook", "calendar", NULL}};
static const struct type nouns = {.kind = TYPE_LIST, .element = &noun, .min = 1, .max = 12, .unique = true};
static const struct type text = {.kind = TYPE_TEXT, .min = 1, .max = 200, .line = true};
static const struct type limit = {.kind = TYPE_INTEGER, .min = 1, .max = 50};
static const struct type match = {.kind = TYPE_CHOICE,
                                  .help =
                                      "Whether the text is a name, the first digits of the id, or a part of a name.",
                                  .choices = (const char *const[]){"exact", "id", "part", NULL}};

static const struct type candidate = {
    .name = "Candidate",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"noun", &noun, MEMBER_REQUIRED, NULL}, {"id", &type_uuid, MEMBER_REQUIRED, NULL},
                 {"name", &api_text_record, MEMBER_REQUIRED, "Its name, title or text, on one line."},
                 {"country", &type_country, MEMBER_NULLABLE, NULL},
                 {"about", &api_text_record, MEMBER_NULLABLE, "What tells it from others of that name: a post, a day."},
                 {"match", &match, MEMBER_REQUIRED, NULL})};
static const struct type candidate_list = {.kind = TYPE_LIST, .element = &candidate};
static const struct type candidates = {
    .name = "Candidates",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"candidates", &candidate_list, MEMBER_REQUIRED, "Exact names first, then ids, then parts of names."},
                 {"more", &type_boolean, MEMBER_REQUIRED, "There are others."})};

static const struct method rows[] = {
    {.name = "record.find",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "What a name, a part of one, or the first digits of an id may stand for, the likeliest first.",
     METHOD_PARAMS(
         {"text", &text, MEMBER_REQUIRED, "The name, or four hexadecimal digits or more, with hyphens or without."},
         {"nouns", &nouns, MEMBER_OPTIONAL,
          "Only records of these kinds. Contacts, principals, organizations and "
          "dialogues have names; of the others only ids are found."},
         {"limit", &limit, MEMBER_OPTIONAL, "At most so many; 10 when absent."}),
     .result = &candidates,
     .columns = "noun,name,country,about,id",
     .example = "{\"text\": \"왕이\", \"nouns\": [\"contact\"]}"},
};
const struct method_group api_record = {rows, sizeof rows / sizeof *rows};
