/* Words: kinds and states of engagements, and what methods do, as people read them. */
#ifndef TRACKTWO_CLI_WORDS_H
#define TRACKTWO_CLI_WORDS_H

/* "track2-session" as "Track 2 session" or "트랙 2 회의"; a code that is not known stays as it is. Static, or `code`.
 */
const char *words_of(const char *code);

/* What a write by a method did, "logged an engagement"; the method's name where no row has it. Static, or `method`. */
const char *words_deed(const char *method);

#endif
