#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ancestry.h"
#include "command.h"
#include "files.h"
#include "footing.h"
#include "init-task.h"
#include "leaks.h"
#include "namespace.h"
#include "next-task.h"
#include "share.h"
#include "shared-objects.h"

/*
 * So many pids an init has for its tasks, each of which begins where the one before ended: after them
 * come those of a neighbour (see first_pid in task-init.c), and names like `out.$$` would collide.
 */
#define PIDS_OF_OWN 100

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

static void report_done(const struct init *init, bool waits)
{
	struct init_report report = {
		.kind = REPORT_DONE,
		.status = init->status,
		.processes = init->reaped > init->most ? init->reaped : init->most,
		.killed = init->killed,
		.waits = waits,
		/* Too short a life for a sample still has a floor: its largest process. */
		.bytes = init->peak > init->largest ? init->peak : init->largest,
		.user_us = init->user_us,
		.system_us = init->system_us,
	};
	init_send(init->setup->channel, &report);
}

/* Its processes ended by themselves, and a new init would find the same as the next task here. */
static bool may_take_another(const struct init *init, pid_t first_command,
			     const struct footing *footing)
{
	return footing && init->phase == SETTLING && WIFEXITED(init->status) &&
	       init->command >= first_command && init->command - first_command < PIDS_OF_OWN &&
	       footing_holds(footing);
}

/* With the machine. In a namespace it was asked for, and nothing of it is taken away. */
static bool shares_objects(const struct init_setup *setup)
{
	return !setup->isolated || setup->spec->host_ipc;
}

/* Tells what is left and that the task is done. Ends the init unless it takes another. */
static void end_task(const struct init *init, bool takes_another)
{
	if (shares_objects(init->setup))
		shared_objects_end(init->setup->channel, &init->view);
	else if (!takes_another && !init->setup->spec->join)
		leaks_report_objects(init->setup->channel);
	report_done(init, takes_another);
	if (!takes_another)
		_exit(0);
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

static _Noreturn void serve(struct init *init, struct init_setup *setup, int signals)
{
	static struct footing footing;
	uint32_t first_pid = wait_for_go(setup->channel);
	bool provable = setup->takes_another && footing_take(&footing);
	if (setup->isolated)
		namespace_move_pids(setup->last_pid, first_pid);
	if (!setup->spec)
		next_task_receive(setup);
	if (setup->spec->hold)
		share_hold(setup);
	if (shares_objects(setup))
		shared_objects_begin();
	init_task_start(init, setup);
	pid_t first_command = init->command;
	for (;;) {
		init_task_supervise(init, signals);
		end_task(init, may_take_another(init, first_command, provable ? &footing : NULL));
		next_task_receive(setup);
		ancestry_forget();
		init_task_start(init, setup);
	}
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
	if (setup.spec || setup.stays)
		command_prepare(&setup.ignored);

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
		if (!setup.stays)
			_exit(0);
	}

	struct init init = {.setup = &setup};
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (setup.takes_another)
		next_task_reserve_descriptors(setup.null_device);
	int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || !tree_open(&init.view, proc_own)) {
		init_send_failure(setup.channel, "init");
		_exit(125);
	}
	serve(&init, &setup, signals);
}
