/* Ignores all that can be ignored (but the alarm of its own end), and so does its child. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	for (int number = 1; number < NSIG; number++)
		if (number != SIGALRM && number != SIGCHLD)
			signal(number, SIG_IGN);
	if (fork_shortly() == 0) {
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
