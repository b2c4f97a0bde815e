/* Resolve: what people write, made what the API takes: countries by name, people by name, times in words, ids by their
 * first digits.
 *
 * What the API takes as it stands is passed on unasked, without the daemon. All else is looked up, and one line on
 * standard error says what it was taken for ("왕이: 王毅 (CN), Foreign Minister, 0190…"), in a pipe, too, since
 * standard output holds results only; `quiet` leaves it out. Where several match, a terminal is asked and a pipe is
 * refused.
 *
 * The functions return false with `err` and the exit code in resolve->status (CLI_USAGE for words that mean nothing,
 * CLI_NOT_FOUND, CLI_CONFLICT for several, CLI_OUT_OF_REACH). Candidates were then listed on standard error, before the
 * message, which the caller prints. Strings that come back live in the cli's arena, or are the word itself. */
#ifndef TRACKTWO_CLI_RESOLVE_H
#define TRACKTWO_CLI_RESOLVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "rpc/method.h"
#include "text/when.h"

struct cli;

struct resolve {
	struct cli *cli;
	int64_t now_us; /* the clock that words about time are read by; read once, so that one command has one now */
	bool quiet;     /* what was resolved is not printed; --quiet */
	int status;     /* of cli/cli.h; set by what fails */
};

/* Reads the clock; asks nobody. `cli` (see cli/command.h) must outlive it; nothing is to be released. */
void resolve_init(struct resolve *resolve, struct cli *cli);

/* Words about time are of another time than this command: of when they were written, which is past. 0 is nothing. */
void resolve_from(struct resolve *resolve, int64_t then_us);

/* "북한" → "KP". */
ERR_CHECKED bool resolve_country(struct resolve *resolve, const char *word, const char **code, struct err *err);

/* A country, a contact or one of our own people, in this order: its code or id as the API's `party` takes it. */
ERR_CHECKED bool resolve_party(struct resolve *resolve, const char *word, const char **party, struct err *err);

/* Who may be meant by a name. */
enum resolve_people { RESOLVE_CONTACTS = 1, RESOLVE_PRINCIPALS = 2, RESOLVE_ANYBODY = 3 };

struct resolve_person {
	bool principal; /* one of our own people; else a contact */
	const char *id, *name;
	const char *country; /* of a contact; NULL for a principal */
};

/* `me`, an id or the first digits of one, or a name or part of one: those who bear it exactly come before those in
 * whose names it stands. `me` is the caller as a principal, or, where only contacts may be meant, the caller's own
 * contact. */
ERR_CHECKED bool resolve_person(struct resolve *resolve, const char *word, enum resolve_people who,
                                struct resolve_person *person, struct err *err);

/* A record of `noun` ("contact", "engagement", "dialogue", "organization", …; NULL: any) by its id, by four or more of
 * its first hexadecimal digits, hyphens or not, or, where the noun has a name or title, by that. */
ERR_CHECKED bool resolve_record(struct resolve *resolve, const char *word, const char *noun, const char **id,
                                struct err *err);

/* A workstream's code ("1.3"), or words of its title. */
ERR_CHECKED bool resolve_workstream(struct resolve *resolve, const char *word, const char **code, struct err *err);

/* Words about time, by the clock of resolve->now_us, in the zone of command_zone(). Prints what it took them for,
 * unless the words are an ISO day or instant. */
ERR_CHECKED bool resolve_when(struct resolve *resolve, const char *words, enum when_direction direction,
                              struct when *when, struct err *err);

/* The same for what must be an instant ("2026-11-23T03:30:00Z", in the arena): a day alone is refused. */
ERR_CHECKED bool resolve_instant(struct resolve *resolve, const char *words, enum when_direction direction,
                                 const char **instant, struct err *err);

/* The same for what must be a day ("2026-11-23", in the arena): an instant is refused. With `period` a week, month or
 * year stands for its first day; else it is refused. */
ERR_CHECKED bool resolve_day(struct resolve *resolve, const char *words, enum when_direction direction, bool period,
                             const char **day, struct err *err);

/* Replaces, in the parameters of `method` as arguments_params has made them, every text that a parameter's type lets
 * resolve: countries, instants, days, ids, workstreams, also in lists and in objects. */
ERR_CHECKED bool resolve_params(struct resolve *resolve, const struct method *method, json_t *params, struct err *err);

/* The noun whose id a member of the method is, or "party", so that a name or the first digits will do for it; NULL for
 * any other member. `outermost` is false for the members of members. In the arena, or static. */
const char *resolve_noun_of(struct arena *arena, const struct registry *registry, const struct method *method,
                            const struct type_member *member, bool outermost);

/* Whether records of the noun go by a name, too, and not only by their ids. */
bool resolve_has_name(const char *noun);

/* The words of a command line as the parameters of `method`: arguments_params, then resolve_params. CLI_DONE with
 * *params the caller's; else *params is NULL, the error has been printed, and the exit code is returned. */
int resolve_arguments(struct cli *cli, const struct method *method, char *const *words, size_t count, json_t **params);

#endif
