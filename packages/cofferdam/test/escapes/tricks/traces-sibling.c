/* One child holds the other as a debugger does, and asks for nothing. */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t held = fork_shortly();
	if (held == 0) {
		must(setsid() > 0, "setsid");
		stay();
	}
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		must(ptrace(PTRACE_ATTACH, held, NULL, NULL) == 0, "attach");
		must(waitpid(held, NULL, __WALL) == held, "wait");
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
