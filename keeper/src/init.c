#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "init-kill.h"
#include "init-sample.h"
#include "leaks.h"
#include "namespace.h"
#include "share.h"
#include "shared-objects.h"

void init_send(int channel, const struct init_report *report)
{
	ssize_t sent;
	do
		sent = send(channel, report, sizeof *report, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
}

void init_send_failure(int channel, const char *stage)
{
	struct init_report report = {.kind = REPORT_FAILED, .error = errno};
	strncpy(report.stage, stage, sizeof report.stage - 1);
	init_send(channel, &report);
}

/* Keeps only what the command and this init need, all of it above descriptor 9. */
static void take_descriptors(struct init_setup *setup)
{
	int *needed[] = {&setup->channel,  &setup->keeper_pidfd, &setup->null_device,
			 &setup->stdio[0], &setup->stdio[1],	 &setup->stdio[2],
			 &setup->socket,   &setup->bulk,	 &setup->jobserver,
			 &setup->last_pid, &setup->cgroup};
	const size_t count = sizeof needed / sizeof *needed;
	int keep[sizeof needed / sizeof *needed];
	for (size_t i = 0; i < count; i++) {
		if (*needed[i] >= 0 && *needed[i] < 10) {
			int moved = fcntl(*needed[i], F_DUPFD_CLOEXEC, 10);
			if (moved < 0)
				_exit(125);
			*needed[i] = moved;
		}
		keep[i] = *needed[i];
	}
	close_all_except(keep, count);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(setup->null_device, fd) != fd)
			_exit(125);
}

/* To the group; where the command made itself another, at least to itself. */
static void signal_command(const struct init *init, int number)
{
	if (kill(-init->command, number) != 0 && !init->command_gone)
		kill(init->command, number);
}

/* The command has left something behind. What leaves nothing is done at once, and said to be. */
static void tell_exited(struct init *init)
{
	if (!init->command_gone || init->exit_told)
		return;
	init->exit_told = true;
	struct init_report report = {.kind = REPORT_EXITED, .status = init->status};
	init_send(init->setup->channel, &report);
}

static void reap(struct init *init, bool *empty)
{
	*empty = false;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED);
		if (pid < 0 && errno == ECHILD) {
			*empty = true;
			return;
		}
		if (pid <= 0) {
			tell_exited(init);
			return;
		}
		if (WIFSTOPPED(status)) {
			if (pid == init->command && init->setup->foreground_of) {
				struct init_report report = {.kind = REPORT_STOPPED,
							     .status = WSTOPSIG(status)};
				init_send(init->setup->channel, &report);
			}
			continue;
		}
		init->reaped++;
		if (!init->setup->isolated)
			shared_objects_note_pid(pid);
		if (pid != init->command)
			continue;
		init->command_gone = true;
		init->status = status;
		if (init->phase == RUNNING) {
			init->phase = SETTLING;
			init->settle_at = now_ms() + SETTLE_MS;
		}
	}
}

static void obey(struct init *init)
{
	struct init_order order;
	ssize_t got = recv(init->setup->channel, &order, sizeof order, MSG_DONTWAIT);
	if (got == 0) {
		/* The keeper is gone. In a namespace so is everything, with us; else we see to it. */
		if (init->setup->isolated)
			_exit(125);
		init->keeper_gone = true;
		init_kill_everything(init);
		return;
	}
	if (got != (ssize_t)sizeof order)
		return;
	switch (order.kind) {
	case ORDER_TERM:
		if (!init->setup->isolated)
			shared_objects_look(&init->view);
		if (init->phase == RUNNING || init->phase == SETTLING)
			init->phase = TERMINATING;
		signal_command(init, SIGTERM);
		signal_command(init, SIGCONT); /* TERM on a stopped process stays pending */
		break;
	case ORDER_KILL:
		init_kill_everything(init);
		break;
	case ORDER_SIGNAL:
		signal_command(init, order.value);
		break;
	case ORDER_RESUME:
		terminal_give(init->command);
		signal_command(init, SIGCONT);
		break;
	default:
		break;
	}
}

static void report_done(struct init *init)
{
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
	/* Too short a life for a sample still has a floor: its largest process. */
	uint64_t largest = (uint64_t)usage.ru_maxrss * 1024;
	struct init_report report = {
		.kind = REPORT_DONE,
		.status = init->status,
		.processes = init->reaped > init->most ? init->reaped : init->most,
		.killed = init->killed,
		.bytes = init->peak > largest ? init->peak : largest,
		.user_us = (uint64_t)usage.ru_utime.tv_sec * 1000000u + (uint64_t)usage.ru_utime.tv_usec,
		.system_us =
			(uint64_t)usage.ru_stime.tv_sec * 1000000u + (uint64_t)usage.ru_stime.tv_usec,
	};
	init_send(init->setup->channel, &report);
}

