/* How an init ends what is left of its task. */
#ifndef COFFERDAM_INIT_KILL_H
#define COFFERDAM_INIT_KILL_H

#include "init-state.h"

/* Between two rounds of killing, for the dead to be reaped and their children to become ours. */
#define HUNT_MS 1

/* Once: afterwards the init is KILLING. In a namespace nothing gets away from it. */
void init_kill_everything(struct init *init);

/*
 * One round of killing without a namespace. Only our own children, which nobody else can reap, so
 * that a pid is never another's; the children of the dead become ours, and are next. Python's
 * resource tracker goes last: it unlinks the semaphores of the others once they are gone. What is not
 * a child yet may go on making objects until its round comes, so each begins with a look.
 */
void init_hunt_children(struct init *init);

#endif
