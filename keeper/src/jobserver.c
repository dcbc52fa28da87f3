#include "jobserver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec.h"

/* Hidden: a command that reads all it finds in its scratch folder would wait at it for ever. */
#define NAME ".jobserver"
#define PATH_SIZE 64

static void jobserver_path(char into[PATH_SIZE], const char *folder)
{
	snprintf(into, PATH_SIZE, "%s/" NAME, folder);
}

static bool put_tokens(int fd, size_t count)
{
	char tokens[JOBS_MAX];
	memset(tokens, '+', count);
	errno = ENOSPC;
	return count == 0 || write(fd, tokens, count) == (ssize_t)count;
}

int jobserver_open(int dir, const char *folder, uint64_t jobs)
{
	char path[PATH_SIZE];
	jobserver_path(path, folder);
	if (mkfifoat(dir, path, 0600) != 0)
		return -1;
	int fd = openat(dir, path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	/* The first job needs no token. Who waits for one reads until it comes: so no longer NONBLOCK. */
	if (put_tokens(fd, (size_t)jobs - 1) && fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

void jobserver_remove(int dir, const char *folder)
{
	char path[PATH_SIZE];
	jobserver_path(path, folder);
	unlinkat(dir, path, 0);
}
