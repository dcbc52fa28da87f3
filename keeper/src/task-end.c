/* A task's end: its cgroup, its scratch folder, and what is told. */
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "jobserver.h"
#include "spares.h"

static void tell_end(struct keeper *keeper, struct task *task)
{
	struct buffer *out = &keeper->out;
	const struct init_report *last = &task->last;
	size_t start = wire_begin(out, EVT_ENDED, task->id);
	enum end_cause cause = task->cause;
	if (task->failed) {
		wire_text(out, TAG_STAGE, last->stage);
		wire_number(out, TAG_ERRNO, (uint64_t)(uint32_t)last->error);
	} else if (task->done) {
		wire_number(out, TAG_STATUS, (uint64_t)(uint32_t)last->status);
		wire_number(out, TAG_USER_US, last->user_us);
		wire_number(out, TAG_SYSTEM_US, last->system_us);
		wire_number(out, TAG_KILLED, last->killed);
	} else if (task->command_gone) {
		/* The init had to be killed over what the command left; the command was done. */
		wire_number(out, TAG_STATUS, (uint64_t)(uint32_t)task->command_status);
	} else if (cause == CAUSE_NONE) {
		cause = CAUSE_INIT_LOST;
	}
	bool larger = task->done && !task->peak_exact && last->bytes > task->peak_bytes;
	uint64_t peak = larger ? last->bytes : task->peak_bytes;
	uint32_t started = task->done ? last->processes : task->processes;
	/* One process more: the init, unless another task had it. */
	started += task->init_is_new;
	wire_number(out, TAG_CAUSE, cause);
	wire_number(out, TAG_PEAK, peak);
	if (task->peak_exact)
		wire_number(out, TAG_EXACT, 1);
	wire_number(out, TAG_STARTED, started);
	buffer_append(out, task->leaks.data, task->leaks.length);
	wire_end(out, start);
}

static void bury(struct keeper *keeper, struct task *task)
{
	struct task **link = &keeper->tasks;
	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	/* Events of this round may still point at it. */
	task->next = keeper->graveyard;
	keeper->graveyard = task;
}

void tasks_free_ended(struct keeper *keeper)
{
	while (keeper->graveyard) {
		struct task *task = keeper->graveyard;
		keeper->graveyard = task->next;
		buffer_free(&task->leaks);
		spec_free(&task->spec);
		free(task);
	}
}

static bool has_ends(const struct task *task)
{
	for (int i = 0; i < ENDS; i++)
		if (task->ends[i] >= 0)
			return true;
	return false;
}

void task_on_opened(struct keeper *keeper, struct task *task)
{
	for (int i = 0; i < ENDS; i++) {
		if (task->ends[i] >= 0)
			close(task->ends[i]);
		task->ends[i] = -1;
	}
	if (task->phase == TASK_ENDED)
		bury(keeper, task);
}

static void task_finish(struct keeper *keeper, struct task *task)
{
	if (task->init)
		ledger_end(&keeper->ledger, task->init_name);
	tell_end(keeper, task);
	task->phase = TASK_ENDED;
	task->memory_bytes = task->processes = 0;
	keeper->samples_changed = true;
	keeper_close_watched(keeper, &task->channel);
	keeper_close_watched(keeper, &task->remover_pidfd);
	/* Pipes that were not opened yet still hold output. */
	if (!has_ends(task))
		bury(keeper, task);
}

/* A big folder takes time, and other tasks have deadlines: a child removes it. */
static bool remove_in_child(struct keeper *keeper, struct task *task, const char *scratch)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		/* Above all not the pipes of other tasks, which would wait for their ends. */
		close_all_except(&(int){keeper->ledger.run_dir}, 1);
		_exit(remove_tree(keeper->ledger.run_dir, scratch) ? 0 : 1);
	}
	if (pid < 0)
		return false;
	task->remover = pid;
	task->remover_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (task->remover_pidfd >= 0 &&
	    keeper_watch(keeper, task->remover_pidfd, WATCH_REMOVER, task, EPOLLIN)) {
		task->phase = TASK_REMOVING;
		return true;
	}
	waitpid(pid, NULL, 0);
	task->remover = 0;
	return false;
}

