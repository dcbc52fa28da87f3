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
 * Usage: cofferdam-keeper --probe | --sweep BASE [--dry-run] | BASE [AFTER], the last with the control socket on 3 and Node's stdio on 4, 5 and 6.
 * AFTER names a run whose keeper was lost. Exit codes: 0 all gone, 1 some process is stuck, 2 the
 * run's folder could not be removed, 125 it could not start.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "orphans.h"
#include "probe.h"
#include "task.h"

#define CONTROL 3
#define SAMPLE_EVERY_MS 100
#define READ_SIZE 65536
#define SHUTDOWN_WAIT_MS 10000
#define SHUTDOWN_ROUND_MS 2

static void note(struct buffer *out, const char *format, const char *step, int error)
{
	char line[200];
	snprintf(line, sizeof line, format, step, strerror(error));
	wire_text(out, TAG_NOTE, line);
}

/* The strongest way that works when it is tried; COFFERDAM_CONTAINMENT=subreaper tries less. */
static void choose_tree(struct keeper *keeper, struct buffer *out)
{
	const char *forced = getenv("COFFERDAM_CONTAINMENT");
	if (forced && strcmp(forced, "subreaper") == 0) {
		wire_text(out, TAG_NOTE, "COFFERDAM_CONTAINMENT asks for it");
	} else {
		const char *failed = probe_tree(keeper, TREE_NAMESPACE, &keeper->proc_own);
		if (!failed)
			return;
		note(out, "direct: %s: %s", failed, errno);
		failed = probe_tree(keeper, TREE_USER_NAMESPACE, &keeper->proc_own);
		if (!failed)
			return;
		note(out, "user: %s: %s", failed, errno);
	}
	keeper->tree = TREE_SUBREAPER;
	if (!proc_is_ours()) {
		/* Its pids are others' than ours: to kill by them would kill strangers. */
		fprintf(stderr, "cofferdam-keeper: /proc shows another PID namespace; mount its own\n");
		ledger_remove(&keeper->ledger);
		exit(125);
	}
	keeper->proc_own = false;
	/* For what an init leaves behind that is itself killed. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	tree_open(&keeper->view, false);
	ledger_without_namespaces(&keeper->ledger);
}

/* A cgroup of our own beside any way; where none can be had, all goes on without. */
static void choose_cgroup(struct keeper *keeper, struct buffer *out)
{
	struct cgroup_run *run = &keeper->cgroups;
	if (!cgroup_run_name(run, keeper->ledger.run_name) ||
	    !ledger_cgroup(&keeper->ledger, run->path) || !cgroup_run_open(run))
		return;
	char text[32];
	snprintf(text, sizeof text, "kill%s%s", run->memory ? " memory" : "",
		 run->pids ? " pids" : "");
	wire_text(out, TAG_CGROUP, text);
}

/* Says what can be had here. */
static void say_hello(struct keeper *keeper, const struct sweep_result *swept)
{
	struct buffer *out = &keeper->out;
	size_t start = wire_begin(out, EVT_HELLO, 0);
	wire_number(out, TAG_NUMBER, WIRE_VERSION);
	wire_text(out, TAG_PATH, keeper->ledger.run_path);
	choose_tree(keeper, out);
	keeper->scratch = (struct scratch){.run_dir = keeper->ledger.run_dir,
					   .recycles = keeper->tree != TREE_SUBREAPER};
	choose_cgroup(keeper, out);
	wire_text(out, TAG_TREE, keeper->tree == TREE_SUBREAPER ? "subreaper" : "namespace");
	wire_text(out, TAG_PROC, keeper->proc_own ? "own" : "host");
	wire_number(out, TAG_STARTED, swept->runs);
	wire_number(out, TAG_KILLED, swept->processes);
	wire_number(out, TAG_PROCESSES, swept->stuck);
	wire_end(out, start);
}

static void on_request(struct keeper *keeper, const struct wire_frame *frame)
{
	uint64_t number = 0, grace = 0;
	bool has_grace = false;
	size_t offset = 0;
	struct wire_field field;
	if (frame->type == REQ_START) {
		task_start(keeper, frame);
		return;
	}
	while (wire_next_field(frame, &offset, &field) == 1) {
		if (field.tag == TAG_GRACE) {
			grace = wire_field_number(&field);
			has_grace = true;
		} else if (field.tag == TAG_NUMBER || field.tag == TAG_TIMEOUT) {
			number = wire_field_number(&field);
		}
	}
	/* A task may end while a request about it is on its way. */
	struct task *task = task_find(keeper, frame->task);
	if (!task)
		return;
	switch (frame->type) {
	case REQ_OPENED:
		task_on_opened(keeper, task);
		break;
	case REQ_STOP:
		task_stop(keeper, task, CAUSE_STOPPED, has_grace ? grace : task->spec.grace_ms);
		break;
	case REQ_DEADLINE:
		if (task->phase == TASK_RUNNING && !task->command_gone)
			task->deadline_at = number ? later(now_ms(), number) : 0;
		break;
	case REQ_SIGNAL:
		if (number > 0 && number < NSIG && task->phase < TASK_KILLING)
			task_order(task, ORDER_SIGNAL, (int)number);
		break;
	case REQ_RESUME:
		task_order(task, ORDER_RESUME, 0);
		break;
	default:
		break;
	}
}

/* False: the other side is gone or talks nonsense, and all must end. */
static bool read_control(struct keeper *keeper)
{
	static uint8_t chunk[READ_SIZE];
	ssize_t got = recv(keeper->control, chunk, sizeof chunk, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	buffer_append(&keeper->in, chunk, (size_t)got);
	if (keeper->in.failed)
		return false;
	size_t used = 0, size = 0;
	struct wire_frame frame;
	int found;
	while ((found = wire_next_frame(keeper->in.data + used, keeper->in.length - used, &frame,
					&size)) == 1) {
		on_request(keeper, &frame);
		used += size;
	}
	buffer_consume(&keeper->in, used);
	return found == 0;
}

static bool write_control(struct keeper *keeper)
{
	struct buffer *out = &keeper->out;
	if (out->failed)
		return false;
	size_t sent = 0;
	while (sent < out->length) {
		ssize_t put = send(keeper->control, out->data + sent, out->length - sent,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN)
			return false;
		if (put < 0)
			break;
		sent += (size_t)put;
	}
	buffer_consume(out, sent);
	bool waits = out->length > 0;
	if (waits == keeper->out_waits)
		return true;
	keeper->out_waits = waits;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0u),
				    .data.u64 = WATCH_CONTROL};
	epoll_ctl(keeper->epoll, EPOLL_CTL_MOD, keeper->control, &event);
	return true;
}

