#include "shared-files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files.h"
#include "number-set.h"

#define SHM "/dev/shm"
#define QUEUES "/dev/mqueue"
#define LINE_MAX_BYTES 1024
#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

enum place { PLACE_SHM, PLACE_QUEUES, PLACES };

/* Held open from the beginning: a tree may take its init's right to open anything (prlimit). */
struct folder {
	DIR *stream; /* NULL: there is none, or it cannot be seen */
	dev_t device;
	struct number_set old;	/* inodes of what was there before the task */
	struct number_set held; /* inodes of what processes of the task had open or mapped */
};

static struct folder folders[PLACES];
static bool queues_unseen;

/* Where the machine shows its queues, or else a mount that only we see and that goes with us. */
static int open_queues(void)
{
	int dir = open(QUEUES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs system;
	if (dir >= 0 && fstatfs(dir, &system) == 0 &&
	    (unsigned long)system.f_type == MQUEUE_MAGIC)
		return dir;
	if (dir >= 0)
		close(dir);
	int context = (int)syscall(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	int mounted = -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(context);
	if (mounted < 0)
		return -1;
	/* A mount's own descriptor cannot be read. */
	dir = openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(mounted);
	return dir;
}

static bool is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void open_folder(struct folder *folder, int dir)
{
	struct stat status;
	folder->stream = dir < 0 ? NULL : fdopendir(dir);
	if (!folder->stream) {
		if (dir >= 0)
			close(dir);
		return;
	}
	folder->device = fstat(dir, &status) == 0 ? status.st_dev : 0;
	struct dirent *entry;
	while ((entry = readdir(folder->stream)))
		if (is_entry(entry))
			number_set_add(&folder->old, entry->d_ino);
}

void shared_files_begin(void)
{
	open_folder(&folders[PLACE_SHM], open(SHM, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	open_folder(&folders[PLACE_QUEUES], open_queues());
	queues_unseen = !folders[PLACE_QUEUES].stream && access("/proc/sys/fs/mqueue", F_OK) == 0;
}

bool shared_files_has_unknown(void)
{
	bool unknown = false;
	for (int place = 0; place < PLACES; place++) {
		const struct folder *folder = &folders[place];
		struct dirent *entry;
		if (folder->stream)
			rewinddir(folder->stream);
		while (folder->stream && !unknown && (entry = readdir(folder->stream)))
			unknown = is_entry(entry) && !number_set_has(&folder->old, entry->d_ino) &&
				  !number_set_has(&folder->held, entry->d_ino);
	}
	return unknown;
}

typedef void (*visit_file)(enum place place, uint64_t inode, void *context);

static void visit_mapped(int proc, pid_t pid, visit_file visit, void *context)
{
	char path[64], line[LINE_MAX_BYTES];
	snprintf(path, sizeof path, "%d/maps", (int)pid);
	int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
	FILE *lines = file < 0 ? NULL : fdopen(file, "r");
	if (!lines && file >= 0)
		close(file);
	unsigned long long inode;
	unsigned major, minor;
	while (lines && fgets(line, sizeof line, lines))
		/* Another mount namespace may have a /dev/shm of its own. */
		if (strstr(line, " " SHM "/") &&
		    sscanf(line, "%*s %*s %*s %x:%x %llu", &major, &minor, &inode) == 3 &&
		    makedev(major, minor) == folders[PLACE_SHM].device)
			visit(PLACE_SHM, inode, context);
	if (lines)
		fclose(lines);
}

/* A queue shows as "/name", wherever its file system is mounted. */
static bool may_be_object(const char *link)
{
	return strncmp(link, SHM "/", strlen(SHM "/")) == 0 ||
	       (link[0] == '/' && !strchr(link + 1, '/'));
}

static void visit_open(int proc, pid_t pid, visit_file visit, void *context)
{
	char path[64], link[LINE_MAX_BYTES];
	snprintf(path, sizeof path, "%d/fd", (int)pid);
	DIR *stream = open_stream(proc, path);
	struct dirent *entry;
	struct stat status;
	while (stream && (entry = readdir(stream))) {
		ssize_t length = readlinkat(dirfd(stream), entry->d_name, link, sizeof link - 1);
		if (length <= 0)
			continue;
		link[length] = 0;
		if (!may_be_object(link) ||
		    fstatat(dirfd(stream), entry->d_name, &status, 0) != 0 ||
		    S_ISDIR(status.st_mode))
			continue;
		for (int place = 0; place < PLACES; place++)
			if (folders[place].stream && folders[place].device == status.st_dev)
				visit((enum place)place, status.st_ino, context);
	}
	if (stream)
		closedir(stream);
}

static void note_held(enum place place, uint64_t inode, void *context)
{
	(void)context;
	if (!number_set_has(&folders[place].old, inode))
		number_set_add(&folders[place].held, inode);
}

void shared_files_look_at(const struct tree_view *view, pid_t pid)
{
	visit_mapped(view->proc, pid, note_held, NULL);
	visit_open(view->proc, pid, note_held, NULL);
}

struct others {
	bool known;
	struct number_set held[PLACES];
};

static void note_other(enum place place, uint64_t inode, void *context)
{
	struct others *others = context;
	number_set_add(&others->held[place], inode);
}

/* Only once something is to be removed: it reads every process of the machine. */
static bool is_held_by_others(struct others *others, const struct tree_view *view, enum place place,
			      uint64_t inode)
{
	DIR *stream = others->known ? NULL : open_stream(view->proc, ".");
	if (!others->known && !stream)
		return true; /* nobody can say */
	struct dirent *entry;
	while (stream && (entry = readdir(stream)))
		if (isdigit((unsigned char)entry->d_name[0])) {
			pid_t pid = (pid_t)atoi(entry->d_name);
			visit_mapped(view->proc, pid, note_other, others);
			visit_open(view->proc, pid, note_other, others);
		}
	if (stream)
		closedir(stream);
	others->known = true;
	return others->held[place].incomplete || number_set_has(&others->held[place], inode);
}

static enum leak_kind kind_of(enum place place, const char *name)
{
	if (place == PLACE_QUEUES)
		return LEAK_MESSAGE_QUEUE;
	return strncmp(name, "sem.", 4) == 0 ? LEAK_SEMAPHORE : LEAK_SHARED_MEMORY;
}

static void end_place(enum place place, struct others *others, struct object_report *report,
		      const struct tree_view *view)
{
	const struct folder *folder = &folders[place];
	struct dirent *entry;
	struct stat status;
	if (folder->stream)
		rewinddir(folder->stream);
	while (folder->stream && (entry = readdir(folder->stream))) {
		int dir = dirfd(folder->stream);
		if (!is_entry(entry) ||
		    fstatat(dir, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		    number_set_has(&folder->old, status.st_ino) || status.st_uid != geteuid())
			continue;
		/* Who forgot what was there before proves nothing. */
		bool ours = !folder->old.incomplete && S_ISREG(status.st_mode) &&
			    number_set_has(&folder->held, status.st_ino) &&
			    !is_held_by_others(others, view, place, status.st_ino);
		bool removed = ours && unlinkat(dir, entry->d_name, 0) == 0;
		object_report_tell(report,
				   &(struct object_found){
					   .kind = kind_of(place, entry->d_name),
					   .name = entry->d_name,
					   .bytes = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0,
					   .changed = status.st_ctim,
					   .how = removed ? "mapped" : NULL,
				   });
	}
}

void shared_files_end(struct object_report *report, const struct tree_view *view)
{
	struct others others = {0};
	for (int place = 0; place < PLACES; place++)
		end_place((enum place)place, &others, report, view);
	if (queues_unseen)
		object_report_unseen(report, LEAK_MESSAGE_QUEUE);
}
