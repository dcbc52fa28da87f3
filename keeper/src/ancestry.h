/* Who started whom, also after those in between have ended: remembered from samples. */
#ifndef COFFERDAM_ANCESTRY_H
#define COFFERDAM_ANCESTRY_H

#include "init.h"
#include "tree.h"

/* Notes the processes of the tree that were not seen before. */
void ancestry_note(const struct tree_view *view);
/* Another task begins: its pids are other processes. */
void ancestry_forget(void);

/*
 * Fills the report of a leaked process: its name, age, memory, parent, and the programs between it
 * and the task's command, the nearest first. `orphaned` where one of them ended unseen: then the
 * list has a gap before its last, which is the command.
 */
void ancestry_describe(const struct tree_view *view, pid_t pid, const struct init_setup *setup,
		       pid_t command, struct init_report *report);

#endif
