/* A daemon whose main thread has ended: it looks like a zombie, and its other thread works on. */
#include <pthread.h>
#include <sys/wait.h>

#include "trick.h"

static pthread_t leader;

static void *go_on(void *nothing)
{
	pthread_join(leader, NULL);
	pass_gate();
	for (;;)
		usleep(1000);
	return nothing;
}

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	pid_t child = fork_shortly();
	if (child == 0) {
		must(setsid() > 0, "setsid");
		if (fork_shortly() != 0)
			_exit(0);
		signal(SIGTERM, SIG_IGN);
		leader = pthread_self();
		pthread_t thread;
		must(pthread_create(&thread, NULL, go_on, NULL) == 0, "thread");
		pthread_exit(NULL);
	}
	must(waitpid(child, NULL, 0) == child, "wait");
	await_gate(1);
	finish(argv);
}
