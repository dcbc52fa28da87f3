#include "dead-run.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"
#include "tree.h"

/* Of the first PID namespace of the machine, which sees all others (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

/* What a ledger says of its run, apart from its tasks. */
struct record {
	bool same_boot;
	bool here; /* its pids mean something: they are of our PID namespace */
	bool subreaper;
	char cgroup[CGROUP_PATH_MAX]; /* or empty */
};

static bool environment_holds(pid_t pid, const char *cookie)
{
	static char text[1 << 18];
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	ssize_t length = read_file(path, text, sizeof text);
	for (const char *at = text; length > 0 && at < text + length; at += strlen(at) + 1)
		if (strncmp(at, cookie, strlen(cookie)) == 0)
			return true;
	return false;
}

/* A pidfd of the init if it still lives, or -1. */
static int hold_init(pid_t pid, uint64_t start_time)
{
	int pidfd = start_time ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	/* Only after the pidfd is held does the comparison stay true. */
	if (pidfd >= 0 && process_start_time(pid) != start_time) {
		close(pidfd);
		return -1;
	}
	return pidfd;
}

/* An init dies with its keeper by itself; this is for the moment in between. */
static void kill_init(pid_t pid, uint64_t start_time, const struct record *record,
		      struct sweep_result *result)
{
	int pidfd = hold_init(pid, start_time);
	if (pidfd < 0)
		return;
	result->processes++;
	/* A subreaper has noticed by now, and knows its tree better than we do. */
	if (!record->subreaper)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

static void await_init(pid_t pid, uint64_t start_time, const struct record *record,
		       struct sweep_result *result)
{
	(void)record;
	int pidfd = hold_init(pid, start_time);
	if (pidfd < 0)
		return;
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};
	uint64_t now = now_ms();
	if (poll(&gone, 1, result->until > now ? (int)(result->until - now) : 0) != 1) {
		result->processes -= result->processes > 0;
		result->stuck++;
	}
	close(pidfd);
}

/*
 * Ends what carries the cookie of a run without namespaces. Killed by pidfd, and only after the
 * environment has been read again with the pidfd held. Two looks in a row must find nobody.
 */
static void end_by_cookie(const char *run, struct sweep_result *result)
{
	char cookie[64];
	snprintf(cookie, sizeof cookie, "COFFERDAM_TASK=%.8s.", run);
	struct tree_view view;
	if (!tree_open(&view, false))
		return;
	uint64_t trackers_at = now_ms() + TRACKER_MS;
	for (unsigned empty = 0; empty < 2;) {
		unsigned found = 0, spared = 0;
		bool trackers_too = now_ms() > trackers_at;
		DIR *proc = opendir("/proc");
		struct dirent *entry;
		while (proc && (entry = readdir(proc))) {
			pid_t pid = (pid_t)atoi(entry->d_name);
			if (pid <= 0 || pid == getpid() || !environment_holds(pid, cookie))
				continue;
			/* It unlinks the semaphores of the others once they are gone. */
			if (!trackers_too && tree_may_be_resource_tracker(&view, pid)) {
				spared++;
				continue;
			}
			int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
			if (pidfd >= 0 && environment_holds(pid, cookie)) {
				found++;
				syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
			}
			if (pidfd >= 0)
				close(pidfd);
		}
		if (proc)
			closedir(proc);
		empty = found || spared ? 0 : empty + 1;
		result->processes += found;
		if (found)
			trackers_at = now_ms() + TRACKER_MS;
		if ((found || spared) && now_ms() > result->until) {
			result->stuck += found + spared;
			break;
		}
		if (found || spared)
			usleep(1000);
	}
	tree_close(&view);
}

#define RECORD_LINE_MAX (CGROUP_PATH_MAX + 40)

/* NULL: it cannot be read. Who gets it closes it. */
static FILE *open_record(int ledger, struct record *record)
{
	*record = (struct record){0};
	int copy = dup(ledger);
	FILE *lines = copy < 0 ? NULL : fdopen(copy, "r");
	if (!lines) {
		if (copy >= 0)
			close(copy);
		return NULL;
	}
	char line[RECORD_LINE_MAX], boot[40], this_boot[40];
	unsigned long long namespace;
	int pid;
	read_boot_id(this_boot);
	rewind(lines);
	while (fgets(line, sizeof line, lines)) {
		if (sscanf(line, "cofferdam-ledger 1 keeper %d ns %llu boot %39s", &pid, &namespace,
			   boot) == 3) {
			record->same_boot = strcmp(boot, this_boot) == 0;
			record->here = record->same_boot && namespace == own_pid_namespace();
		} else if (strncmp(line, "cgroup /", 8) == 0 && strchr(line, '\n')) {
			snprintf(record->cgroup, sizeof record->cgroup, "%.*s",
				 (int)strcspn(line + 7, "\n"), line + 7);
		} else if (strcmp(line, "tree subreaper\n") == 0) {
			record->subreaper = true;
		}
	}
	return lines;
}

/*
 * Without namespaces its processes may be in the PID namespace of their keeper, which is not shown
 * to us. In namespaces the kernel has ended them with their keeper.
 */
static bool is_elsewhere(const struct record *record)
{
	bool sees_all = record->here || own_pid_namespace() == FIRST_PID_NAMESPACE;
	return record->same_boot && record->subreaper && !(sees_all && proc_is_ours());
}

typedef void (*visit_init)(pid_t pid, uint64_t start_time, const struct record *record,
			   struct sweep_result *result);

static void visit_inits(FILE *lines, const struct record *record, visit_init visit,
			struct sweep_result *result)
{
	char line[RECORD_LINE_MAX];
	unsigned long long start_time;
	unsigned task;
	int pid;
	rewind(lines);
	while (record->here && fgets(line, sizeof line, lines))
		if (sscanf(line, "start %u %d %llu", &task, &pid, &start_time) == 3)
			visit((pid_t)pid, start_time, record, result);
}

bool dead_run_is_elsewhere(int ledger)
{
	struct record record;
	FILE *lines = open_record(ledger, &record);
	if (!lines)
		return false;
	fclose(lines);
	return is_elsewhere(&record);
}

enum remains dead_run_end(int ledger, const char *run, struct sweep_result *result)
{
	struct record record;
	FILE *lines = open_record(ledger, &record);
	if (!lines)
		return REMAINS_NOTHING;
	/* All are told before the first is waited for: they die beside each other. */
	visit_inits(lines, &record, kill_init, result);
	visit_inits(lines, &record, await_init, result);
	fclose(lines);
	if (!record.same_boot)
		return REMAINS_NOTHING;
	if (is_elsewhere(&record))
		return REMAINS_UNKNOWN;
	if (record.subreaper)
		end_by_cookie(run, result);
	if (record.cgroup[0] && !cgroup_run_sweep(record.cgroup, run, &result->processes))
		return REMAINS_CGROUP;
	return REMAINS_NOTHING;
}
