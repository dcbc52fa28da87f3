/* A child that holds no descriptor at all, and a command that does not either. */
#include <sys/syscall.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		pass_gate();
		syscall(SYS_close_range, 0, ~0u, 0);
		stay();
	}
	await_gate(1);
	ready();
	syscall(SYS_close_range, 0, ~0u, 0);
	if (stays(argv))
		stay();
	_exit(0);
}
