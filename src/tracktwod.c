/* tracktwod: options, configuration, privileges; then the daemon. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/methods.h"
#include "base/log.h"
#include "base/place.h"
#include "base/streams.h"
#include "daemon/daemon.h"
#include "daemon/privileges.h"
#include "daemon/senders.h"
#include "daemon/service.h"
#include "keep/keep.h"
#include "rpc/describe.h"
#include "text/config.h"
#include "text/language.h"

static const char usage[] =
    "Usage: tracktwod [-c FILE] [--set SECTION.KEY=VALUE]… [ACTION]\n"
    "\n"
    "The memory of a secretariat: logs engagements, ties them to the roadmap, reminds of what was promised.\n"
    "\n"
    "  -c, --config FILE       read this configuration; see tracktwo.conf(5); --describe=config prints a sample\n"
    "  -s, --set SECTION.KEY=VALUE\n"
    "                          one setting, over what the file says\n"
    "      --lang CODE         en or ko, for what --admin and --check-config say; else as LANG says\n"
    "\n"
    "Without an action the daemon serves until SIGTERM; on SIGHUP it reads its configuration again. Actions:\n"
    "      --check-config      say whether the configuration is right, and end (78 when it is not)\n"
    "      --migrate           bring the database up to date, and end\n"
    "      --admin COMMAND …   what `tracktwo admin` and `tracktwo doctor` do; all words behind it are the command's\n"
    "      --describe=WHAT     print what the daemon offers: openrpc, man, config-man or config; needs no database\n"
    "      --version           print the version\n"
    "  -h, --help              print this\n";

enum { OPTION_LANG = 256, OPTION_CHECK, OPTION_MIGRATE, OPTION_ADMIN, OPTION_DESCRIBE, OPTION_VERSION };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 's'},
    {"lang", required_argument, NULL, OPTION_LANG},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"migrate", no_argument, NULL, OPTION_MIGRATE},
    {"admin", no_argument, NULL, OPTION_ADMIN},
    {"describe", required_argument, NULL, OPTION_DESCRIBE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int describe(const char *what)
{
	struct registry *registry = api_registry();
	int status = EX_OK;

	if (strcmp(what, "openrpc") == 0) {
		json_t *document = describe_openrpc(registry, daemon_version);
		json_dumpf(document, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(document);
	} else if (strcmp(what, "man") == 0) {
		describe_manual(stdout, registry, daemon_version);
	} else if (strcmp(what, "config-man") == 0) {
		describe_configuration(stdout, daemon_version);
	} else if (strcmp(what, "config") == 0) {
		config_describe(stdout);
	} else {
		fprintf(stderr, "tracktwod: --describe takes openrpc, man, config-man or config, not %s\n", what);
		status = EX_USAGE;
	}
	registry_free(registry);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}

static bool set_one(struct config *config, const char *setting, struct err *err)
{
	char section[64], name[64];
	const char *equals = strchr(setting, '=');
	if (!equals || sscanf(setting, "%63[a-z_].%63[a-z_]=", section, name) != 2)
		return err_set(err, "--set takes SECTION.KEY=VALUE, such as daemon.log_level=debug");
	return config_set(config, section, name, equals + 1, err);
}

struct arguments {
	const char *file;
	const char *settings[64];
	size_t setting_count;
	bool check, migrate;
	char **admin; /* the command's words, NULL without --admin */
	int admin_count;
	struct place place;
};

/* What is read when no file is named: NULL in a checkout, and where there is none. */
static const char *file_of(const struct arguments *arguments)
{
	static const char standard[] = "/etc/tracktwo/tracktwo.conf";
	return arguments->file || arguments->place.checkout || access(standard, F_OK) != 0 ? arguments->file : standard;
}

/* The file, then the settings: the later wins. */
static bool configure(struct config *config, void *context, struct err *err)
{
	const struct arguments *arguments = context;
	const char *file = file_of(arguments);

	config_init(config, arguments->place.socket, arguments->place.state_dir);
	if (file && !config_read(config, file, err))
		return false;
	for (size_t i = 0; i < arguments->setting_count; i++)
		if (!set_one(config, arguments->settings[i], err))
			return false;
	return true;
}

