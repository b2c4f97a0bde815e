/* Tests of forms: what is written is read again, in both languages; and what is wrong is marked where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/form.h"
#include "text/language.h"

static struct arena arena;
static const struct form_field fields[] = {{"title", "Who did not come.", false, false, false},
                                           {"with", NULL, true, false, false},
                                           {"private", NULL, false, false, false},
                                           {"request", NULL, false, false, true},
                                           {"readout", NULL, false, true, false},
                                           {"description", NULL, false, true, false}};

static struct form new_form(void)
{
	return (struct form){.arena = &arena, .fields = fields, .field_count = sizeof fields / sizeof *fields};
}

static void fill(struct form *form)
{
	assert_non_null(form_add(form, "title", "Lunch: with \"quotes\" # and all"));
	assert_non_null(form_add(form, "with", "왕이:chair"));
	assert_non_null(form_add(form, "with", "me"));
	assert_non_null(form_add(form, "private", "one\n\ntwo: three\n# four"));
	assert_non_null(form_add(form, "readout", "# not a comment\n\ttab\n---- nothing ----\ntitle: no field"));
	assert_non_null(form_add(form, "description", "last"));
	assert_null(form_add(form, "request", ""));
}

static void expect_same(const struct form *one, const struct form *other)
{
	assert_int_equal(one->count, other->count);
	for (size_t i = 0; i < one->count; i++) {
		assert_string_equal(one->entries[i].name, other->entries[i].name);
		assert_string_equal(one->entries[i].value, other->entries[i].value);
	}
}

static void test_there_and_back(void **state)
{
	static const char *const languages[] = {"en", "ko"};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct form form = new_form(), again = new_form();
		fill(&form);
		form.head = "Of several\nlines";
		assert_true(language_choose(languages[i / 2]));
		const char *text = form_text(&form);
		assert_null(strstr(text, i / 2 ? "요청 번호" : "request"));
		assert_true(strstr(text, i / 2 ? "\n제목: Lunch" : "\ntitle: Lunch") != NULL);
		/* In whichever language it is read. */
		assert_true(language_choose(languages[i % 2]));
		form_read(&again, text);
		assert_int_equal(form_faults(&again), 0);
		expect_same(&form, &again);
	}
	assert_true(language_choose("en"));
}

static void test_reading(void **state)
{
	struct form form = new_form();
	(void)state;
	form_read(&form,
	          "\r\nTITLE :  a \r\n# with: nobody\n#! fault\nwith: x\nprivate:\n\tone\n\ttwo\n---- 결과 보고 ----\n"
	          "\n\n#! fault\n");
	assert_int_equal(form_faults(&form), 0);
	assert_int_equal(form.count, 3);
	assert_string_equal(form_value(&form, "title"), "a");
	assert_string_equal(form_value(&form, "private"), "one\ntwo");
	assert_null(form_value(&form, "readout"));
	form_read(&form, "");
	assert_int_equal(form.count, 0);
	form_read(&form, "\tnothing before\n");
	assert_int_equal(form.count, 0);
}

static void test_faults(void **state)
{
	struct form form = new_form();
	(void)state;
	form_read(&form, "title: a\ntitle: b\nwiht: c\nno colon\n");
	assert_int_equal(form_faults(&form), 3);
	const char *text = form_text(&form);
	assert_non_null(strstr(text, "#! this field stands twice\ntitle: b"));
	/* What belongs nowhere is shown, not lost. */
	assert_non_null(strstr(text, "#! there is no such field\nwiht: c"));
	assert_non_null(strstr(text, "no colon"));
	form_forgive(&form);
	assert_int_equal(form_faults(&form), 0);
	form_fault(&form, "title", "first");
	form_fault(&form, "with", "is needed");
	form_fault(&form, NULL, "of the whole");
	text = form_text(&form);
	assert_non_null(strstr(text, "#! first\ntitle: a"));
	assert_non_null(strstr(text, "#! with: is needed\n#! of the whole\n"));
	form_read(&form, text);
	assert_null(form.entries[0].fault);
	form_clear(&form, "title");
	assert_null(form_value(&form, "title"));
}

static void test_choices(void **state)
{
	struct form form = new_form();
	(void)state;
	form_add(&form, "title", "mine")->theirs = "their\nown";
	form_add(&form, "readout", "my text\n=======\nof two parts")->theirs = "";
	assert_int_equal(form_faults(&form), 2);
	const char *text = form_text(&form);
	assert_non_null(strstr(text, "<<<<<<< yours\ntitle: mine\n=======\ntitle: their\n\town\n>>>>>>> theirs\n"));
	assert_non_null(strstr(text, "<<<<<<< yours\nmy text\n=======\nof two parts\n=======\n>>>>>>> theirs\n"));
	/* Left undecided. */
	form_read(&form, text);
	assert_true(form_faults(&form) >= 2);
	form_read(&form, "title: mine\n---- readout ----\nmy text\n=======\nof two parts\n");
	assert_int_equal(form_faults(&form), 0);
	assert_string_equal(form_value(&form, "readout"), "my text\n=======\nof two parts");
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_reading),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_choices),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
