/*
 * holder [stubborn] [ipc]: a task that holds what is hard to end. It says so by making the file
 * named in KILLS_READY, and waits.
 *
 * Below it: a child, one in a session of its own, one that ignores TERM, INT and HUP, and one that
 * is double-forked in a session of its own. `stubborn`: the task itself ignores TERM too. `ipc`: it
 * holds shared memory, semaphores and queues, System V's and POSIX's. In $TMPDIR it makes a folder
 * that may not be written.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ten minutes, so that one that leaks ends by itself some day. */
static _Noreturn void wait_for_the_end(void)
{
	alarm(600);
	for (;;)
		pause();
}

static void ignore_polite_signals(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static void start_descendants(void)
{
	if (fork() == 0)
		wait_for_the_end();
	if (fork() == 0) {
		setsid();
		wait_for_the_end();
	}
	if (fork() == 0) {
		ignore_polite_signals();
		wait_for_the_end();
	}
	pid_t between = fork();
	if (between == 0) {
		setsid();
		if (fork() == 0)
			wait_for_the_end();
		_exit(0);
	}
	waitpid(between, NULL, 0);
}

/* Each is a thing without a process: only its namespace, or somebody who knows it, removes it. */
static void hold_objects(void)
{
	char name[40];
	snprintf(name, sizeof name, "/kills-%d", (int)getpid());
	if (shm_open(name, O_RDWR | O_CREAT, 0600) < 0)
		perror("shm_open");
	if (sem_open(name, O_CREAT, 0600, 1) == SEM_FAILED)
		perror("sem_open");
	if (mq_open(name, O_RDWR | O_CREAT, 0600, NULL) == (mqd_t)-1)
		perror("mq_open");
	if (semget(IPC_PRIVATE, 1, 0600) < 0)
		perror("semget");
	if (shmget(IPC_PRIVATE, 4096, 0600) < 0)
		perror("shmget");
	if (msgget(IPC_PRIVATE, 0600) < 0)
		perror("msgget");
}

static void leave_files(void)
{
	if (chdir(getenv("TMPDIR")) != 0 || mkdir("deep", 0700) != 0 || chdir("deep") != 0)
		return;
	close(open("file", O_WRONLY | O_CREAT, 0600));
	chmod(".", 0500);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "stubborn") == 0)
			ignore_polite_signals();
		if (strcmp(argv[i], "ipc") == 0)
			hold_objects();
	}
	leave_files();
	start_descendants();
	close(open(getenv("KILLS_READY"), O_WRONLY | O_CREAT, 0600));
	wait_for_the_end();
}
