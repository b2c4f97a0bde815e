/* Archive: headers of tar, and the two digests.
 *
 * Invariant: a draft's file is no tar until archive_finish() has written its first header, last of all and after a
 * sync; so what was broken off cannot be taken for a backup even under a backup's name. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text/digest.h"
#include "text/json.h"

enum { BLOCK = 512, CHUNK = 256 * 1024, MANIFEST_MAX = 16 * 1024 * 1024, NAME_BYTES = 100 };

#define DUMP "database.dump"
#define MANIFEST "manifest.json"
#define FORMAT "tracktwo backup 1"

/* ustar's header; offsets and widths as POSIX gives them. */
struct header {
	char name[NAME_BYTES], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
	    version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static unsigned checksum_of(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof *header; i++)
		sum += i >= offsetof(struct header, checksum) && i < offsetof(struct header, type) ? ' ' : bytes[i];
	return sum;
}

/* Eleven octal digits reach 8 GiB; above, GNU tar's and everybody's way: the first bit set, then binary. */
static void put_size(char field[static 12], uint64_t size)
{
	if (size < (uint64_t)1 << 33) {
		char digits[24];
		snprintf(digits, sizeof digits, "%011llo", (unsigned long long)size);
		memcpy(field, digits, 12);
		return;
	}
	memset(field, 0, 12);
	field[0] = (char)0x80;
	for (int i = 11; i > 3; i--, size >>= 8)
		field[i] = (char)(size & 0xFF);
}

static uint64_t get_size(const char field[static 12])
{
	uint64_t size = 0;
	if ((unsigned char)field[0] == 0x80) {
		for (int i = 4; i < 12; i++)
			size = size << 8 | (unsigned char)field[i];
		return size;
	}
	for (int i = 0; i < 11; i++) {
		if (field[i] < '0' || field[i] > '7')
			return UINT64_MAX;
		size = size * 8 + (uint64_t)(field[i] - '0');
	}
	return size;
}

static void seal(struct header *header)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%06o", checksum_of(header));
	memcpy(header->checksum, digits, 7);
	header->checksum[7] = ' ';
}

static void make_header(struct header *header, const char *name, uint64_t size)
{
	char digits[24];
	*header = (struct header){.mode = "0000600", .uid = "0000000", .gid = "0000000", .type = '0'};
	snprintf(header->name, sizeof header->name, "%s", name);
	put_size(header->size, size);
	snprintf(digits, sizeof digits, "%011llo", (unsigned long long)time(NULL) & 077777777777ULL);
	memcpy(header->mtime, digits, 12);
	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	seal(header);
}

static uint64_t padding_of(uint64_t length)
{
	return (BLOCK - length % BLOCK) % BLOCK;
}

