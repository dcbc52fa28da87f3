#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "files.h"

/* The folder is in a place where others may write (/tmp): it must be ours and closed to them. */
static int open_base(const char *base)
{
	if (mkdir(base, 0700) != 0 && errno != EEXIST)
		return -1;
	int dir = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -1;
	struct stat status;
	if (fstat(dir, &status) != 0 || status.st_uid != geteuid() || (status.st_mode & 077)) {
		close(dir);
		errno = EPERM;
		return -1;
	}
	return dir;
}

static bool write_line(int fd, const char *line)
{
	size_t length = strlen(line);
	off_t before = lseek(fd, 0, SEEK_END);
	ssize_t written = write(fd, line, length);
	if (written == (ssize_t)length)
		return true;
	/* The disk is full. What is there of the line would spoil the next one. */
	if (written >= 0) {
		(void)!ftruncate(fd, before);
		errno = ENOSPC;
	}
	return false;
}

bool ledger_open(struct ledger *ledger, const char *base, const char **what)
{
	ledger->run_dir = ledger->file = -1;
	*what = "the folder for runs";
	ledger->base_dir = open_base(base);
	if (ledger->base_dir < 0)
		return false;

	/*
	 * Made under a hidden name and renamed once the ledger is locked: a sweep that comes by in
	 * between never sees a run without its lock. What makes one shares the lock of the base; who
	 * can have that one alone knows that a hidden folder is nobody's.
	 */
	*what = "the run's folder";
	while (flock(ledger->base_dir, LOCK_SH) != 0)
		if (errno != EINTR)
			return false;
	uint32_t number;
	char hidden[24];
	do {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return false;
		snprintf(ledger->run_name, sizeof ledger->run_name, "%08x", (unsigned)number);
		snprintf(hidden, sizeof hidden, ".%s", ledger->run_name);
	} while (mkdirat(ledger->base_dir, hidden, 0700) != 0 && errno == EEXIST);
	ledger->run_dir =
		openat(ledger->base_dir, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ledger->run_dir < 0)
		return false;
	/* The lock that says that the run is alive, and keeps cleaners of old files away from it. */
	if (flock(ledger->run_dir, LOCK_EX | LOCK_NB) != 0)
		return false;
	*what = "the run's ledger";
	ledger->file = openat(ledger->run_dir, "ledger",
			      O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (ledger->file < 0 || flock(ledger->file, LOCK_EX | LOCK_NB) != 0)
		return false;
	char line[128], boot[40];
	read_boot_id(boot);
	snprintf(line, sizeof line, "cofferdam-ledger 1 keeper %d ns %llu boot %s\n", (int)getpid(),
		 (unsigned long long)own_pid_namespace(), boot);
	if (!write_line(ledger->file, line) ||
	    renameat(ledger->base_dir, hidden, ledger->base_dir, ledger->run_name) != 0 ||
	    flock(ledger->base_dir, LOCK_UN) != 0)
		return false;
	int length = snprintf(ledger->run_path, sizeof ledger->run_path, "%s/%s", base,
			      ledger->run_name);
	if (length >= (int)sizeof ledger->run_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	return true;
}

bool ledger_without_namespaces(struct ledger *ledger)
{
	return write_line(ledger->file, "tree subreaper\n");
}

bool ledger_start(struct ledger *ledger, uint32_t task, pid_t init, uint64_t start_time)
{
	char line[80];
	snprintf(line, sizeof line, "start %u %d %llu\n", task, (int)init,
		 (unsigned long long)start_time);
	return write_line(ledger->file, line);
}

bool ledger_cgroup(struct ledger *ledger, const char *path)
{
	char line[CGROUP_PATH_MAX + 10];
	snprintf(line, sizeof line, "cgroup %s\n", path);
	return write_line(ledger->file, line);
}

void ledger_end(struct ledger *ledger, uint32_t task)
{
	char line[40];
	snprintf(line, sizeof line, "end %u\n", task);
	/* A full disk may refuse the line. The next sweep then checks a process that is gone. */
	(void)!write_line(ledger->file, line);
}

bool ledger_remove(struct ledger *ledger)
{
	return remove_tree(ledger->base_dir, ledger->run_name);
}
