/* What an init tells of the machine's objects that a task left. */
#ifndef COFFERDAM_OBJECT_REPORT_H
#define COFFERDAM_OBJECT_REPORT_H

#include <time.h>

#include "init.h"

struct object_report {
	int channel;
	unsigned removed; /* so many have been told */
	unsigned left;
};

struct object_found {
	enum leak_kind kind;
	const char *name;
	uint64_t bytes;
	struct timespec changed;
	const char *how; /* by what it was proved to be the task's, and removed; NULL: it was left */
};

/* Sends a REPORT_LEAK for one object; of either sort at most 64. */
void object_report_tell(struct object_report *report, const struct object_found *found);
/* Objects of this kind could not be looked at: what there is of them is not known. */
void object_report_unseen(const struct object_report *report, enum leak_kind kind);

/* "shm 5", or "shm 5 key 0x0000002a" where others can find it by a key. */
#define SYSV_NAME_MAX 48
void sysv_name(char into[SYSV_NAME_MAX], const char *kind, int id, int key);

/* Milliseconds since that time by the clock on the wall; 0 if it is to come. */
uint64_t milliseconds_since(struct timespec then);

#endif
