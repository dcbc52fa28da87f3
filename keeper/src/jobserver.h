/* A GNU make jobserver: a fifo with a token for each job but the first. */
#ifndef COFFERDAM_JOBSERVER_H
#define COFFERDAM_JOBSERVER_H

#include <stdint.h>

/*
 * Makes the fifo .jobserver in a folder of DIR, with the tokens for so many jobs, and opens it for
 * reading and writing. It keeps its tokens for as long as somebody has it open. -1: errno.
 */
int jobserver_open(int dir, const char *folder, uint64_t jobs);

/* Removes it, so that the folder is again as it was. */
void jobserver_remove(int dir, const char *folder);

#endif
