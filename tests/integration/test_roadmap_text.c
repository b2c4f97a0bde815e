/* Roadmap text: the roadmap as the daemon tells it is the roadmap as it was written. */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_roadmap_counts(void **state)
{
	struct client client;
	size_t phases = 0, workstreams = 0, objectives = 0, i, j, k;
	json_t *phase, *workstream, *objective;
	char code[64];
	client_open(&client, *state);
	json_t *roadmap = client_result(&client, "roadmap.get", NULL);
	assert_int_equal(at_integer(roadmap, "version"), 1);
	json_array_foreach(at(roadmap, "phases"), i, phase) {
		assert_int_equal(at_integer(phase, "number"), ++phases);
		json_array_foreach(at(phase, "workstreams"), j, workstream) {
			workstreams++;
			snprintf(code, sizeof code, "%zu.%zu", i + 1, j + 1);
			assert_string_equal(at_string(workstream, "code"), code);
			json_array_foreach(at(workstream, "objectives"), k, objective) {
				objectives++;
				snprintf(code, sizeof code, "%zu.%zu.%zu", i + 1, j + 1, k + 1);
				assert_string_equal(at_string(objective, "code"), code);
			}
		}
	}
	assert_int_equal(phases, 3);
	assert_int_equal(workstreams, 10);
	assert_int_equal(objectives, 23);
	json_t *indicators = at(roadmap, "phases.0.workstreams.0.indicators");
	assert_int_equal(json_array_size(indicators), 1);
	assert_true(json_number_value(at(indicators, "0.target")) == 60.0);
	assert_string_equal(at_string(indicators, "0.direction"), "at-least");
	json_decref(roadmap);
	client_close(&client);
}

/* shared/roadmap.txt beside the checkout; NULL when it is not there. */
static FILE *roadmap_text(void)
{
	char path[4200];
	ssize_t length = readlink("/proc/self/exe", path, 4096);
	assert_true(length > 0);
	path[length] = '\0';
	for (char *slash; (slash = strrchr(path, '/')) && slash > path;) {
		strcpy(slash, "/shared/roadmap.txt");
		FILE *file = fopen(path, "r");
		if (file)
			return file;
		*slash = '\0';
	}
	return NULL;
}

/* Without the blanks around it, no-break spaces included. */
static char *trimmed(char *line)
{
	char *end = line + strlen(line);
	for (;;) {
		if (end > line && strchr(" \t\r\n", end[-1]))
			*--end = '\0';
		else if (end > line + 1 && memcmp(end - 2, "\u00a0", 2) == 0)
			*(end -= 2) = '\0';
		else
			return line + strspn(line, " \t");
	}
}

/* Read as people read it: a phase's line, a workstream's line ending in a colon, the objectives behind bullets. */
static void test_roadmap_word_for_word(void **state)
{
	static const char bullet[] = "• ";
	char buffer[1024], title[512];
	int phase = -1, workstream = -1, objective = 0, compared = 0;
	struct client client;
	FILE *file = roadmap_text();
	if (!file)
		return;
	client_open(&client, *state);
	json_t *roadmap = client_result(&client, "roadmap.get", NULL);
	while (fgets(buffer, sizeof buffer, file) && !strstr(buffer, "Long-Term Process")) {
		char *line = trimmed(buffer), path[96];
		size_t length = strlen(line);
		int number, least, most, read = 0;
		if (sscanf(line, "Phase %d: %511[^(](Estimated timeframe: %d%n", &number, title, &least, &read) == 3 && read) {
			assert_int_equal(number, ++phase + 1);
			workstream = -1;
			snprintf(path, sizeof path, "phases.%d", phase);
			json_t *found = at(roadmap, path);
			assert_string_equal(at_string(found, "title"), trimmed(title));
			assert_int_equal(at_integer(found, "estimate_years.min"), least);
			if (sscanf(line + read, "-%d years)", &most) == 1)
				assert_int_equal(at_integer(found, "estimate_years.max"), most);
			else
				assert_true(strcmp(line + read, "+ years)") == 0 && json_is_null(at(found, "estimate_years.max")));
		} else if (phase >= 0 && strncmp(line, bullet, strlen(bullet)) == 0) {
			snprintf(path, sizeof path, "phases.%d.workstreams.%d.objectives.%d.text", phase, workstream, objective++);
			assert_string_equal(at_string(roadmap, path), line + strlen(bullet));
			compared++;
		} else if (phase >= 0 && length > 1 && line[length - 1] == ':') {
			line[length - 1] = '\0';
			workstream++;
			objective = 0;
			snprintf(path, sizeof path, "phases.%d.workstreams.%d.title", phase, workstream);
			assert_string_equal(at_string(roadmap, path), line);
			compared++;
		} else if (phase >= 0 && length > 0) {
			fail_msg("a line that is neither phase nor workstream nor objective: %s", line);
		}
	}
	fclose(file);
	assert_int_equal(phase, 2);
	assert_int_equal(compared, 10 + 23);
	json_decref(roadmap);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_roadmap_counts),
	    cmocka_unit_test(test_roadmap_word_for_word),
	};
	return cmocka_run_group_tests_name("roadmap_text", tests, store_setup, store_teardown);
}
