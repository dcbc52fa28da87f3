/* Finding out what can be had here, by doing it. */
#ifndef COFFERDAM_PROBE_H
#define COFFERDAM_PROBE_H

#include "task.h"

/* What proved that a way works: its namespaces are as new, and it waits for a task. */
struct probed_init {
	pid_t pid;
	int pidfd;
	int channel;
};

/*
 * Starts an init in that way and lets it set itself up. NULL: it works; else the step that failed,
 * with errno. Leaves the way in keeper->tree. Where it works the init stays if `kept` is not NULL,
 * and is the caller's.
 */
const char *probe_tree(struct keeper *keeper, enum tree_kind tree, bool *proc_own,
		       struct probed_init *kept);

/* Prints a line for each mechanism: name, ok or failed or weak, detail; by tabs. For the doctor. */
int probe_report(void);

#endif
