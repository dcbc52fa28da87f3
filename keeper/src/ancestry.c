#include "ancestry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

/* A place for each pid, taken from who was there before: what is forgotten is told as a gap. */
#define PLACES 1024
#define GENERATIONS_MAX 32

static struct tree_process seen[PLACES];
static bool noted;

static struct tree_process *place_of(pid_t pid)
{
	return &seen[(unsigned)pid % PLACES];
}

struct noting {
	const struct tree_view *view;
};

static void note_one(pid_t pid, void *context)
{
	const struct noting *noting = context;
	struct tree_process *place = place_of(pid);
	if (place->pid == pid)
		return;
	struct tree_process process;
	tree_describe(noting->view, pid, &process);
	if (process.start_ticks)
		*place = process;
}

void ancestry_note(const struct tree_view *view)
{
	struct noting noting = {view};
	noted = true;
	tree_visit(view, note_one, &noting);
}

void ancestry_forget(void)
{
	if (noted)
		memset(seen, 0, sizeof seen);
	noted = false;
}

/* The living as they are; the dead as they were when they were first seen. */
static bool find(const struct tree_view *view, pid_t pid, struct tree_process *process)
{
	tree_describe(view, pid, process);
	if (process->start_ticks)
		return true;
	*process = *place_of(pid);
	return process->pid == pid;
}

static pid_t init_pid(const struct tree_view *view)
{
	char text[16] = "";
	if (view->own)
		return 1;
	return readlinkat(view->proc, "self", text, sizeof text - 1) > 0 ? (pid_t)atoi(text) : 0;
}

static void append(struct init_report *report, pid_t pid, const char *name)
{
	size_t used = strlen(report->parents);
	snprintf(report->parents + used, sizeof report->parents - used, "%s%d %s",
		 used ? "\x1f" : "", (int)pid, name);
}

static const char *base_name(const char *path)
{
	const char *last = strrchr(path, '/');
	return last && last[1] ? last + 1 : path;
}

static uint64_t age_ms(uint64_t start_ticks)
{
	struct timespec now;
	long per_second = sysconf(_SC_CLK_TCK);
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0 || per_second <= 0)
		return 0;
	uint64_t at = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	uint64_t start = start_ticks * 1000 / (uint64_t)per_second;
	return at > start ? at - start : 0;
}

void ancestry_describe(const struct tree_view *view, pid_t pid, const struct init_setup *setup,
		       pid_t command, struct init_report *report)
{
	/* Where /proc is not ours, our pid of the command is not the one that it shows. */
	bool same_pids = view->own || !setup->isolated;
	const pid_t self = init_pid(view);
	struct tree_process at;
	tree_describe(view, pid, &at);
	report->pid = pid;
	report->parent = at.parent;
	report->bytes = at.resident;
	report->age_ms = at.start_ticks ? age_ms(at.start_ticks) : 0;
	snprintf(report->name, sizeof report->name, "%s", at.name);
	for (int generation = 0; generation < GENERATIONS_MAX; generation++) {
		if (same_pids && at.pid == command)
			return;
		pid_t parent = at.parent;
		const struct tree_process *before = place_of(at.pid);
		/* Adopted by us: who was its parent when it was first seen? */
		if (parent == self && before->pid == at.pid && before->start_ticks == at.start_ticks)
			parent = before->parent;
		if (parent == self || parent == 0)
			break;
		uint64_t younger = at.start_ticks;
		if (!find(view, parent, &at) || at.start_ticks > younger) {
			/* It ended, and its pid is all that is known, or is another's now. */
			if (same_pids && parent == command)
				append(report, command, base_name(setup->spec->argv[0]));
			else
				break;
			return;
		}
		append(report, at.pid, at.name);
	}
	report->orphaned = same_pids;
	append(report, same_pids ? command : 0, base_name(setup->spec->argv[0]));
}
