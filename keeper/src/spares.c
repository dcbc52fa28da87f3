#include "spares.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "next-task.h"

struct spare {
	struct spare *next;
	pid_t init;
	int pidfd; /* -1: it was engaged, or is no more */
	int channel;
	uint32_t name; /* in the ledger */
	bool is_new;
	uint64_t memory_bytes; /* what its /dev/shm is bounded by */
	uint64_t until;
	bool killed;
};

/* In the ledger, for one that is there before its first task. Tasks have other numbers. */
#define NAME_BEFORE_TASKS 0

static bool rewatch(const struct keeper *keeper, int fd, uint64_t data)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = data};
	return epoll_ctl(keeper->epoll, EPOLL_CTL_MOD, fd, &event) == 0;
}

static uint64_t watched_as(const void *what, enum watch_kind kind)
{
	return (uint64_t)(uintptr_t)what | (uint64_t)kind;
}

/* Aligned so that the low bits are free for the kind of watch. */
static struct spare *allocate(void)
{
	return aligned_alloc(16, (sizeof(struct spare) + 15) / 16 * 16);
}

void spares_adopt(struct keeper *keeper, const struct probed_init *init)
{
	struct spare *spare = allocate();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET,
				    .data.u64 = watched_as(spare, WATCH_SPARE)};
	struct init_order go = {ORDER_GO, (int32_t)task_first_pid(keeper, init->pid)};
	if (!spare ||
	    !ledger_start(&keeper->ledger, NAME_BEFORE_TASKS, init->pid,
			  process_start_time(init->pid)) ||
	    epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, init->pidfd, &event) != 0 ||
	    send(init->channel, &go, sizeof go, MSG_NOSIGNAL) != (ssize_t)sizeof go) {
		kill(init->pid, SIGKILL);
		waitid(P_PIDFD, (id_t)init->pidfd, &(siginfo_t){0}, WEXITED);
		close(init->pidfd);
		close(init->channel);
		free(spare);
		return;
	}
	*spare = (struct spare){.next = keeper->spares,
				.init = init->pid,
				.pidfd = init->pidfd,
				.channel = init->channel,
				.name = NAME_BEFORE_TASKS,
				.is_new = true,
				.until = now_ms() + SPARE_MS};
	keeper->spares = spare;
}

bool spares_keep(struct keeper *keeper, struct task *task)
{
	struct spare *spare = allocate();
	if (!spare || !rewatch(keeper, task->init_pidfd, watched_as(spare, WATCH_SPARE))) {
		free(spare);
		return false;
	}
	*spare = (struct spare){.next = keeper->spares,
				.init = task->init,
				.pidfd = task->init_pidfd,
				.channel = task->channel,
				.name = task->init_name,
				.memory_bytes = task->spec.memory_bytes,
				.until = now_ms() + SPARE_MS};
	/* What it says from now on is about its next task. */
	epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, task->channel, NULL);
	keeper->spares = spare;
	task->init = 0;
	task->init_pidfd = task->channel = -1;
	return true;
}

/* Not freed at once: an event of this round may be about it. */
static void discard(struct keeper *keeper, struct spare *spare)
{
	struct spare **link = &keeper->spares;
	while (*link != spare)
		link = &(*link)->next;
	*link = spare->next;
	spare->pidfd = spare->channel = -1;
	spare->next = keeper->ended_spares;
	keeper->ended_spares = spare;
}

void spares_free_ended(struct keeper *keeper)
{
	while (keeper->ended_spares) {
		struct spare *spare = keeper->ended_spares;
		keeper->ended_spares = spare->next;
		free(spare);
	}
}

static void force(struct spare *spare)
{
	/* Ours and not yet waited for, so the pid is still its own. */
	if (spare->pidfd >= 0)
		kill(spare->init, SIGKILL);
	spare->killed = true;
}

static bool engage(struct keeper *keeper, struct spare *spare, struct task *task,
		   const struct wire_frame *frame, const struct init_setup *setup)
{
	if (!keeper_watch(keeper, spare->channel, WATCH_CHANNEL, task, EPOLLIN))
		return false;
	if (!rewatch(keeper, spare->pidfd, watched_as(task, WATCH_INIT)) ||
	    !next_task_send(spare->channel, frame, setup)) {
		epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, spare->channel, NULL);
		rewatch(keeper, spare->pidfd, watched_as(spare, WATCH_SPARE));
		return false;
	}
	task->init = spare->init;
	task->init_pidfd = spare->pidfd;
	task->init_name = spare->name;
	task->init_is_new = spare->is_new;
	task->channel = spare->channel;
	discard(keeper, spare);
	return true;
}

bool spares_engage(struct keeper *keeper, struct task *task, const struct wire_frame *frame,
		   const struct init_setup *setup)
{
	struct spare *unfit = NULL;
	for (struct spare *spare = keeper->spares, *next; spare; spare = next) {
		next = spare->next;
		if (spare->killed)
			continue;
		if (spare->memory_bytes == task->spec.memory_bytes &&
		    engage(keeper, spare, task, frame, setup))
			return true;
		unfit = spare;
	}
	/* So there are never more inits than there were tasks at once. */
	if (unfit)
		force(unfit);
	return false;
}

static bool wait_for(struct spare *spare)
{
	siginfo_t info = {0};
	return waitid(P_PIDFD, (id_t)spare->pidfd, &info, WEXITED | WNOHANG) == 0 &&
	       info.si_pid != 0;
}

void spares_on_death(struct keeper *keeper, struct spare *spare)
{
	if (spare->pidfd < 0 || !wait_for(spare))
		return;
	ledger_end(&keeper->ledger, spare->name);
	keeper_close_watched(keeper, &spare->pidfd);
	keeper_close_watched(keeper, &spare->channel);
	discard(keeper, spare);
}

void spares_tick(struct keeper *keeper, uint64_t now)
{
	for (struct spare *spare = keeper->spares; spare; spare = spare->next)
		if (!spare->killed && now >= spare->until)
			force(spare);
}

uint64_t spares_next_time(const struct keeper *keeper)
{
	uint64_t at = 0;
	for (const struct spare *spare = keeper->spares; spare; spare = spare->next)
		if (!spare->killed && (!at || spare->until < at))
			at = spare->until;
	return at;
}

void spares_force(const struct keeper *keeper)
{
	for (struct spare *spare = keeper->spares; spare; spare = spare->next)
		force(spare);
}

bool spares_gone(struct keeper *keeper, int *waiting)
{
	*waiting = -1;
	for (struct spare *spare = keeper->spares, *next; spare; spare = next) {
		next = spare->next;
		spares_on_death(keeper, spare);
		if (spare->pidfd >= 0)
			*waiting = spare->pidfd;
	}
	return *waiting < 0;
}
