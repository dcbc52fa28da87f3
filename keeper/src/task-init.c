/* A task's init: one that waits for a task, or a new one. */
#include "task.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "spares.h"

/*
 * Where the namespace's pids begin: a different place for every live init of this machine, and
 * neighbours well apart (127 is prime and so maps the range onto itself).
 */
uint32_t task_first_pid(const struct keeper *keeper, pid_t init)
{
	uint32_t range = keeper->pid_max - 300;
	uint32_t stride = range % 127 ? 127 : 131;
	return 300 + (uint32_t)((uint64_t)init * stride % range);
}

/*
 * Namespaces that are made before their task is known, or that one task may hand to the next: a
 * network namespace has sockets and rules, and what is shared with the host or another is not ours to
 * prove anything of.
 */
static bool wants_plain_namespaces(const struct keeper *keeper, const struct init_setup *setup)
{
	const struct task_spec *spec = setup->spec;
	return keeper->tree != TREE_SUBREAPER && !spec->host_ipc && !spec->hold && !spec->join &&
	       !spec->no_network && setup->cgroup < 0 && !setup->foreground_of;
}

/* NULL, or the step that failed, with errno. */
static const char *engage_new(struct keeper *keeper, struct task *task, struct init_setup *setup)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return "channel";
	task->channel = pair[0];
	setup->channel = pair[1];
	task->init = task_clone_init(keeper, setup, &task->init_pidfd);
	int saved = errno;
	close(pair[1]);
	errno = saved;
	if (task->init < 0)
		return "clone";
	task->init_name = task->id;
	task->init_is_new = true;
	/* In the ledger before it starts anything: a later keeper can find it whoever dies now. */
	if (!ledger_start(&keeper->ledger, task->id, task->init, process_start_time(task->init)) ||
	    !keeper_watch(keeper, task->init_pidfd, WATCH_INIT, task, EPOLLIN | EPOLLET) ||
	    !keeper_watch(keeper, task->channel, WATCH_CHANNEL, task, EPOLLIN)) {
		saved = errno;
		kill(task->init, SIGKILL);
		waitid(P_PIDFD, (id_t)task->init_pidfd, &(siginfo_t){0}, WEXITED);
		errno = saved;
		return "ledger";
	}
	task_order(task, ORDER_GO, (int)task_first_pid(keeper, task->init));
	return NULL;
}

const char *task_engage_init(struct keeper *keeper, struct task *task,
			     const struct wire_frame *frame, struct init_setup *setup)
{
	bool plain = wants_plain_namespaces(keeper, setup);
	/* A user namespace has keyrings: it is handed to no other. */
	setup->takes_another = plain && keeper->tree == TREE_NAMESPACE;
	if (plain && spares_engage(keeper, task, frame, setup))
		return NULL;
	return engage_new(keeper, task, setup);
}
