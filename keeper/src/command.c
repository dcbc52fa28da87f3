#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "files.h"

extern char **environ;

#define OOM_SCORE 500

struct failure {
	int error;
	char stage[8];
};

void terminal_give(pid_t group)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal < 0)
		return;
	/* SIGTTOU is blocked in keeper and init, so this does not stop us. */
	tcsetpgrp(terminal, group);
	close(terminal);
}

/* When memory runs out on the machine, the kernel should take a task and not its supervisor. */
static void offer_to_oom_killer(void)
{
	char text[16];
	if (read_file("/proc/self/oom_score_adj", text, sizeof text) > 0 && atoi(text) < OOM_SCORE) {
		snprintf(text, sizeof text, "%d", OOM_SCORE);
		(void)write_file("/proc/self/oom_score_adj", text);
	}
}

static void default_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &plain, NULL); /* fails for KILL, STOP and libc's own */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Node makes its own pipes non-blocking; few programs expect that of what they inherit. */
static bool make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && (!(flags & O_NONBLOCK) || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

static void fail(int pipe, const char *stage)
{
	struct failure failure = {.error = errno};
	snprintf(failure.stage, sizeof failure.stage, "%s", stage);
	(void)!write(pipe, &failure, sizeof failure);
	_exit(127);
}

/*
 * So many of the CPUs that we may use, and others for the next task: an environment variable for
 * threads can be overwritten by a library, this cannot by accident.
 */
static bool take_cpus(uint64_t wanted, uint32_t task)
{
	cpu_set_t all, mine;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return false;
	int count = CPU_COUNT(&all);
	if (wanted == 0 || wanted >= (uint64_t)count)
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

/* Only async-signal-safe calls and no allocation from here to exec. */
static _Noreturn void become_command(const struct init_setup *setup, int pipe)
{
	const struct task_spec *spec = setup->spec;
	if (setup->foreground_of) {
		setpgid(0, 0);
		terminal_give(getpid());
	} else {
		setsid();
	}
	offer_to_oom_killer();
	if (!take_cpus(spec->cpus, setup->task))
		fail(pipe, "cpus");
	if (!limit(RLIMIT_NOFILE, spec->open_files) || !limit(RLIMIT_CORE, spec->core_bytes))
		fail(pipe, "limits");
	/* init keeps 0, 1 and 2 open, so all of these are above them; dup2 clears close-on-exec. */
	for (int i = 0; i < 3; i++)
		if (dup2(setup->stdio[i], i) < 0 || !make_blocking(i))
			fail(pipe, "stdio");
	if (setup->socket >= 0) {
		if (setup->socket == 3 ? fcntl(3, F_SETFD, 0) < 0 : dup2(setup->socket, 3) < 0)
			fail(pipe, "socket");
	}
	if (spec->cwd && chdir(spec->cwd) != 0)
		fail(pipe, "cwd");
	default_signals();
	environ = spec->env; /* execvp looks PATH up here: the task's own */
	execvp(spec->argv[0], spec->argv);
	fail(pipe, "exec");
	abort();
}

pid_t command_start(const struct init_setup *setup, const char **stage)
{
	static struct failure failure;
	int ends[2];
	*stage = "fork";
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	/* Descriptor 3 is the worker's socket; the pipe must not lie there. */
	int report = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
	close(ends[1]);
	pid_t pid = report < 0 ? -1 : fork();
	if (pid == 0)
		become_command(setup, report);
	int saved = errno;
	if (report >= 0)
		close(report);
	ssize_t got = 0;
	if (pid > 0) {
		do
			got = read(ends[0], &failure, sizeof failure);
		while (got < 0 && errno == EINTR);
	}
	close(ends[0]);
	if (pid < 0) {
		errno = saved;
		return -1;
	}
	if (got == (ssize_t)sizeof failure) {
		*stage = failure.stage;
		errno = failure.error;
		return -1;
	}
	return pid;
}
