#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"
#include "makeflags.h"

extern char **environ;

#define OOM_SCORE 500
#define OOM_SCORE_TEXT "500"

void terminal_give(pid_t group)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal < 0)
		return;
	/* SIGTTOU is blocked in keeper and init, so this does not stop us. */
	tcsetpgrp(terminal, group);
	close(terminal);
}

void command_prepare(const sigset_t *ignored)
{
	char text[16] = {0};
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && atoi(text) < OOM_SCORE)
		(void)!pwrite(fd, OOM_SCORE_TEXT, strlen(OOM_SCORE_TEXT), 0);
	if (fd >= 0)
		close(fd);
	struct sigaction plain = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		if (sigismember(ignored, number) == 1)
			sigaction(number, &plain, NULL);
}

sigset_t signals_ignored(void)
{
	sigset_t ignored;
	sigemptyset(&ignored);
	struct sigaction now;
	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			sigaddset(&ignored, number);
	return ignored;
}

/* Node makes its own pipes non-blocking; few programs expect that of what they inherit. */
static bool make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && (!(flags & O_NONBLOCK) || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

/* Tells the keeper itself: where vfork is only a fork, the init would not see it in its memory. */
static _Noreturn void fail(const struct init_setup *setup, volatile bool *failed, const char *stage)
{
	init_send_failure(setup->channel, stage);
	*failed = true;
	_exit(127);
}

/*
 * So many of the CPUs that we may use, and others for the next task: an environment variable for
 * threads can be overwritten by a library, this cannot by accident.
 */
static bool take_cpus(uint64_t wanted, uint32_t task)
{
	cpu_set_t all, mine;
	if (wanted == 0)
		return true;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return false;
	int count = CPU_COUNT(&all);
	if (wanted >= (uint64_t)count)
		return true;
	CPU_ZERO(&mine);
	int first = (int)((uint64_t)task * wanted % (uint64_t)count), seen = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		int place = (seen++ - first + count) % count;
		if ((uint64_t)place < wanted)
			CPU_SET(cpu, &mine);
	}
	return sched_setaffinity(0, sizeof mine, &mine) == 0;
}

static bool limit(int resource, int64_t value)
{
	if (value < 0)
		return true;
	struct rlimit now;
	if (getrlimit(resource, &now) != 0)
		return false;
	rlim_t wanted = (rlim_t)value;
	if (now.rlim_max != RLIM_INFINITY && wanted > now.rlim_max)
		wanted = now.rlim_max;
	struct rlimit both = {wanted, wanted};
	return setrlimit(resource, &both) == 0;
}

/*
 * Only async-signal-safe calls and no allocation from here to exec: the memory is the init's, which
 * waits meanwhile.
 */
static _Noreturn void become_command(const struct init_setup *setup, volatile bool *failed)
{
	const struct task_spec *spec = setup->spec;
	if (setup->foreground_of) {
		setpgid(0, 0);
		terminal_give(getpid());
	} else {
		setsid();
	}
	if (!take_cpus(spec->cpus, setup->task))
		fail(setup, failed, "cpus");
	if (!limit(RLIMIT_NOFILE, spec->open_files) || !limit(RLIMIT_CORE, spec->core_bytes))
		fail(setup, failed, "limits");
	/* init keeps 0, 1 and 2 open, so all of these are above them; dup2 clears close-on-exec. */
	for (int i = 0; i < 3; i++)
		if (dup2(setup->stdio[i], i) < 0 ||
		    (spec->stdio[i] == STDIO_INHERIT && !make_blocking(i)))
			fail(setup, failed, "stdio");
	if (setup->socket >= 0 && dup2(setup->socket, 3) < 0)
		fail(setup, failed, "socket");
	if (setup->bulk >= 0 && dup2(setup->bulk, 4) < 0)
		fail(setup, failed, "bulk");
	if (setup->jobserver >= 0 && dup2(setup->jobserver, 5) < 0)
		fail(setup, failed, "jobserver");
	if (spec->cwd && chdir(spec->cwd) != 0)
		fail(setup, failed, "cwd");
	/* What is caught exec resets by itself. */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(spec->argv[0], spec->argv);
	fail(setup, failed, "exec");
}

pid_t command_start(const struct init_setup *setup)
{
	static volatile bool failed;
	bool entered = true;
	makeflags_choose(setup->spec);
	environ = setup->spec->env; /* execvp looks PATH up here: the task's own */
	/* A fork would copy the page tables only for exec to throw the copy away. Into a cgroup there
	 * is no other way: that flag only clone3 has, and its child may not return on our stack. */
	pid_t pid = setup->cgroup < 0 ? vfork() : cgroup_fork(setup->cgroup, &entered);
	if (pid == 0 && !entered)
		fail(setup, &failed, "cgroup");
	if (pid == 0)
		become_command(setup, &failed);
	if (pid < 0) {
		init_send_failure(setup->channel, "fork");
		return -1;
	}
	if (failed) {
		waitpid(pid, NULL, 0);
		return -1;
	}
	return pid;
}
