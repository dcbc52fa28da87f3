/* A grandchild whose parent is gone. */
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t child = fork_shortly();
	if (child == 0) {
		if (fork_shortly() == 0) {
			pass_gate();
			stay();
		}
		_exit(0);
	}
	must(waitpid(child, NULL, 0) == child, "wait");
	await_gate(1);
	finish(argv);
}
