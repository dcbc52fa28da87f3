/*
 * `stubborn COUNT`: so many double-forked processes that ignore TERM. When all are there it makes a
 * file `ready` in TMPDIR, and waits.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int ready[2];
	char one;
	if (argc != 2 || pipe(ready) != 0)
		return 2;
	int count = atoi(argv[1]);
	signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		if (child < 0)
			return 1;
		if (child == 0) {
			if (fork() == 0) {
				setsid();
				if (write(ready[1], "x", 1) != 1)
					_exit(1);
				/* Whoever fails to end it: not for ever. */
				alarm(120);
				for (;;)
					pause();
			}
			_exit(0);
		}
	}
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++)
		if (read(ready[0], &one, 1) != 1)
			return 1;
	const char *folder = getenv("TMPDIR");
	if (!folder || chdir(folder) != 0 || open("ready", O_CREAT | O_WRONLY, 0600) < 0)
		return 1;
	alarm(120);
	for (;;)
		pause();
}
