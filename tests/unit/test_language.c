/* Tests of language: which one is chosen, and that the tables hold a Korean text for whatever a person may read, and
 * nothing that nobody says.
 *
 * Texts are found where they are: in the rows of methods and commands, and in the sources, by reading those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "api/types.h"
#include "base/arena.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/draft.h"
#include "cli/words.h"
#include "rpc/error.h"
#include "text/language.h"

static struct arena arena;

struct texts {
	const char **list;
	size_t count, capacity;
};

static void add_text(struct texts *texts, const char *text)
{
	if (!text || !*text)
		return;
	if (texts->count == texts->capacity) {
		texts->capacity = 2 * texts->capacity + 256;
		texts->list = realloc(texts->list, texts->capacity * sizeof *texts->list);
	}
	texts->list[texts->count++] = text;
}

static bool has_text(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->list[i], text) == 0)
			return true;
	return false;
}

/* The sources. */

enum dialect { DIALECT_C, DIALECT_SQL };

static char *read_whole(const char *path)
{
	FILE *in = fopen(path, "re");
	if (!in)
		fail_msg("%s cannot be read: run the tests from the root of the checkout", path);
	char *text = NULL;
	size_t size = 0;
	ssize_t length = getdelim(&text, &size, '\0', in);
	fclose(in);
	assert_true(length > 0);
	char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

/* Past white space and comments, and, in C, the ends of a macro's lines. */
static const char *skip_blank(const char *at, enum dialect dialect)
{
	for (;;) {
		at += strspn(at, dialect == DIALECT_C ? " \t\n\\" : " \t\n");
		if (dialect == DIALECT_C && strncmp(at, "/*", 2) == 0)
			at = strstr(at, "*/") + 2;
		else if (dialect == DIALECT_SQL && strncmp(at, "--", 2) == 0)
			at += strcspn(at, "\n");
		else
			return at;
	}
}

static char escaped(const char **at)
{
	static const char letters[] = "ntr", values[] = "\n\t\r";
	(*at)++;
	const char *letter = strchr(letters, **at);
	if (letter && *letter)
		return values[letter - letters];
	if (isdigit((unsigned char)**at)) {
		char *end;
		char digits[4] = {0};
		memcpy(digits, *at, 3);
		long value = strtol(digits, &end, 8);
		*at += end - digits - 1;
		return (char)value;
	}
	return **at;
}

/* Reads the literal that begins at *at, and those that continue it; *at ends behind them. */
static const char *read_literal(const char **at, enum dialect dialect)
{
	const char quote = dialect == DIALECT_C ? '"' : '\'';
	char *text = arena_alloc(&arena, strlen(*at) + 1), *end = text;
	for (;;) {
		for ((*at)++; **at; (*at)++) {
			if (dialect == DIALECT_C && **at == '\\')
				*end++ = escaped(at);
			else if (dialect == DIALECT_SQL && **at == quote && (*at)[1] == quote)
				*end++ = *++*at;
			else if (**at == quote)
				break;
			else
				*end++ = **at;
		}
		const char *next = skip_blank(*at + 1, dialect);
		if (dialect == DIALECT_SQL && strncmp(next, "||", 2) == 0)
			next = skip_blank(next + 2, dialect);
		if (*next != quote) {
			(*at)++;
			*end = '\0';
			return text;
		}
		*at = next;
	}
}

/* A call whose literals count, and which of them: all, those of several words, the first word only, or the label, a
 * phrase that stands before a statement. */
struct call {
	const char *name;
	enum { LITERALS_ALL, LITERALS_PHRASES, LITERALS_FIRST, LITERALS_LABEL } which;
};

static const struct call say_calls[] = {{"say", LITERALS_ALL}, {"SAID", LITERALS_ALL}, {0}};
static const struct call c_refusals[] = {{"type_fault", LITERALS_PHRASES},
                                         {"call_refuse", LITERALS_PHRASES},
                                         {"call_refuse_unanswered", LITERALS_PHRASES},
                                         {0}};
static const struct call sql_refusals[] = {{"rule", LITERALS_PHRASES},           {"refused", LITERALS_PHRASES},
                                           {"invalid", LITERALS_PHRASES},        {"not_found", LITERALS_FIRST},
                                           {"doctor_finding", LITERALS_PHRASES}, {0}};
/* All phrases of a file. */
static const struct call anywhere[] = {{"", LITERALS_PHRASES}, {0}};
static const struct call err_calls[] = {{"err_set", LITERALS_PHRASES}, {0}};
/* What a person who runs a command of an administrator may be told. */
static const struct call admin_calls[] = {{"err_set", LITERALS_PHRASES},
                                          {"err_set_errno", LITERALS_PHRASES},
                                          {"err_prefix", LITERALS_PHRASES},
                                          {"keep_say", LITERALS_PHRASES},
                                          {"say", LITERALS_ALL},
                                          {"SAID", LITERALS_ALL},
                                          {"migrate_db_refuse", LITERALS_PHRASES},
                                          {"migrate_db_run", LITERALS_LABEL},
                                          {"migrate_db_query", LITERALS_LABEL},
                                          {0}};
static const struct call findings[] = {{"findings_add", LITERALS_PHRASES}, {"add_finding", LITERALS_PHRASES}, {0}};
static const struct call no_calls[] = {{0}};

static const struct call *call_at(const char *start, const char *at, const struct call *calls)
{
	for (; calls->name && *calls->name; calls++) {
		size_t length = strlen(calls->name);
		bool alone = at == start || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
		if (alone && strncmp(at, calls->name, length) == 0 && at[length] == '(')
			return calls;
	}
	return NULL;
}

/* Of several words, and neither JSON nor a format alone. */
static bool is_phrase(const char *literal)
{
	return strchr(literal, ' ') && *literal != '{' && strcspn(literal, "abcdefghijklmnoprtuvwxyz") < strlen(literal);
}

static bool counts(const struct call *call, const char *literal)
{
	switch (call->which) {
	case LITERALS_PHRASES:
		return is_phrase(literal);
	case LITERALS_LABEL:
		return is_phrase(literal) && islower((unsigned char)*literal);
	default:
		return true;
	}
}

/* Adds the literals within the calls to `required`, and all to `all`. */
static void read_source(const char *text, enum dialect dialect, const struct call *calls, struct texts *required,
                        struct texts *all)
{
	const struct call *inside = calls->name && !*calls->name ? calls : NULL;
	int depth = 0, end_depth = inside ? -1 : 0;
	for (const char *at = text; *(at = skip_blank(at, dialect));) {
		const struct call *begins = call_at(text, at, calls);
		if (begins && (!inside || begins->which != LITERALS_FIRST)) {
			if (!inside)
				end_depth = depth;
			inside = begins;
			at += strlen(begins->name);
		}
		if (dialect == DIALECT_C && at[0] == '\'') {
			at += at[1] == '\\' ? 4 : 3;
		} else if (*at == (dialect == DIALECT_C ? '"' : '\'')) {
			const char *literal = read_literal(&at, dialect);
			add_text(all, literal);
			if (inside && counts(inside, literal))
				add_text(required, literal);
			if (inside && (inside->which == LITERALS_FIRST || inside->which == LITERALS_LABEL))
				inside = NULL;
		} else {
			depth += (*at == '(') - (*at == ')');
			if (inside && *at == ')' && depth <= end_depth)
				inside = NULL;
			if (inside && inside->which == LITERALS_FIRST && *at != '(')
				inside = NULL;
			at++;
		}
	}
}

static void read_sources(const char *pattern, enum dialect dialect, const struct call *calls, struct texts *required,
                         struct texts *all)
{
	glob_t found;
	if (glob(pattern, 0, NULL, &found) != 0)
		fail_msg("there is no %s: run the tests from the root of the checkout", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_source(read_whole(found.gl_pathv[i]), dialect, calls, required, all);
	globfree(&found);
}

/* The rows. */

static void add_words(struct texts *texts, const char *list)
{
	char *rest = list ? arena_strdup(&arena, list) : NULL, *word;
	while ((word = strsep(&rest, ",")))
		add_text(texts, word + strspn(word, " "));
}

static void add_type(struct texts *texts, const struct type *type)
{
	/* What a choice or a list is, is put together of words of its own. */
	if (type->kind != TYPE_CHOICE && type->kind != TYPE_LIST && type->kind != TYPE_TEXT && type->kind != TYPE_INTEGER &&
	    type->kind != TYPE_OBJECT)
		add_text(texts, type_words(&arena, type));
}

static void add_methods(struct texts *texts)
{
	struct registry *registry = api_registry();
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		add_text(texts, method->summary);
		for (size_t k = 0; k < method->params.member_count; k++) {
			add_text(texts, method->params.members[k].help);
			add_type(texts, method->params.members[k].type);
		}
	}
	registry_free(registry);
}

/* What stands at the head of columns, and before values also in forms. */
static void add_headings(struct texts *texts)
{
	struct registry *registry = api_registry();
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *method = registry_at(registry, i);
		add_words(texts, method->columns);
		for (size_t k = 0; method->result && k < method->result->member_count; k++)
			add_text(texts, method->result->members[k].name);
	}
	for (size_t i = 0; draft_field_name(i); i++)
		add_text(texts, draft_field_name(i));
	registry_free(registry);
}

