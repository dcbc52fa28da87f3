/*
 * The run's folder and its ledger.
 *
 *   BASE/            0700, ours
 *     RUN/           eight hex digits
 *       ledger       flock held by the keeper for as long as it lives: that lock, and nothing
 *                    else, says that the run is alive
 *       s            socket on which workers connect to the Node process, made by that process
 *       t<task>/     a task's scratch folder
 *
 * It begins with the keeper's pid, its PID namespace and the machine's boot; "cgroup PATH" names the
 * run's cgroup. It has one line for each init ("start TASK PID STARTTIME", TASK being the first that it
 * serves, or 0 if it was there before any) and one once it has been waited for ("end TASK").
 * Each is one write(2): it survives the death of any process. It is not synced to disk, for a
 * machine that goes down takes the processes with it, and folders are found by listing.
 */
#ifndef COFFERDAM_LEDGER_H
#define COFFERDAM_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ledger {
	int run_dir; /* descriptor of the run's folder */
	int file;
	char run_path[200];
	char run_name[16];
	int base_dir;
};

/* Makes the run's folder below base and locks its ledger. On failure *what says which step. */
bool ledger_open(struct ledger *ledger, const char *base, const char **what);
/* Notes that inits outlive their keeper, and that processes are known by their cookie. */
bool ledger_without_namespaces(struct ledger *ledger);
bool ledger_start(struct ledger *ledger, uint32_t task, pid_t init, uint64_t start_time);
/* Before the cgroup is made: who comes later removes what it finds. */
bool ledger_cgroup(struct ledger *ledger, const char *path);
void ledger_end(struct ledger *ledger, uint32_t task);
/* Removes the run's folder. False: something of it is left. */
bool ledger_remove(struct ledger *ledger);

struct sweep_result {
	unsigned runs;	    /* dead runs found and removed */
	unsigned processes; /* inits of theirs that still lived, killed and seen dead */
	unsigned stuck;	    /* inits that did not die, and runs that could not be removed */
	unsigned unknown;   /* dead runs that another PID namespace must judge; left alone */
	uint64_t until;	    /* how long the dying are waited for */
};

/*
 * Ends and removes what dead runs below the ledger's base left. Live runs are not touched. `after`
 * (or NULL) names a run whose keeper is known to be dead: its lock may be held for a moment longer,
 * by a child that the keeper was just making, and is waited for. All other runs together hold up a
 * start for four seconds at most: what is left then is left to the next one.
 */
void ledger_sweep(const struct ledger *ledger, const char *after, struct sweep_result *result);

/*
 * The same for a base without a run of our own, a line for each run: its name, live, dead, stuck or unknown,
 * processes ended, whether it was removed; by tabs. Returns an exit code.
 */
int sweep_report(const char *base, bool dry);

#endif
