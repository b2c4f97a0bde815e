/* Methods: the list of nouns, in the order in which documents show them. */
#include "api/methods.h"

const struct method_group *const api_groups[] = {
    &api_system,    &api_reference, &api_principal,  &api_token,   &api_session,    &api_organization,
    &api_contact,   &api_dialogue,  &api_engagement, &api_note,    &api_commitment, &api_concern,
    &api_brief,     &api_record,    &api_reminder,   &api_webhook, &api_holiday,    &api_roadmap,
    &api_indicator, &api_report,    &api_calendar,   &api_change,
};
const size_t api_group_count = sizeof api_groups / sizeof *api_groups;

struct registry *api_registry(void)
{
	return registry_new(api_groups, api_group_count);
}
