/* What a command left in its namespace: told by name before it is taken away. */
#ifndef COFFERDAM_LEAKS_H
#define COFFERDAM_LEAKS_H

#include "init.h"
#include "tree.h"

/* Sends a REPORT_LEAK for each process that still lives (the first 64 of them). */
void leaks_report_processes(const struct init_setup *setup, const struct tree_view *view,
			    pid_t command);
/* The same for POSIX semaphores, shared memory and message queues, and for SysV objects. */
void leaks_report_objects(int channel);

#endif
