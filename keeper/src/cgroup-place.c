#include "cgroup-place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files.h"

#define LEAF "cofferdam-supervisor"
#define ANCESTORS_MAX 64

/* Where the v2 hierarchy is mounted, from mountinfo: "ID PARENT DEV ROOT MOUNTPOINT ... - cgroup2 ...". */
static bool find_mount(char root[400], char point[400])
{
	FILE *lines = fopen("/proc/self/mountinfo", "re");
	if (!lines)
		return false;
	char line[1024];
	bool found = false;
	while (!found && fgets(line, sizeof line, lines))
		found = strstr(line, " - cgroup2 ") &&
			sscanf(line, "%*d %*d %*s %399s %399s", root, point) == 2;
	fclose(lines);
	if (!found)
		errno = ENOENT;
	return found;
}

/* Our place in it, from "0::PATH". */
static bool find_own(char *into, size_t size)
{
	FILE *lines = fopen("/proc/self/cgroup", "re");
	if (!lines)
		return false;
	char line[512];
	bool found = false;
	while (!found && fgets(line, sizeof line, lines)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::", 3) == 0)
			found = snprintf(into, size, "%s", line + 3) < (int)size;
	}
	fclose(lines);
	if (!found)
		errno = ENOENT;
	return found;
}

const char *cgroup_place_find(char *into, size_t size)
{
	char root[400], point[400], own[400];
	if (!find_mount(root, point) || !find_own(own, sizeof own))
		return "no cgroup v2 is mounted";
	/* Of a container only a part may be mounted, and ours may lie outside of it. */
	size_t outside = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(own, root, outside) != 0 || (own[outside] != '/' && own[outside] != 0) ||
	    strstr(own, "..")) {
		errno = ENOENT;
		return "our cgroup is not mounted";
	}
	char *below = own + outside;
	/* An earlier keeper of this process has moved us to the leaf. */
	char *last = strrchr(below, '/');
	if (last && strcmp(last + 1, LEAF) == 0)
		*last = 0;
	if (strcmp(below, "/") == 0)
		*below = 0;
	if (snprintf(into, size, "%s%s", point, below) >= (int)size) {
		errno = ENAMETOOLONG;
		return "path";
	}
	return NULL;
}

static bool file_has_word(int dir, const char *file, const char *word)
{
	char text[512];
	if (read_file_at(dir, file, text, sizeof text) <= 0)
		return false;
	char *rest = NULL;
	for (char *at = strtok_r(text, " \n", &rest); at; at = strtok_r(NULL, " \n", &rest))
		if (strcmp(at, word) == 0)
			return true;
	return false;
}

/* Handed over: systemd marks it so; or it is all of the hierarchy that a container has. */
static bool is_handed_over(const char *path)
{
	char mark[4] = "", own[8] = "";
	if (getxattr(path, "user.delegate", mark, sizeof mark - 1) > 0 ||
	    getxattr(path, "trusted.delegate", mark, sizeof mark - 1) > 0)
		return mark[0] == '1';
	return find_own(own, sizeof own) && strcmp(own, "/") == 0;
}

static pid_t parent_of(pid_t pid)
{
	char path[40], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_file(path, text, sizeof text) <= 0)
		return 0;
	char *close = strrchr(text, ')');
	int parent = 0;
	return close && sscanf(close + 1, " %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

static bool is_of_our_line(pid_t pid)
{
	pid_t at = getpid();
	for (int generation = 0; at > 0 && generation < ANCESTORS_MAX; generation++) {
		if (at == pid)
			return true;
		at = parent_of(at);
	}
	return false;
}

static bool move_to(int leaf, pid_t pid)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d", (int)pid);
	int file = openat(leaf, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	bool moved = file >= 0 && write(file, text, (size_t)length) == length;
	if (file >= 0)
		close(file);
	return moved;
}

/* Calls for each process that is in the cgroup itself; false as soon as one call is. */
static bool each_process(int dir, bool (*call)(int, pid_t), int leaf)
{
	static char text[16384];
	ssize_t length = read_file_at(dir, "cgroup.procs", text, sizeof text);
	if (length < 0 || length == (ssize_t)sizeof text - 1)
		return false;
	char *rest = NULL;
	for (char *at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
		if (!call(leaf, (pid_t)atoi(at)))
			return false;
	return true;
}

static bool check_line(int leaf, pid_t pid)
{
	(void)leaf;
	return is_of_our_line(pid);
}

static bool give(int dir, const char *controllers)
{
	int file = openat(dir, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
	bool given = file >= 0 &&
		     write(file, controllers, strlen(controllers)) == (ssize_t)strlen(controllers);
	if (file >= 0)
		close(file);
	return given;
}

void cgroup_place_delegate(int dir, const char *path)
{
	char wanted[24] = "";
	static const char *const controllers[] = {"memory", "pids"};
	for (size_t i = 0; i < 2; i++)
		if (file_has_word(dir, "cgroup.controllers", controllers[i]) &&
		    !file_has_word(dir, "cgroup.subtree_control", controllers[i]))
			sprintf(wanted + strlen(wanted), " +%s", controllers[i]);
	/* Only the root of the machine has no type. */
	if (!wanted[0] || faccessat(dir, "cgroup.type", F_OK, 0) != 0 || !is_handed_over(path) ||
	    !each_process(dir, check_line, -1))
		return;
	if (mkdirat(dir, LEAF, 0755) != 0 && errno != EEXIST)
		return;
	int leaf = openat(dir, LEAF, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leaf < 0)
		return;
	if (!each_process(dir, move_to, leaf) || !give(dir, wanted)) {
		each_process(leaf, move_to, dir);
		unlinkat(dir, LEAF, AT_REMOVEDIR);
	}
	close(leaf);
}
