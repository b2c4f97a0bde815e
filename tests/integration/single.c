/* Single: one daemon, one client. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct harness *harness;
struct client client;

int single_setup(void **state)
{
	harness_group_setup(state);
	harness = *state;
	client_open(&client, harness);
	return 0;
}

int single_teardown(void **state)
{
	client_close(&client);
	return harness_group_teardown(state);
}

json_t *call(const char *method, json_t *params)
{
	return checked_result(&client, method, params);
}

char *made(const char *method, json_t *params)
{
	json_t *record = call(method, params);
	char *id = strdup(at_string(record, "id"));
	json_decref(record);
	return id;
}

static void nap(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

void (*single_pause)(int ms) = nap;

char *sql(const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return harness_query(harness, text);
}

void await(const char *expected, const char *format, ...)
{
	enum { ARRIVES_MS = 15000, STEP_MS = 20 };
	char text[2048], *found = NULL;
	long long until = harness_now_ms() + ARRIVES_MS;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	while (strcmp(found = harness_query(harness, text), expected) != 0) {
		if (harness_now_ms() >= until)
			fail_msg("%s: \"%s\" instead of \"%s\"", text, found, expected);
		free(found);
		single_pause(STEP_MS);
	}
	free(found);
}
