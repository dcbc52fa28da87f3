/* Takes its parent's right to open files and to fork away. */
#include <sys/resource.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t parent = parent_of_trick(argv);
	struct rlimit none = {0, 0};
	prlimit(parent, RLIMIT_NOFILE, &none, NULL);
	prlimit(parent, RLIMIT_NPROC, &none, NULL);
	prlimit(parent, RLIMIT_SIGPENDING, &none, NULL);
	if (fork_shortly() == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		pass_gate();
		stay();
	}
	await_gate(1);
	finish(argv);
}
