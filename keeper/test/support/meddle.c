/*
 * Changes something of the namespaces that it is in, or of their init, which is its parent.
 *
 *     meddle queue|queue-removed|proc-options|shm-options|keyring|trace
 *     meddle look         prints what no other program does
 *
 * Ends with 77 where that cannot be done here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_HERE 77

static int make_queue(int removed)
{
	mqd_t queue = mq_open("/meddle", O_CREAT | O_RDWR, 0600, NULL);
	if (queue == (mqd_t)-1)
		return NOT_HERE;
	return removed && mq_unlink("/meddle") != 0;
}

/* By the newer calls, of which the table of mounts tells nothing. */
static int set_option(const char *path, const char *name, const char *value)
{
	int picked = (int)syscall(SYS_fspick, AT_FDCWD, path, FSPICK_CLOEXEC);
	return picked < 0 || syscall(SYS_fsconfig, picked, FSCONFIG_SET_STRING, name, value, 0) != 0 ||
			       syscall(SYS_fsconfig, picked, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) != 0
		       ? NOT_HERE
		       : 0;
}

static int give_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "meddle") < 0 ||
			       syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT) < 0
		       ? NOT_HERE
		       : 0;
}

static int trace_init(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), 0L, 0L) != 0 ||
			       waitpid(getppid(), NULL, __WALL) != getppid() ||
			       ptrace(PTRACE_DETACH, getppid(), 0L, 0L) != 0
		       ? NOT_HERE
		       : 0;
}

static int look(void)
{
	mqd_t queue = mq_open("/meddle", O_RDWR);
	printf("queue %s\n", queue == (mqd_t)-1 ? strerror(errno) : "there");
	printf("session keyring %ld\n",
	       syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	printf("timer slack %d\n", prctl(PR_GET_TIMERSLACK));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	if (strcmp(what, "queue") == 0)
		return make_queue(0);
	if (strcmp(what, "queue-removed") == 0)
		return make_queue(1);
	if (strcmp(what, "proc-options") == 0)
		return set_option("/proc", "hidepid", "2");
	if (strcmp(what, "shm-options") == 0)
		return set_option("/dev/shm", "size", "1048576");
	if (strcmp(what, "keyring") == 0)
		return give_keyring();
	if (strcmp(what, "trace") == 0)
		return trace_init();
	return strcmp(what, "look") == 0 ? look() : 2;
}
