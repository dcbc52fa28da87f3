/* Orphans that have taken back every promise to die with somebody. */
#include <sys/prctl.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	must(prctl(PR_SET_PDEATHSIG, 0) == 0, "prctl");
	if (fork_shortly() == 0) {
		must(prctl(PR_SET_PDEATHSIG, 0) == 0, "prctl");
		must(setsid() > 0, "setsid");
		if (fork_shortly() == 0) {
			must(prctl(PR_SET_PDEATHSIG, 0) == 0, "prctl");
			signal(SIGTERM, SIG_IGN);
			pass_gate();
			stay();
		}
		_exit(0);
	}
	await_gate(1);
	finish(argv);
}
