/* A parent that never asks for its dead. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		for (int i = 0; i < 20; i++)
			if (fork_shortly() == 0) {
				pass_gate();
				_exit(0);
			}
		stay();
	}
	await_gate(20);
	finish(argv);
}
