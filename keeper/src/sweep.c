/* What a start does for runs that died without cleaning up (keeper and Node both killed). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"
#include "ledger.h"
#include "tree.h"

#define DEATH_WAIT_MS 5000
/*
 * The same at a start, for all runs together that nobody asks about: a tree with a Python in it may
 * take that long by right, and what takes longer is left.
 */
#define START_WAIT_MS (TRACKER_MS + 1000)

static bool is_run_name(const char *name)
{
	return strlen(name) == 8 && strspn(name, "0123456789abcdef") == 8;
}

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
static void kill_init(pid_t pid, uint64_t start_time, bool subreaper, struct sweep_result *result)
{
	int pidfd = hold_init(pid, start_time);
	if (pidfd < 0)
		return;
	result->processes++;
	/* A subreaper has noticed by now, and knows its tree better than we do. */
	if (!subreaper)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
}

static void await_init(pid_t pid, uint64_t start_time, struct sweep_result *result)
{
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
	close(view.proc);
}

/* Of the first PID namespace of the machine, which sees all others (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

enum remains {
	REMAINS_NOTHING,
	REMAINS_CGROUP, /* something of the run's cgroup is left */
	REMAINS_UNKNOWN,
};

/*
 * What is left of a run. Unknown: nobody can say from here whether something lives, for without
 * namespaces its processes may be in the PID namespace of their keeper, which is not shown to us.
 */
static enum remains end_inits(int ledger, const char *run, struct sweep_result *result)
{
	int copy = dup(ledger);
	FILE *lines = copy < 0 ? NULL : fdopen(copy, "r");
	if (!lines) {
		if (copy >= 0)
			close(copy);
		return REMAINS_NOTHING;
	}
	char line[CGROUP_PATH_MAX + 40], cgroup[CGROUP_PATH_MAX] = "";
	bool here = false, same_boot = false, subreaper = false;
	char boot[40], this_boot[40];
	read_boot_id(this_boot);
	rewind(lines);
	while (fgets(line, sizeof line, lines)) {
		unsigned long long number;
		unsigned task;
		int pid;
		/* Pids mean something in their own namespace alone; a run of another container's
		 * has inits that its keeper's death has killed. */
		if (sscanf(line, "cofferdam-ledger 1 keeper %d ns %llu boot %39s", &pid, &number,
			   boot) == 3) {
			same_boot = strcmp(boot, this_boot) == 0;
			here = same_boot && number == own_pid_namespace();
		} else if (strncmp(line, "cgroup /", 8) == 0 && strchr(line, '\n'))
			snprintf(cgroup, sizeof cgroup, "%.*s", (int)strcspn(line + 7, "\n"),
				 line + 7);
		else if (strcmp(line, "tree subreaper\n") == 0)
			subreaper = true;
		else if (here && sscanf(line, "start %u %d %llu", &task, &pid, &number) == 3)
			kill_init((pid_t)pid, number, subreaper, result);
	}
	/* All have been told before the first is waited for: they die beside each other. */
	rewind(lines);
	while (here && fgets(line, sizeof line, lines)) {
		unsigned long long number;
		unsigned task;
		int pid;
		if (sscanf(line, "start %u %d %llu", &task, &pid, &number) == 3)
			await_init((pid_t)pid, number, result);
	}
	fclose(lines);
	if (!same_boot)
		return REMAINS_NOTHING;
	bool sees_all = here || own_pid_namespace() == FIRST_PID_NAMESPACE;
	if (subreaper && !(sees_all && proc_is_ours()))
		return REMAINS_UNKNOWN;
	if (subreaper)
		end_by_cookie(run, result);
	if (cgroup[0] && !cgroup_run_sweep(cgroup, run, &result->processes))
		return REMAINS_CGROUP;
	return REMAINS_NOTHING;
}

/*
 * Whether the keeper that the ledger names is no more. What it was just forking when it was killed
 * may hold the lock a moment longer.
 */
static bool keeper_is_gone(int ledger)
{
	char line[128] = "", boot[40], this_boot[40];
	unsigned long long namespace;
	int pid;
	if (pread(ledger, line, sizeof line - 1, 0) <= 0 ||
	    sscanf(line, "cofferdam-ledger 1 keeper %d ns %llu boot %39s", &pid, &namespace, boot) != 3)
		return false;
	read_boot_id(this_boot);
	return strcmp(boot, this_boot) == 0 && namespace == own_pid_namespace() &&
	       kill(pid, 0) != 0 && errno == ESRCH;
}

