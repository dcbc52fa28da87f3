/* A child in a session of its own. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
