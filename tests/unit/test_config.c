/* Tests of text/config: every row of the table at, below and above its limits, files with every fault, and a sample
 * that reads back as the defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/config.h"

static struct config config;
static struct err err;
static char path[64];

static int begin(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test_config.XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0 || close(fd) != 0)
		return -1;
	config_init(&config, "/run/s", "/state");
	return 0;
}

static int end(void **state)
{
	(void)state;
	config_release(&config);
	return unlink(path);
}

static bool read_bytes(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
	memset(&err, 0, sizeof err);
	return config_read(&config, path, &err);
}

static void reads(const char *text)
{
	if (!read_bytes(text, strlen(text)))
		fail_msg("%s: %s", text, err.message);
}

/* The message is "FILE:LINE: " and then begins with `wanted`. */
static void fails_at(const char *text, size_t length, int line, const char *wanted)
{
	char prefix[100];
	config_release(&config);
	config_init(&config, "/run/s", "/state");
	if (read_bytes(text, length))
		fail_msg("accepted: %s", text);
	snprintf(prefix, sizeof prefix, "%s:%d: ", path, line);
	if (strncmp(err.message, prefix, strlen(prefix)) != 0 ||
	    strncmp(err.message + strlen(prefix), wanted, strlen(wanted)) != 0)
		fail_msg("%s: got \"%s\", wanted %d: %s", text, err.message, line, wanted);
}

static void fails(const char *text, int line, const char *wanted)
{
	fails_at(text, strlen(text), line, wanted);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_string_equal(config.socket, "/run/s");
	assert_string_equal(config.socket_group, "");
	assert_string_equal(config.tcp, "off");
	assert_string_equal(config.http, "127.0.0.1:7480");
	assert_string_equal(config.state_dir, "/state");
	assert_string_equal(config.user, "");
	assert_int_equal(config.log_level, 2);
	assert_int_equal(config.max_line_bytes, 1048576);
	assert_int_equal(config.max_clients, 10000);
	assert_int_equal(config.max_inflight, 64);
	assert_int_equal(config.drain_timeout_ms, 10000);
	assert_string_equal(config.dsn, "embedded");
	assert_string_equal(config.admin_dsn, "");
	assert_int_equal(config.connections, 4);
	assert_int_equal(config.statement_timeout_ms, 10000);
	assert_int_equal(config.wait_ms, 10000);
	assert_string_equal(config.postgres_bin, "");
	assert_int_equal(config.auto_migrate, 1);
	assert_string_equal(config.mail_server, "");
	assert_string_equal(config.mail_from, "");
	assert_string_equal(config.mail_user, "");
	assert_string_equal(config.mail_password_file, "");
	assert_int_equal(config.mail_tls, 0);
	assert_int_equal(config.webhook_allow_http, 0);
	assert_int_equal(config.webhook_allow_private, 0);
	assert_string_equal(config.delivery_ca_file, "");
	assert_int_equal(config.delivery_timeout_ms, 30000);
	assert_int_equal(config.delivery_at_once, 16);
}

static const struct {
	const char *section, *name;
	long min, max;
} ranges[] = {
    {"daemon", "max_line_bytes", 1024, 67108864},
    {"daemon", "max_clients", 1, 1000000},
    {"daemon", "max_inflight", 1, 10000},
    {"daemon", "drain_timeout_ms", 0, 600000},
    {"database", "connections", 1, 64},
    {"database", "statement_timeout_ms", 100, 600000},
    {"database", "wait_ms", 0, 600000},
    {"delivery", "timeout_ms", 1000, 600000},
    {"delivery", "at_once", 1, 256},
    {"delivery", "retry_first_s", 1, 3600},
    {"delivery", "attempts", 1, 100},
    {"backup", "keep", 0, 10000},
    {"backup", "max_age_h", 1, 8760},
};

static long number_at(const char *section, const char *name)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return *(const long *)(const void *)((const char *)&config + keys[i].offset);
	fail_msg("no key %s", name);
	return 0;
}

