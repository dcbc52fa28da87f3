/*
 * Outside an IPC namespace: what a task left among the machine's own objects. Removed is only what
 * is proved to be the task's; the rest that appeared meanwhile is told, and left alone:
 *
 *   /dev/shm,       appeared during the task, is our user's, was seen open or mapped by a process of
 *   queues          the task, and no other process holds it now
 *   SysV shm        appeared during the task, its creator was a process of the task, nobody is attached
 *   SysV sem, msg   appeared during the task without a key that others could know, and only
 *                   processes of the task have used it (the kernel does not keep who made it)
 */
#ifndef COFFERDAM_SHARED_OBJECTS_H
#define COFFERDAM_SHARED_OBJECTS_H

#include "tree.h"

/* Before the command starts: what is there already is not the task's. */
void shared_objects_begin(void);
/* Notes which new files the processes of the tree hold. Cheap where nothing is new. */
void shared_objects_look(const struct tree_view *view);
/* A process that was the task's, and its children's, is known by its pid. */
void shared_objects_note_pid(pid_t pid);
/*
 * Once all processes are gone: removes, and sends a REPORT_LEAK for each. Where nobody looked
 * meanwhile nothing is proved, and all that appeared is told.
 */
void shared_objects_end(int channel, const struct tree_view *view);

#endif
