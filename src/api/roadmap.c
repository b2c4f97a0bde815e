/* The roadmap: what it says, how far it has come, and its revision. */
#include "api/methods.h"
#include "api/types.h"

static const struct type objective = {.name = "Objective",
                                      .kind = TYPE_OBJECT,
                                      TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"text", &api_text_record, MEMBER_REQUIRED, NULL},
                                                   {"text_ko", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type objectives = {.kind = TYPE_LIST, .element = &objective};
static const struct type indicator = {
    .name = "Indicator",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"unit", &api_text_record, MEMBER_REQUIRED, NULL}, {"target", &type_number, MEMBER_NULLABLE, NULL},
                 {"direction", &api_text_record, MEMBER_REQUIRED, NULL})};
static const struct type indicators = {.kind = TYPE_LIST, .element = &indicator};
static const struct type workstream = {.name = "Workstream",
                                       .kind = TYPE_OBJECT,
                                       TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                                    {"objectives", &objectives, MEMBER_REQUIRED, NULL},
                                                    {"indicators", &indicators, MEMBER_REQUIRED, NULL})};
static const struct type workstreams = {.kind = TYPE_LIST, .element = &workstream};
static const struct type years = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"min", &type_integer, MEMBER_REQUIRED, NULL},
                 {"max", &type_integer, MEMBER_NULLABLE, "Null where the estimate is open."})};
static const struct type phase = {.name = "Phase",
                                  .kind = TYPE_OBJECT,
                                  TYPE_MEMBERS({"number", &type_integer, MEMBER_REQUIRED, NULL},
                                               {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                                               {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL},
                                               {"estimate_years", &years, MEMBER_REQUIRED, NULL},
                                               {"workstreams", &workstreams, MEMBER_REQUIRED, NULL})};
static const struct type phases = {.kind = TYPE_LIST, .element = &phase};
static const struct type roadmap = {
    .name = "Roadmap",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"version", &type_integer, MEMBER_REQUIRED, NULL}, {"phases", &phases, MEMBER_REQUIRED, NULL})};
static const struct type version_number = {.kind = TYPE_INTEGER, .min = 1, .max = 1000000};

static const struct type measured = {
    .name = "MeasuredIndicator",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"unit", &api_text_record, MEMBER_REQUIRED, NULL}, {"target", &type_number, MEMBER_NULLABLE, NULL},
                 {"direction", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"latest", &api_indicator_value, MEMBER_NULLABLE, NULL})};
static const struct type measured_list = {.kind = TYPE_LIST, .element = &measured};
static const struct type progress_row = {
    .name = "WorkstreamProgress",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"code", &api_text_record, MEMBER_REQUIRED, NULL}, {"title", &api_text_record, MEMBER_REQUIRED, NULL},
                 {"title_ko", &api_text_record, MEMBER_REQUIRED, NULL}, {"phase", &type_integer, MEMBER_REQUIRED, NULL},
                 {"engagements", &api_count, MEMBER_REQUIRED, "Held."},
                 {"last_on", &type_day, MEMBER_NULLABLE, "Null: never."},
                 {"open_commitments", &api_count, MEMBER_REQUIRED, "Made in those engagements."},
                 {"indicators", &measured_list, MEMBER_REQUIRED, "What was measured, beside what is aimed at."})};
static const struct type progress_rows = {.kind = TYPE_LIST, .element = &progress_row};
static const struct type progress = {
    .name = "RoadmapProgress",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"version", &type_integer, MEMBER_REQUIRED, NULL}, {"items", &progress_rows, MEMBER_REQUIRED, NULL})};

/* A code may be new, so it is not asked of the reference tables. */
static const struct type code = {.kind = TYPE_TEXT, .min = 3, .max = 20, .help = "A code such as 2.3 or 2.3.1."};
static const struct type phase_number = {.kind = TYPE_INTEGER, .min = 1, .max = 100};
static const struct type year_count = {.kind = TYPE_INTEGER, .min = 0, .max = 1000};
static const struct type years_object = {
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"min", &year_count, MEMBER_REQUIRED, "At least."},
                 {"max", &year_count, MEMBER_OPTIONAL, "At most; absent where it is open."})};

