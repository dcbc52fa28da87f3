/* The control socket: requests come in, events go out. */
#ifndef COFFERDAM_CONTROL_H
#define COFFERDAM_CONTROL_H

#include "task.h"

#define CONTROL 3
/* A socket for the first task that needs one, so that it waits for no other. */
#define FIRST_CHANNEL 7
/* Between two SAMPLE events. */
#define SAMPLE_EVERY_MS 100

/* Does what was asked. False: the other side is gone or talks nonsense, and all must end. */
bool control_read(struct keeper *keeper);
/* Sends what there is, and watches for room where there is none. False: the other side is gone. */
bool control_write(struct keeper *keeper);
/* A SAMPLE of all tasks together, where it is time for one. */
void control_tell_samples(struct keeper *keeper, uint64_t now);

#endif