static void add_options(struct texts *texts, const struct command_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_text(texts, options[i].help);
}

static size_t count_options(const struct command_option *options)
{
	size_t count = 0;
	while (options[count].name)
		count++;
	return count;
}

static void add_commands(struct texts *texts)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *command = command_at(i);
		add_text(texts, command->summary);
		add_text(texts, command->details);
		add_options(texts, command->options, command->option_count);
	}
	add_options(texts, arguments_options, count_options(arguments_options));
	add_options(texts, commands_subscribe_options, count_options(commands_subscribe_options));
}

static void add_errors(struct texts *texts)
{
	for (size_t i = 0; i < ERROR_KINDS; i++)
		add_text(texts, error_rows[i].meaning);
}

static const char *const admin_sources[] = {"src/tracktwod.c",         "src/keep/*.c",         "src/cluster/*.c",
                                            "src/io/migrate*.c",       "src/text/config.c",    "src/text/address.c",
                                            "src/daemon/privileges.c", "src/daemon/senders.c", "src/deliver/mailer.c",
                                            "src/base/place.c"};

static void collect(struct texts *required, struct texts *all)
{
	struct texts ignored = {0};
	add_methods(required);
	add_commands(required);
	add_errors(required);
	read_sources("src/cli/*.c", DIALECT_C, say_calls, required, all);
	read_sources("src/rpc/*.c", DIALECT_C, c_refusals, required, all);
	read_sources("src/rpc/type*.c", DIALECT_C, anywhere, required, all);
	read_sources("src/base/place.c", DIALECT_C, err_calls, required, all);
	read_sources("src/text/every.c", DIALECT_C, err_calls, required, all);
	read_sources("src/text/zone.c", DIALECT_C, err_calls, required, all);
	read_sources("src/text/when*.c", DIALECT_C, err_calls, required, all);
	read_sources("src/text/country.c", DIALECT_C, err_calls, required, all);
	read_sources("src/api/*.c", DIALECT_C, c_refusals, required, all);
	read_sources("src/remind/*.c", DIALECT_C, c_refusals, required, all);
	read_sources("src/feed/*.c", DIALECT_C, c_refusals, required, all);
	read_sources("src/cli/doctor.c", DIALECT_C, findings, required, all);
	read_sources("src/keep/doctor*.c", DIALECT_C, findings, required, all);
	for (size_t i = 0; i < sizeof admin_sources / sizeof *admin_sources; i++)
		read_sources(admin_sources[i], DIALECT_C, admin_calls, required, all);
	read_sources("sql/api/*.sql", DIALECT_SQL, sql_refusals, required, all);
	read_sources("src/text/*.c", DIALECT_C, no_calls, &ignored, all);
	read_sources("src/base/*.c", DIALECT_C, no_calls, &ignored, all);
	read_sources("include/*/*.h", DIALECT_C, no_calls, &ignored, all);
	free(ignored.list);
	/* What the system says behind err_set_errno(). */
	for (int errnum = 1; errnum <= EHWPOISON; errnum++)
		add_text(all, arena_strdup(&arena, strerror(errnum)));
	for (size_t i = 0; i < required->count; i++)
		add_text(all, required->list[i]);
}

