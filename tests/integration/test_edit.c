/* Edit and undo as an officer types them: in an editor that is a script, beside somebody who is faster. */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_engagement(char id[40])
{
	json_t *logged = call("engagement.log",
	                      json_of("{'title':'A talk','kind':'meeting','starts_at':'2020-05-01T01:00:00Z','countries':"
	                              "['KP'],'workstreams':['1.2'],'readout':'as it was','topics':['one-topic']}"));
	snprintf(id, 40, "%s", at_string(logged, "id"));
	json_decref(logged);
}

static void test_edit(void **state)
{
	char id[40], line[400], script[1024], path[DESK_PATH_SIZE], text[DESK_TEXT_SIZE];
	(void)state;
	make_engagement(id);
	desk_path(path, "edited");
	snprintf(script, sizeof script,
	         "cp \"$1\" %s; sed -i 's/^location:.*/location: 서울/; s/^countries:.*/countries: KP, 중국/; "
	         "s/^topics:.*/topics: two-topic/; s/^as it was/as it is/; s/T10:00:00+09:00/T11:00:00+09:00/; "
	         "s/^participants:.*/participants: 왕이:의장/; s/^workstreams:.*/workstreams: 1.3/' \"$1\"",
	         path);
	desk_set_editor(script);
	snprintf(line, sizeof line, "edit %s --json", id);
	desk_expect(DONE, "", line);
	desk_read(path, text);
	assert_non_null(strstr(text, "starts_at: 2020-05-01T10:00:00+09:00"));
	json_t *edited = desk_printed();
	assert_string_equal(at_string(edited, "location"), "서울");
	assert_string_equal(at_string(edited, "countries.1"), "CN");
	assert_string_equal(at_string(edited, "workstreams.0.code"), "1.3");
	assert_int_equal(json_array_size(at(edited, "workstreams")), 1);
	assert_string_equal(at_string(edited, "topics.0"), "two-topic");
	assert_string_equal(at_string(edited, "readout"), "as it is");
	assert_string_equal(at_string(edited, "starts_at"), "2020-05-01T02:00:00Z");
	assert_string_equal(at_string(edited, "participants.0.role"), "chair");
	assert_int_equal(at_integer(edited, "version"), 2);
	json_decref(edited);
	/* An entry is changed, and taken out. */
	desk_set_editor("sed -i 's/\"role\":\"chair\"/\"role\":\"host\",\"capacity\":\"expert\"/; s/^readout.*//; s/^as it "
	                "is//' \"$1\"");
	desk_expect(DONE, "", line);
	edited = desk_printed();
	assert_string_equal(at_string(edited, "participants.0.role"), "host");
	assert_string_equal(at_string(edited, "participants.0.capacity"), "expert");
	assert_true(json_is_null(at(edited, "readout")));
	json_decref(edited);
	desk_set_editor("sed -i 's/,\"capacity\":\"expert\"//' \"$1\"");
	desk_expect(DONE, "", line);
	edited = desk_printed();
	assert_true(json_is_null(at(edited, "participants.0.capacity")));
	json_decref(edited);
	desk_set_editor("sed -i '/^participants:/d' \"$1\"");
	desk_expect(DONE, "", line);
	edited = desk_printed();
	assert_int_equal(json_array_size(at(edited, "participants")), 0);
	json_decref(edited);
	/* Nothing changed, nothing written. */
	desk_set_editor("true");
	desk_expect(DONE, "", line);
	desk_set_editor(": > \"$1\"");
	desk_expect(FAILED, "", line);
	desk_set_editor("exit 1");
	desk_expect(FAILED, "", line);
	edited = desk_engagement(id);
	assert_int_equal(at_integer(edited, "version"), 5);
	json_decref(edited);
	desk_expect_left(0);
}

