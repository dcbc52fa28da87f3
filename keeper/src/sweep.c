/* What a start does for runs that died without cleaning up (keeper and Node both killed). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "dead-run.h"
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
	if (dead && file >= 0 && !is_removed(dir)) {
		if (!dry)
			remains = dead_run_end(file, name + hidden, result);
		else if (dead_run_is_elsewhere(file))
			remains = REMAINS_UNKNOWN;
	}
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
	if (!dry)
		cgroup_probes_sweep();
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
