#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-place.h"
#include "files.h"

/* How long the killed may take to be gone. */
#define EMPTY_WITHIN_MS 5000

static bool write_number(int dir, const char *file, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	return write_file_at(dir, file, text);
}

void cgroup_kill(int dir)
{
	if (dir >= 0)
		(void)write_file_at(dir, "cgroup.kill", "1");
}

uint64_t cgroup_number(int dir, const char *file, const char *key)
{
	char text[1024];
	if (dir < 0 || read_file_at(dir, file, text, sizeof text) <= 0)
		return 0;
	if (!key)
		return strtoull(text, NULL, 10);
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ' ')
			return strtoull(line + strlen(key), NULL, 10);
	return 0;
}

int cgroup_dir(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool remove_below(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	if (errno != EBUSY || depth == CGROUP_DEPTH_MAX)
		return false;
	DIR *stream = open_stream(parent, name);
	if (!stream)
		return false;
	struct dirent *entry;
	while ((entry = readdir(stream)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			remove_below(dirfd(stream), entry->d_name, depth + 1);
	closedir(stream);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

bool cgroup_remove_empty(int parent, const char *name)
{
	return remove_below(parent, name, 0);
}

bool cgroup_kill_and_remove(const char *path, int dir)
{
	uint64_t end = now_ms() + EMPTY_WITHIN_MS;
	for (;;) {
		cgroup_kill(dir);
		if (cgroup_remove_empty(AT_FDCWD, path))
			return true;
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
}

bool cgroup_run_name(struct cgroup_run *run, const char *name)
{
	run->dir = -1;
	run->memory = run->pids = false;
	const char *off = getenv("COFFERDAM_CGROUP");
	if (off && strcmp(off, "off") == 0) {
		run->step = "COFFERDAM_CGROUP";
		errno = ECANCELED;
		return false;
	}
	char place[CGROUP_PATH_MAX - 64];
	run->step = cgroup_place_find(place, sizeof place);
	if (run->step)
		return false;
	/* With the keeper's PID namespace and pid, so that no two runs of the machine can have one
	 * name, and whose it is can be seen. */
	snprintf(run->path, sizeof run->path, "%s/cofferdam-%.16s.%llu.%d", place, name,
		 (unsigned long long)own_pid_namespace(), (int)getpid());
	return true;
}

/* Controllers for the groups of tasks; each is had or not. */
static void take_controllers(struct cgroup_run *run)
{
	char *last = strrchr(run->path, '/');
	*last = 0;
	int place = cgroup_dir(AT_FDCWD, run->path);
	if (place >= 0) {
		cgroup_place_delegate(place, run->path);
		close(place);
	}
	*last = '/';
	run->memory = write_file_at(run->dir, "cgroup.subtree_control", "+memory");
	run->pids = write_file_at(run->dir, "cgroup.subtree_control", "+pids");
}

/* A process is born in a cgroup below, and killed there. */
static const char *try_kill(struct cgroup_run *run)
{
	int dir = cgroup_task_open(run, 0, run->memory ? 1u << 30 : 0, run->pids ? 100 : 0);
	if (dir < 0)
		return "bounds";
	const char *failed = "cgroup.kill";
	bool killed = false, entered;
	pid_t parent = getpid();
	pid_t pid = cgroup_fork(dir, &entered);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The parent may have died before that; and the locks of its run are not ours to hold. */
		if (getppid() != parent)
			_exit(0);
		close_all_except(&(int){-1}, 1);
		while (entered)
			pause();
		_exit(0);
	}
	if (pid < 0)
		failed = "clone";
	else
		killed = write_file_at(dir, "cgroup.kill", "1");
	int saved = errno;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(dir);
	errno = saved;
	return killed ? NULL : failed;
}

bool cgroup_run_open(struct cgroup_run *run)
{
	run->step = "mkdir";
	if (mkdir(run->path, 0755) != 0)
		return false;
	run->dir = cgroup_dir(AT_FDCWD, run->path);
	if (run->dir < 0) {
		run->step = "open";
		rmdir(run->path);
		return false;
	}
	take_controllers(run);
	run->step = try_kill(run);
	int saved = errno;
	cgroup_task_remove(run, 0);
	if (!run->step)
		return true;
	cgroup_run_close(run);
	errno = saved;
	return false;
}

bool cgroup_run_close(struct cgroup_run *run)
{
	if (run->dir < 0)
		return true;
	bool gone = cgroup_kill_and_remove(run->path, run->dir);
	close(run->dir);
	run->dir = -1;
	return gone;
}

int cgroup_task_open(const struct cgroup_run *run, uint32_t task, uint64_t memory_bytes,
		     uint64_t pids)
{
	char name[16];
	snprintf(name, sizeof name, "t%u", task);
	if (mkdirat(run->dir, name, 0755) != 0)
		return -1;
	int dir = cgroup_dir(run->dir, name);
	bool bounded = dir >= 0;
	if (bounded && memory_bytes) {
		bounded = write_number(dir, "memory.max", memory_bytes) &&
			  write_file_at(dir, "memory.oom.group", "1");
		/* A machine without swap has no such file. */
		if (bounded && !write_file_at(dir, "memory.swap.max", "0"))
			bounded = errno == ENOENT;
	}
	if (bounded && pids)
		bounded = write_number(dir, "pids.max", pids);
	if (bounded)
		return dir;
	int saved = errno;
	if (dir >= 0)
		close(dir);
	unlinkat(run->dir, name, AT_REMOVEDIR);
	errno = saved;
	return -1;
}

bool cgroup_task_remove(const struct cgroup_run *run, uint32_t task)
{
	char name[16];
	snprintf(name, sizeof name, "t%u", task);
	if (cgroup_remove_empty(run->dir, name))
		return true;
	int dir = cgroup_dir(run->dir, name);
	cgroup_kill(dir);
	if (dir >= 0)
		close(dir);
	return cgroup_remove_empty(run->dir, name);
}

pid_t cgroup_fork(int dir, bool *entered)
{
	*entered = true;
	if (dir < 0)
		return fork();
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(unsigned)dir,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid >= 0)
		return pid;
	/* A filter may know clone3 and not its newest flag: then the child moves by itself. */
	pid = fork();
	if (pid == 0)
		*entered = write_file_at(dir, "cgroup.procs", "0");
	return pid;
}
