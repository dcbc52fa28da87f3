/* Finding out what can be had here, by doing it. */
#ifndef COFFERDAM_PROBE_H
#define COFFERDAM_PROBE_H

#include "task.h"

/*
 * Starts an init in that way and lets it set itself up. NULL: it works; else the step that failed,
 * with errno. Leaves the way in keeper->tree.
 */
const char *probe_tree(struct keeper *keeper, enum tree_kind tree, bool *proc_own);

/* Prints a line for each mechanism: name, ok or failed or weak, detail; by tabs. For the doctor. */
int probe_report(void);

#endif
