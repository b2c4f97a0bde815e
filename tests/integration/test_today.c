/* The caller's day: what belongs in each section of report.today and what does not, at the bounds of each. */
#include "single.h"
#include "terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void done(const char *method, json_t *params)
{
	json_decref(call(method, params));
}

static long count_of(const char *section, json_t *params)
{
	json_t *today = call("report.today", params);
	json_t *found = at(today, section);
	long count = at_integer(found, "count");
	assert_int_equal(json_array_size(at(found, "items")), count < 50 ? count : 50);
	json_decref(today);
	return count;
}

static void expect(const char *section, long wanted)
{
	long count = count_of(section, NULL);
	if (count != wanted)
		fail_msg("%s holds %ld, not %ld", section, count, wanted);
}

static char *planned(int day, const char *status)
{
	return made("engagement.log", json_of("{'title':'%s %+d','kind':'meeting','starts_on':'%s','status':'%s',"
	                                      "'countries':['CN'],'workstreams':['1.3']}",
	                                      status, day, terminal_day(day), status));
}

static void test_events(void **state)
{
	(void)state;
	expect("today", 0);
	expect("next", 0);
	free(planned(-1, "planned"));
	free(planned(-1, "held"));
	free(planned(0, "tentative"));
	free(planned(0, "cancelled"));
	free(planned(1, "planned"));
	free(planned(7, "planned"));
	free(planned(8, "planned"));
	expect("readouts", 1);
	expect("today", 1);
	expect("next", 2);
	assert_int_equal(count_of("next", json_of("{'days':1}")), 1);
	assert_int_equal(count_of("next", json_of("{'days':6}")), 1);
	assert_int_equal(count_of("next", json_of("{'days':8}")), 3);
	char *void_one = planned(2, "planned");
	expect("next", 3);
	done("engagement.void", json_of("{'id':'%s','version':1,'reason':'no'}", void_one));
	expect("next", 2);
	free(void_one);
}

static void test_commitments(void **state)
{
	(void)state;
	static const int days[] = {-1, 0, 1};
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		done("commitment.create",
		     json_of("{'by':'KP','to':'KR','text':'theirs','due_on':'%s'}", terminal_day(days[i])));
		done("commitment.create", json_of("{'by':'KR','to':'KP','text':'ours','due_on':'%s'}", terminal_day(days[i])));
	}
	done("commitment.create", json_of("{'by':'KP','text':'without a day'}"));
	expect("they_owe", 1);
	expect("we_owe", 1);
	json_t *today = call("report.today", NULL);
	assert_int_equal(at_integer(today, "they_owe.items.0.days"), 1);
	assert_string_equal(at_string(today, "they_owe.items.0.by.country"), "KP");
	json_decref(today);
}

static void test_reminders(void **state)
{
	(void)state;
	long before = count_of("reminders", NULL);
	done("reminder.create", json_of("{'note':'early','due_at':'%sT00:00:00+09:00'}", terminal_day(0)));
	done("reminder.create", json_of("{'note':'late','due_at':'%sT23:59:59+09:00'}", terminal_day(0)));
	done("reminder.create", json_of("{'note':'tomorrow','due_at':'%sT00:00:00+09:00'}", terminal_day(1)));
	expect("reminders", before + 2);
	json_t *today = call("report.today", NULL), *item;
	size_t i;
	json_array_foreach(at(today, "reminders.items"), i, item) {
		if (strcmp(at_string(item, "note"), "early") == 0)
			assert_true(json_is_true(at(item, "overdue")));
		if (strcmp(at_string(item, "note"), "late") == 0)
			assert_true(json_is_false(at(item, "overdue")));
	}
	json_decref(today);
}

/* The first fifty, and how many there are. */
static void test_many(void **state)
{
	(void)state;
	for (int i = 0; i < 51; i++)
		free(planned(3, "planned"));
	expect("next", 53);
}

static void test_neglected(void **state)
{
	(void)state;
	expect("neglected", 0);
	char *wang =
	    made("contact.create", json_of("{'name':'왕이','country':'CN','cadence':{'ideal':'P30D','maximum':'P60D'}}"));
	static const struct {
		int day;
		long count;
		const char *beyond;
	} meetings[] = {{-61, 1, "maximum"}, {-31, 1, "ideal"}, {-29, 0, NULL}};
	for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
		done("engagement.log", json_of("{'title':'met','kind':'call','starts_on':'%s','countries':['CN'],'workstreams':"
		                               "['1.3'],'participants':[{'contact_id':'%s'}]}",
		                               terminal_day(meetings[i].day), wang));
		expect("neglected", meetings[i].count);
		json_t *today = call("report.today", NULL);
		if (meetings[i].beyond)
			assert_string_equal(at_string(today, "neglected.items.0.beyond"), meetings[i].beyond);
		json_decref(today);
	}
	free(wang);
}

static int setup(void **state)
{
	terminal_avoid_midnight();
	return single_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_events), cmocka_unit_test(test_commitments),
	                                   cmocka_unit_test(test_reminders), cmocka_unit_test(test_many),
	                                   cmocka_unit_test(test_neglected)};
	return cmocka_run_group_tests(tests, setup, single_teardown);
}
