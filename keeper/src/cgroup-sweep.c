/* Cgroups that the dead have left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"

/* Whose owner is the caller, in the cgroup file system. */
static bool is_own_cgroup(int dir)
{
	struct statfs system;
	struct stat status;
	return fstatfs(dir, &system) == 0 && (unsigned long)system.f_type == CGROUP2_SUPER_MAGIC &&
	       fstat(dir, &status) == 0 && status.st_uid == geteuid();
}

static void count_processes(int dir, unsigned *count, int depth)
{
	static char text[65536];
	ssize_t length = read_file_at(dir, "cgroup.procs", text, sizeof text);
	for (ssize_t i = 0; i < length; i++)
		*count += text[i] == '\n';
	DIR *stream = open_stream(dir, ".");
	if (!stream)
		return;
	struct dirent *entry;
	while ((entry = readdir(stream))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth == CGROUP_DEPTH_MAX)
			continue;
		int child = cgroup_dir(dir, entry->d_name);
		if (child < 0)
			continue;
		count_processes(child, count, depth + 1);
		close(child);
	}
	closedir(stream);
}

bool cgroup_run_sweep(const char *path, const char *name, unsigned *killed)
{
	char expected[40];
	const char *last = strrchr(path, '/');
	int length = snprintf(expected, sizeof expected, "/cofferdam-%.16s.", name);
	if (!last || strncmp(last, expected, (size_t)length) != 0)
		return true; /* not a line that a keeper wrote */
	int dir = cgroup_dir(AT_FDCWD, path);
	if (dir < 0)
		return true;
	bool gone = true;
	if (is_own_cgroup(dir)) {
		count_processes(dir, killed, 0);
		gone = cgroup_kill_and_remove(path, dir);
	}
	close(dir);
	return gone;
}

/* The name says the PID namespace and the pid of who has made it. */
static bool is_probe_of_the_dead(const char *name)
{
	unsigned long long namespace;
	int pid, length = 0;
	return sscanf(name, "cofferdam-" CGROUP_PROBE ".%llu.%d%n", &namespace, &pid, &length) == 2 &&
	       name[length] == 0 && namespace == own_pid_namespace() && pid > 0 &&
	       kill(pid, 0) != 0 && errno == ESRCH;
}

void cgroup_probes_sweep(void)
{
	struct cgroup_run own;
	if (!cgroup_run_name(&own, CGROUP_PROBE))
		return;
	*strrchr(own.path, '/') = 0;
	DIR *stream = open_stream(AT_FDCWD, own.path);
	struct dirent *entry;
	while (stream && (entry = readdir(stream))) {
		if (!is_probe_of_the_dead(entry->d_name))
			continue;
		int dir = cgroup_dir(dirfd(stream), entry->d_name);
		if (dir >= 0 && is_own_cgroup(dir))
			cgroup_remove_empty(dirfd(stream), entry->d_name);
		if (dir >= 0)
			close(dir);
	}
	if (stream)
		closedir(stream);
}