ERR_CHECKED static bool write_all(int fd, const void *bytes, size_t length, struct err *err)
{
	for (const char *at = bytes; length > 0;) {
		ssize_t wrote = write(fd, at, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return err_set_errno(err, wrote < 0 ? errno : ENOSPC, "the backup cannot be written");
		at += wrote;
		length -= (size_t)wrote;
	}
	return true;
}

bool archive_begin(struct archive_draft *draft, int fd, struct err *err)
{
	static const char nothing[BLOCK];
	*draft = (struct archive_draft){.fd = fd, .digest = digest_new()};
	return write_all(fd, nothing, sizeof nothing, err);
}

bool archive_add(struct archive_draft *draft, const void *bytes, size_t length, struct err *err)
{
	digest_add(draft->digest, bytes, length);
	draft->length += length;
	return write_all(draft->fd, bytes, length, err);
}

/* Of the manifest without its own digest. */
static void digest_manifest(json_t *manifest, char hex[static DIGEST_HEX_SIZE])
{
	struct arena arena = {0};
	json_t *plain = json_copy(manifest);
	json_object_del(plain, "manifest_sha256");
	const char *text = json_canonical(&arena, plain);
	digest_of(text, strlen(text), hex);
	json_decref(plain);
	arena_release(&arena);
}

ERR_CHECKED static bool write_end(struct archive_draft *draft, const char *text, struct err *err)
{
	static const char nothing[2 * BLOCK];
	struct header header;
	size_t length = strlen(text);
	make_header(&header, MANIFEST, length);
	if (!write_all(draft->fd, nothing, (size_t)padding_of(draft->length), err) ||
	    !write_all(draft->fd, &header, sizeof header, err) || !write_all(draft->fd, text, length, err) ||
	    !write_all(draft->fd, nothing, (size_t)padding_of(length), err) ||
	    !write_all(draft->fd, nothing, sizeof nothing, err))
		return false;
	make_header(&header, DUMP, draft->length);
	if (fsync(draft->fd) != 0 || pwrite(draft->fd, &header, sizeof header, 0) != (ssize_t)sizeof header ||
	    fsync(draft->fd) != 0)
		return err_set_errno(err, errno, "the backup cannot be written");
	return true;
}

bool archive_finish(struct archive_draft *draft, json_t *manifest, struct err *err)
{
	char hex[DIGEST_HEX_SIZE];
	digest_finish(draft->digest, hex);
	draft->digest = NULL;
	json_object_set_new(manifest, "format", json_string(FORMAT));
	json_object_set_new(manifest, "dump_bytes", json_integer((json_int_t)draft->length));
	json_object_set_new(manifest, "dump_sha256", json_string(hex));
	digest_manifest(manifest, hex);
	json_object_set_new(manifest, "manifest_sha256", json_string(hex));
	char *text = json_dumps(manifest, JSON_INDENT(1));
	if (!text)
		abort();
	bool done = write_end(draft, text, err);
	free(text);
	return done;
}

void archive_abandon(struct archive_draft *draft)
{
	char hex[DIGEST_HEX_SIZE];
	if (draft->digest)
		digest_finish(draft->digest, hex);
	draft->digest = NULL;
}

ERR_CHECKED static bool read_at(int fd, uint64_t at, void *bytes, size_t length, struct err *err)
{
	for (char *to = bytes; length > 0;) {
		ssize_t got = pread(fd, to, length, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "cannot be read");
		if (got == 0)
			return err_set(err, "is cut off: it ends before its manifest does");
		to += got;
		at += (uint64_t)got;
		length -= (size_t)got;
	}
	return true;
}

ERR_CHECKED static bool read_header(int fd, uint64_t at, const char *name, uint64_t *length, struct err *err)
{
	struct header header, right;
	if (!read_at(fd, at, &header, sizeof header, err))
		return false;
	/* All but the time is known: a link, or a path that leads elsewhere, is for nobody's `tar xf`. */
	make_header(&right, name, get_size(header.size));
	memcpy(right.mtime, header.mtime, sizeof right.mtime);
	seal(&right);
	if (memcmp(&header, &right, sizeof header) != 0)
		return err_set(err, at == 0 ? "is no backup of tracktwo, or damaged at its head"
		                            : "is damaged: there is no manifest behind the dump");
	*length = get_size(header.size);
	return true;
}

ERR_CHECKED static bool read_zeros(int fd, uint64_t at, size_t length, struct err *err)
{
	char bytes[3 * BLOCK];
	if (!read_at(fd, at, bytes, length, err))
		return false;
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return err_set(err, "is damaged: there is something where nothing belongs");
	return true;
}

/* Its texts are shown to people, whose terminals obey control characters. */
static bool is_plain(const json_t *manifest)
{
	const char *member;
	json_t *value, *item;
	size_t index;
	json_object_foreach((json_t *)(uintptr_t)manifest, member, value) {
		for (const char *c = json_string_value(value); c && *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7F)
				return false;
	}
	json_array_foreach(json_object_get(manifest, "items"), index, item) {
		if (!json_is_string(json_object_get(item, "item")))
			return false;
	}
	return json_array_size(json_object_get(manifest, "items")) > 0;
}

ERR_CHECKED static bool check_manifest(struct archive *archive, struct err *err)
{
	char hex[DIGEST_HEX_SIZE];
	if (strcmp(archive_text(archive, "format"), FORMAT) != 0)
		return err_set(err, "is of a format that this release does not know: %.80s", archive_text(archive, "format"));
	digest_manifest(archive->manifest, hex);
	if (strcmp(archive_text(archive, "manifest_sha256"), hex) != 0)
		return err_set(err, "is damaged: its manifest was changed");
	if (json_integer_value(json_object_get(archive->manifest, "dump_bytes")) != (json_int_t)archive->dump_length)
		return err_set(err, "is damaged: its dump is longer or shorter than the manifest says");
	return is_plain(archive->manifest) || err_set(err, "is damaged: its manifest says what none says");
}

ERR_CHECKED static bool read_manifest(struct archive *archive, uint64_t size, struct err *err)
{
	uint64_t at = archive->dump_at + archive->dump_length, padding = padding_of(archive->dump_length), length;
	if (!read_zeros(archive->fd, at, (size_t)padding, err) ||
	    !read_header(archive->fd, at + padding, MANIFEST, &length, err))
		return false;
	at += padding + BLOCK;
	if (length > MANIFEST_MAX || at + length + padding_of(length) + 2 * BLOCK != size)
		return err_set(err, "is cut off, or longer than it was");
	char *text = malloc((size_t)length + 1);
	if (!text)
		abort();
	bool done = read_at(archive->fd, at, text, (size_t)length, err) &&
	            read_zeros(archive->fd, at + length, (size_t)padding_of(length) + 2 * BLOCK, err);
	if (done) {
		text[length] = '\0';
		done = json_parse(text, (size_t)length, &archive->manifest, err) ||
		       err_set(err, "is damaged: its manifest is no JSON");
	}
	free(text);
	return done && check_manifest(archive, err);
}

bool archive_open(struct archive *archive, const char *path, struct err *err)
{
	struct stat status;
	*archive = (struct archive){.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .dump_at = BLOCK};
	/* Root, who typed the command, could. */
	if (archive->fd < 0 && errno == EACCES)
		return err_set_errno(err, errno, "the user that the daemon runs as cannot read %s", path);
	if (archive->fd < 0 || fstat(archive->fd, &status) != 0)
		return err_set_errno(err, errno, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, "%s is no file", path);
	uint64_t size = (uint64_t)status.st_size;
	if (!read_header(archive->fd, 0, DUMP, &archive->dump_length, err))
		return err_prefix(err, "%s", path);
	if (archive->dump_length > size)
		return err_set(err, "%s: is cut off: the dump alone is longer", path);
	return read_manifest(archive, size, err) || err_prefix(err, "%s", path);
}

bool archive_check(const struct archive *archive, archive_progress *progress, void *context, struct err *err)
{
	char hex[DIGEST_HEX_SIZE];
	char *chunk = malloc(CHUNK);
	struct digest *digest = digest_new();
	bool done = true;
	if (!chunk)
		abort();
	for (uint64_t at = 0; done && at < archive->dump_length;) {
		uint64_t left = archive->dump_length - at;
		size_t part = left < CHUNK ? (size_t)left : CHUNK;
		done = read_at(archive->fd, archive->dump_at + at, chunk, part, err);
		if (done)
			digest_add(digest, chunk, part);
		at += part;
		progress(at, archive->dump_length, context);
	}
	digest_finish(digest, hex);
	free(chunk);
	if (done && strcmp(hex, archive_text(archive, "dump_sha256")) != 0)
		return err_set(err, "the backup is damaged: the SHA-256 of its dump is not what the manifest says");
	return done;
}

void archive_close(struct archive *archive)
{
	if (archive->fd >= 0)
		close(archive->fd);
	json_decref(archive->manifest);
	*archive = (struct archive){.fd = -1};
}

const char *archive_text(const struct archive *archive, const char *member)
{
	const char *text = json_string_value(json_object_get(archive->manifest, member));
	return text ? text : "";
}

long archive_number(const struct archive *archive, const char *member)
{
	return (long)json_integer_value(json_object_get(archive->manifest, member));
}
