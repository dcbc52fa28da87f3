/*
 * Processes that watch each other: when one dies, its neighbour starts another in its place, up to
 * a number of lives. TERM makes each of them fork as well.
 */
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "trick.h"

#define WATCHERS 6
#define LIVES 200

static atomic_int *lives;

static void watch(void);

static void replace(void)
{
	if (atomic_fetch_add(lives, 1) >= LIVES)
		return;
	if (fork() == 0) {
		live_shortly();
		setsid();
		watch();
	}
}

static void on_term(int number)
{
	(void)number;
	if (atomic_fetch_add(lives, 1) < LIVES && fork() == 0)
		live_shortly();
}

/* A child that dies is replaced by its parent, a parent by its child. */
static void watch(void)
{
	for (;;) {
		pid_t parent = getpid();
		int life[2];
		must(pipe2(life, O_CLOEXEC) == 0, "pipe");
		pid_t child = atomic_fetch_add(lives, 1) < LIVES ? fork() : -1;
		if (child == 0) {
			live_shortly();
			close(life[1]);
			struct pollfd other = {.fd = life[0]};
			while (poll(&other, 1, 5) == 0 && getppid() == parent)
				;
			close(life[0]);
			replace();
			continue;
		}
		if (child < 0)
			stay();
		close(life[0]);
		struct pollfd other = {.fd = life[1]};
		while (poll(&other, 1, -1) < 0)
			;
		close(life[1]);
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	lives = mmap(NULL, sizeof *lives, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(lives != MAP_FAILED, "mmap");
	signal(SIGCHLD, SIG_IGN);
	struct sigaction on = {.sa_handler = on_term};
	sigaction(SIGTERM, &on, NULL);
	for (int i = 0; i < WATCHERS; i++) {
		if (fork_shortly() == 0) {
			setsid();
			pass_gate();
			watch();
		}
	}
	await_gate(WATCHERS);
	finish(argv);
}
