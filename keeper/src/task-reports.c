/* What a task's init tells. */
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "command.h"
#include "files.h"

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

void task_note_scratch(const struct keeper *keeper, struct task *task)
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
		if (task->phase < TASK_KILLING)
			task_await_kill(task, now_ms()); /* the init is at it already */
		/* fall through */
	case REPORT_SAMPLE:
		if (report->bytes != task->memory_bytes || report->processes != task->processes)
			keeper->samples_changed = true;
		task->memory_bytes = report->bytes;
		task->processes = report->processes;
		if (report->bytes > task->peak_bytes)
			task->peak_bytes = report->bytes;
		break;
	case REPORT_READY:
		task_tell_started(keeper, task);
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
		task->init_waits = report->waits != 0;
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
