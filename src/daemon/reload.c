/* Reload: one pass over the differences, sorted into two lists of names. */
#include "daemon/reload.h"

#include <stdio.h>

#include "base/log.h"

static void add_name(struct arena *arena, const char **list, const struct config_key *key)
{
	*list = arena_printf(arena, "%s%s[%s] %s", *list, **list ? ", " : "", key->section, key->name);
}

void reload_settle(struct config *fresh, const struct config *running)
{
	struct arena arena = {0};
	const char *now = "", *later = "";
	const struct config_key *key = NULL;

	while ((key = config_next_difference(fresh, running, key)) != NULL) {
		add_name(&arena, key->reloads ? &now : &later, key);
		if (!key->reloads)
			config_copy_key(fresh, running, key);
	}
	log_info("", "the configuration was read again; changed: %s", *now ? now : "nothing");
	if (*later)
		log_warning("", "only a restart changes %s", later);
	arena_release(&arena);
}
