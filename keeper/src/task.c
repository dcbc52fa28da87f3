/* A task's life after its start: the deadline, and the ladder by which it is ended. */
#include "task.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "orphans.h"
#include "stuck.h"

struct task *task_find(const struct keeper *keeper, uint32_t id)
{
	struct task *task = keeper->tasks;
	while (task && task->id != id)
		task = task->next;
	return task;
}

void task_order(struct task *task, enum order_kind kind, int value)
{
	struct init_order order = {.kind = kind, .value = value};
	send(task->channel, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void task_force(struct task *task)
{
	/* Ours and not yet waited for, so the pid is still its own. */
	if (task->init_pidfd >= 0)
		kill(task->init, SIGKILL);
	/* Among them may be a tracer, which keeps the init from being reaped. */
	cgroup_kill(task->cgroup);
}

void task_await_kill(struct task *task, uint64_t now)
{
	task->phase = TASK_KILLING;
	task->force_at = now + FORCE_AFTER_MS;
	task->step_at = now + HELD_EVERY_MS;
	task->held_looks = 0;
}

/* One that is stopped, by a signal or by a tracer out of its own tree, does nothing any more. */
static void hasten_kill(struct keeper *keeper, struct task *task, uint64_t now)
{
	task->held_looks = is_held(task->init) ? task->held_looks + 1 : 0;
	if (now >= task->force_at || task->held_looks >= HELD_LOOKS)
		task_step(keeper, task, TASK_FORCED, now);
	else
		task->step_at = now + HELD_EVERY_MS;
}

void task_step(struct keeper *keeper, struct task *task, enum task_phase phase, uint64_t now)
{
	task->phase = phase;
	switch (phase) {
	case TASK_KILLING:
		task_order(task, ORDER_KILL, 0);
		task_await_kill(task, now);
		break;
	case TASK_FORCED:
		task_force(task);
		task->dying = count_below(task->init);
		/* It may be held by a tracer out of its own tree, which is our child from now on. */
		orphans_begin(keeper);
		task->step_at = now + STUCK_AFTER_MS;
		break;
	case TASK_ORPHANED:
		orphans_begin(keeper);
		task->step_at = now + STUCK_AFTER_MS;
		break;
	default:
		break;
	}
}

void task_stop(struct keeper *keeper, struct task *task, enum end_cause cause, uint64_t grace_ms)
{
	if (task->phase > TASK_TERMINATING)
		return;
	uint64_t now = now_ms();
	/* A command that has ended by itself was not stopped, though its leftovers are. */
	if (task->cause == CAUSE_NONE && !task->command_gone)
		task->cause = cause;
	if (grace_ms == 0) {
		task_step(keeper, task, TASK_KILLING, now);
		return;
	}
	uint64_t at = later(now, grace_ms);
	if (task->phase == TASK_RUNNING) {
		task_order(task, ORDER_TERM, 0);
		task->phase = TASK_TERMINATING;
		task->step_at = at;
	} else if (!task->step_at || at < task->step_at) {
		task->step_at = at;
	}
}

/* The end of tens of thousands of processes takes the kernel its time. */
static bool fewer_are_dying(struct task *task)
{
	unsigned before = task->dying;
	task->dying = count_below(task->init);
	return task->dying < before;
}

void task_tell_stuck(struct keeper *keeper, struct task *task)
{
	if (task->stuck_told)
		return;
	task->stuck_told = true;
	size_t start = wire_begin(&keeper->out, EVT_STUCK, task->id);
	stuck_describe(&keeper->out, task->init);
	wire_end(&keeper->out, start);
}

void task_tick(struct keeper *keeper, struct task *task, uint64_t now)
{
	if (task->deadline_at && now >= task->deadline_at && task->phase == TASK_RUNNING) {
		task->deadline_at = 0;
		task_stop(keeper, task, CAUSE_TIMEOUT, task->spec.grace_ms);
	}
	if (!task->step_at || now < task->step_at)
		return;
	task->step_at = 0;
	if (task->phase == TASK_VACATING) {
		task_vacate(keeper, task);
	} else if (task->phase == TASK_TERMINATING || task->phase == TASK_RUNNING) {
		task_step(keeper, task, TASK_KILLING, now);
	} else if (task->phase == TASK_KILLING) {
		hasten_kill(keeper, task, now);
	} else if (task->phase == TASK_FORCED && fewer_are_dying(task)) {
		task->step_at = now + STUCK_AFTER_MS;
	} else if (task->phase == TASK_FORCED || task->phase == TASK_ORPHANED) {
		task_tell_stuck(keeper, task);
	}
}

uint64_t task_next_time(const struct task *task)
{
	uint64_t deadline = task->phase == TASK_RUNNING ? task->deadline_at : 0;
	if (!deadline || !task->step_at)
		return deadline ? deadline : task->step_at;
	return deadline < task->step_at ? deadline : task->step_at;
}
