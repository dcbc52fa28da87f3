/*
 * Traces a process and never looks at it again: it is stopped, and when it is killed, nobody else
 * can reap it.
 *
 *     tracer PID READY     makes the file READY once it has it
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pid_t pid = (pid_t)atoi(argv[1]);
	if (ptrace(PTRACE_ATTACH, pid, 0L, 0L) != 0 || waitpid(pid, NULL, __WALL) != pid)
		return 1;
	int ready = open(argv[2], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (ready < 0)
		return 1;
	close(ready);
	for (;;)
		pause();
}
