/* A file system mounted in the scratch folder; who may not gets a namespace of its own for it. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	must(chdir(getenv("TMPDIR")) == 0 && mkdir("mounted", 0700) == 0, "TMPDIR");
	if (mount("tmpfs", "mounted", "tmpfs", 0, "size=64k") != 0) {
		must(errno == EPERM, "mount");
		/* Where even that is refused there is nothing to mount with. */
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0)
			(void)mount("tmpfs", "mounted", "tmpfs", 0, "size=64k");
	}
	finish(argv);
}
