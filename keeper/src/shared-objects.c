#include "shared-objects.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "init.h"

#define SHM "/dev/shm"
#define OBJECTS_MAX 64
#define LINE_MAX_BYTES 1024

/* A set of numbers, in a table that doubles. Without memory for more it forgets: less is proved. */
struct numbers {
	uint64_t *places; /* 0: free */
	size_t size;
	size_t count;
};

static struct numbers old_files, held_files, old_ids[3], pids;
static time_t began;

static bool has(const struct numbers *set, uint64_t number)
{
	for (size_t i = 0, at = set->size ? number % set->size : 0; i < set->size; i++) {
		if (set->places[at] == number)
			return true;
		if (set->places[at] == 0)
			return false;
		at = at + 1 == set->size ? 0 : at + 1;
	}
	return false;
}

static void add(struct numbers *set, uint64_t number)
{
	if (number == 0 || has(set, number))
		return;
	if (2 * (set->count + 1) > set->size) {
		struct numbers larger = {.size = set->size ? set->size * 2 + 1 : 61};
		larger.places = calloc(larger.size, sizeof *larger.places);
		if (!larger.places)
			return;
		for (size_t i = 0; i < set->size; i++)
			if (set->places[i])
				add(&larger, set->places[i]);
		free(set->places);
		*set = larger;
	}
	size_t at = number % set->size;
	while (set->places[at])
		at = at + 1 == set->size ? 0 : at + 1;
	set->places[at] = number;
	set->count++;
}

static void visit_files(void (*visit)(int, const char *, const struct stat *, void *), void *context)
{
	DIR *stream = opendir(SHM);
	struct dirent *entry;
	struct stat status;
	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode))
			visit(dirfd(stream), entry->d_name, &status, context);
	if (stream)
		closedir(stream);
}

/* Of files that were there before, or that were seen in the tree already, nothing more is to learn. */
static bool has_unknown_file(void)
{
	DIR *stream = opendir(SHM);
	/* Without a descriptor nobody can say; the processes are then looked at. */
	bool unknown = !stream;
	struct dirent *entry;
	while (stream && !unknown && (entry = readdir(stream)))
		unknown = entry->d_name[0] != '.' && !has(&old_files, entry->d_ino) &&
			  !has(&held_files, entry->d_ino);
	if (stream)
		closedir(stream);
	return unknown;
}

struct sysv {
	int id;
	int key;
	unsigned uid; /* who made it */
	long changed; /* seconds since 1970 */
	int first, second; /* pids: of shm who made it and used it last, of msg who sent and took last */
	unsigned long attached;
	unsigned long bytes;
};

static const char *const sysv_names[] = {"sem", "shm", "msg"};

