/*
 * What the kernel alone can do: the same namespaces that a task of the keeper gets, the same number
 * at once, and nothing but clone3, exec and wait.
 *
 *     loop COUNT CONCURRENCY namespace|plain COMMAND [ARG...]
 *
 * Prints the seconds it took.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t flags(const char *kind)
{
	uint64_t namespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS;
	if (strcmp(kind, "namespace") != 0)
		return 0;
	/* As an ordinary user it takes a user namespace too, as the keeper's does. */
	return geteuid() == 0 ? namespaces : namespaces | CLONE_NEWUSER;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	long count = strtol(argv[1], NULL, 10), most = strtol(argv[2], NULL, 10);
	long started = 0, running = 0;
	struct clone_args args = {.flags = flags(argv[3]), .exit_signal = SIGCHLD};
	double since = now();
	while (started < count || running > 0) {
		while (started < count && running < most) {
			pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
			if (pid == 0) {
				execv(argv[4], argv + 4);
				_exit(127);
			}
			if (pid < 0) {
				fprintf(stderr, "clone3: %s\n", strerror(errno));
				return 1;
			}
			started++;
			running++;
		}
		int status;
		if (wait(&status) < 0 || status != 0)
			return 1;
		running--;
	}
	printf("%.6f\n", now() - since);
	return 0;
}
