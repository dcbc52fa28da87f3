/* A child that is its parent's sibling: it was never a descendant of the command. */
#include <linux/sched.h>
#include <sys/syscall.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	struct clone_args args = {.flags = CLONE_PARENT};
	pid_t sibling = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (sibling < 0) { /* pid 1 may not, but is not our parent's child either */
		must(errno == EINVAL, "clone3");
		sibling = fork();
	}
	if (sibling == 0) {
		live_shortly();
		must(setsid() > 0, "setsid");
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