/* Whoever typed a command reads it; a daemon's journal is in one language. */
static int refuse(const struct arguments *arguments, const struct err *err)
{
	struct arena arena = {0};
	if (arguments->check || arguments->admin)
		fprintf(stderr, "%s: %s\n", arguments->admin ? "tracktwo" : "tracktwod", say_message(&arena, err->message));
	else
		log_error("", "%s", err->message);
	arena_release(&arena);
	return EX_CONFIG;
}

static int check(const struct config *config, const struct arguments *arguments)
{
	struct err err;
	if (!senders_check(config, &err))
		return refuse(arguments, &err);
	puts(say("the configuration is right"));
	return EX_OK;
}

static int administer(struct config *config, const struct arguments *arguments)
{
	struct arena arena = {0};
	struct err err;

	/* What a daemon logs while it begins is nothing to whoever typed a command. */
	if (config->log_level < LOG_LEVEL_DEBUG)
		log_set_level(LOG_LEVEL_WARNING);
	if (!privileges_settle(config, &arguments->place, &err))
		return refuse(arguments, &err);
	struct registry *registry = api_registry();
	struct keep_options with = {.config = config, .file = file_of(arguments), .version = daemon_version};
	with.functions = daemon_functions(&arena, registry, &with.function_count);
	int status = keep_run(&with, arguments->admin_count, arguments->admin);
	registry_free(registry);
	arena_release(&arena);
	return status;
}

static int serve(struct config *config, struct arguments *arguments)
{
	/* Strings of the one live as long as those of the other. */
	const struct config as_read = *config;
	struct err err;

	if (!service_begin(&err) || !privileges_settle(config, &arguments->place, &err))
		return refuse(arguments, &err);
	return daemon_run(&(struct daemon_options){.config = config,
	                                           .as_read = &as_read,
	                                           .migrate_only = arguments->migrate,
	                                           .read = configure,
	                                           .context = arguments});
}

static int run(struct arguments *arguments)
{
	struct config config;
	struct err err;
	int status;

	place_find(&arguments->place);
	if (!configure(&config, arguments, &err)) {
		status = refuse(arguments, &err);
		goto out;
	}
	log_set_level((enum log_level)config.log_level);
	if (arguments->check) {
		status = check(&config, arguments);
	} else if (arguments->admin) {
		status = administer(&config, arguments);
	} else {
		status = serve(&config, arguments);
	}
out:
	config_release(&config);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	int option;

	streams_open();
	(void)language_choose(NULL);
	while (!arguments.admin && (option = getopt_long(argc, argv, "+c:s:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.file = optarg;
			break;
		case 's':
			if (arguments.setting_count == sizeof arguments.settings / sizeof *arguments.settings) {
				fprintf(stderr, "tracktwod: more than 64 settings; write a file\n");
				return EX_USAGE;
			}
			arguments.settings[arguments.setting_count++] = optarg;
			break;
		case OPTION_LANG:
			if (!language_choose(optarg)) {
				fprintf(stderr, "tracktwod: %s\n", say("--lang takes en or ko"));
				return EX_USAGE;
			}
			break;
		case OPTION_CHECK:
			arguments.check = true;
			break;
		case OPTION_MIGRATE:
			arguments.migrate = true;
			break;
		case OPTION_ADMIN:
			arguments.admin = argv + optind;
			arguments.admin_count = argc - optind;
			break;
		case OPTION_DESCRIBE:
			return describe(optarg);
		case OPTION_VERSION:
			printf("tracktwod %s\n", daemon_version);
			return EX_OK;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		default:
			fprintf(stderr, "tracktwod: see tracktwod --help\n");
			return EX_USAGE;
		}
	}
	if (!arguments.admin && optind < argc) {
		fprintf(stderr, "tracktwod: %s is none of the options; see tracktwod --help\n", argv[optind]);
		return EX_USAGE;
	}
	return run(&arguments);
}
