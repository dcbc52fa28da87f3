/*
 * Cgroups v2 of our own, below the one that we are in, where that can be written:
 *
 *   cofferdam-RUN.NS.PID/     in the ledger before it is made
 *     t<task>/                the command and whatever it starts; never the init
 *
 * No controller is needed to kill all that is in one at once (cgroup.kill, Linux 5.14), and to know
 * that nobody is left: a cgroup with a process in it cannot be removed. With controllers delegated
 * it also bounds memory and processes hard. The init stays outside, so that it lives to report when
 * the kernel kills the whole group for its memory.
 */
#ifndef COFFERDAM_CGROUP_H
#define COFFERDAM_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_PATH_MAX 512
/* Of cgroups in one another; a task may make some below its own. */
#define CGROUP_DEPTH_MAX 64
/* The name that stands for a run in the cgroup of who only tries. */
#define CGROUP_PROBE "probe"

struct cgroup_run {
	int dir; /* -1: none can be had */
	bool memory;
	bool pids;
	const char *step; /* which one failed, when none can be had; errno says why */
	char path[CGROUP_PATH_MAX];
};

/* Finds where `cofferdam-<name>.<PID namespace>.<pid>` would lie, and makes nothing. */
bool cgroup_run_name(struct cgroup_run *run, const char *name);
/* Makes it, and tries in it what tasks will need. On failure nothing is left of it. */
bool cgroup_run_open(struct cgroup_run *run);
/* Kills what still lives in it and removes it. False: something does not go. */
bool cgroup_run_close(struct cgroup_run *run);
/*
 * The same for the subtree of a run that is known to be dead. The path comes from that run's ledger;
 * it is touched only if its name says the same. *killed grows by the processes that lived in it.
 */
bool cgroup_run_sweep(const char *path, const char *name, unsigned *killed);

/*
 * Removes what a doctor who was killed while trying has left beside ours: named so, ours, by a
 * process of our PID namespace that is no more, and empty.
 */
void cgroup_probes_sweep(void);

/* Opens the folder of one. -1: errno. */
int cgroup_dir(int parent, const char *name);
/*
 * Removes a cgroup and those below it, none of which may hold a process: removing is the proof that
 * it does not. False: errno.
 */
bool cgroup_remove_empty(int parent, const char *name);
/* Kills what lives in it until it can be removed. False: something does not go. */
bool cgroup_kill_and_remove(const char *path, int dir);

/* Makes a task's cgroup with these bounds (0: none). -1: errno. */
int cgroup_task_open(const struct cgroup_run *run, uint32_t task, uint64_t memory_bytes,
		     uint64_t pids);
/* Kills what still lives in it, once, and removes it. False: try again, it is dying. */
bool cgroup_task_remove(const struct cgroup_run *run, uint32_t task);

/* Kills everything in a cgroup and below it. Does nothing where dir is -1. */
void cgroup_kill(int dir);
/* Forks into the cgroup; with -1 just forks. In the child *entered says whether it is in it. */
pid_t cgroup_fork(int dir, bool *entered);
/* A number of one of its files, such as the `oom_kill` of memory.events; 0 where there is none. */
uint64_t cgroup_number(int dir, const char *file, const char *key);

#endif