static void tell_samples(struct keeper *keeper, uint64_t now)
{
	/* Who does not read gets the newest figure once it reads again, and not each of them. */
	if (!keeper->samples_changed || keeper->out_waits ||
	    now - keeper->sample_told_at < SAMPLE_EVERY_MS)
		return;
	uint64_t bytes = 0, processes = 0;
	for (struct task *task = keeper->tasks; task; task = task->next) {
		bytes += task->memory_bytes;
		processes += task->processes;
	}
	size_t start = wire_begin(&keeper->out, EVT_SAMPLE, 0);
	wire_number(&keeper->out, TAG_MEMORY, bytes);
	wire_number(&keeper->out, TAG_PROCESSES, processes);
	wire_end(&keeper->out, start);
	keeper->samples_changed = false;
	keeper->sample_told_at = now;
}

static int wait_ms(const struct keeper *keeper, uint64_t now)
{
	bool sample_waits = keeper->samples_changed && !keeper->out_waits;
	uint64_t at = sample_waits ? keeper->sample_told_at + SAMPLE_EVERY_MS : 0;
	uint64_t orphans = orphans_next_time(keeper);
	if (orphans && (!at || orphans < at))
		at = orphans;
	for (struct task *task = keeper->tasks; task; task = task->next) {
		uint64_t next = task_next_time(task);
		if (next && (!at || next < at))
			at = next;
	}
	if (!at)
		return -1;
	if (at <= now)
		return 0;
	return at - now > 60000 ? 60000 : (int)(at - now);
}

/* False: time to go. */
static bool on_event(struct keeper *keeper, const struct epoll_event *event, int signals)
{
	struct task *task = (struct task *)(uintptr_t)(event->data.u64 & ~(uint64_t)7);
	struct signalfd_siginfo info;
	switch ((enum watch_kind)(event->data.u64 & 7)) {
	case WATCH_CONTROL:
		return !(event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || read_control(keeper);
	case WATCH_NODE:
		return false;
	case WATCH_SIGNALS:
		return read(signals, &info, sizeof info) != sizeof info;
	case WATCH_CHANNEL:
		task_on_channel(keeper, task);
		return true;
	case WATCH_INIT:
		task_on_init_death(keeper, task);
		return true;
	case WATCH_REMOVER:
		task_on_removed(keeper, task);
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
		tell_samples(keeper, now);
		if (!write_control(keeper))
			return;
		struct epoll_event events[64];
		int count = epoll_wait(keeper->epoll, events, 64, wait_ms(keeper, now));
		bool go_on = true;
		for (int i = 0; i < count; i++)
			go_on &= on_event(keeper, &events[i], signals);
		tasks_free_ended(keeper);
		if (!go_on)
			return;
	}
}

/* One round of the last wait. True: all inits are gone, and so is what they left us. */
static bool all_gone(struct keeper *keeper)
{
	bool gone = true;
	struct pollfd first = {.fd = -1, .events = POLLIN};
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

/* Ends all tasks at once, then waits for each init: only then is everything gone. */
static int end_all(struct keeper *keeper)
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
	if (!ledger_open(&keeper.ledger, argv[1], &what))
		return fail(what);
	struct sweep_result swept;
	ledger_sweep(&keeper.ledger, argv[2], &swept);
	say_hello(&keeper, &swept);
	if (!keeper_watch(&keeper, CONTROL, WATCH_CONTROL, NULL, EPOLLIN) ||
	    !keeper_watch(&keeper, signals, WATCH_SIGNALS, NULL, EPOLLIN) ||
	    (node_pidfd >= 0 && !keeper_watch(&keeper, node_pidfd, WATCH_NODE, NULL, EPOLLIN)))
		return fail("epoll");
	serve(&keeper, signals);
	int code = end_all(&keeper);
	buffer_free(&keeper.in);
	buffer_free(&keeper.out);
	return code;
}
