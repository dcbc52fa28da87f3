#include "leaks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "ancestry.h"
#include "files.h"
#include "init.h"
#include "object-report.h"

#define LEAKS_MAX 64
/* The size of a folder of queues without any: each has 20 bytes, and so have "." and "..". */
#define EMPTY_QUEUES_BYTES 40

struct reporting {
	const struct init_setup *setup;
	const struct tree_view *view;
	pid_t command;
	unsigned count;
};

static void report_process(pid_t pid, void *context)
{
	struct reporting *reporting = context;
	if (reporting->count++ >= LEAKS_MAX)
		return;
	struct init_report report = {
		.kind = REPORT_LEAK, .leak = LEAK_PROCESS, .action = ACTION_KILLED};
	snprintf(report.how, sizeof report.how,
		 reporting->setup->isolated ? "namespace" : "own-child");
	ancestry_describe(reporting->view, pid, reporting->setup, reporting->command, &report);
	init_send(reporting->setup->channel, &report);
}

void leaks_report_processes(const struct init_setup *setup, const struct tree_view *view,
			    pid_t command)
{
	struct reporting reporting = {setup, view, command, 0};
	tree_visit(view, report_process, &reporting);
}

static struct init_report object(enum leak_kind kind, const char *how)
{
	struct init_report report = {.kind = REPORT_LEAK, .leak = kind, .action = ACTION_REMOVED};
	snprintf(report.how, sizeof report.how, "%s", how);
	return report;
}

static void describe_file(struct init_report *report, const struct stat *status)
{
	report->bytes = (uint64_t)status->st_size;
	report->age_ms = milliseconds_since(status->st_ctim);
}

/* All that lies in a folder which is this task's alone, in /dev/shm or among the queues. */
static void report_folder(int channel, DIR *stream, uint32_t kind, const char *how)
{
	if (!stream)
		return;
	struct dirent *entry;
	unsigned count = 0;
	while ((entry = readdir(stream)) && count < LEAKS_MAX) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		bool semaphore =
			kind == LEAK_SHARED_MEMORY && strncmp(entry->d_name, "sem.", 4) == 0;
		struct init_report report = object(semaphore ? LEAK_SEMAPHORE : kind, how);
		struct stat status;
		if (fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			describe_file(&report, &status);
		snprintf(report.name, sizeof report.name, "%s", entry->d_name);
		init_send(channel, &report);
		count++;
	}
	closedir(stream);
}

/* /dev/shm is ours alone, so all that lies there is this task's. */
static void report_shared_memory(int channel)
{
	struct statfs size;
	/* One file is the folder itself. Without a count (0 of 0) it is read. */
	if (statfs("/dev/shm", &size) == 0 && size.f_files - size.f_ffree == 1)
		return;
	report_folder(channel, opendir("/dev/shm"), LEAK_SHARED_MEMORY, "private-mount");
}

/* How many objects of this kind there are; where the kernel does not say, 1. */
static int count_sysv(const char *what)
{
	int used = -1;
	if (what[0] == 's' && what[1] == 'e') {
		struct seminfo info;
		if (semctl(0, 0, SEM_INFO, &info) >= 0)
			used = info.semusz;
	} else if (what[0] == 's') {
		struct shm_info info;
		if (shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0)
			used = info.used_ids;
	} else {
		struct msginfo info;
		if (msgctl(0, MSG_INFO, (struct msqid_ds *)&info) >= 0)
			used = info.msgpool;
	}
	return used < 0 ? 1 : used;
}

/* /proc/sysvipc shows the reader's IPC namespace, which is ours alone. */
static void report_sysv(int channel, const char *what)
{
	if (count_sysv(what) == 0)
		return;
	char path[40];
	snprintf(path, sizeof path, "/proc/sysvipc/%s", what);
	FILE *lines = fopen(path, "re");
	if (!lines)
		return;
	char line[512];
	unsigned count = 0;
	for (int number = 0; fgets(line, sizeof line, lines) && count < LEAKS_MAX; number++) {
		int key, id;
		if (number == 0 || sscanf(line, "%d %d", &key, &id) != 2)
			continue;
		struct init_report report = object(LEAK_SYSV, "ipc-namespace");
		sysv_name(report.name, what, id, key);
		init_send(channel, &report);
		count++;
	}
	fclose(lines);
}

/*
 * Shows the queues of our IPC namespace where /dev/shm was, which nobody needs any more. It goes with
 * our mounts: to take away a mount of its own takes 40 us.
 */
static void report_queues(int channel)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mount("mqueue", "/dev/shm", "mqueue", flags, NULL) != 0)
		return;
	struct stat status;
	if (stat("/dev/shm", &status) != 0 || status.st_size != EMPTY_QUEUES_BYTES)
		report_folder(channel, opendir("/dev/shm"), LEAK_MESSAGE_QUEUE, "ipc-namespace");
}

void leaks_report_objects(int channel)
{
	report_shared_memory(channel);
	report_queues(channel);
	report_sysv(channel, "sem");
	report_sysv(channel, "shm");
	report_sysv(channel, "msg");
}
