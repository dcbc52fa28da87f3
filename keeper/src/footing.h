/*
 * What a task could have changed and the next one in the same namespaces would see: noted before the
 * first task, compared after each. An init may take another task only where all of it holds.
 *
 *   of the PID namespace   no other process; its sysctls
 *   of the IPC namespace   no System V object and no message queue; its limits and sysctls
 *   of the mount namespace the kernel tells of no change in the table of mounts; /dev/shm and /proc
 *                          have the options that they were mounted with; nothing was ever made in
 *                          /dev/shm
 *   of the init itself     what its user may set from outside: limits, scheduling, affinity, place
 *                          among the cgroups, session keyring, signals that wait for it
 */
#ifndef COFFERDAM_FOOTING_H
#define COFFERDAM_FOOTING_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "mounts.h"

#define FOOTING_FILES 14
#define FOOTING_FILE_BYTES 512

/* A file of /proc that is read again and again by its descriptor. */
struct footing_file {
	int fd; /* -1: the kernel has none */
	size_t length;
	char text[FOOTING_FILE_BYTES];
};

/* How it is scheduled. */
struct footing_schedule {
	uint32_t attributes[14]; /* struct sched_attr */
	cpu_set_t cpus;
	long io_priority;
	long timer_slack;
	long keyring;
};

struct footing {
	struct footing_file files[FOOTING_FILES];
	struct rlimit limits[RLIM_NLIMITS];
	struct footing_schedule schedule;
	struct shminfo shm;
	struct seminfo sem;
	struct msginfo msg;
	struct mounts mounts;
};

/* Before the first task. False: something cannot be known here, and nothing can be proved. */
bool footing_take(struct footing *footing);
/* After a task whose processes have been reaped. False: something changed, or cannot be read. */
bool footing_holds(const struct footing *footing);

#endif
