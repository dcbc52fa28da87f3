/* A PID namespace inside: its first process ignores every signal from within. */
#include <sched.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		/* Where it is refused a plain tree has to do. */
		if (unshare(CLONE_NEWPID) != 0)
			(void)unshare(CLONE_NEWUSER | CLONE_NEWPID);
		if (fork_shortly() == 0) {
			if (fork_shortly() == 0)
				pass_gate();
			stay();
		}
		_exit(0);
	}
	await_gate(1);
	finish(argv);
}
