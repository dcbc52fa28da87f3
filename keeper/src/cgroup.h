/*
 * A cgroup v2 of our own below the one we are in, where that can be written. It needs no controller
 * to kill all that is in it at once (cgroup.kill, Linux 5.14); with controllers delegated it also
 * bounds memory and processes hard.
 */
#ifndef COFFERDAM_CGROUP_H
#define COFFERDAM_CGROUP_H

#include <stdbool.h>

struct cgroup {
	int dir; /* -1: none */
	char path[512];
	const char *step; /* which one failed, when it could not be had */
};

/* Makes `cofferdam-<name>` below our own cgroup. False: errno, and group->step. */
bool cgroup_open(struct cgroup *group, const char *name);
/* Removes it. */
void cgroup_close(struct cgroup *group);

#endif
