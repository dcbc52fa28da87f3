#include <sys/mman.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	char name[200];
	snprintf(name, sizeof name, "/%s", argv[2]);
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	must(fd >= 0 && ftruncate(fd, 1 << 20) == 0, "shm_open");
	void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(memory != MAP_FAILED, "mmap");
	memset(memory, 1, 1 << 20);
	finish(argv);
}
