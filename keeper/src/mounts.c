#include "mounts.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The size of a folder of queues without any: each has 20 bytes, and so have "." and "..". */
#define EMPTY_QUEUES_BYTES 40

/* As in <linux/mount.h> and <linux/stat.h> of newer systems than some that this is built on. */
#define NR_STATMOUNT 457
#define MASK_SB_BASIC 0x00000001u
#define MASK_MNT_OPTS 0x00000080u
#define MASK_MNT_ID_UNIQUE 0x00004000u

struct mount_request {
	uint32_t size;
	uint32_t spare;
	uint64_t id;
	uint64_t mask;
};

struct mount_answer {
	uint32_t size;
	uint32_t options; /* where in text */
	uint64_t mask;
	uint32_t device[2];
	uint64_t magic;
	uint32_t flags;
	uint32_t rest[119];
	char text[MOUNT_OPTIONS_MAX];
};

_Static_assert(offsetof(struct mount_answer, text) == 512, "as the kernel lays it out");

static bool read_options(struct own_mount *own)
{
	struct mount_request request = {
		.size = sizeof request, .id = own->id, .mask = MASK_SB_BASIC | MASK_MNT_OPTS};
	struct mount_answer answer = {0};
	if (syscall(NR_STATMOUNT, &request, &answer, sizeof answer, 0) != 0 ||
	    !(answer.mask & MASK_SB_BASIC))
		return false;
	memset(own->options, 0, sizeof own->options);
	/* Without any options the kernel gives none. */
	if (answer.mask & MASK_MNT_OPTS) {
		if (answer.options >= sizeof answer.text)
			return false;
		strncpy(own->options, answer.text + answer.options, sizeof own->options - 1);
	}
	own->flags = answer.flags;
	return true;
}

static bool take_own(struct own_mount *own, const char *path)
{
	struct statx status;
	if (statx(AT_FDCWD, path, 0, MASK_MNT_ID_UNIQUE, &status) != 0 ||
	    !(status.stx_mask & MASK_MNT_ID_UNIQUE))
		return false;
	own->id = status.stx_mnt_id;
	return read_options(own);
}

static bool own_holds(const struct own_mount *before)
{
	struct own_mount now = {.id = before->id};
	return read_options(&now) && now.flags == before->flags &&
	       memcmp(now.options, before->options, sizeof now.options) == 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * Nothing was ever made in it, or attached to it: that would change its times. Nothing lies there
 * either, for a time may be too coarse to tell what came within the same tick.
 */
static bool shared_memory_untouched(const struct stat *before)
{
	struct stat now;
	struct statfs size;
	return stat("/dev/shm", &now) == 0 && now.st_dev == before->st_dev &&
	       now.st_ino == before->st_ino && now.st_mode == before->st_mode &&
	       now.st_uid == before->st_uid && now.st_gid == before->st_gid &&
	       now.st_nlink == before->st_nlink && now.st_size == before->st_size &&
	       same_time(&now.st_mtim, &before->st_mtim) &&
	       same_time(&now.st_ctim, &before->st_ctim) && statfs("/dev/shm", &size) == 0 &&
	       size.f_files - size.f_ffree == 1;
}

static bool table_unchanged(int table)
{
	struct pollfd change = {.fd = table, .events = POLLPRI};
	return poll(&change, 1, 0) == 0;
}

static int mount_queues(void)
{
	int context = (int)syscall(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	int queues = -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		queues = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
				      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
	return queues;
}

static bool no_queue(int queues)
{
	struct stat status;
	return fstat(queues, &status) == 0 && status.st_size == EMPTY_QUEUES_BYTES;
}

bool mounts_take(struct mounts *mounts)
{
	mounts->queues = -1;
	mounts->table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (mounts->table < 0 || !take_own(&mounts->shm, "/dev/shm") ||
	    !take_own(&mounts->proc, "/proc") || stat("/dev/shm", &mounts->shared_memory) != 0)
		return false;
	mounts->queues = mount_queues();
	return mounts->queues >= 0 && no_queue(mounts->queues);
}

bool mounts_hold(const struct mounts *mounts)
{
	return table_unchanged(mounts->table) && no_queue(mounts->queues) &&
	       shared_memory_untouched(&mounts->shared_memory) && own_holds(&mounts->shm) &&
	       own_holds(&mounts->proc);
}

void mounts_close(const struct mounts *mounts)
{
	if (mounts->table >= 0)
		close(mounts->table);
	if (mounts->queues >= 0)
		close(mounts->queues);
}
