#include "init-task.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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
#include "shared-objects.h"

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

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec;
}

static void note_usage(struct init *init, const struct rusage *usage)
{
	uint64_t resident = (uint64_t)usage->ru_maxrss * 1024;
	init->user_us += microseconds(&usage->ru_utime);
	init->system_us += microseconds(&usage->ru_stime);
	if (resident > init->largest)
		init->largest = resident;
}

static void reap(struct init *init, bool *empty)
{
	*empty = false;
	for (;;) {
		int status;
		struct rusage usage;
		pid_t pid = wait4(-1, &status, WNOHANG | WUNTRACED, &usage);
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
		note_usage(init, &usage);
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

void init_task_supervise(struct init *init, int signals)
{
	for (;;) {
		bool empty;
		reap(init, &empty);
		if (empty)
			return;
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

void init_task_start(struct init *init, struct init_setup *setup)
{
	*init = (struct init){.setup = setup, .phase = RUNNING, .view = init->view};
	init->command = command_start(setup);
	if (init->command < 0)
		_exit(125);
	for (int i = 0; i < 3; i++)
		if (setup->stdio[i] != setup->null_device)
			close(setup->stdio[i]);
	if (setup->socket >= 0)
		close(setup->socket);
	if (setup->bulk >= 0)
		close(setup->bulk);
	if (setup->jobserver >= 0)
		close(setup->jobserver);
	init->sample_at = now_ms() + SAMPLE_FIRST_MS;
}
