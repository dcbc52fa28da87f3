/* Holds its parent as a debugger does: stopped, at every signal anew. */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t parent = parent_of_trick(argv);
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		if (ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0)
			waitpid(parent, NULL, __WALL);
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
