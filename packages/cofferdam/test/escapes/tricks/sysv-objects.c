#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "trick.h"

int main(int argc, char **argv)
{
	(void)argc;
	live_shortly();
	key_t key = (key_t)strtol(argv[3], NULL, 10);
	int shm = shmget(key, 65536, IPC_CREAT | IPC_EXCL | 0600);
	must(shm >= 0 && shmat(shm, NULL, 0) != (void *)-1, "shmget");
	must(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600) >= 0, "semget");
	must(msgget(key, IPC_CREAT | IPC_EXCL | 0600) >= 0, "msgget");
	finish(argv);
}
