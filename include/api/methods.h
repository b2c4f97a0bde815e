/* Methods: all that the daemon offers, one group a noun, each in its own file of src/api. */
#ifndef TRACKTWO_API_METHODS_H
#define TRACKTWO_API_METHODS_H

#include <stddef.h>

#include "rpc/method.h"

extern const struct method_group api_system, api_reference, api_principal, api_organization, api_contact, api_dialogue,
    api_engagement, api_note, api_commitment, api_reminder, api_roadmap, api_indicator, api_report, api_session,
    api_token, api_webhook, api_holiday, api_concern, api_brief, api_calendar, api_change, api_record;

/* The groups above, for registry_new(). */
extern const struct method_group *const api_groups[];
extern const size_t api_group_count;

/* A registry of all methods; registry_free() it. */
struct registry *api_registry(void);

#endif
