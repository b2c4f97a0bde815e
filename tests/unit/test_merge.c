/* Tests of the merge: each way in which three records may differ, and the patch that makes one of another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/methods.h"
#include "base/arena.h"
#include "cli/merge.h"

static struct arena arena;
static struct registry *registry;
static const struct method *update;

static json_t *json_of(const char *text)
{
	char *copy = arena_strdup(&arena, text);
	for (char *at = copy; *at; at++)
		*at = (char)(*at == '\'' ? '"' : *at);
	json_t *value = json_loads(copy, 0, NULL);
	if (!value)
		fail_msg("no JSON: %s", text);
	return value;
}

static void expect(json_t *found, const char *text)
{
	json_t *wanted = json_of(text);
	if (!json_equal(found, wanted))
		fail_msg("%s, not %s", json_dumps(found, JSON_SORT_KEYS), text);
	json_decref(wanted);
	json_decref(found);
}

static void test_flatten(void **state)
{
	(void)state;
	json_t *record = json_of("{'id':'x','version':3,'title':' T ','track':null,'countries':['KP','US'],'workstreams':"
	                         "[{'code':'1.2','objective':null}],'topics':['a'],'participants':[{'id':'p','name':'N',"
	                         "'role':'host','side':null}],'logged_by':'y','readout':'  '}");
	expect(merge_flatten(update, record),
	       "{'title':'T','track':null,'countries/KP':'KP','countries/US':'US','workstreams/1.2':{'code':'1.2'},"
	       "'topics':['a'],'participants/p':{'id':'p','name':'N','role':'host'},'readout':null}");
	json_decref(record);
	assert_int_equal(merge_list_length("participants/p"), 12);
	assert_int_equal(merge_list_length("title"), 0);
}

static void merge(const char *base, const char *mine, const char *theirs, const char *record, const char *taken,
                  const char *conflicts)
{
	json_t *one = json_of(base), *two = json_of(mine), *three = json_of(theirs);
	struct merged merged;
	merge_three(one, two, three, &merged);
	expect(merged.record, record);
	expect(merged.taken, taken);
	expect(merged.conflicts, conflicts);
	json_decref(one);
	json_decref(two);
	json_decref(three);
}

static void test_three(void **state)
{
	(void)state;
	/* Neither, only I, only they, both alike, both otherwise. */
	merge("{'a':1}", "{'a':1}", "{'a':1}", "{'a':1}", "[]", "[]");
	merge("{'a':1}", "{'a':2}", "{'a':1}", "{'a':2}", "[]", "[]");
	merge("{'a':1}", "{'a':1}", "{'a':2}", "{'a':2}", "['a']", "[]");
	merge("{'a':1}", "{'a':2}", "{'a':2}", "{'a':2}", "[]", "[]");
	merge("{'a':1}", "{'a':2}", "{'a':3}", "{'a':2}", "[]", "['a']");
	/* Null is as good as absent. */
	merge("{'a':null}", "{}", "{'a':null}", "{}", "[]", "[]");
	merge("{'a':1}", "{'a':null}", "{'a':1}", "{'a':null}", "[]", "[]");
	merge("{'a':1}", "{'a':null}", "{'a':3}", "{'a':null}", "[]", "['a']");
	/* Entries come and go. */
	merge("{'l/1':1}", "{'l/1':1,'l/2':2}", "{'l/1':1,'l/3':3}", "{'l/1':1,'l/2':2,'l/3':3}", "['l/3']", "[]");
	merge("{'l/1':1}", "{'l/1':1}", "{}", "{}", "['l/1']", "[]");
	merge("{'l/1':1}", "{}", "{'l/1':1}", "{}", "[]", "[]");
	merge("{'l/1':1}", "{}", "{'l/1':2}", "{}", "[]", "['l/1']");
	merge("{'l/1':1}", "{'l/1':2}", "{}", "{'l/1':2}", "[]", "['l/1']");
	merge("{'l/1':1}", "{}", "{}", "{}", "[]", "[]");
}

static void patch(const char *from, const char *to, const char *wanted)
{
	json_t *one = json_of(from), *two = json_of(to);
	struct err err;
	json_t *found = merge_patch(&arena, update, one, two, &err);
	if (!found)
		fail_msg("%s", err.message);
	expect(found, wanted);
	json_decref(one);
	json_decref(two);
}

static void test_patch(void **state)
{
	(void)state;
	patch("{'title':'T'}", "{'title':'T'}", "{}");
	patch("{'title':'T','track':'2'}", "{'title':'U','track':null}", "{'title':'U','track':null}");
	patch("{'topics':['a']}", "{'topics':[]}", "{'topics':[]}");
	patch("{'topics':['a']}", "{}", "{'topics':[]}");
	patch("{'starts_at':'x'}", "{'starts_at':null,'starts_on':'2020-01-01'}", "{'starts_on':'2020-01-01'}");
	patch("{'countries/KP':'KP'}", "{'countries/US':'US'}", "{'countries_add':['US'],'countries_remove':['KP']}");
	patch("{'workstreams/1.2':{'code':'1.2'}}",
	      "{'workstreams/1.2':{'code':'1.2','contribution':'c'},'workstreams/1.3':{'code':'1.3'}}",
	      "{'workstreams_change':[{'code':'1.2','contribution':'c'}],'workstreams_add':[{'code':'1.3'}]}");
	/* Of an entry only what differs, and what was taken out of it is cleared. */
	patch("{'participants/p':{'id':'p','name':'N','role':'host','side':'KP'},'participants/q':{'id':'q'}}",
	      "{'participants/p':{'id':'p','name':'N','role':'chair'},'participants/+0':{'contact_id':'c','role':'host'}}",
	      "{'participants_change':[{'id':'p','role':'chair','side':null}],'participants_remove':['q'],"
	      "'participants_add':[{'contact_id':'c','role':'host'}]}");
	struct err err;
	json_t *from = json_of("{'title':'T'}"), *to = json_object();
	assert_null(merge_patch(&arena, update, from, to, &err));
	assert_string_equal(err.message, "title cannot be empty");
	json_decref(from);
	json_decref(to);
}

static int setup(void **state)
{
	(void)state;
	registry = api_registry();
	update = registry_find(registry, "engagement.update");
	return update ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	registry_free(registry);
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flatten),
	    cmocka_unit_test(test_three),
	    cmocka_unit_test(test_patch),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
