/* A task's life after its start: the ladder, what its init tells, its end. */
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
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

static void step(struct keeper *keeper, struct task *task, enum task_phase phase, uint64_t now)
{
	task->phase = phase;
	switch (phase) {
	case TASK_KILLING:
		task_order(task, ORDER_KILL, 0);
		task->step_at = now + FORCE_AFTER_MS;
		break;
	case TASK_FORCED:
		task_force(task);
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
		step(keeper, task, TASK_KILLING, now);
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

static void tell_stuck(struct keeper *keeper, struct task *task)
{
	if (task->stuck_told)
		return;
	task->stuck_told = true;
	size_t start = wire_begin(&keeper->out, EVT_STUCK, task->id);
	stuck_describe(&keeper->out, task->init);
	wire_end(&keeper->out, start);
}

static void vacate(struct keeper *keeper, struct task *task);

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
		vacate(keeper, task);
	} else if (task->phase == TASK_TERMINATING || task->phase == TASK_RUNNING) {
		step(keeper, task, TASK_KILLING, now);
	} else if (task->phase == TASK_KILLING) {
		step(keeper, task, TASK_FORCED, now);
	} else if (task->phase == TASK_FORCED || task->phase == TASK_ORPHANED) {
		tell_stuck(keeper, task);
	}
}

uint64_t task_next_time(const struct task *task)
{
	uint64_t deadline = task->phase == TASK_RUNNING ? task->deadline_at : 0;
	if (!deadline || !task->step_at)
		return deadline ? deadline : task->step_at;
	return deadline < task->step_at ? deadline : task->step_at;
}

static const char *name_in(const char *const *names, size_t count, uint32_t number)
{
	return names[number < count ? number : 0];
}

static void note_leak(struct task *task, const struct init_report *report)
{
	static const char *const kinds[] = {"process", "process", "semaphore", "shared-memory",
					    "sysv", "message-queue", "scratch"};
	static const char *const actions[] = {"left", "killed", "removed", "left"};
	char line[sizeof *report + 100];
	snprintf(line, sizeof line, "%s\t%d\t%d\t%llu\t%llu\t%.19s\t%s\t%u\t%.255s\t%.255s",
		 name_in(kinds, sizeof kinds / sizeof *kinds, report->leak), (int)report->pid,
		 (int)report->parent, (unsigned long long)report->bytes,
		 (unsigned long long)report->age_ms, report->how,
		 name_in(actions, sizeof actions / sizeof *actions, report->action),
		 (unsigned)report->orphaned, report->parents, report->name);
	wire_text(&task->leaks, TAG_LEAK, line);
}

static void note_scratch(const struct keeper *keeper, struct task *task)
{
	struct init_report report = {.leak = LEAK_SCRATCH, .action = ACTION_LEFT, .how = "own-folder"};
	snprintf(report.name, sizeof report.name, "%s/t%u", keeper->ledger.run_path, task->id);
	note_leak(task, &report);
}

static void note_exit(const struct keeper *keeper, struct task *task, int32_t status)
{
	task->command_gone = true;
	task->command_status = status;
	task->deadline_at = 0;
	if (task->foreground)
		terminal_give(keeper->node_group);
}

static void take_report(struct keeper *keeper, struct task *task, const struct init_report *report)
{
	switch (report->kind) {
	case REPORT_OVER:
		if (task->cause == CAUSE_NONE)
			task->cause = (enum end_cause)report->error;
		if (task->phase < TASK_KILLING) {
			task->phase = TASK_KILLING; /* the init is at it already */
			task->step_at = now_ms() + FORCE_AFTER_MS;
		}
		/* fall through */
	case REPORT_SAMPLE:
		if (report->bytes != task->memory_bytes || report->processes != task->processes)
			keeper->samples_changed = true;
		task->memory_bytes = report->bytes;
		task->processes = report->processes;
		if (report->bytes > task->peak_bytes)
			task->peak_bytes = report->bytes;
		break;
	case REPORT_EXITED: {
		note_exit(keeper, task, report->status);
		/* The init now ends what is left; it too may hang, or be hung. */
		if (task->phase == TASK_RUNNING)
			task->step_at = now_ms() + SETTLE_MS + FORCE_AFTER_MS;
		size_t start = wire_begin(&keeper->out, EVT_EXITED, task->id);
		wire_number(&keeper->out, TAG_STATUS, (uint64_t)(uint32_t)report->status);
		wire_end(&keeper->out, start);
		break;
	}
	case REPORT_STOPPED:
		terminal_give(keeper->node_group);
		wire_end(&keeper->out, wire_begin(&keeper->out, EVT_STOPPED, task->id));
		break;
	case REPORT_LEAK:
		note_leak(task, report);
		break;
	case REPORT_DONE:
		if (!task->command_gone)
			note_exit(keeper, task, report->status);
		task->done = true;
		if (!task->failed)
			task->last = *report;
		break;
	case REPORT_FAILED:
		task->failed = true;
		task->last = *report;
		break;
	default:
		break;
	}
}

