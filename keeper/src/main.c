/*
 * cofferdam-keeper: the one process that starts, contains and reaps all others.
 *
 *    Node ── control socket (3) ──┐
 *     ▲                           ▼
 *     │                        keeper ── ledger (flock)
 *     │                       ╱   │   ╲
 *     │               init ──╱  init   ╲── init      pid 1 of a namespace each
 *     │                │          │          │
 *     └─ pipes, ─── command    command    command    and whatever they start
 *        sockets
 *
 * The keeper ends when Node does (end of file on the control socket, or Node's pidfd), and it takes
 * every task with it. When the keeper is killed, the inits die with it, and with them their trees.
 *
 * Usage: cofferdam-keeper --probe | --sweep BASE [--dry-run] | BASE [AFTER], the last with the control socket on 3,
 * Node's stdio on 4, 5 and 6, and on 7 the socket that a first worker is given as its 3.
 * AFTER names a run whose keeper was lost. Exit codes: 0 all gone, 1 some process is stuck, 2 the
 * run's folder could not be removed, 125 it could not start.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command.h"
#include "control.h"
#include "files.h"
#include "hello.h"
#include "orphans.h"
#include "probe.h"
#include "shutdown.h"
#include "spares.h"

/* Of two times, 0 standing for never. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static int wait_ms(const struct keeper *keeper, uint64_t now)
{
	bool sample_waits = keeper->samples_changed && !keeper->out_waits;
	uint64_t at = sample_waits ? keeper->sample_told_at + SAMPLE_EVERY_MS : 0;
	at = earlier(at, orphans_next_time(keeper));
	at = earlier(at, spares_next_time(keeper));
	for (struct task *task = keeper->tasks; task; task = task->next)
		at = earlier(at, task_next_time(task));
	if (!at)
		return -1;
	if (at <= now)
		return 0;
	return at - now > 60000 ? 60000 : (int)(at - now);
}

/* False: time to go. */
static bool on_event(struct keeper *keeper, const struct epoll_event *event, int signals)
{
	void *watched = (void *)(uintptr_t)(event->data.u64 & ~(uint64_t)7);
	struct task *task = watched;
	struct signalfd_siginfo info;
	switch ((enum watch_kind)(event->data.u64 & 7)) {
	case WATCH_CONTROL:
		return !(event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || control_read(keeper);
	case WATCH_NODE:
		return false;
	case WATCH_SIGNALS:
		return read(signals, &info, sizeof info) != sizeof info;
	case WATCH_CHANNEL:
		task_on_channel(keeper, task);
		if (task->init_waits)
			task_on_init_waiting(keeper, task);
		return true;
	case WATCH_INIT:
		task_on_init_death(keeper, task);
		return true;
	case WATCH_REMOVER:
		task_on_removed(keeper, task);
		return true;
	case WATCH_SPARE:
		spares_on_death(keeper, watched);
		return true;
	}
	return true;
}

static void serve(struct keeper *keeper, int signals)
{
	for (;;) {
		uint64_t now = now_ms();
		for (struct task *task = keeper->tasks, *next; task; task = next) {
			next = task->next; /* it may end in this tick */
			task_tick(keeper, task, now);
		}
		orphans_tick(keeper, now);
		spares_tick(keeper, now);
		control_tell_samples(keeper, now);
		if (!control_write(keeper))
			return;
		struct epoll_event events[64];
		int count = epoll_wait(keeper->epoll, events, 64, wait_ms(keeper, now));
		bool go_on = true;
		for (int i = 0; i < count; i++)
			go_on &= on_event(keeper, &events[i], signals);
		tasks_free_ended(keeper);
		spares_free_ended(keeper);
		if (!go_on)
			return;
	}
}

static int fail(const char *what)
{
	fprintf(stderr, "cofferdam-keeper: %s: %s\n", what, strerror(errno));
	return 125;
}

/* Node decides what an interrupt means; only TERM is for the keeper itself. */
static int take_signals(void)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU,
				      SIGUSR1, SIGUSR2, SIGXFSZ};
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would reap the inits behind our back */
	return signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
}

static uint32_t read_pid_max(void)
{
	char text[32];
	long value = read_file("/proc/sys/kernel/pid_max", text, sizeof text) > 0 ? atol(text) : 0;
	return value > 1000 ? (uint32_t)value : 32768;
}

/* Above what an init moves: it would have to move it for each task. */
static int move_up(int fd)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (fd >= 0)
		close(fd);
	return moved;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--probe") == 0)
		return probe_report();
	if (argc >= 3 && argc <= 4 && strcmp(argv[1], "--sweep") == 0)
		return sweep_report(argv[2], argc == 4 && strcmp(argv[3], "--dry-run") == 0);
	int signals = take_signals();
	if ((argc != 2 && argc != 3) || argv[1][0] == '-') {
		fprintf(stderr, "usage: cofferdam-keeper BASE [AFTER] (started by the cofferdam library)\n"
				"       cofferdam-keeper --probe | --sweep BASE [--dry-run]\n");
		return 125;
	}
	struct keeper keeper = {.control = CONTROL, .node = getppid(), .pid_max = read_pid_max()};
	keeper.node_group = getpgid(keeper.node);
	if (fcntl(CONTROL, F_SETFD, FD_CLOEXEC) != 0)
		return fail("no control socket on descriptor 3");
	for (int i = 0; i < 3; i++)
		keeper.inherited[i] = fcntl(4 + i, F_SETFD, FD_CLOEXEC) == 0 ? 4 + i : -1;
	keeper.first_channel =
		fcntl(FIRST_CHANNEL, F_SETFD, FD_CLOEXEC) == 0 ? FIRST_CHANNEL : -1;
	/* Out of the terminal's foreground group: a Ctrl-C is for Node and the commands. */
	setpgid(0, 0);
	keeper.null_device = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	keeper.own_pidfd = move_up((int)syscall(SYS_pidfd_open, getpid(), 0));
	keeper.last_pid = move_up(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
	keeper.ignored = signals_ignored();
	keeper.epoll = epoll_create1(EPOLL_CLOEXEC);
	int node_pidfd = (int)syscall(SYS_pidfd_open, keeper.node, 0);
	if (signals < 0 || keeper.null_device < 0 || keeper.own_pidfd < 0 || keeper.epoll < 0)
		return fail("set-up");
	const char *what;
	if (!ledger_open(&keeper.ledger, argv[1], &what)) {
		fprintf(stderr, "cofferdam-keeper: %s (%s): %s; set TMPDIR to a folder that can be written\n",
			what, argv[1], strerror(errno));
		return 125;
	}
	struct sweep_result swept;
	ledger_sweep(&keeper.ledger, argv[2], &swept);
	say_hello(&keeper, &swept);
	if (!keeper_watch(&keeper, CONTROL, WATCH_CONTROL, NULL, EPOLLIN) ||
	    !keeper_watch(&keeper, signals, WATCH_SIGNALS, NULL, EPOLLIN) ||
	    (node_pidfd >= 0 && !keeper_watch(&keeper, node_pidfd, WATCH_NODE, NULL, EPOLLIN)))
		return fail("epoll");
	if (control_write(&keeper)) {
		cgroup_probes_sweep(); /* nobody waits for it */
		serve(&keeper, signals);
	}
	int code = end_all(&keeper);
	buffer_free(&keeper.in);
	buffer_free(&keeper.out);
	return code;
}
