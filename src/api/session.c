/* Sessions: who a client is. */
#include "api/methods.h"
#include "api/types.h"

static const struct type token = {
    .kind = TYPE_TEXT, .min = 1, .max = 200, .line = true, .help = "As token.create showed it."};
static const struct type by = {.kind = TYPE_CHOICE, .choices = (const char *const[]){"unix_user", "token", NULL}};

static const struct type record = {
    .name = "Session",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"principal_id", &type_uuid, MEMBER_REQUIRED, NULL}, {"name", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"role", &api_text_record, MEMBER_REQUIRED, NULL}, {"desks", &api_code_list, MEMBER_REQUIRED, NULL},
                 {"clearance", &api_sensitivity, MEMBER_REQUIRED, NULL},
                 {"timezone", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"identified_by", &by, MEMBER_REQUIRED, "How the client is known."},
                 {"token_id", &type_uuid, MEMBER_NULLABLE, "Of the token that it showed."},
                 {"scopes", &api_code_list, MEMBER_NULLABLE, "What the token may call; null: all that the role may."},
                 {"expires_at", &type_instant, MEMBER_NULLABLE, "When the token ends."})};

static const struct method rows[] = {
    {.name = "session.login",
     .kind = METHOD_LOCAL,
     .role = ROLE_ANYONE,
     .summary = "Says who the client of this connection is, by a token. Over HTTP, send Authorization: Bearer instead.",
     METHOD_PARAMS({"token", &token, MEMBER_REQUIRED, "The token."}),
     .result = &record},
    {.name = "session.whoami",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "Who the daemon takes the client for.",
     METHOD_NO_PARAMS,
     .result = &record,
     .example = "{}"},
};
const struct method_group api_session = {rows, sizeof rows / sizeof *rows};
