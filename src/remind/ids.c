/* Ids: lists of ids as the text between the braces of an array literal; NULL is the empty one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void ids_append(char **list, char *more)
{
	char *joined = more;
	if (*list && asprintf(&joined, "%s,%s", *list, more) < 0)
		abort();
	if (joined != more)
		free(more);
	free(*list);
	*list = joined;
}

char *ids_of(const json_t *array)
{
	size_t count = json_array_size(array);
	char *ids = malloc(count * UUID_TEXT_SIZE);
	if (!ids)
		abort();
	for (size_t i = 0; i < count; i++) {
		memcpy(ids + i * UUID_TEXT_SIZE, json_string_value(json_array_get(array, i)), UUID_TEXT_SIZE - 1);
		ids[(i + 1) * UUID_TEXT_SIZE - 1] = i + 1 < count ? ',' : '\0';
	}
	return ids;
}
