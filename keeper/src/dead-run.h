/* What a run that is known to be dead has left, by what its ledger says. */
#ifndef COFFERDAM_DEAD_RUN_H
#define COFFERDAM_DEAD_RUN_H

#include <stdbool.h>

#include "ledger.h"

enum remains {
	REMAINS_NOTHING,
	REMAINS_CGROUP,	 /* something of the run's cgroup is left */
	REMAINS_UNKNOWN, /* nobody can say from here whether something of it lives */
};

/* Whether nobody can say from here what is left of the run. Changes nothing. */
bool dead_run_is_elsewhere(int ledger);
/* Ends what is left of the run, but for its folder. */
enum remains dead_run_end(int ledger, const char *run, struct sweep_result *result);

#endif
