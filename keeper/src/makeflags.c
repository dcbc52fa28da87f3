#include "makeflags.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An option of make 4.4, which is the first that opens a jobserver by its path. */
#define OPTION_OF_PATH_MAKES "jobserver-style"

static char **find_variable(const struct task_spec *spec, const char *name)
{
	size_t length = strlen(name);
	for (char **at = spec->env; *at; at++)
		if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
			return at;
	return NULL;
}

/* No FIFO is waited for. */
static int open_program(const char *folder, int length)
{
	char path[PATH_MAX];
	struct stat status;
	if (snprintf(path, sizeof path, "%.*s/make", length, folder) >= (int)sizeof path)
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_make(const char *path)
{
	for (;;) {
		int length = (int)strcspn(path, ":");
		int fd = *path == '/' ? open_program(path, length) : -1;
		if (fd >= 0 || !path[length])
			return fd;
		path += length + 1;
	}
}

/* Read and not mapped: it may be written anew meanwhile, and a mapped page that is gone kills. */
static bool file_has(int fd, const char *text)
{
	char piece[64 * 1024];
	size_t length = strlen(text), kept = 0;
	for (;;) {
		ssize_t got = read(fd, piece + kept, sizeof piece - kept);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		size_t have = kept + (size_t)got;
		if (memmem(piece, have, text, length))
			return true;
		kept = have < length - 1 ? have : length - 1;
		memmove(piece, piece + have - kept, kept);
	}
}

/*
 * The name of the option stands in the program: that is sooner read than the program run. Where there is
 * none, what there may be (ninja, cargo, compilers) opens paths.
 */
static bool make_opens_paths(const char *path)
{
	int fd = open_make(path);
	if (fd < 0)
		return true;
	bool opens = file_has(fd, OPTION_OF_PATH_MAKES);
	close(fd);
	return opens;
}

void makeflags_choose(const struct task_spec *spec)
{
	if (!spec->old_makeflags)
		return;
	char **flags = find_variable(spec, "MAKEFLAGS");
	char **path = find_variable(spec, "PATH");
	if (flags && !make_opens_paths(path ? *path + strlen("PATH=") : "/usr/bin:/bin"))
		*flags = spec->old_makeflags;
}
