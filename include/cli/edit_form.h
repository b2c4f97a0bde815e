/* Edit form: a flat record (cli/merge.h) as a form, and back.
 *
 * Texts stand as they are, codes beside each other with commas, and what has members of its own as JSON, one entry a
 * line; a person added to a list may be written as in `log --with`. Instants are shown in the person's zone. */
#ifndef TRACKTWO_CLI_EDIT_FORM_H
#define TRACKTWO_CLI_EDIT_FORM_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/form.h"
#include "cli/resolve.h"
#include "rpc/method.h"

/* Writes the instants of a flat record as they read in `zone`. */
void edit_form_localize(const struct method *update, json_t *flat, const char *zone);

/* The fields of `form` (whose arena is set): what the method takes and the record has, and a hidden `version`. */
void edit_form_init(struct form *form, const struct method *update, const json_t *record);

/* Fills the form with a flat record. For each of `conflicts` (a list of keys, or NULL) the value of `theirs` stands
 * beside it. */
void edit_form_write(struct form *form, const struct method *update, const json_t *flat, const json_t *theirs,
                     const json_t *conflicts);

/* The flat record of a form, a new object; NULL with faults in the form. */
json_t *edit_form_read(struct form *form, const struct method *update, struct resolve *resolve);

#endif
