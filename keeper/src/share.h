/*
 * Tasks that share an IPC namespace and a /dev/shm: those of one scope, by `ipc: "scope"`.
 *
 * The namespaces are held by the init of a task of its own, whose command is a name alone. It is
 * told as started once they are complete, and then another task joins by being cloned from inside
 * them. When the holder is told to end it says what lies in them; with the last process in them they
 * go, whoever was killed.
 */
#ifndef COFFERDAM_SHARE_H
#define COFFERDAM_SHARE_H

#include <linux/sched.h>

#include "init.h"

/* The holder's life, once it is in its namespaces: until the keeper orders its end, or is gone. */
_Noreturn void share_hold(const struct init_setup *setup);

/*
 * Clones an init into the namespaces of the process behind HOLDER, as our own child, and opens its
 * pidfd. USERS: the holder has a user namespace of its own. -1: errno.
 */
pid_t share_clone(int holder, bool users, struct clone_args *args, const struct init_setup *setup,
		  int *pidfd);

#endif
