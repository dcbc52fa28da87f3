/*
 * Outside namespaces: what becomes the keeper's own child because the init that held it was killed.
 * Nobody else can reap these, so a pid among them is never another's. Whose they were is not known:
 * a task that lost its init waits until none of them is left.
 */
#ifndef COFFERDAM_ORPHANS_H
#define COFFERDAM_ORPHANS_H

#include "task.h"

/*
 * Kills and reaps what there is. True: nobody was there. Python's resource trackers go last, so that
 * they can unlink the semaphores of the others.
 */
bool orphans_kill(struct keeper *keeper);
/* The same once in a while as long as a task waits for it; ends the tasks that need wait no more. */
void orphans_tick(struct keeper *keeper, uint64_t now);
/* When orphans_tick has something to do next; 0: never. */
uint64_t orphans_next_time(const struct keeper *keeper);
/* A task begins to wait: it wants two looks of its own that find nobody. */
void orphans_begin(struct keeper *keeper);

#endif
