/* A stopped process gets no signal but KILL and CONT; its child is one too. */
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	pid_t child = fork_shortly();
	if (child == 0) {
		raise(SIGSTOP);
		stay();
	}
	must(waitpid(child, NULL, WUNTRACED) == child, "wait");
	ready();
	if (!stays(argv))
		_exit(0);
	raise(SIGSTOP);
	stay();
}
