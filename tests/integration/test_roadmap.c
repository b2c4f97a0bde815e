/* The roadmap's reports and its revision: progress, coverage, neglect and activity against a model that knows only what
 * was logged and what each revision said, before and after each of four versions; links, old codes and old versions
 * stand. */
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
	MEETINGS = 70,
	MORE = 15,
	COUNTRIES = 7,
	CODES = 14,
	SECTORS = 3,
	TOPICS = 3,
	KINDS = 3,
	TRACKS = 3,
	DAYS = 8,
	GROUPS = 6
};
enum { KNOWN_MS = 10000 };

static const char *const countries[COUNTRIES] = {"CN", "JP", "KP", "KR", "MN", "RU", "US"};
/* In the roadmap's order; the first ten and 1.4, 2.4, 3.5 and 4.1 as revisions bring them. */
static const char *const codes[CODES] = {"1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "2.3",
                                         "2.4", "3.1", "3.2", "3.3", "3.4", "3.5", "4.1"};
enum { C13 = 2, C14 = 3, C23 = 6, C24 = 7, C35 = 12, C41 = 13 };
static const char *const sectors[SECTORS] = {"government", "media", NULL};
static const char *const topics[TOPICS] = {"rail", "relief", "reunions"};
static const char *const kinds[KINDS] = {"meeting", "call", "visit"};
static const char *const tracks[TRACKS] = {"1", "1.5", NULL};
static const long ages[DAYS] = {5, 20, 40, 80, 120, 200, 400, 800};

struct meeting {
	char id[40];
	unsigned countries, codes, sectors, topics;
	size_t kind, track, day;
	long open;
	bool counts, dialogue; /* held and not void; of the dialogue */
};

static struct meeting meetings[MEETINGS + 3 * MORE];
static size_t meeting_count;
static char days[DAYS][11], contacts[SECTORS][40], dialogue_id[40];
static unsigned now_of[CODES]; /* which codes in force each code stands for */
static long version = 1;

/* xorshift32 */
static unsigned pick(unsigned below)
{
	static uint32_t state = 20270101;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static bool in_force(size_t code)
{
	return now_of[code] == 1U << code;
}

/* The codes in force that a meeting counts for. */
static unsigned counted(const struct meeting *meeting)
{
	unsigned codes_now = 0;
	for (size_t c = 0; c < CODES; c++)
		if (meeting->codes & 1U << c)
			codes_now |= now_of[c];
	return codes_now;
}

static json_t *names_of(const char *const *names, size_t count, unsigned mask)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		if (mask & 1U << i)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

/* Logs one, of codes of the mask. */
static void log_meeting(unsigned allowed)
{
	struct meeting *meeting = &meetings[meeting_count++];
	json_t *people = json_array(), *promises = json_array(), *params, *record;
	*meeting = (struct meeting){.countries = 1 + pick((1U << COUNTRIES) - 1),
	                            .sectors = pick(1U << SECTORS),
	                            .topics = pick(1U << TOPICS),
	                            .kind = pick(KINDS),
	                            .track = pick(TRACKS),
	                            .day = pick(DAYS),
	                            .open = pick(3),
	                            .counts = pick(6) != 0,
	                            .dialogue = pick(5) == 0};
	while (!(meeting->codes & allowed))
		meeting->codes = (1U << pick(CODES)) | (1U << pick(CODES));
	meeting->codes &= allowed;
	for (size_t i = 0; i < SECTORS; i++)
		if (meeting->sectors & 1U << i)
			json_array_append_new(people, json_of("{'contact_id':'%s'}", contacts[i]));
	for (long i = 0; i < meeting->open; i++)
		json_array_append_new(promises, json_of("{'by':'KP','text':'t'}"));
	params = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "title", "M", "kind", kinds[meeting->kind],
	                   "starts_on", days[meeting->day], "countries", names_of(countries, COUNTRIES, meeting->countries),
	                   "workstreams", names_of(codes, CODES, meeting->codes), "topics",
	                   names_of(topics, TOPICS, meeting->topics), "participants", people, "commitments", promises);
	if (tracks[meeting->track])
		json_object_set_new(params, "track", json_string(tracks[meeting->track]));
	if (meeting->dialogue)
		json_object_set_new(params, "dialogue_id", json_string(dialogue_id));
	bool voided = !meeting->counts && pick(2);
	if (!meeting->counts && !voided)
		json_object_set_new(params, "status", json_string("cancelled"));
	record = call("engagement.log", params);
	snprintf(meeting->id, sizeof meeting->id, "%s", at_string(record, "id"));
	if (voided)
		json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", meeting->id)));
	/* A promise that was kept is open no more. */
	if (meeting->open == 2) {
		json_decref(call("commitment.update", json_of("{'id':'%s','version':1,'status':'fulfilled'}",
		                                              at_string(record, "commitments.0.id"))));
		meeting->open = 1;
	}
	json_decref(record);
}

