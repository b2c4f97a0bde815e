/* Expands one rule a line, for tests/recurrence/compare.py: start, zone, rule, exdates ("-" or with commas), after and
 * how many, with tabs between; instants are microseconds. Answers "ok more|end INSTANT…" or "refused WHY". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/recurrence.h"

static int64_t exdates[RECURRENCE_EXDATES_MAX];

static size_t read_exdates(char *text)
{
	size_t count = 0;
	if (strcmp(text, "-") == 0)
		return 0;
	for (char *item; count < RECURRENCE_EXDATES_MAX && (item = strsep(&text, ","));)
		exdates[count++] = strtoll(item, NULL, 10);
	return count;
}

static void answer(char *line)
{
	char *fields[6] = {0};
	for (size_t i = 0; i < 6; i++)
		if (!(fields[i] = strsep(&line, "\t"))) {
			puts("refused a line of another shape");
			return;
		}
	struct arena arena = {0};
	struct recurrence_set set;
	struct err err = {""};
	/* As the daemon has it: the canonical form is kept, and carried out. Rules below HOURLY have none. */
	const char *rule = fields[2];
	if (!recurrence_check(&arena, rule, &rule, &err))
		err.message[0] = '\0';
	struct recurrence recurrence = {strtoll(fields[0], NULL, 10), fields[1], rule, exdates, read_exdates(fields[3])};
	if (!recurrence_expand(&arena, &recurrence, strtoll(fields[4], NULL, 10), strtoul(fields[5], NULL, 10), &set, &err))
		printf("refused %s", err.message);
	else
		printf("ok %s", set.more ? "more" : "end");
	for (size_t i = 0; *err.message == '\0' && i < set.count; i++)
		printf(" %lld", (long long)set.instants_us[i]);
	putchar('\n');
	arena_release(&arena);
}

int main(void)
{
	static char line[65536];
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	return 0;
}
