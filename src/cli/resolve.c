/* Resolve: words about records are asked of the daemon by record.find, words about countries and times are read here.
 *
 * Invariant: a function that fails has set `status`; one that succeeds for words that the API would not have taken as
 * they stand has said what it took them for, once. */
#include "cli/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uuid.h"
#include "cli/command.h"
#include "cli/output.h"
#include "text/country.h"
#include "text/language.h"
#include "text/names.h"
#include "text/time.h"
#include "text/utf8.h"

enum { PREFIX_DIGITS = 4, CANDIDATES = 10, SHOWN_ID = 13, SHOWN_WORD = 80 };

void resolve_init(struct resolve *resolve, struct cli *cli)
{
	*resolve = (struct resolve){.cli = cli, .now_us = time_now_micros(), .quiet = cli->arguments.quiet};
}

void resolve_from(struct resolve *resolve, int64_t then_us)
{
	if (then_us > 0 && then_us < resolve->now_us)
		resolve->now_us = then_us;
}

/* For a refusal in English that came from below. */
static bool fail_by(struct resolve *resolve, struct err *err, int status)
{
	resolve->status = status;
	return err_set(err, "%s", say_message(&resolve->cli->arena, err->message));
}

static bool fail(struct resolve *resolve, int status)
{
	resolve->status = status;
	return false;
}

/* A word as it may stand on a terminal: cut when long, and nothing in it that steers. */
static const char *shown(struct resolve *resolve, const char *word)
{
	size_t length = strlen(word), at = 0;
	char *text = arena_alloc(&resolve->cli->arena, SHOWN_WORD + 8);
	while (at < length && at < SHOWN_WORD) {
		size_t step = utf8_length(word + at, length - at);
		bool plain = step > 1 || (step == 1 && (unsigned char)word[at] >= ' ' && word[at] != 0x7F);
		memcpy(text + at, plain ? word + at : "?", plain ? step : 1);
		at += step > 0 ? step : 1;
	}
	if (at < length)
		strcat(text, "…");
	return text;
}

static void told(struct resolve *resolve, const char *word, const char *meaning)
{
	if (!resolve->quiet)
		fprintf(stderr, "%s: %s\n", shown(resolve, word), meaning);
}

bool resolve_country(struct resolve *resolve, const char *word, const char **code, struct err *err)
{
	struct arena *arena = &resolve->cli->arena;
	if (!country_find(word, code, err))
		return fail_by(resolve, err, CLI_USAGE);
	if (strcmp(word, *code) != 0)
		told(resolve, word, arena_printf(arena, "%s, %s", *code, country_name(arena, *code, language_code())));
	return true;
}

static const char *member(const json_t *candidate, const char *name)
{
	return json_string_value(json_object_get(candidate, name));
}

/* "王毅 (CN), Foreign Minister, 0190abcd-1234…"; with `whole` all of the id. */
static const char *candidate_text(struct resolve *resolve, const json_t *candidate, bool whole)
{
	struct arena *arena = &resolve->cli->arena;
	const char *country = member(candidate, "country"), *about = output_cell(arena, candidate, "about");
	const char *id = member(candidate, "id");
	bool cut = !whole && id && strlen(id) > SHOWN_ID;
	return arena_printf(arena, "%s%s%s%s%s%s, %.*s%s", output_cell(arena, candidate, "name"), country ? " (" : "",
	                    country ? country : "", country ? ")" : "", *about ? ", " : "", about, cut ? SHOWN_ID : 36,
	                    id ? id : "", cut ? "…" : "");
}

static void print_candidates(struct resolve *resolve, const json_t *list, bool numbered)
{
	const json_t *candidate;
	size_t i;
	json_array_foreach(list, i, candidate) {
		const char *text = candidate_text(resolve, candidate, true), *noun = member(candidate, "noun");
		if (numbered)
			fprintf(stderr, "%3zu  %s  %s\n", i + 1, say(noun), text);
		else
			fprintf(stderr, "  %s  %s\n", say(noun), text);
	}
}

/* The number that the person at the terminal writes, from 1 to `count`; 0 for anything else. */
static size_t ask_number(size_t count)
{
	char line[64];
	fprintf(stderr, say("Which one? [1-%zu] "), count);
	if (!fgets(line, sizeof line, stdin))
		return 0;
	char *end;
	unsigned long number = strtoul(line, &end, 10);
	return end != line && (*end == '\n' || *end == '\0') && number <= count ? number : 0;
}

