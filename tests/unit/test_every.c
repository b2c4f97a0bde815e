/* Tests of every: plain recurrences in words, and what they mean. */
#include "text/every.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/recurrence.h"

static void test_words(void **state)
{
	static const struct {
		const char *words, *rule; /* NULL: not understood */
	} examples[] = {
	    {"month", "FREQ=MONTHLY"},
	    {"Month", "FREQ=MONTHLY"},
	    {" 1 month", "FREQ=MONTHLY"},
	    {"2 weeks", "FREQ=WEEKLY;INTERVAL=2"},
	    {"2주", "FREQ=WEEKLY;INTERVAL=2"},
	    {"달", "FREQ=MONTHLY"},
	    {"6 개월", "FREQ=MONTHLY;INTERVAL=6"},
	    {"quarter", "FREQ=MONTHLY;INTERVAL=3"},
	    {"2 quarters", "FREQ=MONTHLY;INTERVAL=6"},
	    {"999 days", "FREQ=DAILY;INTERVAL=999"},
	    {"1000 days", NULL},
	    {"0 days", NULL},
	    {"-1 days", NULL},
	    {"weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
	    {"2 weekday", NULL},
	    {"monday", "FREQ=WEEKLY;BYDAY=MO"},
	    {"Monday, thursday", "FREQ=WEEKLY;BYDAY=MO,TH"},
	    {"월요일", "FREQ=WEEKLY;BYDAY=MO"},
	    {"평일", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
	    {"monday,fortnight", NULL},
	    {"fortnight", NULL},
	    {"", NULL},
	    {" , ", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct arena arena = {0};
		struct err err;
		const char *rule = NULL, *canonical;
		bool understood = every_read(&arena, examples[i].words, &rule, &err);
		assert_int_equal(understood, examples[i].rule != NULL);
		if (understood) {
			assert_string_equal(rule, examples[i].rule);
			assert_true(recurrence_check(&arena, rule, &canonical, &err));
		}
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
	return cmocka_run_group_tests_name("every", tests, NULL, NULL);
}
