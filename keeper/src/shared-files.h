/*
 * Objects with a name in a file system of the machine: /dev/shm (semaphores, shared memory) and the
 * message queues. See shared-objects.h.
 */
#ifndef COFFERDAM_SHARED_FILES_H
#define COFFERDAM_SHARED_FILES_H

#include "object-report.h"
#include "tree.h"

void shared_files_begin(void);
/* Whether there is one of which it is not known whose it is. */
bool shared_files_has_unknown(void);
/* Notes which of them a process of the task has open or mapped. */
void shared_files_look_at(const struct tree_view *view, pid_t pid);
void shared_files_end(struct object_report *report, const struct tree_view *view);

#endif