static void test_ranges_of_numbers(void **state)
{
	(void)state;
	size_t numbers = 0, count;
	const struct config_key *keys = config_keys(&count);
	assert_int_equal(count, 33);
	for (size_t i = 0; i < count; i++)
		numbers += keys[i].type == CONFIG_NUMBER;
	assert_int_equal(numbers, sizeof ranges / sizeof ranges[0]);
	for (size_t i = 0; i < numbers; i++) {
		long min = ranges[i].min, max = ranges[i].max, held = number_at(ranges[i].section, ranges[i].name);
		const long tries[] = {min - 1, min, min + 1, max - 1, max, max + 1, max * 10};
		for (size_t at = 0; at < sizeof tries / sizeof tries[0]; at++) {
			char value[32];
			snprintf(value, sizeof value, "%ld", tries[at]);
			bool allowed = tries[at] >= min && tries[at] <= max;
			assert_int_equal(config_set(&config, ranges[i].section, ranges[i].name, value, &err), allowed);
			held = allowed ? tries[at] : held;
			assert_int_equal(number_at(ranges[i].section, ranges[i].name), held);
		}
	}
}

static void test_numbers_are_plain_digits(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
	                                  " ",
	                                  "+5",
	                                  "-1",
	                                  "5 ",
	                                  " 5",
	                                  "5x",
	                                  "0x5",
	                                  "5.0",
	                                  "1e1",
	                                  "5k",
	                                  "٥",
	                                  "99999999999999999999999999",
	                                  "18446744073709551621",
	                                  "9223372036854775808",
	                                  "4294967301",
	                                  "/",
	                                  ":"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(config_set(&config, "database", "connections", bad[i], &err));
		assert_string_equal(err.message, "connections must be a whole number from 1 to 64, in plain digits");
		assert_int_equal(config.connections, 4);
	}
	assert_true(config_set(&config, "database", "connections", "007", &err));
	assert_int_equal(config.connections, 7);
}

static void test_choices(void **state)
{
	(void)state;
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	for (long i = 0; i < 4; i++) {
		assert_true(config_set(&config, "daemon", "log_level", levels[i], &err));
		assert_int_equal(config.log_level, i);
	}
	assert_false(config_set(&config, "daemon", "log_level", "Info", &err));
	assert_string_equal(err.message, "log_level must be one of: error, warning, info, debug");
	assert_false(config_set(&config, "daemon", "log_level", "", &err));
	assert_true(config_set(&config, "database", "auto_migrate", "no", &err));
	assert_int_equal(config.auto_migrate, 0);
	assert_true(config_set(&config, "database", "auto_migrate", "yes", &err));
	assert_int_equal(config.auto_migrate, 1);
	assert_false(config_set(&config, "database", "auto_migrate", "1", &err));
}

static void test_texts_and_listeners(void **state)
{
	(void)state;
	char value[4200];
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].type != CONFIG_TEXT || keys[i].check)
			continue;
		for (long length = keys[i].max - 1; length <= keys[i].max + 1; length++) {
			memset(value, 'v', sizeof value);
			value[length] = '\0';
			assert_int_equal(config_set(&config, keys[i].section, keys[i].name, value, &err), length <= keys[i].max);
		}
		assert_int_equal(config_set(&config, keys[i].section, keys[i].name, "", &err), keys[i].min == 0);
	}
	static const char *const right[] = {"off", "127.0.0.1:80", "127.8.9.10:65535", "[::1]:7480", "localhost:1", NULL};
	static const char *const wrong[] = {
	    "",    "on",      "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80x",
	    ":80", "[::1:80", "::1:80",    "localhost:",  "run/http",        NULL};
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "http" : "tcp";
		for (size_t k = 0; right[k]; k++)
			assert_true(config_set(&config, "daemon", name, right[k], &err));
		for (size_t k = 0; wrong[k]; k++)
			assert_false(config_set(&config, "daemon", name, wrong[k], &err));
		assert_int_equal(config_set(&config, "daemon", name, "/run/http", &err), i);
		assert_false(config_set(&config, "daemon", name, "0.0.0.0:80", &err));
		assert_string_equal(
		    err.message + strlen(name),
		    ": without TLS the daemon listens on a loopback address only: 127.0.0.1, [::1] or localhost");
		assert_false(config_set(&config, "daemon", name, "[2001:db8::1]:80", &err));
	}
}

