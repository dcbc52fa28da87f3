/* Where in the hierarchy of cgroups we may make our own, and with which controllers. */
#ifndef COFFERDAM_CGROUP_PLACE_H
#define COFFERDAM_CGROUP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* The path of the cgroup below which ours belong. NULL: found; else the step that failed, with errno. */
const char *cgroup_place_find(char *into, size_t size);

/*
 * Lets children of the cgroup have memory and pids, where the cgroup was handed over to us.
 *
 * A cgroup with processes in it cannot give controllers to its children. So those that are in it
 * move to a leaf beside ours, if they are nobody but us and our ancestors: then the cgroup was made
 * for this very run (`systemd-run --scope -p Delegate=yes`, a container). Nothing is changed in the
 * root of the machine, and nothing where others live.
 */
void cgroup_place_delegate(int dir, const char *path);

#endif