/* One level of the roadmap's codes: so many numbers, joined by dots. */
static void check_code(json_t *object, const char *path, struct type_faults *faults, const char *name, int numbers)
{
	const char *at = json_string_value(json_object_get(object, name));
	int found = 0;
	if (!at)
		return;
	for (const char *rest = at; *rest >= '1' && *rest <= '9'; rest++) {
		while (*rest >= '0' && *rest <= '9')
			rest++;
		found++;
		if (*rest == '\0' && found == numbers)
			return;
		if (*rest != '.')
			break;
	}
	type_fault(faults, api_path(faults, path, name), "must be a code such as %s", numbers == 2 ? "2.3" : "2.3.1");
}

static void check_change(json_t *object, const char *path, struct type_faults *faults)
{
	api_check_one_of(object, path, faults, (const char *const[]){"phase", "workstream", "objective", NULL});
	check_code(object, path, faults, "workstream", 2);
	check_code(object, path, faults, "objective", 3);
	if (json_object_get(object, "phase") && json_is_true(json_object_get(object, "retire")))
		type_fault(faults, api_path(faults, path, "retire"), "goes with workstream or objective only; a phase stays");
}

static const struct type change_object = {
    .name = "RoadmapChange",
    .kind = TYPE_OBJECT,
    .help = "One phase, workstream or objective: changed, new or retired.",
    TYPE_MEMBERS({"phase", &phase_number, MEMBER_OPTIONAL, "The phase that changes or is new."},
                 {"workstream", &code, MEMBER_OPTIONAL, "The workstream that changes, is new or goes."},
                 {"objective", &code, MEMBER_OPTIONAL, "The objective that changes, is new or goes."},
                 {"retire", &type_boolean, MEMBER_OPTIONAL, "Whether it goes; its code is never used again."},
                 {"in_phase", &phase_number, MEMBER_OPTIONAL, "Of a workstream: the phase it stands in."},
                 {"estimate_years", &years_object, MEMBER_OPTIONAL, "Of a phase."},
                 {"title", &type_line, MEMBER_OPTIONAL, "Of a phase or workstream, in English."},
                 {"title_ko", &type_line, MEMBER_OPTIONAL, "And in Korean."},
                 {"text", &type_text, MEMBER_OPTIONAL, "Of an objective, in English."},
                 {"text_ko", &type_text, MEMBER_OPTIONAL, "And in Korean."}),
    .check = check_change};
static const struct type change_objects = {.kind = TYPE_LIST, .element = &change_object, .min = 1, .max = 200};

static void check_step(json_t *object, const char *path, struct type_faults *faults)
{
	check_code(object, path, faults, "from", 2);
	check_code(object, path, faults, "to", 2);
}

static const struct type step_object = {
    .name = "CrosswalkStep",
    .kind = TYPE_OBJECT,
    TYPE_MEMBERS({"from", &code, MEMBER_REQUIRED, "A workstream that goes."},
                 {"to", &code, MEMBER_REQUIRED, "What stands for it from now on; give several for a split."}),
    .check = check_step};
static const struct type step_objects = {.kind = TYPE_LIST, .element = &step_object, .max = 200, .unique = true};

static const struct method rows[] = {
    {.name = "roadmap.get",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "The roadmap: phases, workstreams, objectives and indicators.",
     METHOD_PARAMS({"version", &version_number, MEMBER_OPTIONAL, "An earlier version; the one in force when absent."}),
     .result = &roadmap,
     .example = "{}"},
    {.name = "roadmap.progress",
     .kind = METHOD_READ,
     .role = ROLE_VIEWER,
     .summary = "How far each workstream has come: what was done, what is owed, what was measured.",
     METHOD_NO_PARAMS,
     .result = &progress,
     .columns = "code,title,engagements,last_on,open_commitments",
     .example = "{}"},
    {.name = "roadmap.revise",
     .kind = METHOD_WRITE,
     .role = ROLE_DIRECTOR,
     .summary = "Makes a new version of the roadmap; engagements keep their links, and reports follow the crosswalk.",
     METHOD_PARAMS(API_ID_PARAM, {"based_on", &version_number, MEMBER_REQUIRED, "The version that was read."},
                   {"changes", &change_objects, MEMBER_REQUIRED, "What is otherwise in the new one."},
                   {"crosswalk", &step_objects, MEMBER_OPTIONAL, "What stands for each workstream that goes."},
                   {"adopted_on", &type_day, MEMBER_OPTIONAL | MEMBER_PAST, "The day it was adopted."},
                   {"note", &type_text, MEMBER_OPTIONAL, "Why."}),
     .result = &roadmap},
};
const struct method_group api_roadmap = {rows, sizeof rows / sizeof *rows};
