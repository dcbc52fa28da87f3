#include "orphans.h"

#include <signal.h>
#include <sys/wait.h>

#include "files.h"
#include "tree.h"

/* Between two rounds; after so many of them it is no matter of milliseconds. */
#define ROUND_MS 1
#define ROUNDS_QUICK 500
#define ROUND_SLOW_MS 50
/* A process may fork just behind a look: once nobody was seen twice, nobody is there. */
#define EMPTY_LOOKS 2

static bool waits(const struct task *task)
{
	return task->phase == TASK_FORCED || task->phase == TASK_ORPHANED;
}

static bool is_known(const struct keeper *keeper, pid_t pid)
{
	for (const struct task *task = keeper->tasks; task; task = task->next)
		if ((task->init == pid && task->init_pidfd >= 0) || task->remover == pid)
			return true;
	return false;
}

struct round {
	const struct keeper *keeper;
	bool trackers_too;
	bool empty;
	bool others;
};

static void kill_orphan(pid_t pid, void *context)
{
	struct round *round = context;
	if (is_known(round->keeper, pid))
		return;
	round->empty = false;
	if (!round->trackers_too && tree_may_be_resource_tracker(&round->keeper->view, pid)) {
		waitpid(pid, NULL, WNOHANG);
		return;
	}
	round->others = true;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, WNOHANG);
}

bool orphans_kill(struct keeper *keeper)
{
	uint64_t now = now_ms();
	struct round round = {keeper, now > keeper->trackers_at, true, false};
	tree_visit_own_children(&keeper->view, kill_orphan, &round);
	if (round.others && !round.trackers_too)
		keeper->trackers_at = now + TRACKER_MS;
	return round.empty;
}

void orphans_begin(struct keeper *keeper)
{
	keeper->orphans_at = now_ms();
	keeper->trackers_at = keeper->orphans_at + TRACKER_MS;
	keeper->orphan_rounds = keeper->orphan_looks = 0;
}

uint64_t orphans_next_time(const struct keeper *keeper)
{
	if (keeper->tree == TREE_SUBREAPER)
		for (const struct task *task = keeper->tasks; task; task = task->next)
			if (waits(task))
				return keeper->orphans_at;
	return 0;
}

void orphans_tick(struct keeper *keeper, uint64_t now)
{
	uint64_t at = orphans_next_time(keeper);
	if (!at || now < at)
		return;
	keeper->orphan_looks = orphans_kill(keeper) ? keeper->orphan_looks + 1 : 0;
	keeper->orphans_at = now + (keeper->orphan_rounds++ < ROUNDS_QUICK ? ROUND_MS : ROUND_SLOW_MS);
	for (struct task *task = keeper->tasks, *next; task; task = next) {
		next = task->next; /* it may end here */
		if (task->phase == TASK_FORCED)
			task_on_init_death(keeper, task); /* a tracer may have kept it until now */
		else if (task->phase == TASK_ORPHANED && keeper->orphan_looks >= EMPTY_LOOKS)
			task_gone(keeper, task);
	}
}
