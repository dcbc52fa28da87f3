/* What of a task the kernel does not let die. */
#ifndef COFFERDAM_STUCK_H
#define COFFERDAM_STUCK_H

#include <sys/types.h>

#include "wire.h"

/* Adds a TAG_STUCK field for the init and for each living process below it. */
void stuck_describe(struct buffer *out, pid_t init);

#endif
