/* What a command left in its namespace: told by name before it is taken away. */
#ifndef COFFERDAM_LEAKS_H
#define COFFERDAM_LEAKS_H

#include "tree.h"

/* Sends a REPORT_LEAK for each process that still lives (the first 64 of them). */
void leaks_report_processes(int channel, const struct tree_view *view);
/* The same for POSIX semaphores and shared memory, and for SysV objects. */
void leaks_report_objects(int channel);

#endif