/* At, below and above the longest value of what must be more than text. */
static void test_texts_that_are_checked(void **state)
{
	(void)state;
	static const char *const right[][2] = {
	    {"server", ""},      {"server", "smtp://localhost:25"}, {"server", "smtps://mail.example.org"},
	    {"from", ""},        {"from", "desk@example.org"},      {"from", "사무국 <desk@example.org>"},
	    {"tls", "required"}, {"tls", "opportunistic"},          {"tls", "off"},
	};
	static const char *const wrong[][2] = {
	    {"server", "off"},
	    {"server", "mail.example.org"},
	    {"server", "smtp://user:secret@example.org"},
	    {"from", "secret"},
	    {"from", "Desk desk@example.org"},
	    {"from", "desk@사무국.kr"},
	    {"tls", "no"},
	    {"tls", ""},
	};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!config_set(&config, "mail", right[i][0], right[i][1], &err))
			fail_msg("%s: %s", right[i][1], err.message);
	assert_string_equal(config.mail_server, "smtps://mail.example.org");
	assert_int_equal(config.mail_tls, 2);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(config_set(&config, "mail", wrong[i][0], wrong[i][1], &err));
		assert_memory_equal(err.message, wrong[i][0], strlen(wrong[i][0]));
		assert_null(strstr(err.message, "secret"));
	}
	for (int length = 254; length <= 256; length++) {
		char server[300], from[300];
		snprintf(server, sizeof server, "smtp://%0*d", length - 7, 0);
		snprintf(from, sizeof from, "%0*d <a@example.org>", length - 16, 0);
		assert_int_equal(config_set(&config, "mail", "server", server, &err), length <= 255);
		assert_int_equal(config_set(&config, "mail", "from", from, &err), length <= 255);
	}
}

static void test_a_file(void **state)
{
	(void)state;
	reads("\xEF\xBB\xBF# comment = 1\n; comment\n\n  # indented\n[daemon]\r\nsocket=/a b\r\n"
	      "  max_clients =\t5  \n[database]\n"
	      "dsn = host=/x password=a;b ;c #d 'e=f' user:g\n[daemon]\nuser =");
	assert_string_equal(config.socket, "/a b");
	assert_int_equal(config.max_clients, 5);
	assert_string_equal(config.dsn, "host=/x password=a;b ;c #d 'e=f' user:g");
	assert_string_equal(config.user, "");
	assert_int_equal(config.connections, 4);
	reads("");
	reads("[daemon]");
	assert_true(config_set(&config, "database", "dsn", "a", NULL));
	reads("[daemon]\nmax_clients = 6\n");
	assert_int_equal(config.max_clients, 6);
	assert_string_equal(config.dsn, "a");
}

static void test_faults_name_their_line(void **state)
{
	(void)state;
	fails("socket = /x\n", 1, "the key stands before the first section");
	fails("[daemon]\n\nmax_clients = 0\n[oops]\n", 3, "max_clients must be");
	fails("[daemon]\nuser = a\nuser = b\n", 3, "user stands twice");
	fails("[daemon]\nuser = a\n[daemon]\nuser = a\n", 4, "user stands twice");
	fails("[daemon]\nsocket\n", 2, "write NAME = VALUE");
	fails("[daemon]\nsocket\nuser = a\n[oops]\n", 2, "write NAME = VALUE");
	fails("[daemon]\nsocket: /x\n", 2, "write NAME = VALUE");
	fails("[daemon]\nuser : a=b\n", 2, "write NAME = VALUE");
	fails("[daemon]\nuser = a\n  and more\n", 3, "write NAME = VALUE");
	fails("[daemon]\n[daemon\nuser = a\n", 2, "write a section");
	fails("[daemon] x\n", 1, "write a section");
	fails("[\n", 1, "write a section");
	fails("[]\n", 1, "unknown section []");
	fails("[datbase]\n", 1, "unknown section [datbase]; did you mean [database]?");
	fails("# x\n[demon]\n", 2, "unknown section [demon]; did you mean [daemon]?");
	fails("[daemon]\ntcp = 1\n", 2, "tcp: write host:port");
	fails("[daemon]\n= 1\n", 2, "unknown key \"\" in [daemon]");
	fails("[daemon]\nlog_level = info ; the usual\n", 2, "log_level must be one of");
	fails_at("[daemon]\nuser = a\0b\n", 20, 2, "a NUL byte");
	fails_at("\0", 1, 1, "a NUL byte");
	fails_at("# a\0\n", 5, 1, "a NUL byte");
}