static const struct language_row *find_row(const struct language_row *rows, size_t count, const char *english)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].english, english) == 0)
			return &rows[i];
	return NULL;
}

static const char *korean_of(const char *english)
{
	size_t count;
	const struct language_row *rows = language_rows(&count), *row = find_row(rows, count, english);
	return row ? row->korean : NULL;
}

/* Fails for each of `required` that has no row. */
static void expect_rows(const struct texts *required, const struct language_row *rows, size_t count)
{
	struct texts missing = {0};
	for (size_t i = 0; i < required->count; i++) {
		if (find_row(rows, count, required->list[i]) || has_text(&missing, required->list[i]))
			continue;
		add_text(&missing, required->list[i]);
		print_error("without Korean: %s\n", required->list[i]);
	}
	size_t lacking = missing.count;
	free(missing.list);
	assert_int_equal(lacking, 0);
}

/* Fails for each row whose English is none of `all`, or stands twice. */
static void expect_said(const struct texts *all, const struct language_row *rows, size_t count)
{
	size_t idle = 0;
	for (size_t i = 0; i < count; i++) {
		bool twice = find_row(rows, i, rows[i].english) != NULL;
		if (twice || !has_text(all, rows[i].english)) {
			print_error("%s: %s\n", twice ? "stands twice" : "nobody says", rows[i].english);
			idle++;
		}
	}
	assert_int_equal(idle, 0);
}

