/*
 * Inits that wait for a task: the one that proved at the keeper's start what can be had here, and
 * those whose task has ended and that have proved that their namespaces are as new. They are ours
 * like any other init: a dead keeper takes them with it, the ledger names them until they have been
 * waited for, and they do not wait for long.
 */
#ifndef COFFERDAM_SPARES_H
#define COFFERDAM_SPARES_H

#include "probe.h"
#include "task.h"

/* How long an init waits for another task. */
#define SPARE_MS 1000

/* Takes over one that has had no task yet. It ends where that cannot be. */
void spares_adopt(struct keeper *keeper, const struct probed_init *init);
/* Takes over the init of a task that has ended by itself. False: it must be ended as ever. */
bool spares_keep(struct keeper *keeper, struct task *task);
/*
 * Hands the task to one that waits and whose namespaces are as it wants them; it is then the task's
 * init. False: none could take it, and it needs a new one. Of those that do not fit one ends.
 */
bool spares_engage(struct keeper *keeper, struct task *task, const struct wire_frame *frame,
		   const struct init_setup *setup);
/* It can be waited for. */
void spares_on_death(struct keeper *keeper, struct spare *spare);
/* Ends those that have waited long enough. */
void spares_tick(struct keeper *keeper, uint64_t now);
/* When spares_tick has something to do next; 0: never. */
uint64_t spares_next_time(const struct keeper *keeper);
/* Frees those that are no more; after a round of events, some of which may still have been about them. */
void spares_free_ended(struct keeper *keeper);
/* At the keeper's end: kills all. */
void spares_force(const struct keeper *keeper);
/* Whether all have been waited for; `waiting` is then -1, else one that has not been. */
bool spares_gone(struct keeper *keeper, int *waiting);

#endif
