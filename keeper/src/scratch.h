/*
 * The scratch folders of tasks, t1, t2 and so on in the run's folder. Making and removing a folder
 * is a good part of a start's price, so one that its task left as it got it is kept aside, under
 * another name, for a later task.
 */
#ifndef COFFERDAM_SCRATCH_H
#define COFFERDAM_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Enough for "t" and a task's number. */
#define SCRATCH_NAME_MAX 24

struct scratch {
	int run_dir;
	/* Only where no process of an ended task can still be there to look into the next one's. */
	bool recycles;
	unsigned spare; /* folders kept aside */
};

void scratch_name(char into[SCRATCH_NAME_MAX], uint32_t task);
/* False: errno. */
bool scratch_make(struct scratch *scratch, uint32_t task);
/* Of a task whose processes are all gone. False: there is something in it; see remove_tree. */
bool scratch_put_away(struct scratch *scratch, uint32_t task);

#endif
