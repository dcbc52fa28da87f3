/* Sends every signal to its parent, which under namespaces is pid 1. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t parent = parent_of_trick(argv);
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		pass_gate();
		stay();
	}
	await_gate(1);
	ready();
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL)
			kill(parent, number);
	kill(parent, SIGKILL);
	if (stays(argv))
		stay();
	_exit(0);
}
