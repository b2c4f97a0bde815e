/* System: what the daemon says about itself. */
#include "api/methods.h"
#include "api/types.h"

static const struct type ping = {.name = "Ping",
                                 .kind = TYPE_OBJECT,
                                 TYPE_MEMBERS({"pong", &type_boolean, MEMBER_REQUIRED, NULL},
                                              {"time", &type_instant, MEMBER_REQUIRED, "The daemon's clock."})};
static const struct type database_state = {.kind = TYPE_CHOICE,
                                           .choices = (const char *const[]){"ready", "unavailable", NULL}};
static const struct type info = {
    .name = "SystemInfo",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS(
        {"name", &api_text_record, MEMBER_REQUIRED, NULL}, {"version", &api_text_record, MEMBER_REQUIRED, NULL},
        {"schema_version", &type_integer, MEMBER_REQUIRED, "The last migration that this daemon knows."},
        {"uptime_s", &type_integer, MEMBER_REQUIRED, NULL}, {"roadmap_version", &type_integer, MEMBER_REQUIRED, NULL},
        {"database", &database_state, MEMBER_REQUIRED, NULL},
        {"database_version", &type_integer, MEMBER_REQUIRED, "As PostgreSQL numbers itself, such as 150020."})};

static const struct type finding_state = {.kind = TYPE_CHOICE,
                                          .choices = (const char *const[]){"ok", "warn", "bad", NULL}};
static const struct type finding = {.name = "Finding",
                                    .kind = TYPE_OBJECT,
                                    TYPE_MEMBERS({"check", &api_text_record, MEMBER_REQUIRED, "What was looked at."},
                                                 {"state", &finding_state, MEMBER_REQUIRED, NULL},
                                                 {"finding", &api_text_record, MEMBER_REQUIRED, "What was found."},
                                                 {"cure", &api_text_record, MEMBER_NULLABLE, "What to do about it."})};
static const struct type findings = {.kind = TYPE_LIST, .element = &finding};
static const struct type doctor = {
    .name = "Doctor",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"items", &findings, MEMBER_REQUIRED, NULL}, {"next_cursor", &api_text_record, MEMBER_NULLABLE, NULL},
                 {"time", &type_instant, MEMBER_REQUIRED, "The database's clock."},
                 {"schema_version", &type_integer, MEMBER_REQUIRED, "The last migration that was applied."},
                 {"mailed", &type_integer, MEMBER_REQUIRED, "How many of our people have an address for mail."})};

static const struct method rows[] = {
    {.name = "rpc.discover",
     .kind = METHOD_LOCAL,
     .role = ROLE_ANYONE,
     .summary = "The OpenRPC document of all that the daemon offers.",
     METHOD_NO_PARAMS,
     .result = &type_any},
    {.name = "system.ping",
     .kind = METHOD_LOCAL,
     .role = ROLE_ANYONE,
     .summary = "Whether the daemon is there.",
     METHOD_NO_PARAMS,
     .result = &ping,
     .example = "{}"},
    {.name = "system.info",
     .kind = METHOD_LOCAL,
     .role = ROLE_VIEWER,
     .summary = "Which daemon this is, and how its database does.",
     METHOD_NO_PARAMS,
     .result = &info,
     .example = "{}"},
    {.name = "system.doctor",
     .kind = METHOD_READ,
     .role = ROLE_ADMINISTRATOR,
     .summary = "What the database finds wrong with itself and with deliveries, each with its cure.",
     METHOD_NO_PARAMS,
     .result = &doctor,
     .columns = "check,state,finding,cure",
     .example = "{}"},
};
const struct method_group api_system = {rows, sizeof rows / sizeof *rows};
