/* A daemon as the textbook has it, and a command that ends well. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t child = fork_shortly();
	if (child == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGHUP, SIG_IGN);
		if (fork_shortly() != 0)
			_exit(0);
		umask(0);
		must(chdir("/") == 0, "chdir");
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		pass_gate();
		stay();
	}
	must(waitpid(child, NULL, 0) == child, "wait");
	await_gate(1);
	finish(argv);
}
