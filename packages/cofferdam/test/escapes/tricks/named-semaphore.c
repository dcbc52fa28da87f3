#include <semaphore.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	char name[200];
	snprintf(name, sizeof name, "/%s", argv[2]);
	must(sem_open(name, O_CREAT | O_EXCL, 0600, 1) != SEM_FAILED, "sem_open");
	finish(argv);
}
