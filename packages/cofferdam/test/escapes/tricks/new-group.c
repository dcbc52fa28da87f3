/* A child in a process group of its own, and one in that one's. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setpgid(0, 0) == 0, "setpgid");
		if (fork_shortly() != 0)
			pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
