/* Country: which country a word means, in English, Korean, Chinese, Japanese, Russian or its own language.
 *
 * The names are ICU's, by region and language, and an own table of what people say beside them ("DPRK", 북한, 朝鮮). It
 * needs no daemon. Case, width, accents, spaces and punctuation do not matter. */
#ifndef TRACKTWO_TEXT_COUNTRY_H
#define TRACKTWO_TEXT_COUNTRY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* The ISO 3166-1 alpha-2 code, static, of a code (alpha-2 or alpha-3), name or alias; any bytes. Fails for what is
 * none, naming what is near, and for what stands for two ("Korea"), naming both. */
ERR_CHECKED bool country_find(const char *word, const char **code, struct err *err);

/* "North Korea", "북한": the name of an assigned code in a language ("en", "ko", …), or the code where there is none.
 * In the arena. */
const char *country_name(struct arena *arena, const char *code, const char *language);

#endif