static void test_edit_others(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Edited','country':'KP'}")), line[400];
	char *dialogue = made("dialogue.create", json_of("{'title':'D','countries':['CN'],'workstreams':['1.3']}"));
	char *organization = made("organization.create", json_of("{'name':'O'}"));
	char *reminder = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}"));
	char *commitment = made("commitment.create", json_of("{'by':'KP','text':'t'}"));
	(void)state;
	snprintf(line, sizeof line,
	         "edit %s --set sector=academia --set tags=a,b --set 'affiliations=Somewhere' --set influence=4 "
	         "--set 'names={\"text\":\"E\",\"kind\":\"romanized\"}' --json",
	         contact);
	desk_expect(DONE, NULL, line);
	json_t *edited = desk_printed();
	assert_string_equal(at_string(edited, "sector"), "academia");
	assert_string_equal(at_string(edited, "tags.1"), "b");
	assert_string_equal(at_string(edited, "name"), "E");
	assert_string_equal(at_string(edited, "affiliations.0.organization"), "Somewhere");
	assert_int_equal(at_integer(edited, "influence"), 4);
	json_decref(edited);
	snprintf(line, sizeof line, "edit %s --set title=E --set countries=CN,US --json", dialogue);
	desk_expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set website=https://o.invalid --json", organization);
	desk_expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set due_at='2099-01-02 10:00' --json", reminder);
	desk_expect(DONE, NULL, line);
	edited = desk_printed();
	assert_string_equal(at_string(edited, "due_at"), "2099-01-02T01:00:00Z");
	json_decref(edited);
	snprintf(line, sizeof line, "edit %s --set status=fulfilled --json", commitment);
	desk_expect(DONE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set title=", dialogue);
	desk_expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set nothing=x", dialogue);
	desk_expect(USAGE, NULL, line);
	snprintf(line, sizeof line, "edit %s --set track=9", dialogue);
	desk_expect(USAGE, NULL, line);
	desk_expect_said("track: ");
	desk_expect(NOT_FOUND, NULL, "edit 0000aaaa --set title=x");
	desk_expect(USAGE, NULL, "edit");
	free(contact);
	free(dialogue);
	free(organization);
	free(reminder);
	free(commitment);
}

/* While the editor is open somebody else changes the record: another field merges, the same one is to be chosen. */
static void test_edit_merge(void **state)
{
	char id[40], line[400], script[2048], path[DESK_PATH_SIZE], text[DESK_TEXT_SIZE];
	(void)state;
	make_engagement(id);
	snprintf(line, sizeof line, "edit %s --json", id);
	snprintf(script, sizeof script,
	         "%s --socket %s engagement update --id %s --version 1 --location Geneva --countries-add US >/dev/null\n"
	         "sed -i 's/^as it was/mine/; s/^countries:.*/countries: KP, CN/' \"$1\"",
	         desk_program, harness->socket, id);
	desk_set_editor(script);
	desk_expect(DONE, "", line);
	desk_expect_said("location: Geneva");
	json_t *merged = desk_printed();
	assert_string_equal(at_string(merged, "location"), "Geneva");
	assert_string_equal(at_string(merged, "readout"), "mine");
	assert_int_equal(json_array_size(at(merged, "countries")), 3);
	assert_int_equal(at_integer(merged, "version"), 3);
	json_decref(merged);
	/* Both changed the title and the readout. */
	desk_path(path, "conflict");
	snprintf(script, sizeof script,
	         "if grep -q '^<<<<<<<' \"$1\"; then cp \"$1\" %s\n"
	         "sed -i '/^<<<<<<<\\|^=======\\|^>>>>>>>/d; /^title: My/d; /^theirs$/d' \"$1\"; else\n"
	         "%s --socket %s engagement update --id %s --version 3 --title Their --readout theirs >/dev/null\n"
	         "sed -i 's/^mine/mine again/; s/^title:.*/title: My/' \"$1\"; fi",
	         path, desk_program, harness->socket, id);
	desk_set_editor(script);
	desk_expect(DONE, "", line);
	desk_read(path, text);
	assert_non_null(strstr(text, "<<<<<<< yours\ntitle: My\n=======\ntitle: Their\n>>>>>>> theirs\n"));
	assert_non_null(strstr(text, "<<<<<<< yours\nmine again\n=======\ntheirs\n>>>>>>> theirs\n"));
	merged = desk_printed();
	assert_string_equal(at_string(merged, "title"), "Their");
	assert_string_equal(at_string(merged, "readout"), "mine again");
	json_decref(merged);
	/* Marks that are left stand in the way, and the text is kept. */
	snprintf(script, sizeof script,
	         "grep -q '^<<<<<<<\\|^#!' \"$1\" || { %s --socket %s engagement update --id %s --version 5 --title Theirs "
	         ">/dev/null; sed -i 's/^title:.*/title: Mine/' \"$1\"; }",
	         desk_program, harness->socket, id);
	desk_set_editor(script);
	assert_int_equal(desk_run("", line), CONFLICT);
	desk_kept_path(path);
	desk_forget_kept(path);
	merged = desk_engagement(id);
	assert_string_equal(at_string(merged, "title"), "Theirs");
	json_decref(merged);
	desk_expect_left(0);
}

