/* Finding engagements again: every filter of engagement.history, alone and combined, page by page, and report.coverage,
 * against a model that knows only what was logged. What was logged comes from a generator of fixed seed: days, months,
 * years and instants that fall together, in times when Seoul kept other hours than today. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum {
	MEETINGS = 150,
	COUNTRIES = 7,
	WORKSTREAMS = 10,
	TOPICS = 5,
	KINDS = 6,
	TRACKS = 4,
	STATUSES = 5,
	DIALOGUES = 3,
	CONTACTS = 8,
	ORGANIZATIONS = 3,
	OWNERS = 2,
	SETS = 6,
	MOMENTS = 17,
	PAGE = 7
};

static const char *const countries[] = {"CN", "JP", "KP", "KR", "MN", "RU", "US"};
static const char *const workstreams[] = {"1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "3.4"};
static const char *const topics[] = {"sanctions-relief", "security-guarantees", "family-reunions", "rail",
                                     "never-used"};
static const char *const kinds[] = {"meeting", "visit", "call", "conference", "track2-session", "media"};
static const char *const tracks[] = {"1", "1.5", "2", "3"};
static const char *const statuses[] = {"held", "planned", "tentative", "postponed", "cancelled"};
/* Bits of `countries`. */
static const unsigned sets[SETS] = {0x41, 0x21, 0x48, 0x02, 0x61, 0x7f};
/* For since and until: a day begins in Seoul, whose clock has had five offsets. */
static const char *const moments[MOMENTS] = {"0001-01-01",
                                             "1905-06-01",
                                             "1911-12-31",
                                             "1953-07-27",
                                             "1955-06-01",
                                             "1960-07-01",
                                             "1988-07-07",
                                             "2000-06-15",
                                             "2018-04-27",
                                             "2018-04-26T15:00:00Z",
                                             "2018-04-27T00:00:00.000001+09:00",
                                             "1988-07-06T14:00:00Z",
                                             "1955-06-01T00:00:00+09:30",
                                             "0001-01-01T00:00:00Z",
                                             "2018-04-28",
                                             "2090-01-01",
                                             "1955-06-01T00:00:00+09:00"};

struct meeting {
	char id[37];
	int64_t at;   /* microseconds */
	char day[11]; /* in Seoul */
	unsigned countries, workstreams, objectives, topics, contacts;
	int kind, track, status, dialogue, owner; /* track, dialogue and owner: -1 for none */
	bool voided;
};

struct affiliation {
	unsigned contact, organization;
	const char *since, *until; /* NULL: open */
};
static const struct affiliation affiliations[] = {{0, 0, NULL, NULL},
                                                  {1, 0, "1988-07-07", "2018-04-27"},
                                                  {1, 1, "2018-04-27", NULL},
                                                  {2, 1, NULL, "1955-06-01"},
                                                  {3, 1, "2018-04-28", NULL},
                                                  {4, 0, NULL, "1988-07-06"},
                                                  {4, 0, "2000-01-01", "2000-12-31"}};

static struct meeting meetings[MEETINGS];
static struct dialogue {
	char id[40];
	unsigned countries, workstreams;
	int track;
} dialogues[DIALOGUES] = {{.countries = 0x61, .workstreams = 0x024, .track = 1},
                          {.countries = 0x08, .workstreams = 0x001, .track = -1},
                          {.countries = 0x14, .workstreams = 0x208, .track = 3}};
static char contacts[CONTACTS][40], organizations[ORGANIZATIONS][40], owners[OWNERS][40];

