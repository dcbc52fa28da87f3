/* Each process forks as long as it can; together they stop at so many. */
#include <stdatomic.h>
#include <sys/mman.h>

#include "trick.h"

#define MOST 200

int main(int argc, char **argv)
{
	(void)argc;
	open_gate();
	atomic_int *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(count != MAP_FAILED, "mmap");
	pid_t first = fork_shortly();
	if (first == 0) {
		for (;;) {
			int number = atomic_fetch_add(count, 1);
			if (number >= MOST)
				break;
			if (number == MOST / 2)
				pass_gate();
			pid_t pid = fork();
			if (pid == 0)
				live_shortly();
			else if (pid < 0)
				usleep(1000);
		}
		stay();
	}
	await_gate(1);
	finish(argv);
}
