/* The end of the keeper, and of everything with it. */
#ifndef COFFERDAM_SHUTDOWN_H
#define COFFERDAM_SHUTDOWN_H

#include "task.h"

/*
 * Ends all tasks at once, then waits for each init: only then is everything gone. Gives the keeper's
 * exit code: 0 all gone, 1 some process is stuck, 2 the run's folder could not be removed.
 */
int end_all(struct keeper *keeper);

#endif
