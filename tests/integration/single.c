/* Single: one daemon, one client. */
#include "single.h"

#include <string.h>

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
