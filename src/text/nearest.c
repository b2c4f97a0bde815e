/* Nearest: the edit distance of Wagner and Fischer (https://doi.org/10.1145/321796.321811), in which two letters that
 * changed places count as one mistake.
 *
 * Invariant: `distance` is meaningful exactly while `name` is set. */
#include "text/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { WORD_BYTES = 64 };

static bool alike(char one, char other)
{
	return one == other || (one == '_' && other == '-') || (one == '-' && other == '_');
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static size_t edits(const char *one, size_t one_length, const char *other, size_t other_length)
{
	size_t rows[3][WORD_BYTES + 1], *older = rows[0], *old = rows[1], *row = rows[2];
	for (size_t k = 0; k <= other_length; k++)
		row[k] = k;
	for (size_t i = 0; i < one_length; i++) {
		size_t *spare = older;
		older = old;
		old = row;
		row = spare;
		row[0] = i + 1;
		for (size_t k = 0; k < other_length; k++) {
			size_t replaced = old[k] + (alike(one[i], other[k]) ? 0 : 1);
			row[k + 1] = least(replaced, least(row[k], old[k + 1]) + 1);
			if (i > 0 && k > 0 && alike(one[i], other[k - 1]) && alike(one[i - 1], other[k]))
				row[k + 1] = least(row[k + 1], older[k - 1] + 1);
		}
	}
	return row[other_length];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->word), candidate_length = strlen(candidate);
	if (length > WORD_BYTES || candidate_length > WORD_BYTES)
		return;
	size_t distance = edits(nearest->word, length, candidate, candidate_length);
	bool begins = length >= 3 && strncmp(nearest->word, candidate, length) == 0;
	if (begins)
		distance = 1;
	if (!begins && 2 * distance >= candidate_length)
		return;
	if (nearest->name && nearest->distance <= distance)
		return;
	nearest->name = candidate;
	nearest->distance = distance;
}
