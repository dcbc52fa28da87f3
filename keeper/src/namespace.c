#include "namespace.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

void namespace_bind_to_keeper(int keeper_pidfd)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(125);
	struct pollfd keeper = {.fd = keeper_pidfd, .events = POLLIN};
	if (poll(&keeper, 1, 0) != 0)
		_exit(125);
}

static bool map_self(uid_t uid, gid_t gid)
{
	char line[64];
	/* Without this an ordinary user may not write a gid map. */
	if (!write_file("/proc/self/setgroups", "deny") && errno != ENOENT)
		return false;
	snprintf(line, sizeof line, "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (!write_file("/proc/self/uid_map", line))
		return false;
	snprintf(line, sizeof line, "%u %u 1", (unsigned)gid, (unsigned)gid);
	return write_file("/proc/self/gid_map", line);
}

static bool mount_shared_memory(uint64_t limit_bytes)
{
	struct stat status;
	if (stat("/dev/shm", &status) != 0 || !S_ISDIR(status.st_mode))
		return true; /* nobody can use what is not there */
	char options[64];
	if (limit_bytes)
		snprintf(options, sizeof options, "mode=1777,size=%llu",
			 (unsigned long long)limit_bytes);
	else
		snprintf(options, sizeof options, "mode=1777");
	return mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

/* A new network namespace has a loopback that is down; programs expect to reach themselves. */
static bool raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool raised = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	int saved = errno;
	close(fd);
	errno = saved;
	return raised;
}

const char *namespace_enter(const struct init_setup *setup, bool *proc_own)
{
	if (setup->user_namespace && !map_self(setup->uid, setup->gid))
		return "uid_map";
	/* Before any other mount: what we mount must not reach the host, what it unmounts may
	 * reach us. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return "mount-slave";
	if (!(setup->spec && (setup->spec->host_ipc || setup->spec->join)) &&
	    !mount_shared_memory(setup->spec ? setup->spec->memory_bytes : 0))
		return "mount-shm";
	if (setup->spec && setup->spec->no_network && !raise_loopback())
		return "loopback";
	/* Refused where parts of the host's /proc are masked (most containers). Then the host's
	 * stays, and only /proc/<own pid> is off. */
	*proc_own = mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
	return NULL;
}

void namespace_move_pids(int last_pid, uint32_t first_pid)
{
	char line[24];
	int length = snprintf(line, sizeof line, "%u", first_pid - 1);
	/* Not write: the file's offset is one for all inits, and only at its start it is heard. */
	(void)!pwrite(last_pid, line, (size_t)length, 0);
}
