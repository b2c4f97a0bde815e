/* Doctor: every finding is one line, and each that is not ok has a cure that can be carried out as it stands. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "findings.h"
#include "text/language.h"

void findings_add(struct findings *findings, const char *check, const char *state, const char *cure, const char *format,
                  ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(&findings->keep->arena, format, args);
	va_end(args);
	json_array_append_new(findings->list, json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "state", state, "finding",
	                                                text, "cure", cure));
}

bool keep_doctor(struct keep *keep, struct err *err)
{
	struct findings findings = {keep, json_array()};
	bool sound = true;
	size_t index;
	json_t *line;
	findings_of_machine(&findings);
	findings_of_database(&findings);
	json_array_foreach(findings.list, index, line) {
		const char *state = json_string_value(json_object_get(line, "state"));
		const char *cure = json_string_value(json_object_get(line, "cure"));
		sound = sound && strcmp(state, "bad") != 0;
		if (!keep->json)
			keep_say(keep, "%s\t%s\t%s\t%s", json_string_value(json_object_get(line, "check")), state,
			         say_message(&keep->arena, json_string_value(json_object_get(line, "finding"))),
			         cure ? say_message(&keep->arena, cure) : "");
	}
	if (keep->json) {
		json_t *answer = json_pack("{s:o, s:n}", "items", findings.list, "next_cursor");
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(answer);
	} else {
		json_decref(findings.list);
	}
	/* The lines have said it. */
	err->message[0] = '\0';
	return sound;
}