/* One of several: asked for, or refused. NULL with `err`. */
static const json_t *choose(struct resolve *resolve, const char *word, const json_t *list, bool more, struct err *err)
{
	bool ask = resolve->cli->interactive;
	size_t count = json_array_size(list);
	if (count == 1)
		return json_array_get(list, 0);
	print_candidates(resolve, list, ask);
	if (more)
		fprintf(stderr, "%s", say("  … and others\n"));
	size_t number = ask ? ask_number(count) : 0;
	if (number > 0)
		return json_array_get(list, number - 1);
	if (ask)
		(void)err_set(err, say("none was chosen for \"%s\"; write more of it, or an id"), shown(resolve, word));
	else
		(void)err_set(err, say("\"%s\" stands for several; write more of it, or one of these ids"),
		              shown(resolve, word));
	resolve->status = CLI_CONFLICT;
	return NULL;
}

static bool looks_like_digits(const char *word)
{
	size_t digits = 0;
	for (; *word; word++) {
		if (strchr("0123456789abcdefABCDEF", *word))
			digits++;
		else if (*word != '-')
			return false;
	}
	return digits > 0;
}

bool resolve_has_name(const char *noun)
{
	static const char *const named[] = {"contact", "principal", "organization", "dialogue"};
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (strcmp(noun, named[i]) == 0)
			return true;
	return false;
}

/* Why nothing was found, and what to do: to make the record, where it can be made. */
static bool fault_none(struct resolve *resolve, const char *word, const char *const *nouns, struct err *err)
{
	struct arena *arena = &resolve->cli->arena;
	const char *noun = nouns[0], *text = shown(resolve, word);
	bool creates = noun && registry_find(resolve->cli->registry, arena_printf(arena, "%s.create", noun));
	if (!noun)
		(void)err_set(err, say("nothing is called \"%s\", and no id begins so"), text);
	else if (!resolve_has_name(noun) && looks_like_digits(word) && strlen(word) >= PREFIX_DIGITS)
		(void)err_set(err, say("no %s has an id that begins with \"%s\""), say(noun), text);
	else if (!resolve_has_name(noun))
		(void)err_set(err, say("no %s has an id that begins with \"%s\"; write at least %d of its digits"), say(noun),
		              text, (int)PREFIX_DIGITS);
	else if (creates)
		(void)err_set(err, say("no %s is called \"%s\"; make one: tracktwo %s create --help"), say(noun), text, noun);
	else
		(void)err_set(err, say("no %s is called \"%s\""), say(noun), text);
	return fail(resolve, CLI_NOT_FOUND);
}

/* The answer of a read, the caller's to release; NULL with `err` and the status. */
static json_t *ask_daemon(struct resolve *resolve, const char *method, json_t *params, struct err *err)
{
	json_t *answer = command_answer(resolve->cli, method, params, err);
	json_t *result = json_incref(json_object_get(answer, "result"));
	const json_t *error = json_object_get(answer, "error");
	if (!answer) {
		resolve->status = CLI_OUT_OF_REACH;
	} else if (!result) {
		(void)err_set(err, "%s",
		              say_message(&resolve->cli->arena, output_cell(&resolve->cli->arena, error, "message")));
		resolve->status = output_exit_code(error);
	}
	json_decref(answer);
	return result;
}

/* The candidates of the best match there is: names before ids, ids before parts. They are sorted so. A new list. */
static json_t *best_of(const json_t *found, bool *more)
{
	const json_t *all = json_object_get(found, "candidates"), *candidate;
	json_t *best = json_array();
	size_t i;
	json_array_foreach(all, i, candidate) {
		const char *match = member(candidate, "match"), *first = member(json_array_get(all, 0), "match");
		if (match && first && strcmp(match, first) == 0)
			json_array_append(best, json_array_get(all, i));
	}
	*more = json_is_true(json_object_get(found, "more")) && json_array_size(best) == json_array_size(all);
	return best;
}

