/* One task of an init, from its command's start until its last process has been reaped. */
#ifndef COFFERDAM_INIT_TASK_H
#define COFFERDAM_INIT_TASK_H

#include "init-state.h"

/* Starts the command, and ends the init where that fails: the keeper has then been told. */
void init_task_start(struct init *init, struct init_setup *setup);
/* Reaps, obeys, samples, and kills what outlives the settle time, until nothing of it is left. */
void init_task_supervise(struct init *init, int signals);

#endif
