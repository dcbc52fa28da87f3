/* Main blocks every signal in a read that never ends, a detached thread goes on. */
#include <pthread.h>

#include "trick.h"

static void *go_on(void *nothing)
{
	pass_gate();
	for (;;)
		usleep(1000);
	return nothing;
}

static void block_for_ever(char **argv)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_t thread;
	must(pthread_create(&thread, NULL, go_on, NULL) == 0, "thread");
	pthread_detach(thread);
	await_gate(1);
	if (argv)
		ready();
	else
		pass_gate();
	int never[2];
	char one;
	must(pipe(never) == 0, "pipe");
	(void)!read(never[0], &one, 1);
}

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	if (stays(argv))
		block_for_ever(argv);
	int inner[2] = {gate[0], gate[1]};
	if (fork_shortly() == 0) {
		setsid();
		int outer = inner[1];
		must(pipe2(gate, O_CLOEXEC) == 0, "pipe");
		(void)!write(outer, "x", 1);
		block_for_ever(NULL);
	}
	await_gate(1);
	finish(argv);
}