static int group_setup(void **state)
{
	harness_group_setup(state);
	harness = *state;
	client_open(&client, harness);
	for (size_t i = 0; i < DAYS; i++) {
		time_t then = time(NULL) + 9L * 3600 - ages[i] * 86400;
		struct tm tm;
		gmtime_r(&then, &tm);
		strftime(days[i], sizeof days[i], "%Y-%m-%d", &tm);
	}
	for (size_t i = 0; i < SECTORS; i++) {
		json_t *params = json_of("{'name':'Of sector %zu','country':'KP'}", i);
		if (sectors[i])
			json_object_set_new(params, "sector", json_string(sectors[i]));
		json_t *record = call("contact.create", params);
		snprintf(contacts[i], sizeof contacts[i], "%s", at_string(record, "id"));
		json_decref(record);
	}
	json_t *record = call("dialogue.create", json_of("{'title':'D','countries':['KP'],'workstreams':['2.3']}"));
	snprintf(dialogue_id, sizeof dialogue_id, "%s", at_string(record, "id"));
	json_decref(record);
	json_decref(call("dialogue.create", json_of("{'title':'Never','countries':['KP'],'workstreams':['1.1']}")));
	json_decref(call("dialogue.create",
	                 json_of("{'title':'Over','countries':['KP'],'workstreams':['1.1'],'status':'concluded'}")));
	for (size_t c = 0; c < CODES; c++)
		now_of[c] = c == C14 || c == C24 || c == C35 || c == C41 ? 0 : 1U << c;
	unsigned allowed = 0;
	for (size_t c = 0; c < CODES; c++)
		allowed |= now_of[c];
	for (size_t i = 0; i < MEETINGS; i++)
		log_meeting(allowed);
	return 0;
}

static int group_teardown(void **state)
{
	client_close(&client);
	return harness_group_teardown(state);
}

static void same(const char *what, json_t *found, json_t *expected)
{
	if (!json_equal(found, expected))
		fail_msg("version %ld, %s: %s\nnot %s", version, what, json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS),
		         json_dumps(expected, JSON_COMPACT | JSON_SORT_KEYS));
	json_decref(expected);
}

/* Of the meetings with a country (any for COUNTRIES) that count for a code: how many, and the last one's day. */
static json_t *last_day(size_t country, size_t code, long *bilateral, long *multilateral, long *open)
{
	size_t last = DAYS;
	*bilateral = *multilateral = *open = 0;
	for (size_t i = 0; i < meeting_count; i++) {
		const struct meeting *m = &meetings[i];
		if (!m->counts || !(counted(m) & 1U << code) || (country < COUNTRIES && !(m->countries & 1U << country)))
			continue;
		unsigned foreign = m->countries & ~(1U << 3);
		*(foreign & (foreign - 1) ? multilateral : bilateral) += 1;
		*open += m->open;
		last = m->day < last ? m->day : last;
	}
	return last < DAYS ? json_string(days[last]) : json_null();
}

