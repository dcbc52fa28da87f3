#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leaks.h"

_Noreturn void share_hold(const struct init_setup *setup)
{
	prctl(PR_SET_NAME, "cofferdam-ipc");
	init_send(setup->channel, &(struct init_report){.kind = REPORT_READY});
	for (;;) {
		struct init_order order;
		ssize_t got = recv(setup->channel, &order, sizeof order, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof order)
			_exit(125);
		if (order.kind == ORDER_KILL)
			break;
	}
	leaks_report_objects(setup->channel);
	init_send(setup->channel, &(struct init_report){.kind = REPORT_DONE});
	_exit(0);
}

/* A mount namespace is entered at its root, which is not ours in a chroot. */
static bool enter(int holder, bool users)
{
	struct stat before, after;
	if (stat("/", &before) != 0 ||
	    setns(holder, CLONE_NEWIPC | CLONE_NEWNS | (users ? CLONE_NEWUSER : 0)) != 0 ||
	    stat("/", &after) != 0)
		return false;
	errno = EXDEV;
	return before.st_dev == after.st_dev && before.st_ino == after.st_ino;
}

/* In a child: it goes into the namespaces, and must not come back from there with us. */
static _Noreturn void clone_inside(int holder, bool users, struct clone_args *args,
				   const struct init_setup *setup, int result)
{
	pid_t pid = -1;
	if (enter(holder, users)) {
		pid = (pid_t)syscall(SYS_clone3, args, sizeof *args);
		if (pid == 0)
			init_main(setup);
	}
	int told = pid < 0 ? -errno : pid;
	_exit(write(result, &told, sizeof told) == sizeof told ? 0 : 125);
}

pid_t share_clone(int holder, bool users, struct clone_args *args, const struct init_setup *setup,
		  int *pidfd)
{
	int result[2], told = -EPROTO;
	if (pipe2(result, O_CLOEXEC) != 0)
		return -1;
	/* The child of our child would be our grandchild: PARENT makes it ours, and its signal of death
	 * is our child's then. */
	args->flags = (args->flags & ~(uint64_t)CLONE_PIDFD) | CLONE_PARENT;
	args->pidfd = 0;
	args->exit_signal = 0;
	pid_t child = fork();
	if (child == 0)
		clone_inside(holder, users, args, setup, result[1]);
	int error = errno;
	close(result[1]);
	if (child > 0) {
		while (read(result[0], &told, sizeof told) < 0 && errno == EINTR)
			;
		waitpid(child, NULL, 0);
		error = told < 0 ? -told : 0;
	}
	close(result[0]);
	if (child > 0 && told > 0) {
		*pidfd = (int)syscall(SYS_pidfd_open, told, 0);
		if (*pidfd >= 0)
			return told;
		error = errno;
		kill(told, SIGKILL);
		waitpid(told, NULL, 0);
	}
	errno = error;
	return -1;
}
