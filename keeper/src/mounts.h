/* What an init has mounted, and whether a task has left it untouched. */
#ifndef COFFERDAM_MOUNTS_H
#define COFFERDAM_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define MOUNT_OPTIONS_MAX 256

/* A file system of our own: its options can be changed without a change in the table of mounts. */
struct own_mount {
	uint64_t id;
	uint32_t flags;
	char options[MOUNT_OPTIONS_MAX];
};

struct mounts {
	int table; /* /proc/self/mountinfo: poll(2) tells of a change */
	int queues; /* the message queues of our IPC namespace, mounted nowhere */
	struct stat shared_memory; /* of /dev/shm itself */
	struct own_mount shm;
	struct own_mount proc;
};

/* After everything is mounted. False: not this kernel (it takes Linux 6.11). */
bool mounts_take(struct mounts *mounts);
/* Whether the table and the options are as they were, and /dev/shm and the queues untouched. */
bool mounts_hold(const struct mounts *mounts);
/* After mounts_take, whatever it said. */
void mounts_close(const struct mounts *mounts);

#endif
