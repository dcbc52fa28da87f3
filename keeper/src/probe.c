#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"

const char *probe_tree(struct keeper *keeper, enum tree_kind tree, bool *proc_own,
		       struct probed_init *kept)
{
	static struct init_report report;
	keeper->tree = tree;
	*proc_own = false;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return "channel";
	struct init_setup setup = {
		.channel = pair[1],
		.stdio = {keeper->null_device, keeper->null_device, keeper->null_device},
		.socket = -1,
		.bulk = -1,
		.jobserver = -1,
		.cgroup = -1,
		.stays = kept != NULL,
		.takes_another = kept && tree == TREE_NAMESPACE,
	};
	int pidfd = -1;
	pid_t init = task_clone_init(keeper, &setup, &pidfd);
	int error = errno;
	close(pair[1]);
	const char *failed = "clone";
	if (init > 0) {
		failed = "init";
		error = EPROTO;
		ssize_t got = recv(pair[0], &report, sizeof report, 0);
		if (got == (ssize_t)sizeof report && report.kind == REPORT_READY) {
			failed = NULL;
			*proc_own = report.proc_own;
			if (kept) {
				*kept = (struct probed_init){init, pidfd, pair[0]};
				return NULL;
			}
		} else if (got == (ssize_t)sizeof report && report.kind == REPORT_FAILED) {
			failed = report.stage;
			error = report.error;
		}
		waitpid(init, NULL, 0);
		close(pidfd);
	}
	close(pair[0]);
	errno = error;
	return failed;
}

static void line(const char *name, const char *state, const char *detail)
{
	printf("%s\t%s\t%s\n", name, state, detail);
}

static void failure(const char *name, const char *step)
{
	char detail[200];
	snprintf(detail, sizeof detail, "%s: %s", step, strerror(errno));
	line(name, "failed", detail);
}

static void report_cgroup(void)
{
	struct cgroup_run group;
	if (!cgroup_run_name(&group, CGROUP_PROBE) || !cgroup_run_open(&group)) {
		failure("cgroup", group.step);
		return;
	}
	line("cgroup", "ok", group.path);
	line("cgroup-memory", group.memory ? "ok" : "failed",
	     group.memory ? "memory.max" : "memory.max: the controller is not delegated");
	line("cgroup-pids", group.pids ? "ok" : "failed",
	     group.pids ? "pids.max" : "pids.max: the controller is not delegated");
	cgroup_run_close(&group);
}

int probe_report(void)
{
	struct keeper keeper = {
		.null_device = open("/dev/null", O_RDWR | O_CLOEXEC),
		.own_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0),
		.last_pid = -1,
		.node = getppid(),
	};
	bool own = false, any = false;
	static const struct {
		const char *name;
		enum tree_kind tree;
	} ways[] = {{"namespace", TREE_NAMESPACE}, {"user-namespace", TREE_USER_NAMESPACE}};
	for (size_t i = 0; i < 2; i++) {
		bool this_own;
		const char *failed = probe_tree(&keeper, ways[i].tree, &this_own, NULL);
		if (failed) {
			failure(ways[i].name, failed);
			continue;
		}
		line(ways[i].name, "ok", i == 0 ? "directly" : "with a user namespace of its own");
		if (!any)
			own = this_own;
		any = true;
	}
	if (any) {
		line("private-proc", own ? "ok" : "weak",
		     own ? "/proc shows a task its own processes" : "mount: refused; the host's stays");
		bool can = access("/proc/sys/kernel/ns_last_pid", F_OK) == 0;
		line("pid-offset", can ? "ok" : "weak",
		     can ? "ns_last_pid" : "no ns_last_pid: tasks share small pids");
		struct stat status;
		bool shm = stat("/dev/shm", &status) == 0 && S_ISDIR(status.st_mode);
		line("private-shm", shm ? "ok" : "weak", shm ? "/dev/shm" : "no /dev/shm here");
	} else {
		line("private-proc", "failed", "needs namespaces");
		line("pid-offset", "failed", "needs namespaces");
		line("private-shm", "failed", "needs namespaces");
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == 0)
		line("subreaper", "ok", "prctl");
	else
		failure("subreaper", "prctl");
	report_cgroup();
	return 0;
}
