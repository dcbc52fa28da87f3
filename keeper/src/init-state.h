/* What an init knows of its task; shared by the parts of the init alone. */
#ifndef COFFERDAM_INIT_STATE_H
#define COFFERDAM_INIT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init.h"
#include "tree.h"

enum phase { RUNNING, SETTLING, TERMINATING, KILLING };

struct init {
	const struct init_setup *setup;
	struct tree_view view;
	pid_t command;
	bool command_gone;
	bool exit_told;
	int status;
	enum phase phase;
	uint64_t settle_at;
	uint64_t sample_at;
	uint64_t kill_began_at;
	bool keeper_gone;
	uint32_t reaped;
	uint32_t most;
	uint32_t killed;
	uint64_t peak;
	uint64_t user_us; /* of the reaped, and of those that they have reaped */
	uint64_t system_us;
	uint64_t largest; /* most that one of them had resident, bytes */
	struct tree_size last; /* what the last sample found */
	unsigned sample_ms;    /* from it to the next */
};

#endif
