/* A daemon without environment and under another name: only its program's file is still known. */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "trick.h"

#define NAME "[kworker/0:1]"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	if (strcmp(argv[0], NAME) == 0) {
		prctl(PR_SET_NAME, "kworker/0:1");
		stay();
	}
	int began[2];
	must(pipe2(began, O_CLOEXEC) == 0, "pipe");
	pid_t child = fork_shortly();
	if (child == 0) {
		must(setsid() > 0, "setsid");
		if (fork_shortly() == 0) {
			int null = open("/dev/null", O_RDWR);
			for (int fd = 0; fd < 3; fd++)
				dup2(null, fd);
			char *arguments[] = {NAME, NULL}, *nothing[] = {NULL};
			execve(argv[0], arguments, nothing);
			(void)!write(began[1], "x", 1);
		}
		_exit(0);
	}
	close(began[1]);
	must(waitpid(child, NULL, 0) == child, "wait");
	/* End of file: the exec has closed the other side. */
	char failed;
	must(read(began[0], &failed, 1) == 0, "exec");
	finish(argv);
}