static void check_progress(void)
{
	json_t *progress = call("roadmap.progress", NULL), *item;
	size_t place = 0;
	assert_int_equal(at_integer(progress, "version"), version);
	for (size_t c = 0; c < CODES; c++) {
		long bilateral, multilateral, open;
		if (!in_force(c))
			continue;
		json_t *last = last_day(COUNTRIES, c, &bilateral, &multilateral, &open);
		item = json_array_get(at(progress, "items"), place++);
		assert_string_equal(at_string(item, "code"), codes[c]);
		assert_int_equal(at_integer(item, "engagements"), bilateral + multilateral);
		assert_int_equal(at_integer(item, "open_commitments"), open);
		same("last_on", at(item, "last_on"), last);
	}
	assert_int_equal(json_array_size(at(progress, "items")), place);
	json_decref(progress);
}

static void check_coverage(void)
{
	json_t *coverage = call("report.coverage", NULL), *cells = json_array(), *untouched = json_array();
	for (size_t country = 0; country < COUNTRIES; country++) {
		for (size_t c = 0; c < CODES; c++) {
			long bilateral, multilateral, open;
			json_t *last = last_day(country, c, &bilateral, &multilateral, &open);
			if (!in_force(c)) {
				assert_true(json_is_null(last));
			} else if (json_is_null(last)) {
				if (country != 4)
					json_array_append_new(
					    untouched, json_pack("{s:s, s:s}", "country", countries[country], "workstream", codes[c]));
			} else {
				json_array_append_new(cells, json_pack("{s:s, s:s, s:I, s:I, s:O}", "country", countries[country],
				                                       "workstream", codes[c], "bilateral", (json_int_t)bilateral,
				                                       "multilateral", (json_int_t)multilateral, "last_on", last));
			}
			json_decref(last);
		}
	}
	same("coverage", at(coverage, "items"), cells);
	same("untouched", at(coverage, "untouched"), untouched);
	json_decref(coverage);
}

/* Whole days since a day began in Seoul; `items` were asked for between two moments. */
static void check_days(const json_t *item, time_t before, time_t after)
{
	struct tm tm = {0};
	const char *day = json_string_value(at(item, "last_on"));
	if (!day) {
		assert_true(json_is_null(at(item, "days")));
		return;
	}
	tm.tm_year = (int)strtol(day, NULL, 10) - 1900;
	tm.tm_mon = (int)strtol(day + 5, NULL, 10) - 1;
	tm.tm_mday = (int)strtol(day + 8, NULL, 10);
	time_t then = timegm(&tm) - 9L * 3600;
	assert_in_range(at_integer(item, "days"), (before - then) / 86400, (after + 1 - then) / 86400);
}

static void check_neglected(size_t age)
{
	long span = ages[age] + 3;
	time_t before = time(NULL);
	json_t *neglected = call("report.neglected", json_of("{'days':%ld}", span)), *items = at(neglected, "items"), *item;
	time_t after = time(NULL);
	size_t expected = 0, i;
	const char *earlier = "";
	for (size_t country = 0; country < COUNTRIES; country++)
		for (size_t c = 0; c < CODES; c++) {
			long bilateral, multilateral, open;
			json_t *last = last_day(country, c, &bilateral, &multilateral, &open);
			const char *day = json_string_value(last);
			bool found = false;
			if (in_force(c) && country != 4 && (!day || strcmp(day, days[age]) < 0)) {
				expected++;
				json_array_foreach(items, i, item)
					found = found || (strcmp(at_string(item, "country"), countries[country]) == 0 &&
					                  strcmp(at_string(item, "workstream"), codes[c]) == 0 &&
					                  json_equal(at(item, "last_on"), last));
				assert_true(found);
			}
			json_decref(last);
		}
	assert_int_equal(json_array_size(items), expected);
	/* The longest first. */
	json_array_foreach(items, i, item) {
		const char *day = json_string_value(at(item, "last_on"));
		assert_true(strcmp(day ? day : "", earlier) >= 0);
		earlier = day ? day : "";
		check_days(item, before, after);
	}
	size_t last = DAYS;
	for (i = 0; i < meeting_count; i++)
		if (meetings[i].counts && meetings[i].dialogue && meetings[i].day < last)
			last = meetings[i].day;
	items = at(neglected, "dialogues");
	assert_string_equal(at_string(items, "0.title"), "Never");
	assert_int_equal(json_array_size(items), last > age ? 2 : 1);
	json_array_foreach(items, i, item)
		check_days(item, before, after);
	json_decref(neglected);
}

