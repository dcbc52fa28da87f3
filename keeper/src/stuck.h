/* What of a task does not do as it is told: it is held, or the kernel does not let it die. */
#ifndef COFFERDAM_STUCK_H
#define COFFERDAM_STUCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire.h"

/* Whether a process is stopped, by a signal or by its tracer. */
bool is_held(pid_t pid);

/* Processes below an init, those included that are dead and not yet reaped. */
unsigned count_below(pid_t init);

/* Adds a TAG_STUCK field for the init and for each living process below it. */
void stuck_describe(struct buffer *out, pid_t init);

#endif
