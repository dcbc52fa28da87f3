#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MODE 0700
/* More than this are wanted only where so many tasks end before one starts. */
#define SPARE_MAX 64
/* What a folder without entries lists: "." and "..", of 24 bytes each. */
#define EMPTY_LIST_BYTES 48

void scratch_name(char into[SCRATCH_NAME_MAX], uint32_t task)
{
	snprintf(into, SCRATCH_NAME_MAX, "t%u", (unsigned)task);
}

static void spare_name(char into[SCRATCH_NAME_MAX], unsigned number)
{
	snprintf(into, SCRATCH_NAME_MAX, "spare%u", number);
}

static bool list_is_empty(int dir)
{
	_Alignas(8) char list[512];
	long length = syscall(SYS_getdents64, dir, list, sizeof list);
	return length > 0 && length <= EMPTY_LIST_BYTES;
}

/* As mkdir makes it: ours, with this mode, empty, and nothing attached (an ACL would be). */
static bool is_as_new(int run_dir, const char *name)
{
	int dir = openat(run_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return false;
	struct stat status;
	bool as_new = fstat(dir, &status) == 0 && status.st_mode == (S_IFDIR | MODE) &&
		      status.st_uid == geteuid() && status.st_gid == getegid() &&
		      list_is_empty(dir) && flistxattr(dir, NULL, 0) <= 0;
	close(dir);
	return as_new;
}

bool scratch_make(struct scratch *scratch, uint32_t task)
{
	char name[SCRATCH_NAME_MAX], spare[SCRATCH_NAME_MAX];
	scratch_name(name, task);
	if (scratch->spare > 0) {
		spare_name(spare, --scratch->spare);
		if (renameat(scratch->run_dir, spare, scratch->run_dir, name) == 0)
			return true;
	}
	return mkdirat(scratch->run_dir, name, MODE) == 0;
}

bool scratch_put_away(struct scratch *scratch, uint32_t task)
{
	char name[SCRATCH_NAME_MAX], spare[SCRATCH_NAME_MAX];
	scratch_name(name, task);
	if (scratch->recycles && scratch->spare < SPARE_MAX && is_as_new(scratch->run_dir, name)) {
		spare_name(spare, scratch->spare);
		if (renameat(scratch->run_dir, name, scratch->run_dir, spare) == 0) {
			scratch->spare++;
			return true;
		}
	}
	return unlinkat(scratch->run_dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}
