/* Starting a task: pipes, socket, scratch, init, ledger, go. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "jobserver.h"
#include "share.h"
#include "task.h"

bool keeper_watch(struct keeper *keeper, int fd, enum watch_kind kind, struct task *task,
		  uint32_t events)
{
	struct epoll_event event = {.events = events,
				    .data.u64 = (uint64_t)(uintptr_t)task | (uint64_t)kind};
	return epoll_ctl(keeper->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void keeper_close_watched(const struct keeper *keeper, int *fd)
{
	if (*fd < 0)
		return;
	epoll_ctl(keeper->epoll, EPOLL_CTL_DEL, *fd, NULL);
	close(*fd);
	*fd = -1;
}

/* What a task has of its own; one that joins another's has these inside of them. */
static uint64_t new_namespaces(const struct init_setup *setup)
{
	const struct task_spec *spec = setup->spec;
	if (!setup->isolated)
		return 0;
	return CLONE_NEWPID | CLONE_NEWNS |
	       (spec && (spec->host_ipc || spec->join) ? 0 : CLONE_NEWIPC) |
	       (spec && spec->no_network ? CLONE_NEWNET : 0) |
	       (setup->user_namespace ? CLONE_NEWUSER : 0);
}

/* The one whose init it is, to join. NULL: errno. */
static const struct task *find_holder(const struct keeper *keeper, pid_t init)
{
	for (const struct task *task = keeper->tasks; task; task = task->next)
		if (task->init == init && task->spec.hold && task->init_pidfd >= 0)
			return task;
	errno = ESRCH;
	return NULL;
}

pid_t task_clone_init(const struct keeper *keeper, struct init_setup *setup, int *pidfd)
{
	const struct task *holder = NULL;
	if (setup->spec && setup->spec->join && !(holder = find_holder(keeper, setup->spec->join)))
		return -1;
	setup->keeper_pidfd = keeper->own_pidfd;
	setup->null_device = keeper->null_device;
	setup->last_pid = keeper->last_pid;
	setup->ignored = keeper->ignored;
	setup->isolated = keeper->tree != TREE_SUBREAPER;
	bool users = keeper->tree == TREE_USER_NAMESPACE;
	setup->user_namespace = users && !holder;
	setup->uid = geteuid();
	setup->gid = getegid();
	struct clone_args args = {
		.flags = CLONE_PIDFD | new_namespaces(setup),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	if (holder)
		return share_clone(holder->init_pidfd, users, &args, setup, pidfd);
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		init_main(setup);
	return pid;
}

static void close_all(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/*
 * Pipes and not sockets: with sockets `echo >/dev/stdout` and `tee /dev/stderr` fail. The other
 * side opens our end by /proc/<keeper>/fd/N.
 */
static bool open_stdio(const struct keeper *keeper, struct task *task, int *theirs, bool *close_it)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];
		switch (task->spec.stdio[i]) {
		case STDIO_PIPE:
			if (pipe2(ends, O_CLOEXEC) != 0)
				return false;
			theirs[i] = ends[i == 0 ? 0 : 1];
			task->ends[i] = ends[i == 0 ? 1 : 0];
			close_it[i] = true;
			break;
		case STDIO_INHERIT:
			theirs[i] = keeper->inherited[i] >= 0 ? keeper->inherited[i]
							      : keeper->null_device;
			break;
		default:
			theirs[i] = keeper->null_device;
		}
	}
	return true;
}

/* The Node process listens; the token says which worker calls. */
static int connect_socket(const struct task_spec *spec)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = spec->socket_path;
	int folder = -1;
	if (strlen(path) >= sizeof address.sun_path) {
		/* A run inside a task inside a task: the folder by a descriptor, which is shorter. */
		const char *name = strrchr(path, '/');
		char parent[PATH_MAX];
		if (!name || (size_t)(name - path) >= sizeof parent || strlen(name) > 60) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(parent, path, (size_t)(name - path));
		parent[name - path] = 0;
		folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			return -1;
		snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d%s", folder,
			 name);
	} else {
		strcpy(address.sun_path, path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool connected =
		fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		send(fd, spec->token, spec->token_length, MSG_NOSIGNAL) ==
			(ssize_t)spec->token_length &&
		(spec->nonblocking || fcntl(fd, F_SETFL, 0) == 0);
	int saved = errno;
	if (folder >= 0)
		close(folder);
	if (fd >= 0 && !connected)
		close(fd);
	errno = saved;
	return connected ? fd : -1;
}

static int take_first_channel(struct keeper *keeper, bool nonblocking)
{
	int fd = keeper->first_channel;
	keeper->first_channel = -1;
	if (fd < 0)
		errno = EBADF;
	else
		fcntl(fd, F_SETFL, nonblocking ? O_NONBLOCK : 0);
	return fd;
}

/* Who only shows something there is no job of the terminal's: there may be many of them at once. */
static bool wants_terminal(const struct task_spec *spec)
{
	return spec->stdio[0] == STDIO_INHERIT;
}

/* The terminal's foreground group if that is our Node process's, else 0. */
static pid_t foreground_group(const struct keeper *keeper)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal < 0)
		return 0;
	pid_t holder = tcgetpgrp(terminal);
	close(terminal);
	return holder > 0 && holder == keeper->node_group ? holder : 0;
}

/*
 * A namespace ends as a whole by itself, so there a cgroup is worth its price only for a bound that
 * the kernel can hold, or where one is asked for. What cannot be had the caller was told: it fails.
 */
static bool wants_cgroup(const struct keeper *keeper, const struct task_spec *spec)
{
	if (spec->cgroup || spec->pids)
		return true;
	if (keeper->cgroups.dir < 0)
		return false;
	return keeper->tree == TREE_SUBREAPER || (keeper->cgroups.memory && spec->memory_bytes);
}