static void test_unknown_keys_get_the_nearest(void **state)
{
	(void)state;
	fails("[daemon]\nscoket = x\n", 2, "unknown key \"scoket\" in [daemon]; did you mean \"socket\" in [daemon]?");
	fails("[daemon]\ndsn = x\n", 2, "unknown key \"dsn\" in [daemon]; did you mean \"dsn\" in [database]?");
	fails("[database]\nadmin_dns = x\n", 2,
	      "unknown key \"admin_dns\" in [database]; did you mean \"admin_dsn\" in [database]?");
	fails("[daemon]\nmax_clints = x\n", 2,
	      "unknown key \"max_clints\" in [daemon]; did you mean \"max_clients\" in [daemon]?");
	fails("[daemon]\ntn = x\n", 2, "unknown key \"tn\" in [daemon]; tracktwod --describe=config lists all keys");
	assert_false(config_set(&config, "x", "waitms", "1", &err));
	assert_string_equal(err.message, "unknown key \"waitms\" in [x]; did you mean \"wait_ms\" in [database]?");
	char name[3000];
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_false(config_set(&config, name, name, "1", &err));
	assert_non_null(strstr(err.message, "--describe=config lists all keys"));
}

static void test_length_of_lines(void **state)
{
	(void)state;
	static const char start[] = "[database]\ndsn =";
	static char text[10000];
	static const size_t lengths[] = {150, 192, 193, 194, 195, 199, 200, 201, 4094, 4095};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t at = (size_t)sprintf(text, "%s", start);
		memset(text + at, 'd', lengths[i]);
		strcpy(text + at + lengths[i], "\n[daemon]\nuser = u\n");
		reads(text);
		assert_int_equal(strlen(config.dsn), lengths[i]);
		assert_int_equal(strspn(config.dsn, "d"), lengths[i]);
	}
	memset(text + strlen(start), 'd', 4096);
	strcpy(text + strlen(start) + 4096, "\n");
	fails(text, 2, "dsn is longer than 4095 bytes");
	for (size_t length = 8191; length <= 8193; length++) {
		memset(text, '#', length);
		strcpy(text + length, "\n[daemon]\nuser = u\n");
		if (length <= 8192)
			reads(text);
		else
			fails(text, 1, "the line is longer than 8192 bytes");
	}
	memcpy(text, "[daemon]\nuser =", 15);
	memset(text + 15, ' ', 8192 - 6);
	strcpy(text + 15 + 8192 - 6, "\nmax_clients = 3");
	reads(text);
	assert_int_equal(config.max_clients, 3);
}

static void test_files_that_cannot_be_read(void **state)
{
	(void)state;
	assert_false(config_read(&config, "/nonexistent/f", &err));
	assert_string_equal(err.message, "/nonexistent/f: cannot read it: No such file or directory");
	assert_false(config_read(&config, "/", &err));
	assert_non_null(strstr(err.message, "Is a directory"));
	assert_false(config_read(&config, "/nonexistent/f", NULL));
}

static void test_secrets_stay_out_of_messages(void **state)
{
	(void)state;
	fails("[database]\nconnections = password=secret\n", 2, "connections");
	assert_null(strstr(err.message, "secret"));
	fails("[daemon]\nhttp = secret\n", 2, "http");
	assert_null(strstr(err.message, "secret"));
	fails("[database]\npassword secret\n", 2, "write");
	assert_null(strstr(err.message, "secret"));
}

static void test_what_is_different(void **state)
{
	struct config other, copy;
	const struct config_key *key;
	(void)state;
	config_init(&other, "/run/s", "/state");
	assert_null(config_next_difference(&config, &other, NULL));
	assert_true(config_set(&other, "daemon", "max_clients", "9", &err));
	assert_true(config_set(&other, "mail", "user", "desk", &err));
	assert_true(config_set(&other, "daemon", "socket", "/run/t", &err));
	config_copy(&copy, &other);
	config_release(&other);
	key = config_next_difference(&config, &copy, NULL);
	assert_string_equal(key->name, "socket");
	assert_false(key->reloads);
	config_copy_key(&copy, &config, key);
	assert_string_equal(copy.socket, "/run/s");
	key = config_next_difference(&config, &copy, key);
	assert_string_equal(key->name, "max_clients");
	assert_true(key->reloads);
	key = config_next_difference(&config, &copy, key);
	assert_string_equal(key->section, "mail");
	assert_string_equal(copy.mail_user, "desk");
	assert_null(config_next_difference(&config, &copy, key));
	config_copy_key(&config, &copy, key);
	config_release(&copy);
	assert_string_equal(config.mail_user, "desk");
}

