/* Words: kinds and states of engagements, as people read them. */
#ifndef TRACKTWO_CLI_WORDS_H
#define TRACKTWO_CLI_WORDS_H

/* "track2-session" as "Track 2 session" or "트랙 2 회의"; a code that is not known stays as it is. Static, or `code`.
 */
const char *words_of(const char *code);

#endif
