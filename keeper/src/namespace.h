/* The parts of an init's setup that make the namespace what it promises. */
#ifndef COFFERDAM_NAMESPACE_H
#define COFFERDAM_NAMESPACE_H

#include <stdbool.h>

#include "init.h"

/*
 * Dies with the keeper from here on, or at once if it is dead already. In a new PID namespace
 * getppid() is 0 whether the parent lives or not, so only the keeper's pidfd can tell (and it is
 * looked at after the death signal is set, which the last change of credentials clears).
 */
void namespace_bind_to_keeper(int keeper_pidfd);

/*
 * Maps our own user and group (nobody else) where there is a new user namespace, makes mounts
 * private to us, mounts /dev/shm and /proc. NULL on success; else the step that failed, with errno.
 * *proc_own: /proc shows this namespace alone.
 */
const char *namespace_enter(const struct init_setup *setup, bool *proc_own);

/*
 * Lets the next process get this pid. Every namespace starts at the same small pids, and then
 * `out.$$` of eight tasks is one file. A kernel that refuses costs that comfort, not containment.
 * `last_pid` is the keeper's descriptor of ns_last_pid, which is about the namespace of who writes.
 */
void namespace_move_pids(int last_pid, uint32_t first_pid);

#endif