/* What opens doors, or says where things lie, cannot change while the daemon runs; everything else can. */
static void test_what_reloads(void **state)
{
	static const char *const restart[] = {"socket",      "socket_group", "tcp",          "http",
	                                      "state_dir",   "user",         "dsn",          "admin_dsn",
	                                      "connections", "postgres_bin", "auto_migrate", "directory"};
	const size_t restart_count = sizeof restart / sizeof *restart;
	size_t count;
	const struct config_key *keys = config_keys(&count);
	(void)state;
	for (size_t i = 0; i < count; i++) {
		bool listed = false;
		for (size_t k = 0; k < restart_count; k++)
			listed = listed || (strcmp(keys[i].name, restart[k]) == 0 && strcmp(keys[i].section, "mail") != 0);
		assert_int_equal(keys[i].reloads, !listed);
	}
}

/* The file that is installed is what the table says. */
static void test_the_installed_file(void **state)
{
	char *sample = NULL, text[65536];
	size_t length = 0, got;
	FILE *out = open_memstream(&sample, &length), *file = fopen("config/tracktwo.conf", "re");
	(void)state;
	assert_non_null(out);
	config_describe(out);
	fclose(out);
	if (!file)
		fail_msg("config/tracktwo.conf is missing; run this from the checkout's folder");
	got = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[got] = '\0';
	if (strcmp(text, sample) != 0)
		fail_msg("config/tracktwo.conf is not what the table says; run: make config/tracktwo.conf");
	free(sample);
}

static void test_the_sample_reads_back(void **state)
{
	(void)state;
	char *sample = NULL;
	size_t length = 0, count, found = 0;
	FILE *out = open_memstream(&sample, &length);
	assert_non_null(out);
	config_describe(out);
	fclose(out);
	reads(sample);
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++) {
		char line[200], help[40];
		snprintf(line, sizeof line, "\n#%s =%s%s\n", keys[i].name, keys[i].standard && *keys[i].standard ? " " : "",
		         keys[i].standard ? keys[i].standard : "");
		char *at = strstr(sample, line);
		assert_non_null(at);
		snprintf(help, sizeof help, "\n# %.30s", keys[i].help);
		assert_non_null(strstr(sample, help));
		if (keys[i].standard)
			at[1] = ' ';
		found++;
	}
	assert_int_equal(found, 33);
	assert_non_null(strstr(sample, "# A number from 1024 to 67108864.\n"));
	assert_non_null(strstr(sample, "# One of: error, warning, info, debug.\n"));
	for (const char *line = sample; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 100);
	assert_true(config_set(&config, "database", "connections", "9", &err));
	reads(sample);
	test_defaults(state);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_defaults, begin, end),
	    cmocka_unit_test_setup_teardown(test_ranges_of_numbers, begin, end),
	    cmocka_unit_test_setup_teardown(test_numbers_are_plain_digits, begin, end),
	    cmocka_unit_test_setup_teardown(test_choices, begin, end),
	    cmocka_unit_test_setup_teardown(test_texts_and_listeners, begin, end),
	    cmocka_unit_test_setup_teardown(test_texts_that_are_checked, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_file, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_is_different, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_reloads, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_installed_file, begin, end),
	    cmocka_unit_test_setup_teardown(test_faults_name_their_line, begin, end),
	    cmocka_unit_test_setup_teardown(test_unknown_keys_get_the_nearest, begin, end),
	    cmocka_unit_test_setup_teardown(test_length_of_lines, begin, end),
	    cmocka_unit_test_setup_teardown(test_files_that_cannot_be_read, begin, end),
	    cmocka_unit_test_setup_teardown(test_secrets_stay_out_of_messages, begin, end),
	    cmocka_unit_test_setup_teardown(test_the_sample_reads_back, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