static const char *const groups[GROUPS] = {"month", "country", "kind", "track", "topic", "sector"};

/* How a group looks at a meeting: its names and which of them; track NULL is a value, a sector NULL is none. */
static unsigned values_of(const struct meeting *m, size_t group, char names[8][16])
{
	unsigned mask = 0;
	for (size_t i = 0; i < 8; i++)
		*names[i] = '\0';
	for (size_t i = 0; i < COUNTRIES; i++)
		snprintf(names[i], 16, "%s", group == 1 ? countries[i] : "");
	switch (group) {
	case 0:
		snprintf(names[0], 16, "%.7s", days[m->day]);
		return 1;
	case 1:
		return m->countries;
	case 2:
		snprintf(names[0], 16, "%s", kinds[m->kind]);
		return 1;
	case 3:
		snprintf(names[0], 16, "%s", tracks[m->track] ? tracks[m->track] : "null");
		return 1;
	case 4:
		for (size_t i = 0; i < TOPICS; i++)
			snprintf(names[i], 16, "%s", topics[i]);
		return m->topics;
	default:
		for (size_t i = 0; i + 1 < SECTORS; i++) {
			snprintf(names[i], 16, "%s", sectors[i]);
			mask |= m->sectors & 1U << i;
		}
		return mask;
	}
}

/* By one group, or by two. `country` and `code` may be out of range for any; days from `until` to `since`, ages. */
static void check_activity(size_t one, size_t two, size_t country, size_t code, size_t since, size_t until)
{
	json_t *wanted = json_object(), *params = json_pack("{s:[s]}", "group_by", groups[one]), *found, *item;
	size_t i;
	if (two != one)
		json_array_append_new(at(params, "group_by"), json_string(groups[two]));
	if (country < COUNTRIES)
		json_object_set_new(params, "country", json_string(countries[country]));
	if (code < CODES)
		json_object_set_new(params, "workstream", json_string(codes[code]));
	if (since < DAYS)
		json_object_set_new(params, "since", json_string(days[since]));
	if (until < DAYS)
		json_object_set_new(params, "until", json_string(days[until]));
	for (i = 0; i < meeting_count; i++) {
		const struct meeting *m = &meetings[i];
		char names[8][16], others[8][16], key[40];
		if (!m->counts || (country < COUNTRIES && !(m->countries & 1U << country)) ||
		    (code < CODES && !(counted(m) & 1U << code)) || (since < DAYS && m->day > since) ||
		    (until < DAYS && m->day <= until))
			continue;
		unsigned first = values_of(m, one, names), second = two == one ? 1 : values_of(m, two, others);
		for (size_t a = 0; a < 8; a++)
			for (size_t b = 0; b < 8; b++) {
				if (!(first & 1U << a) || !(second & 1U << b))
					continue;
				snprintf(key, sizeof key, "%s/%s", names[a], two == one ? "" : others[b]);
				json_object_set_new(wanted, key, json_integer(json_integer_value(json_object_get(wanted, key)) + 1));
			}
	}
	found = call("report.activity", params);
	json_array_foreach(at(found, "items"), i, item) {
		const char *a = json_string_value(at(item, groups[one])), *b = json_string_value(at(item, groups[two]));
		char key[40];
		snprintf(key, sizeof key, "%s/%s", a ? a : "null", two == one ? "" : b ? b : "null");
		assert_int_equal(at_integer(item, "count"), json_integer_value(json_object_get(wanted, key)));
		assert_int_equal(json_object_size(item), two == one ? 2 : 3);
	}
	assert_int_equal(json_array_size(at(found, "items")), json_object_size(wanted));
	json_decref(found);
	json_decref(wanted);
}

