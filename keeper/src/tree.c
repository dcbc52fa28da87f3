#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files.h"

bool tree_open(struct tree_view *view, bool own)
{
	view->own = own;
	view->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Held open: a tree may take its init's right to open anything (prlimit). */
	view->children = own ? -1 : open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	return view->proc >= 0;
}

void tree_close(struct tree_view *view)
{
	if (view->proc >= 0)
		close(view->proc);
	if (view->children >= 0)
		close(view->children);
	view->proc = view->children = -1;
}

static void visit_own(const struct tree_view *view, void (*visit)(pid_t, void *), void *context)
{
	DIR *stream = open_stream(view->proc, ".");
	if (!stream)
		return;
	struct dirent *entry;
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		pid_t pid = (pid_t)atoi(entry->d_name);
		if (pid > 1)
			visit(pid, context);
	}
	closedir(stream);
}

#define DEPTH_MAX 64
/* Room for some ten thousand pids; what is beyond is seen at the next look. */
#define CHILDREN_MAX 65536

static void visit_children(const struct tree_view *view, const char *who, int levels,
			   void (*visit)(pid_t, void *), void *context);

/* The processes of a list as /proc gives it, and so many levels below, this one included. */
static void visit_list(const struct tree_view *view, char *text, int levels,
		       void (*visit)(pid_t, void *), void *context)
{
	/* A list that did not fit ends in the middle of a pid, which is another process's. */
	size_t length = strlen(text);
	if (length == CHILDREN_MAX - 1)
		while (length > 0 && text[length - 1] != ' ')
			text[--length] = 0;
	char *rest = NULL;
	for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		pid_t pid = (pid_t)atoi(word);
		if (pid <= 0)
			continue;
		visit(pid, context);
		if (levels > 1)
			visit_children(view, word, levels - 1, visit, context);
	}
}

/* Needs neither a descriptor nor memory: keepers and inits have one thread. */
static void visit_self(const struct tree_view *view, int levels, void (*visit)(pid_t, void *),
		       void *context)
{
	static char text[CHILDREN_MAX];
	size_t length = 0;
	ssize_t got;
	while (length < sizeof text - 1 &&
	       (got = pread(view->children, text + length, sizeof text - 1 - length,
			    (off_t)length)) > 0)
		length += (size_t)got;
	text[length] = 0;
	visit_list(view, text, levels, visit, context);
}

/* Children of all threads of a process, and so many levels of theirs. */
static void visit_children(const struct tree_view *view, const char *who, int levels,
			   void (*visit)(pid_t, void *), void *context)
{
	char path[300];
	snprintf(path, sizeof path, "%s/task", who);
	DIR *stream = open_stream(view->proc, path);
	if (!stream)
		return;
	struct dirent *entry;
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/task/%.20s/children", who, entry->d_name);
		char *text = malloc(CHILDREN_MAX);
		if (text && read_file_at(view->proc, path, text, CHILDREN_MAX) > 0)
			visit_list(view, text, levels, visit, context);
		free(text);
	}
	closedir(stream);
}

void tree_visit_own_children(const struct tree_view *view, void (*visit)(pid_t, void *),
			     void *context)
{
	visit_self(view, 1, visit, context);
}

void tree_visit_below(const struct tree_view *view, pid_t root, void (*visit)(pid_t, void *),
		      void *context)
{
	char who[16];
	snprintf(who, sizeof who, "%d", (int)root);
	visit_children(view, who, DEPTH_MAX, visit, context);
}

/* The dead, whose command line is empty too, are not. */
static bool is_alive(const struct tree_view *view, pid_t pid)
{
	struct tree_process process;
	tree_describe(view, pid, &process);
	return process.start_ticks && process.state != 'Z' && process.state != 'X';
}

bool tree_may_be_resource_tracker(const struct tree_view *view, pid_t pid)
{
	char path[40], text[1024];
	snprintf(path, sizeof path, "%d/cmdline", (int)pid);
	ssize_t length = read_file_at(view->proc, path, text, sizeof text);
	if (length == 0)
		return is_alive(view, pid);
	return length > 0 && memmem(text, (size_t)length, "multiprocessing.resource_tracker",
				    strlen("multiprocessing.resource_tracker"));
}

void tree_visit(const struct tree_view *view, void (*visit)(pid_t, void *), void *context)
{
	if (view->own)
		visit_own(view, visit, context);
	else
		visit_self(view, DEPTH_MAX, visit, context);
}

struct measuring {
	const struct tree_view *view;
	struct tree_size *size;
	uint64_t page;
};

static void measure_one(pid_t pid, void *context)
{
	struct measuring *measuring = context;
	char path[40], text[128];
	snprintf(path, sizeof path, "%d/statm", (int)pid);
	if (read_file_at(measuring->view->proc, path, text, sizeof text) <= 0)
		return;
	char *resident = strchr(text, ' ');
	if (!resident)
		return;
	measuring->size->processes++;
	measuring->size->resident += strtoull(resident, NULL, 10) * measuring->page;
}

void tree_measure(const struct tree_view *view, struct tree_size *size)
{
	memset(size, 0, sizeof *size);
	struct measuring measuring = {view, size, (uint64_t)sysconf(_SC_PAGESIZE)};
	tree_visit(view, measure_one, &measuring);
}

struct proportional {
	const struct tree_view *view;
	uint64_t bytes;
};

static uint64_t field_kb(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static void add_proportional(pid_t pid, void *context)
{
	struct proportional *sum = context;
	char path[48], text[2048];
	snprintf(path, sizeof path, "%d/smaps_rollup", (int)pid);
	if (read_file_at(sum->view->proc, path, text, sizeof text) > 0) {
		/* The tmpfs is counted once, by its own size, whoever maps it. */
		sum->bytes += field_kb(text, "\nPss_Anon:") + field_kb(text, "\nPss_File:");
		return;
	}
	/* Not readable (another user's): the plain figure, which errs on the high side. */
	struct tree_size size = {0};
	struct measuring measuring = {sum->view, &size, (uint64_t)sysconf(_SC_PAGESIZE)};
	measure_one(pid, &measuring);
	sum->bytes += size.resident;
}

uint64_t tree_proportional(const struct tree_view *view)
{
	struct proportional sum = {view, 0};
	tree_visit(view, add_proportional, &sum);
	return sum.bytes;
}

void tree_describe(const struct tree_view *view, pid_t pid, struct tree_process *process)
{
	memset(process, 0, sizeof *process);
	process->pid = pid;
	process->name[0] = '?';
	char path[40], text[1024];
	snprintf(path, sizeof path, "%d/stat", (int)pid);
	if (read_file_at(view->proc, path, text, sizeof text) <= 0)
		return;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return;
	int parent = 0;
	unsigned long long start = 0, pages = 0;
	/* proc(5): field 3 is the state, 4 the parent, 22 the start, 24 the resident pages. */
	sscanf(close + 1,
	       " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %*u %llu",
	       &process->state, &parent, &start, &pages);
	process->parent = (pid_t)parent;
	process->start_ticks = start;
	process->resident = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	*close = 0;
	snprintf(process->name, sizeof process->name, "%.15s", open + 1);
	for (char *at = process->name; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
}

uint64_t shared_memory_used(void)
{
	struct statfs status;
	if (statfs("/dev/shm", &status) != 0)
		return 0;
	return (uint64_t)(status.f_blocks - status.f_bfree) * (uint64_t)status.f_bsize;
}