static int next_wait_ms(const struct init *init)
{
	uint64_t now = now_ms();
	uint64_t at = init->sample_at;
	if (init->phase == SETTLING && init->settle_at < at)
		at = init->settle_at;
	return at <= now ? 0 : (int)(at - now);
}

/* poll(2) refuses who may open less files than it asks about: a tree can do that to its init. */
static void look_at_both(struct pollfd events[2])
{
	events[0].revents = events[1].revents = POLLIN;
	if (errno != EINTR)
		usleep(HUNT_MS * 1000);
}

/* With the machine. In a namespace it was asked for, and nothing of it is taken away. */
static bool shares_objects(const struct init_setup *setup)
{
	return !setup->isolated || setup->spec->host_ipc;
}

static _Noreturn void supervise(struct init *init, int signals)
{
	for (;;) {
		bool empty;
		reap(init, &empty);
		if (empty) {
			if (shares_objects(init->setup))
				shared_objects_end(init->setup->channel, &init->view);
			else if (!init->setup->spec->join)
				leaks_report_objects(init->setup->channel);
			report_done(init);
			_exit(0);
		}
		if (init->phase == SETTLING && now_ms() >= init->settle_at) {
			leaks_report_processes(init->setup, &init->view, init->command);
			init_kill_everything(init);
		}
		if (init->phase != KILLING && now_ms() >= init->sample_at)
			init_sample(init);
		bool hunting = init->phase == KILLING && !init->setup->isolated;
		if (hunting)
			init_hunt_children(init);
		struct pollfd events[] = {{.fd = signals, .events = POLLIN},
					  {.fd = init->setup->channel, .events = POLLIN}};
		/* A closed channel would be ready for ever. */
		if (poll(events, init->keeper_gone ? 1 : 2,
			 hunting ? HUNT_MS : init->phase == KILLING ? -1 : next_wait_ms(init)) < 0)
			look_at_both(events);
		if (events[0].revents & POLLIN) {
			struct signalfd_siginfo info;
			(void)!read(signals, &info, sizeof info);
		}
		if (!init->keeper_gone && events[1].revents)
			obey(init);
	}
}

static uint32_t wait_for_go(int channel)
{
	struct init_order order;
	ssize_t got;
	do
		got = recv(channel, &order, sizeof order, 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof order || order.kind != ORDER_GO)
		_exit(125);
	return (uint32_t)order.value;
}

_Noreturn void init_main(const struct init_setup *given)
{
	struct init_setup setup = *given;
	if (setup.isolated)
		namespace_bind_to_keeper(setup.keeper_pidfd);
	else if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		_exit(125);
	prctl(PR_SET_NAME, "cofferdam-init");
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	take_descriptors(&setup);

	bool proc_own = false;
	const char *stage = NULL;
	if (setup.isolated) {
		stage = namespace_enter(&setup, &proc_own);
		namespace_bind_to_keeper(setup.keeper_pidfd);
	}
	if (stage) {
		init_send_failure(setup.channel, stage);
		_exit(125);
	}
	if (!setup.spec) {
		struct init_report report = {.kind = REPORT_READY, .proc_own = proc_own};
		init_send(setup.channel, &report);
		_exit(0);
	}

	struct init init = {.setup = &setup, .phase = RUNNING};
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || !tree_open(&init.view, proc_own)) {
		init_send_failure(setup.channel, "init");
		_exit(125);
	}
	uint32_t first_pid = wait_for_go(setup.channel);
	if (setup.spec->hold)
		share_hold(&setup);
	if (setup.isolated)
		namespace_move_pids(setup.last_pid, first_pid);
	if (shares_objects(&setup))
		shared_objects_begin();
	init.command = command_start(&setup);
	if (init.command < 0)
		_exit(125);
	for (int i = 0; i < 3; i++)
		if (setup.stdio[i] != setup.null_device)
			close(setup.stdio[i]);
	if (setup.socket >= 0)
		close(setup.socket);
	if (setup.bulk >= 0)
		close(setup.bulk);
	if (setup.jobserver >= 0)
		close(setup.jobserver);
	init.sample_at = now_ms() + SAMPLE_FIRST_MS;
	supervise(&init, signals);
}
