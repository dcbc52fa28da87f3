/*
 * Lets the keeper run under valgrind, which answers ENOSYS to clone3(2), and in older versions to
 * pidfd_open(2) too. The same is asked for in ways that it knows. Linked with -Wl,--wrap=syscall.
 */
#include <errno.h>
#include <linux/sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static long clone_as_wanted(const struct clone_args *wanted)
{
	/* With CLONE_PIDFD the place of the parent's tid takes the descriptor. */
	return __real_syscall(SYS_clone, (long)(wanted->flags | wanted->exit_signal), 0L,
			      (long)wanted->pidfd, 0L, 0L);
}

/* The peer of a pair of our own is us. */
static long own_pidfd(void)
{
	int pair[2], pidfd = -1;
	socklen_t size = sizeof pidfd;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	if (getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0)
		pidfd = -1;
	int saved = errno;
	close(pair[0]);
	close(pair[1]);
	errno = saved;
	return pidfd;
}

long __wrap_syscall(long number, ...)
{
	long args[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_clone3)
		return clone_as_wanted((const struct clone_args *)args[0]);
	long result = __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	/* Only its own is what the keeper cannot do without. */
	if (number == SYS_pidfd_open && result < 0 && errno == ENOSYS && (pid_t)args[0] == getpid())
		return own_pidfd();
	return result;
}