/* The one record of these nouns (none: any) that the word stands for; in the arena's time it stays, the caller's. */
static json_t *find_record(struct resolve *resolve, const char *word, const char *const *nouns, struct err *err)
{
	json_t *params = json_pack("{s:s?,s:i}", "text", names_nfc(&resolve->cli->arena, word), "count", (int)CANDIDATES);
	json_t *wanted = nouns[0] ? json_array() : NULL, *record = NULL;
	for (size_t i = 0; nouns[i]; i++)
		json_array_append_new(wanted, json_string(nouns[i]));
	if (wanted)
		json_object_set_new(params, "nouns", wanted);
	json_t *found = ask_daemon(resolve, "record.find", params, err);
	if (!found)
		return NULL;
	bool more;
	json_t *best = best_of(found, &more);
	if (json_array_size(best) == 0) {
		(void)fault_none(resolve, word, nouns, err);
	} else {
		record = json_incref((json_t *)choose(resolve, word, best, more, err));
		if (record)
			told(resolve, word, candidate_text(resolve, record, false));
	}
	json_decref(best);
	json_decref(found);
	return record;
}

/* What the daemon would refuse as a text is no word for a record. */
static bool check_word(struct resolve *resolve, const char *word, struct err *err)
{
	bool right = *word && strlen(word) <= 200;
	for (size_t at = 0, length = strlen(word), step; right && at < length; at += step) {
		step = utf8_length(word + at, length - at);
		right = step > 0 && ((unsigned char)word[at] >= ' ' && word[at] != 0x7F);
	}
	if (right)
		return true;
	(void)err_set(err, "%s", say("a name or an id must be text of one line, of at most 200 bytes, and not empty"));
	return fail(resolve, CLI_USAGE);
}

bool resolve_record(struct resolve *resolve, const char *word, const char *noun, const char **id, struct err *err)
{
	const char *nouns[] = {noun, NULL};
	*id = word;
	if (uuid_valid(word))
		return true;
	if (!check_word(resolve, word, err))
		return false;
	if (noun && !resolve_has_name(noun) && (!looks_like_digits(word) || strlen(word) < PREFIX_DIGITS))
		return fault_none(resolve, word, nouns, err);
	json_t *record = find_record(resolve, word, nouns, err);
	*id = arena_strdup(&resolve->cli->arena, member(record, "id"));
	json_decref(record);
	return *id != NULL;
}

static bool resolve_me(struct resolve *resolve, enum resolve_people who, struct resolve_person *person, struct err *err)
{
	struct arena *arena = &resolve->cli->arena;
	json_t *me = ask_daemon(resolve, "principal.get", NULL, err);
	if (!me)
		return false;
	bool contact = !(who & RESOLVE_PRINCIPALS);
	*person = (struct resolve_person){.principal = !contact,
	                                  .id = arena_strdup(arena, member(me, contact ? "contact_id" : "id")),
	                                  .name = arena_strdup(arena, member(me, "name"))};
	json_decref(me);
	if (!person->id) {
		(void)err_set(err, "%s", say("you have no contact record of your own; principal update --contact-id sets one"));
		return fail(resolve, CLI_NOT_FOUND);
	}
	told(resolve, "me", arena_printf(arena, "%s, %.*s…", person->name, (int)SHOWN_ID, person->id));
	return true;
}

bool resolve_person(struct resolve *resolve, const char *word, enum resolve_people who, struct resolve_person *person,
                    struct err *err)
{
	struct arena *arena = &resolve->cli->arena;
	const char *nouns[3] = {NULL};
	size_t count = 0;
	if (strcmp(word, "me") == 0 || strcmp(names_nfc(arena, word), "나") == 0)
		return resolve_me(resolve, who, person, err);
	if (!check_word(resolve, word, err))
		return false;
	if (who & RESOLVE_CONTACTS)
		nouns[count++] = "contact";
	if (who & RESOLVE_PRINCIPALS)
		nouns[count++] = "principal";
	json_t *record = find_record(resolve, word, nouns, err);
	if (!record)
		return false;
	*person = (struct resolve_person){.principal = strcmp(member(record, "noun"), "principal") == 0,
	                                  .id = arena_strdup(arena, member(record, "id")),
	                                  .name = arena_strdup(arena, member(record, "name")),
	                                  .country = arena_strdup(arena, member(record, "country"))};
	json_decref(record);
	return true;
}

bool resolve_party(struct resolve *resolve, const char *word, const char **party, struct err *err)
{
	struct resolve_person person;
	*party = word;
	if (uuid_valid(word))
		return true;
	if (country_find(word, party, NULL))
		return resolve_country(resolve, word, party, err);
	if (!resolve_person(resolve, word, RESOLVE_ANYBODY, &person, err))
		return false;
	*party = person.id;
	return true;
}