static void check_reports(void)
{
	check_progress();
	check_coverage();
	for (size_t age = 0; age < DAYS; age++)
		check_neglected(age);
	for (size_t one = 0; one < GROUPS; one++)
		for (size_t two = 0; two < GROUPS; two++)
			check_activity(one, two, COUNTRIES, CODES, DAYS, DAYS);
	for (size_t code = 0; code < CODES; code++)
		if (now_of[code])
			check_activity(1, 2, code % (COUNTRIES + 1), code, DAYS, DAYS);
	for (size_t i = 0; i < DAYS; i++)
		check_activity(2, 0, COUNTRIES, CODES, i, i > 2 ? i - 2 : DAYS);
}

static json_t *revise(json_t *params)
{
	json_object_set_new(params, "based_on", json_integer(version));
	json_t *roadmap = call("roadmap.revise", params);
	assert_int_equal(at_integer(roadmap, "version"), ++version);
	return roadmap;
}

/* The ids of engagement.history with these params, in order. */
static json_t *ids_of(json_t *params)
{
	json_t *page, *item, *ids = json_array();
	size_t i;
	json_object_set_new(params, "limit", json_integer(500));
	page = call("engagement.history", params);
	json_array_foreach(at(page, "items"), i, item)
		json_array_append(ids, at(item, "id"));
	json_decref(page);
	return ids;
}

/* Logging with a code that has gone is refused, and the message names what stands for it. */
static void check_retired(const char *code, const char *successors)
{
	static const char *const tries[][2] = {
	    {"engagement.log",
	     "{'title':'t','kind':'call','starts_on':'2020-01-01','countries':['KP'],'workstreams':['1.1','%s']}"},
	    {"dialogue.create", "{'title':'t','countries':['KP'],'workstreams':['%s']}"}};
	long rows = checked_rows(harness);
	for (size_t i = 0; i < 2; i++) {
		char text[200];
		const char *hole = strstr(tries[i][1], "%s");
		snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - tries[i][1]), tries[i][1], code, hole + 2);
		json_t *error = checked_error(&client, tries[i][0], json_of("%s", text), 422, "rule");
		assert_string_equal(at_string(error, "data.rule"), "workstream_retired");
		assert_string_equal(at_string(error, "data.field"), "workstreams");
		const char *named = strstr(at_string(error, "message"), "; use ");
		assert_non_null(named);
		assert_string_equal(named + strlen("; use "), successors);
		json_decref(error);
	}
	assert_int_equal(checked_rows(harness), rows);
}

static void log_more(void)
{
	unsigned allowed = 0;
	for (size_t c = 0; c < CODES; c++)
		allowed |= in_force(c) ? 1U << c : 0;
	for (size_t i = 0; i < MORE; i++)
		log_meeting(allowed);
}

static json_t *first_roadmap;

static void test_reports(void **state)
{
	(void)state;
	first_roadmap = call("roadmap.get", json_of("{'version':1}"));
	json_t *latest = call("roadmap.get", NULL);
	same("latest", latest, json_incref(first_roadmap));
	json_decref(latest);
	check_reports();
	/* What was measured stands beside, the latest day first, whenever it was recorded. */
	for (int i = 0; i < 3; i++)
		json_decref(call("indicator.record",
		                 json_of("{'indicator':'1.1/support','value':%d.5,'as_of':'2020-0%d-01','source':'s'}", 40 + i,
		                         (i + 1) % 3 + 1)));
	json_t *progress = call("roadmap.progress", NULL);
	assert_string_equal(at_string(progress, "items.0.indicators.0.latest.as_of"), "2020-03-01");
	assert_true(json_number_value(at(progress, "items.0.indicators.0.latest.value")) > 41.4);
	assert_true(json_number_value(at(progress, "items.0.indicators.0.target")) > 59.9);
	json_decref(progress);
}