/* What the kernel has counted, while the cgroup is still there. */
static void read_cgroup(struct task *task)
{
	if (task->cgroup < 0)
		return;
	uint64_t peak = task->memory_hard ? cgroup_number(task->cgroup, "memory.peak", NULL) : 0;
	if (peak) {
		task->peak_exact = true;
		task->peak_bytes = peak;
	}
	bool ended_badly = task->command_gone ? task->command_status != 0 : !task->done;
	if (task->cause != CAUSE_NONE)
		return;
	if (task->memory_hard && cgroup_number(task->cgroup, "memory.events", "oom_kill"))
		task->cause = CAUSE_MEMORY;
	else if (task->spec.pids && ended_badly &&
		 cgroup_number(task->cgroup, "pids.events", "max"))
		task->cause = CAUSE_PROCESSES;
}

/* Before its folder is looked at: one that is as new serves again. */
static void close_jobserver(struct keeper *keeper, struct task *task, const char *scratch)
{
	if (task->jobserver < 0)
		return;
	close(task->jobserver);
	task->jobserver = -1;
	jobserver_remove(keeper->ledger.run_dir, scratch);
}

static void remove_scratch(struct keeper *keeper, struct task *task)
{
	if (task->spec.scratch) {
		char scratch[SCRATCH_NAME_MAX];
		scratch_name(scratch, task->id);
		close_jobserver(keeper, task, scratch);
		if (!scratch_put_away(&keeper->scratch, task->id)) {
			if (remove_in_child(keeper, task, scratch))
				return;
			if (faccessat(keeper->ledger.run_dir, scratch, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				task_note_scratch(keeper, task);
		}
	}
	task_finish(keeper, task);
}

void task_vacate(struct keeper *keeper, struct task *task)
{
	if (task->cgroup >= 0 && !cgroup_task_remove(&keeper->cgroups, task->id)) {
		uint64_t now = now_ms();
		task->phase = TASK_VACATING;
		task->step_at = now + VACATE_EVERY_MS;
		if (now > task->vacate_until)
			task_tell_stuck(keeper, task);
		return;
	}
	if (task->cgroup >= 0)
		close(task->cgroup);
	task->cgroup = -1;
	remove_scratch(keeper, task);
}

void task_on_init_death(struct keeper *keeper, struct task *task)
{
	siginfo_t info = {0};
	if (task->init_pidfd < 0 ||
	    waitid(P_PIDFD, (id_t)task->init_pidfd, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0) {
		/* Dead, and not to be had: its tracer has it. */
		if (task->init_pidfd >= 0 && task->phase < TASK_FORCED)
			task_step(keeper, task, TASK_FORCED, now_ms());
		return;
	}
	task_on_channel(keeper, task);
	if (task->foreground && !task->command_gone)
		terminal_give(keeper->node_group);
	keeper_close_watched(keeper, &task->init_pidfd);
	task->deadline_at = 0;
	read_cgroup(task);
	if (keeper->tree == TREE_SUBREAPER && !task->done)
		task_step(keeper, task, TASK_ORPHANED, now_ms());
	else
		task_gone(keeper, task);
}

void task_on_init_waiting(struct keeper *keeper, struct task *task)
{
	if (task->init_pidfd < 0)
		return;
	task->init_waits = false;
	/* Whoever was ended by us, or might have been, gives nothing on. */
	if (task->phase != TASK_RUNNING || task->cause != CAUSE_NONE || !spares_keep(keeper, task)) {
		task_force(task);
		return;
	}
	task_gone(keeper, task);
}

void task_gone(struct keeper *keeper, struct task *task)
{
	task->step_at = 0;
	task->vacate_until = now_ms() + STUCK_AFTER_MS;
	task_vacate(keeper, task);
}

void task_on_removed(struct keeper *keeper, struct task *task)
{
	int status;
	if (task->phase != TASK_REMOVING ||
	    waitpid(task->remover, &status, WNOHANG) != task->remover)
		return;
	if (status != 0)
		task_note_scratch(keeper, task);
	task->remover = 0;
	task_finish(keeper, task);
}