static void test_undo(void **state)
{
	char id[40], line[300];
	(void)state;
	desk_expect(DONE, "", "log KP 1.2 'To be undone' --json");
	desk_keep_id(id);
	desk_expect(USAGE, "", "undo");
	desk_expect_said("engagement.log \"To be undone\"");
	desk_expect(USAGE, "", "undo --yes --reason $(printf '\\377')");
	desk_expect_said("not UTF-8");
	desk_expect(DONE, "", "undo --yes --reason twice");
	json_t *record = desk_engagement(id);
	assert_string_equal(at_string(record, "void_reason"), "twice");
	json_decref(record);
	desk_expect(DONE, "", "undo --yes --json");
	record = desk_engagement(id);
	assert_true(json_is_null(at(record, "voided_at")));
	json_decref(record);
	/* What goes with it is said in the language of the rest. */
	desk_expect(DONE, "", "log KP 1.2 'With a promise' --due 2099-01-01:ask --promise 'them: the list'");
	desk_expect(DONE, "", "undo --yes --lang ko");
	desk_expect_said("주의: 딸린 알림 1개는");
	desk_expect_said("주의: 거기서 한 미이행 약속 1개는");
	/* By its first digits as well, also while it is void. */
	snprintf(line, sizeof line, "undo %.18s --yes", id);
	desk_expect(DONE, "", line);
	desk_expect(DONE, "", line);
	record = desk_engagement(id);
	assert_true(json_is_null(at(record, "voided_at")));
	json_decref(record);
	desk_expect(NOT_FOUND, "", "undo ffffffff --yes");
	snprintf(line, sizeof line, "edit %s --set readout=first", id);
	desk_expect(DONE, "", line);
	desk_expect(DONE, "", "log KP 1.2 'Another' --json");
	/* By the record: not the last write of all. */
	snprintf(line, sizeof line, "undo %s --yes", id);
	desk_expect(DONE, "", line);
	record = desk_engagement(id);
	assert_true(json_is_null(at(record, "readout")));
	json_decref(record);
	/* What stands in the way is shown. */
	char request[40];
	snprintf(request, sizeof request, "%s", checked_id());
	record = desk_engagement(id);
	json_decref(call("engagement.update", json_of("{'id':'%s','version':%ld,'title':'B','request_id':'%s'}", id,
	                                              at_integer(record, "version"), request)));
	json_decref(call("engagement.update",
	                 json_of("{'id':'%s','version':%ld,'title':'C'}", id, at_integer(record, "version") + 1)));
	json_decref(record);
	snprintf(line, sizeof line, "undo --change %s --yes", request);
	desk_expect(CONFLICT, "", line);
	desk_expect_said("engagement.update");
	json_decref(call("contact.create", json_of("{'name':'Not undone','country':'KP'}")));
	desk_expect(FAILED, "", "undo --yes");
	desk_expect(NOT_FOUND, "", "undo --change 019b1c00-ffff-7000-8000-000000000001 --yes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edit),
	    cmocka_unit_test(test_edit_others),
	    cmocka_unit_test(test_edit_merge),
	    cmocka_unit_test(test_undo),
	};
	return cmocka_run_group_tests(tests, desk_setup, single_teardown);
}
