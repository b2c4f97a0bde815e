/* Admin: what is done to the store as a whole is done by the daemon's own program, as the daemon's user; this one links
 * no libpq, and whoever types the command may not read what the daemon reads. It finds that program, and becomes it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "text/language.h"

/* Beside this program, as in a checkout; or where an installation with the same prefix has it. */
static const char *find_daemon(struct cli *cli)
{
	static const char *const places[] = {"tracktwod", "../sbin/tracktwod", "../libexec/tracktwo/tracktwod"};
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
	if (!slash)
		return NULL;
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *found = arena_printf(&cli->arena, "%s%s", path, places[i]);
		if (access(found, X_OK) == 0)
			return found;
	}
	return NULL;
}

char **commands_admin_words(struct cli *cli, const char *word, struct err *err)
{
	struct arguments *arguments = &cli->arguments;
	/* Each option that is taken out comes back as two words, and was one or two. */
	char **words = arena_alloc(&cli->arena, (2 * arguments->count + 8) * sizeof *words);
	const char *program = find_daemon(cli), *value = NULL;
	size_t count = 0;
	if (!program) {
		(void)err_set(err, "%s", say("tracktwod, which does this, is not installed beside this program"));
		return NULL;
	}
	words[count++] = arena_strdup(&cli->arena, program);
	if (!arguments_take(arguments, "config", &value, err))
		return NULL;
	if (value) {
		words[count++] = arena_strdup(&cli->arena, "-c");
		words[count++] = arena_strdup(&cli->arena, value);
	}
	for (;;) {
		if (!arguments_take(arguments, "set", &value, err))
			return NULL;
		if (!value)
			break;
		words[count++] = arena_strdup(&cli->arena, "-s");
		words[count++] = arena_strdup(&cli->arena, value);
	}
	words[count++] = arena_strdup(&cli->arena, "--lang");
	words[count++] = arena_strdup(&cli->arena, language_code());
	words[count++] = arena_strdup(&cli->arena, "--admin");
	words[count++] = arena_strdup(&cli->arena, word);
	for (size_t i = 0; i < arguments->count; i++)
		words[count++] = arguments->words[i];
	words[count] = NULL;
	return words;
}

static int become(struct cli *cli, const char *word)
{
	struct err err;
	char **words = commands_admin_words(cli, word, &err);
	if (!words)
		return command_usage("%s", err.message);
	execv(words[0], words);
	return command_fail(CLI_FAILED, say("tracktwod cannot be run: %s"), strerror(errno));
}

static int run_backup(struct cli *cli)
{
	return become(cli, "backup");
}

const struct command command_admin_backup = {
    .word = "admin backup",
    .summary = "Makes a backup, while the daemon goes on serving; its path is printed.",
    .usage = "",
    .details =
        "It holds everything, private notes included, and is for nobody's eyes but the daemon's user's: keep copies "
        "as you keep the database.",
    .example = "tracktwo admin backup --to /mnt/backups",
    COMMAND_OPTIONS(
        {"to", "FOLDER|FILE.backup", "Where to; else [backup] directory.", COMMAND_VALUE_FILE, NULL},
        {"keep", "N", "How many backups stay in the folder; the last verified one stays besides. 0: all.",
         COMMAND_VALUE_ANY, NULL},
        {"verify", NULL, "Verify it as \"tracktwo admin verify-backup\" does, before older ones go.", COMMAND_VALUE_ANY,
         NULL},
        {"offline", NULL, "Start the embedded database for it, while the daemon is stopped.", COMMAND_VALUE_ANY, NULL},
        COMMANDS_ADMIN_OPTIONS),
    .run = run_backup,
};

static int run_verify(struct cli *cli)
{
	return become(cli, "verify-backup");
}

const struct command command_admin_verify = {
    .word = "admin verify-backup",
    .summary = "Restores a backup into a PostgreSQL of its own, compares every table, and throws that away.",
    .usage = "FILE",
    .example = "tracktwo admin verify-backup /var/lib/tracktwo/backups/tracktwo-20261124T020000Z.backup",
    COMMAND_OPTIONS(COMMANDS_ADMIN_OPTIONS),
    .words = {{COMMAND_VALUE_FILE, NULL}},
    .run = run_verify,
};

static int run_restore(struct cli *cli)
{
	return become(cli, "restore");
}

const struct command command_admin_restore = {
    .word = "admin restore",
    .summary = "Brings a backup back, compares every table, and keeps what stood there before.",
    .usage = "FILE",
    .details = "The daemon must be stopped. Broken off at any moment, it leaves what was there.",
    .example = "tracktwo admin restore --replace /var/lib/tracktwo/backups/tracktwo-20261124T020000Z.backup",
    COMMAND_OPTIONS(
        {"replace", NULL, "Set aside the store that is there.", COMMAND_VALUE_ANY, NULL},
        {"another", NULL, "Also when the backup is of another store than that one.", COMMAND_VALUE_ANY, NULL},
        COMMANDS_ADMIN_OPTIONS),
    .words = {{COMMAND_VALUE_FILE, NULL}},
    .run = run_restore,
};

static int run_kept(struct cli *cli)
{
	return become(cli, "kept");
}

const struct command command_admin_kept = {
    .word = "admin kept",
    .summary = "Lists what restores and upgrades have set aside, or deletes it.",
    .usage = "",
    COMMAND_OPTIONS({"drop", "NAME", "Delete this one, for good.", COMMAND_VALUE_ANY, NULL}, COMMANDS_ADMIN_OPTIONS),
    .run = run_kept,
};

static int run_upgrade(struct cli *cli)
{
	return become(cli, "upgrade-cluster");
}

const struct command command_admin_upgrade = {
    .word = "admin upgrade-cluster",
    .summary = "Takes the embedded PostgreSQL to the newest version installed, and keeps the old data beside.",
    .usage = "",
    .details = "The daemon must be stopped, and both versions installed. It begins with a backup.",
    COMMAND_OPTIONS(
        {"same-version", NULL, "Make the cluster anew although no newer version is there.", COMMAND_VALUE_ANY, NULL},
        COMMANDS_ADMIN_OPTIONS),
    .run = run_upgrade,
};

static int run_move(struct cli *cli)
{
	return become(cli, "move");
}

const struct command command_admin_move = {
    .word = "admin move",
    .summary = "Takes the store from the embedded PostgreSQL to a server of one's own.",
    .usage = "",
    .details =
        "The daemon must be stopped. It begins with a backup, and prints what the configuration then has to say.",
    .example = "tracktwo admin move --to 'host=db.example.org dbname=tracktwo user=tracktwo_admin'",
    COMMAND_OPTIONS(
        {"to", "CONNECTION", "The connection string of a member of tracktwo_owner.", COMMAND_VALUE_ANY, NULL},
        COMMANDS_ADMIN_OPTIONS),
    .run = run_move,
};
