/*
 * How a keeper hands an init that waits its next task. One packet:
 *
 *   struct next_task | the fields of the START frame
 *
 * and beside it (SCM_RIGHTS) those of the task's six descriptors that are not the null device.
 */
#ifndef COFFERDAM_NEXT_TASK_H
#define COFFERDAM_NEXT_TASK_H

#include <stddef.h>

#include "init.h"
#include "wire.h"

/* What has more in its frame (a big environment) gets a new init. */
#define NEXT_TASK_FRAME_MAX 65536
/* The command's 0 to 5. */
#define NEXT_TASK_DESCRIPTORS 6

struct next_task {
	struct init_order order; /* ORDER_NEXT; `value` is the task's id */
	uint32_t given;		 /* a bit for each descriptor that is sent, lowest first */
};

/* The keeper's part. False: the init did not take it; errno says why. */
bool next_task_send(int channel, const struct wire_frame *frame, const struct init_setup *setup);

/*
 * The init's part: waits until there is one and makes it the setup's. Ends the init where there is
 * none to come. Orders about the task before it are of no interest any more.
 */
void next_task_receive(struct init_setup *setup);

/* Before the first of them, so that what is received is above all that a command gets. */
void next_task_reserve_descriptors(int null_device);

#endif
