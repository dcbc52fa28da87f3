/* Takes all its own limits down; its children have them so. */
#include <sys/resource.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		struct rlimit none = {0, 0};
		for (int what = 0; what < RLIM_NLIMITS; what++)
			if (what != RLIMIT_CPU)
				setrlimit(what, &none);
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