static void check_refused_revision(const char *text, int code, const char *data_code, const char *rule)
{
	json_t *before = call("roadmap.get", NULL), *params = json_of("%s", text), *after, *error;
	long rows = checked_rows(harness);
	if (!json_object_get(params, "based_on"))
		json_object_set_new(params, "based_on", json_integer(version));
	error = checked_error(&client, "roadmap.revise", params, code, data_code);
	if (rule && strcmp(rule, at_string(error, strcmp(data_code, "rule") == 0 ? "data.rule" : "data.field")) != 0)
		fail_msg("%s, not %s", json_dumps(error, JSON_COMPACT), rule);
	after = call("roadmap.get", NULL);
	same("after a refusal", after, before);
	assert_int_equal(checked_rows(harness), rows);
	json_decref(after);
	json_decref(error);
}

#define NEW(code, phase) "{'workstream':'" code "','in_phase':" phase ",'title':'T','title_ko':'제목'}"
#define GONE(code) "{'workstream':'" code "','retire':true}"
#define STEP(one, two) "{'from':'" one "','to':'" two "'}"

static void test_refusals(void **state)
{
	(void)state;
	check_refused_revision("{'changes':[" GONE("2.3") "]}", 422, "rule", "crosswalk_missing");
	check_refused_revision("{'changes':[" GONE("2.3") "],'crosswalk':[" STEP("2.3", "3.5") "]}", 422, "rule",
	                       "crosswalk");
	check_refused_revision("{'changes':[" GONE("2.3") "],'crosswalk':[" STEP("2.3", "2.3") "]}", 422, "rule",
	                       "crosswalk");
	check_refused_revision(
	    "{'changes':[" GONE("2.3") "," GONE("2.2") "],'crosswalk':[" STEP("2.3", "2.2") "," STEP("2.2", "2.1") "]}",
	    422, "rule", "crosswalk");
	check_refused_revision("{'changes':[" NEW("3.5", "3") "],'crosswalk':[" STEP("2.3", "3.5") "]}", 422, "rule",
	                       "crosswalk");
	check_refused_revision("{'changes':[" GONE("9.9") "],'crosswalk':[" STEP("9.9", "1.1") "]}", 404, "not_found",
	                       "changes[0]");
	check_refused_revision("{'changes':[{'objective':'1.1.99','retire':true}]}", 404, "not_found", "changes[0]");
	check_refused_revision(
	    "{'changes':[{'workstream':'1.1','title':'x'},{'workstream':'3.5','in_phase':3,'title':'T'}]}", 422, "rule",
	    "new_needs_all");
	check_refused_revision("{'changes':[{'workstream':'3.5','title':'T','title_ko':'제목'}]}", 422, "rule",
	                       "new_needs_all");
	check_refused_revision("{'changes':[{'phase':4,'title':'T','title_ko':'제목'}]}", 422, "rule", "new_needs_all");
	check_refused_revision("{'changes':[{'objective':'1.1.99','text':'T'}]}", 422, "rule", "new_needs_all");
	check_refused_revision("{'changes':[{'objective':'9.9.1','text':'T','text_ko':'가'}]}", 404, "not_found",
	                       "changes[0].objective");
	check_refused_revision(
	    "{'changes':[" GONE("2.3") ",{'objective':'2.3.99','text':'T','text_ko':'가'}],'crosswalk':[" STEP("2.3",
	                                                                                                       "2.2") "]}",
	    404, "not_found", "changes[1].objective");
	check_refused_revision("{'changes':[" NEW("3.5", "9") "]}", 404, "not_found", "changes[0].in_phase");
	check_refused_revision("{'changes':[{'workstream':'1.1','in_phase':9}]}", 404, "not_found", "changes[0].in_phase");
	check_refused_revision("{'changes':[{'workstream':'1.1','title':'x'},{'workstream':'1.1','title':'y'}]}", -32602,
	                       "invalid_params", "changes[1]");
	check_refused_revision("{'based_on':2,'changes':[{'workstream':'1.1','title':'x'}]}", 409, "stale_version", NULL);
}