static bool parse_sysv(int kind, const char *line, struct sysv *object)
{
	memset(object, 0, sizeof *object);
	switch (kind) {
	case 0: /* key semid perms nsems uid gid cuid cgid otime ctime */
		return sscanf(line, "%d %d %*o %*u %*u %*u %u %*u %*d %ld", &object->key, &object->id,
			      &object->uid, &object->changed) == 4;
	case 1: /* key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime */
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

static void visit_sysv(int kind, void (*visit)(int, const struct sysv *, void *), void *context)
{
	char path[40], line[512];
	snprintf(path, sizeof path, "/proc/sysvipc/%s", sysv_names[kind]);
	FILE *lines = fopen(path, "re");
	struct sysv object;
	for (int number = 0; lines && fgets(line, sizeof line, lines); number++)
		if (number > 0 && parse_sysv(kind, line, &object))
			visit(kind, &object, context);
	if (lines)
		fclose(lines);
}

static void note_old_file(int dir, const char *name, const struct stat *status, void *context)
{
	(void)dir, (void)name, (void)context;
	add(&old_files, status->st_ino);
}

static void note_old_id(int kind, const struct sysv *object, void *context)
{
	(void)context;
	add(&old_ids[kind], (uint64_t)(unsigned)object->id + 1);
}

void shared_objects_begin(void)
{
	began = time(NULL);
	visit_files(note_old_file, NULL);
	for (int kind = 0; kind < 3; kind++)
		visit_sysv(kind, note_old_id, NULL);
}

void shared_objects_note_pid(pid_t pid)
{
	add(&pids, (uint64_t)pid);
}

/* Calls for the inode of each file in /dev/shm that the process has mapped or open. */
static void visit_held(int proc, pid_t pid, void (*visit)(uint64_t, void *), void *context)
{
	char path[64], line[LINE_MAX_BYTES];
	snprintf(path, sizeof path, "%d/maps", (int)pid);
	int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
	FILE *lines = file < 0 ? NULL : fdopen(file, "r");
	if (!lines && file >= 0)
		close(file);
	unsigned long long inode;
	while (lines && fgets(line, sizeof line, lines))
		if (strstr(line, " " SHM "/") &&
		    sscanf(line, "%*s %*s %*s %*s %llu", &inode) == 1)
			visit(inode, context);
	if (lines)
		fclose(lines);
	snprintf(path, sizeof path, "%d/fd", (int)pid);
	DIR *stream = open_stream(proc, path);
	struct dirent *entry;
	struct stat status;
	while (stream && (entry = readdir(stream))) {
		ssize_t length = readlinkat(dirfd(stream), entry->d_name, line, sizeof line - 1);
		if (length > 9 && strncmp(line, SHM "/", 9) == 0 &&
		    fstatat(dirfd(stream), entry->d_name, &status, 0) == 0)
			visit(status.st_ino, context);
	}
	if (stream)
		closedir(stream);
}

static void note_held(uint64_t inode, void *context)
{
	(void)context;
	if (!has(&old_files, inode))
		add(&held_files, inode);
}

static void look_at(pid_t pid, void *context)
{
	const struct tree_view *view = context;
	shared_objects_note_pid(pid);
	visit_held(view->proc, pid, note_held, NULL);
}

static void note_tree_pid(pid_t pid, void *context)
{
	(void)context;
	shared_objects_note_pid(pid);
}

void shared_objects_look(const struct tree_view *view)
{
	tree_visit(view, has_unknown_file() ? look_at : note_tree_pid, (void *)view);
}

struct ending {
	int channel;
	int proc;
	unsigned count;
	struct numbers others; /* files that somebody holds who still lives */
	bool others_known;
};

static void note_other(uint64_t inode, void *context)
{
	struct ending *ending = context;
	add(&ending->others, inode);
}

/* Only once something is to be removed: it reads every process of the machine. */
static bool is_held_by_others(struct ending *ending, uint64_t inode)
{
	DIR *stream = ending->others_known ? NULL : opendir("/proc");
	struct dirent *entry;
	while (stream && (entry = readdir(stream)))
		if (isdigit((unsigned char)entry->d_name[0]))
			visit_held(ending->proc, (pid_t)atoi(entry->d_name), note_other, ending);
	if (stream)
		closedir(stream);
	ending->others_known = true;
	return has(&ending->others, inode);
}

static void tell(struct ending *ending, enum leak_kind kind, const char *name, uint64_t bytes,
		 const char *how, bool removed)
{
	if (ending->count++ >= OBJECTS_MAX)
		return;
	struct init_report report = {.kind = REPORT_LEAK,
				     .leak = kind,
				     .bytes = bytes,
				     .action = removed ? ACTION_REMOVED : ACTION_LEFT};
	snprintf(report.how, sizeof report.how, "%s", removed ? how : "unattributed");
	snprintf(report.name, sizeof report.name, "%s", name);
	init_send(ending->channel, &report);
}

static void end_file(int dir, const char *name, const struct stat *status, void *context)
{
	struct ending *ending = context;
	if (has(&old_files, status->st_ino) || status->st_uid != geteuid())
		return;
	bool removed = has(&held_files, status->st_ino) &&
		       !is_held_by_others(ending, status->st_ino) &&
		       unlinkat(dir, name, 0) == 0;
	enum leak_kind kind = strncmp(name, "sem.", 4) == 0 ? LEAK_SEMAPHORE : LEAK_SHARED_MEMORY;
	tell(ending, kind, name, (uint64_t)status->st_size, "mapped", removed);
}

/* Whether only processes of the task have used it, and at least one. */
static bool is_used_by_us(int kind, const struct sysv *object)
{
	if (kind == 2)
		return (object->first || object->second) &&
		       (!object->first || has(&pids, (uint64_t)object->first)) &&
		       (!object->second || has(&pids, (uint64_t)object->second));
	struct semid_ds status;
	bool used = false;
	if (semctl(object->id, 0, IPC_STAT, &status) != 0)
		return false;
	for (unsigned long i = 0; i < status.sem_nsems; i++) {
		int pid = semctl(object->id, (int)i, GETPID);
		if (pid < 0 || (pid > 0 && !has(&pids, (uint64_t)pid)))
			return false;
		used |= pid > 0;
	}
	return used;
}

static bool remove_sysv(int kind, const struct sysv *object)
{
	if (object->changed < began)
		return false;
	if (kind == 1)
		return has(&pids, (uint64_t)object->first) && object->attached == 0 &&
		       shmctl(object->id, IPC_RMID, NULL) == 0;
	if (object->key != IPC_PRIVATE || !is_used_by_us(kind, object))
		return false;
	return kind == 0 ? semctl(object->id, 0, IPC_RMID) == 0
			 : msgctl(object->id, IPC_RMID, NULL) == 0;
}

static void end_sysv(int kind, const struct sysv *object, void *context)
{
	if (has(&old_ids[kind], (uint64_t)(unsigned)object->id + 1) || object->uid != geteuid())
		return;
	char name[24];
	snprintf(name, sizeof name, "%s %d", sysv_names[kind], object->id);
	bool removed = remove_sysv(kind, object);
	tell(context, LEAK_SYSV, name, object->bytes, "creator-pid", removed);
}

void shared_objects_end(int channel, const struct tree_view *view)
{
	struct ending ending = {.channel = channel, .proc = view->proc};
	visit_files(end_file, &ending);
	for (int kind = 0; kind < 3; kind++)
		visit_sysv(kind, end_sysv, &ending);
}
