/* Tokens: how programs are known over TCP and HTTP. */
#include "api/methods.h"
#include "api/types.h"

static const struct type scope = {.kind = TYPE_TEXT,
                                  .min = 3,
                                  .max = 64,
                                  .line = true,
                                  .help = "The name of a method, or \"noun.*\" for all of a noun."};
static const struct type scopes = {.kind = TYPE_LIST, .element = &scope, .min = 1, .max = 100, .unique = true};

#define TOKEN_MEMBERS                                                                                                  \
	{"id", &type_uuid, MEMBER_REQUIRED, NULL}, {"principal_id", &type_uuid, MEMBER_REQUIRED, NULL},                    \
	    {"scopes", &api_code_list, MEMBER_NULLABLE, "What it may call; null: all that its principal may."},            \
	    {"expires_at", &type_instant, MEMBER_NULLABLE, NULL}, {"revoked_at", &type_instant, MEMBER_NULLABLE, NULL},    \
	    {"created_by", &type_uuid, MEMBER_REQUIRED, NULL},                                                             \
	{                                                                                                                  \
		"created_at", &type_instant, MEMBER_REQUIRED, NULL                                                             \
	}

static const struct type record = {.name = "Token", .kind = TYPE_OBJECT, TYPE_MEMBERS(TOKEN_MEMBERS)};
static const struct type created = {.name = "TokenCreated",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS(TOKEN_MEMBERS, {"token", &api_text_record, MEMBER_NULLABLE,
                                                                 "Shown once; null when a call is repeated."})};
static const struct type records = {.kind = TYPE_LIST, .element = &record};
static const struct type page = {.name = "TokenPage", .kind = TYPE_OBJECT, API_PAGE_OF(records)};

static const struct method rows[] = {
    {.name = "token.create",
     .kind = METHOD_WRITE,
     .role = ROLE_VIEWER,
     .summary =
         "Makes a token for oneself, or, as an administrator, for anybody. It is shown once: sent again, the call "
         "is answered with token null.",
     METHOD_PARAMS(API_ID_PARAM, {"principal_id", &type_uuid, MEMBER_REQUIRED, "Who is known by it."},
                   {"expires_at", &type_instant, MEMBER_OPTIONAL, "From when on it is not good; never when absent."},
                   {"scopes", &scopes, MEMBER_OPTIONAL, "What it may call; all that its principal may when absent."}),
     .result = &created},
    {.name = "token.revoke",
     .kind = METHOD_WRITE,
     .identities = true,
     .role = ROLE_VIEWER,
     .summary = "Ends a token, one's own or, as an administrator, anybody's; whoever uses it is nobody from then on.",
     METHOD_PARAMS({"id", &type_uuid, MEMBER_REQUIRED, "Which: its id, not the token itself."}),
     .result = &record},
    {.name = "token.list",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "One's own tokens, for an administrator everybody's; never the tokens themselves.",
     METHOD_PARAMS({"principal_id", &type_uuid, MEMBER_OPTIONAL, "Only this principal's."}, API_PAGE_PARAMS),
     .result = &page,
     .columns = "principal_id,created_at,expires_at,revoked_at,id",
     .example = "{}"},
};
const struct method_group api_token = {rows, sizeof rows / sizeof *rows};