/* Those whose code or title holds the word, as candidates. */
static json_t *matching_workstreams(struct resolve *resolve, const json_t *roadmap, const char *word)
{
	const json_t *phase, *workstream;
	json_t *list = json_array();
	size_t i, k;
	json_array_foreach(json_object_get(roadmap, "phases"), i, phase) {
		json_array_foreach(json_object_get(phase, "workstreams"), k, workstream) {
			const char *code = member(workstream, "code"), *title = member(workstream, "title");
			const char *korean = output_cell(&resolve->cli->arena, workstream, "title_ko");
			if (code && title && (strcasestr(title, word) || strstr(korean, word)))
				json_array_append_new(list,
				                      json_pack("{s:s,s:s,s:s}", "noun", "workstream", "id", code, "name", title));
		}
	}
	return list;
}

bool resolve_workstream(struct resolve *resolve, const char *word, const char **code, struct err *err)
{
	*code = word;
	if (*word >= '0' && *word <= '9')
		return true;
	if (!check_word(resolve, word, err))
		return false;
	json_t *roadmap = ask_daemon(resolve, "roadmap.get", NULL, err);
	if (!roadmap)
		return false;
	json_t *list = matching_workstreams(resolve, roadmap, names_nfc(&resolve->cli->arena, word));
	const json_t *chosen = NULL;
	if (json_array_size(list) == 0) {
		(void)err_set(err, say("no workstream's title holds \"%s\"; \"tracktwo roadmap get\" shows all"),
		              shown(resolve, word));
		resolve->status = CLI_NOT_FOUND;
	} else {
		chosen = choose(resolve, word, list, false, err);
	}
	if (chosen)
		told(resolve, word, candidate_text(resolve, chosen, true));
	*code = arena_strdup(&resolve->cli->arena, member(chosen, "id"));
	json_decref(list);
	json_decref(roadmap);
	return *code != NULL;
}

bool resolve_when(struct resolve *resolve, const char *words, enum when_direction direction, struct when *when,
                  struct err *err)
{
	struct arena *arena = &resolve->cli->arena;
	const char *zone = command_zone(resolve->cli);
	struct when_clock clock = {.now_us = resolve->now_us, .zone = zone, .direction = direction};
	if (!when_read(words, &clock, when, err))
		return fail_by(resolve, err, CLI_USAGE);
	const char *text = when_text(arena, when, zone);
	if (when->relative && strcmp(text, words) != 0)
		told(resolve, words,
		     when->moved ? arena_printf(arena, say("%s, as the clocks skip the time that was written"), text) : text);
	return true;
}

bool resolve_instant(struct resolve *resolve, const char *words, enum when_direction direction, const char **instant,
                     struct err *err)
{
	struct when when;
	int64_t micros;
	*instant = words;
	if (time_parse_instant(words, &micros, NULL))
		return true;
	if (!resolve_when(resolve, words, direction, &when, err))
		return false;
	if (when.kind != WHEN_INSTANT) {
		(void)err_set(err, say("\"%s\" says no time of day; add one, such as \"%s 9:00\""), shown(resolve, words),
		              when.kind == WHEN_DAY ? shown(resolve, words) : say("tomorrow"));
		return fail(resolve, CLI_USAGE);
	}
	char text[TIME_INSTANT_SIZE];
	time_format_instant(when.instant_us, text);
	*instant = arena_strdup(&resolve->cli->arena, text);
	return true;
}

bool resolve_day(struct resolve *resolve, const char *words, enum when_direction direction, bool period,
                 const char **day, struct err *err)
{
	struct when when;
	int32_t days;
	*day = words;
	if (time_parse_day(words, &days, NULL))
		return true;
	if (!resolve_when(resolve, words, direction, &when, err))
		return false;
	if (when.kind == WHEN_INSTANT || (when.kind != WHEN_DAY && !period)) {
		(void)err_set(err,
		              when.kind == WHEN_INSTANT ? say("\"%s\" is a time of day; only a day can stand here")
		                                        : say("\"%s\" is longer than a day; write one day of it"),
		              shown(resolve, words));
		return fail(resolve, CLI_USAGE);
	}
	char text[TIME_DAY_SIZE];
	time_format_day(when.first_day, text);
	*day = arena_strdup(&resolve->cli->arena, text);
	return true;
}
