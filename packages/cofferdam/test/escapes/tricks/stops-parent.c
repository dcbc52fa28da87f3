/* Stops its parent again and again, so that it can end nobody. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t parent = parent_of_trick(argv);
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		kill(parent, SIGSTOP);
		pass_gate();
		for (;;) {
			kill(parent, SIGSTOP);
			usleep(1000);
		}
	}
	await_gate(1);
	finish(argv);
}
