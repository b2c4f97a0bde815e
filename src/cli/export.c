/* Export: records as files that other programs read, made here by the writers that the daemon uses. */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/link.h"
#include "text/icalendar.h"

int commands_export_calendar(const char *socket, const json_t *params)
{
	struct link *link = NULL;
	struct arena arena = {0};
	struct err err;
	const char *text;
	int status = CLI_DONE;
	json_t *answer = link_call(&link, socket, "calendar.export", params, &err);
	json_t *error = json_object_get(answer, "error"), *result = json_object_get(answer, "result");
	json_int_t left_out = json_integer_value(json_object_get(result, "left_out"));

	if (!answer) {
		fprintf(stderr, "tracktwo: %s\n", err.message);
		status = CLI_OUT_OF_REACH;
	} else if (error) {
		status = output_error(stderr, error);
	} else if (!icalendar_write_export(&arena, result, &text, &err)) {
		fprintf(stderr, "tracktwo: %s\n", err.message);
		status = CLI_FAILED;
	} else {
		fputs(text, stdout);
	}
	if (left_out > 0)
		fprintf(stderr, "warning: %lld more entries are left out\n", (long long)left_out);
	json_decref(answer);
	arena_release(&arena);
	link_close(link);
	return status;
}
