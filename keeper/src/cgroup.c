#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* Where the v2 hierarchy is mounted, from mountinfo: "... MOUNTPOINT ... - cgroup2 ...". */
static bool find_mount(char *into, size_t size)
{
	FILE *lines = fopen("/proc/self/mountinfo", "re");
	if (!lines)
		return false;
	char line[1024];
	bool found = false;
	while (!found && fgets(line, sizeof line, lines)) {
		char point[400];
		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*d %*d %*s %*s %399s", point) == 1)
			found = snprintf(into, size, "%s", point) < (int)size;
	}
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

bool cgroup_open(struct cgroup *group, const char *name)
{
	char mount[400], own[400];
	group->dir = -1;
	group->step = "no cgroup v2 is mounted";
	if (!find_mount(mount, sizeof mount) || !find_own(own, sizeof own))
		return false;
	group->step = "path";
	int length = snprintf(group->path, sizeof group->path, "%s%s/cofferdam-%s-%d", mount,
			      strcmp(own, "/") == 0 ? "" : own, name, (int)getpid());
	if (length >= (int)sizeof group->path) {
		errno = ENAMETOOLONG;
		return false;
	}
	group->step = "mkdir";
	if (mkdir(group->path, 0755) != 0)
		return false;
	group->step = "open";
	group->dir = open(group->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->dir < 0) {
		rmdir(group->path);
		return false;
	}
	return true;
}

void cgroup_close(struct cgroup *group)
{
	if (group->dir < 0)
		return;
	close(group->dir);
	group->dir = -1;
	rmdir(group->path);
}
