#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t later(uint64_t at, uint64_t by)
{
	return by > UINT64_MAX - at ? UINT64_MAX : at + by;
}

bool write_file_at(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t written = write(fd, text, strlen(text));
	int saved = errno;
	close(fd);
	errno = saved;
	return written == (ssize_t)strlen(text);
}

bool write_file(const char *path, const char *text)
{
	return write_file_at(AT_FDCWD, path, text);
}

ssize_t read_file_at(int dir, const char *path, char *into, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t length = 0;
	while (length < size - 1) {
		ssize_t got = read(fd, into + length, size - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(fd);
	into[length] = 0;
	return (ssize_t)length;
}

ssize_t read_file(const char *path, char *into, size_t size)
{
	return read_file_at(AT_FDCWD, path, into, size);
}

DIR *open_stream(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream && fd >= 0)
		close(fd);
	return stream;
}

bool proc_is_ours(void)
{
	char text[32];
	ssize_t length = readlink("/proc/self", text, sizeof text - 1);
	if (length <= 0)
		return false;
	text[length] = 0;
	return atol(text) == (long)getpid();
}

uint64_t process_start_time(pid_t pid)
{
	static pid_t asker; /* who has /proc for sure: each task's start asks */
	char path[64], text[1024];
	if (asker != getpid()) {
		if (!proc_is_ours())
			return 0;
		asker = getpid();
	}
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_file(path, text, sizeof text) <= 0)
		return 0;
	/* The command name may hold anything, so count from the last parenthesis. */
	char *at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

uint64_t own_pid_namespace(void)
{
	struct stat status;
	return stat("/proc/self/ns/pid", &status) == 0 ? (uint64_t)status.st_ino : 0;
}

void read_boot_id(char into[40])
{
	if (read_file("/proc/sys/kernel/random/boot_id", into, 40) <= 0)
		snprintf(into, 40, "-");
	into[strcspn(into, "\n")] = 0;
}

static int compare_ints(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;
	return (left > right) - (left < right);
}

static void close_between(unsigned int first, unsigned int last)
{
	if (first > last)
		return;
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
	/* Before Linux 5.9. */
	long limit = sysconf(_SC_OPEN_MAX);
	for (unsigned int fd = first; fd <= last && fd < (unsigned int)limit; fd++)
		close((int)fd);
}

void close_all_except(int *keep, size_t count)
{
	qsort(keep, count, sizeof *keep, compare_ints);
	unsigned int next = 0;
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned int)keep[i] > next)
			close_between(next, (unsigned int)keep[i] - 1);
		next = (unsigned int)keep[i] + 1;
	}
	close_between(next, ~0u);
}

/* Deeper than this, folders are lifted to the top first: neither stack nor descriptors run out. */
#define REMOVE_DEPTH_MAX 64

struct removal {
	dev_t device;
	int top;
	unsigned lifted;
};

static bool remove_entries(struct removal *removal, int dir, unsigned depth);

/* A folder of this very mount: a bind mount has the same device and another's files. */
static int open_here(int parent, const char *name, dev_t device, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
	int dir = (int)syscall(SYS_openat2, parent, name, &how, sizeof how);
	if (dir < 0 && errno == ENOSYS) /* before Linux 5.6 */
		dir = openat(parent, name, (int)how.flags);
	struct stat status;
	if (dir >= 0 && (fstat(dir, &status) != 0 || status.st_dev != device)) {
		close(dir);
		errno = EXDEV;
		return -1;
	}
	return dir;
}

static int open_folder(int parent, const char *name, dev_t device)
{
	int dir = open_here(parent, name, device, O_RDONLY);
	if (dir >= 0 || errno != EACCES)
		return dir;
	/* Made readable by its descriptor: by name, a link put in its place would be followed. */
	int place = open_here(parent, name, device, O_PATH);
	if (place < 0)
		return -1;
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", place);
	dir = chmod(path, 0700) == 0 ? open_here(parent, name, device, O_RDONLY) : -1;
	int saved = errno;
	close(place);
	errno = saved;
	return dir;
}

static bool lift(struct removal *removal, int parent, const char *name, int dir)
{
	char place[40];
	snprintf(place, sizeof place, ".lifted-%d-%u", (int)getpid(), removal->lifted);
	/* To get another parent a folder must itself be writable. */
	if (fchmod(dir, 0700) != 0 || renameat(parent, name, removal->top, place) != 0)
		return false;
	removal->lifted++;
	return true;
}

static bool remove_entry(struct removal *removal, int parent, const char *name, unsigned depth)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return false;
	int dir = open_folder(parent, name, removal->device);
	if (dir < 0)
		return errno == ENOENT;
	if (depth >= REMOVE_DEPTH_MAX && lift(removal, parent, name, dir)) {
		close(dir);
		return true;
	}
	bool emptied = remove_entries(removal, dir, depth + 1);
	close(dir);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || (emptied && errno == ENOENT);
}

/* `dir` stays the caller's. */
static bool remove_entries(struct removal *removal, int dir, unsigned depth)
{
	if (fchmod(dir, 0700) != 0 && errno != EPERM)
		return false;
	DIR *stream = open_stream(dir, ".");
	if (!stream)
		return false;
	bool all = true;
	struct dirent *entry;
	while ((entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		all &= remove_entry(removal, dir, entry->d_name, depth);
	}
	closedir(stream);
	return all;
}

bool remove_tree(int parent, const char *name)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	struct stat status;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	struct removal removal = {.device = status.st_dev};
	removal.top = open_folder(parent, name, status.st_dev);
	if (removal.top < 0)
		return errno == ENOENT || unlinkat(parent, name, 0) == 0;
	bool emptied;
	unsigned before;
	do {
		before = removal.lifted;
		emptied = remove_entries(&removal, removal.top, 0);
	} while (emptied && removal.lifted != before);
	close(removal.top);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}
