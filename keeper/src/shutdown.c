#include "shutdown.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "orphans.h"
#include "spares.h"

#define SHUTDOWN_WAIT_MS 10000
#define SHUTDOWN_ROUND_MS 2

/* One round of the last wait. True: all inits are gone, and so is what they left us. */
static bool all_gone(struct keeper *keeper)
{
	struct pollfd first = {.fd = -1, .events = POLLIN};
	bool gone = spares_gone(keeper, &first.fd);
	for (struct task *task = keeper->tasks; task; task = task->next) {
		siginfo_t info = {0};
		if (task->init_pidfd < 0)
			continue;
		if (waitid(P_PIDFD, (id_t)task->init_pidfd, &info, WEXITED | WNOHANG) == 0 &&
		    info.si_pid != 0) {
			close(task->init_pidfd);
			task->init_pidfd = -1;
			continue;
		}
		gone = false;
		if (first.fd < 0)
			first.fd = task->init_pidfd;
	}
	if (keeper->tree == TREE_SUBREAPER && !orphans_kill(keeper))
		gone = false;
	/* A dead init that its tracer has is readable and yet not to be had. */
	if (!gone && poll(&first, 1, SHUTDOWN_ROUND_MS) != 0)
		usleep(SHUTDOWN_ROUND_MS * 1000);
	return gone;
}

int end_all(struct keeper *keeper)
{
	/* A namespace dies with its init; a subreaper must live to end its tree. */
	bool forced = keeper->tree != TREE_SUBREAPER;
	for (struct task *task = keeper->tasks; task; task = task->next) {
		if (task->foreground)
			terminal_give(keeper->node_group);
		if (forced)
			task_force(task);
		else
			task_order(task, ORDER_KILL, 0);
	}
	spares_force(keeper);
	orphans_begin(keeper);
	uint64_t began = now_ms();
	bool gone = false;
	/* Twice, for what was forked behind the first look. */
	while (!(gone = all_gone(keeper) && all_gone(keeper)) &&
	       now_ms() - began < SHUTDOWN_WAIT_MS) {
		if (forced || now_ms() - began < FORCE_AFTER_MS)
			continue;
		forced = true;
		for (struct task *task = keeper->tasks; task; task = task->next)
			task_force(task);
	}
	if (!cgroup_run_close(&keeper->cgroups))
		gone = false;
	/* What is stuck stays in the ledger, for a later sweep to judge. */
	if (!gone)
		return 1;
	return ledger_remove(&keeper->ledger) ? 0 : 2;
}