/*
 * Off the watch before it is closed: a child that was forked a moment ago may still hold a copy,
 * and epoll drops a descriptor by itself only when the last copy is closed.
 */
static void unwatch_and_close(struct keeper *keeper, int *fd)
{
	if (*fd < 0)
		return;
	epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, *fd, NULL);
	close(*fd);
	*fd = -1;
}

void task_on_channel(struct keeper *keeper, struct task *task)
{
	while (task->channel >= 0) {
		struct init_report report;
		ssize_t got = recv(task->channel, &report, sizeof report, MSG_DONTWAIT);
		/* An init that ends with an order unread resets the channel once; its reports follow. */
		if (got < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (got < 0)
			return;
		if (got != (ssize_t)sizeof report) {
			/* Its end is closed: the pidfd tells the rest. */
			epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, task->channel, NULL);
			return;
		}
		take_report(keeper, task, &report);
	}
}

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
	ledger_end(&keeper->ledger, task->id);
	tell_end(keeper, task);
	task->phase = TASK_ENDED;
	task->memory_bytes = task->processes = 0;
	keeper->samples_changed = true;
	unwatch_and_close(keeper, &task->channel);
	unwatch_and_close(keeper, &task->remover_pidfd);
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

static void remove_scratch(struct keeper *keeper, struct task *task);

/* The cgroup goes first: that it can be removed is the proof that nobody is in it. */
static void vacate(struct keeper *keeper, struct task *task)
{
	if (task->cgroup >= 0 && !cgroup_task_remove(&keeper->cgroups, task->id)) {
		uint64_t now = now_ms();
		task->phase = TASK_VACATING;
		task->step_at = now + VACATE_EVERY_MS;
		if (now > task->vacate_until)
			tell_stuck(keeper, task);
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
			step(keeper, task, TASK_FORCED, now_ms());
		return;
	}
	task_on_channel(keeper, task);
	if (task->foreground && !task->command_gone)
		terminal_give(keeper->node_group);
	unwatch_and_close(keeper, &task->init_pidfd);
	task->deadline_at = 0;
	read_cgroup(task);
	if (keeper->tree == TREE_SUBREAPER && !task->done)
		step(keeper, task, TASK_ORPHANED, now_ms());
	else
		task_gone(keeper, task);
}

void task_gone(struct keeper *keeper, struct task *task)
{
	task->step_at = 0;
	task->vacate_until = now_ms() + STUCK_AFTER_MS;
	vacate(keeper, task);
}

static void remove_scratch(struct keeper *keeper, struct task *task)
{
	if (task->spec.scratch) {
		char scratch[SCRATCH_NAME_MAX];
		scratch_name(scratch, task->id);
		if (!scratch_put_away(&keeper->scratch, task->id)) {
			if (remove_in_child(keeper, task, scratch))
				return;
			if (faccessat(keeper->ledger.run_dir, scratch, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				note_scratch(keeper, task);
		}
	}
	task_finish(keeper, task);
}

void task_on_removed(struct keeper *keeper, struct task *task)
{
	int status;
	if (task->phase != TASK_REMOVING ||
	    waitpid(task->remover, &status, WNOHANG) != task->remover)
		return;
	if (status != 0)
		note_scratch(keeper, task);
	task->remover = 0;
	task_finish(keeper, task);
}
