/* What an init sees of its own tree. */
#ifndef COFFERDAM_TREE_H
#define COFFERDAM_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_view {
	int proc; /* descriptor of /proc */
	int children; /* of the list of our own children; -1 where `own` makes it needless */
	bool own; /* /proc shows this namespace alone; else the host's, and we walk `children` */
};

struct tree_process {
	pid_t pid;    /* as the view's /proc names it */
	pid_t parent; /* 0 where unknown */
	char state;   /* as in /proc/PID/stat */
	uint64_t start_ticks; /* since boot; 0: it is not there */
	uint64_t resident; /* bytes */
	char name[16]; /* without control characters */
};

struct tree_size {
	unsigned processes;
	uint64_t resident; /* bytes; shared pages counted in each process */
};

bool tree_open(struct tree_view *view, bool own);
void tree_close(struct tree_view *view);
/* Calls visit for each process but the init itself. */
void tree_visit(const struct tree_view *view, void (*visit)(pid_t pid, void *context),
		void *context);
/* The same for the descendants of another process. */
void tree_visit_below(const struct tree_view *view, pid_t root, void (*visit)(pid_t pid, void *context),
		      void *context);
/* The same for the caller's own children alone. */
void tree_visit_own_children(const struct tree_view *view, void (*visit)(pid_t pid, void *context),
			     void *context);
/*
 * How long Python's resource tracker may take to clean up once all others are dead: it may still be
 * starting, on a machine that has more to do. Less than FORCE_AFTER_MS.
 */
#define TRACKER_MS 3000
/*
 * Whether this is Python's multiprocessing.resource_tracker, or may be about to become it: in the
 * midst of its exec a process shows an empty command line.
 */
bool tree_may_be_resource_tracker(const struct tree_view *view, pid_t pid);
void tree_measure(const struct tree_view *view, struct tree_size *size);
/* Proportional set size of the whole tree: exact on shared pages, about 1,000 times dearer. */
uint64_t tree_proportional(const struct tree_view *view);
void tree_describe(const struct tree_view *view, pid_t pid, struct tree_process *process);
/* Bytes in the tmpfs of /dev/shm; 0 where there is none of our own. */
uint64_t shared_memory_used(void);

#endif
