/*
 * What all tricks share. A trick is called as `trick MODE NAME KEY WAY`: MODE is `stay` (it runs until
 * it is ended) or `exit` (it leaves something behind and exits with 0); NAME and KEY name the
 * objects it makes; WAY is the containment it is under. It says READY when its trick is done, and nothing of it lives longer than
 * LIFETIME_S, whoever fails to end it.
 */
#ifndef TRICK_H
#define TRICK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define LIFETIME_S 12

static int gate[2] = {-1, -1};

/* A step that must work, or the trick is none. */
static inline void must(bool worked, const char *step)
{
	if (worked)
		return;
	dprintf(2, "%s: %s\n", step, strerror(errno));
	_exit(99);
}

/* At the start of main, and in every child: an alarm is not inherited. */
static inline void live_shortly(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(LIFETIME_S);
}

static inline pid_t fork_shortly(void)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		live_shortly();
	return pid;
}

/* Those that get away pass the gate when they have; main waits for so many. */
static inline void open_gate(void)
{
	live_shortly();
	must(pipe2(gate, O_CLOEXEC) == 0, "pipe");
}

static inline void pass_gate(void)
{
	must(write(gate[1], "x", 1) == 1, "gate");
}

static inline void await_gate(int count)
{
	char one;
	while (count-- > 0)
		must(read(gate[0], &one, 1) == 1, "gate");
}

static inline _Noreturn void stay(void)
{
	for (;;)
		pause();
}

static inline bool stays(char **argv)
{
	return strcmp(argv[1], "stay") == 0;
}

static inline void ready(void)
{
	must(write(1, "READY\n", 6) == 6, "READY");
}

/*
 * Who is to be attacked. Only under namespaces may that be pid 1: elsewhere it is the machine's own,
 * and a trick whose parent has died does nothing.
 */
static inline pid_t parent_of_trick(char **argv)
{
	pid_t parent = getppid();
	errno = ESRCH;
	must(parent > 1 || strcmp(argv[4], "namespace") == 0, "parent");
	return parent;
}

/* What main does when its trick is done. */
static inline _Noreturn void finish(char **argv)
{
	ready();
	if (stays(argv))
		stay();
	_exit(0);
}

#endif
