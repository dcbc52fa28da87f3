/* Children that belong to somebody else, who is `nobody`. */
#include <grp.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		must(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0, "setuid");
		signal(SIGTERM, SIG_IGN);
		if (fork_shortly() == 0)
			pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
