/* A process that takes in its own orphans, so that they do not rise to anybody above it. */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "subreaper");
		for (int i = 0; i < 3; i++) {
			pid_t child = fork_shortly();
			if (child == 0) {
				if (fork_shortly() == 0) {
					must(setsid() > 0, "setsid");
					pass_gate();
					stay();
				}
				_exit(0);
			}
			must(waitpid(child, NULL, 0) == child, "wait");
		}
		stay();
	}
	await_gate(3);
	finish(argv);
}
