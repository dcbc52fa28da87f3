/* Forks and exits, again and again: whoever was seen is gone when the signal comes. */
#include "trick.h"

#define CHAIN_S 3

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	double end = now() + CHAIN_S;
	pid_t chain = fork_shortly();
	if (chain == 0) {
		must(setsid() > 0, "setsid");
		signal(SIGTERM, SIG_IGN);
		for (int step = 0; now() < end; step++) {
			if (step == 20)
				pass_gate();
			if (fork() != 0)
				_exit(0);
		}
		_exit(0);
	}
	await_gate(1);
	finish(argv);
}
