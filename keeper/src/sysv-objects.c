#include "sysv-objects.h"

#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "number-set.h"

enum sysv_kind { SYSV_SEM, SYSV_SHM, SYSV_MSG, SYSV_KINDS };

static const char *const names[] = {"sem", "shm", "msg"};

struct sysv {
	int id;
	int key;
	unsigned uid; /* who made it */
	long changed; /* seconds since 1970 */
	int first, second; /* pids: of shm who made it and used it last, of msg who sent and took last */
	unsigned long attached;
	unsigned long bytes;
};

/* Held open from the beginning: a tree may take its init's right to open anything (prlimit). */
static FILE *lists[SYSV_KINDS];
static struct number_set old[SYSV_KINDS];
static time_t began;

static bool parse(enum sysv_kind kind, const char *line, struct sysv *object)
{
	memset(object, 0, sizeof *object);
	switch (kind) {
	case SYSV_SEM: /* key semid perms nsems uid gid cuid cgid otime ctime */
		return sscanf(line, "%d %d %*o %*u %*u %*u %u %*u %*d %ld", &object->key, &object->id,
			      &object->uid, &object->changed) == 4;
	case SYSV_SHM: /* key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime */
		return sscanf(line, "%d %d %*o %lu %d %d %lu %*u %*u %u %*u %*d %*d %ld",
			      &object->key, &object->id, &object->bytes, &object->first,
			      &object->second, &object->attached, &object->uid,
			      &object->changed) == 8;
	default: /* key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid stime rtime ctime */
		return sscanf(line, "%d %d %*o %lu %*u %d %d %*u %*u %u %*u %*d %*d %ld",
			      &object->key, &object->id, &object->bytes, &object->first,
			      &object->second, &object->uid, &object->changed) == 7;
	}
}

static uint64_t number_of(const struct sysv *object)
{
	return (uint64_t)(unsigned)object->id + 1;
}

void sysv_objects_begin(void)
{
	began = time(NULL);
	for (int kind = 0; kind < SYSV_KINDS; kind++) {
		char path[40], line[512];
		struct sysv object;
		snprintf(path, sizeof path, "/proc/sysvipc/%s", names[kind]);
		lists[kind] = fopen(path, "re");
		while (lists[kind] && fgets(line, sizeof line, lists[kind]))
			if (parse((enum sysv_kind)kind, line, &object))
				number_set_add(&old[kind], number_of(&object));
	}
}

/* Whether only processes of the task have used it, and at least one. */
static bool is_used_by_task(enum sysv_kind kind, const struct sysv *object,
			    bool (*is_of_task)(pid_t))
{
	if (kind == SYSV_MSG)
		return (object->first || object->second) &&
		       (!object->first || is_of_task(object->first)) &&
		       (!object->second || is_of_task(object->second));
	struct semid_ds status;
	bool used = false;
	if (semctl(object->id, 0, IPC_STAT, &status) != 0)
		return false;
	for (unsigned long i = 0; i < status.sem_nsems; i++) {
		int pid = semctl(object->id, (int)i, GETPID);
		if (pid < 0 || (pid > 0 && !is_of_task(pid)))
			return false;
		used |= pid > 0;
	}
	return used;
}

static bool remove_one(enum sysv_kind kind, const struct sysv *object, bool (*is_of_task)(pid_t))
{
	/* Who forgot what was there before proves nothing. */
	if (object->changed < began || old[kind].incomplete)
		return false;
	if (kind == SYSV_SHM)
		return object->attached == 0 && is_of_task(object->first) &&
		       shmctl(object->id, IPC_RMID, NULL) == 0;
	if (object->key != IPC_PRIVATE || !is_used_by_task(kind, object, is_of_task))
		return false;
	return kind == SYSV_SEM ? semctl(object->id, 0, IPC_RMID) == 0
				: msgctl(object->id, IPC_RMID, NULL) == 0;
}

static void end_one(enum sysv_kind kind, const struct sysv *object, struct object_report *report,
		    bool (*is_of_task)(pid_t))
{
	if (number_set_has(&old[kind], number_of(object)) || object->uid != geteuid())
		return;
	char name[SYSV_NAME_MAX];
	sysv_name(name, names[kind], object->id, object->key);
	object_report_tell(report,
			   &(struct object_found){
				   .kind = LEAK_SYSV,
				   .name = name,
				   .bytes = object->bytes,
				   .changed = {.tv_sec = object->changed},
				   .how = remove_one(kind, object, is_of_task) ? "creator-pid" : NULL,
			   });
}

void sysv_objects_end(struct object_report *report, bool (*is_of_task)(pid_t))
{
	for (int kind = 0; kind < SYSV_KINDS; kind++) {
		char line[512];
		struct sysv object;
		if (lists[kind])
			rewind(lists[kind]);
		while (lists[kind] && fgets(line, sizeof line, lists[kind]))
			if (parse((enum sysv_kind)kind, line, &object))
				end_one((enum sysv_kind)kind, &object, report, is_of_task);
	}
}
