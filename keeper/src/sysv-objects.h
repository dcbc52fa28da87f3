/* System V semaphores, shared memory and message queues of the machine. See shared-objects.h. */
#ifndef COFFERDAM_SYSV_OBJECTS_H
#define COFFERDAM_SYSV_OBJECTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "object-report.h"

void sysv_objects_begin(void);
/* `is_of_task` says whether a pid was a process of the task, and no other process has it now. */
void sysv_objects_end(struct object_report *report, bool (*is_of_task)(pid_t pid));

#endif
