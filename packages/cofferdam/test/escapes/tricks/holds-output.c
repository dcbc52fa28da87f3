/* Ends, while another in a session of its own keeps standard output and error open. */
#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		pass_gate();
		for (;;) {
			dprintf(2, "still here\n");
			usleep(20000);
		}
	}
	await_gate(1);
	finish(argv);
}
