/* Folders in folders, far beyond the longest path that can be named. */
#include <sys/stat.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	must(chdir(getenv("TMPDIR")) == 0, "TMPDIR");
	for (int i = 0; i < 1200; i++)
		must(mkdir("folder", 0700) == 0 && chdir("folder") == 0, "mkdir");
	finish(argv);
}
