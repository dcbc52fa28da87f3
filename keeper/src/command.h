/* Starting the command inside a task: what happens between fork and exec. */
#ifndef COFFERDAM_COMMAND_H
#define COFFERDAM_COMMAND_H

#include <signal.h>
#include <sys/types.h>

#include "init.h"

/*
 * Once for an init, whose signals are all blocked: what its commands inherit of it. When memory runs
 * out on the machine, the kernel should take a task and not its supervisor; of a task, a process that
 * is larger than its init. And commands get default signals.
 */
void command_prepare(const sigset_t *ignored);

/*
 * Forks and executes. Returns the pid after exec has succeeded; -1 when it failed, and the keeper
 * has then been told which step it was ("fork", "cwd", "exec").
 */
pid_t command_start(const struct init_setup *setup);

/* The signals that the caller ignores: exec would hand that on, and commands get default ones. */
sigset_t signals_ignored(void);

/* Makes a process group the terminal's foreground one. Harmless without a terminal. */
void terminal_give(pid_t group);

#endif
