#include "footing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sysctls of PID and IPC namespaces that no other call gives, and what /proc has of us. */
static const char *const names[FOOTING_FILES] = {
	"/proc/sys/kernel/pid_max",
	"/proc/sys/vm/memfd_noexec",
	"/proc/sys/kernel/shm_rmid_forced",
	"/proc/sys/kernel/shm_next_id",
	"/proc/sys/kernel/sem_next_id",
	"/proc/sys/kernel/msg_next_id",
	"/proc/sys/fs/mqueue/queues_max",
	"/proc/sys/fs/mqueue/msg_max",
	"/proc/sys/fs/mqueue/msgsize_max",
	"/proc/sys/fs/mqueue/msg_default",
	"/proc/sys/fs/mqueue/msgsize_default",
	"/proc/self/cgroup",
	"/proc/self/oom_score_adj",
	"/proc/self/coredump_filter",
};

/* What has no room cannot be compared. */
static bool read_again(const struct footing_file *file, char into[FOOTING_FILE_BYTES],
		       size_t *length)
{
	ssize_t got = pread(file->fd, into, FOOTING_FILE_BYTES, 0);
	*length = got > 0 ? (size_t)got : 0;
	return got > 0 && got < FOOTING_FILE_BYTES;
}

static bool take_file(struct footing_file *file, const char *name)
{
	file->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return errno == ENOENT;
	return read_again(file, file->text, &file->length);
}

static bool file_holds(const struct footing_file *file)
{
	char text[FOOTING_FILE_BYTES];
	size_t length;
	return file->fd < 0 || (read_again(file, text, &length) && length == file->length &&
				memcmp(text, file->text, length) == 0);
}

static bool read_schedule(struct footing_schedule *schedule)
{
	memset(schedule, 0, sizeof *schedule);
	schedule->io_priority = syscall(SYS_ioprio_get, 1 /* a process */, 0);
	schedule->timer_slack = prctl(PR_GET_TIMERSLACK);
	/* A child may give its parent another one (KEYCTL_SESSION_TO_PARENT). */
	schedule->keyring =
		syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	return syscall(SYS_sched_getattr, 0, schedule->attributes, sizeof schedule->attributes,
		       0) == 0 &&
	       sched_getaffinity(0, sizeof schedule->cpus, &schedule->cpus) == 0;
}

static bool schedule_holds(const struct footing_schedule *before)
{
	struct footing_schedule now;
	return read_schedule(&now) && memcmp(&now, before, sizeof now) == 0;
}

static bool limits_hold(const struct footing *footing)
{
	struct rlimit now;
	for (int which = 0; which < RLIM_NLIMITS; which++)
		if (getrlimit(which, &now) != 0 ||
		    now.rlim_cur != footing->limits[which].rlim_cur ||
		    now.rlim_max != footing->limits[which].rlim_max)
			return false;
	return true;
}

static bool read_ipc_limits(struct shminfo *shm, struct seminfo *sem, struct msginfo *msg)
{
	memset(shm, 0, sizeof *shm);
	memset(sem, 0, sizeof *sem);
	memset(msg, 0, sizeof *msg);
	return shmctl(0, IPC_INFO, (struct shmid_ds *)shm) >= 0 && semctl(0, 0, IPC_INFO, sem) >= 0 &&
	       msgctl(0, IPC_INFO, (struct msqid_ds *)msg) >= 0;
}

static bool ipc_holds(const struct footing *footing)
{
	struct shminfo shm;
	struct seminfo sem;
	struct msginfo msg;
	struct shm_info used;
	if (!read_ipc_limits(&shm, &sem, &msg) || memcmp(&shm, &footing->shm, sizeof shm) != 0 ||
	    memcmp(&sem, &footing->sem, sizeof sem) != 0 ||
	    memcmp(&msg, &footing->msg, sizeof msg) != 0)
		return false;
	return shmctl(0, SHM_INFO, (struct shmid_ds *)&used) >= 0 && used.used_ids == 0 &&
	       semctl(0, 0, SEM_INFO, &sem) >= 0 && sem.semusz == 0 &&
	       msgctl(0, MSG_INFO, (struct msqid_ds *)&msg) >= 0 && msg.msgpool == 0;
}

/* All signals are blocked, so those that were sent wait; a child's end is no news. */
static bool no_signal_waits(void)
{
	sigset_t waiting;
	if (sigpending(&waiting) != 0)
		return false;
	sigdelset(&waiting, SIGCHLD);
	return sigisemptyset(&waiting) == 1;
}

/* Also those that entered from outside, which are nobody's child here. */
static bool is_alone(void)
{
	return kill(-1, 0) != 0 && errno == ESRCH;
}

static bool take_all(struct footing *footing)
{
	for (size_t i = 0; i < FOOTING_FILES; i++)
		if (!take_file(&footing->files[i], names[i]))
			return false;
	for (int which = 0; which < RLIM_NLIMITS; which++)
		if (getrlimit(which, &footing->limits[which]) != 0)
			return false;
	return read_schedule(&footing->schedule) &&
	       read_ipc_limits(&footing->shm, &footing->sem, &footing->msg);
}

bool footing_take(struct footing *footing)
{
	for (size_t i = 0; i < FOOTING_FILES; i++)
		footing->files[i].fd = -1;
	if (mounts_take(&footing->mounts) && take_all(footing))
		return true;
	mounts_close(&footing->mounts);
	for (size_t i = 0; i < FOOTING_FILES; i++)
		if (footing->files[i].fd >= 0)
			close(footing->files[i].fd);
	return false;
}

bool footing_holds(const struct footing *footing)
{
	if (!is_alone() || !no_signal_waits() || !ipc_holds(footing) ||
	    !mounts_hold(&footing->mounts) || !schedule_holds(&footing->schedule) ||
	    !limits_hold(footing))
		return false;
	for (size_t i = 0; i < FOOTING_FILES; i++)
		if (!file_holds(&footing->files[i]))
			return false;
	return true;
}