static void test_every_text_has_korean(void **state)
{
	(void)state;
	struct texts required = {0}, all = {0};
	size_t count;
	const struct language_row *rows = language_rows(&count);
	collect(&required, &all);
	assert_true(required.count > 300);
	expect_rows(&required, rows, count);
	expect_said(&all, rows, count);
	free(required.list);
	free(all.list);
}

static void test_every_heading_has_korean(void **state)
{
	(void)state;
	struct texts required = {0};
	size_t count;
	const struct language_row *rows = language_headings(&count);
	add_headings(&required);
	/* Those of history and of single records. */
	add_words(&required, "when,key,value");
	assert_true(required.count > 100);
	expect_rows(&required, rows, count);
	expect_said(&required, rows, count);
	free(required.list);
}

/* The conversions of a format, one after another. */
static const char *conversions(const char *format)
{
	char *found = arena_alloc(&arena, strlen(format) + 1), *end = found;
	for (; (format = strchr(format, '%')); format++) {
		size_t length = format[1] == '%' ? 2 : 1 + strspn(format + 1, "-.*0123456789lz") + 1;
		memcpy(end, format, length);
		end += length;
		format += length - 1;
	}
	*end = '\0';
	return found;
}

static void test_formats_agree(void **state)
{
	(void)state;
	size_t count;
	const struct language_row *rows = language_rows(&count);
	for (size_t i = 0; i < count; i++) {
		const char *english = conversions(rows[i].english), *korean = conversions(rows[i].korean);
		if (strcmp(english, korean) != 0)
			fail_msg("\"%s\" has %s, its Korean %s", rows[i].english, english, korean);
		assert_true(*rows[i].korean != '\0');
	}
}

static void test_vocabulary(void **state)
{
	(void)state;
	static const struct type *const types[] = {&api_engagement_kind, &api_engagement_status};
	assert_true(language_choose("ko"));
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (const char *const *choice = types[i]->choices; *choice; choice++)
			if (strcmp(words_of(*choice), *choice) == 0)
				fail_msg("%s has no Korean", *choice);
	assert_string_equal(words_of("held"), "개최");
	assert_string_equal(words_of("unheard-of"), "unheard-of");
	assert_true(language_choose("en"));
	assert_string_equal(words_of("track2-session"), "Track 2 session");
}

