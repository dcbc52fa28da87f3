/* Folders and files in the scratch folder that may not be changed, the folder itself too. */
#include <sys/stat.h>

#include "trick.h"

static void put(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0400);
	must(fd >= 0 && write(fd, "x", 1) == 1, path);
	close(fd);
}

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	must(chdir(getenv("TMPDIR")) == 0, "TMPDIR");
	must(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("c", 0700) == 0, "mkdir");
	put("a/b/file");
	put("a/file");
	put("c/file");
	must(symlink("/nowhere", "a/link") == 0 && mkfifo("c/fifo", 0) == 0, "special files");
	must(chmod("a/b", 0500) == 0 && chmod("a", 0) == 0 && chmod("c", 0400) == 0 &&
		     chmod(".", 0) == 0, "chmod");
	finish(argv);
}