/* 2.3 becomes 3.5: what was 2.3's is 3.5's, and nothing else is otherwise. */
static void test_move(void **state)
{
	json_t *old_ids = ids_of(json_of("{'workstream':'2.3'}")), *phase_two = ids_of(json_of("{'phase':2}")),
	       *old_progress = call("roadmap.progress", NULL), *progress, *item, *kept = NULL, *now;
	const char *id = json_string_value(json_array_get(old_ids, 0));
	size_t i;
	(void)state;
	kept = call("engagement.get", json_of("{'id':'%s'}", id));
	json_t *roadmap = revise(json_of("{'changes':[" GONE("2.3") "," NEW(
	    "3.5", "3") ",{'objective':'3.5.1','text':'O','text_ko':'오'}],"
	                "'crosswalk':[" STEP("2.3", "3.5") "],'adopted_on':'2027-01-01','note':'Closer to home'}"));
	assert_string_equal(at_string(roadmap, "phases.2.workstreams.4.code"), "3.5");
	assert_string_equal(at_string(roadmap, "phases.2.workstreams.4.objectives.0.code"), "3.5.1");
	assert_int_equal(json_array_size(at(roadmap, "phases.1.workstreams")), 2);
	now_of[C23] = now_of[C35] = 1U << C35;
	check_reports();
	progress = call("roadmap.progress", NULL);
	json_array_foreach(at(progress, "items"), i, item) {
		size_t before = strcmp(at_string(item, "code"), "3.5") == 0 ? 5 : i >= 5 ? i + 1 : i;
		json_t *was = json_array_get(at(old_progress, "items"), before);
		assert_int_equal(at_integer(item, "engagements"), at_integer(was, "engagements"));
		assert_true(json_equal(at(item, "last_on"), at(was, "last_on")));
	}
	/* Links stand, and are found by the code they bear, and under the phase that they count for. */
	now = call("engagement.get", json_of("{'id':'%s'}", id));
	same("an engagement", now, kept);
	json_t *ids = ids_of(json_of("{'workstream':'2.3'}")), *moved = ids_of(json_of("{'phase':3}"));
	same("history by the old code", ids, json_incref(old_ids));
	json_array_foreach(old_ids, i, item) {
		bool found = false;
		size_t k;
		json_t *other;
		json_array_foreach(moved, k, other)
			found = found || json_equal(item, other);
		assert_true(found);
	}
	json_t *left = ids_of(json_of("{'phase':2}"));
	assert_true(json_array_size(left) < json_array_size(phase_two));
	check_retired("2.3", "3.5");
	log_more();
	check_reports();
	json_decref(left), json_decref(ids), json_decref(moved), json_decref(now), json_decref(old_ids),
	    json_decref(phase_two);
	json_decref(old_progress), json_decref(progress), json_decref(roadmap);
}

/* 1.3 becomes 1.4 and 2.4: what was its own counts for both, once each. */
static void test_split(void **state)
{
	(void)state;
	json_decref(revise(json_of("{'changes':[" NEW("1.4", "1") "," NEW("2.4", "2") "," GONE(
	    "1.3") "],'crosswalk':[" STEP("1.3", "1.4") "," STEP("1.3", "2.4") "]}")));
	now_of[C14] = 1U << C14, now_of[C24] = 1U << C24;
	now_of[C13] = now_of[C14] | now_of[C24];
	check_reports();
	check_retired("1.3", "1.4 or 2.4");
	check_retired("2.3", "3.5");
	log_more();
	check_reports();
}