/* The generator: xorshift32 */
static unsigned pick(unsigned below)
{
	static uint32_t state = 20261123;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static int64_t seoul_midnight(const char *day)
{
	struct tm tm = {.tm_isdst = -1};
	tm.tm_year = (int)strtol(day, NULL, 10) - 1900;
	tm.tm_mon = (int)strtol(day + 5, NULL, 10) - 1;
	tm.tm_mday = (int)strtol(day + 8, NULL, 10);
	return (int64_t)mktime(&tm) * 1000000;
}

/* An instant of the forms that stand in this file. */
static int64_t instant(const char *text)
{
	struct tm tm = {0};
	int hours = 0, minutes = 0;
	long micros = 0;
	const char *zone = text + 19;
	tm.tm_year = (int)strtol(text, NULL, 10) - 1900;
	tm.tm_mon = (int)strtol(text + 5, NULL, 10) - 1;
	tm.tm_mday = (int)strtol(text + 8, NULL, 10);
	tm.tm_hour = (int)strtol(text + 11, NULL, 10);
	tm.tm_min = (int)strtol(text + 14, NULL, 10);
	tm.tm_sec = (int)strtol(text + 17, NULL, 10);
	if (*zone == '.') {
		micros = strtol(zone + 1, NULL, 10);
		zone += 7;
	}
	if (*zone == '+') {
		hours = (int)strtol(zone + 1, NULL, 10);
		minutes = (int)strtol(zone + 4, NULL, 10);
	}
	return ((int64_t)timegm(&tm) - hours * 3600 - minutes * 60) * 1000000 + micros;
}

static int64_t moment(const char *text)
{
	return strlen(text) == 10 ? seoul_midnight(text) : instant(text);
}

static void seoul_day(int64_t at, char day[static 11])
{
	int64_t floor = at >= 0 ? at / 1000000 : -((-at + 999999) / 1000000);
	time_t seconds = (time_t)floor;
	struct tm tm;
	localtime_r(&seconds, &tm);
	snprintf(day, 11, "%04u-%02u-%02u", (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
	         (unsigned)tm.tm_mday % 100);
}

static json_t *codes(const char *const *names, unsigned mask)
{
	json_t *list = json_array();
	for (unsigned i = 0; mask >> i; i++)
		if (mask >> i & 1)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static void keep_id(char id[static 40], const char *method, json_t *params)
{
	json_t *record = checked_result(&client, method, params);
	snprintf(id, 40, "%s", at_string(record, "id"));
	json_decref(record);
}

static void make_people(void)
{
	for (size_t i = 0; i < ORGANIZATIONS; i++)
		keep_id(organizations[i], "organization.create", json_of("{'name':'Organization %zu'}", i));
	for (size_t i = 0; i < OWNERS; i++)
		keep_id(owners[i], "principal.create", json_of("{'name':'Owner %zu','role':'officer'}", i));
	for (size_t i = 0; i < CONTACTS; i++) {
		json_t *list = json_array();
		for (size_t j = 0; j < sizeof affiliations / sizeof *affiliations; j++) {
			const struct affiliation *a = &affiliations[j];
			if (a->contact == i)
				json_array_append_new(list,
				                      json_pack("{s:s, s:s?, s:s?}", "organization_id", organizations[a->organization],
				                                "since", a->since, "until", a->until));
		}
		keep_id(contacts[i], "contact.create",
		        json_pack("{s:s, s:s, s:o}", "name", "Somebody", "country", "US", "affiliations", list));
	}
	for (size_t i = 0; i < DIALOGUES; i++) {
		json_t *params =
		    json_pack("{s:s, s:o, s:o}", "title", "Dialogue", "countries", codes(countries, dialogues[i].countries),
		              "workstreams", codes(workstreams, dialogues[i].workstreams));
		if (dialogues[i].track >= 0)
			json_object_set_new(params, "track", json_string(tracks[dialogues[i].track]));
		keep_id(dialogues[i].id, "dialogue.create", params);
	}
}

/* A time out of few, so that many fall together. */
static void choose_time(struct meeting *meeting, json_t *params)
{
	const char *text = moments[pick(MOMENTS)];
	char first[11];
	if (strlen(text) > 10) {
		json_object_set_new(params, "starts_at", json_string(text));
		meeting->at = instant(text);
	} else {
		unsigned precision = pick(4);
		snprintf(first, sizeof first, "%.10s", text);
		json_object_set_new(params, "starts_on", json_string(text));
		if (precision == 0)
			memcpy(first + 5, "01-01", 5);
		else if (precision == 1)
			memcpy(first + 8, "01", 2);
		if (precision < 3)
			json_object_set_new(params, "precision",
			                    json_string(precision == 0   ? "year"
			                                : precision == 1 ? "month"
			                                                 : "day"));
		meeting->at = seoul_midnight(first);
	}
	seoul_day(meeting->at, meeting->day);
}

static json_t *choose_workstreams(struct meeting *meeting)
{
	json_t *list = json_array();
	for (unsigned i = pick(3); i < WORKSTREAMS; i += 1 + pick(WORKSTREAMS)) {
		meeting->workstreams |= 1u << i;
		if (pick(2)) {
			char objective[8];
			unsigned which = pick(2);
			meeting->objectives |= 1u << (2 * i + which);
			snprintf(objective, sizeof objective, "%s.%u", workstreams[i], which + 1);
			json_array_append_new(list, json_pack("{s:s, s:s}", "code", workstreams[i], "objective", objective));
		} else {
			json_array_append_new(list, json_string(workstreams[i]));
		}
	}
	return list;
}

static void choose_links(struct meeting *meeting, json_t *params)
{
	bool from_dialogue = meeting->dialogue >= 0 && pick(2);
	meeting->track = (int)pick(TRACKS + 1) - 1;
	if (meeting->dialogue >= 0)
		json_object_set_new(params, "dialogue_id", json_string(dialogues[meeting->dialogue].id));
	if (from_dialogue) {
		meeting->countries = dialogues[meeting->dialogue].countries;
		meeting->workstreams = dialogues[meeting->dialogue].workstreams;
	} else {
		meeting->countries =
		    1u << pick(COUNTRIES) | (pick(2) ? 1u << pick(COUNTRIES) : 0) | (pick(4) ? 0 : sets[pick(SETS)]);
		json_object_set_new(params, "countries", codes(countries, meeting->countries));
		json_object_set_new(params, "workstreams", choose_workstreams(meeting));
	}
	if (meeting->track >= 0)
		json_object_set_new(params, "track", json_string(tracks[meeting->track]));
	else if (meeting->dialogue >= 0)
		meeting->track = dialogues[meeting->dialogue].track;
	meeting->topics = pick(1u << (TOPICS - 1));
	json_object_set_new(params, "topics", codes(topics, meeting->topics));
}

static void log_meeting(struct meeting *meeting, size_t number)
{
	json_t *params = json_object(), *people = json_array();
	snprintf(meeting->id, sizeof meeting->id, "019b1c00-%04x-7000-8000-%08x%04zx", pick(65536), pick(1u << 31), number);
	meeting->kind = (int)pick(KINDS - 1);
	meeting->status = (int)pick(2 * STATUSES);
	meeting->status = meeting->status >= STATUSES ? 0 : meeting->status;
	meeting->dialogue = (int)pick(DIALOGUES + 2) - 2;
	meeting->dialogue = meeting->dialogue < 0 ? -1 : meeting->dialogue;
	meeting->owner = (int)pick(OWNERS + 1) - 1;
	meeting->contacts = pick(1u << CONTACTS) & pick(1u << CONTACTS);
	for (unsigned i = 0; i < CONTACTS; i++)
		if (meeting->contacts >> i & 1)
			json_array_append_new(people, json_pack("{s:s}", "contact_id", contacts[i]));
	json_object_set_new(params, "participants", people);
	json_object_set_new(params, "id", json_string(meeting->id));
	json_object_set_new(params, "title", json_string(meeting->id));
	json_object_set_new(params, "kind", json_string(kinds[meeting->kind]));
	json_object_set_new(params, "status", json_string(statuses[meeting->status]));
	if (meeting->owner >= 0)
		json_object_set_new(params, "owner", json_string(owners[meeting->owner]));
	choose_time(meeting, params);
	choose_links(meeting, params);
	json_decref(checked_result(&client, "engagement.log", params));
}

static int by_time(const void *one, const void *other)
{
	const struct meeting *a = one, *b = other;
	return a->at != b->at ? (a->at < b->at ? -1 : 1) : strcmp(a->id, b->id);
}

static int group_setup(void **state)
{
	setenv("TZ", "Asia/Seoul", 1);
	tzset();
	/* The zone is there, with its history. */
	assert_true(seoul_midnight("2000-01-01") == INT64_C(946652400000000));
	assert_true(seoul_midnight("1955-06-01") == instant("1955-06-01T00:00:00+09:30"));
	harness_group_setup(state);
	harness = *state;
	client_open(&client, harness);
	make_people();
	for (size_t i = 0; i < MEETINGS; i++)
		log_meeting(&meetings[i], i);
	qsort(meetings, MEETINGS, sizeof *meetings, by_time);
	return 0;
}

static int group_teardown(void **state)
{
	client_close(&client);
	return harness_group_teardown(state);
}

enum filter {
	COUNTRY,
	COUNTRIES_ALL,
	WORKSTREAM,
	OBJECTIVE,
	PHASE,
	TOPIC,
	KIND,
	TRACK,
	STATUS,
	DIALOGUE,
	CONTACT,
	ORGANIZATION,
	OWNER,
	SINCE,
	UNTIL,
	FILTERS
};

static const struct {
	const char *name;
	unsigned values;
	const char *const *texts;
} filters[FILTERS] = {[COUNTRY] = {"country", COUNTRIES, countries},
                      [COUNTRIES_ALL] = {"countries_all", SETS, NULL},
                      [WORKSTREAM] = {"workstream", WORKSTREAMS, workstreams},
                      [OBJECTIVE] = {"objective", 2 * WORKSTREAMS, NULL},
                      [PHASE] = {"phase", 4, NULL},
                      [TOPIC] = {"topic", TOPICS, topics},
                      [KIND] = {"kind", KINDS, kinds},
                      [TRACK] = {"track", TRACKS, tracks},
                      [STATUS] = {"status", STATUSES, statuses},
                      [DIALOGUE] = {"dialogue_id", DIALOGUES, NULL},
                      [CONTACT] = {"contact_id", CONTACTS, NULL},
                      [ORGANIZATION] = {"organization_id", ORGANIZATIONS, NULL},
                      [OWNER] = {"owner", OWNERS, NULL},
                      [SINCE] = {"since", MOMENTS, moments},
                      [UNTIL] = {"until", MOMENTS, moments}};

static json_t *filter_value(enum filter filter, unsigned value)
{
	char objective[8];
	switch (filter) {
	case COUNTRIES_ALL:
		return codes(countries, sets[value]);
	case OBJECTIVE:
		snprintf(objective, sizeof objective, "%s.%u", workstreams[value / 2], value % 2 + 1);
		return json_string(objective);
	case PHASE:
		return json_integer((json_int_t)value + 1);
	case DIALOGUE:
		return json_string(dialogues[value].id);
	case CONTACT:
		return json_string(contacts[value]);
	case ORGANIZATION:
		return json_string(organizations[value]);
	case OWNER:
		return json_string(owners[value]);
	default:
		return json_string(filters[filter].texts[value]);
	}
}

static bool of_organization(const struct meeting *meeting, unsigned organization)
{
	for (size_t i = 0; i < sizeof affiliations / sizeof *affiliations; i++) {
		const struct affiliation *a = &affiliations[i];
		if (a->organization == organization && meeting->contacts >> a->contact & 1 &&
		    (!a->since || strcmp(a->since, meeting->day) <= 0) && (!a->until || strcmp(meeting->day, a->until) <= 0))
			return true;
	}
	return false;
}

static bool passes(const struct meeting *meeting, enum filter filter, unsigned value)
{
	static const unsigned phases[] = {0x007, 0x038, 0x3c0, 0};
	switch (filter) {
	case COUNTRY:
		return meeting->countries >> value & 1;
	case COUNTRIES_ALL:
		return (meeting->countries & sets[value]) == sets[value];
	case WORKSTREAM:
		return meeting->workstreams >> value & 1;
	case OBJECTIVE:
		return meeting->objectives >> value & 1;
	case PHASE:
		return meeting->workstreams & phases[value];
	case TOPIC:
		return meeting->topics >> value & 1;
	case KIND:
		return meeting->kind == (int)value;
	case TRACK:
		return meeting->track == (int)value;
	case STATUS:
		return meeting->status == (int)value;
	case DIALOGUE:
		return meeting->dialogue == (int)value;
	case CONTACT:
		return meeting->contacts >> value & 1;
	case ORGANIZATION:
		return of_organization(meeting, value);
	case OWNER:
		return meeting->owner == (int)value;
	case SINCE:
		return meeting->at >= moment(moments[value]);
	case UNTIL:
		return meeting->at < moment(moments[value]);
	default:
		return false;
	}
}

/* A query: up to three filters. */
struct query {
	enum filter filters[3];
	unsigned values[3];
	size_t count;
};

/* The daemon refuses to search from a later moment to an earlier one. */
static bool query_sensible(const struct query *query)
{
	const char *since = NULL, *until = NULL;
	for (size_t i = 0; i < query->count; i++) {
		since = query->filters[i] == SINCE ? moments[query->values[i]] : since;
		until = query->filters[i] == UNTIL ? moments[query->values[i]] : until;
	}
	return !since || !until || moment(since) <= moment(until);
}

/* The ids that the model finds, in the order that is asked for. */
static size_t model_find(const struct query *query, bool oldest, const char **ids)
{
	size_t count = 0;
	for (size_t i = 0; i < MEETINGS; i++) {
		const struct meeting *meeting = &meetings[oldest ? i : MEETINGS - 1 - i];
		bool found = !meeting->voided;
		for (size_t j = 0; j < query->count; j++)
			found = found && passes(meeting, query->filters[j], query->values[j]);
		if (found)
			ids[count++] = meeting->id;
	}
	return count;
}

static json_t *query_params(const struct query *query, bool oldest, json_t *cursor, long limit)
{
	json_t *params = json_object();
	for (size_t i = 0; i < query->count; i++)
		json_object_set_new(params, filters[query->filters[i]].name, filter_value(query->filters[i], query->values[i]));
	if (oldest || pick(2))
		json_object_set_new(params, "order", json_string(oldest ? "oldest" : "newest"));
	json_object_set(params, "cursor", cursor);
	if (limit)
		json_object_set_new(params, "limit", json_integer(limit));
	return params;
}

/* Follows the cursors from page to page; each is full but the last. Returns how many there were. */
static size_t check_query(const struct query *query, bool oldest, long limit)
{
	const char *ids[MEETINGS];
	size_t count = model_find(query, oldest, ids), seen = 0, size = limit ? (size_t)limit : 50;
	json_t *cursor = json_null();
	do {
		json_t *params = query_params(query, oldest, cursor, limit), *card;
		char *text = json_dumps(params, JSON_COMPACT);
		json_t *page = checked_result(&client, "engagement.history", params);
		size_t i, expected = count - seen < size ? count - seen : size;
		if (json_array_size(at(page, "items")) != expected)
			fail_msg("%s: %zu items, not %zu", text, json_array_size(at(page, "items")), expected);
		json_array_foreach(at(page, "items"), i, card) {
			if (strcmp(at_string(card, "id"), ids[seen]) != 0)
				fail_msg("%s: item %zu is %s, not %s", text, i, at_string(card, "id"), ids[seen]);
			assert_string_equal(at_string(card, "title"), ids[seen]);
			seen++;
		}
		json_decref(cursor);
		cursor = json_incref(at(page, "next_cursor"));
		if (json_is_null(cursor) != (seen == count))
			fail_msg("%s: after %zu of %zu the cursor is wrong", text, seen, count);
		json_decref(page);
		free(text);
	} while (!json_is_null(cursor));
	json_decref(cursor);
	return count;
}

static void check_single_filters(void)
{
	check_query(&(struct query){.count = 0}, false, PAGE);
	check_query(&(struct query){.count = 0}, true, PAGE);
	for (unsigned filter = 0; filter < FILTERS; filter++) {
		size_t found = 0;
		for (unsigned value = 0; value < filters[filter].values; value++) {
			struct query query = {.filters = {filter}, .values = {value}, .count = 1};
			found += check_query(&query, false, PAGE);
			check_query(&query, true, PAGE);
		}
		/* The generator leaves no filter without something to find. */
		assert_true(found >= 10);
	}
}

static void test_single_filters(void **state)
{
	(void)state;
	check_single_filters();
}

static void test_page_sizes(void **state)
{
	(void)state;
	for (int oldest = 0; oldest < 2; oldest++) {
		check_query(&(struct query){.count = 0}, oldest, 0);
		check_query(&(struct query){.count = 0}, oldest, 1);
		check_query(&(struct query){.count = 0}, oldest, MEETINGS);
		check_query(&(struct query){.count = 0}, oldest, 500);
		check_query(&(struct query){.filters = {COUNTRY}, .values = {6}, .count = 1}, oldest, 1);
	}
}

static void test_combined_filters(void **state)
{
	size_t found = 0;
	(void)state;
	for (unsigned one = 0; one < FILTERS; one++)
		for (unsigned other = one + 1; other < FILTERS; other++)
			for (unsigned round = 0; round < 4; round++) {
				struct query query = {.filters = {one, other},
				                      .values = {pick(filters[one].values), pick(filters[other].values)},
				                      .count = 2};
				if (query_sensible(&query))
					found += check_query(&query, round % 2, PAGE);
			}
	for (unsigned round = 0; round < 200; round++) {
		struct query query = {.count = 3};
		for (unsigned i = 0, filter = pick(5); i < 3; i++, filter += 1 + pick(4)) {
			query.filters[i] = filter;
			query.values[i] = pick(filters[filter].values);
		}
		if (query_sensible(&query))
			found += check_query(&query, round % 2, PAGE);
	}
	assert_true(found > 1000);
}

static json_t *model_cells(const char *since, const char *until)
{
	json_t *cells = json_array();
	for (unsigned c = 0; c < COUNTRIES; c++)
		for (unsigned w = 0; w < WORKSTREAMS; w++) {
			int bilateral = 0, multilateral = 0;
			const char *last = NULL;
			for (size_t i = 0; i < MEETINGS; i++) {
				const struct meeting *m = &meetings[i];
				/* Without Korea, bit 3. */
				unsigned others = m->countries & ~8u;
				if (m->voided || m->status != 0 || !(m->countries >> c & 1) || !(m->workstreams >> w & 1) ||
				    (since && m->at < seoul_midnight(since)) || (until && m->at >= seoul_midnight(until)))
					continue;
				if (others & (others - 1))
					multilateral++;
				else
					bilateral++;
				last = m->day;
			}
			if (last)
				json_array_append_new(cells, json_pack("{s:s, s:s, s:i, s:i, s:s}", "country", countries[c],
				                                       "workstream", workstreams[w], "bilateral", bilateral,
				                                       "multilateral", multilateral, "last_on", last));
		}
	return cells;
}

/* Where nothing was held with Korea or a counterpart: all of `countries` but Mongolia. */
static json_t *model_gaps(const json_t *cells)
{
	json_t *gaps = json_array(), *cell;
	for (unsigned c = 0; c < COUNTRIES; c++)
		for (unsigned w = 0; w < WORKSTREAMS; w++) {
			bool touched = strcmp(countries[c], "MN") == 0;
			size_t i;
			json_array_foreach(cells, i, cell)
				touched = touched || (strcmp(at_string(cell, "country"), countries[c]) == 0 &&
				                      strcmp(at_string(cell, "workstream"), workstreams[w]) == 0);
			if (!touched)
				json_array_append_new(gaps,
				                      json_pack("{s:s, s:s}", "country", countries[c], "workstream", workstreams[w]));
		}
	return gaps;
}

static void check_coverage(const char *since, const char *until)
{
	json_t *report =
	    checked_result(&client, "report.coverage", json_pack("{s:s?, s:s?}", "since", since, "until", until));
	json_t *cells = model_cells(since, until), *gaps = model_gaps(cells);
	if (!json_equal(at(report, "items"), cells))
		fail_msg("coverage from %s until %s", since ? since : "ever", until ? until : "ever");
	assert_true(json_equal(at(report, "untouched"), gaps));
	json_decref(cells);
	json_decref(gaps);
	json_decref(report);
}

static void check_coverages(void)
{
	check_coverage(NULL, NULL);
	for (size_t i = 0; i < 9; i++) {
		check_coverage(moments[i], NULL);
		check_coverage(NULL, moments[i]);
		for (size_t j = i; j < 9; j++)
			check_coverage(moments[i], moments[j]);
	}
	check_coverage("2099-01-01", NULL);
}

static void test_coverage(void **state)
{
	(void)state;
	check_coverages();
}

/* What was voided leaves lists and counts, and can still be read. */
static void test_voided(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEETINGS; i += 4) {
		char sql[300];
		snprintf(sql, sizeof sql,
		         "UPDATE store.engagement SET voided_at = now(), voided_by = '%.36s', void_reason = 'twice' "
		         "WHERE id = '%.36s' RETURNING 1",
		         owners[0], meetings[i].id);
		assert_int_equal(harness_count(harness, sql), 1);
		meetings[i].voided = true;
	}
	check_single_filters();
	check_coverages();
	json_t *record = checked_result(&client, "engagement.get", json_of("{'id':'%s'}", meetings[0].id));
	assert_string_equal(at_string(record, "void_reason"), "twice");
	json_decref(record);
	/* Nothing new is hung on it. */
	checked_refused(&client, "engagement.log",
	                json_of("{'title':'A','kind':'call','starts_on':'2001-01-01','countries':['KP'],"
	                        "'workstreams':['1.2'],'parent_id':'%s'}",
	                        meetings[0].id),
	                404, "not_found", "parent_id");
	checked_refused(
	    &client, "reminder.create",
	    json_of("{'note':'x','due_at':'2099-01-01T00:00:00Z','about':{'engagement_id':'%s'}}", meetings[0].id), 404,
	    "not_found", "about.engagement_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_single_filters),   cmocka_unit_test(test_page_sizes),
	    cmocka_unit_test(test_combined_filters), cmocka_unit_test(test_coverage),
	    cmocka_unit_test(test_voided),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
