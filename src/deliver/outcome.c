/* Outcome: text from outside becomes one harmless line. */
#include "deliver/outcome.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

/* Of a valid character: a control of ASCII or Unicode's C1, or one of its two separators of lines. */
static bool breaks_lines(const unsigned char *at, size_t length)
{
	return (length == 1 && (at[0] < ' ' || at[0] == 0x7F)) || (length == 2 && at[0] == 0xC2 && at[1] <= 0x9F) ||
	       (length == 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9));
}

void outcome_set_answer(struct outcome *outcome, long status, const char *bytes, size_t length)
{
	size_t wrote = 0;
	if (status != 0)
		wrote = (size_t)snprintf(outcome->answer, sizeof outcome->answer, "%ld ", status);
	for (size_t at = 0, step; at < length; at += step) {
		size_t character = utf8_length(bytes + at, length - at);
		bool keep = character > 0 && !breaks_lines((const unsigned char *)bytes + at, character);
		step = character > 0 ? character : 1;
		if (wrote + (keep ? character : 1) > OUTCOME_ANSWER_MOST)
			break;
		if (keep)
			memcpy(outcome->answer + wrote, bytes + at, character);
		else
			outcome->answer[wrote] = character > 0 ? ' ' : '?';
		wrote += keep ? character : 1;
	}
	while (wrote > 0 && outcome->answer[wrote - 1] == ' ')
		wrote--;
	outcome->answer[wrote] = '\0';
}
