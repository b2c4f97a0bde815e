/* Mark: see the header; there is either a whole mark under the name or none. */
#include "cli/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of base64, URL-safe. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool mark_valid(const char *mark)
{
	size_t length = strspn(mark, letters);
	return length > 0 && length <= MARK_BYTES_MAX && mark[length] == '\0';
}

bool mark_read(const char *path, char mark[static MARK_BYTES_MAX + 1], struct err *err)
{
	FILE *in = fopen(path, "re");

	mark[0] = '\0';
	if (!in)
		return errno == ENOENT || err_set_errno(err, errno, "%s", path);
	char text[MARK_BYTES_MAX + 3];
	size_t length = fread(text, 1, sizeof text - 1, in);
	bool whole = !ferror(in) && feof(in);
	fclose(in);
	text[length] = '\0';
	length = strspn(text, letters);
	if (!whole || length == 0 || length > MARK_BYTES_MAX || strcmp(text + length, "\n") != 0)
		return err_set(err, "%s holds no cursor", path);
	memcpy(mark, text, length);
	mark[length] = '\0';
	return true;
}

static bool write_whole(int file, const char *mark)
{
	char text[MARK_BYTES_MAX + 2];
	int length = snprintf(text, sizeof text, "%s\n", mark);
	return length > 0 && (size_t)length < sizeof text && write(file, text, (size_t)length) == length &&
	       fsync(file) == 0;
}

bool mark_write(const char *path, const char *mark, struct err *err)
{
	struct stat old;
	char *beside;
	mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0600;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		abort();
	int file = mkstemp(beside);
	bool done = file >= 0 && write_whole(file, mark) && fchmod(file, mode) == 0 && rename(beside, path) == 0;
	int fault = errno;
	if (file >= 0)
		close(file);
	if (file >= 0 && !done)
		unlink(beside);
	free(beside);
	return done || err_set_errno(err, fault, "%s", path);
}