static void test_choice(void **state)
{
	(void)state;
	static const struct {
		const char *all, *messages, *lang, *chosen;
	} examples[] = {
	    {NULL, NULL, NULL, "en"},
	    {NULL, NULL, "ko_KR.UTF-8", "ko"},
	    {NULL, NULL, "ko", "ko"},
	    {NULL, NULL, "ko.UTF-8", "ko"},
	    {NULL, NULL, "kok_IN", "en"},
	    {NULL, "C", "ko_KR.UTF-8", "en"},
	    {NULL, "ko_KR", "en_US.UTF-8", "ko"},
	    {"ko_KR", "C", "en_US.UTF-8", "ko"},
	    {"C.UTF-8", "ko_KR", "ko_KR", "en"},
	    {"", "", "ko_KR", "ko"},
	};
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
		const char *values[] = {examples[i].all, examples[i].messages, examples[i].lang};
		for (size_t k = 0; k < 3; k++) {
			if (values[k])
				setenv(names[k], values[k], 1);
			else
				unsetenv(names[k]);
		}
		assert_true(language_choose(NULL));
		assert_string_equal(language_code(), examples[i].chosen);
	}
	assert_true(language_choose("ko"));
	assert_false(language_choose("fr"));
	assert_false(language_choose(""));
	assert_string_equal(language_code(), "ko");
	assert_true(language_choose("en"));
	assert_string_equal(language_code(), "en");
}

static void test_say(void **state)
{
	(void)state;
	static const char title[] = "The raw result.";
	assert_true(language_choose("en"));
	assert_ptr_equal(say(title), title);
	assert_string_equal(say_message(&arena, "must be a whole number from 1 to 500"),
	                    "must be a whole number from 1 to 500");
	assert_true(language_choose("ko"));
	assert_string_equal(say(title), korean_of(title));
	assert_ptr_equal(say("no row holds this"), "no row holds this");
	assert_true(language_choose("en"));
}

static void test_messages(void **state)
{
	(void)state;
	static const struct {
		const char *english, *korean;
	} examples[] = {
	    {"must be a whole number from 1 to 500", "1에서 500까지의 정수이어야 합니다"},
	    {"must be a day such as 2026-03-01", "2026-03-01 같은 날짜이어야 합니다"},
	    {"no such engagement; look its id up and try again",
	     "그런 교류 기록이 없습니다. 식별자를 확인하고 다시 시도하십시오"},
	    {"this engagement is held already", "이 교류는 이미 held 상태입니다"},
	    {"unknown parameter; did you mean country?", "알 수 없는 매개 변수입니다. country을(를) 쓰려고 하셨습니까?"},
	    {"cannot read /a b: Permission denied", "/a b을(를) 읽을 수 없습니다: 권한이 없습니다"},
	    {"the connection string is none: no such: thing", "접속 문자열이 아닙니다: no such: thing"},
	    {"/a.backup: is cut off, or longer than it was", "/a.backup: 잘려 있거나 원래보다 깁니다"},
	    {"psql: what was restored is not what was backed up: note has 1 rows and had 2; holiday is missing",
	     "psql: 복원한 것이 백업한 것과 다릅니다: 메모의 행은 1개인데 원래 2개였습니다; 공휴일이(가) 없습니다"},
	    {"/etc/a.conf:3: write a section as [name], alone on its line",
	     "/etc/a.conf:3: 부분은 한 줄에 [이름]만 쓰십시오"},
	    {"/etc/a.conf:1: unknown section [delivry]; did you mean [delivery]?",
	     "/etc/a.conf:1: 알 수 없는 부분 [delivry]: [delivery]을(를) 쓰려고 하셨습니까?"},
	    {"no row: says this", "no row: says this"},
	    {"the embedded PostgreSQL cannot be started: the server ended with status 1: FATAL:  no: way",
	     "내장 PostgreSQL을 시작할 수 없습니다: 서버이(가) 상태 1(으)로 끝났습니다: FATAL:  no: way"},
	    {"locking the store: canceling statement due to lock timeout",
	     "저장소 잠그기: canceling statement due to lock timeout"},
	    {"100% of what no row says", "100% of what no row says"},
	    {"", ""},
	};
	assert_true(language_choose("ko"));
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_string_equal(say_message(&arena, examples[i].english), examples[i].korean);
	assert_true(language_choose("en"));
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_text_has_korean),
	                                   cmocka_unit_test(test_every_heading_has_korean),
	                                   cmocka_unit_test(test_formats_agree),
	                                   cmocka_unit_test(test_vocabulary),
	                                   cmocka_unit_test(test_choice),
	                                   cmocka_unit_test(test_say),
	                                   cmocka_unit_test(test_messages)};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