static const char *launch(struct keeper *keeper, struct task *task, const struct wire_frame *frame)
{
	int theirs[3] = {-1, -1, -1};
	bool close_it[3] = {false, false, false};
	int socket = -1;
	const char *stage = "network";
	if (task->spec.no_network && keeper->tree == TREE_SUBREAPER) {
		errno = EPERM; /* only a namespace can take the network away */
		goto out;
	}
	stage = "share";
	if ((task->spec.hold || task->spec.join) && keeper->tree == TREE_SUBREAPER) {
		errno = EPERM;
		goto out;
	}
	if (keeper->tree == TREE_SUBREAPER)
		spec_add_cookie(&task->spec, keeper->ledger.run_name, task->id);
	stage = "pipe";
	if (!open_stdio(keeper, task, theirs, close_it))
		goto out;
	if (task->spec.first_channel || task->spec.socket_path) {
		stage = "socket";
		socket = task->spec.first_channel
				 ? take_first_channel(keeper, task->spec.nonblocking)
				 : connect_socket(&task->spec);
		if (socket < 0)
			goto out;
	}
	/* Where there can be none, the socket carries everything. */
	if (task->spec.bulk)
		task->ends[END_BULK] = memfd_create("cofferdam-bulk", MFD_CLOEXEC);
	if (task->spec.scratch) {
		stage = "scratch";
		if (!scratch_make(&keeper->scratch, task->id))
			goto out;
	}
	if (task->spec.jobs && task->spec.scratch) {
		stage = "jobserver";
		char scratch[SCRATCH_NAME_MAX];
		scratch_name(scratch, task->id);
		task->jobserver =
			jobserver_open(keeper->ledger.run_dir, scratch, task->spec.jobs);
		if (task->jobserver < 0)
			goto out;
	}
	stage = "cgroup";
	if (wants_cgroup(keeper, &task->spec)) {
		task->memory_hard = keeper->cgroups.memory && task->spec.memory_bytes;
		task->cgroup = cgroup_task_open(&keeper->cgroups, task->id,
						task->memory_hard ? task->spec.memory_bytes : 0,
						task->spec.pids);
		if (task->cgroup < 0)
			goto out;
	}
	struct init_setup setup = {
		.spec = &task->spec,
		.null_device = keeper->null_device,
		.stdio = {theirs[0], theirs[1], theirs[2]},
		.socket = socket,
		.bulk = task->ends[END_BULK],
		.jobserver = task->jobserver,
		.cgroup = task->cgroup,
		.memory_hard = task->memory_hard,
		.task = task->id,
		.foreground_of = wants_terminal(&task->spec) ? foreground_group(keeper) : 0,
	};
	task->foreground = setup.foreground_of != 0;
	stage = task_engage_init(keeper, task, frame, &setup);
out:;
	int saved = errno;
	for (int i = 0; i < 3; i++)
		if (close_it[i])
			close(theirs[i]);
	if (socket >= 0)
		close(socket);
	errno = saved;
	return stage;
}

static void refuse(struct keeper *keeper, uint32_t id, const char *stage, int error)
{
	size_t start = wire_begin(&keeper->out, EVT_REFUSED, id);
	wire_text(&keeper->out, TAG_STAGE, stage);
	wire_number(&keeper->out, TAG_ERRNO, (uint64_t)error);
	wire_end(&keeper->out, start);
}

void task_start(struct keeper *keeper, const struct wire_frame *frame)
{
	/* Aligned so that the low bits are free for the kind of watch. */
	struct task *task = aligned_alloc(16, (sizeof *task + 15) / 16 * 16);
	if (!task) {
		refuse(keeper, frame->task, "memory", ENOMEM);
		return;
	}
	memset(task, 0, sizeof *task);
	task->id = frame->task;
	task->init_pidfd = task->channel = task->remover_pidfd = task->cgroup =
		task->jobserver = -1;
	for (int i = 0; i < ENDS; i++)
		task->ends[i] = -1;
	if (task_find(keeper, frame->task) || !spec_parse(frame, &task->spec)) {
		refuse(keeper, frame->task, "request", EINVAL);
		free(task);
		return;
	}
	const char *stage = launch(keeper, task, frame);
	if (stage) {
		int error = errno;
		if (task->spec.scratch) {
			char scratch[SCRATCH_NAME_MAX];
			scratch_name(scratch, task->id);
			remove_tree(keeper->ledger.run_dir, scratch);
		}
		if (task->cgroup >= 0)
			cgroup_task_remove(&keeper->cgroups, task->id);
		refuse(keeper, task->id, stage, error);
		close_all(task->ends, ENDS);
		keeper_close_watched(keeper, &task->channel);
		keeper_close_watched(keeper, &task->init_pidfd);
		close_all((int[]){task->cgroup, task->jobserver}, 2);
		spec_free(&task->spec);
		free(task);
		return;
	}
	if (task->spec.timeout_ms)
		task->deadline_at = later(now_ms(), task->spec.timeout_ms);
	task->next = keeper->tasks;
	keeper->tasks = task;
	if (!task->spec.hold)
		task_tell_started(keeper, task);
}

void task_tell_started(struct keeper *keeper, const struct task *task)
{
	size_t start = wire_begin(&keeper->out, EVT_STARTED, task->id);
	wire_number(&keeper->out, TAG_PID, (uint64_t)task->init);
	uint8_t fds[4 * ENDS];
	for (int i = 0; i < ENDS; i++)
		for (int byte = 0; byte < 4; byte++)
			fds[i * 4 + byte] = (uint8_t)((uint32_t)task->ends[i] >> (8 * byte));
	wire_bytes(&keeper->out, TAG_FDS, fds, sizeof fds);
	wire_end(&keeper->out, start);
}
