/* How an init watches the memory and the number of its task's processes. */
#ifndef COFFERDAM_INIT_SAMPLE_H
#define COFFERDAM_INIT_SAMPLE_H

#include "init-state.h"

#define SAMPLE_FIRST_MS 20

/* Looks, tells, kills what is above a bound; and sets when to look again. */
void init_sample(struct init *init);

#endif