/* Whether the run is dead: then its lock is ours. `fd` is its folder, or its ledger. */
static bool take_lock(int fd, bool known_dead, uint64_t end)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (!known_dead || errno != EWOULDBLOCK || now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* The folder's lock decides: the ledger may have been lost to a cleaner of old files. */
static bool is_dead(int dir, int file, bool known_dead, uint64_t until)
{
	bool no_ledger = file < 0 && errno == ENOENT;
	known_dead = known_dead || (file >= 0 && keeper_is_gone(file));
	return take_lock(dir, known_dead, until) &&
	       (file >= 0 ? take_lock(file, known_dead, until) : no_ledger);
}

/* A run that ended in order while we looked. */
static bool is_removed(int dir)
{
	struct stat status;
	return fstat(dir, &status) == 0 && status.st_nlink == 0;
}

static void sweep_run(int base, const char *name, bool known_dead, bool dry,
		      struct sweep_result *result)
{
	/* One that is just being made may not have its lock yet. */
	bool hidden = name[0] == '.';
	if (hidden && flock(base, LOCK_EX | LOCK_NB) != 0)
		return;
	int dir = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int file = dir < 0 ? -1 : openat(dir, "ledger", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool dead = dir >= 0 && is_dead(dir, file, known_dead, result->until);
	enum remains remains = REMAINS_NOTHING;
	unsigned stuck = result->stuck;
	if (dead && file >= 0 && !dry && !is_removed(dir))
		remains = end_inits(file, name + hidden, result);
	if (dir < 0 || is_removed(dir)) {
		/* Nothing is left to do. */
	} else if (remains == REMAINS_UNKNOWN) {
		result->unknown++;
	} else if (dead) {
		result->runs++;
		/* A ledger that still names something stays. */
		if (remains != REMAINS_NOTHING)
			result->stuck++;
		else if (!dry && result->stuck == stuck && !remove_tree(base, name))
			result->stuck++;
	} else if (known_dead) {
		result->stuck++;
	}
	if (file >= 0)
		close(file);
	if (dir >= 0)
		close(dir);
	if (hidden)
		flock(base, LOCK_UN);
}

/* Calls visit for each run below base, hidden ones too, but the one named `own`. */
static void visit_runs(int base, const char *own,
		       void (*visit)(int base, const char *name, void *context), void *context)
{
	DIR *stream = open_stream(base, ".");
	if (!stream)
		return;
	struct dirent *entry;
	while ((entry = readdir(stream))) {
		bool hidden = entry->d_name[0] == '.';
		if (is_run_name(entry->d_name + hidden) && (!own || strcmp(entry->d_name, own) != 0))
			visit(base, entry->d_name, context);
	}
	closedir(stream);
}

struct sweeping {
	const char *after;
	uint64_t until;
	struct sweep_result *result;
};

static void sweep_one(int base, const char *name, void *context)
{
	struct sweeping *sweeping = context;
	bool known_dead = sweeping->after && strcmp(name, sweeping->after) == 0;
	/* Once the time is over nothing is waited for any more: what is dead already still goes. */
	sweeping->result->until = known_dead ? now_ms() + DEATH_WAIT_MS : sweeping->until;
	sweep_run(base, name, known_dead, false, sweeping->result);
}

void ledger_sweep(const struct ledger *ledger, const char *after, struct sweep_result *result)
{
	memset(result, 0, sizeof *result);
	struct sweeping sweeping = {after, now_ms() + START_WAIT_MS, result};
	visit_runs(ledger->base_dir, ledger->run_name, sweep_one, &sweeping);
}

struct reporting {
	bool dry;
	bool all;
};

static void report_one(int base, const char *name, void *context)
{
	struct reporting *reporting = context;
	struct sweep_result result = {.until = now_ms() + DEATH_WAIT_MS};
	sweep_run(base, name, false, reporting->dry, &result);
	bool removed = result.runs && !result.stuck && !reporting->dry;
	const char *state = result.stuck     ? "stuck"
			    : result.unknown ? "unknown"
			    : result.runs    ? "dead"
					     : "live";
	printf("%s\t%s\t%u\t%d\n", name, state, result.processes, removed);
	reporting->all &= result.stuck == 0 && result.unknown == 0;
}

int sweep_report(const char *base, bool dry)
{
	int dir = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return 0; /* nobody ever ran here */
	if (dir < 0) {
		fprintf(stderr, "cofferdam-keeper: %s: %s\n", base, strerror(errno));
		return 125;
	}
	/* A folder of runs is ours and closed to others; in any other one a name proves nothing. */
	struct stat status;
	if (fstat(dir, &status) != 0 || status.st_uid != geteuid() || (status.st_mode & 077)) {
		fprintf(stderr, "cofferdam-keeper: %s: is no folder of ours for runs\n", base);
		close(dir);
		return 125;
	}
	struct reporting reporting = {dry, true};
	visit_runs(dir, NULL, report_one, &reporting);
	close(dir);
	return reporting.all ? 0 : 1;
}