/* 3.5 goes to a new phase and 2.4 into 1.4: older crosswalks lead on. */
static void test_chain(void **state)
{
	(void)state;
	json_t *roadmap = revise(json_of(
	    "{'changes':[{'phase':4,'title':'Four','title_ko':'넷','estimate_years':{'min':5}}," NEW("4.1", "4") "," GONE(
	        "3.5") "," GONE("2.4") "],'crosswalk':[" STEP("3.5", "4.1") "," STEP("2.4", "1.4") "]}"));
	assert_true(json_is_null(at(roadmap, "phases.3.estimate_years.max")));
	json_decref(roadmap);
	now_of[C23] = now_of[C35] = now_of[C41] = 1U << C41;
	now_of[C13] = now_of[C24] = 1U << C14;
	check_reports();
	check_retired("2.3", "4.1");
	check_retired("1.3", "1.4");
	log_more();
	check_reports();
}

/* A code that is no more is no one's again; nor is one of an objective. */
static void test_never_again(void **state)
{
	struct client other;
	(void)state;
	check_refused_revision("{'changes':[" NEW("2.3", "2") "]}", 422, "rule", "code_reused");
	check_refused_revision("{'changes':[" NEW("3.5", "3") "]}", 422, "rule", "code_reused");
	check_refused_revision("{'changes':[{'objective':'2.3.1','text':'T','text_ko':'가'}]}", 422, "rule", "code_reused");
	check_refused_revision("{'based_on':1,'changes':[{'workstream':'1.1','title':'x'}]}", 409, "stale_version", NULL);
	/* Of two revisions of one version, one stands. */
	client_open(&other, harness);
	for (int round = 0; round < 10; round++) {
		char text[300];
		snprintf(text, sizeof text,
		         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roadmap.revise\",\"params\":{\"based_on\":%ld,"
		         "\"changes\":[{\"workstream\":\"1.1\",\"title\":\"Round %d\"}]}}",
		         version, round);
		assert_true(client_send_line(&client, text) && client_send_line(&other, text));
		json_t *one = client_read(&client, KNOWN_MS), *two = client_read(&other, KNOWN_MS);
		json_t *lost = at(one, "result") ? two : one;
		assert_int_equal(at_integer(at(one, "result") ? one : two, "result.version"), ++version);
		assert_string_equal(at_string(lost, "error.data.code"), "stale_version");
		json_decref(one), json_decref(two);
	}
	client_close(&other);
	/* An objective goes; a phase loses all its workstreams and keeps its place. */
	json_t *roadmap =
	    revise(json_of("{'changes':[{'objective':'1.1.1','retire':true},{'workstream':'4.1','in_phase':3},"
	                   "{'phase':1,'title':'One','estimate_years':{'min':1,'max':2}}]}"));
	assert_string_equal(at_string(roadmap, "phases.0.title"), "One");
	assert_string_equal(at_string(roadmap, "phases.0.title_ko"), at_string(first_roadmap, "phases.0.title_ko"));
	assert_string_equal(at_string(roadmap, "phases.0.workstreams.0.title"), "Round 9");
	assert_string_equal(at_string(roadmap, "phases.0.workstreams.0.objectives.0.code"), "1.1.2");
	assert_int_equal(json_array_size(at(roadmap, "phases.3.workstreams")), 0);
	check_refused_revision("{'changes':[{'objective':'1.1.1','text':'T','text_ko':'가'}]}", 422, "rule", "code_reused");
	check_reports();
	json_decref(roadmap);
	/* And the first one says what it always said. */
	json_t *first = call("roadmap.get", json_of("{'version':1}"));
	same("version 1", first, first_roadmap);
	json_decref(first);
	client_expect_error(&client, "roadmap.get", json_of("{'version':%ld}", version + 1), 404, "not_found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reports), cmocka_unit_test(test_refusals), cmocka_unit_test(test_move),
	    cmocka_unit_test(test_split),   cmocka_unit_test(test_chain),    cmocka_unit_test(test_never_again),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
